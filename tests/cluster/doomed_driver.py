"""A driver to be killed: tasks run, actors live, and each of them has started processes of its own.

Usage: doomed_driver.py NOTES. Every process writes its pid into NOTES; then the driver says "session
directory"."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import gnomon
from gnomon._api import session

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]


def note(notes: str, name: str, pid: int) -> None:
    path = Path(notes) / f"{name}-{pid}"
    path.with_suffix(".new").write_text(str(pid))
    path.with_suffix(".new").rename(path)


def start_children(notes: str) -> None:
    """A plain child, one with a session of its own, and a daemon: a grandchild whose parent has gone."""
    note(notes, "plain", subprocess.Popen(SLEEP).pid)
    note(notes, "setsid", subprocess.Popen(SLEEP, start_new_session=True).pid)
    child = os.fork()
    if child == 0:
        os.setsid()
        daemon = os.fork()
        if daemon == 0:
            os.execv(SLEEP[0], SLEEP)
        note(notes, "daemon", daemon)
        os._exit(0)
    os.waitpid(child, 0)


@gnomon.remote
def busy(notes: str) -> None:
    start_children(notes)
    note(notes, "task", os.getpid())
    while True:
        sum(range(1000))


@gnomon.remote(num_cpus=0)
class Keeper:
    def __init__(self, notes: str) -> None:
        start_children(notes)
        note(notes, "actor", os.getpid())

    def nested(self, notes: str) -> None:
        self.inner = Keeper.remote(notes)

    def sleep(self) -> None:
        threading.Event().wait(600)


def main() -> None:
    notes = sys.argv[1]
    gnomon.init(engine="local", num_cpus=2, object_store_memory=64 * 2**20, log_to_driver=False)
    kept = [gnomon.put(bytes(1_000_000)), *[busy.remote(notes) for _ in range(10)]]
    keeper = Keeper.remote(notes)
    gnomon.get(keeper.nested.remote(notes))
    kept.append(keeper.sleep.remote())
    engine = session.engine()
    sys.stdout.write(f"{engine.info.session} {engine.info.directory}\n")
    sys.stdout.flush()
    gnomon.get(kept)


if __name__ == "__main__":
    main()
