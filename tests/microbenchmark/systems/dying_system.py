"""A system whose process ends when a task is submitted and goes on otherwise."""

import os

from serial_system import Class, get, init, put, shutdown, wait  # noqa: F401


class Deadly:
    def __init__(self, function):
        self.function = function

    def remote(self):
        print("about to end", flush=True)
        os._exit(7)


def remote(what=None, num_cpus=1):
    if what is None:
        return remote
    return Class(what) if isinstance(what, type) else Deadly(what)
