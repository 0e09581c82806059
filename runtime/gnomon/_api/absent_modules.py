"""``import gnomon.util.placement_group``: the error says why there is no such module, as it does for names.

A finder at the end of ``sys.meta_path`` is asked only when nobody else has found a module.
"""

from __future__ import annotations

import sys
from typing import Any


class AbsentModules:
    """Finds nothing; refuses modules that Ray has and gnomon does not, with the reason."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> None:
        """Called by ``import``.

        Raises:
            ModuleNotFoundError: it is one of Ray's.
        """
        package, _, name = fullname.rpartition(".")
        if package not in ("gnomon", "gnomon.util"):
            return
        from gnomon._api.absent import reason_of  # only needed when something went wrong

        why = reason_of(package, name)
        if why:
            # without name=: with it, "from gnomon.util import ..." would put another, bare error in its place
            raise ModuleNotFoundError(f"No module named {fullname!r}: {why}.")


def install() -> None:
    """Once for the process."""
    if not any(type(finder).__name__ == AbsentModules.__name__ for finder in sys.meta_path):
        sys.meta_path.append(AbsentModules())
