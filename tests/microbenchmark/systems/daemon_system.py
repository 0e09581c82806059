"""A system with a process that outlives its driver: in a session of its own, and not ended by shutdown."""

import subprocess
import sys

from serial_system import get, put, remote, wait  # noqa: F401


def init():
    wait_for_ever = "import threading; print('up', flush=True); threading.Event().wait()"
    daemon = subprocess.Popen(
        [sys.executable, "-c", wait_for_ever], stdout=subprocess.PIPE, start_new_session=True
    )
    daemon.stdout.readline()


def shutdown():
    pass
