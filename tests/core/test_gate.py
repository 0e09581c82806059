"""The gate of a worker: what it takes, asks for, gives back, and tells. And how the word reaches everybody."""

from __future__ import annotations

import pytest
from actor_roles import (
    HEAD,
    HOST,
    ME,
    NODE,
    OTHER,
    call_task,
    done,
    lost,
    new_worker,
    received,
    spec,
    take,
    take_all,
    told,
)
from node_roles import CPU, DRIVER, Roles
from node_roles import HEAD as THE_HEAD

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.ledger import TaskState
from gnomon._core.tempo import FREE, PAUSED, TempoAsked
from gnomon._core.worker import Worker
from gnomon._messages import actors, tasks, tempo
from gnomon.ids import ActorID, FunctionID, TaskID, WorkerID, task_id

MINE = ActorID(task_id(OTHER, 1))
CLOSED, OPEN = tempo.TempoSet(ME, 1, True), tempo.TempoSet(ME, 2, False)
ROUND = 5


def task(number: int) -> tasks.TaskPushed:
    return tasks.TaskPushed(call_task(number, OTHER), FunctionID(b"function"), b"\0", (), 1)


def call(number: int, group: str = "") -> tasks.CallPushed:
    return tasks.CallPushed(call_task(number, OTHER), MINE, 0, "method", b"\0", group=group)


def plain() -> Worker:
    """A worker at a closed gate."""
    worker = new_worker(HOST)
    worker.handle([received(NODE, CLOSED)], 1.0)
    return worker


def actor(concurrency: int = 1, is_async: bool = False, **groups: int) -> Worker:
    """An actor at a closed gate."""
    worker = new_worker(HOST)
    made = spec(MINE, owner=OTHER, groups=groups, max_concurrency=concurrency, is_async=is_async)
    worker.handle([received(HEAD, actors.ActorAssigned(made, 0)), ev.ActorConstructed(b"", "")], 1.0)
    worker.handle([received(NODE, CLOSED)], 1.0)
    return worker


def allow(worker: Worker, group: str = "", epoch: int = 1) -> fx.Effects:
    return worker.handle([received(ME, tempo.StartAllowed(epoch, group, ROUND))], 2.0)


def end(worker: Worker, number: int) -> fx.Effects:
    return worker.handle([ev.TaskEnded(call_task(number, OTHER), tasks.OK, (b"\0",), 2.0, 2.1)], 2.1)


def asked(effects: fx.Effects) -> list[tuple[str, int]]:
    """(group, number of the first task) of each question."""
    return [
        (each.group, int.from_bytes(each.task[8:], "big") - 100)
        for each in told(effects, ME, tempo.StartAsked)
    ]


def test_nothing_is_taken_without_a_permission() -> None:
    worker = plain()
    effects = worker.handle([received(OTHER, task(1), task(2))], 1.1)
    assert take(worker) is None
    assert asked(effects) == [("", 1)]
    both = (call_task(1, OTHER), call_task(2, OTHER))
    assert told(effects, OTHER, tempo.TasksHeld) == [tempo.TasksHeld(both, True, 1)]
    effects = allow(worker)
    assert done(effects, fx.WakeExecutor) == [fx.WakeExecutor()]
    assert told(effects, OTHER, tempo.TasksHeld) == [tempo.TasksHeld((call_task(1, OTHER),), False, 1)]
    assert asked(effects) == []
    assert take_all(worker) == [1]
    effects = end(worker, 1)
    assert told(effects, ME, tempo.StartOver) == [tempo.StartOver(1)]
    assert asked(effects) == [("", 2)]


def test_a_question_is_asked_once() -> None:
    worker = plain()
    assert asked(worker.handle([received(OTHER, task(1))], 1.1)) == [("", 1)]
    assert asked(worker.handle([received(OTHER, task(2))], 1.2)) == []
    assert asked(worker.handle([], 1.3)) == []


def test_what_was_queued_goes_back_when_the_gate_closes() -> None:
    worker = new_worker(HOST)
    worker.handle([received(OTHER, task(1), task(2), task(3))], 1.0)
    assert take(worker) == 1
    effects = worker.handle([received(NODE, CLOSED)], 1.1)
    assert told(effects, OTHER, tasks.TasksReturned) == [
        tasks.TasksReturned((call_task(2, OTHER), call_task(3, OTHER)))
    ]
    assert asked(effects) == []


def test_an_actor_keeps_its_calls_when_the_gate_closes() -> None:
    worker = actor()
    worker.handle([received(NODE, OPEN)], 1.0)
    worker.handle([received(OTHER, call(1), call(2))], 1.0)
    assert take(worker) == 1
    effects = worker.handle([received(NODE, tempo.TempoSet(ME, 3, True))], 1.1)
    assert told(effects, OTHER, tempo.TasksHeld) == [tempo.TasksHeld((call_task(2, OTHER),), True, 3)]
    assert take(worker) is None
    assert asked(effects) == [], "the one that runs leaves no room"
    assert asked(end(worker, 1)) == [("", 2)]


def test_all_may_be_taken_when_the_gate_opens() -> None:
    worker = actor(io=2)
    worker.handle([received(OTHER, call(1), call(2), call(3, "io"))], 1.1)
    effects = worker.handle([received(NODE, OPEN)], 1.2)
    assert done(effects, fx.WakeExecutor) == [fx.WakeExecutor(), fx.WakeExecutor("io")]
    assert (take_all(worker), take_all(worker, "io")) == ([1, 2], [3])


def test_a_threaded_actor_asks_for_as_many_as_it_can_run() -> None:
    worker = actor(concurrency=2)
    assert asked(worker.handle([received(OTHER, call(1), call(2), call(3))], 1.1)) == [("", 1)]
    assert asked(allow(worker)) == [("", 1)], "and for one more at once"
    assert asked(allow(worker)) == []
    assert take_all(worker) == [1, 2]
    assert asked(worker.handle([], 2.0)) == []
    assert asked(end(worker, 1)) == [("", 3)]


def test_each_group_asks_for_itself() -> None:
    worker = actor(io=1)
    effects = worker.handle([received(OTHER, call(1, "io"), call(2, "io"), call(3))], 1.1)
    assert sorted(asked(effects)) == [("", 3), ("io", 1)]
    allow(worker, "io")
    assert (take_all(worker), take_all(worker, "io")) == ([], [1])


def test_an_async_actor_is_over_as_soon_as_it_has_begun() -> None:
    worker = actor(concurrency=0, is_async=True)
    worker.handle([received(OTHER, call(1), call(2))], 1.1)
    effects = allow(worker)
    assert told(effects, ME, tempo.StartOver) == [tempo.StartOver(1)]
    assert asked(effects) == [("", 1)]


def test_one_that_waits_is_over() -> None:
    worker = plain()
    worker.handle([received(OTHER, task(1))], 1.1)
    allow(worker)
    assert take(worker) == 1
    effects = worker.handle([ev.WaitStarted()], 2.0)
    assert told(effects, ME, tempo.StartOver) == [tempo.StartOver(1)]


def test_a_cancelled_one_gives_its_permission_back() -> None:
    worker = plain()
    worker.handle([received(OTHER, task(1))], 1.1)
    cancel = tasks.TaskCancelled(call_task(1, OTHER), 0, False, True)
    effects = worker.handle([received(ME, tempo.StartAllowed(1, "", ROUND)), received(OTHER, cancel)], 2.0)
    assert [each.outcome for each in told(effects, OTHER, tasks.TaskFinished)] == [tasks.CANCELLED]
    assert told(effects, ME, tempo.StartDeclined) == [tempo.StartDeclined(1, "", (ROUND,))]
    assert take(worker) is None
    worker.handle([received(OTHER, task(2))], 2.1)
    assert take(worker) is None


def test_a_question_is_withdrawn_when_nothing_is_left() -> None:
    worker = plain()
    worker.handle([received(OTHER, task(1))], 1.1)
    effects = worker.handle([received(OTHER, tasks.TasksRecalled(1))], 1.2)
    assert told(effects, ME, tempo.StartDeclined) == [tempo.StartDeclined(1, "", ())]
    assert fx.WakeExecutor("") in effects.commands, "an actor that is to end waits until its queue is empty"
    assert asked(worker.handle([received(OTHER, task(2))], 1.3)) == [("", 2)]


@pytest.mark.parametrize(
    "word", [tempo.TempoSet(ME, 1, True), tempo.TempoSet(OTHER, 9, False), tempo.TempoSet(ME, 0, False)]
)
def test_old_news_and_other_drivers_are_not_heard(word: tempo.TempoSet) -> None:
    worker = plain()
    worker.handle([received(OTHER, task(1)), received(NODE, word)], 1.1)
    assert take(worker) is None
    assert asked(worker.handle([received(OTHER, task(2))], 1.2)) == []


def test_a_permission_of_another_epoch_is_void() -> None:
    worker = plain()
    worker.handle([received(OTHER, task(1))], 1.1)
    assert done(allow(worker, epoch=7), fx.WakeExecutor) == []
    assert take(worker) is None


def test_a_driver_that_is_gone_holds_nobody_up() -> None:
    worker = actor()
    worker.handle([received(OTHER, call(1))], 1.1)
    worker.handle([received(NODE, lost(ME))], 1.2)
    worker.handle([], 1.3)
    assert take(worker) == 1
    worker.handle([received(NODE, tempo.TempoSet(ME, 9, True))], 1.4)
    worker.handle([received(OTHER, call(2))], 1.5)
    end(worker, 1)
    assert take(worker) == 2


def test_a_waiting_gate_is_not_looked_at_all_the_time() -> None:
    worker = actor(concurrency=2)
    worker.handle([received(OTHER, call(1), call(2))], 1.1)
    allow(worker)
    assert take(worker) == 1
    effects = worker.handle([], 9.0)
    assert done(effects, fx.WidenExecutor) == []
    assert worker.execution.next_wakeup() is None


# -- a small cluster ----------------------------------------------------------------------------------------------


def ask(roles: Roles, mode: str, steps: int = 0) -> None:
    roles.post(DRIVER, TempoAsked(1, mode, steps=steps))
    roles.run()


def gates(roles: Roles) -> dict[WorkerID, bool]:
    """Of each worker of any node: the last word it has heard."""
    heard = {}
    for _, target, message in roles.told:
        if type(message) is tempo.TempoSet and target not in roles.roles and target != THE_HEAD:
            heard[target] = message.gated
    return heard


def test_every_worker_hears_it_also_those_to_come() -> None:
    roles = Roles(CPU, CPU)
    roles.submit(2)
    known = {worker for node in roles.nodes for worker in node.pool.pids}
    ask(roles, PAUSED)
    assert known <= gates(roles).keys()
    roles.submit(3)
    joined = roles.join(CPU)
    roles.run()
    assert roles.at(joined) == 1
    now = {worker for node in roles.nodes for worker in node.pool.pids}
    assert dict.fromkeys(now, True) == gates(roles)
    for worker in roles.driver.tasks.dispatch.leased:
        first = next(message for _, to, message in roles.told if to == worker)
        assert type(first) is tempo.TempoSet or worker in known, "before it gets anything"
    ask(roles, FREE)
    assert dict.fromkeys(now, False) == gates(roles)
    assert all(node.tempos.told == {} for node in roles.nodes)


def test_each_worker_gets_one_task_at_a_time() -> None:
    roles = Roles({"CPU": 20_000})
    ask(roles, PAUSED)
    submitted = roles.submit(6)
    pushes = [message.task for message in roles.sent(tasks.TaskPushed)]
    assert pushes == submitted[:2]


def state_of(roles: Roles, number: int) -> int:
    return roles.driver.ledger.tasks[number].state


def assigned(worker: Worker) -> fx.Effects:
    return worker.handle([received(HEAD, actors.ActorAssigned(spec(MINE, owner=OTHER), 0))], 1.1)


def test_a_constructor_begins_when_it_is_let_through() -> None:
    worker = plain()
    effects = assigned(worker)
    assert done(effects, fx.BecomeActor) == []
    assert told(effects, ME, tempo.StartAsked) == [tempo.StartAsked(1, "", TaskID(MINE))]
    assert told(worker.handle([], 1.2), ME, tempo.StartAsked) == [], "a question is asked once"
    effects = allow(worker)
    assert [each.assignment.spec.actor for each in done(effects, fx.BecomeActor)] == [MINE]
    assert told(effects, ME, tempo.StartOver) == []
    effects = worker.handle([ev.ActorConstructed(b"", "")], 2.1)
    assert told(effects, ME, tempo.StartOver) == [tempo.StartOver(1)]
    effects = worker.handle([received(OTHER, call(1))], 2.2)
    assert (asked(effects), take(worker)) == ([("", 1)], None), "the permission was the constructor's"


def test_a_constructor_at_the_gate_begins_when_it_opens_and_keeps_its_place_when_it_closes_anew() -> None:
    worker = plain()
    assigned(worker)
    effects = worker.handle([received(NODE, tempo.TempoSet(ME, 3, True))], 1.2)
    assert done(effects, fx.BecomeActor) == []
    assert told(effects, ME, tempo.StartAsked) == [tempo.StartAsked(3, "", TaskID(MINE))]
    effects = worker.handle([received(NODE, tempo.TempoSet(ME, 4, False))], 1.3)
    assert len(done(effects, fx.BecomeActor)) == 1
    assert done(worker.handle([received(NODE, tempo.TempoSet(ME, 5, True))], 1.4), fx.BecomeActor) == []


def test_the_views_show_what_waits_as_ready() -> None:
    roles = Roles(CPU)
    ask(roles, PAUSED)
    (only,) = roles.submit()
    (worker,) = roles.driver.tasks.dispatch.leased

    def say(message: object) -> None:
        roles.post(DRIVER, received(worker, message))
        roles.run()

    assert state_of(roles, 0) == TaskState.READY, "not for a moment does it seem to run"
    say(tempo.TasksHeld((only,), True, 1))
    assert state_of(roles, 0) == TaskState.READY
    say(tempo.StartAsked(1, "", only))
    assert roles.driver.ledger.tempo["waiting"] == 1
    ask(roles, PAUSED, steps=1)
    assert roles.sent(tempo.StartAllowed, worker) == [tempo.StartAllowed(1, "", 1)]
    say(tempo.TasksHeld((only,), False, 1))
    assert state_of(roles, 0) == TaskState.RUNNING
    say(tempo.TasksHeld((only,), True, 1))
    ask(roles, FREE)
    assert state_of(roles, 0) == TaskState.RUNNING
    say(tempo.TasksHeld((TaskID(b"x" * 16),), True, 1))


def test_a_lease_that_is_asked_back_is_given_back_though_its_task_waits() -> None:
    roles = Roles(CPU)
    ask(roles, PAUSED)
    roles.submit()
    (leased,) = roles.driver.tasks.dispatch.leased.values()
    roles.driver.tasks.dispatch.reclaim(leased.node, leased.lease, roles.now)
    roles.run()
    assert roles.sent(tasks.TasksRecalled, leased.worker) == [tasks.TasksRecalled(1)]


def test_head_tells_of_the_gate_with_the_actor_since_the_node_may_be_slower() -> None:
    worker = new_worker(HOST)
    message = actors.ActorAssigned(spec(MINE, owner=OTHER), 0, (), (tempo.TempoSet(OTHER, 7, True), CLOSED))
    effects = worker.handle([received(HEAD, message)], 1.0)
    assert done(effects, fx.BecomeActor) == []
    assert told(effects, ME, tempo.StartAsked) == [tempo.StartAsked(1, "", TaskID(MINE))]


def test_head_hears_of_the_gate_from_the_driver_and_keeps_the_newest_word() -> None:
    roles = Roles(CPU)
    ask(roles, PAUSED)
    assert roles.sent(tempo.TempoSet, THE_HEAD)[0] == tempo.TempoSet(DRIVER, 1, True)
    kept = roles.head.actors.tempos
    assert list(kept.values()) == [tempo.TempoSet(DRIVER, 1, True)]
    ask(roles, FREE)
    assert kept == {}
    roles.post(THE_HEAD, received(NODE, tempo.TempoSet(DRIVER, 1, True)))  # the node was slow to say so
    roles.run()
    assert kept == {}
