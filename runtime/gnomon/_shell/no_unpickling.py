"""Head and node never unpickle: what users send is bytes to them, and code only where users' code runs anyway.

It is a promise of the whole design, so it is enforced: a process that has called ``refuse`` can look up no class
for a pickle. A violation is a fault of ours; the suite sets ``NOTES_VARIABLE`` and finds each as a note in that
folder, even where somebody has caught the error.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

from gnomon.exceptions import InternalError

NOTES_VARIABLE = "GNOMON_UNPICKLING_NOTES"
"""The environment variable that names the folder for notes; without it none are left."""

_EVENT = "pickle.find_class"


def refuse(process: str) -> None:
    """From now on this process can not unpickle anything that names a class or function.

    Args:
        process: what to call it; its note is ``<process>-<pid>``, empty while nothing has happened.

    Raises:
        OSError: the folder for notes can not be written to.
    """
    folder = os.environ.get(NOTES_VARIABLE)
    note = Path(folder, f"{process}-{os.getpid()}") if folder else None
    if note is not None:
        note.touch()

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event != _EVENT:
            return
        name = ".".join(map(str, arguments))
        if note is not None:
            note.write_text(f"{name}\n{''.join(traceback.format_stack())}")
        raise InternalError(f"the {process} process has begun to unpickle {name}")

    sys.addaudithook(hook)
