"""Where in a program's files work is submitted, for those who ask for it.

In a notebook every submission is stamped with its cell. Elsewhere looking up the file would cost each task
something, so it is done only with the setting ``record_call_sites``: the origin is then ``FILES``, whose empty
label means "the file of whoever calls".
"""

from __future__ import annotations

import os
import sys
from typing import Final

from gnomon._engine.base import Origin

FILES: Final = Origin("", "")

_OWN = os.path.dirname(os.path.dirname(os.path.abspath(__file__))) + os.sep


def label_of(origin: Origin) -> str:
    """The label of a cell; or the name of the file whose code has called the runtime."""
    if origin.label:
        return origin.label
    frame = sys._getframe(1)
    while frame.f_code.co_filename.startswith(_OWN) and frame.f_back is not None:
        frame = frame.f_back
    return os.path.basename(frame.f_code.co_filename)
