"""Who holds what in a session or cluster: every process is asked, see ``gnomon._messages.holders``."""

from __future__ import annotations

import dataclasses
import os
import time

from gnomon._core.events import HoldingsWanted
from gnomon._engine.memory import MemoryReport, put_together
from gnomon._messages.cluster import ClusterStatus, NodeReport, StatusAsked
from gnomon._messages.holders import HoldersAsked, HoldersTold, ProcessesAsked, ProcessesTold
from gnomon._shell.core_worker import CoreWorker
from gnomon._shell.holder_answers import name_rows, title_of
from gnomon.ids import ObjectID, WorkerID

SEARCH_SHARE = 0.5
"""Of the time that an answer may take: what a process may spend on the search for names."""

SEARCH_MAX_S = 0.2

ROWS_MAX = 1_000
"""Objects that each process tells of."""


def memory_of(
    core: CoreWorker, objects: tuple[ObjectID, ...], timeout_s: float, everywhere: bool = True
) -> MemoryReport:
    """Ask all processes what they hold.

    Args:
        core: of the asking process; one that only looks has nothing to add.
        objects: only these; empty means all.
        timeout_s: for all answers together.
        everywhere: else only what this process knows.

    Raises:
        NotInitializedError: the session has ended.
    """
    ends = time.monotonic() + timeout_s
    budget_s = min(SEARCH_MAX_S, timeout_s * SEARCH_SHARE)
    answers = [(core.me, _own_answer(core, objects, budget_s))]
    if not everywhere:
        return put_together(answers, core.me)
    nodes = _nodes(core, ends)
    others, silent = _processes(core, [report.process for report in nodes if report.alive], ends)
    silent += 0 if nodes else 1
    for process, answer in core.questions.ask_each(
        others, lambda request: HoldersAsked(request, objects, ROWS_MAX, budget_s), _left(ends)
    ).items():
        assert isinstance(answer, HoldersTold)
        answers.append((process, answer))
    silent += len(others) + 1 - len(answers)
    return dataclasses.replace(
        put_together(answers, core.me, silent),
        store_used_bytes=sum(report.store_used for report in nodes),
        store_capacity_bytes=sum(report.store_capacity for report in nodes),
        store_spilled_bytes=sum(report.store_spilled for report in nodes),
    )


def _nodes(core: CoreWorker, ends: float) -> tuple[NodeReport, ...]:
    """All nodes as the head knows them; none when it does not answer in time."""
    for status in core.questions.ask_each([core.config.head_process], StatusAsked, _left(ends)).values():
        assert isinstance(status, ClusterStatus)
        return status.nodes
    return ()


def _processes(core: CoreWorker, nodes: list[WorkerID], ends: float) -> tuple[list[WorkerID], int]:
    """The other processes that run user code, and how many nodes did not say which these are."""
    found: dict[WorkerID, None] = {}
    answers = core.questions.ask_each(nodes, ProcessesAsked, _left(ends))
    for told in answers.values():
        assert isinstance(told, ProcessesTold)
        found.update(dict.fromkeys(told.processes))
    found.pop(core.me, None)
    return list(found), len(nodes) - len(answers)


def _own_answer(core: CoreWorker, objects: tuple[ObjectID, ...], budget_s: float) -> HoldersTold:
    rows, left_out = core.ask_role(lambda request: HoldingsWanted(request, objects, ROWS_MAX))
    rows, complete = name_rows(core, rows, budget_s)
    return HoldersTold(0, os.getpid(), title_of(core), rows, left_out, complete)


def _left(ends: float) -> float:
    return max(0.1, ends - time.monotonic())
