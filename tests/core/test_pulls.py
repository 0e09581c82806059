"""Pulls between nodes, on roles alone: no socket, no clock."""

from __future__ import annotations

from typing import Any

import pytest

from core.pull_roles import ALSO_ON_B, MIB, ON_A, ON_B, ON_C, A, B, C, Network, error_name
from gnomon._core import events as ev
from gnomon._core.pulls import CHUNK_BYTES
from gnomon._messages import cluster, objects, pulls
from gnomon._messages.base import Block


@pytest.fixture
def net() -> Network:
    return Network()


def nothing_left(net: Network) -> None:
    """No pull, no budget, no block on any living node."""
    net.wait()
    for me, node in net.nodes.items():
        if me not in net.dead:
            node.check()
            assert not node.pulls.pulls
            assert not node.pulls.in_flight
            assert not node.blocks.pinned
            assert not node.blocks.owners, (me, node.blocks.objects)
            assert net.used(me) == 0
    assert not net.receiving or all(node in net.dead for node, _ in net.receiving)


def test_a_value_is_copied_and_the_reader_gets_the_copy(net: Network) -> None:
    block = net.put(ON_A, 5 * MIB + 17)
    net.lend(block, ON_B)
    request = net.read(ON_B, block)
    assert not net.answers, "its bytes are still to come"
    net.carry()
    copy = net.answer(request, block)
    assert isinstance(copy, Block)
    assert copy.node == B
    assert copy.size == block.size
    assert net.content(copy) == net.content(block)
    assert net.workers[ON_B].references.values[block.object] == copy
    assert net.workers[ON_A].references.copies_of(block.object) == {A: block, B: copy}
    assert net.workers[ON_A].ledger.objects[block.object.hex()][5] == f"{A.hex()} {B.hex()}"
    net.drop(block, ON_B, ON_B, ON_A)
    nothing_left(net)


def test_many_readers_share_one_pull(net: Network) -> None:
    block = net.put(ON_A, 20 * MIB)
    net.lend(block, ON_B, ALSO_ON_B)
    first, second = net.read(ON_B, block), net.read(ALSO_ON_B, block)
    again = net.read(ON_B, block)
    net.carry()
    late = net.read(ALSO_ON_B, block)
    copies = {net.answer(request, block) for request in (first, second, again, late)}
    assert len(copies) == 1
    asked = sum(message.count for message in net.of(pulls.ChunksWanted))
    assert asked == 20, "every chunk was asked for once"
    assert len(net.of(pulls.CopyAdded)) == 1
    net.drop(block, ON_A, ON_B, ON_B, ON_B, ALSO_ON_B, ALSO_ON_B, ALSO_ON_B)
    nothing_left(net)


def test_an_owner_reads_a_result_that_lies_elsewhere(net: Network) -> None:
    block = net.put(ON_A, 2 * MIB)
    elsewhere = Block(B, 0, 2 * MIB, block.object)
    net.workers[ON_A].references.values[block.object] = elsewhere
    net.tell(B, *[])
    net.memory[B][0] = dict(net.memory[A][block.offset])
    net.nodes[A].blocks.release(block.offset)
    node = net.nodes[B].blocks
    node.owners[node.allocator.allocate(2 * MIB) or 0] = ON_A
    node.objects[0] = elsewhere
    request = net.read(ON_A, elsewhere)
    net.carry()
    copy = net.answer(request, block)
    assert isinstance(copy, Block)
    assert copy.node == A
    assert net.workers[ON_A].references.values[block.object] == copy, "its own node's copy is preferred"
    net.drop(block, ON_A, ON_A)
    nothing_left(net)


def test_chunks_on_their_way_fit_the_budget(net: Network) -> None:
    machine = net.nodes[B].pulls
    machine.budget_bytes = 10 * CHUNK_BYTES
    large, small = net.put(ON_A, 50 * MIB), net.put(ON_A, 3 * MIB, number=2)
    net.lend(large, ON_B)
    net.lend(small, ON_B)
    requests = net.read(ON_B, large), net.read(ON_B, small)
    peak = 0
    while net.on_the_way:
        peak = max(peak, machine.in_flight)
        net.carry(1)
    assert peak == 10 * CHUNK_BYTES
    assert net.content(net.answer(requests[0], large)) == net.content(large)  # type: ignore[arg-type]
    assert net.content(net.answer(requests[1], small)) == net.content(small)  # type: ignore[arg-type]
    assert machine.in_flight == 0


def test_a_third_node_may_read_from_both(net: Network) -> None:
    block = net.put(ON_A, 40 * MIB)
    net.lend(block, ON_B, ON_C)
    net.read(ON_B, block)
    net.carry()
    request = net.read(ON_C, block)
    net.carry()
    assert net.content(net.answer(request, block)) == net.content(block)  # type: ignore[arg-type]
    wanted = [
        (target, message.count)
        for who, target, message in net.said
        if who == C and type(message) is pulls.ChunksWanted
    ]
    assert {target for target, _ in wanted} == {A, B}
    assert sum(count for _, count in wanted) == 40
    net.drop(block, ON_A, ON_B, ON_B, ON_C, ON_C)
    nothing_left(net)


def test_a_copy_on_the_readers_node_is_served(net: Network) -> None:
    block = net.put(ON_A, 2 * MIB)
    net.lend(block, ON_B)
    request = net.read(ON_B, block)
    net.carry()
    net.lend(block, ALSO_ON_B)
    net.tell(ON_A)
    worker = net.workers[ALSO_ON_B]
    worker.references.want(block.object)
    net.tell(ALSO_ON_B)
    assert worker.references.values[block.object] == net.answer(request, block)


# -- deaths -----------------------------------------------------------------------------------------------------


def test_the_source_dies_midway_and_another_copy_is_there(net: Network) -> None:
    """The value is C's; B has a copy; A reads from B, which dies."""
    block = net.put(ON_C, 4 * MIB)
    net.lend(block, ON_A, ON_B)
    first = net.read(ON_B, block)
    net.carry()
    copy = net.answer(first, block)
    assert isinstance(copy, Block)
    net.nodes[A].pulls.budget_bytes = CHUNK_BYTES
    request = net.read(ON_A, copy)
    net.carry(2)
    net.kill(B)
    net.carry()
    got = net.answer(request, block)
    assert isinstance(got, Block)
    assert got.node == A
    assert net.content(got) == net.content(block)
    assert net.workers[ON_C].references.copies_of(block.object).keys() == {C, A}
    net.drop(block, ON_A, ON_A, ON_C)
    net.wait()
    nothing_left(net)


def test_the_only_source_dies_midway(net: Network) -> None:
    """The owner, on another node, finds out that its value is lost, and all who wait are told."""
    block = net.put(ON_A, 4 * MIB)
    net.lend(block, ON_B)
    net.nodes[C].pulls.budget_bytes = net.nodes[B].pulls.budget_bytes = CHUNK_BYTES
    owner = net.workers[ON_C]
    mine = net.put(ON_C, 4 * MIB)
    net.lend(mine, ON_A, ON_B)
    got = net.read(ON_A, mine)
    net.carry()
    copy = net.answer(got, mine)
    owner.copies.on_lost(pulls.CopyLost(mine.object, C, True))
    net.tell(ON_C)
    assert owner.references.values[mine.object] == copy, "the only copy is the one on A"
    request = net.read(ON_B, copy)  # type: ignore[arg-type]
    net.carry(1)
    net.kill(A)
    assert error_name(net.answer(request, mine)) == "ObjectLostError"
    assert error_name(owner.references.values[mine.object]) == "ObjectLostError"
    net.drop(mine, ON_B, ON_B, ON_C)
    net.drop(block, ON_B)
    nothing_left(net)


def test_the_owner_dies_with_the_source(net: Network) -> None:
    block = net.put(ON_A, 4 * MIB)
    net.lend(block, ON_B)
    request = net.read(ON_B, block)
    net.kill(A)
    assert error_name(net.answer(request, block)) == "OwnerDiedError"
    net.drop(block, ON_B, ON_B)
    nothing_left(net)


def test_a_pull_ends_when_nobody_is_left_who_wants_it(net: Network) -> None:
    block = net.put(ON_A, 30 * MIB)
    net.lend(block, ON_B)
    net.nodes[B].pulls.budget_bytes = 2 * CHUNK_BYTES
    net.read(ON_B, block)
    net.carry(1)
    net.hear_of_death(B, ON_B)
    assert net.used(B) == 0
    net.carry()  # what still comes is dropped
    assert net.used(B) == 0
    assert not net.of(pulls.CopyAdded)


# -- freeing ------------------------------------------------------------------------------------------------------


def test_a_copy_that_comes_after_the_value_was_freed_is_freed_at_once(net: Network) -> None:
    block = net.put(ON_A, 4 * MIB)
    net.lend(block, ON_B)
    net.read(ON_B, block)
    net.hear_of_death(ON_A, ON_B)  # the last to hold it, as far as the owner knows
    net.drop(block, ON_A)
    net.wait()
    assert net.used(A) > 4 * MIB, "pinned while it is being sent"
    net.carry()
    assert net.of(pulls.CopyAdded)
    assert net.used(A) == net.used(B) == 0


def test_a_copy_of_what_a_dead_process_owned_is_freed_when_nobody_uses_it(net: Network) -> None:
    """The node has heard of the death before it was asked for the value, the reader has not."""
    block = net.put(ON_C, 2 * MIB)
    net.lend(block, ON_B)
    net.hear_of_death(B, ON_C)
    request = net.read(ON_B, block)
    net.carry()
    assert isinstance(net.answer(request, block), Block)
    assert net.used(B) == 0, "doubtful at once; these nodes have no workers who could say that they use it"


def test_a_copy_of_which_its_owner_wants_nothing_is_given_to_nobody_else(net: Network) -> None:
    block = net.put(ON_A, 2 * MIB)
    net.lend(block, ON_B)
    net.read(ON_B, block)
    net.tell(ON_A, ev.Received(B, [pulls.CopyLost(block.object, A, there=True)]))
    net.carry()
    assert net.of(pulls.CopyAdded)
    assert net.nodes[B].blocks.copies == {}


def test_a_freed_block_is_not_read_by_a_late_question(net: Network) -> None:
    """What lies there now is somebody else's: refused, and the owner's word is final."""
    block = net.put(ON_A, 4 * MIB)
    net.lend(block, ON_B)
    net.hear_of_death(ON_A, ON_B)
    net.drop(block, ON_A)
    net.wait()
    other = net.put(ON_A, 4 * MIB, number=2)
    assert other.offset == block.offset
    request = net.read(ON_B, block)
    net.carry()
    assert net.of(pulls.ChunksRefused)
    assert error_name(net.answer(request, block)) == "ObjectFreedError"
    known = net.workers[ON_B].references.values[block.object]
    assert error_name(known) == "ObjectFreedError", "whoever reads it next need not ask"
    net.drop(other, ON_A)
    net.drop(block, ON_B, ON_B)
    nothing_left(net)


def test_copies_are_freed_on_every_node(net: Network) -> None:
    block = net.put(ON_A, 2 * MIB)
    net.lend(block, ON_B, ON_C)
    net.read(ON_B, block)
    net.read(ON_C, block)
    net.carry()
    assert net.used(A)
    assert net.used(B)
    assert net.used(C)
    net.drop(block, ON_B, ON_B, ON_C, ON_C, ON_A)
    freed = [target for _, target, message in net.said if type(message) is objects.BlocksFreed]
    assert sorted(freed) == [A, B, C]
    nothing_left(net)


# -- chunks that are wrong, late or lost -----------------------------------------------------------------------


def test_a_chunk_with_a_wrong_checksum_is_asked_for_again(net: Network) -> None:
    block = net.put(ON_A, 4 * MIB)
    net.lend(block, ON_B)
    spoiled: list[int] = []

    def once(node: bytes, chunk: int) -> bool:
        if chunk == 2 and not spoiled:
            spoiled.append(chunk)
            return True
        return False

    net.spoil = once
    request = net.read(ON_B, block)
    net.carry()
    assert spoiled
    assert net.content(net.answer(request, block)) == net.content(block)  # type: ignore[arg-type]


def test_a_source_that_always_errs_is_given_up_and_never_delivered(net: Network) -> None:
    block = net.put(ON_A, 4 * MIB)
    net.lend(block, ON_B)
    net.spoil = lambda node, chunk: chunk == 2
    request = net.read(ON_B, block)
    net.carry()
    assert error_name(net.answer(request, block)) == "ObjectLostError"
    assert net.of(pulls.CopyLost) == [pulls.CopyLost(block.object, A, True, block.offset)]
    net.drop(block, ON_A, ON_B, ON_B)
    nothing_left(net)


def test_chunks_that_are_lost_are_asked_for_again_and_then_the_pull_fails(net: Network) -> None:
    block = net.put(ON_A, 3 * MIB)
    net.lend(block, ON_B)
    request = net.read(ON_B, block)
    lost, net.on_the_way = net.on_the_way, []
    node = net.nodes[B]
    for _ in range(5):
        if request in net.answers:
            break
        wakeup = node.next_wakeup()
        assert wakeup is not None
        assert wakeup > net.now
        net.now = wakeup
        net.tell(B)
    assert error_name(net.answer(request, block)) == "ObjectFetchTimedOutError"
    asked = [(message.first, message.count) for message in net.of(pulls.ChunksWanted)]
    assert (0, 3) in asked
    assert len(asked) > 1, "they were asked for again"
    assert net.workers[ON_A].references.values[block.object] == block, "a slow value is no lost one"
    net.on_the_way += lost
    net.carry()
    assert net.used(B) == 0, "late chunks are dropped"


def test_no_room_is_told_to_the_reader_and_loses_nothing() -> None:
    net = Network(capacity=8 * MIB)
    block = net.put(ON_A, 6 * MIB)
    full = net.put(ON_B, 6 * MIB)
    net.lend(block, ON_B)
    request = net.read(ON_B, block)
    net.now += 3.0
    net.tell(B)
    assert error_name(net.answer(request, block)) == "ObjectStoreFullError"
    net.drop(full, ON_B)
    request = net.read(ON_B, block)
    net.carry()
    assert isinstance(net.answer(request, block), Block), "now there is room"


def told(net: Network, kind: type) -> list[Any]:
    """What node B has told whoever looks."""
    return [message for sender, target, message in net.said if sender == B and isinstance(message, kind)]


def test_whoever_looks_is_told_what_was_copied_from_where(net: Network) -> None:
    block = net.put(ON_A, 2 * MIB)
    net.lend(block, ON_B)
    net.tell(B, ev.Received(ON_C, [cluster.ObservationWanted(ON_C, True)]))
    net.read(ON_B, block)
    net.carry()
    for _ in range(3):
        net.now += 1.0
        net.tell(B)
    spans = [span for message in told(net, cluster.SpansReported) for span in message.spans]
    assert [(span.kind, span.process, span.size) for span in spans] == [("transfer", B, block.size)]
    assert all(span.start <= span.end for span in spans)
    report = told(net, cluster.NodeStatus)[-1].report
    assert report.received == {A: block.size}
    net.tell(B, ev.Received(ON_C, [cluster.ObservationWanted(ON_C, False)]))
    net.said.clear()
    again = net.put(ON_A, 2 * MIB)
    net.lend(again, ON_B)
    net.read(ON_B, again)
    net.carry()
    net.now += 1.0
    net.tell(B)
    assert not told(net, cluster.SpansReported), "nobody looks any more"
