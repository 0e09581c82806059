"""Rows of tasks that other processes own: told once, complete, and kept apart from one's own."""

from __future__ import annotations

from gnomon._core.borrowing import BorrowMachine
from gnomon._core.effects import Effects, NoteStore, NoteWaiting, SampleFields
from gnomon._core.execution import ExecutionMachine
from gnomon._core.ledger import SPANS_KEPT, Ledger, TaskRow, TaskState
from gnomon._core.references import ReferenceMachine
from gnomon._core.reporting import SPANS_MAX, ReportingMachine
from gnomon._messages.cluster import (
    ActorReported,
    NodeReport,
    NodeStatus,
    ObservationWanted,
    ReportedRow,
    ReportedSpan,
    RowsReported,
    SpansReported,
)
from gnomon.ids import ActorID, NodeID, TaskID, WorkerID, task_id
from gnomon.resources import UNITS

DRIVER, NODE, WORKER = (WorkerID(bytes([number]) * 8) for number in (1, 2, 3))


class Process:
    """A ReportingMachine with what it needs."""

    def __init__(self, me: WorkerID) -> None:
        self.effects = Effects()
        self.ledger = Ledger("session")
        references = ReferenceMachine(
            me, NODE, lambda: self.effects, self.ledger, lambda _actor: None, lambda _object, _value: None
        )
        self.execution = ExecutionMachine(
            lambda: self.effects, BorrowMachine(lambda: self.effects, references)
        )
        self.machine = ReportingMachine(me, NODE, lambda: self.effects, self.ledger, self.execution)

    def sent_to(self, target: WorkerID) -> list[object]:
        return list(self.effects.sends.pop(target, []))


def submit(process: Process, number: int) -> TaskRow:
    row = TaskRow(task_id(WORKER, number), process.ledger.group("leaf"), (), 0, 0, -1)
    process.ledger.task_submitted(row, 1.0)
    return row


def report(worker: Process, driver: Process, now: float) -> int:
    """Let the worker report; returns how many rows arrived."""
    worker.machine.run(now)
    rows = 0
    for message in worker.sent_to(DRIVER):
        assert isinstance(message, RowsReported)
        rows += len(message.rows)
        driver.machine.on_reported(message)
    return rows


def notes(driver: Process, *used: int) -> list[int]:
    """With these bytes of 100 in use, one after the other: the notes that are made."""
    driver.effects.commands.clear()
    for each in used:
        facts = NodeReport(NodeID(b"node"), NODE, 1, True, {}, {}, 0, each, 100)
        driver.machine.on_node_status(NodeStatus(0, facts))
    return [command.used for command in driver.effects.commands if isinstance(command, NoteStore)]


def test_a_store_that_fills_up_is_noted_once_for_each_time_that_it_does() -> None:
    driver = Process(DRIVER)
    assert notes(driver, 79, 80, 100) == [], "no notebook"
    driver.machine.always = True
    assert notes(driver, 79, 81, 75, 95, 60, 90) == [81]
    assert notes(driver, 49, 80) == [80]


def test_very_many_tasks_that_wait_inside_are_noted_once() -> None:
    driver = Process(DRIVER)

    def noted(blocked: int) -> int:
        facts = NodeReport(
            NodeID(b"\0\0\2node"), NODE, 1, True, {"CPU": 2 * UNITS}, {}, 0, 0, 1, blocked=blocked
        )
        driver.machine.on_node_status(NodeStatus(0, facts))
        return sum(isinstance(command, NoteWaiting) for command in driver.effects.commands)

    assert [noted(blocked) for blocked in (32, 33, 400)] == [0, 1, 1]


def test_nothing_is_told_while_nobody_looks() -> None:
    worker = Process(WORKER)
    submit(worker, 1)
    worker.machine.run(1.0)
    assert worker.effects.sends == {}
    assert worker.machine.next_wakeup() is None


def test_a_view_that_is_closed_and_opened_again_shows_each_task_once() -> None:
    worker, driver = Process(WORKER), Process(DRIVER)
    done, running = submit(worker, 1), submit(worker, 2)
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    worker.ledger.task_changed(done, TaskState.DONE)
    worker.ledger.task_changed(running, TaskState.RUNNING)
    assert report(worker, driver, 1.0) == 2
    worker.machine.on_wanted(ObservationWanted(DRIVER, False))
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    assert report(worker, driver, 2.0) == 1  # the one that had not ended
    worker.ledger.task_changed(running, TaskState.DONE)
    report(worker, driver, 3.0)
    assert driver.ledger.tasks_total == 2
    assert driver.ledger.counts[0][TaskState.DONE] == 2


def test_a_task_that_runs_again_after_its_row_has_left_the_list_is_counted_once() -> None:
    worker, driver = Process(WORKER), Process(DRIVER)
    driver.ledger.tasks_listed_max = 1
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    lost = submit(worker, 1)
    worker.ledger.task_changed(lost, TaskState.DONE)
    report(worker, driver, 1.0)
    worker.ledger.task_changed(submit(worker, 2), TaskState.DONE)
    report(worker, driver, 2.0)
    assert driver.ledger.parent(lost.task) == -1
    for state in (TaskState.READY, TaskState.DONE):
        worker.ledger.task_changed(lost, state)
        report(worker, driver, 3.0 + state)
    assert driver.ledger.counts == [[0, 0, 0, 2, 0, 0]]


def test_attempts_that_others_follow_are_told_once_with_their_task() -> None:
    worker, driver = Process(WORKER), Process(DRIVER)
    worker.machine.rows_max = 1
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    others = [submit(worker, number) for number in (1, 2)]
    row = submit(worker, 3)
    place = worker.ledger.workers.number(("abcd", 7, "worker 7"))
    for each in (*others, row, row):
        each.worker, each.started = place, 2.0
        worker.ledger.task_changed(each, TaskState.RUNNING)
        if each is row:
            worker.ledger.tried(each, 3.0, "it died")
            worker.ledger.task_changed(each, TaskState.READY)
    for now in range(1, 9):
        report(worker, driver, float(now))
    told = [(past.row.task, past.number, past.worker, past.reason) for _, past in driver.ledger.attempts]
    assert told == [(row.task, 0, 0, "it died"), (row.task, 1, 0, "it died")]
    assert driver.ledger.workers.entries == [("abcd", 7, "worker 7")]
    assert driver.ledger.tasks[-1].attempt == 2


def test_a_report_that_comes_twice_changes_nothing() -> None:
    worker, driver = Process(WORKER), Process(DRIVER)
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    worker.ledger.task_changed(submit(worker, 1), TaskState.DONE)
    worker.machine.run(1.0)
    (message,) = worker.sent_to(DRIVER)
    assert isinstance(message, RowsReported)
    driver.machine.on_reported(message)
    driver.machine.on_reported(message)
    assert driver.ledger.tasks_total == 1


def test_tasks_of_others_are_counted_apart() -> None:
    worker, driver = Process(WORKER), Process(DRIVER)
    own = TaskRow(TaskID(DRIVER + bytes(8)), driver.ledger.group("leaf"), (), 0, 0, -1)
    driver.ledger.task_submitted(own, 1.0)
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    worker.ledger.task_changed(submit(worker, 1), TaskState.RUNNING)
    report(worker, driver, 1.0)
    assert driver.ledger.counts[0] == [1, 0, 1, 0, 0, 0]
    assert driver.ledger.foreign_counts[0] == [0, 0, 1, 0, 0, 0]


def test_the_unfinished_tasks_of_a_dead_owner_are_failed() -> None:
    worker, driver = Process(WORKER), Process(DRIVER)
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    worker.ledger.task_changed(submit(worker, 1), TaskState.RUNNING)
    report(worker, driver, 1.0)
    driver.machine.on_process_lost(WORKER, "was killed")
    assert driver.ledger.counts[0] == [0, 0, 0, 0, 1, 0]
    assert driver.ledger.tasks[0].error == "its owner died before it told what became of it"


def test_what_ends_just_before_its_owner_dies_is_told_in_time() -> None:
    """A task calls an actor, has its answer, and is killed: the call is no failure."""
    worker, driver = Process(WORKER), Process(DRIVER)
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    row = submit(worker, 1)
    report(worker, driver, 1.0)
    for now, state in ((1.01, TaskState.READY), (1.02, TaskState.RUNNING), (1.03, TaskState.DONE)):
        worker.ledger.task_changed(row, state)
        report(worker, driver, now)
    driver.machine.on_process_lost(WORKER, "was killed")
    assert driver.ledger.counts[0] == [0, 0, 0, 1, 0, 0]


def test_a_busy_owner_reports_once_a_period() -> None:
    worker, driver = Process(WORKER), Process(DRIVER)
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    row = submit(worker, 1)
    reports = []
    for turn in range(1_000):
        now = 100.0 + turn * 0.01
        worker.ledger.task_changed(row, (TaskState.READY, TaskState.RUNNING)[turn % 2])
        reports += [now] * bool(report(worker, driver, now))
    assert len(reports) <= 4 + 10.0 / worker.machine.period_s + 1
    assert sum(now > 101.0 for now in reports) <= 9.0 / worker.machine.period_s + 1


SECOND, THIRD = (WorkerID(bytes([number]) * 8) for number in (4, 5))


def told(
    owner: WorkerID, parent: TaskID, state: TaskState = TaskState.RUNNING
) -> tuple[TaskID, RowsReported]:
    """What an owner reports of its first task, which another one has submitted."""
    task = task_id(owner, 1)
    row = ReportedRow(task, "tree", parent, state, ("", 0, ""), 1.0, 1.0, 0.0, "", "", 0, "")
    return task, RowsReported((row,))


def parents(driver: Process) -> dict[bytes, int]:
    """The task that submitted each, as the views know it."""
    return {row.task: row.parent for row in driver.ledger.tasks}


def test_reports_that_come_in_the_wrong_order_make_a_tree() -> None:
    driver = Process(DRIVER)
    root, of_root = told(WORKER, task_id(DRIVER, 1))
    child, of_child = told(SECOND, root)
    leaf, of_leaf = told(THIRD, child)
    _, leaf_done = told(THIRD, child, TaskState.DONE)
    for message in (of_leaf, of_child, leaf_done):
        driver.machine.on_reported(message)
        driver.machine.run(1.0)
        assert driver.ledger.tasks_total == 0
    driver.machine.on_reported(of_root)
    assert parents(driver) == {root: -1, child: 0, leaf: 1}
    assert driver.ledger.counts[0] == [0, 0, 2, 1, 0, 0]


def test_a_row_waits_only_so_long_for_the_task_that_submitted_it() -> None:
    driver = Process(DRIVER)
    child, of_child = told(SECOND, task_id(WORKER, 9))
    leaf, of_leaf = told(THIRD, child)
    driver.machine.on_reported(of_leaf)
    driver.machine.run(1.0)
    driver.machine.on_reported(of_child)
    driver.machine.run(1.5)
    for _ in range(3):
        due = driver.machine.next_wakeup()
        if due is not None:
            driver.machine.run(due)
    assert parents(driver) == {child: -1, leaf: 0}
    assert driver.machine.next_wakeup() is None


def test_no_more_rows_wait_than_the_list_has_room_for() -> None:
    driver = Process(DRIVER)
    driver.ledger.tasks_listed_max = 3
    for number in range(5):
        owner = WorkerID(bytes([10 + number]) * 8)
        driver.machine.on_reported(told(owner, task_id(WORKER, number + 1))[1])
    assert driver.ledger.tasks_total == 2, "they would be told of later, and not be listed"
    driver.machine.run(1.0)
    while (due := driver.machine.next_wakeup()) is not None:
        driver.machine.run(due)
    assert driver.ledger.tasks_total == 5


def test_nobody_waits_for_the_task_of_a_dead_owner() -> None:
    driver = Process(DRIVER)
    child, of_child = told(SECOND, task_id(WORKER, 9))
    driver.machine.on_reported(of_child)
    driver.machine.on_process_lost(WORKER, "was killed")
    assert parents(driver) == {child: -1}


def test_a_dead_owners_task_that_waits_for_its_place_is_failed_too() -> None:
    driver = Process(DRIVER)
    child, of_child = told(SECOND, task_id(WORKER, 9))
    driver.machine.on_reported(of_child)
    driver.machine.on_process_lost(SECOND, "was killed")
    assert driver.ledger.counts[0] == [0, 0, 0, 0, 1, 0]


def test_an_actor_tells_what_it_has_done_for_everybody() -> None:
    worker, driver = Process(WORKER), Process(DRIVER)
    actor = ActorID(bytes(16))
    driver.ledger.actor_changed(actor.hex(), done=1)
    worker.execution.actor = actor
    worker.execution.done = 15
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    worker.machine.run(1.0)
    (message,) = worker.sent_to(DRIVER)
    assert isinstance(message, ActorReported)
    driver.machine.on_actor_reported(message)
    assert driver.ledger.actors[actor.hex()]["done"] == 15
    worker.machine.run(9.0)
    assert worker.effects.sends == {}  # nothing new, nothing told


def test_an_actor_that_has_become_idle_tells_at_once_what_it_has_done() -> None:
    """A session may end before a period is over. A busy one tells once a period."""
    worker = Process(WORKER)
    worker.execution.actor = ActorID(bytes(16))
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    for done in (1, 2, 3):
        worker.execution.running[TaskID(bytes(16))] = (DRIVER, None)  # type: ignore[assignment]
        worker.machine.run(9.0 + done / 100)
        worker.execution.running.clear()
        worker.execution.done = done
        worker.machine.run(9.005 + done / 100)
    assert [each.done for each in actor_reports(worker) if not each.pending] == [1, 2, 3]
    for done in range(4, 100):
        worker.execution.done = done
        worker.machine.run(9.05)
    assert len(actor_reports(worker)) <= 18, "a few are told at once, not each"
    assert worker.machine.next_wakeup() is not None


def test_calls_before_a_restart_are_counted_and_told_apart() -> None:
    driver = Process(DRIVER)
    actor = ActorID(bytes(16))
    driver.ledger.actor_changed(actor.hex(), done=0)
    for done, incarnation in ((4, 0), (1, 1), (2, 1)):
        driver.machine.on_actor_reported(ActorReported(actor, done, 0, "", {}, incarnation))
    row = driver.ledger.actors[actor.hex()]
    assert (row["done"], row["done_since_restart"]) == (6, 2)


def sampled(worker: Process) -> bool:
    """Whether the worker wants its fields read."""
    wanted = any(type(command) is SampleFields for command in worker.effects.commands)
    worker.effects.commands.clear()
    return wanted


def actor_reports(worker: Process) -> list[ActorReported]:
    return [message for message in worker.sent_to(DRIVER) if isinstance(message, ActorReported)]


def watched_actor() -> Process:
    worker = Process(WORKER)
    worker.execution.actor = ActorID(bytes(16))
    worker.execution.watches = True
    return worker


def test_watched_fields_are_told_with_what_has_been_done() -> None:
    worker, driver = watched_actor(), Process(DRIVER)
    driver.ledger.actor_changed(bytes(16).hex(), done=0)
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    worker.execution.done = 3
    worker.machine.run(1.0)
    assert sampled(worker)
    assert actor_reports(worker) == []  # not before they have been read
    worker.machine.on_sampled({"step": 3})
    (report_,) = actor_reports(worker)
    driver.machine.on_actor_reported(report_)
    assert driver.ledger.actors[bytes(16).hex()]["watched"] == {"step": 3}
    assert driver.ledger.actors[bytes(16).hex()]["done"] == 3
    worker.machine.run(9.0)
    assert not sampled(worker)
    assert worker.machine.next_wakeup() is None


def test_what_ends_while_fields_are_read_is_told_next_time() -> None:
    worker = watched_actor()
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    worker.machine.run(1.0)
    worker.machine.on_sampled({"step": 0})
    worker.execution.done = 1
    worker.machine.run(2.0)
    worker.execution.done = 2
    worker.machine.on_sampled({"step": 1})
    worker.machine.run(3.0)
    assert sampled(worker)
    worker.machine.on_sampled({"step": 1})  # the second call changed nothing, but it has ended
    assert [(each.done, each.watched["step"]) for each in actor_reports(worker)] == [(0, 0), (1, 1), (2, 1)]


def test_fields_are_read_while_a_method_runs_and_told_when_they_have_changed() -> None:
    worker = watched_actor()
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    worker.execution.running[TaskID(bytes(16))] = (DRIVER, None)  # type: ignore[assignment]
    for now, step in ((1.0, 5), (2.0, 5), (3.0, 6)):
        worker.machine.run(now)
        assert sampled(worker)
        assert worker.machine.next_wakeup() == now + worker.machine.period_s
        worker.machine.on_sampled({"step": step})
    assert [each.watched["step"] for each in actor_reports(worker)] == [5, 6]


def test_whoever_looks_anew_is_told_the_fields_anew() -> None:
    worker = watched_actor()
    worker.machine.run(0.5)
    assert not sampled(worker)  # nobody looks
    for now in (1.0, 2.0):
        worker.machine.on_wanted(ObservationWanted(DRIVER, True))
        worker.machine.run(now)
        assert sampled(worker)
        worker.machine.on_sampled({"step": 1})
        assert len(actor_reports(worker)) == 1
        worker.machine.on_wanted(ObservationWanted(DRIVER, False))


def test_objects_of_a_process_that_is_looked_at_do_not_pile_up() -> None:
    worker = Process(WORKER)
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    for number in range(100):
        worker.ledger.object_changed(f"{number}", 1, "store", "put", 1, 0, "")
        worker.ledger.actor_changed(f"{number}", state="alive")
        worker.machine.run(float(number))
    assert not worker.ledger.changed_objects
    assert not worker.ledger.changed_actors


def test_what_took_time_is_told_while_somebody_looks_and_kept_within_limits() -> None:
    worker, driver = Process(WORKER), Process(DRIVER)
    span = ReportedSpan("read", WORKER, 1.0, 2.0, 100, "load")
    worker.machine.on_wanted(ObservationWanted(DRIVER, True))
    worker.machine.spans.extend([span] * (SPANS_MAX + 5))
    worker.machine.run(1.0)
    [message] = worker.sent_to(DRIVER)
    assert message == SpansReported((span,) * SPANS_MAX)
    worker.machine.run(2.0)
    assert not worker.sent_to(DRIVER)
    for _ in range(5):
        driver.machine.handlers()[SpansReported](WORKER, message)
    ledger = driver.ledger
    assert ledger.spans_total == 5 * SPANS_MAX
    assert [number for number, _ in ledger.spans] == list(range(5 * SPANS_MAX - SPANS_KEPT, 5 * SPANS_MAX))
    worker.machine.spans.append(span)
    worker.machine.on_wanted(ObservationWanted(DRIVER, False))
    assert not worker.machine.spans


def test_a_node_is_shown_with_its_workers_and_why_it_died() -> None:
    driver = Process(DRIVER)
    other = WorkerID(b"other...")
    for process, received in ((other, {}), (NODE, {other: 7, WORKER: 9})):
        facts = NodeReport(
            NodeID(process), process, 1, True, {}, {}, 1, 0, 1, processes=((WORKER, 5, 2),), received=received
        )
        driver.machine.on_node_status(NodeStatus(0, facts))
    mine, theirs = driver.ledger.nodes[NODE.hex()], driver.ledger.nodes[other.hex()]
    assert (mine["home"], theirs["home"]) == (True, False)
    assert mine["received"] == {other.hex(): 7}, "of a process that is no node nothing is said"
    assert mine["processes"] == [[WORKER.hex(), 5, "leased"]]
    driver.machine.on_process_lost(other, "(pid 1) has ended")
    assert (theirs["alive"], theirs["reason"]) == (False, "(pid 1) has ended")
