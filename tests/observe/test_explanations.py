"""The sentences of ``why``: one for each reason, from what was found out."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gnomon._engine.explaining.actors import explain_actor
from gnomon._engine.explaining.failures import explain_failure
from gnomon._engine.explaining.values import explain
from gnomon._engine.explaining.words import Seen, seconds
from gnomon._engine.explanation import Explanation
from gnomon._messages import situations as told
from gnomon._messages.cluster import ActorReport, ClusterStatus, NodeReport
from gnomon._messages.situations import Activity, ActorSeen, Awaited, Doing, Situation
from gnomon.exceptions import (
    ActorDiedError,
    InfeasibleError,
    TaskCancelledError,
    TaskError,
    WorkerCrashedError,
)
from gnomon.ids import ActorID, JobID, NodeID, ObjectID, TaskID, WorkerID, task_of

TASK = TaskID(b"t" * 16)
OBJECT = ObjectID(TASK + b"\0\0\0\1")
OTHER = ObjectID(b"o" * 20)
CPU = {"CPU": 10_000}
LOAD = Awaited(OTHER, "load", told.SENT, 20.0, 12.0, "In [2]", 1)


def situation(state: str, **fields: Any) -> Situation:
    return Situation(OBJECT, state, **{"producer": "train", "cell": "In [3]", "line": 4, **fields})


def status(available: dict[str, int], *actors: ActorReport) -> ClusterStatus:
    node = NodeReport(NodeID(b"n" * 8), WorkerID(b"w" * 8), 1, True, {"CPU": 20_000}, available, 1, 0, 1)
    return ClusterStatus(0, (node,), (), actors)


def report(name: str, state: str = "alive", pid: int = 7, **resources: int) -> ActorReport:
    return ActorReport(ActorID(b"a" * 16), JobID(b"j"), name, "", "", state, pid, False, resources)


def actor(state: str = "alive", **fields: Any) -> ActorSeen:
    return ActorSeen(b"a" * 16, "Counter", state, **fields)


def running(*names: str, place: int = 0, queued: int = 0, **fields: Any) -> Activity:
    return Activity(place, queued, tuple(Doing(TASK, name, 3.0) for name in names), **fields)


CASES: dict[str, tuple[Seen, str, str]] = {
    "an argument": (
        Seen(situation(told.WAITING, awaits=(LOAD,), awaits_total=1)),
        "pending",
        "train (In [3], line 4) waits for an argument: the value of load (In [2], line 1), which has been running for "
        "12.0 s.",
    ),
    "many arguments": (
        Seen(situation(told.WAITING, awaits=(LOAD, Awaited(OTHER)), awaits_total=9)),
        "pending",
        f"train (In [3], line 4) waits for 9 arguments: the value of load (In [2], line 1), which has been running for 12.0 s; "
        f"ObjectRef({OTHER.hex()}), which another process owns; and 7 more.",
    ),
    "cpu": (
        Seen(
            situation(told.READY, resources=CPU, rivals=(("hog", 2),)),
            status=status({}, report("Counter", CPU=10_000)),
        ),
        "pending",
        "train (In [3], line 4) waits for 1 CPU (0 of 2 CPU free), held by 2 tasks of hog, Counter (pid 7, 1 CPU).",
    ),
    "cpu of strangers": (
        Seen(situation(told.READY, resources=CPU), status=status({})),
        "pending",
        "train (In [3], line 4) waits for 1 CPU (0 of 2 CPU free), held by work of others or by what just begins.",
    ),
    "a worker": (
        Seen(situation(told.READY, resources=CPU), status=status(CPU)),
        "pending",
        "train (In [3], line 4) waits for a worker process, which is being started.",
    ),
    "short of memory": (
        Seen(situation(told.READY, starved=2, put_off=3.6)),
        "pending",
        "train (In [3], line 4) was ended 2 times since its node ran out of memory, and is tried again in 4 s.",
    ),
    "its turn": (
        Seen(situation(told.READY, resources=CPU, leased=1), status=status(CPU)),
        "pending",
        "train (In [3], line 4) waits for its turn.",
    ),
    "paused": (
        Seen(situation(told.READY, resources=CPU), status=status({}), paused=True),
        "pending",
        "train (In [3], line 4) has not begun: the session is paused, and nothing begins.",
    ),
    "paused, at the gate of its worker": (
        Seen(situation(told.SENT, pid=12), Activity(1, 1, ()), paused=True),
        "pending",
        "train (In [3], line 4) has not begun: the session is paused, and nothing begins.",
    ),
    "paused, and waiting for an argument": (
        Seen(situation(told.WAITING, awaits=(msgspec.structs.replace(LOAD, state=told.READY),), awaits_total=1), paused=True),
        "pending",
        "train (In [3], line 4) waits for an argument: the value of load (In [2], line 1), which has not begun. "
        "The session is paused: nothing begins.",
    ),
    "paused, and running since before": (
        Seen(situation(told.SENT, pid=12), running("train", file="/tmp/f.py", line=7, function="g"), paused=True),
        "running",
        "train (In [3], line 4) has been running for 3.0 s in worker 12, now at line 7 of f.py, in g.",
    ),
    "running": (
        Seen(situation(told.SENT, pid=12), running("train", file="/tmp/f.py", line=7, function="g")),
        "running",
        "train (In [3], line 4) has been running for 3.0 s in worker 12, now at line 7 of f.py, in g.",
    ),
    "behind others": (
        Seen(situation(told.SENT, pid=12), running("hog", place=2)),
        "pending",
        "train (In [3], line 4) is number 2 in the queue of worker 12, which has been running hog for 3.0 s.",
    ),
    "the mailbox": (
        Seen(situation(told.SENT, pid=12, actor=actor()), running("add", place=3, queued=5)),
        "pending",
        "train (In [3], line 4) is number 3 in the mailbox of its actor Counter in worker 12, which has been running "
        "Counter.add for 3.0 s.",
    ),
    "an answer on its way": (
        Seen(situation(told.SENT, pid=12), running(place=-1)),
        "running",
        "train (In [3], line 4) has ended in worker 12; its result is on its way.",
    ),
    "silence": (
        Seen(situation(told.SENT, pid=12, sent=9.0), silent=True),
        "running",
        "train (In [3], line 4) was sent to worker 12 9.0 s ago, which did not answer in time: it may be busy in native "
        "code that keeps the interpreter, or be stopped.",
    ),
    "order": (
        Seen(situation(told.QUEUED, blocked_by="Counter.add", awaits=(LOAD,), awaits_total=1, actor=actor())),
        "pending",
        "train (In [3], line 4) keeps its order behind an earlier call of Counter.add, which waits for an argument: the value "
        "of load (In [2], line 1), which has been running for 12.0 s.",
    ),
    "a constructor": (
        Seen(situation(told.QUEUED, actor=actor("pending")), status=status({}, report("Counter", "pending", 9))),
        "pending",
        "train (In [3], line 4) waits for its actor: Counter runs its constructor, in worker 9.",
    ),
    "a restart": (
        Seen(
            situation(told.QUEUED, actor=actor("restarting", cause="its process (pid 4) was killed")),
            status=status({}, report("Counter", "restarting", 0, CPU=10_000)),
        ),
        "pending",
        "train (In [3], line 4) waits for its actor: Counter is being restarted, since its process (pid 4) was killed: it "
        "waits for 1 CPU (0 of 2 CPU free), held by work of others or by what just begins.",
    ),
    "memory": (
        Seen(situation(told.VALUE, size=2048, place="memory")),
        "ready",
        "the value of train (In [3], line 4) is there: 2.0 kB in memory.",
    ),
    "put": (
        Seen(situation(told.VALUE, producer="put", size=5)),
        "ready",
        "the value that put stored (In [3], line 4) is there: 5 B.",
    ),
    "lost": (
        Seen(situation(told.LOST)),
        "lost",
        "the value of train (In [3], line 4) is lost: no copy is left. It is made again as soon as somebody asks for it.",
    ),
    "rebuilding": (
        Seen(situation(told.SENT, pid=12, rebuilding=True), running("train")),
        "rebuilding",
        "its value was lost and is made again. train (In [3], line 4) has been running for 3.0 s in worker 12.",
    ),
    "freed": (
        Seen(Situation(OBJECT)),
        "unknown",
        "nothing is known of it: its value was freed when nobody held a reference to it any more, or it never was.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_reason_has_its_sentence(name: str) -> None:
    seen, state, sentence = CASES[name]
    found = explain(seen)
    assert (found.state, found.sentence) == (state, sentence)


ACTORS: dict[str, tuple[Seen, str, str]] = {
    "idle": (Seen(Situation(OBJECT, actor=actor(pid=5)), running()), "alive", "Counter lives in worker 5 and runs nothing now."),
    "busy": (
        Seen(Situation(OBJECT, actor=actor(pid=5)), running("add")),
        "alive",
        "Counter lives in worker 5 and has been running Counter.add for 3.0 s.",
    ),
    "threads": (
        Seen(Situation(OBJECT, actor=actor(pid=5)), running("add", "named call")),
        "alive",
        "Counter lives in worker 5 and runs Counter.add, named call.",
    ),
    "silent": (
        Seen(Situation(OBJECT, actor=actor(pid=5)), silent=True),
        "alive",
        "Counter lives in worker 5, which did not answer in time: it may be busy in native code that keeps the interpreter.",
    ),
    "dead": (
        Seen(Situation(OBJECT, actor=actor("dead", cause="it was killed by gnomon.kill"))),
        "dead",
        "Counter is dead: it was killed by gnomon.kill.",
    ),
    "waiting": (
        Seen(Situation(OBJECT, actor=actor("pending", constructor=(LOAD,)))),
        "pending",
        "the constructor of Counter waits for an argument: the value of load (In [2], line 1), which has been running for "
        "12.0 s.",
    ),
    "resources": (
        Seen(Situation(OBJECT, actor=actor("pending")), status=status({}, report("Counter", "pending", 0, CPU=20_000))),
        "pending",
        "Counter waits for 2 CPU (0 of 2 CPU free), held by work of others or by what just begins.",
    ),
    "worker": (
        Seen(Situation(OBJECT, actor=actor("pending")), status=status(CPU, report("Counter", "pending", 0, CPU=1))),
        "pending",
        "Counter waits for a worker process, which is being started.",
    ),
    "unknown": (
        Seen(Situation(OBJECT, actor=ActorSeen(b"a" * 16))),
        "unknown",
        "nothing is known of the actor: it has ended, or is just being made.",
    ),
    "of others": (
        Seen(Situation(OBJECT, actor=ActorSeen(b"a" * 16)), status=status(CPU, report("Theirs"))),
        "alive",
        "Theirs lives in worker 7.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ACTORS)
def test_each_state_of_an_actor_has_its_sentence(name: str) -> None:
    seen, state, sentence = ACTORS[name]
    found = explain_actor(seen)
    assert (found.state, found.sentence) == (state, sentence)


def test_what_is_slow_is_called_slow() -> None:
    took = explain(Seen(situation(told.VALUE, took=9.0), others=(40, 0.5)))
    assert took.details == ("slow: took 9.0 s; half of 40 other calls took 0.5 s at most",)
    usual = explain(Seen(situation(told.VALUE, took=0.6), others=(40, 0.5)))
    assert usual.details == ("took 0.6 s; half of 40 other calls took 0.5 s at most",)
    alone = explain(Seen(situation(told.VALUE, took=9.0), others=(1, 0.5)))
    assert alone.details == ("took 9.0 s",)
    runs = explain(Seen(situation(told.SENT), running("train"), others=(3, 0.1)))
    assert runs.details == ("slow: half of 3 other calls took 0.1 s at most",)


def test_where_a_value_lies_is_told() -> None:
    spilled = explain(Seen(situation(told.VALUE, size=1, place="spilled")))
    assert spilled.details == (
        "it was moved to disk when the store was full: to read it takes a moment longer",
    )
    away = explain(Seen(situation(told.VALUE, size=1, place="store", nodes=(b"\0\0\3there",)), here=b"here"))
    assert away.details == ("it lies on node 3, and is copied here when it is read",)


def test_what_the_code_waits_for_is_told() -> None:
    found = explain(Seen(situation(told.SENT, pid=1), running("train", awaits=(LOAD,))))
    assert found.details == (
        "it waits there for the value of load (In [2], line 1), which has been running for 12.0 s",
    )
    assert found.next_step == f"Ask gnomon.why('{OTHER.hex()}') about what it waits for."


def test_cells_and_their_lines_are_named() -> None:
    seen = Seen(
        situation(told.SENT, pid=1),
        running("train", file="/tmp/ipykernel_1/2.py", line=7, function="train"),
        cell_name=lambda file: "In [2]",
        source=lambda file, line: "loss.backward()",
    )
    assert explain(seen).sentence.endswith("now at line 7 of In [2], in train: loss.backward().")


def test_a_generator_waits_for_its_consumer() -> None:
    found = explain(Seen(situation(told.SENT, items=4, taken=2, limit=2), running("train")))
    assert found.details == (
        "4 items made, 2 taken: it waits for its consumer (backpressure allows 2 ahead)",
    )


def test_attempts_are_counted() -> None:
    found = explain(Seen(situation(told.READY, attempt=1, retries=3), status=status(CPU)))
    assert found.details == ("attempt 2 of 4: an earlier one was lost with its process, or raised",)


def raised(name: str, cause: BaseException) -> TaskError:
    return TaskError(name, "", cause, 5)


def test_a_failure_tells_its_chain() -> None:
    zero = ZeroDivisionError("division by zero")
    found = explain_failure(situation(told.ERROR), raised("train", zero))
    assert found.sentence == "train (In [3], line 4) failed: it raised ZeroDivisionError: division by zero."
    argument = explain_failure(situation(told.ERROR), raised("load", zero))
    assert argument.sentence == (
        "train (In [3], line 4) failed: its argument failed: load raised ZeroDivisionError: division by zero."
    )
    nested = explain_failure(situation(told.ERROR), raised("train", raised("load", raised("read", zero))))
    assert nested.sentence == "train (In [3], line 4) failed: train called load, which failed."
    assert nested.details == (
        "load called read, which failed",
        "read raised ZeroDivisionError: division by zero",
    )


@pytest.mark.parametrize(
    "error",
    [
        WorkerCrashedError("train", "(pid 3) was killed", 1, exit_code=-9),
        ActorDiedError("Counter", "aa", "it was killed"),
        InfeasibleError("train", {"CPU": 90_000}, {"CPU": 20_000}),
    ],
)
def test_what_the_cluster_did_says_what_to_do(error: Any) -> None:
    found = explain_failure(situation(told.ERROR), error)
    assert found.state == "failed"
    assert type(error).__name__ in found.sentence
    assert found.next_step == error._step()


def test_a_cancelled_task_is_no_failure() -> None:
    own = explain_failure(situation(told.ERROR), TaskCancelledError(task_of(OBJECT).hex(), "train"))
    assert own.state == "cancelled"
    assert own.sentence.startswith(f"train ({task_of(OBJECT).hex()}) was cancelled")


def test_what_a_cancelled_task_was_an_argument_of_is_told_by_its_own_name() -> None:
    found = explain_failure(situation(told.ERROR), TaskCancelledError("ab", "load"))
    assert found.state == "cancelled"
    assert (
        found.sentence
        == "train (In [3], line 4) was not run, since load, whose value it takes, was cancelled."
    )


def test_an_explanation_is_text_and_card() -> None:
    found = Explanation("pending", "f waits for <b>.", ("first", "second"), "Wait.")
    assert repr(found) == "pending: f waits for <b>.\n  - first\n  - second\n  What to do: Wait."
    card = found._repr_html_()
    assert "f waits for &lt;b&gt;." in card
    assert "<li>second</li>" in card
    assert "<b>What to do:</b> Wait." in card
    bare = Explanation("ready", "f is there.")
    assert repr(bare) == "ready: f is there."
    assert "What to do" not in bare._repr_html_()
    assert "<ul" not in bare._repr_html_()


def test_times_are_readable() -> None:
    assert [seconds(each) for each in (0.0001, 0.05, 2.0, 125, 7300)] == [
        "less than 1 ms", "50 ms", "2.0 s", "2 min 05 s", "2 h 01 min",
    ]  # fmt: skip
