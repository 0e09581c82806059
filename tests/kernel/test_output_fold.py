"""What a cell shows of a flood of output, and that no line is lost from the count."""

import random

import pytest

from gnomon_kernel.output_fold import (
    HEAD_LINES,
    LINE_CHARS_MAX,
    SHOWN_CHARS_MAX,
    TAIL_LINES,
    WHOLE_LINES_MAX,
    OutputFold,
)


def add(fold: OutputFold, *lines: str, stream: str = "stdout", worker: str = "worker 1") -> None:
    for line in lines:
        fold.add(stream, "f", worker, line + "\n")


def test_a_line_names_its_task_and_worker() -> None:
    fold = OutputFold()
    add(fold, "hello")
    assert fold.take().streams == [("stdout", "(f, worker 1) hello\n")]
    assert not fold.dirty


def test_a_cells_own_task_needs_no_label() -> None:
    fold = OutputFold()
    fold.add("stdout", "", "", "one\ntwo\n")
    assert fold.take().streams == [("stdout", "one\ntwo\n")]


def test_little_output_is_shown_whole_as_a_stream() -> None:
    fold = OutputFold()
    add(fold, *(f"line {n}" for n in range(WHOLE_LINES_MAX)))
    batch = fold.take()
    assert batch.tail is None
    assert batch.streams[0][1].count("\n") == WHOLE_LINES_MAX


def test_a_flood_shows_both_ends_and_counts_the_rest() -> None:
    fold = OutputFold()
    total = 100_000
    add(fold, *(f"line {n}" for n in range(total)))
    batch = fold.take()
    assert batch.streams == [("stdout", "".join(f"(f, worker 1) line {n}\n" for n in range(HEAD_LINES)))]
    assert batch.tail is not None
    first, *rest = batch.tail.split("\n")
    assert first == f"... {total - HEAD_LINES - TAIL_LINES:,} lines not shown; the last ones follow ..."
    assert rest == [f"(f, worker 1) line {n}" for n in range(total - TAIL_LINES, total)]
    assert fold.accounted() == total


def test_lines_shown_before_the_flood_stay() -> None:
    fold = OutputFold()
    add(fold, *(f"early {n}" for n in range(100)))
    fold.take()
    add(fold, *(f"late {n}" for n in range(WHOLE_LINES_MAX)))
    batch = fold.take()
    assert batch.streams == []
    assert batch.tail is not None
    assert batch.tail.startswith("... 20 lines not shown")
    add(fold, "the end")
    assert fold.take().tail.endswith("late 219\n(f, worker 1) the end")  # type: ignore[union-attr]


def test_equal_lines_in_a_row_are_counted() -> None:
    fold = OutputFold()
    for worker in ("worker 1", "worker 2", "worker 1"):
        add(fold, "same", worker=worker)
    add(fold, "other")
    (stream,) = fold.take().streams
    assert stream[1] == "(f, worker 1) same  [3 times from 2 workers]\n(f, worker 1) other\n"
    assert fold.accounted() == 4


def test_a_repeated_line_is_no_flood() -> None:
    fold = OutputFold()
    add(fold, *["same"] * 50_000)
    assert fold.take().streams == [("stdout", "(f, worker 1) same  [50,000 times]\n")]


def test_repeats_are_counted_in_the_tail_too() -> None:
    fold = OutputFold()
    add(fold, *(f"line {n}" for n in range(300)), *["again"] * 7)
    tail = fold.take().tail
    assert tail is not None
    assert tail.endswith("again  [7 times]")
    add(fold, "again")
    assert fold.take().tail.endswith("again  [8 times]")  # type: ignore[union-attr]


def test_two_streams_take_two_messages_at_most() -> None:
    fold = OutputFold()
    for n in range(6):
        add(fold, f"line {n}", stream="stderr" if n % 2 else "stdout")
    assert [stream for stream, _text in fold.take().streams] == ["stdout", "stderr"]


def test_order_is_kept_when_it_costs_nothing() -> None:
    fold = OutputFold()
    add(fold, "warning", stream="stderr")
    add(fold, "text")
    assert [stream for stream, _text in fold.take().streams] == ["stderr", "stdout"]


@pytest.mark.parametrize(
    ("printed", "shown"),
    [("10%\r50%\r100%\n", "100%\n"), ("windows\r\n", "windows\n"), ("\n", "\n"), ("no end", "no end\n")],
)
def test_what_a_terminal_would_show(printed: str, shown: str) -> None:
    fold = OutputFold()
    fold.add("stdout", "", "", printed)
    assert fold.take().streams == [("stdout", shown)]


def test_a_long_line_is_cut_and_counted() -> None:
    fold = OutputFold()
    fold.add("stdout", "", "", "x" * (LINE_CHARS_MAX + 5) + "\n")
    text = fold.take().streams[0][1]
    assert text == "x" * LINE_CHARS_MAX + "... (5 more characters)\n"


def test_a_flood_of_long_lines_is_bounded_in_characters() -> None:
    fold = OutputFold()
    shown = 0
    for n in range(2_000):
        add(fold, f"{n} " + "y" * 5_000)
        if n % 100 == 0:
            shown += sum(len(text) for _stream, text in fold.take().streams)
    tail = fold.take().tail
    assert tail is not None
    assert shown <= SHOWN_CHARS_MAX + 10_000
    assert len(tail) <= SHOWN_CHARS_MAX + 10_000
    assert fold.accounted() == 2_000


@pytest.mark.parametrize("seed", range(20))
def test_every_line_is_accounted_for(seed: int) -> None:
    chance = random.Random(seed)
    fold, total = OutputFold(), 0
    for _ in range(chance.randrange(2_000)):
        if chance.random() < 0.1:
            fold.take()
        else:
            add(fold, f"line {chance.randrange(3)}", stream=chance.choice(["stdout", "stderr"]))
            total += 1
    assert fold.accounted() == total


def test_workers_that_say_the_same_say_it_once() -> None:
    fold = OutputFold()
    for worker in ("w1", "w2", "w3"):
        fold.add("stdout", "f", worker, "loading\ndone\n")
    ((_, text),) = fold.take().streams
    assert text == "(f, w1) loading  [3 times from 3 workers]\n(f, w1) done  [3 times from 3 workers]\n"
    assert fold.accounted() == 6


def test_one_worker_keeps_its_order() -> None:
    fold = OutputFold()
    for _ in range(2):
        fold.add("stdout", "f", "w1", "a\nb\n")
    ((_, text),) = fold.take().streams
    assert text == "(f, w1) a\n(f, w1) b\n(f, w1) a\n(f, w1) b\n"


def test_equal_lines_of_a_flood_are_accounted_for() -> None:
    fold = OutputFold()
    for n in range(1_000):
        for worker in ("w1", "w2"):
            fold.add("stdout", "f", worker, f"{n}\n")
    assert fold.accounted() == 2_000
    assert fold.take_log().count("\n") == 1_000
    tail = fold.take().tail
    assert tail is not None
    assert tail.endswith("(f, w1) 999  [2 times from 2 workers]")
    assert fold.accounted() == 2_000


def test_the_log_has_repetitions_too() -> None:
    fold = OutputFold()
    for n in range(300):
        fold.add("stdout", "", "", f"{n}\n")
    assert fold.folded
    assert fold.take_log().splitlines() == [str(n) for n in range(300)]
    for _ in range(3):
        fold.add("stdout", "", "", "again\n")
    assert fold.take_log() == "again  [3 times]\n"
    fold.add("stdout", "", "", "again\n")
    assert fold.take_log() == "again\n"
    assert fold.take_log() == ""
