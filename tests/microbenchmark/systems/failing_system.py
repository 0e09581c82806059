"""A system that can not put, and everything else."""

from serial_system import get, init, remote, shutdown, wait  # noqa: F401


def put(value):
    raise MemoryError("no room for anything")
