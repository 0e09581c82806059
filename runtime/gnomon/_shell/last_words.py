"""The last words of a process that ends."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gnomon._shell.core_worker import CoreWorker


def say_all(core: CoreWorker, limit_s: float = 1.0) -> None:
    """Before this process ends: wait until its peers have received what it has sent.

    Otherwise the news of its end could be faster than its last words.
    """
    deadline = time.monotonic() + limit_s
    links = core.role.links.links
    never = threading.Lock()
    never.acquire()
    while time.monotonic() < deadline:
        with core.loop.lock:
            if not any(link.unacked for link in links.values()):
                return
        core.loop.wait(never, 0.005)
