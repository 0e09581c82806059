"""What a view may do to what it shows: end a task, end an actor. Answers are sentences for its reader.

Called by whoever carries a view's messages, in any thread; nothing waits for the end of what is ended: the feed
tells of that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gnomon._core.ledger import Ledger, TaskState
from gnomon._engine.base import ActorBinding
from gnomon.ids import ActorID, TaskID

if TYPE_CHECKING:
    from gnomon._engine.base import Engine

_GONE = "That belongs to a session that has ended."


def why_unlisted(index: int, ledger: Ledger | None) -> str:
    """A sentence on a task that a view shows, and that is not in the list."""
    if ledger is not None and 0 <= index < ledger.numbers_given:
        return "This task has ended, and left the list for a newer one."
    return _GONE


def cancel_task(index: int, ledger: Ledger | None) -> str:
    """Cancel a listed task, and what it has submitted.

    Args:
        index: its number in ``ledger``.
        ledger: what the view shows.
    """
    engine = _engine_of(ledger)
    row = None if engine is None else engine.ledger.row(index)
    if engine is None or row is None:
        return why_unlisted(index, None if engine is None else engine.ledger)
    name = engine.ledger.names.entries[row.group]
    if row.state > TaskState.RUNNING:
        return f"{name} has ended already."
    engine.cancel_task(TaskID(row.task))
    running = row.state == TaskState.RUNNING
    return f"{name} is being interrupted." if running else f"{name} is being cancelled."


def kill_actor(identity: str, restart: bool, ledger: Ledger | None) -> str:
    """End an actor; calls that have not ended fail.

    Args:
        identity: its id in hex.
        restart: it may be restarted, if its ``max_restarts`` allows that.
        ledger: what the view shows.
    """
    engine = _engine_of(ledger)
    row = None if engine is None else engine.ledger.actors.get(identity)
    if engine is None or row is None:
        return _GONE
    name = str(row.get("class", "actor"))
    if row.get("state") == "dead":
        return f"{name} is dead already."
    engine.kill_actor(ActorBinding(ActorID(bytes.fromhex(identity)), name, {}, None), not restart)
    return f"{name} is being killed{', and restarted if it may be' if restart else ''}."


def _engine_of(ledger: Ledger | None) -> Engine | None:
    """The current engine, if it is the one whose ledger is shown."""
    from gnomon._api.session import current_engine

    engine = current_engine()
    return engine if engine is not None and engine.ledger is ledger else None
