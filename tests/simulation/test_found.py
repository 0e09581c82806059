"""What the simulator has found, as the shortest history that shows it; a test's name says what was wrong."""

from __future__ import annotations

from typing import Any

from core.actor_roles import CPU, HEAD, ME, NODE, OTHER, new_worker, received, spec, told
from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.account import ResourceAccount
from gnomon._core.arena_allocator import ArenaAllocator
from gnomon._core.effects import Effects
from gnomon._core.head import Head
from gnomon._core.leases import LeaseMachine
from gnomon._core.links import LinkMachine
from gnomon._core.node import Node
from gnomon._core.worker import Worker
from gnomon._messages import actors, cluster, leases, objects, pulls, tasks
from gnomon._messages.base import Block, Borrow
from gnomon._messages.failures import failure
from gnomon._messages.session import JobSpec
from gnomon.ids import (
    ActorID,
    FunctionID,
    JobID,
    LeaseID,
    NodeID,
    ObjectID,
    TaskID,
    WorkerID,
    object_id,
    task_id,
)

PEER = WorkerID(b"peer....")


def new_node() -> Node:
    ids = iter(WorkerID(b"w%07d" % number) for number in range(100))
    node = Node(
        NODE, NodeID(b"thenode."), HEAD, ME, {"CPU": 20_000}, ArenaAllocator(1 << 20), LinkMachine(NODE),
        lambda: next(ids), keep_idle=0, workers_max=10,
    )  # fmt: skip
    node.handle([], 1.0)
    return node


def submitted(counter: int, **changes: Any) -> ev.TaskSubmitted:
    fields: dict[str, Any] = {
        "task": task_id(ME, counter), "function": FunctionID(b"function"), "payload": b"code", "group": "f",
        "resources": CPU, "class_key": 1, "arguments": b"\0", "dependencies": (), "contained": (),
        "num_returns": 1, "max_retries": 3, "retry_exceptions": False, "provenance": None, "parent": None,
    }  # fmt: skip
    return ev.TaskSubmitted(**(fields | changes))


def granted(lease: int, worker: WorkerID = PEER) -> leases.LeaseGranted:
    return leases.LeaseGranted(LeaseID(lease), 1, worker, 1)


def put_of(owner: WorkerID, counter: int) -> ObjectID:
    return object_id(task_id(owner, counter), 1)


# -- leases -------------------------------------------------------------------------------------------------


def test_placing_the_last_demand_ends() -> None:
    machine = LeaseMachine(Effects, ResourceAccount({"CPU": 20_000}))
    machine.on_wanted(ME, leases.LeasesWanted(1, CPU, 1, 0))
    machine.place()
    assert len(machine.placed) == 1
    machine.check()


def test_a_grant_that_is_reclaimed_at_once_is_used_for_a_slice() -> None:
    worker = new_worker()
    worker.handle([submitted(1)], 1.0)
    effects = worker.handle([received(NODE, granted(7), leases.LeaseReclaimed(LeaseID(7)))], 1.1)
    assert told(effects, PEER, tasks.TaskPushed)
    assert not told(effects, NODE, leases.LeaseReturned), (
        "returned unused, it would be granted again for ever"
    )


def used_up() -> Worker:
    """A worker that has run the last call of PEER's function, which PEER did not live to tell the node."""
    worker = new_worker()
    task = task_id(PEER, 1)
    pushed = tasks.TaskPushed(task, FunctionID(b"function"), b"\0", max_calls=1)
    worker.handle([received(PEER, tasks.LeaseBegun(CPU, (), LeaseID(1)), pushed)], 1.0)
    assert worker.execution.take(1.1) is not None
    worker.handle([ev.TaskEnded(task, tasks.OK, (b"\0value",), 1.1, 1.2, last=True)], 1.2)
    worker.handle([received(NODE, cluster.ProcessLost(PEER, "was killed"))], 1.3)
    return worker


def test_a_worker_that_is_used_up_and_lent_again_says_so_and_is_not_pushed_to_for_ever() -> None:
    effects = used_up().handle(
        [received(OTHER, tasks.TaskPushed(task_id(OTHER, 1), FunctionID(b"g"), b"\0"))], 2.0
    )
    [returned] = told(effects, OTHER, tasks.TasksReturned)
    assert returned.last
    owner = new_worker()
    owner.handle([submitted(1)], 2.0)
    owner.handle([received(NODE, granted(7))], 2.1)
    effects = owner.handle([received(PEER, tasks.TasksReturned((task_id(ME, 1),), last=True))], 2.2)
    assert not told(effects, PEER, tasks.TaskPushed)
    assert told(effects, NODE, leases.LeaseReturned) == [leases.LeaseReturned(LeaseID(7), spent=True)]
    assert told(effects, NODE, leases.LeasesWanted)


def test_a_worker_that_is_used_up_and_becomes_an_actor_takes_calls() -> None:
    worker, actor = used_up(), ActorID(task_id(OTHER, 1))
    worker.handle([received(HEAD, actors.ActorAssigned(spec(actor, owner=OTHER), 0))], 2.0)
    worker.handle([received(OTHER, tasks.CallPushed(task_id(OTHER, 2), actor, 0, "method", b"\0"))], 2.1)
    assert worker.execution.take(2.2) is not None


def test_a_message_in_the_batch_of_its_senders_death_gets_no_lease() -> None:
    node = new_node()
    node.handle([ev.WorkerExited(PEER, "was killed"), received(PEER, leases.LeasesWanted(1, CPU, 1, 0))], 2.0)
    assert not node.leases.demands
    assert node.account.available == node.account.total


def test_what_an_earlier_holder_of_a_lease_says_late_changes_nothing() -> None:
    worker = new_worker()
    worker.handle([received(PEER, tasks.LeaseBegun(CPU, (), LeaseID(3)))], 1.0)
    worker.handle([received(OTHER, tasks.LeaseBegun({"GPU": 10_000}, (1,), LeaseID(2)))], 1.1)
    assert (worker.execution.resources, worker.execution.gpus) == (CPU, ())


# -- links and processes ------------------------------------------------------------------------------------


def test_whoever_is_spoken_to_is_watched() -> None:
    worker = new_worker()
    worker.handle([submitted(1)], 1.0)
    effects = worker.handle([received(NODE, granted(7))], 1.1)
    assert told(effects, NODE, cluster.ProcessWatched) == [cluster.ProcessWatched(PEER)]


def test_an_idle_worker_stays_while_it_owns_what_others_hold() -> None:
    worker = new_worker()
    mine = put_of(ME, 1)
    worker.handle(
        [
            ev.ObjectStored(mine, b"\0value", (), 6),
            received(PEER, objects.BorrowAdded(PEER, (Borrow(mine, 1),), 1)),
            ev.HandlesDropped((mine,)),
        ],
        1.0,
    )
    effects = worker.handle([received(NODE, leases.WorkerRetired())], 2.0)
    assert effects.commands == []
    effects = worker.handle([received(PEER, objects.BorrowRemoved(Borrow(mine, 1)))], 3.0)
    assert effects.commands == [fx.EndProcess("idle")]


# -- references ---------------------------------------------------------------------------------------------


def test_a_cancelled_tasks_wish_for_a_value_goes_with_the_value() -> None:
    worker = new_worker()
    first = object_id(task_id(ME, 1), 1)
    worker.handle([submitted(1), submitted(2, dependencies=(first,))], 1.0)
    worker.handle([ev.CancelAsked(task_id(ME, 2), False, True)], 1.1)
    worker.handle([ev.HandlesDropped((first, object_id(task_id(ME, 2), 1)))], 1.2)
    assert worker.references.dependents == {}


def test_what_a_death_frees_gets_no_value_in_the_same_sweep() -> None:
    worker = new_worker()
    outer, inner = put_of(ME, 1), put_of(PEER, 1)
    worker.handle(
        [
            ev.HandlesArrived((inner,), None, None),
            ev.ObjectStored(outer, b"\0value", (inner,), 6),
            received(PEER, objects.BorrowAdded(PEER, (Borrow(outer, 1),), 1)),
            ev.HandlesDropped((outer, inner)),
        ],
        1.0,
    )
    worker.handle([received(NODE, cluster.ProcessLost(PEER, "was killed"))], 2.0)
    worker.check()
    worker.handle([], 9.0)
    assert worker.references.entries == worker.references.values == {}


def test_references_of_a_constructor_are_reported_at_once() -> None:
    worker = new_worker()
    actor = ActorID(task_id(PEER, 1))
    theirs = put_of(OTHER, 5)
    worker.handle([received(HEAD, actors.ActorAssigned(spec(actor, owner=PEER), 0))], 1.0)
    effects = worker.handle([ev.HandlesArrived((theirs,), TaskID(actor), None)], 1.1)
    [added] = told(effects, OTHER, objects.BorrowAdded)
    assert added.borrower == ME
    assert [borrow.object for borrow in added.borrows] == [theirs]


def test_what_was_freed_before_it_was_there_and_is_named_again_keeps_its_error() -> None:
    """Its borrower has died, and had lent it to somebody of whom its owner had not heard."""
    worker = new_worker()
    result = object_id(task_id(ME, 1), 1)
    borrowed = received(PEER, objects.BorrowAdded(PEER, (Borrow(result, 1),), 1))
    worker.handle([submitted(1), borrowed, received(NODE, granted(7, OTHER))], 1.0)
    worker.handle(
        [ev.HandlesDropped((result,)), received(NODE, cluster.ProcessLost(PEER, "was killed"))], 1.1
    )
    worker.handle([], 9.0)
    assert result not in worker.references.entries
    worker.handle([ev.HandlesArrived((result,), task_id(OTHER, 5), None)], 9.2)
    error = worker.references.values[result]
    block = Block(NODE, 8192, 4096, result)
    effects = worker.handle([received(OTHER, tasks.TaskFinished(task_id(ME, 1), 0, tasks.OK, (block,)))], 9.3)
    assert worker.references.values[result] == error
    assert told(effects, NODE, objects.BlocksFreed) == [objects.BlocksFreed((block.name,))]


# -- actors -------------------------------------------------------------------------------------------------


def test_an_actor_whose_argument_fails_is_told_of_as_dead() -> None:
    worker = new_worker()
    actor, argument = ActorID(task_id(ME, 1)), object_id(task_id(ME, 2), 1)
    worker.handle([submitted(2), ev.ActorSubmitted(spec(actor), (argument,), (), 0)], 1.0)
    effects = worker.handle([ev.CancelAsked(task_id(ME, 2), False, True)], 1.1)
    [stillborn] = told(effects, HEAD, actors.ActorStillborn)
    head = Head(HEAD, LinkMachine(HEAD))
    head.handle([received(OTHER, actors.ActorSubscribed(actor))], 1.0)
    effects = head.handle([received(ME, stillborn)], 1.2)
    assert [change.state for change in told(effects, OTHER, actors.ActorChanged)] == [actors.DEAD]
    effects = head.handle([received(PEER, actors.ActorSubscribed(actor))], 1.3)
    assert [change.state for change in told(effects, PEER, actors.ActorChanged)] == [actors.DEAD]


def test_an_actor_whose_owner_died_before_it_was_registered_is_dead() -> None:
    head = Head(HEAD, LinkMachine(HEAD))
    actor = ActorID(task_id(PEER, 1))
    head.handle([received(OTHER, actors.ActorSubscribed(actor))], 1.0)
    effects = head.handle([received(NODE, cluster.ProcessDied(PEER, "was killed"))], 2.0)
    assert [change.state for change in told(effects, OTHER, actors.ActorChanged)] == [actors.DEAD]
    effects = head.handle([received(ME, actors.ActorSubscribed(actor))], 3.0)
    assert [change.state for change in told(effects, ME, actors.ActorChanged)] == [actors.DEAD]


def test_a_kill_that_is_faster_than_the_registration_counts() -> None:
    head = Head(HEAD, LinkMachine(HEAD))
    head.handle([received(NODE, cluster.NodeJoined(NodeID(b"thenode."), CPU))], 1.0)
    actor = ActorID(task_id(ME, 1))
    killed = received(PEER, actors.ActorKilled(actor, True), actors.ActorSubscribed(actor))
    effects = head.handle([received(OTHER, actors.ActorSubscribed(actor)), killed], 1.1)
    for borrower in (OTHER, PEER):
        assert [change.state for change in told(effects, borrower, actors.ActorChanged)] == [actors.DEAD]
    effects = head.handle([received(ME, actors.ActorRegistered(spec(actor, name="ann"), 5))], 1.2)
    assert [change.state for change in told(effects, ME, actors.ActorChanged)] == [actors.DEAD]
    assert told(effects, ME, actors.ActorAdmitted) == [actors.ActorAdmitted(5, False)]
    assert not told(effects, NODE, actors.ActorWorkerWanted)
    assert head.actors.names == {}
    head.check()


def test_a_named_actor_takes_its_name_before_its_arguments_are_there() -> None:
    worker, head = new_worker(), Head(HEAD, LinkMachine(HEAD))
    head.handle([received(NODE, cluster.NodeJoined(NodeID(b"thenode."), CPU))], 1.0)
    actor, argument = ActorID(task_id(ME, 1)), object_id(task_id(ME, 2), 1)
    named = spec(actor, name="ann")
    effects = worker.handle([submitted(2), ev.ActorSubmitted(named, (argument,), (), 5)], 1.0)
    effects = head.handle([received(ME, *told(effects, HEAD, actors.ActorRegistered))], 1.1)
    assert told(effects, ME, actors.ActorAdmitted) == [actors.ActorAdmitted(5, False)]
    assert not told(effects, NODE, actors.ActorWorkerWanted)
    finished = tasks.TaskFinished(task_id(ME, 2), 0, tasks.OK, (b"\0value",))
    worker.handle([received(NODE, granted(1))], 1.2)
    effects = worker.handle([received(PEER, finished)], 1.3)
    effects = head.handle([received(ME, *told(effects, HEAD, actors.ActorRegistered))], 1.4)
    assert told(effects, NODE, actors.ActorWorkerWanted)
    assert head.actors.records[actor].spec.values == (b"\0value",)


def test_an_actor_whose_name_is_taken_lets_go_of_its_arguments() -> None:
    worker, head = new_worker(), Head(HEAD, LinkMachine(HEAD))
    held = put_of(ME, 9)
    head.handle([received(OTHER, actors.ActorRegistered(spec(ActorID(task_id(OTHER, 1)), name="ann")))], 1.0)
    event = ev.ActorSubmitted(spec(ActorID(task_id(ME, 1)), name="ann"), (), (held,), 5)
    effects = worker.handle([ev.ObjectStored(held, b"\0value", (), 6), event], 1.1)
    effects = head.handle([received(ME, *told(effects, HEAD, actors.ActorRegistered))], 1.2)
    handle = object_id(task_id(ME, 1), 0)
    worker.handle([received(HEAD, *effects.sends[ME]), ev.HandlesDropped((held, handle))], 1.3)
    assert worker.references.entries == {}


# -- blocks -------------------------------------------------------------------------------------------------


def give(node: Node, asker: WorkerID, owner: WorkerID) -> int:
    effects = node.handle([received(asker, objects.BlockAsked(1, 4096, owner, put_of(owner, 1)))], 1.0)
    [reserve] = [command for command in effects.commands if type(command) is fx.ReserveBlock]
    node.handle([ev.BlockReserved(1, asker, reserve.offset, False)], 1.0)
    return reserve.offset


def answer_use(node: Node) -> None:
    """Whoever is asked uses nothing: one round."""
    reclamation = node.blocks.reclamation
    node.handle([], 2.0)
    answer = objects.UseTold(reclamation._round, ())
    node.handle([received(process, answer) for process in list(reclamation._asked)], 2.0)


def test_a_block_is_freed_once_when_its_writer_dies_while_room_is_made() -> None:
    """Its owner may know of the death before the room is there."""
    node = new_node()
    effects = node.handle([received(OTHER, objects.BlockAsked(1, 4096, PEER))], 1.0)
    [reserve] = [command for command in effects.commands if type(command) is fx.ReserveBlock]
    node.handle([ev.WorkerExited(OTHER, "was killed")], 1.1)
    node.handle([received(PEER, objects.WriterSettled(OTHER))], 1.2)
    assert reserve.offset in node.blocks.owners, "the shell is still at it"
    node.handle([ev.BlockReserved(1, OTHER, reserve.offset, False)], 1.3)
    assert node.blocks.owners == {}


def test_no_block_is_given_out_for_a_dead_owner() -> None:
    node = new_node()
    node.handle([ev.WorkerExited(PEER, "was killed")], 1.0)
    effects = node.handle([received(OTHER, objects.BlockAsked(1, 4096, PEER))], 2.0)
    assert told(effects, OTHER, objects.BlockRefused)


def test_a_block_being_written_for_an_owner_who_dies_is_not_given_to_somebody_else() -> None:
    node = new_node()
    offset = give(node, OTHER, PEER)
    node.handle([ev.WorkerExited(PEER, "was killed")], 2.0)
    for _ in range(3):
        answer_use(node)
    assert offset in node.blocks.owners, "its writer is still writing"
    node.handle([received(OTHER, objects.WriterSettled(PEER))], 2.2)
    for _ in range(2):
        answer_use(node)
    assert node.blocks.owners == {}
    node.check()


def test_a_writer_settles_only_when_its_running_tasks_for_the_dead_have_ended() -> None:
    worker = new_worker()
    task = task_id(PEER, 1)
    worker.handle([received(PEER, tasks.TaskPushed(task, FunctionID(b"function"), b"\0"))], 1.0)
    assert worker.execution.take(1.1) is not None
    effects = worker.handle([received(NODE, cluster.ProcessLost(PEER, "was killed"))], 1.2)
    assert not told(effects, NODE, objects.WriterSettled)
    effects = worker.handle([ev.TaskEnded(task, tasks.OK, (b"\0value",), 1.1, 1.3)], 1.3)
    assert told(effects, NODE, objects.WriterSettled) == [objects.WriterSettled(PEER)]


def test_pushed_tasks_use_the_blocks_of_a_dead_owner() -> None:
    worker = new_worker()
    block = Block(NODE, 8192, 4096, put_of(OTHER, 1))
    task = task_id(PEER, 1)
    worker.handle([received(PEER, tasks.TaskPushed(task, FunctionID(b"function"), b"\0", (block,)))], 1.0)
    effects = worker.handle([received(NODE, objects.UseAsked(1, (block.name,), (OTHER,)))], 1.1)
    assert told(effects, NODE, objects.UseTold) == [objects.UseTold(1, (block.name,))]
    worker.handle([received(NODE, cluster.ProcessLost(OTHER, "was killed"))], 1.2)
    worker.execution.take(1.3)
    ended = ev.TaskEnded(task, tasks.RAISED, (failure("WorkerCrashedError"),), 1.3, 1.4)
    effects = worker.handle([ended], 1.4)
    assert told(effects, NODE, objects.BlocksUnused) == [objects.BlocksUnused((block.name,))]
    assert worker.references.entries == {}


def test_a_view_counts_although_its_owner_was_known_to_be_dead_before() -> None:
    worker = new_worker()
    block, mine = Block(NODE, 8192, 4096, put_of(OTHER, 1)), Block(NODE, 16384, 4096, put_of(ME, 1))
    worker.handle([ev.HandlesArrived((put_of(OTHER, 2),), None, None)], 1.0)
    worker.handle([received(NODE, cluster.ProcessLost(OTHER, "was killed"))], 1.1)
    task = task_id(PEER, 1)
    pushed = tasks.TaskPushed(task, FunctionID(b"function"), b"\0", (block, mine))
    worker.handle([received(PEER, pushed)], 1.2)
    assert worker.execution.take(1.3) is not None
    worker.handle([ev.HandlesArrived((block.object, mine.object), task, None)], 1.3)
    worker.handle([ev.TaskEnded(task, tasks.OK, (b"\0value",), 1.3, 1.4)], 1.4)  # it keeps both views
    effects = worker.handle([received(NODE, objects.UseAsked(1, (block.name, mine.name), ()))], 1.5)
    assert told(effects, NODE, objects.UseTold) == [objects.UseTold(1, (block.name, mine.name))]
    effects = worker.handle([ev.HandlesDropped((block.object, mine.object))], 1.6)
    unused = [objects.BlocksUnused((block.name,)), objects.BlocksUnused((mine.name,))]
    assert told(effects, NODE, objects.BlocksUnused) == unused
    assert not told(effects, NODE, objects.BlocksFreed), "others may view them"
    worker.check()


def test_what_was_known_to_be_lost_is_used_where_a_task_views_it() -> None:
    worker = new_worker()
    block, task = Block(NODE, 8192, 4096, put_of(OTHER, 1)), task_id(PEER, 1)
    worker.handle([ev.HandlesArrived((block.object,), None, None)], 1.0)
    worker.handle([received(NODE, cluster.ProcessLost(OTHER, "was killed"))], 1.1)
    worker.handle([received(PEER, tasks.TaskPushed(task, FunctionID(b"function"), b"\0", (block,)))], 1.2)
    effects = worker.handle([received(NODE, objects.UseAsked(1, (block.name,), ()))], 1.3)
    assert told(effects, NODE, objects.UseTold) == [objects.UseTold(1, (block.name,))]
    worker.check()


def test_a_copy_that_was_given_up_while_it_was_brought_is_in_use_while_it_is_read() -> None:
    worker, mine = new_worker(), object_id(task_id(ME, 1), 1)
    far = Block(OTHER, 4096, 5000, mine)
    worker.handle([submitted(1), received(NODE, granted(7))], 1.0)
    worker.handle([received(PEER, finished(1, values=(far,)))], 1.1)
    effects = worker.handle([ev.BlocksNeeded(3, (far,)), ev.CopiesDropped(mine)], 1.2)
    assert told(effects, NODE, pulls.PullWanted) == [pulls.PullWanted(far)]
    copy = Block(NODE, 8192, 5000, mine)
    brought = received(NODE, pulls.CopyAdded(copy), pulls.PullDone(mine, copy))
    effects = worker.handle([brought], 1.3)
    assert told(effects, NODE, objects.BlocksDoubted) == [objects.BlocksDoubted((copy.name,))]
    assert told(effects, NODE, pulls.CopyParted) == [pulls.CopyParted(copy)], "it is given to nobody else"
    assert fx.AnswerRequest(3, {mine: copy}) in effects.commands
    effects = worker.handle([received(NODE, objects.UseAsked(1, (copy.name,), ()))], 1.4)
    assert told(effects, NODE, objects.UseTold) == [objects.UseTold(1, (copy.name,))]
    effects = worker.handle([ev.HandlesDropped((mine, mine))], 1.5)
    assert told(effects, NODE, objects.BlocksUnused) == [objects.BlocksUnused((copy.name,))]


def running_with(theirs: ObjectID) -> Worker:
    """It runs a task of OTHER's, with a handle on this that no owner knows of."""
    worker, task = new_worker(), task_id(OTHER, 5)
    worker.handle([received(OTHER, tasks.TaskPushed(task, FunctionID(b"function"), b"\0"))], 1.0)
    assert worker.execution.take(1.0) is not None
    worker.handle([ev.HandlesArrived((theirs,), task, None)], 1.0)
    return worker


def test_a_borrower_that_had_lent_to_the_dead_is_recorded_before_it_lets_go_and_says_so() -> None:
    worker, theirs = running_with(put_of(OTHER, 1)), put_of(OTHER, 1)
    worker.handle([submitted(1, contained=(theirs,), max_retries=0)], 1.1)
    worker.handle([received(NODE, granted(7))], 1.2)
    lost = cluster.ProcessLost(PEER, "was killed", task_id(ME, 1))
    worker.handle([received(NODE, lost)], 1.3)
    effects = worker.handle([ev.HandlesDropped((theirs,))], 1.4)
    [added] = told(effects, OTHER, objects.BorrowAdded)
    assert not told(effects, OTHER, objects.BorrowRemoved)
    effects = worker.handle([received(OTHER, objects.BorrowRecorded(added.receipt))], 1.5)
    assert not told(effects, OTHER, objects.BorrowRemoved), "somebody may still be telling"
    effects = worker.handle([], 9.0)
    assert [removed.doubtful for removed in told(effects, OTHER, objects.BorrowRemoved)] == [True]


def test_what_a_dead_lender_did_not_tell_the_borrower_tells() -> None:
    theirs = put_of(PEER, 1)
    worker = running_with(theirs)
    effects = worker.handle([received(NODE, cluster.ProcessLost(OTHER, "was killed"))], 1.3)
    [added] = told(effects, PEER, objects.BorrowAdded)
    assert (added.borrower, [borrow.object for borrow in added.borrows]) == (ME, [theirs])


def lent_to_the_dead(worker: Worker, mine: ObjectID) -> None:
    """PEER, who held it, is dead, and nobody else does."""
    block = Block(NODE, 8192, 4096, mine)
    lent = received(PEER, objects.BorrowAdded(PEER, (Borrow(mine, 1),), 1))
    worker.handle([ev.ObjectStored(mine, block, (), 4096), lent, ev.HandlesDropped((mine,))], 1.0)
    worker.handle([received(NODE, cluster.ProcessLost(PEER, "was killed"))], 1.1)


def test_what_the_dead_may_have_lent_on_is_held_until_the_borrower_has_told() -> None:
    worker, mine = new_worker(), put_of(ME, 1)
    lent_to_the_dead(worker, mine)
    told_late = received(OTHER, objects.BorrowAdded(OTHER, (Borrow(mine, 1),), 1))
    worker.handle([told_late], 1.5)
    worker.handle([], 9.0)
    assert mine in worker.references.values
    effects = worker.handle([received(OTHER, objects.BorrowRemoved(Borrow(mine, 1)))], 9.1)
    assert worker.references.entries == {}
    assert told(effects, NODE, objects.BlocksDoubted) == [objects.BlocksDoubted(((8192, mine),))]


def test_what_the_dead_have_not_lent_on_is_freed_after_a_while() -> None:
    worker, mine = new_worker(), put_of(ME, 1)
    lent_to_the_dead(worker, mine)
    assert worker.next_wakeup() == 1.6
    effects = worker.handle([], 1.6)
    assert worker.references.entries == {}
    assert told(effects, NODE, objects.BlocksDoubted) == [objects.BlocksDoubted(((8192, mine),))]


# -- cancels and kills --------------------------------------------------------------------------------------


def finished(
    counter: int,
    attempt: int = 0,
    outcome: int = tasks.OK,
    values: tuple[Any, ...] = (b"\0value",),
    **fields: Any,
) -> tasks.TaskFinished:
    return tasks.TaskFinished(task_id(ME, counter), attempt, outcome, values, **fields)


def pushed_call(counter: int, actor: ActorID) -> tasks.CallPushed:
    return tasks.CallPushed(task_id(ME, counter), actor, 0, "method", b"\0")


def test_an_actor_that_calls_itself_can_cancel_that_call() -> None:
    worker, actor = new_worker(), ActorID(task_id(OTHER, 1))
    worker.handle([received(HEAD, actors.ActorAssigned(spec(actor), 0))], 1.0)
    worker.handle([received(ME, pushed_call(1, actor))], 1.1)
    assert worker.execution.take(1.2) is not None
    effects = worker.handle([received(ME, tasks.TaskCancelled(task_id(ME, 1), 0, False, True))], 1.3)
    assert fx.InterruptTask(task_id(ME, 1), False, True) in effects.commands


def deaf_and_cancelled(worker: Worker) -> Effects:
    """A task runs at PEER, is cancelled, and has not ended when its time is over."""
    worker.handle([submitted(1)], 1.0)
    worker.handle([received(NODE, granted(7))], 1.1)
    worker.handle([ev.CancelAsked(task_id(ME, 1), False, True)], 1.2)
    return worker.handle([], 3.0)


def test_a_deaf_tasks_worker_is_killed_only_if_it_still_runs_that_task() -> None:
    effects = deaf_and_cancelled(new_worker())
    [broken] = told(effects, NODE, leases.LeaseBroken)
    assert broken == leases.LeaseBroken(LeaseID(7), task_id(ME, 1))
    node = new_node()
    [start, *_] = node.handle([received(ME, leases.LeasesWanted(1, CPU, 1, 0))], 1.0).commands
    effects = node.handle([received(start.worker, leases.WorkerReady(11))], 1.1)
    [lease] = told(effects, ME, leases.LeaseGranted)
    effects = node.handle([received(ME, leases.LeaseBroken(lease.lease, broken.task))], 1.2)
    assert effects.commands == [fx.KillWorker(start.worker, broken.task)]
    effects = node.handle([received(ME, leases.LeaseReturned(lease.lease))], 1.3)
    assert fx.KillWorker(start.worker) in effects.commands, "it is not used again, for it may be dying"
    assert not node.pool.idle


def test_a_worker_that_is_to_be_killed_gets_no_more_tasks() -> None:
    worker = new_worker()
    deaf_and_cancelled(worker)
    worker.handle([submitted(2)], 3.1)
    effects = worker.handle([received(PEER, finished(1, outcome=tasks.CANCELLED))], 3.2)
    assert not told(effects, PEER, tasks.TaskPushed)


def test_a_retry_that_had_not_begun_on_a_worker_that_died_costs_nothing() -> None:
    worker = new_worker()
    worker.handle([submitted(1, max_retries=1, retry_exceptions=True)], 1.0)
    worker.handle([received(NODE, granted(7))], 1.1)
    effects = worker.handle([received(PEER, finished(1, outcome=tasks.RAISED, retriable=True))], 1.2)
    assert [push.attempt for push in told(effects, PEER, tasks.TaskPushed)] == [1]
    lost = cluster.ProcessLost(PEER, "was killed", task_id(ME, 1))  # attempt 0 was the last that it began
    worker.handle([received(NODE, lost)], 1.3)
    effects = worker.handle([received(NODE, granted(8, OTHER))], 1.4)
    assert [push.attempt for push in told(effects, OTHER, tasks.TaskPushed)] == [1]


def call(counter: int, actor: ActorID) -> ev.CallSubmitted:
    return ev.CallSubmitted(
        task_id(ME, counter), actor, "method", "A.method", b"\0", (), (), 1, 0, False, "", True, None, None
    )


def test_a_call_is_not_wasted_on_a_process_that_is_known_to_be_dead() -> None:
    worker, actor = new_worker(), ActorID(task_id(OTHER, 1))
    worker.handle([call(1, actor)], 1.0)
    alive = actors.ActorChanged(actor, actors.ALIVE, 0, PEER, 11, "")
    effects = worker.handle([received(HEAD, alive)], 1.1)
    assert told(effects, PEER, tasks.CallPushed)
    worker.handle([received(NODE, cluster.ProcessLost(PEER, "was killed"))], 1.2)
    worker.handle([call(2, actor)], 1.3)
    again = actors.ActorChanged(actor, actors.ALIVE, 1, OTHER, 12, "was killed")
    effects = worker.handle([received(HEAD, again)], 1.4)
    assert [push.task for push in told(effects, OTHER, tasks.CallPushed)] == [task_id(ME, 2)]


def test_no_call_is_wasted_on_a_process_whose_death_the_node_mentions_in_a_question() -> None:
    worker, actor = new_worker(), ActorID(task_id(OTHER, 1))
    worker.handle([call(1, actor), ev.CancelAsked(task_id(ME, 1), False, True)], 1.0)
    worker.handle([received(HEAD, actors.ActorChanged(actor, actors.ALIVE, 0, PEER, 11, ""))], 1.1)
    worker.handle([received(NODE, objects.UseAsked(1, ((8192, put_of(ME, 9)),), (PEER,)))], 1.2)
    effects = worker.handle([call(2, actor)], 1.3)
    assert not told(effects, PEER, tasks.CallPushed)
    again = actors.ActorChanged(actor, actors.ALIVE, 1, OTHER, 12, "was killed")
    effects = worker.handle([received(HEAD, again)], 1.4)
    assert [(push.task, push.attempt) for push in told(effects, OTHER, tasks.CallPushed)] == [
        (task_id(ME, 2), 0)
    ]


def test_arguments_of_a_call_are_held_until_the_actor_that_was_killed_is_gone() -> None:
    worker, actor, held = new_worker(), ActorID(task_id(OTHER, 1)), put_of(ME, 9)
    worker.handle([ev.ObjectStored(held, b"\0value", (), 6)], 1.0)
    with_argument = call(1, actor)
    with_argument.contained = (held,)
    worker.handle([with_argument], 1.1)
    worker.handle([received(HEAD, actors.ActorChanged(actor, actors.ALIVE, 0, PEER, 11, ""))], 1.2)
    result = object_id(task_id(ME, 1), 1)
    worker.handle([ev.HandlesDropped((held,)), ev.ActorKillAsked(actor, True)], 1.3)
    assert result not in worker.references.values, "its last answers may come"
    worker.handle([], 2.4)
    assert result in worker.references.values, "here it counts as dead after a while"
    assert held in worker.references.entries, "but its process may still be reading"
    worker.handle([received(NODE, cluster.ProcessLost(PEER, "was killed"))], 2.5)
    worker.handle([], 9.0)
    assert held not in worker.references.entries


def test_news_of_a_birth_that_is_slower_than_the_death_wastes_no_call() -> None:
    worker, actor = new_worker(), ActorID(task_id(OTHER, 1))
    worker.handle([call(1, actor), ev.AskedSomething(PEER, objects.ObjectWanted(put_of(PEER, 1)))], 1.0)
    worker.handle([received(NODE, cluster.ProcessLost(PEER, "was killed"))], 1.1)
    worker.handle([received(HEAD, actors.ActorChanged(actor, actors.ALIVE, 0, PEER, 11, ""))], 1.2)
    again = actors.ActorChanged(actor, actors.ALIVE, 1, OTHER, 12, "was killed")
    effects = worker.handle([received(HEAD, again)], 1.3)
    assert [push.task for push in told(effects, OTHER, tasks.CallPushed)] == [task_id(ME, 1)]


# -- lifetimes ------------------------------------------------------------------------------------------------


def test_a_detached_actor_whose_creator_died_before_its_arguments_were_there_is_dead() -> None:
    head = Head(HEAD, LinkMachine(HEAD))
    detached = spec(ActorID(task_id(PEER, 1)), owner=PEER, name="ann", detached=True)
    head.handle([received(PEER, actors.ActorRegistered(detached, 5, resolved=False))], 1.0)
    head.handle([received(NODE, cluster.ProcessDied(PEER, "was killed"))], 1.1)
    assert head.actors.records[detached.actor].state == actors.DEAD
    assert head.actors.names == {}


def test_a_detached_actor_is_made_although_its_handle_went_before_its_arguments_were_there() -> None:
    worker = new_worker()
    actor, argument = ActorID(task_id(ME, 1)), object_id(task_id(ME, 2), 1)
    detached = spec(actor, name="ann", detached=True)
    worker.handle([submitted(2), ev.ActorSubmitted(detached, (argument,), (), 5)], 1.0)
    worker.handle([ev.HandlesDropped((object_id(task_id(ME, 1), 0),)), received(NODE, granted(1))], 1.1)
    effects = worker.handle([received(PEER, finished(2))], 1.2)
    [registered] = told(effects, HEAD, actors.ActorRegistered)
    assert registered.resolved
    assert registered.spec.values == (b"\0value",)


def test_an_idle_worker_stays_while_what_it_has_submitted_runs_elsewhere() -> None:
    worker = new_worker()
    worker.handle([submitted(1), ev.HandlesDropped((object_id(task_id(ME, 1), 1),))], 1.0)
    worker.handle([received(NODE, granted(7))], 1.1)
    effects = worker.handle([received(NODE, leases.WorkerRetired())], 1.2)
    assert effects.commands == []
    effects = worker.handle([received(PEER, finished(1))], 1.3)
    assert fx.EndProcess("idle") in effects.commands


def test_what_a_driver_says_after_its_good_bye_is_not_heard() -> None:
    node = new_node()
    node.handle([received(OTHER, cluster.DriverJoined(1, JobSpec(JobID(b"job2"), OTHER)))], 1.0)
    offset = give(node, OTHER, OTHER)
    freed = objects.BlocksFreed(((offset, put_of(OTHER, 1)),))
    node.handle([received(OTHER, cluster.DriverLeaving(2), freed)], 1.1)
    assert offset in node.blocks.owners, "its blocks are free when nobody reads them any more, once"
    for _ in range(2):
        answer_use(node)
    assert node.blocks.owners == {}
