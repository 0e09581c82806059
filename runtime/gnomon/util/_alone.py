"""Waiting on the inline engine: an error in place of a wait that nothing can end.

There, all runs in this process, one thing after another. A queue's call that waits can only be ended by
another thread of the user's, or by a call of an async actor; when there is neither, nobody ever will. Only
what is certain is an error: as long as anybody else might be at work, the wait goes on.
"""

from __future__ import annotations

import threading
from typing import Any, Final

from gnomon._api import session
from gnomon._api.objects import cancel, get, wait
from gnomon._core.ledger import Ledger, TaskState
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import DeadlockError, TaskCancelledError

LOOK_PERIOD_S: Final = 0.05
"""How often a wait looks whether anybody else is left."""

_INFRASTRUCTURE: Final = ("IPython", "ipykernel", "zmq", "tornado", "jupyter", "debugpy", "_pydev", "tqdm")
"""Packages whose threads never call the user's code while a cell runs."""

_LOOP_THREAD: Final = "gnomon-inline-loop"

_THREAD_NAMES: Final = frozenset({"IOPub", _LOOP_THREAD})


def get_unless_alone(ref: ObjectRef[Any], waiting: str) -> Any:
    """``get(ref)`` for a call of an async actor.

    Args:
        ref: the result of the call.
        waiting: empty for a call that ends by itself; for one that waits until another call ends it, how the
            names of calls begin that only wait, like this one.

    Raises:
        DeadlockError: on the inline engine, nobody is left to end it.
    """
    engine = session.engine()
    if engine.name != "inline":
        return get(ref)
    if threading.current_thread().name == _LOOP_THREAD:
        raise DeadlockError(
            "On the inline engine all async actors share one thread, which may not wait: await."
        )
    if not waiting:
        return get(ref)
    # twice: between a look at the threads and a look at the calls, one may have made the other
    seen = 0
    while not wait([ref], timeout=LOOK_PERIOD_S)[0]:
        seen = seen + 1 if _alone(engine.ledger, waiting) else 0
        if seen > 1:
            return _give_up(ref)
    return get(ref)


def _give_up(ref: ObjectRef[Any]) -> Any:
    cancel(ref)
    try:
        return get(ref)  # it may have ended just now
    except TaskCancelledError:
        raise DeadlockError from None


def _alone(ledger: Ledger, waiting: str) -> bool:
    """Whether neither another thread nor another call is left that could do something."""
    if any(_may_act(thread) for thread in threading.enumerate()):
        return False
    unfinished = sum(
        counts[TaskState.WAITING] + counts[TaskState.READY] + counts[TaskState.RUNNING]
        for name, counts in zip(list(ledger.names.entries), list(ledger.counts), strict=False)
        if not name.startswith(waiting)
    )
    return unfinished <= _enclosing(ledger)


def _may_act(thread: threading.Thread) -> bool:
    if thread is threading.current_thread() or thread.name in _THREAD_NAMES:
        return False
    return not type(thread).__module__.startswith(_INFRASTRUCTURE)


def _enclosing(ledger: Ledger) -> int:
    """How many calls the caller runs in."""
    task = session.engine().context().task_id
    number = ledger.parent(task) if task is not None else -1
    count = 0
    while number >= 0:
        count += 1
        number = ledger.tasks[number].parent
    return count
