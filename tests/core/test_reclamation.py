"""When a block whose user may have died is free: after two rounds in which nobody has used it."""

from __future__ import annotations

from gnomon._core.block_use import BlockUse
from gnomon._core.effects import Effects
from gnomon._core.reclamation import ReclamationMachine
from gnomon._messages.base import Block, BlockName
from gnomon._messages.objects import BlocksUnused, UseAsked, UseTold
from gnomon.ids import WorkerID, object_id, task_id

A, B, DEAD, NODE = (WorkerID(name) for name in (b"aaaaaaaa", b"bbbbbbbb", b"dead....", b"node...."))
OBJECT = object_id(task_id(DEAD, 1), 1)
BLOCK = Block(NODE, 4096, 100, OBJECT)
NAME, OTHER = BLOCK.name, (8192, OBJECT)


class Asker:
    """The node's side with its processes A and B."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.freed: list[BlockName] = []
        self.machine = ReclamationMachine(lambda: self.effects, self.freed.append)
        self.processes = [A, B]

    def run(self) -> dict[WorkerID, UseAsked]:
        self.machine.run(lambda: self.processes)
        self.machine.check()
        sends, self.effects = self.effects.sends, Effects()
        return {process: question for process, (question,) in sends.items()}

    def round(self, **used: tuple[BlockName, ...]) -> None:
        for process, question in self.run().items():
            self.machine.on_told(process, question.round, used.get(process[:1].decode(), ()))


def test_nobody_uses_it() -> None:
    asker = Asker()
    asker.machine.doubt(NAME)
    asker.round()
    assert asker.freed == []
    asker.round()
    assert asker.freed == [NAME]
    assert {question.blocks for question in asker.run().values()} == {()}
    assert asker.run() == {}


def test_a_user_in_the_second_round_begins_the_count_anew() -> None:
    asker = Asker()
    asker.machine.doubt(NAME)
    asker.round()
    asker.round(b=(NAME,))
    assert asker.run() == {}, "nothing is asked until somebody lets go"
    asker.machine.on_unused()
    asker.round()
    assert asker.freed == []
    asker.round()
    assert asker.freed == [NAME]


def test_a_death_spoils_the_round_and_is_told_with_the_next() -> None:
    asker = Asker()
    asker.machine.doubt(NAME)
    asker.round()
    first = asker.run()
    asker.machine.on_told(A, first[A].round, ())
    asker.machine.lose(B)
    asker.processes = [A]
    second = asker.run()
    assert second[A].dead == (B,)
    asker.machine.on_told(A, second[A].round, ())
    assert asker.freed == []
    third = asker.run()
    assert third[A].dead == ()
    asker.machine.on_told(A, third[A].round, ())
    assert asker.freed == [NAME]


def test_what_the_node_hands_out_during_a_round_is_asked_about_anew() -> None:
    asker = Asker()
    asker.machine.doubt(NAME)
    asker.round()
    last = asker.run()
    asker.machine.on_told(A, last[A].round, ())
    asker.machine.hand_out(NAME)
    asker.machine.on_told(B, last[B].round, ())
    assert asker.freed == [], "A had answered before it was given the block"
    asker.round(a=(NAME,))
    asker.machine.on_unused()
    asker.round()
    asker.round()
    assert asker.freed == [NAME]


def test_who_joins_hears_of_later_deaths_alone() -> None:
    asker = Asker()
    asker.machine.lose(DEAD)
    asker.machine.join(B)
    asker.machine.doubt(NAME)
    asked = asker.run()
    assert (asked[A].dead, asked[B].dead) == ((DEAD,), ())


def test_old_deaths_are_forgotten() -> None:
    asker = Asker()
    asker.machine.deaths_max = 10
    asker.machine.join(A)
    for number in range(25):
        asker.machine.lose(WorkerID(b"%08d" % number))
    asker.machine.doubt(NAME)
    asked = asker.run()
    assert asked[A].dead[-1] == b"00000024"
    assert len(asked[A].dead) <= 10


def test_what_is_being_written_is_not_free() -> None:
    asker = Asker()
    asker.machine.doubt(NAME, A)
    for _ in range(3):
        asker.round()
    assert asker.freed == []
    asker.machine.settle(A)
    asker.round()
    asker.round()
    assert asker.freed == [NAME]


def test_a_late_answer_does_not_count() -> None:
    asker = Asker()
    asker.machine.doubt(NAME)
    first = asker.run()
    for process in (A, B):
        asker.machine.on_told(process, first[process].round, ())
    asker.run()
    for process in (A, B):
        asker.machine.on_told(process, first[process].round, ())
    assert asker.freed == []


def test_without_processes_nobody_uses_anything() -> None:
    asker = Asker()
    asker.processes = []
    asker.machine.doubt(NAME)
    assert asker.run() == {}
    assert asker.freed == [NAME]


class Asked:
    """A process's side."""

    def __init__(self) -> None:
        self.effects = Effects()
        self.use = BlockUse(NODE, lambda: self.effects)

    def said(self) -> list[object]:
        sends, self.effects = self.effects.sends, Effects()
        return sends.get(NODE, [])

    def answer(self, number: int, *names: BlockName) -> list[object]:
        self.use.answer(UseAsked(number, names, ()))
        return self.said()


def test_what_is_known_is_used_and_its_end_is_told() -> None:
    asked = Asked()
    asked.use.add(BLOCK)
    assert asked.answer(1, NAME, OTHER) == [UseTold(1, (NAME,))]
    asked.use.drop(BLOCK)
    assert asked.said() == [BlocksUnused((NAME,))]
    told = [UseTold(2, (NAME,)), BlocksUnused((NAME,))]
    assert asked.answer(2, NAME) == told, "it was used since the last question, and is not any more"
    assert asked.answer(3, NAME) == [UseTold(3, ())]


def test_what_came_and_went_between_two_questions_was_used() -> None:
    asked = Asked()
    assert asked.answer(1, NAME) == [UseTold(1, ())]
    asked.use.add(BLOCK)
    asked.use.drop(BLOCK)
    assert asked.said() == [], "it never said that it used it"
    assert asked.answer(2, NAME) == [UseTold(2, (NAME,)), BlocksUnused((NAME,))]


def test_blocks_of_other_nodes_are_not_meant() -> None:
    asked = Asked()
    asked.use.add(Block(WorkerID(b"another."), 4096, 100, OBJECT))
    assert asked.answer(1, NAME) == [UseTold(1, ())]


def test_when_nothing_is_doubtful_any_more_nothing_is_noted() -> None:
    asked = Asked()
    asked.use.add(BLOCK)
    asked.answer(1, NAME)
    assert asked.answer(2) == []
    asked.use.drop(BLOCK)
    assert asked.said() == []
