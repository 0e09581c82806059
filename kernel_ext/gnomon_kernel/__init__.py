"""gnomon's IPython extension: ``%load_ext gnomon``.

Magics, live views, output in the right cell, progress and interrupts. Workers import this package too (a
``%%remote`` cell's task lives in it), so that it imports nothing until a shell loads it.
"""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from gnomon_kernel.extension import KernelExtension

_loaded: weakref.WeakKeyDictionary[InteractiveShell, KernelExtension] = weakref.WeakKeyDictionary()


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Called by IPython for ``%load_ext gnomon``; does nothing when it is loaded already."""
    from gnomon_kernel.extension import KernelExtension

    if shell not in _loaded:
        extension = KernelExtension(shell)
        extension.load()
        _loaded[shell] = extension


def unload_ipython_extension(shell: InteractiveShell) -> None:
    """Called by IPython for ``%unload_ext gnomon``."""
    extension = _loaded.pop(shell, None)
    if extension is not None:
        extension.unload()


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "gnomon-lab"}]
