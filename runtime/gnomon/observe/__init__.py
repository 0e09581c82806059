"""What happens in a session: live feed, rows, timeline. The same on every engine.

    feed()              snapshot and numbered deltas, for the live views
    tasks() actors() objects() nodes() summary() graph()    rows as they are now
    memory()                   every object and who holds it, by name; memory_text() as a table
    why(ref)                   why it is not there yet, or failed; what an actor does
    logs(ref)                  what a task or an actor has printed
    debug(ref)                 a failed task, run again in this process
    frame(rows)         the same as a pandas frame
    spans()             what ran where and when
    chrome_trace()      the same for a trace viewer
    check_address()     what of this process does not fit a cluster
    session_directory()        where the session's logs are
    hooks               how a notebook takes part

Without a session the feed is idle and the rows are empty.
"""

from __future__ import annotations

from functools import cache

from gnomon._api.explaining import debug, why
from gnomon._core.ledger import Ledger
from gnomon._engine.explanation import Explanation
from gnomon.observe import hooks
from gnomon.observe.backlog import PARTS
from gnomon.observe.feed import MESSAGES_PER_SECOND_MAX, Feed, Subscription
from gnomon.observe.memory_report import (
    MEMORY_GROUPS,
    MEMORY_SORTS,
    MEMORY_UNITS,
    MemoryReport,
    MemoryRow,
    ObjectHolder,
    memory,
    memory_text,
)
from gnomon.observe.mismatches import Mismatch, check_address, mismatches
from gnomon.observe.state import Graph, actors, frame, graph, nodes, objects, summary, tasks
from gnomon.observe.task_logs import TaskLogs, logs
from gnomon.observe.timeline import NO_SPANS, Span, Spans, chrome_trace, spans, write_chrome_trace

__all__ = [
    "MEMORY_GROUPS",
    "MEMORY_SORTS",
    "MEMORY_UNITS",
    "MESSAGES_PER_SECOND_MAX",
    "NO_SPANS",
    "PARTS",
    "Explanation",
    "Feed",
    "Graph",
    "MemoryReport",
    "MemoryRow",
    "Mismatch",
    "ObjectHolder",
    "Span",
    "Spans",
    "Subscription",
    "TaskLogs",
    "actors",
    "check_address",
    "chrome_trace",
    "debug",
    "feed",
    "frame",
    "graph",
    "hooks",
    "logs",
    "memory",
    "memory_text",
    "mismatches",
    "nodes",
    "objects",
    "session_directory",
    "spans",
    "summary",
    "tasks",
    "why",
    "write_chrome_trace",
]


@cache
def feed() -> Feed:
    """The feed of this process: it follows the current session, and the next one after it."""
    return Feed(follow=_followed)


def session_directory() -> str | None:
    """Where the session keeps its logs, in ``logs``; None without a session, or where it has no directory."""
    from gnomon._api.session import current_engine

    engine = current_engine()
    return None if engine is None else engine.info.directory


def _followed() -> tuple[Ledger, str] | None:
    from gnomon._api.session import current_engine

    engine = current_engine()
    return None if engine is None else (engine.ledger, engine.name)
