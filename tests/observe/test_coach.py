"""Each hint of the coach from an invented history, with what it costs; and no hint for a program that is as it should be."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

import pytest

from gnomon._core.ledger import Ledger, TaskRow, TaskState
from gnomon._engine import large_arguments
from gnomon._engine.large_arguments import LargeArguments, mark_of, same
from gnomon._messages.tasks import Provenance
from gnomon._wire.pickling import pack_args
from gnomon.observe.coach import KINDS, Coach, Hint
from gnomon.observe.coach.loops import submits_at, waits_needlessly
from gnomon.observe.coach.sites import Ran, Site
from gnomon.observe.coach.tiny import tiny_tasks
from gnomon.observe.memory_report import MemoryRow, ObjectHolder

LOOP = "for x in xs:\n    results.append(gnomon.get(work.remote(x)))\n"


class History:
    """A session as its ledger tells of it."""

    def __init__(self, cpus: float = 4) -> None:
        self.ledger = Ledger("s")
        self.ledger.node_changed("n", resources={"CPU": cpus})
        self.now = 100.0

    def ran(
        self,
        took_s: float,
        *,
        created: float | None = None,
        started: float | None = None,
        line: int = 2,
        cell: str = "a",
        name: str = "work",
        worker: int = 0,
        parent: int = -1,
        state: int = TaskState.DONE,
    ) -> TaskRow:
        """A call that has run; submitted now, unless told otherwise."""
        ledger = self.ledger
        number = ledger.cells.number((cell, f"In [{cell}]"))
        row = TaskRow(len(ledger.tasks).to_bytes(4, "big"), ledger.group(name), (), number, line, parent)
        ledger.task_submitted(row, self.now if created is None else created)
        row.started = row.created if started is None else started
        row.finished = row.started + took_s
        row.worker = worker
        ledger.task_changed(row, state)
        self.now = max(self.now, row.finished)
        return row

    def one_after_the_other(self, took_s: Iterable[float], **given: object) -> None:
        for each in took_s:
            self.ran(each, **given)  # type: ignore[arg-type]
            self.now += 1e-3

    def hints(self, *sources: str) -> list[Hint]:
        return Coach(lambda cell: sources).look(self.ledger)


def kinds(hints: Iterable[Hint]) -> list[str]:
    return [hint.kind for hint in hints]


# -- get in a loop ------------------------------------------------------------------------------------------------


def test_get_in_a_loop() -> None:
    history = History()
    history.one_after_the_other([0.5] * 8)
    (hint,) = history.hints(LOOP)
    assert (hint.kind, hint.cell, hint.place) == ("get-in-a-loop", "a", "In [a], line 2")
    assert hint.finding == (
        "get waits for each work before the next one is submitted: 8 calls took 4.0 s one after the other; "
        "on 4 CPUs at once about 1.0 s."
    )
    assert hint.text().startswith("In [a], line 2: get waits")


def test_get_in_a_loop_over_actors() -> None:
    history = History()
    history.ledger.actor_changed("x", **{"class": "Model"})
    for worker in (1, 2, 3, 4):
        history.ran(0.5, name="Model.train", worker=worker)
    loop = "[get(model.train.remote(3)) for model in models]"
    (hint,) = Coach(lambda cell: ["\n" + loop]).look(history.ledger)
    assert "4 calls took 2.0 s one after the other; in 4 actors at once about 500 ms." in hint.finding


def test_the_calls_of_one_actor_run_one_after_the_other_in_any_case() -> None:
    history = History()
    history.ledger.actor_changed("x", **{"class": "Model"})
    history.one_after_the_other([0.5] * 8, name="Model.train")
    assert history.hints("\n[get(model.train.remote(x)) for x in xs]") == []


@pytest.mark.parametrize("cpus", [1, 0])
def test_without_more_cpus_nothing_is_to_be_won(cpus: float) -> None:
    history = History(cpus)
    history.one_after_the_other([0.5] * 8)
    assert history.hints(LOOP) == []


def test_short_loops_and_calls_at_the_same_time_are_left_alone() -> None:
    short = History()
    short.one_after_the_other([0.5] * 3)
    quick = History()
    quick.one_after_the_other([0.05] * 8)
    together = History()
    for _ in range(8):
        together.ran(0.5, created=100.0)
    unknown = History()
    unknown.one_after_the_other([0.5] * 8)
    assert [short.hints(LOOP), quick.hints(LOOP), together.hints(LOOP), unknown.hints()] == [[]] * 4


def test_the_loop_is_found_in_the_cell_that_has_defined_it() -> None:
    history = History()
    history.one_after_the_other([0.5] * 8, line=3)
    helper = "def all_of(xs):\n    for x in xs:\n        yield_to(gnomon.get(work.remote(x)))\n"
    assert kinds(history.hints("all_of(range(8))", "other = 1", helper)) == ["get-in-a-loop"]


NEEDLESS = [
    "for x in xs:\n    y = gnomon.get(work.remote(x))",
    "for x in xs:\n    ref = work.remote(x)\n    results.append(ray.get(ref))",
    "for x in xs:\n    total += get(work.remote(x))",
    "for x in xs:\n    r = get(work.remote(x))\n    print(x, r)",
    "ys = [gnomon.get(work.remote(x)) for x in xs]",
    "ys = {x: get(work.options(num_cpus=2).remote(x, 1)) for x in xs}",
    "for i in range(9):\n    part = load(i)\n    out[i] = get(work.remote(part))",
    "for x in xs:\n    y = await work.remote(x)",
    "for a in xs:\n    for b in xs:\n        t = get(work.remote(\n            a, b))",
    "for x in xs:\n    if x > 3:\n        y = get(work.remote(x))",
]

NEEDED = [
    "for x in xs:\n    y = gnomon.get(work.remote(y))",
    "for x in xs:\n    y = get(work.remote(x))\n    if y < 0.1:\n        break",
    "for x in xs:\n    y = get(work.remote(x, w))\n    w = w - 0.1 * y",
    "for x in xs:\n    w.update(get(work.remote(x, w)))",
    "for x in xs:\n    update(w, get(work.remote(x, w)))",
    "for x in xs:\n    g = get(work.remote(x, w))\n    scaled = g * 2\n    w[x] = scaled",
    "while True:\n    y = get(work.remote(x))",
    "for _ in range(20):\n    y = get(work.remote(data))",
    "for x in xs:\n    y = work.remote(x)",
    "for x in xs:\n    refs.append(work.remote(x))\nget(refs)",
    "y = get(work.remote(x))",
    "for x in get(work.remote(xs)):\n    print(x)",
    "ys = [x + 1 for x in get(work.remote(n))]",
    "for x in xs:\n    if not done:\n        done = get(work.remote(x))",
    "def run(x):\n    return get(work.remote(x))\nys = [run(x) for x in xs]",
    "for x in xs:\n    def f():\n        return get(work.remote(x))",
    "for x in xs:\n    y = options.get(x)\n    refs.append(work.remote(x))",
    "for x in (",
]


def line_of(code: str) -> int:
    lines = code.splitlines()
    return next((n for n, line in enumerate(lines, 1) if ".remote(" in line), 1)


@pytest.mark.parametrize("code", NEEDLESS)
def test_loops_that_wait_needlessly(code: str) -> None:
    assert waits_needlessly(code, line_of(code), "work")


@pytest.mark.parametrize("code", NEEDED)
def test_loops_that_must_wait_or_may(code: str) -> None:
    assert not waits_needlessly(code, line_of(code), "work")


def test_a_line_is_known_by_what_it_submits() -> None:
    code = "refs = [a.remote(x), model.b.remote(y)]\nc.remote(\n    1)"
    assert submits_at(code, 1, "a")
    assert submits_at(code, 1, "Model.b")
    assert not submits_at(code, 1, "other")
    assert submits_at(code, 3, "named_by_options")
    assert not submits_at("x = 1", 1, "a")


# -- tiny tasks ---------------------------------------------------------------------------------------------------


def many(count: int, work_s: float, around_s: float, listed_max: int = 10_000, **given: object) -> History:
    """All submitted at once, on two workers."""
    history = History()
    history.ledger.tasks_listed_max = listed_max
    for number in range(count):
        started = 100.0 + (number // 2) * (work_s + 2 * around_s)
        history.ran(work_s, created=100.0, started=started, worker=number % 2, **given)  # type: ignore[arg-type]
    return history


def test_tiny_tasks() -> None:
    (hint,) = many(2000, 1e-5, 2e-4).hints()
    assert (hint.kind, hint.place) == ("tiny-tasks", "In [a], line 2")
    assert hint.finding == (
        "2,000 tasks of work ran 0.01 ms each, and handing them out took 0.2 ms each: 410 ms for 20 ms of work."
    )
    assert hint.advice == "Give each task more to do, say a list of 200 items."


def test_tiny_tasks_that_have_no_row_are_counted() -> None:
    history = many(2000, 1e-5, 2e-4, listed_max=1_500)
    late = TaskRow(b"late", history.ledger.group("work"), (), 0, 0, -1)
    history.ledger.task_submitted(late, history.now)
    coach = Coach()
    assert coach.look(history.ledger) == [], "one of them has not ended"
    history.ledger.task_changed(late, TaskState.DONE)
    (hint,) = coach.look(history.ledger)
    assert hint.finding.startswith("2,001 tasks of work ran 0.01 ms each, and")
    assert coach.look(history.ledger) == []


def flood(history: History, count: int, created: float, each_s: float) -> None:
    """Tasks that take nothing, submitted and ended one after the other."""
    for number in range(count):
        began = created + number * each_s
        history.ran(1e-6, created=began, started=began + each_s - 1e-6)


def test_a_flood_is_told_with_the_time_and_the_number_of_all_its_tasks() -> None:
    history = History()
    history.ledger.tasks_listed_max = 1_000
    flood(history, 10_000, created=100.0, each_s=1e-4)
    assert history.ledger.tasks[0].created > 100.0, "the first ones have left the list"
    (hint,) = history.hints()
    assert hint.finding == (
        "10,000 tasks of work ran 0.001 ms each, and handing them out took 0.099 ms each: 1.0 s for 10 ms of work."
    )
    assert hint.advice == "Give each task more to do, say a list of 1,000 items."


def test_a_flood_of_which_the_beginning_is_not_known_is_left_alone() -> None:
    history = History()
    history.ledger.tasks_listed_max = 1_000
    coach = Coach()
    flood(history, 1_400, created=100.0, each_s=1e-4)
    assert coach.look(history.ledger) == [], "too little"
    flood(history, 9_000, created=150.0, each_s=1e-4)
    assert coach.look(history.ledger) == []


@pytest.mark.parametrize(("count", "advised"), [(5_000, "500"), (9_990, "500"), (8_010, "500")])
def test_the_list_that_is_advised_is_a_round_one(count: int, advised: str) -> None:
    site = Site("a", "In [a]", 2, "work", False, began=0.0, finished=count * 1e-3)
    site.ran = [Ran(number, -1, 0, 0.0, 1.0, 1.0 + 1e-6) for number in range(600)]
    site.more = count - 600
    hint = tiny_tasks(site)
    assert hint is not None
    assert hint.advice == f"Give each task more to do, say a list of {advised} items."


def test_tasks_that_are_worth_it() -> None:
    assert many(2000, 0.01, 2e-4).hints() == []  # long enough
    assert many(400, 1e-5, 1e-3).hints() == []  # few
    assert many(600, 1e-5, 2e-4).hints() == []  # not worth a word
    methods = many(2000, 1e-5, 2e-4, name="Counter.add")
    methods.ledger.actor_changed("x", **{"class": "Counter"})
    assert methods.hints() == []


def test_a_slow_loop_of_the_notebooks_own_is_not_the_tasks_fault() -> None:
    history = History()
    for _ in range(600):
        history.ran(1e-5)
        history.now += 0.02
    assert history.hints() == []


# -- large arguments ----------------------------------------------------------------------------------------------


def passed(values: Iterable[tuple[object, ...]], provenance: Provenance | None = None) -> Ledger:
    ledger = Ledger("s")
    large = LargeArguments(ledger)
    given = Provenance("a", "In [3]", 7) if provenance is None else provenance
    for arguments in values:
        large.note("train", given, pack_args(arguments, {}).serialized)
    return ledger


def test_a_large_argument_by_value() -> None:
    data = bytearray(b"0123456789" * 2_000_000)
    ledger = passed((data, turn) for turn in range(6))
    (hint,) = Coach().look(ledger)
    assert (hint.kind, hint.cell, hint.place) == ("large-argument", "a", "In [3], line 7")
    assert hint.finding == (
        "train was given the same argument of 20.0 MB by value 6 times, which copied 120 MB into the store."
    )


def test_a_large_list_is_known_again_wherever_it_stands() -> None:
    data = [str(number) for number in range(20_000)]
    for values in ([(data, turn * 300) for turn in range(4)], [(turn * 300, data) for turn in range(4)]):
        ((_, times),) = passed(values).repeated.values()
        assert times == 4


def test_different_arguments_small_sums_and_scripts_are_left_alone() -> None:
    different = (bytearray(str(turn).encode() * 20_000_000) for turn in range(4))
    assert passed((each,) for each in different).repeated == {}
    data = bytearray(2_000_000)
    assert Coach().look(passed((data,) for _ in range(8))) == []
    large = LargeArguments(ledger := Ledger("s"))
    for _ in range(5):
        large.note("train", None, pack_args((bytearray(2 * 10**7),), {}).serialized)
    assert ledger.repeated == {}


def test_the_lines_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_arguments, "SITES_MAX", 3)
    ledger = Ledger("s")
    large = LargeArguments(ledger)
    serialized = pack_args((bytearray(2_000_000),), {}).serialized
    for line in range(9):
        for _ in range(3):
            large.note("train", Provenance("a", "In [3]", line), serialized)
    assert [key[2] for key in ledger.repeated] == [6, 7, 8]


def test_marks_tell_values_apart_by_their_ends_and_their_middle() -> None:
    one = bytes(10_000)
    other = bytes(5_000) + b"x" + bytes(4_999)
    assert same(mark_of(b"", [memoryview(one)]), mark_of(b"", [memoryview(bytes(10_000))]))
    assert not same(mark_of(b"", [memoryview(one)]), mark_of(b"", [memoryview(other)]))
    assert not same(mark_of(one, []), mark_of(one * 2, []))


# -- nested get ---------------------------------------------------------------------------------------------------


def nested(
    history: History, parents: int, child_s: float, after_s: float = 0.0, child: str = "inner"
) -> None:
    """So many tasks at a time, each of which submits a child and waits for it; then works on for ``after_s``."""
    begins = history.now
    for worker in range(parents):
        parent = history.ran(0.01 + child_s + after_s, created=begins, worker=worker, name="outer")
        history.ran(child_s, created=begins + 0.01, name=child, parent=parent.index)


def test_nested_get() -> None:
    history = History()
    nested(history, 8, 1.0)
    (hint,) = history.hints()
    assert (hint.kind, hint.place) == ("nested-get", "In [a], line 2")
    assert hint.finding == (
        "8 tasks of outer waited inside for tasks of their own, 8.0 s together; up to 8 at a time, "
        "each in a process of its own, on 4 CPUs."
    )


def test_children_that_are_told_of_later_are_not_missed() -> None:
    history, coach = History(), Coach()
    parents = [history.ran(1.01, created=100.0, worker=worker, name="outer") for worker in range(8)]
    assert coach.look(history.ledger) == []
    for parent in parents:
        history.ran(1.0, created=100.01, name="inner", parent=parent.index)
    assert kinds(coach.look(history.ledger)) == ["nested-get"]


def test_tasks_that_work_themselves_or_return_references() -> None:
    few, busy, returning = History(), History(), History()
    nested(few, 7, 1.0)
    nested(busy, 8, 1.0, after_s=2.0)
    for worker in range(8):
        parent = returning.ran(0.01, created=100.0, worker=worker, name="outer")
        returning.ran(1.0, created=100.005, name="inner", parent=parent.index)
    asking = History()
    asking.ledger.actor_changed("x", **{"class": "Counter"})
    nested(asking, 8, 1.0, child="Counter.add")
    assert [each.hints() for each in (few, busy, returning, asking)] == [[], [], [], []]


# -- outputs ------------------------------------------------------------------------------------------------------


def held(size_bytes: int, *holders: ObjectHolder) -> MemoryRow:
    return MemoryRow(
        "ab", "cd", size_bytes, "store", "load", "In [2], line 1", "driver", 1, ("n",), 1, holders
    )


OUTPUT = ObjectHolder("output", "Out[2]['table']")


def test_an_output_that_keeps_large_objects() -> None:
    rows = [
        held(60_000_000, OUTPUT),
        held(40_000_000, OUTPUT, ObjectHolder("handle", "a reference", "worker")),
    ]
    coach = Coach()
    (hint,) = coach.look_at_outputs(rows, 400_000_000, 5)
    assert hint.text() == (
        "In [2]: its output, Out[2], keeps 2 objects of 100 MB that nothing else uses, 25 % of the store. "
        "Let go of it with %remote unpin 2."
    )
    assert coach.look_at_outputs(rows, 400_000_000, 6) == []


@pytest.mark.parametrize(
    ("row", "capacity", "newest"),
    [
        (held(100_000_000, OUTPUT, ObjectHolder("variable", "table")), 400_000_000, 5),
        (held(100_000_000, OUTPUT, ObjectHolder("actor", "self.kept[0]", "Archive", 7)), 400_000_000, 5),
        (held(100_000_000, OUTPUT), 400_000_000, 3),
        (held(100_000_000, OUTPUT), 4_000_000_000, 5),
        (held(10_000_000, OUTPUT), 40_000_000, 5),
        (held(100_000_000, ObjectHolder("variable", "table")), 400_000_000, 5),
    ],
)
def test_outputs_that_are_used_new_or_small(row: MemoryRow, capacity: int, newest: int) -> None:
    assert Coach().look_at_outputs([row], capacity, newest) == []


# -- the coach ----------------------------------------------------------------------------------------------------


def test_each_hint_once_for_a_kind_and_cell_and_again_in_another_session() -> None:
    history, coach = History(), Coach(lambda cell: [LOOP])
    history.one_after_the_other([0.5] * 8)
    assert kinds(coach.look(history.ledger)) == ["get-in-a-loop"]
    history.one_after_the_other([0.5] * 8)
    assert coach.look(history.ledger) == []
    history.one_after_the_other([0.5] * 8, cell="b")
    assert kinds(coach.look(history.ledger)) == ["get-in-a-loop"]
    assert [hint.cell for hint in coach.told] == ["a", "b"]
    another = History()
    another.one_after_the_other([0.5] * 8)
    assert kinds(coach.look(another.ledger)) == ["get-in-a-loop"]
    assert len(coach.told) == 1


def test_a_line_is_judged_when_all_of_its_calls_have_ended() -> None:
    history, coach = History(), Coach(lambda cell: [LOOP])
    history.one_after_the_other([0.5] * 7)
    last = history.ran(0.5, state=TaskState.RUNNING)
    assert coach.look(history.ledger) == []
    history.ledger.task_changed(last, TaskState.DONE)
    assert kinds(coach.look(history.ledger)) == ["get-in-a-loop"]


def test_hints_come_a_few_at_a_time() -> None:
    history, coach = History(), Coach(lambda cell: [LOOP])
    for cell in "abcde":
        history.one_after_the_other([0.5] * 8, cell=cell)
    assert [len(coach.look(history.ledger)) for _ in range(3)] == [3, 2, 0]


def test_rows_without_a_cell_and_failed_calls_count_for_nothing() -> None:
    history = History()
    history.one_after_the_other([0.5] * 8, state=TaskState.FAILED)
    row = TaskRow(b"x", history.ledger.group("work"), (), 0, 2, -1)
    history.ledger.task_submitted(row, 0.0)
    assert history.hints(LOOP) == []


def test_a_good_program_gets_no_hint() -> None:
    history = History()
    history.ledger.actor_changed("x", **{"class": "Progress"})
    for number in range(40):
        history.ran(0.5, created=100.0, started=100.0 + number // 4, worker=number % 4, line=3)
        history.ran(0.001, created=101.0 + number, name="Progress.advance", line=4)
    history.one_after_the_other([0.3] * 12, cell="b", name="merge", line=1)
    chain = textwrap.dedent("""
        for part in parts:
            state = gnomon.get(merge.remote(state, part))
    """).strip()
    assert history.hints(chain) == []


def test_no_session_no_hints() -> None:
    assert Coach().look() == []
    assert len(set(KINDS)) == 5
