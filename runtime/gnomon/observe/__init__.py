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
    report(path)        the run as one page that works offline, with a slider through time; or as a Chrome trace
    recording()         keeps what rows forget, for reports; a notebook starts it
    check_address()     what of this process does not fit a cluster
    ledger()            what the current session has noted, to be read also after its end
    session_directory()        where the session's logs are
    machine_memory()           how much memory is in use here
    hooks               how a notebook takes part

Without a session the feed is idle and the rows are empty.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from gnomon._api.explaining import debug, why
from gnomon._core.ledger import Ledger
from gnomon._engine.base import Engine
from gnomon._engine.explanation import Explanation
from gnomon.observe import hooks
from gnomon.observe.backlog import PARTS
from gnomon.observe.feed import MESSAGES_PER_SECOND_MAX, Feed, Subscription
from gnomon.observe.machine import machine_memory
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
from gnomon.observe.recording import Recording
from gnomon.observe.run_report import write_report
from gnomon.observe.state import (
    Graph,
    actors,
    failure_path,
    frame,
    graph,
    ledger_of,
    nodes,
    objects,
    summary,
    tasks,
)
from gnomon.observe.task_logs import TaskLogs, logs
from gnomon.observe.timeline import NO_SPANS, Span, Spans, WorkSpan, chrome_trace, spans, write_chrome_trace

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
    "Recording",
    "Span",
    "Spans",
    "WorkSpan",
    "Subscription",
    "TaskLogs",
    "actors",
    "check_address",
    "chrome_trace",
    "debug",
    "failure_path",
    "feed",
    "frame",
    "graph",
    "hooks",
    "ledger",
    "logs",
    "machine_memory",
    "memory",
    "memory_text",
    "mismatches",
    "nodes",
    "objects",
    "recording",
    "report",
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


@cache
def recording() -> Recording:
    """The recording of this process: it follows the current session, and the next one after it.

    ``%load_ext gnomon`` starts it; a script that writes reports does so before ``gnomon.init``.
    """
    return Recording(follow=_current)


def report(path: str | os.PathLike[str], *, replace: bool = False) -> Path:
    """Write the session's run to a file; of the one before, if none runs now and it was recorded.

    Tasks are told with all their times. Objects, actors and nodes as they were at any time from the start of
    :func:`recording` on (``%load_ext gnomon`` starts it); else as they are now.

    Args:
        path: ``.html``: one page with the live views, which needs no network and no kernel, and can be moved to
            any moment of the run. ``.json``: a Chrome trace.
        replace: overwrite what is there; else only an earlier report is.

    Returns:
        The file.

    Raises:
        ValueError: another suffix.
        FileExistsError: there is a file that is no report.
        NotInitializedError: there is no session to tell of.
        OSError: the file can not be written, or this installation lacks the views' script.
    """
    return write_report(path, recording(), replace=replace)


def ledger() -> Ledger | None:
    """What the current session has noted, for the functions that take a ``ledger``: they can read it also when the session
    has ended. None without a session.
    """
    return ledger_of(None)


def session_directory() -> str | None:
    """Where the session keeps its logs, in ``logs``; None without a session, or where it has no directory."""
    from gnomon._api.session import current_engine

    engine = current_engine()
    return None if engine is None else engine.info.directory


def _current() -> Engine | None:
    from gnomon._api.session import current_engine

    return current_engine()


def _followed() -> tuple[Ledger, str] | None:
    from gnomon._api.session import current_engine

    engine = current_engine()
    return None if engine is None else (engine.ledger, engine.name)
