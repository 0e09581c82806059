"""A driver to be killed: tasks run, actors live, and each of them has started processes of its own.

Usage: python -m gnomon.testing.storms.doomed_driver NOTES. Every process writes its pid into NOTES; then the driver says "session
directory".
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import gnomon
from gnomon._api import session

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def _note(notes: str, name: str, pid: int) -> None:
    path = Path(notes) / f"{name}-{pid}"
    path.with_suffix(".new").write_text(str(pid))
    path.with_suffix(".new").rename(path)


def _start_children(notes: str) -> None:
    """A plain child, one with a session of its own, and a daemon: a grandchild whose parent has gone."""
    _note(notes, "plain", subprocess.Popen(SLEEP).pid)
    _note(notes, "setsid", subprocess.Popen(SLEEP, start_new_session=True).pid)
    child = os.fork()
    if child == 0:
        os.setsid()
        daemon = os.fork()
        if daemon == 0:
            os.execv(SLEEP[0], SLEEP)
        _note(notes, "daemon", daemon)
        os._exit(0)
    os.waitpid(child, 0)


@gnomon.remote
def _busy(notes: str) -> None:
    _start_children(notes)
    _note(notes, "task", os.getpid())
    while True:
        sum(range(1000))


class _Keeping:
    def __init__(self, notes: str) -> None:
        _start_children(notes)
        _note(notes, "actor", os.getpid())

    def nested(self, notes: str) -> None:
        self.inner = _KEEPER.remote(notes)

    def sleep(self) -> None:
        threading.Event().wait(600)


_KEEPER: Any = gnomon.remote(num_cpus=0)(_Keeping)


def main() -> None:
    """Be the driver until killed."""
    notes = sys.argv[1]
    gnomon.init(engine="local", num_cpus=2, object_store_memory=64 * 2**20, log_to_driver=False)
    kept = [gnomon.put(bytes(1_000_000)), *[_busy.remote(notes) for _ in range(10)]]
    keeper = _KEEPER.remote(notes)
    gnomon.get(keeper.nested.remote(notes))
    kept.append(keeper.sleep.remote())
    engine = session.engine()
    sys.stdout.write(f"{engine.info.session} {engine.info.directory}\n")
    sys.stdout.flush()
    gnomon.get(kept)


if __name__ == "__main__":
    main()
