"""Reporting: tasks that other processes own, for whoever looks at the views.

    driver                     node                       worker
      | ObservationWanted -->    | ObservationWanted -->    |   somebody looks (or no longer does)
      | <------------------------------------ RowsReported  |   what has changed, at most every ``period_s``

Tasks submitted by tasks are owned by workers, whose ledgers nobody reads. While somebody looks at the
driver's views, each worker sends it the rows that have changed; the driver folds them into its own ledger.
Nobody looks: nothing is sent or queued.

A task and the tasks that it submits have different owners, whose reports race. The views place a task by the one that
submitted it, once and for all, so a row that comes first waits a moment for that one's.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from math import inf
from typing import Any

from gnomon._core.effects import Effects, NoteStore, NoteWaiting, SampleFields
from gnomon._core.execution import ExecutionMachine
from gnomon._core.ledger import ATTEMPTS_KEPT, Ledger, PastAttempt, TaskRow, TaskState
from gnomon._messages.cluster import (
    ActorReported,
    NodeReport,
    NodeStatus,
    ObservationWanted,
    ReportedAttempt,
    ReportedRow,
    ReportedSpan,
    RowsReported,
    SpansReported,
    Watched,
)
from gnomon.ids import WorkerID, node_name
from gnomon.resources import UNITS, to_amounts

_FULL_SHARE, _EMPTY_SHARE = 0.8, 0.5
"""Of a store that is noted to fill up, and of one of which that can be noted again: spilling, which takes a quarter of it at a
time, does not make it so."""

SPANS_MAX = 500
"""Kept between two reports."""

_WAITING_SHARE = 16
"""A node with so many times as many tasks that wait in ``get`` as CPUs is noted: a recursion that does not end looks so."""

_WORKER_STATES = ("starting", "idle", "leased")

_ROWS_SAVED_MAX = 4
"""Reports of rows that a process may save up while it has none to send."""

_IDLE_SAVED_MAX = 16
"""Reports that an actor may save up, for when it becomes idle: so many calls of a short session are counted to the last."""

_NOWHERE = ("", 0, "")

_FINISHED = (TaskState.DONE, TaskState.FAILED, TaskState.CANCELLED)


def is_deep(report: NodeReport) -> bool:
    """Whether many more tasks wait there in ``get`` than there are CPUs."""
    return report.blocked > _WAITING_SHARE * max(1, report.resources.get("CPU", 0) // UNITS)


class ReportingMachine:
    """The worker's side: what to tell and when; and the driver's: what it has been told.

    Attributes:
        always: a driver that wants to hear also while nobody looks (a notebook, whose views may be opened later).
        period_s: between two reports.
        rows_max: in one report; more wait for the next.
        foreign_max: unfinished tasks of others that the driver keeps track of.
        patience_s: how long rows wait for that of the task that submitted theirs; several periods.
        waiting_noted: it has been said that very many tasks wait inside.
        spans: what has taken executing threads time besides the user's code, to be told; they append.
    """

    def __init__(
        self,
        me: WorkerID,
        node: WorkerID,
        effects: Callable[[], Effects],
        ledger: Ledger,
        execution: ExecutionMachine,
        period_s: float = 0.25,
        rows_max: int = 1_000,
        foreign_max: int = 100_000,
        patience_s: float = 1.0,
    ) -> None:
        self.me = me
        self.node = node
        self._effects = effects
        self.ledger = ledger
        self.execution = execution
        self.always = False
        self.period_s = period_s
        self.rows_max = rows_max
        self.foreign_max = foreign_max
        self.patience_s = patience_s
        self.observer: WorkerID | None = None
        self._due = self._rows_due = self._spans_due = 0.0
        self._told_at = -inf
        self._asked = False
        self._told: tuple[int, int, str] = (0, 0, "")
        self._fields_told: dict[str, Watched] | None = None
        self._facts_untold = False
        self._foreign: dict[bytes, TaskRow] = {}
        self._early: dict[bytes, list[ReportedRow]] = {}
        self._early_tasks: set[bytes] = set()
        self._undated: list[bytes] = []
        self._patience: deque[tuple[float, bytes]] = deque()
        self._calls_ended: dict[str, dict[int, int]] = {}
        self._nodes: dict[WorkerID, str] = {}
        self.spans: deque[ReportedSpan] = deque(maxlen=SPANS_MAX)
        self._store_noted = self.waiting_noted = False
        self._attempts_told = 0
        self._untold: dict[bytes, list[PastAttempt]] = {}

    def handlers(self) -> dict[type, Callable[[WorkerID, Any], None]]:
        """What handles each of the messages that come here; the sender of none of them matters."""
        return {
            ObservationWanted: lambda _sender, message: self.on_wanted(message),
            NodeStatus: lambda _sender, message: self.on_node_status(message),
            ActorReported: lambda _sender, message: self.on_actor_reported(message),
            RowsReported: lambda _sender, message: self.on_reported(message),
            SpansReported: lambda _sender, message: self.ledger.spans_noted(message.spans),
        }

    # -- worker ---------------------------------------------------------------------------------------------------

    def on_wanted(self, message: ObservationWanted) -> None:
        """Somebody looks at the views, or no longer does."""
        if message.observer == self.me:
            return
        ledger = self.ledger
        if not message.wanted:
            self.observer = None
            ledger.stop_noting()
            self.spans.clear()
        elif self.observer is None:
            self.observer = message.observer
            self._fields_told = None
            ledger.readers = 1
            ledger.changed_tasks.extend(row for row in ledger.tasks if not row.told)

    def run(self, now: float) -> None:
        """At the end of each batch of events."""
        if self.observer is not None:
            # whoever owns objects and actors shows them himself: noted here, they would only pile up
            self.ledger.gone_tasks.clear()
            self.ledger.changed_objects.clear()
            self.ledger.changed_actors.clear()
            if self.ledger.changed_tasks and now >= self._rows_due:
                # on an average one a period; a few at once, since one that is killed tells nothing any more
                saved = now - _ROWS_SAVED_MAX * self.period_s
                self._rows_due = max(self._rows_due, saved) + self.period_s
                self._report_rows(self.observer)
            if self.spans and now >= self._spans_due:
                self._spans_due = now + self.period_s
                self._report_spans(self.observer)
            if self._has_news_of_actor() and now >= self._actor_due():
                self._told_at = now
                saved = now - _IDLE_SAVED_MAX * self.period_s
                self._due = max(self._due, saved) + self.period_s
                self._report_state(self.observer)
            return
        if self._patience or self._undated:
            self._wait_for_parents(now)
        looking = self.always or self.ledger.readers > 0
        if looking != self._asked:
            self._asked = looking
            self._effects().send(self.node, ObservationWanted(self.me, looking))

    def _report_rows(self, observer: WorkerID) -> None:
        ledger = self.ledger
        changed = ledger.changed_tasks
        rows: dict[bytes, ReportedRow] = {}
        if ledger.attempts_total > self._attempts_told:
            self._gather_attempts()
        while changed and len(rows) < self.rows_max:
            row = changed.popleft()
            if row.told:
                continue  # it runs once more, for its result: the row may have left the observer's list, and was counted
            row.told = row.state in _FINISHED
            cell, label = ledger.cells.entries[row.cell]
            known = rows.get(row.task)
            tried = known.tried if known is not None else ()
            if self._untold:
                tried += tuple(map(self._reported, self._untold.pop(row.task, ())))
            rows[row.task] = ReportedRow(
                row.task, ledger.names.entries[row.group], row.submitter, row.state, self._place(row.worker),
                row.created, row.started, row.finished, cell, label, row.line, row.error, row.attempt, tried,
            )  # fmt: skip
        if rows:
            self._effects().send(observer, RowsReported(tuple(rows.values())))

    def _place(self, worker: int) -> tuple[str, int, str]:
        place: tuple[str, int, str] = self.ledger.workers.entries[worker] if worker >= 0 else _NOWHERE
        return place

    def _gather_attempts(self) -> None:
        """Those that go with the next report of their task's row."""
        if len(self._untold) > ATTEMPTS_KEPT:
            self._untold.clear()
        for number, attempt in self.ledger.attempts:
            if number >= self._attempts_told and attempt.row.index >= 0:
                self._untold.setdefault(attempt.row.task, []).append(attempt)
        self._attempts_told = self.ledger.attempts_total

    def _reported(self, attempt: PastAttempt) -> ReportedAttempt:
        place = self._place(attempt.worker)
        return ReportedAttempt(
            attempt.number, place, attempt.started, attempt.finished, attempt.state, attempt.reason
        )

    def _report_spans(self, observer: WorkerID) -> None:
        spans = tuple(self.spans.popleft() for _ in range(len(self.spans)))
        self._effects().send(observer, SpansReported(spans))

    def _report_state(self, observer: WorkerID) -> None:
        changed_actor = self._actor_changed()
        if changed_actor:
            self._told = self.execution.facts()
        if self.execution.watches and (changed_actor or self._is_watched_now()):
            # what ended before the fields are read is told with them: the last value is never an old one
            self._facts_untold |= changed_actor
            self._effects().do(SampleFields())
        elif changed_actor:
            self._report_actor(observer, {})

    def on_sampled(self, fields: dict[str, Watched]) -> None:
        """The watched fields of this process's actor, as asked for by ``SampleFields``."""
        if self.observer is None or (fields == self._fields_told and not self._facts_untold):
            return
        self._facts_untold = False
        self._fields_told = fields
        self._report_actor(self.observer, fields)

    def _report_actor(self, observer: WorkerID, fields: dict[str, Watched]) -> None:
        execution = self.execution
        assert execution.actor is not None
        self._effects().send(
            observer, ActorReported(execution.actor, *self._told, fields, execution.incarnation)
        )

    def _has_news_of_actor(self) -> bool:
        return self._actor_changed() or self._is_watched_now()

    def _actor_due(self) -> float:
        """On an average one report a period. One that has become idle may tell at once a few times: the session may end
        before a period is over, and what it has done would never be counted.
        """
        facts = self.execution.facts()
        idle = facts[0] != self._told[0] and facts[1:] == (0, "")
        return self._due if idle else max(self._due, self._told_at + self.period_s)

    def _is_watched_now(self) -> bool:
        """Whether fields of this actor may change this moment, or have never been told."""
        return self.execution.watches and (self._fields_told is None or bool(self.execution.running))

    def _actor_changed(self) -> bool:
        """Whether this process is an actor that has something new to tell."""
        return self.execution.actor is not None and self._told != self.execution.facts()

    def next_wakeup(self) -> float | None:
        """When the next report is due, or rows have waited long enough."""
        if self._patience:
            return self._patience[0][0]
        if self.observer is None:
            return None
        due = [self._rows_due] if self.ledger.changed_tasks else []
        if self.spans:
            due.append(self._spans_due)
        if self._has_news_of_actor():
            due.append(self._actor_due())
        return min(due, default=None)

    # -- driver ---------------------------------------------------------------------------------------------------

    def on_reported(self, message: RowsReported) -> None:
        """Fold rows of tasks that others own into this ledger."""
        for told in message.rows:
            if told.parent in self._early:
                self._early[told.parent].append(told)
                self._early_tasks.add(told.task)
            elif self._is_early(told):
                self._early[told.parent] = [told]
                self._early_tasks.add(told.task)
                self._undated.append(told.parent)
            else:
                self._fold(told)
                if self._early:
                    self._fold_children(told.task)

    def _is_early(self, told: ReportedRow) -> bool:
        """Whether the row of the task that submitted it is still to come."""
        ledger = self.ledger
        return (
            bool(told.parent)
            and told.parent[: len(self.me)] != self.me  # one's own are listed when they are submitted
            and ledger.parent(told.parent) < 0
            and told.parent not in self._foreign
            and ledger.parent(told.task) < 0
            and told.task not in self._foreign
            and len(ledger.tasks) + len(self._early) < ledger.tasks_listed_max
            and len(self._foreign) + len(self._early) < self.foreign_max
        )

    def _fold_children(self, parent: bytes) -> None:
        """What has waited for a row, and for rows of those in turn; a loop, as trees may be deep."""
        ready = [parent]
        while self._early and ready:
            for told in self._early.pop(ready.pop(), ()):
                self._early_tasks.discard(told.task)
                self._fold(told)
                ready.append(told.task)

    def _wait_for_parents(self, now: float) -> None:
        """Let rows in without the task that submitted theirs, when nobody has told of that in time."""
        self._patience.extend((now + self.patience_s, parent) for parent in self._undated)
        self._undated.clear()
        while self._patience and now >= self._patience[0][0]:
            _, parent = self._patience.popleft()
            if parent in self._early_tasks:
                self._undated.append(parent)  # it is here, and waits for its own: not a moment before it
            else:
                self._fold_children(parent)

    def on_actor_reported(self, message: ActorReported) -> None:
        """What an actor has done for everybody, not for this process alone."""
        key = message.actor.hex()
        if key in self.ledger.actors:
            watched = {"watched": message.watched} if message.watched else {}
            ended = self._calls_ended.setdefault(key, {})
            ended[message.incarnation] = message.done
            self.ledger.actor_changed(
                key,
                done=sum(ended.values()),
                done_since_restart=message.done,
                pending=message.pending,
                current=message.current,
                **watched,
            )

    def _look_at_store(self, report: NodeReport) -> None:
        """Note that it fills up, once each time that it does."""
        used, capacity = report.store_used, report.store_capacity
        if not self._store_noted and used >= capacity * _FULL_SHARE:
            self._store_noted = True
            self._effects().do(NoteStore(used, capacity))
        elif used < capacity * _EMPTY_SHARE:
            self._store_noted = False

    def _look_at_waiting(self, report: NodeReport) -> None:
        """Note, once in a session, that many more tasks wait for tasks of their own than there are CPUs."""
        if not self.waiting_noted and is_deep(report):
            self.waiting_noted = True
            self._effects().do(NoteWaiting(report))

    def on_node_status(self, message: NodeStatus) -> None:
        """How a node is, for the views."""
        report = message.report
        self._nodes[report.process] = report.node.hex()
        self._look_at_waiting(report)
        if self.always and report.process == self.node:
            self._look_at_store(report)
        self.ledger.node_changed(
            report.node.hex(),
            label=node_name(report.node),
            process=report.process.hex(),
            pid=report.pid,
            alive=report.alive,
            home=report.process == self.node,
            resources=to_amounts(report.resources),
            available=to_amounts(report.available),
            workers=report.workers,
            store_used_bytes=report.store_used,
            store_capacity_bytes=report.store_capacity,
            store_spilled_bytes=report.store_spilled,
            memory_bytes=report.memory,
            processes=[[worker.hex(), pid, _WORKER_STATES[state]] for worker, pid, state in report.processes],
            received={
                self._nodes[node]: size for node, size in report.received.items() if node in self._nodes
            },
        )

    def _fold(self, told: ReportedRow) -> None:
        ledger = self.ledger
        row = self._foreign.get(told.task)
        if row is None:
            if len(self._foreign) >= self.foreign_max:
                return
            cell = ledger.cells.number((told.cell, told.label)) if told.cell else 0
            parent = ledger.parent(told.parent) if told.parent else -1
            if ledger.parent(told.task) >= 0:
                return  # told before, and ended
            row = TaskRow(told.task, ledger.group(told.name), (), cell, told.line, parent, foreign=True)
            ledger.task_submitted(row, told.created)
            self._foreign[told.task] = row
        row.started, row.finished, row.error = told.started, told.finished, told.error
        row.attempt = told.attempt
        for past in told.tried:
            place = ledger.workers.number(past.worker) if past.worker[0] else -1
            ledger.attempt_noted(
                PastAttempt(row, past.number, place, past.started, past.finished, past.state, past.reason)
            )
        if told.worker[0]:
            row.worker = ledger.workers.number(told.worker)
        if told.state != row.state:
            ledger.task_changed(row, told.state)
        if told.state in _FINISHED:
            del self._foreign[told.task]

    def on_process_lost(self, process: WorkerID, reason: str) -> None:
        """An owner is dead: its unfinished tasks will never be told of again. Or the one who looked is."""
        node = self._nodes.pop(process, None)
        if node is not None:
            self.ledger.node_changed(
                node, alive=False, reason=reason, available={}, workers=0, store_used_bytes=0, late_until=0.0
            )
        if process == self.observer:
            self.on_wanted(ObservationWanted(process, False))
        for parent in [*self._early]:
            if any(
                task[: len(process)] == process
                for task in (parent, *(row.task for row in self._early.get(parent, ())))
            ):
                self._fold_children(parent)
        for task in [task for task in self._foreign if task[: len(process)] == process]:
            row = self._foreign.pop(task)
            row.error = "its owner died before it told what became of it"
            self.ledger.task_changed(row, TaskState.FAILED)
