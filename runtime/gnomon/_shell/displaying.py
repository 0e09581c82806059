"""``display`` in a task: the name that a notebook's code uses without importing it, and IPython's function of that name.

Both lead to the kernel extension, which makes the pictures and tables and sends them to the submitting cell. IPython
is known here by name only, and is imported by user code or not at all: a finder waits for the module that defines
``display``, and hands it over when it is there. So it does with tqdm's bars for notebooks, whose widgets a task has not.
"""

from __future__ import annotations

import builtins
import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

_MODULES = ("IPython.core.display_functions", "tqdm.notebook")
_EXTENSION = "gnomon_kernel.task_display"


def install() -> None:
    """For this process, which runs tasks."""
    if not hasattr(builtins, "display"):
        builtins.display = _display  # type: ignore[attr-defined]
    there = [name for name in _MODULES if name in sys.modules]
    sys.meta_path.insert(0, _Finder({*_MODULES} - {*there}))
    for name in there:
        _hand_over(sys.modules[name])


def _display(*objects: Any, **options: Any) -> Any:
    """As in a notebook, where it is a builtin."""
    return importlib.import_module(_EXTENSION).display(*objects, **options)


def _hand_over(module: ModuleType) -> None:
    try:
        extension = importlib.import_module(_EXTENSION)
    except ImportError:  # the runtime alone is installed: display prints
        return
    extension.take_over(module)


class _Finder:
    """Finds a few modules the way that they are found anyway, and has each handed over."""

    def __init__(self, names: set[str]) -> None:
        self._names = names

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name not in self._names:
            return None
        self._names.discard(name)  # before it is asked for again, of the others
        spec = importlib.util.find_spec(name)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    """A module's own loader, and what is done once it has run."""

    def __init__(self, loader: Any) -> None:
        self._loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        made: ModuleType | None = self._loader.create_module(spec)
        return made

    def exec_module(self, module: ModuleType) -> None:
        self._loader.exec_module(module)
        _hand_over(module)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._loader, name)
