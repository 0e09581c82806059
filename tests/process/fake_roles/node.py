from __future__ import annotations

import os
import select
from pathlib import Path

from gnomon._messages.session import SessionConfig, WorkerSpec
from gnomon._shell import lifeline
from gnomon._shell.zygote import WorkerForked, ZygoteClient, ZygoteLost
from gnomon.ids import WorkerID


def main(config: SessionConfig, zygote: ZygoteClient) -> None:
    """Fork a worker per behaviour of the plan, and note who is who; then serve until somebody is lost."""
    notes = Path(str(config.settings["notes"]))
    for name, pid in {"node": os.getpid(), "zygote": zygote.pid, "head": find_head(zygote.pid)}.items():
        note(notes, name, pid)
    for index, behaviour in enumerate(str(config.settings["plan"]).split()):
        environment = {"BEHAVIOUR": behaviour, "NOTES": str(notes)}
        zygote.fork(WorkerSpec(worker=WorkerID(index.to_bytes(8, "big")), environment=environment))
    watch = lifeline.watch(config.lifeline_fd)
    poller = select.poll()
    poller.register(watch, select.POLLIN)
    poller.register(zygote, select.POLLIN)
    while True:
        ready = {fd for fd, _ in poller.poll()}
        if watch.fileno() in ready:
            return
        for event in zygote.receive():
            if isinstance(event, ZygoteLost):
                return
            if not isinstance(event, WorkerForked):
                note(notes, f"exit-{event.worker.hex()}", event.code)


def find_head(zygote: int) -> int:
    children = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != zygote:
            try:
                fields = Path(f"/proc/{name}/stat").read_text().rpartition(") ")[2].split()
            except OSError:
                continue
            if int(fields[1]) == os.getpid():
                children.append(int(name))
    (head,) = children
    return head


def note(notes: Path, name: str, value: int) -> None:
    """Appear whole or not at all: whoever waits for the file may read it at once."""
    fresh = notes / f".{name}"
    fresh.write_text(str(value))
    fresh.rename(notes / name)
