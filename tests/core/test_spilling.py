"""Spilling, one node at a time: no place is given away that somebody views, and no value before it is on disk."""

from __future__ import annotations

from typing import Any

import pytest

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.arena_allocator import ArenaAllocator
from gnomon._core.block_views import BlockViews
from gnomon._core.blocks import BlockMachine
from gnomon._core.effects import Effects
from gnomon._core.serving import ServingMachine
from gnomon._core.spill_files import SpillFiles
from gnomon._messages import objects
from gnomon._messages.base import HEADER_BYTES, ON_DISK, Block, BlockName
from gnomon._messages.objects import BlockNoted, BlockOnDisk, BlockWritten
from gnomon._messages.pulls import ChunksRefused, ChunksWanted, CopyParted
from gnomon._messages.spilling import NO_PLACE, BlockThere, BlockWanted, SpillAsked, SpillDone, SpillTold
from gnomon.ids import ObjectID, WorkerID, object_id, task_id

A, B, NEW, NODE = (WorkerID(name) for name in (b"aaaaaaaa", b"bbbbbbbb", b"new.....", b"node...."))
PAGE = 4096
VALUE = 2 * PAGE - HEADER_BYTES
"""Two pages with its header: four of them fill the arena."""


def put_of(number: int, owner: WorkerID = A) -> ObjectID:
    return object_id(task_id(owner, number), 1)


class NodeBlocks:
    """The blocks of a node with four places and its processes A and B, who view nothing unless they say so."""

    def __init__(self, *directories: str) -> None:
        self.now = 1.0
        self.effects = Effects()
        self.lost: list[BlockName] = []
        self.machine = BlockMachine(
            lambda: self.effects,
            ArenaAllocator(8 * PAGE),
            files=SpillFiles(directories or ("disk",), rest_s=5.0, min_bytes=1),
            on_lost=lambda name, owner, reason: self.lost.append(name),
        )
        self.processes = [A, B]
        self.requests = 0
        self.given: dict[int, int] = {}

    def run(self) -> tuple[dict[WorkerID, list[Any]], list[Any]]:
        """The end of a batch: (messages, commands); room that was asked for is reserved at once."""
        self.machine.on_time(self.now)
        self.machine.run(lambda: self.processes, self.now)
        self.machine.check()
        done, self.effects = self.effects, Effects()
        for command in done.commands:
            if isinstance(command, fx.ReserveBlock):
                self.machine.on_reserved(command.request, command.asker, command.offset, False)
                self.given[command.request] = command.offset
        return done.sends, [each for each in done.commands if not isinstance(each, fx.ReserveBlock)]

    def ask(self, number: int, size: int = VALUE, owner: WorkerID = A, writer: WorkerID = A) -> int:
        self.requests += 1
        question = objects.BlockAsked(self.requests, size, owner, put_of(number, owner))
        self.machine.on_asked(writer, question, self.now)
        return self.requests

    def fill(self) -> list[BlockName]:
        """Four blocks, 1 the oldest."""
        names = []
        for number in (1, 2, 3, 4):
            request = self.ask(number)
            self.run()
            names.append((self.given[request], put_of(number)))
        return names

    def give_up(self, name: BlockName) -> None:
        self.machine.on_parted(A, CopyParted(self.machine.objects[name[0]]))

    def tell(self, process: WorkerID, *places: int) -> None:
        batch = self.machine.spilling.batch
        assert batch is not None
        self.machine.spilling.on_told(process, SpillTold(batch.number, places))

    def nobody_views(self) -> list[Any]:
        """Everybody answers; returns the commands."""
        for process in self.processes:
            self.tell(process)
        return self.run()[1]

    def write(self, commands: list[Any], error: str = "") -> list[Any]:
        """What is to be written has been; returns the commands."""
        for command in commands:
            assert isinstance(command, fx.WriteSpillFile)
            parts = () if error else tuple((index * 100, (7,)) for index in range(len(command.parts)))
            self.machine.spilling.on_written(ev.SpillFileWritten(command.file, parts, error), self.now)
        return self.run()[1]

    def clear(self) -> tuple[dict[WorkerID, list[Any]], list[Any]]:
        self.machine.spilling.on_cleared()
        return self.run()

    def spill(self) -> None:
        """One batch, from the question to its end."""
        (cleared,) = self.write(self.nobody_views())
        assert isinstance(cleared, fx.ClearBlocks)
        self.clear()

    def want(self, name: BlockName, process: WorkerID = B) -> None:
        self.requests += 1
        self.machine.restoring.on_wanted(process, BlockWanted(self.requests, name), self.now)

    def there(self) -> list[BlockThere]:
        sends, _ = self.run()
        return [each for messages in sends.values() for each in messages if isinstance(each, BlockThere)]


def asked(sends: dict[WorkerID, list[Any]]) -> dict[WorkerID, tuple[int, ...]]:
    found = {}
    for process, messages in sends.items():
        for message in messages:
            if isinstance(message, SpillAsked):
                found[process] = message.places
    return found


@pytest.fixture
def node() -> NodeBlocks:
    return NodeBlocks()


def test_the_oldest_goes_when_nobody_views_it_and_it_is_on_disk(node: NodeBlocks) -> None:
    one, *_ = node.fill()
    request = node.ask(5)
    sends, commands = node.run()
    assert asked(sends) == {A: (one[0],), B: (one[0],)}
    assert commands == []
    node.tell(A)
    assert node.run() == ({}, []), "not before all have answered"
    node.tell(B)
    _, (write,) = node.run()
    assert write == fx.WriteSpillFile(1, "disk/00000001", ((one[0], VALUE + HEADER_BYTES),))
    assert request not in node.given, "OD7: not before the file is complete"
    (clear,) = node.write([write])
    assert clear == fx.ClearBlocks((one[0],))
    assert request not in node.given, "somebody could still find it there"
    sends, _ = node.clear()
    assert SpillDone((one[0],)) in sends[A]
    node.run()
    assert node.given[request] == one[0]


def test_what_is_viewed_stays(node: NodeBlocks) -> None:
    one, two, *_ = node.fill()
    node.ask(5)
    node.run()
    node.tell(A, one[0])
    node.tell(B)
    sends, commands = node.run()
    assert commands == []
    assert asked(sends) == {A: (two[0],), B: (two[0],)}, "another one is asked about"


def test_what_is_wanted_meanwhile_stays(node: NodeBlocks) -> None:
    one, two, *_ = node.fill()
    node.ask(5)
    node.run()
    commands = node.nobody_views()
    node.want(one)
    assert node.there() == [BlockThere(node.requests, one[0])]
    node.write(commands)
    assert not node.machine.is_home(one), "it has a copy on disk now"
    assert asked(node.run()[0]) in ({}, {A: (two[0],), B: (two[0],)})
    node.want(one)
    assert node.there() == [BlockThere(node.requests, one[0])]


def test_wanted_while_its_header_is_cleared(node: NodeBlocks) -> None:
    one, *_ = node.fill()
    node.ask(5)
    node.run()
    node.write(node.nobody_views())
    node.want(one)
    assert node.there() == [BlockThere(node.requests, one[0])]
    node.clear()
    assert node.machine.spilling.parted[one].place == one[0]


def test_who_begins_is_asked_before_a_place_is_given_away(node: NodeBlocks) -> None:
    one, *_ = node.fill()
    request = node.ask(5)
    node.run()
    commands = node.nobody_views()
    node.machine.join(NEW)
    assert asked(node.run()[0]) == {NEW: (one[0],)}
    assert node.write(commands) == []
    node.tell(NEW, one[0])
    node.run()
    assert request not in node.given
    assert node.machine.spilling.parted[one].place == one[0], (
        "it has a copy on disk, and stays where it is viewed"
    )


def test_who_begins_while_headers_are_cleared_is_waited_for(node: NodeBlocks) -> None:
    one, *_ = node.fill()
    node.ask(5)
    node.run()
    node.write(node.nobody_views())
    node.machine.join(NEW)
    node.clear()
    assert node.machine.spilling.batch is not None
    node.tell(NEW, one[0])
    node.run()
    assert node.machine.spilling.parted[one].place == one[0]


def test_the_dead_view_nothing(node: NodeBlocks) -> None:
    node.fill()
    node.ask(5)
    node.run()
    node.tell(A)
    node.machine.lose(B)
    node.processes = [A]
    assert len(node.run()[1]) == 1


def test_freed_while_it_is_written(node: NodeBlocks) -> None:
    one, *_ = node.fill()
    request = node.ask(5)
    node.run()
    (write,) = node.nobody_views()
    node.machine.on_freed(A, (one,))
    node.run()
    assert node.given[request] == one[0]
    assert fx.DeleteSpillFile("disk/00000001") in node.write([write]), "what is in the file is rubbish"
    assert node.machine.spilling.parted == {}


def test_a_reader_brings_it_back_and_others_go(node: NodeBlocks) -> None:
    one, two, *_ = node.fill()
    node.ask(5)
    node.run()
    node.spill()
    node.want(one)
    assert node.there() == []
    node.spill()
    assert node.machine.spilling.parted[two].place == NO_PLACE
    place = node.machine.restoring.reading[one]
    assert place == two[0]
    node.machine.restoring.on_restored(ev.BlockRestored(one))
    assert node.there() == [BlockThere(node.requests, place)]
    node.want(one)
    assert node.there() == [BlockThere(node.requests, place)]


def test_what_is_on_disk_already_is_not_written_again(node: NodeBlocks) -> None:
    names = node.fill()
    node.ask(5)
    node.run()
    node.spill()
    node.want(names[0])
    node.run()
    node.spill()
    node.machine.restoring.on_restored(ev.BlockRestored(names[0]))
    node.run()
    for name in names[2:]:
        node.machine.on_freed(A, (name,))
    node.run()
    node.ask(6, size=8 * PAGE - HEADER_BYTES)
    node.run()
    (write,) = node.nobody_views()
    assert [part[0] for part in write.parts] == [names[0][0]], "number 5 alone, which lies there now"


def test_a_damaged_copy_is_a_loss(node: NodeBlocks) -> None:
    one, two, *_ = node.fill()
    node.ask(5)
    node.run()
    node.spill()
    node.machine.on_freed(A, (two,))
    node.want(one)
    node.run()
    node.machine.restoring.on_restored(ev.BlockRestored(one, "it is damaged"))
    assert [there.lost for there in node.there()] == ["it is damaged"]
    assert node.lost == [one]
    node.want(one)
    assert [there.lost for there in node.there()] == ["it is damaged"]
    node.machine.on_freed(A, (one,))
    assert fx.DeleteSpillFile("disk/00000001") in node.run()[1]


def test_a_reader_for_whom_there_is_no_room_reads_the_file(node: NodeBlocks) -> None:
    one, *others = node.fill()
    node.ask(5)
    node.run()
    node.spill()
    node.want(one)
    assert there_although_all_is_viewed(node) == [
        BlockThere(node.requests, NO_PLACE, "disk/00000001", 0, (7,))
    ]


def spilled_and_served(node: NodeBlocks) -> tuple[BlockName, ServingMachine, ChunksWanted]:
    """The oldest block, which is only on disk, and what another node asks of it."""
    one, *_ = node.fill()
    node.ask(5)
    node.run()
    node.spill()
    serving = ServingMachine(lambda: node.effects, node.machine)
    return one, serving, ChunksWanted(3, Block(NODE, one[0], VALUE, one[1]), 0, 1)


def test_another_node_is_sent_the_file_although_there_is_no_room(node: NodeBlocks) -> None:
    one, serving, wanted = spilled_and_served(node)
    node.run()
    serving.on_wanted(NEW, wanted)
    assert node.run()[1] == [fx.SendFileChunks(NEW, 3, one, 1, "disk/00000001", 0, VALUE, 0, (7,))]
    node.machine.on_freed(A, (one,))
    assert node.run()[1] == [], "it is being read"
    serving.on_file_sent(ev.FileChunksSent(NEW, 3, one, 1))
    assert node.run()[1] == [fx.DeleteSpillFile("disk/00000001")]


def test_a_file_that_can_not_be_sent_is_a_loss(node: NodeBlocks) -> None:
    one, serving, wanted = spilled_and_served(node)
    serving.on_wanted(NEW, wanted)
    serving.on_file_sent(ev.FileChunksSent(NEW, 3, one, 1, "it is damaged"))
    assert node.run()[0][NEW] == [ChunksRefused(3, there=True)]
    assert node.lost == [one]
    serving.on_wanted(NEW, wanted)
    assert node.run()[0][NEW] == [ChunksRefused(3, there=True)]
    node.machine.on_freed(A, (one,))
    assert fx.DeleteSpillFile("disk/00000001") in node.run()[1]
    serving.on_wanted(NEW, wanted)
    assert node.run()[0][NEW] == [ChunksRefused(3, there=False)]


def there_although_all_is_viewed(node: NodeBlocks) -> list[BlockThere]:
    """What readers are told while A views whatever it is asked about."""
    found = node.there()
    while (batch := node.machine.spilling.batch) is not None:
        node.tell(A, *batch.asked)
        node.tell(B)
        found += node.there()
    return found


def fall_back(node: NodeBlocks, writer: WorkerID = B, owner: WorkerID = A) -> BlockOnDisk:
    """All four blocks are viewed, and a fifth is asked for."""
    node.fill()
    request = node.ask(5, owner=owner, writer=writer)
    there_although_all_is_viewed(node)
    wakeup = node.machine.next_wakeup()
    assert wakeup is not None
    node.now += node.machine.fallback_s
    assert wakeup <= node.now
    (given,) = [each for each in node.run()[0][writer] if isinstance(each, BlockOnDisk)]
    assert given.request == request
    return given


def noted(node: NodeBlocks, given: BlockOnDisk, writer: WorkerID = B) -> BlockName:
    """It has been written."""
    name = given.offset, given.object
    node.machine.on_written(writer, BlockWritten(9, name, (7,)), node.now)
    assert node.run()[0][writer] == [BlockNoted(9, *name)]
    return name


def test_what_finds_no_room_among_values_in_use_is_written_to_disk(node: NodeBlocks) -> None:
    given = fall_back(node)
    name = noted(node, given)
    assert given.offset >= ON_DISK
    node.want(name, A)
    assert there_although_all_is_viewed(node) == [BlockThere(node.requests, NO_PLACE, given.path, 0, (7,))]
    node.machine.on_adopted(A, (name,))
    assert node.machine.copy_of(name[1]) == Block(WorkerID(b""), name[0], VALUE, name[1])
    node.machine.on_freed(B, (name,))
    assert name in node.machine.spilling.parted, "its owner has heard of it"
    node.machine.on_freed(A, (name,))
    assert node.run()[1] == [fx.DeleteSpillFile(given.path)]


def test_a_full_disk_is_told_and_another_tried() -> None:
    node = NodeBlocks("one", "two")
    given = fall_back(node)
    name = given.offset, given.object
    node.machine.on_written(B, BlockWritten(9, name, (), "no space left"), node.now)
    (again,) = node.run()[0][B]
    assert isinstance(again, BlockOnDisk)
    assert again.path[:3] != given.path[:3]
    assert (again.request, again.offset) == (9, given.offset)
    node.machine.on_written(B, BlockWritten(10, name, (), "no space left"), node.now)
    (refused,) = node.run()[0][B]
    assert isinstance(refused, objects.BlockRefused)
    assert (refused.request, refused.disk_error) == (10, "no space left")
    assert node.machine.spilling.files.files == {}


def test_a_writer_that_dies_leaves_no_file(node: NodeBlocks) -> None:
    given = fall_back(node)
    node.machine.lose(B)
    assert fx.DeleteSpillFile(given.path) in node.run()[1]
    assert node.machine.fallback.writing == {}


def test_what_a_dead_writer_has_not_told_its_owner_is_freed_when_he_has_heard_all(node: NodeBlocks) -> None:
    name = noted(node, fall_back(node))
    node.machine.lose(B)
    assert name in node.machine.spilling.parted
    node.machine.settle(A, B)
    assert name not in node.machine.spilling.parted


def test_a_dead_owners_block_that_is_written_to_disk_is_reclaimed(node: NodeBlocks) -> None:
    given = fall_back(node)
    node.machine.lose(A)
    node.processes = [B]
    name = given.offset, given.object
    node.machine.on_written(B, BlockWritten(9, name, (7,)), node.now)
    assert name in node.machine.reclamation.doubtful


def test_the_file_goes_with_its_last_value(node: NodeBlocks) -> None:
    node.machine.spilling.min_bytes = 4 * PAGE
    node.machine.spilling._blocks.capacity = lambda: 16 * PAGE  # type: ignore[method-assign]
    one, two, *_ = node.fill()
    node.ask(5)
    node.run()
    node.spill()
    assert {node.machine.spilling.parted[name].copy.file for name in (one, two)} == {1}
    node.machine.on_freed(A, (one,))
    assert node.run()[1] == []
    node.machine.on_freed(A, (two,))
    assert node.run()[1] == [fx.DeleteSpillFile("disk/00000001")]


def test_directories_take_turns_and_a_broken_one_rests() -> None:
    node = NodeBlocks("one", "two")
    node.fill()
    node.ask(5)
    node.run()
    (first,) = node.nobody_views()
    assert first.path.startswith("one/")
    (second,) = node.write([first], "no space left")
    assert second.path.startswith("two/")
    node.write([second])
    node.clear()
    node.run()
    node.ask(6)
    node.run()
    (third,) = node.nobody_views()
    assert third.path.startswith("two/")
    node.now += 6.0
    (fourth,) = node.write([third], "no space left")
    assert fourth.path.startswith("one/")


def test_without_a_disk_who_waits_is_told_why(node: NodeBlocks) -> None:
    names = node.fill()
    node.ask(5)
    node.run()
    assert node.write(node.nobody_views(), "read-only file system") == []
    node.now += node.machine.patience_s + 0.1
    sends, _ = node.run()
    (refused,) = [each for each in sends[A] if isinstance(each, objects.BlockRefused)]
    assert refused.disk_error == "read-only file system"
    for name in names:
        node.want(name)
        assert node.there() == [BlockThere(node.requests, name[0])], "nothing else is lost"


def test_a_block_that_its_owner_has_not_heard_of_stays(node: NodeBlocks) -> None:
    node.ask(1, writer=B)
    for number in (2, 3, 4):
        node.ask(number)
        node.run()
    node.ask(5)
    sends, _ = node.run()
    home = {block.object: place for place, block in node.machine.objects.items()}
    assert put_of(1) in home
    assert asked(sends)[A] == (home[put_of(2)],)


def test_a_dead_owners_blocks_on_disk_are_reclaimed(node: NodeBlocks) -> None:
    one, *_ = node.fill()
    node.ask(5)
    node.run()
    node.spill()
    node.machine.lose(A)
    node.processes = [B]
    for _ in range(2):
        sends, _ = node.run()
        (question,) = [each for each in sends[B] if isinstance(each, objects.UseAsked)]
        assert one in question.blocks
        node.machine.reclamation.on_told(B, question.round, ())
    node.run()
    assert node.machine.spilling.parted == {}
    assert node.machine.spilling.files.files == {}
    assert node.machine.allocator.used_bytes == 0


class Process:
    """A process's side."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.views = BlockViews(NODE, lambda: self.effects)

    def told(self, number: int, *places: int) -> tuple[int, ...]:
        self.views.on_asked(SpillAsked(number, places))
        (answer,) = self.effects.sends.pop(NODE)
        assert isinstance(answer, SpillTold)
        assert answer.round == number
        return answer.places


def test_a_process_tells_what_it_views_or_has_just_been_given() -> None:
    process = Process()
    process.views.viewing[1] = 4096
    process.views.grant(7, 8192)
    assert process.told(1, 4096, 8192, 12288) == (4096, 8192)
    process.views.end_grant(7)
    assert process.told(2, 8192) == ()


def test_places_in_question_are_known_until_it_is_over() -> None:
    process = Process()
    process.told(1, 4096, 8192)
    assert list(process.views.questioned) == [4096, 8192]
    process.views.on_done(SpillDone((4096, 8192)))
    assert not process.views.questioned


def test_what_was_given_up_goes_without_being_written() -> None:
    blocks = NodeBlocks()
    names = blocks.fill()
    blocks.give_up(names[1])
    sends, commands = blocks.run()
    assert commands == []
    assert sends[B][0].places == (names[1][0],)
    (cleared,) = blocks.nobody_views()
    assert cleared == fx.ClearBlocks((names[1][0],))
    blocks.clear()
    assert blocks.machine.allocator.used_bytes == 6 * PAGE
    blocks.want(names[1])
    sends, _ = blocks.run()
    assert sends[B][0].lost == "it was freed"
    blocks.machine.on_freed(A, (names[1],))
    blocks.run()
    assert blocks.machine.spilling.given_up == {}


def test_what_was_given_up_stays_while_somebody_views_it() -> None:
    blocks = NodeBlocks()
    names = blocks.fill()
    blocks.give_up(names[1])
    blocks.run()
    blocks.tell(A)
    blocks.tell(B, names[1][0])
    blocks.run()
    assert blocks.machine.allocator.used_bytes == 8 * PAGE
    assert blocks.machine.next_wakeup() == blocks.now + 1.0, "it is looked at again"
    blocks.now += 1.0
    blocks.run()
    blocks.nobody_views()
    blocks.clear()
    assert blocks.machine.allocator.used_bytes == 6 * PAGE
    assert blocks.machine.next_wakeup() is None


def test_what_was_given_up_and_is_in_doubt_meanwhile_stays_until_nobody_uses_it() -> None:
    blocks = NodeBlocks()
    names = blocks.fill()
    blocks.give_up(names[1])
    blocks.run()
    blocks.machine.on_doubted(A, (names[1],))
    blocks.nobody_views()
    blocks.clear()
    assert blocks.machine.is_home(names[1])
    assert names[1] in blocks.machine.reclamation.doubtful
    assert blocks.machine.next_wakeup() is None, "nobody looks at it again: everybody is asked"


def test_the_next_value_of_an_object_gets_another_name_than_the_one_given_up() -> None:
    """Who was given the old one could else take it for the new one, while that is written."""
    blocks = NodeBlocks()
    names = blocks.fill()
    for name in names[1:3]:
        blocks.give_up(name)
    blocks.run()
    blocks.nobody_views()
    blocks.clear()
    request = blocks.ask(2)
    blocks.run()
    assert blocks.given[request] == names[2][0]
    blocks.machine.on_freed(A, (names[1],))
    blocks.run()
    assert blocks.machine.is_home((names[2][0], put_of(2)))


def test_a_dead_owner_frees_nothing_any_more_that_it_had_given_up() -> None:
    blocks = NodeBlocks()
    names = blocks.fill()
    blocks.give_up(names[1])
    blocks.run()
    blocks.nobody_views()
    blocks.clear()
    blocks.processes.remove(A)
    blocks.machine.lose(A)
    blocks.run()
    assert blocks.machine.spilling.given_up == {}
