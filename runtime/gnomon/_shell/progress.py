"""The progress page: the first bytes of the arena, where each worker notes the task it has begun last.

When a worker is killed, nobody can ask it what it had begun. Its slot tells: tasks pushed after that one
have not run, and are run elsewhere at no cost to their retries. Noting is one copy of 16 bytes, no system
call.
"""

from __future__ import annotations

from gnomon._store.arena import Arena
from gnomon.ids import TASK_ID_BYTES, TaskID

SLOTS = 8192
_NOTHING = bytes(TASK_ID_BYTES)


class ProgressPage:
    """All slots, as the node sees them."""

    size_bytes = SLOTS * TASK_ID_BYTES

    def __init__(self, arena: Arena) -> None:
        self._memory = arena.window(0, self.size_bytes)
        self._free = list(range(SLOTS - 1, -1, -1))

    def take(self) -> int:
        """A slot for a new worker."""
        slot = self._free.pop()
        self._memory[slot * TASK_ID_BYTES : (slot + 1) * TASK_ID_BYTES] = _NOTHING
        return slot

    def give(self, slot: int) -> None:
        """The worker is gone."""
        self._free.append(slot)

    def read(self, slot: int) -> TaskID | None:
        """The task that the slot's worker has begun last."""
        found = bytes(self._memory[slot * TASK_ID_BYTES : (slot + 1) * TASK_ID_BYTES])
        return None if found == _NOTHING else TaskID(found)


class ProgressNote:
    """One slot, as its worker sees it."""

    def __init__(self, arena: Arena, slot: int) -> None:
        offset = slot * TASK_ID_BYTES
        self._memory = arena.window(offset, TASK_ID_BYTES)

    def begin(self, task: TaskID) -> None:
        """``task`` (by ``attempt_id``) begins now."""
        self._memory[:] = task
