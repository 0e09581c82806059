"""Lines that tasks rewrite in place: what is shown of them, and what stays ordinary output."""

import pytest

from gnomon_kernel.rewritten import ROWS_MAX, RewrittenLines

KEY = ("stderr", "f", "w")


def fed(*pieces: str) -> tuple[str, list[str]]:
    made = RewrittenLines()
    plain = "".join(made.take(KEY, piece) for piece in pieces)
    return plain, made.lines(label=False)


@pytest.mark.parametrize(
    ("pieces", "plain", "shown"),
    [
        (["a\nb\n"], "a\nb\n", []),
        (["old\rnew\n"], "old\rnew\n", []),  # ended at once: the fold shows its last state
        (["no end"], "no end", []),
        (["\r 10%", "\r 20%"], "", [" 20%"]),
        (["\r 10%\r 20%\r 90%"], "", [" 90%"]),
        (["before\n\r 10%"], "before\n", [" 10%"]),
        (["\r 10%", "\n"], "", [" 10%"]),
        (["\r 10%", "\r100%\n", "after\n"], "after\n", ["100%"]),
        (["\rone", "\n", "\rtwo", "\n"], "", ["one", "two"]),
        (["\r 50%", "\r    \r"], "", []),  # tqdm with leave=False blanks its line
        (["\router", "\n", "\rinner", "\x1b[A", "\rOUTER", "\n\rINNER\x1b[A"], "", ["OUTER", "INNER"]),
        (["\r 10%", "said in between\n", "\r 20%"], "said in between\n", [" 20%"]),
    ],
)
def test_what_a_terminal_would_show(pieces: list[str], plain: str, shown: list[str]) -> None:
    assert fed(*pieces) == (plain, shown)


def test_tasks_do_not_write_into_each_others_lines() -> None:
    made = RewrittenLines()
    for worker in ("w1", "w2"):
        made.take(("stderr", "f", worker), f"\rof {worker}")
    made.take(("stderr", "f", "w1"), "\rof w1, again")
    assert made.lines() == ["(f, w1) of w1, again", "(f, w2) of w2"]


def test_old_rows_become_ordinary_output() -> None:
    made, plain = RewrittenLines(), []
    for number in range(100):
        made.take(KEY, f"\r{number}")
        made.take(KEY, "\n")
        plain += [row for _key, row in made.overflow()]
    shown = made.lines(label=False)
    assert len(shown) == ROWS_MAX
    assert [*plain, *shown] == [str(number) for number in range(100)]


def test_many_tasks_at_once_are_bounded_too() -> None:
    made, plain = RewrittenLines(), []
    for number in range(100):
        made.take(("stderr", "f", f"w{number:02}"), f"\r{number}")
        plain += made.overflow()
    assert len(made.lines()) == ROWS_MAX
    assert plain == [(("stderr", "f", f"w{number:02}"), str(number)) for number in range(100 - ROWS_MAX)]
    for number in range(80, 100):
        made.take(("stderr", "f", f"w{number}"), "\n")
    for number in range(100, 200):
        made.take(("stderr", "f", f"w{number}"), f"\r{number}")
        made.overflow()
        assert len(made.lines()) <= ROWS_MAX
