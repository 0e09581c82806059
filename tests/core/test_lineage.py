"""Lost values are made again: what is kept for it, what runs, in which order, and what is told when it can not be. One owner's
role, no process."""

from __future__ import annotations

from typing import Any

import pytest

from core.actor_roles import (
    ACTOR,
    HEAD,
    HOST,
    alive,
    call_task,
    created,
    pushed,
    received,
    result_of,
    submitted,
    told,
)
from gnomon._core.events import (
    CopiesDropped,
    CopyBroken,
    HandlesDropped,
    ItemTaken,
    ObjectStored,
    TaskSubmitted,
)
from gnomon._core.links import LinkMachine
from gnomon._core.worker import Worker
from gnomon._messages.base import Block, Contained
from gnomon._messages.failures import failure, is_failure, read_failure
from gnomon._messages.leases import LeaseGranted
from gnomon._messages.objects import BlocksFreed, BorrowAdded, BorrowRecorded, ObjectServed, ObjectWanted
from gnomon._messages.pulls import CopyLost
from gnomon._messages.tasks import (
    OK,
    RAISED,
    CallPushed,
    HoldReleased,
    ItemYielded,
    TaskFinished,
    TaskPushed,
)
from gnomon.ids import (
    FunctionID,
    JobID,
    LeaseID,
    ObjectID,
    TaskID,
    WorkerID,
    attempt_id,
    node_name,
    object_id,
    task_id,
)

ME, NODE = WorkerID(b"me......"), WorkerID(b"node....")
WORKER, OTHER, FAR = WorkerID(b"worker.."), WorkerID(b"other..."), WorkerID(b"far.node")
LARGE = 200_000


class Owner:
    """A Worker role, and one worker that holds whatever it is given until it is told to ``finish``.

    Attributes:
        given: tasks that were pushed and have not been answered, oldest first.
        runs: (task number, attempt) of all that were pushed.
        freed: offsets that were given back.
    """

    def __init__(self, **limits: Any) -> None:
        self.role = Worker(
            ME, NODE, HEAD, ME, JobID(b"job-"), "session", LinkMachine(ME), settle_s=0.0, **limits
        )
        self.references = self.role.references
        self.lineage = self.role.lineage
        self.now = 1.0
        self.given: list[TaskPushed] = []
        self.runs: list[tuple[int, int]] = []
        self.freed: list[int] = []
        self.said: list[tuple[WorkerID, Any]] = []
        self._room = 0
        self.checks = True

    def handle(self, *events: Any) -> None:
        self.now += 1e-4
        for target, messages in self.role.handle(events, self.now).sends.items():
            for message in messages:
                self.said.append((target, message))
                if type(message) is TaskPushed:
                    self.given.append(message)
                    self.runs.append((number_of(message.task), message.attempt))
                elif type(message) is BlocksFreed:
                    self.freed += [offset for offset, _ in message.blocks]
        if self.checks:
            self.role.check()

    def grant(self) -> None:
        self.handle(received(NODE, LeaseGranted(LeaseID(bytes(WORKER)), 0, WORKER, 1)))

    def block(self, identity: ObjectID, node: WorkerID = NODE) -> Block:
        self._room += LARGE
        return Block(node, self._room, LARGE, identity)

    def finish(self, node: WorkerID = NODE, small: bool = False, **fields: Any) -> None:
        """The worker answers for the oldest task: with large results, or what ``fields`` say."""
        pushed = self.given.pop(0)
        outputs = [object_id(pushed.task, index + 1) for index in range(max(1, pushed.num_returns))]
        values: tuple[Any, ...] = tuple(b"\0" if small else self.block(each, node) for each in outputs)
        answer = {"outcome": OK, "values": values} | fields
        self.handle(received(WORKER, TaskFinished(pushed.task, pushed.attempt, **answer)))

    def finish_all(self) -> None:
        while self.given:
            self.finish()

    def value(self, number: int, index: int = 1) -> Any:
        """None, "large", "small", or the error's (class, fields)."""
        value = self.references.values.get(ref(number, index))
        if value is None or isinstance(value, Block):
            return None if value is None else "large"
        return read_failure(value) if is_failure(value) else "small"

    def lose(self, number: int, index: int = 1) -> None:
        self.handle(_copy_lost(self, ref(number, index)))

    def drop(self, *identities: ObjectID) -> None:
        self.handle(HandlesDropped(identities))

    def is_empty(self) -> bool:
        lineage = self.lineage
        return not (self.references.entries or lineage.recipes or lineage.bytes or lineage.again)


def _copy_lost(owner: Owner, identity: ObjectID) -> Any:
    """A node says that it has the only copy no longer."""
    value = owner.references.values[identity]
    assert isinstance(value, Block)
    return received(NODE, CopyLost(identity, WorkerID(value.node)))


def test_a_copy_that_was_given_up_before_is_another_one(owner: Owner) -> None:
    owner.handle(task(1))
    owner.grant()
    owner.finish()
    late = received(NODE, CopyLost(ref(1), NODE, True, LARGE - 1, "it is damaged"))
    owner.handle(late)
    assert owner.value(1) == "large"
    owner.handle(CopyBroken(owner.references.values[ref(1)], "it is damaged"))  # type: ignore[arg-type]
    assert owner.value(1) is None
    assert owner.runs == [(1, 0), (1, 1)]
    owner.finish()
    assert owner.value(1) == "large"


def test_what_put_has_stored_is_gone_with_its_copy_and_the_error_says_why(owner: Owner) -> None:
    block = owner.block(ref(1))
    owner.handle(ObjectStored(ref(1), block, (), LARGE))
    owner.handle(CopyBroken(block, "the file is damaged"))
    name, fields = owner.value(1)
    assert name == "ObjectLostError"
    assert "the file is damaged" in fields["reason"]


def number_of(task: TaskID) -> int:
    return int.from_bytes(task[8:], "big")


def ref(number: int, index: int = 1) -> ObjectID:
    return object_id(task_id(ME, number), index)


def task(number: int, *dependencies: ObjectID, **changes: Any) -> TaskSubmitted:
    fields: dict[str, Any] = {
        "task": task_id(ME, number), "function": FunctionID(b"f" * 8), "payload": b"", "group": "f",
        "resources": {"CPU": 10_000}, "class_key": 0, "arguments": b"\0", "dependencies": dependencies,
        "contained": (), "num_returns": 1, "max_retries": 3, "retry_exceptions": False, "provenance": None,
        "parent": None,
    }  # fmt: skip
    return TaskSubmitted(**(fields | changes))


@pytest.fixture
def owner() -> Owner:
    made = Owner()
    made.handle(task(999))
    made.grant()
    made.finish(small=True)
    made.drop(ref(999))
    made.runs.clear()
    made.said.clear()
    return made


def test_small_results_leave_nothing(owner: Owner) -> None:
    owner.handle(task(1))
    owner.finish(small=True)
    assert not owner.lineage.recipes
    owner.drop(ref(1))
    assert owner.is_empty()


def test_a_lost_result_is_made_again_and_who_waits_gets_it(owner: Owner) -> None:
    owner.handle(task(1))
    owner.finish()
    owner.lose(1)
    assert owner.role.ledger.objects[ref(1).hex()][1] == "reconstructing"
    owner.handle(received(OTHER, ObjectWanted(ref(1))))
    assert owner.runs == [(1, 0), (1, 1)]
    owner.finish()
    assert owner.value(1) == "large"
    served = [message for target, message in owner.said if target == OTHER and type(message) is ObjectServed]
    assert [message.value for message in served] == [owner.references.values[ref(1)]]
    assert owner.role.ledger.objects[ref(1).hex()][1] == "store"
    owner.drop(ref(1))
    assert owner.is_empty()


def test_an_argument_goes_and_comes_back(owner: Owner) -> None:
    owner.handle(task(1), task(2, ref(1)))
    owner.finish_all()
    owner.drop(ref(1))
    assert owner.freed == [LARGE]
    assert ref(1) in owner.references.entries
    owner.lose(2)
    assert owner.runs == [(1, 0), (2, 0), (1, 1)]
    owner.finish()
    owner.finish()
    assert owner.runs[3:] == [(2, 1)]
    assert owner.value(2) == "large"
    assert owner.value(1) is None, "it has served its purpose"
    owner.drop(ref(2))
    assert owner.is_empty()
    assert len(owner.freed) == 3


def test_what_can_not_be_made_again_stays_for_what_is_made_from_it(owner: Owner) -> None:
    given, small = object_id(task_id(ME, 50), 1), object_id(task_id(ME, 51), 1)
    owner.handle(
        ObjectStored(given, owner.block(given), (), LARGE), ObjectStored(small, b"\0", (), 1),
        task(1, given, small), task(2, max_retries=0), task(3, ref(2)),
    )  # fmt: skip
    owner.finish_all()
    owner.drop(given, small, ref(2))
    assert not owner.freed
    owner.lose(1)
    owner.lose(3)
    owner.finish_all()
    assert owner.value(1) == owner.value(3) == "large"
    owner.drop(ref(1), ref(3))
    assert owner.is_empty()


def test_what_others_own_is_not_kept_and_is_borrowed_again(owner: Owner) -> None:
    theirs = object_id(task_id(OTHER, 1), 1)
    owner.handle(task(1, theirs))
    owner.handle(received(OTHER, ObjectServed(theirs, b"\0")))
    owner.finish()
    assert theirs not in owner.references.entries
    owner.lose(1)
    owner.handle(received(OTHER, ObjectServed(theirs, None)))
    name, fields = owner.value(1)
    assert name == "ObjectFreedError"
    assert fields["object_ref_hex"] == theirs.hex()


def test_one_attempt_at_a_time_and_no_more_than_allowed(owner: Owner) -> None:
    owner.handle(task(1, max_retries=2, num_returns=2))
    owner.finish()
    owner.lose(1, 1)
    owner.lose(1, 2)
    assert owner.runs == [(1, 0), (1, 1)]
    owner.finish()
    assert owner.value(1, 1) == owner.value(1, 2) == "large"
    owner.lose(1, 1)
    owner.finish()
    assert not owner.lineage.recipes, "no attempt is left"
    owner.lose(1, 2)
    assert owner.runs == [(1, 0), (1, 1), (1, 2)]
    name, fields = owner.value(1, 2)
    assert name == "ObjectReconstructionFailedError"
    assert fields["attempts"] == 3
    assert fields["producer"] == "f"
    assert "max_retries=2" in fields["reason"]
    assert owner.value(1, 1) == "large"


def test_a_replay_that_lacks_an_argument_is_no_attempt(owner: Owner) -> None:
    """It has not run, and what else of it is lost later has the same reason."""
    owner.handle(task(1, max_retries=0), task(2, ref(1), max_retries=1, num_returns=2))
    owner.finish_all()
    owner.lose(1)
    owner.lose(2, 1)
    name, fields = owner.value(2, 1)
    assert (name, fields["object_ref_hex"]) == ("ObjectLostError", ref(1).hex())
    owner.lose(2, 2)
    assert owner.value(2, 2) == owner.value(2, 1)
    assert owner.runs == [(1, 0), (2, 0)]


def test_a_sibling_keeps_its_value(owner: Owner) -> None:
    owner.handle(task(1, num_returns=2))
    owner.finish()
    kept = owner.references.values[ref(1, 2)]
    owner.lose(1, 1)
    owner.finish()
    assert owner.references.values[ref(1, 2)] == kept
    assert owner.freed == [4 * LARGE], "what came for it"


def test_nothing_runs_for_what_is_freed(owner: Owner) -> None:
    owner.handle(task(1), task(2, ref(1)))
    owner.finish_all()
    owner.drop(ref(1))
    owner.drop(ref(2))
    assert owner.is_empty()
    owner.handle(task(3), task(4, ref(3)))
    owner.finish_all()
    owner.lose(3)
    owner.drop(ref(3))
    owner.finish()
    assert owner.value(3) is None
    assert owner.runs == [(1, 0), (2, 0), (3, 0), (4, 0), (3, 1)]


def test_a_put_and_a_task_without_retries_tell_why(owner: Owner) -> None:
    given = object_id(task_id(ME, 50), 1)
    owner.handle(ObjectStored(given, owner.block(given), (), LARGE), task(1, max_retries=0))
    owner.finish()
    owner.lose(50)
    owner.lose(1)
    name, fields = owner.value(50)
    assert (name, fields["producer"]) == ("ObjectLostError", "put")
    assert node_name(NODE) in fields["reason"]
    name, fields = owner.value(1)
    assert (name, fields["producer"], fields["attempts"]) == ("ObjectLostError", "f", 1)


def test_a_failure_of_the_runtime_is_told_as_a_failed_reconstruction(owner: Owner) -> None:
    owner.handle(task(1, max_retries=1))
    owner.finish()
    owner.lose(1)
    crash = failure("WorkerCrashedError", reason="it was killed")
    owner.finish(outcome=RAISED, values=(crash,), summary="it was killed")
    name, fields = owner.value(1)
    assert name == "ObjectReconstructionFailedError"
    assert "WorkerCrashedError (it was killed)" in fields["reason"]


def test_oldest_recipes_are_given_up(owner: Owner) -> None:
    owner.lineage.bytes_max = 2_500
    owner.handle(*(task(number) for number in (1, 2, 3)))
    owner.finish_all()
    assert len(owner.lineage.recipes) == 2
    owner.lose(1)
    name, fields = owner.value(1)
    assert name == "ObjectReconstructionFailedError"
    assert "lineage_max_bytes=2,500" in fields["reason"]
    owner.lose(2)
    owner.finish_all()
    assert owner.value(2) == "large"


def test_a_result_that_comes_from_a_dead_node_is_lost_at_once(owner: Owner) -> None:
    owner.handle(task(1))
    owner.references.lost[FAR] = None
    owner.finish(node=FAR)
    assert owner.runs == [(1, 0), (1, 1)]
    owner.finish()
    assert owner.value(1) == "large"


def test_given_up_copies_are_freed_with_the_object(owner: Owner) -> None:
    owner.handle(task(1))
    owner.finish()
    owner.handle(CopiesDropped(ref(1)))
    owner.finish()
    assert not owner.freed, "tasks may have been given it"
    owner.drop(ref(1))
    assert sorted(owner.freed) == [LARGE, 2 * LARGE]
    assert owner.is_empty()


def test_references_inside_results_are_released_attempt_by_attempt(owner: Owner) -> None:
    inner = object_id(task_id(WORKER, 1), 1)
    owner.handle(task(1))
    contained = (Contained(ref(1), (inner,)),)
    owner.finish(contained=contained)
    owner.lose(1)
    owner.finish(contained=contained)
    (told_,) = [message for _, message in owner.said if type(message) is BorrowAdded]
    owner.handle(received(WORKER, BorrowRecorded(told_.receipt)))
    released = [message for _, message in owner.said if type(message) is HoldReleased]
    assert sorted(message.task for message in released) == [task_id(ME, 1), attempt_id(task_id(ME, 1), 1)]
    assert owner.references.entries[ref(1)].inner == (inner, inner)
    owner.drop(ref(1))
    assert owner.is_empty()


# -- depth and width --------------------------------------------------------------------------------------------------


def test_a_chain_of_ten_thousand(owner: Owner) -> None:
    owner.checks = False
    depth = 10_000
    owner.handle(task(1), *(task(number, ref(number - 1)) for number in range(2, depth + 1)))
    owner.finish_all()
    owner.drop(*(ref(number) for number in range(1, depth)))
    owner.role.check()
    assert len(owner.freed) == depth - 1
    owner.lose(depth)
    owner.finish_all()
    owner.role.check()
    assert owner.value(depth) == "large"
    assert owner.runs[depth:] == [(number, 1) for number in range(1, depth + 1)]
    assert len(owner.freed) == 2 * (depth - 1)
    owner.drop(ref(depth))
    assert owner.is_empty()


def test_the_end_of_a_chain_of_ten_thousand_fails(owner: Owner) -> None:
    owner.checks = False
    depth = 10_000
    owner.handle(task(1, max_retries=0), *(task(number, ref(number - 1)) for number in range(2, depth + 1)))
    owner.finish_all()
    owner.lose(1)
    owner.drop(*(ref(number) for number in range(1, depth)))
    owner.lose(depth)
    name, fields = owner.value(depth)
    assert name == "ObjectLostError"
    assert fields["object_ref_hex"] == ref(1).hex()
    owner.role.check()
    owner.drop(ref(depth))
    assert owner.is_empty()


def test_ten_thousand_of_one_and_one_of_ten_thousand(owner: Owner) -> None:
    owner.checks = False
    width = 10_000
    leaves = [ref(number) for number in range(2, width + 2)]
    owner.handle(task(1), *(task(number_of(TaskID(leaf[:16])), ref(1)) for leaf in leaves), task(0, *leaves))
    owner.finish_all()
    owner.drop(ref(1), *leaves)
    owner.lose(0)
    owner.finish_all()
    owner.role.check()
    assert owner.value(0) == "large"
    assert len(owner.runs) == 2 * (width + 2)
    owner.drop(ref(0))
    assert owner.is_empty()


# -- generators -------------------------------------------------------------------------------------------------------


def items(owner: Owner, first: int, last: int) -> None:
    """The worker makes items of the generator that it was given."""
    given = owner.given[0]
    for index in range(first, last + 1):
        identity = object_id(given.task, index)
        owner.handle(received(WORKER, ItemYielded(given.task, given.attempt, index, owner.block(identity))))


def test_items_are_made_again_from_the_first_that_is_lost(owner: Owner) -> None:
    owner.handle(task(1, num_returns=-1))
    items(owner, 1, 4)
    owner.finish(values=(b"\0",), items=4)
    owner.handle(*(ItemTaken(task_id(ME, 1), index) for index in (1, 2, 3, 4)))
    owner.lose(1, 2)
    owner.lose(1, 4)
    assert owner.given[0].skip == 1
    items(owner, 2, 4)
    owner.finish(values=(b"\0",), items=4)
    assert [owner.value(1, index) for index in (1, 2, 3, 4)] == ["large"] * 4
    assert not owner.given, "the replay that was under way brought the second one, too"
    owner.drop(object_id(task_id(ME, 1), 0), *(ref(1, index) for index in (1, 2, 3, 4)))
    assert owner.is_empty()


def test_an_item_that_is_lost_again_before_the_end_of_the_replay_is_made_by_the_next(owner: Owner) -> None:
    owner.handle(task(1, num_returns=-1, max_retries=2))
    items(owner, 1, 2)
    owner.finish(values=(b"\0",), items=2)
    owner.handle(*(ItemTaken(task_id(ME, 1), index) for index in (1, 2)))
    owner.lose(1, 1)
    items(owner, 1, 1)
    owner.lose(1, 1)
    items(owner, 2, 2)
    owner.finish(values=(b"\0",), items=2)
    assert owner.value(1, 1) is None
    assert owner.runs == [(1, 0), (1, 1), (1, 2)]
    items(owner, 1, 2)
    owner.finish(values=(b"\0",), items=2)
    assert owner.value(1, 1) == owner.value(1, 2) == "large"


def test_an_item_that_is_lost_with_the_news_of_the_end_is_made_again(owner: Owner) -> None:
    owner.handle(task(1, num_returns=-1))
    items(owner, 1, 2)
    ended = TaskFinished(owner.given[0].task, 0, OK, (b"\0",), items=2)
    owner.given.clear()
    owner.handle(_copy_lost(owner, ref(1, 2)), received(WORKER, ended))
    assert owner.runs == [(1, 0), (1, 1)]
    items(owner, 2, 2)
    owner.finish(values=(b"\0",), items=2)
    assert owner.value(1, 2) == "large"


def test_a_generator_that_makes_fewer_items(owner: Owner) -> None:
    owner.handle(task(1, num_returns=-1))
    items(owner, 1, 2)
    owner.finish(values=(b"\0",), items=2)
    owner.handle(*(ItemTaken(task_id(ME, 1), index) for index in (1, 2)))
    owner.lose(1, 2)
    owner.finish(values=(b"\0",), items=1)
    name, fields = owner.value(1, 2)
    assert name == "ObjectReconstructionFailedError"
    assert "StreamingGeneratorReplayInconsistentError" in fields["reason"]
    assert owner.value(1, 1) == "large"


def test_an_item_lost_before_the_end_waits_for_it_unless_it_would_wait_for_ever(owner: Owner) -> None:
    owner.handle(task(1, num_returns=-1))
    items(owner, 1, 2)
    owner.lose(1, 1)
    assert owner.value(1, 1) is None
    owner.finish(values=(b"\0",), items=2)
    items(owner, 1, 2)
    owner.finish(values=(b"\0",), items=2)
    assert owner.value(1, 1) == "large"
    owner.handle(task(2, num_returns=-1, backpressure=2))
    items(owner, 1, 2)
    owner.lose(2, 1)
    assert owner.value(2, 1)[0] == "ObjectLostError"


# -- actors -----------------------------------------------------------------------------------------------------------


def caller() -> Worker:
    worker = Worker(ME, NODE, HEAD, ME, JobID(b"job."), "session", LinkMachine(ME))
    worker.handle([created(max_restarts=1), received(HEAD, alive())], 1.0)
    return worker


def answered(number: int, offset: int, attempt: int = 0) -> Any:
    value = Block(NODE, offset, LARGE, result_of(number))
    return received(HOST, TaskFinished(call_task(number), attempt, OK, (value,)))


def test_a_call_is_replayed_before_all_that_wait_even_for_it() -> None:
    worker = caller()
    worker.handle([submitted(1, max_retries=2), answered(1, LARGE)], 1.1)
    worker.handle([answered(1, LARGE)], 1.15)
    theirs = object_id(task_id(OTHER, 1), 1)
    worker.handle([submitted(2, dependencies=(theirs,)), submitted(3)], 1.2)
    effects = worker.handle([received(NODE, CopyLost(result_of(1), NODE)), submitted(4)], 1.3)
    again = told(effects, HOST, CallPushed)
    assert [(message.task, message.attempt) for message in again] == [(call_task(1), 1)]
    worker.check()
    effects = worker.handle([answered(1, 2 * LARGE, 1)], 1.4)
    assert not pushed(effects), "the others still wait for an argument"
    value = worker.references.values[result_of(1)]
    assert isinstance(value, Block)
    assert value.offset == 2 * LARGE
    effects = worker.handle([received(OTHER, ObjectServed(theirs, b"\0"))], 1.5)
    assert pushed(effects) == [2, 3, 4]
    worker.check()


def test_a_call_whose_argument_is_lost_in_the_queue_waits_for_it() -> None:
    worker = caller()
    worker.handle([submitted(1, max_retries=-1)], 1.1)
    worker.handle([answered(1, LARGE)], 1.2)
    worker.handle([received(HEAD, alive(0))], 1.25)
    client = worker.calls.clients.clients[ACTOR]
    client.target = None
    worker.handle([submitted(2, dependencies=(result_of(1),)), submitted(3)], 1.3)
    worker.handle([received(NODE, CopyLost(result_of(1), NODE))], 1.4)
    client.target = HOST
    worker.calls.clients.dirty[ACTOR] = None
    effects = worker.handle([], 1.5)
    assert pushed(effects) == [1]
    worker.check()
    effects = worker.handle([answered(1, 2 * LARGE, 1)], 1.6)
    assert pushed(effects) == [2, 3]
    worker.check()
