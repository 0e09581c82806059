"""Which ipykernels gnomon works in: a kernel that hangs is told at ``%load_ext``, not by hanging."""

from __future__ import annotations

import sys

from IPython.core.error import UsageError

_FIRST, _MENDED = (7, 0), (7, 4)
"""Of these versions a kernel can leave a request unread until the next one comes; ipython/ipykernel#1529 mends it."""


def check_kernel() -> None:
    """Refuse an ipykernel in which cells would hang; outside of one there is nothing to check.

    Raises:
        UsageError: says which to install.
    """
    module = sys.modules.get("ipykernel")
    told = hangs(getattr(module, "__version__", "")) if module is not None else ""
    if told:
        raise UsageError(told)


def hangs(version: str) -> str:
    """What to say of an ipykernel of this version that may hang; "" of all others."""
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdecimal())
    if not _FIRST <= numbers < _MENDED:
        return ""
    return (
        f"gnomon does not work with ipykernel {version}: its versions 7.0 to 7.3 can leave a cell hanging. Install "
        "another one with: pip install 'ipykernel>=7.4' (or 'ipykernel<7'), and restart the kernel."
    )
