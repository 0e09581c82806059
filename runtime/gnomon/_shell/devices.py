"""GPUs of this process: what its lease (or its actor) was given, shown to libraries by CUDA_VISIBLE_DEVICES.

A task without GPUs sees the variable as the worker was born with it, as in Ray 2.60.
"""

from __future__ import annotations

import os

VARIABLE = "CUDA_VISIBLE_DEVICES"


class VisibleDevices:
    """The variable, as it is and as it was."""

    def __init__(self) -> None:
        self.shown: tuple[int | str, ...] = ()
        self._born_with = os.environ.get(VARIABLE)

    def show(self, gpus: tuple[int | str, ...]) -> None:
        """From now on the code here may use ``gpus``; none of them stands for "as it was"."""
        if gpus:
            os.environ[VARIABLE] = ",".join(map(str, gpus))
        elif self._born_with is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = self._born_with
        self.shown = gpus
