"""The machine of this process, as far as views tell of it."""

from __future__ import annotations


def machine_memory() -> tuple[int, int]:
    """How much memory is in use here, and how much there is.

    Returns:
        Bytes in use and bytes in all: of the machine, or of the control group around this process if that is nearer
        to its limit. Pages of files that can be dropped do not count. (0, 0) where it can not be read.
    """
    from gnomon._shell.memory_usage import MemoryUsage  # a session that nobody looks at does not need it

    reading = MemoryUsage().read()
    return (0, 0) if reading is None else (reading.used, reading.limit)
