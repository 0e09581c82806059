"""The progress page: the first bytes of the arena, where each worker notes the task it has begun last.

When a worker is killed, nobody can ask it what it had begun. Its slot tells: tasks pushed after that one
have not run, and are run elsewhere at no cost to their retries. Noting is one copy of 16 bytes, no system
call.

Beside it lies how long the worker's logs were when what it runs had begun, so that a death is not told with
the words of the tasks before. That is noted only by a worker which has printed since.
"""

from __future__ import annotations

import struct

from gnomon._store.arena import Arena
from gnomon.ids import TASK_ID_BYTES, TaskID

SLOTS = 8192
_MARKS = struct.Struct("<QQ")  # bytes of stdout's and stderr's log
_SLOT_BYTES = TASK_ID_BYTES + _MARKS.size
_NOTHING = bytes(_SLOT_BYTES)


class ProgressPage:
    """All slots, as the node sees them."""

    size_bytes = SLOTS * _SLOT_BYTES

    def __init__(self, arena: Arena) -> None:
        self._memory = arena.window(0, self.size_bytes)
        self._free = list(range(SLOTS - 1, -1, -1))

    def take(self) -> int:
        """A slot for a new worker."""
        slot = self._free.pop()
        self._memory[slot * _SLOT_BYTES : (slot + 1) * _SLOT_BYTES] = _NOTHING
        return slot

    def give(self, slot: int) -> None:
        """The worker is gone."""
        self._free.append(slot)

    def read(self, slot: int) -> TaskID | None:
        """The task that the slot's worker has begun last."""
        start = slot * _SLOT_BYTES
        found = bytes(self._memory[start : start + TASK_ID_BYTES])
        return TaskID(found) if any(found) else None

    def output_marks(self, slot: int) -> tuple[int, int]:
        """How many bytes its logs (stdout, stderr) had when what the slot's worker runs had begun."""
        out, err = _MARKS.unpack_from(self._memory, slot * _SLOT_BYTES + TASK_ID_BYTES)
        return out, err


class ProgressNote:
    """One slot, as its worker sees it."""

    def __init__(self, arena: Arena, slot: int) -> None:
        offset = slot * _SLOT_BYTES
        self._memory = arena.window(offset, TASK_ID_BYTES)
        self._marks = arena.window(offset + TASK_ID_BYTES, _MARKS.size)

    def begin(self, task: TaskID) -> None:
        """``task`` (by ``attempt_id``) begins now."""
        self._memory[:] = task

    def mark_output(self, out: int, err: int) -> None:
        """What begins now finds so many bytes in the worker's logs."""
        _MARKS.pack_into(self._marks, 0, out, err)
