"""What a test may not leave behind: threads, files and child processes of this process, and in a local session that
goes on after it references, tasks, leases, resources and room in its store.

Nothing of gnomon is imported here: the contract suite also runs where ``import gnomon`` is Ray.
"""

import gc
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SETTLE_S = 20.0
"""How long what a test has ended may take to be gone."""

_STORY_CHARACTERS = 2_000

Count = Callable[[], set[str]]


def threads() -> set[str]:
    """Names of the living threads of this process."""
    return {thread.name for thread in threading.enumerate() if thread.is_alive()}


def files() -> set[str]:
    """Open file descriptors of this process, and what each is."""
    found = set()
    for number in os.listdir("/proc/self/fd"):
        try:
            found.add(f"{number} -> {os.readlink(f'/proc/self/fd/{number}')}")
        except OSError:  # the listing's own descriptor
            continue
    return found


def children() -> set[str]:
    """Pids of the children of this process."""
    found = set()
    for task in Path("/proc/self/task").iterdir():
        try:
            found.update((task / "children").read_text().split())
        except OSError:  # the thread has just ended
            continue
    return found


_PAGE_BYTES = 4096

_PAGES_MAX = 10_000
"""As many of a store's pages are told apart."""


def held() -> set[str]:
    """What this process's local session holds, for itself or at its node; nothing without one."""
    engine: Any = getattr(sys.modules.get("gnomon._api.session"), "current", None)
    role = getattr(getattr(engine, "core", None), "role", None)
    if role is None:
        return set()
    tables = {
        "object": role.references.entries,
        "value": role.references.values,
        "task": role.tasks.records,
        "call": role.calls.records,
        "generator": role.streams.streams,
        "lease of": role.tasks.dispatch.leased,
    }
    found = {f"{name} {key.hex()}" for name, table in tables.items() for key in list(table)}
    for report in engine.view.reports():
        pages = min(report.store_used // _PAGE_BYTES, _PAGES_MAX) if report.alive else 0
        found |= {f"page {page} of a store" for page in range(pages)}
        for name, units in report.resources.items():
            if (free := report.available.get(name, 0)) < units:
                found.add(f"{name} of which only {free} of {units} is available")
    return found


ALL: dict[str, Count] = {"threads": threads, "files": files, "processes": children, "session": held}


@contextmanager
def nothing_is_left(watched: dict[str, Count] = ALL, limit_s: float = SETTLE_S) -> Iterator[None]:
    """Fail when there is more at the end than at the start, once things have had time to end.

    Args:
        watched: what to look at, by name.
        limit_s: how long that may take.

    Raises:
        AssertionError: names what is left.
    """
    before = {what: now() for what, now in watched.items()}
    yield
    deadline = time.monotonic() + limit_s
    while left := {what: more for what, now in watched.items() if (more := now() - before[what])}:
        assert time.monotonic() < deadline, f"left behind: {left}"[:_STORY_CHARACTERS]
        gc.collect()  # sockets and loops in cycles close when they are collected
        threading.Event().wait(0.01)
