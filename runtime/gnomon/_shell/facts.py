"""What a process is made of, as far as another must agree with it: Python, gnomon, the packages that pickles need."""

from __future__ import annotations

import os
import platform
import sys

import msgspec

PACKAGES = ("cloudpickle", "msgspec", "pyzmq", "numpy", "pandas", "pyarrow", "scipy")
"""Those whose objects, or whose messages, travel."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Of one process. Every field has a default, so that other versions of gnomon can read it.

    Attributes:
        packages: versions by name; what is not installed is not there.
        names: the public names of gnomon.
    """

    python: str = ""
    implementation: str = ""
    gnomon: str = ""
    machine: str = ""
    packages: dict[str, str] = {}
    names: list[str] = []
    user: int = -1


def facts() -> Facts:
    """Of this process."""
    package = sys.modules["gnomon"]
    return Facts(
        python=platform.python_version(),
        implementation=platform.python_implementation(),
        gnomon=str(getattr(package, "__version__", "")),
        machine=platform.machine(),
        packages={name: version for name in PACKAGES if (version := _version(name))},
        names=sorted(getattr(package, "__all__", ())),
        user=os.getuid(),
    )


def _version(package: str) -> str:
    from importlib import metadata  # takes long, and only who asks needs it

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""
