"""Progress bars: what ``tqdm`` sends, what is drawn of it, in a terminal and without one."""

import io
import os

import pytest

from gnomon._engine import notebook_hooks, terminal_bars
from gnomon._engine.progress_bars import BARS_SHOWN_MAX, Bars, BarState, as_line, line_of
from gnomon._engine.terminal_bars import TerminalBars
from gnomon.experimental.tqdm_ray import safe_print, tqdm, trange
from gnomon.observe import hooks


@pytest.fixture
def sent(monkeypatch):
    """States that a bar sends, as in a worker."""
    states = []
    monkeypatch.setattr(notebook_hooks, "send_progress", states.append)
    bars = Bars()

    def read():
        for text in states:
            bars.update(text)
        states.clear()
        return bars.lines()

    read.states = states
    return read


def counted(line):
    """A line without its times."""
    return line.partition(" [")[0]


def test_going_through_something(sent):
    assert list(tqdm(range(4), desc="load", flush_interval_s=0)) == [0, 1, 2, 3]
    assert len(sent.states) == 6  # at the start, four steps, at the end
    assert [counted(line) for line in sent()] == ["load: 100%|████████████████████| 4/4"]


def test_the_rate_is_bounded(sent):
    bar = tqdm(total=1000, flush_interval_s=1000)
    for _ in range(1000):
        bar.update()
    assert len(sent.states) == 1
    bar.close()
    bar.close()
    assert len(sent.states) == 2
    assert [counted(line) for line in sent()] == ["100%|████████████████████| 1,000/1,000"]


def test_it_ends_with_the_loop_that_raises(sent):
    def fail():
        for _ in tqdm([1, 2, 3]):
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert [counted(line) for line in sent()] == ["  0%|                    | 0/3"]
    assert sent.states == []


def test_all_that_can_be_said(sent):
    with tqdm(total=8, unit="B", initial=1, flush_interval_s=0) as bar:
        bar.set_description("file")
        bar.set_postfix(loss=0.12345, epoch=3)
        bar.update(3)
        assert (bar.n, bar.total, len(bar), bool(bar)) == (4, 8, 8, True)
        (line,) = sent()
        assert counted(line) == "file:  50%|██████████          | 4/8"
        assert line.endswith("B/s, loss=0.123, epoch=3]")
        bar.reset(total=2)
        assert counted(sent()[0]) == "file:   0%|                    | 0/2"
    assert list(trange(2, 4, disable=True)) == [2, 3]
    assert len(sent()) == 1
    with pytest.raises(TypeError, match=r"nothing to go through: give tqdm\(...\) an iterable"):
        list(tqdm(total=3))


def test_a_bar_that_does_not_stay(sent):
    bar = tqdm(total=3, leave=False)
    assert len(sent()) == 1
    bar.close()
    assert sent() == []


@pytest.mark.parametrize(
    ("fields", "line"),
    [
        ({"n": 5}, "5it [0:00]"),
        ({"n": 5, "elapsed_s": 2.0}, "5it [0:02, 2.50it/s]"),
        ({"n": 5, "total": 10, "elapsed_s": 2.0}, " 50%|██████████          | 5/10 [0:02<0:02, 2.50it/s]"),
        ({"n": 1, "total": 16, "desc": "a"}, "a:   6%|█▎                  | 1/16 [0:00]"),
        ({"n": 20, "total": 10, "elapsed_s": 1}, "100%|████████████████████| 20/10 [0:01, 20it/s]"),
        ({"n": 3000, "elapsed_s": 3661.0}, "3,000it [1:01:01, 0.82it/s]"),
        (
            {"n": 1, "total": 2, "elapsed_s": 1, "closed": True},
            " 50%|██████████          | 1/2 [0:01, 1it/s]",
        ),
    ],
)
def test_lines(fields, line):
    assert line_of(BarState(bar="b", **fields)) == line


def state(bar, n, **fields):
    return as_line(BarState(bar=str(bar), n=n, total=10, desc=f"bar {bar}", **fields))


def test_order_and_late_states():
    bars = Bars()
    bars.update(state(1, 1, position=1) + state(0, 1, position=0))
    assert [line[:5] for line in bars.lines()] == ["bar 0", "bar 1"]
    bars.update(state(1, 10, position=1, closed=True))
    bars.update(state(1, 5, position=1))  # overtaken by the last one
    assert counted(bars.lines()[1]).endswith("10/10")
    assert bars.open == 1


def test_many_bars():
    bars = Bars()
    for bar in range(BARS_SHOWN_MAX + 5):
        bars.update(state(bar, 1))
    assert bars.lines()[BARS_SHOWN_MAX:] == ["... 5 more"]
    for bar in range(BARS_SHOWN_MAX):
        bars.update(state(bar, 10, closed=True))
    assert bars.lines()[-1] == "... 5 done"
    assert [line[:6] for line in bars.lines()[:2]] == ["bar 5:", "bar 6:"]  # those closed first are gone


class Terminal(io.StringIO):
    def __init__(self, tty):
        super().__init__()
        self.tty = tty

    def isatty(self):
        return self.tty


def use_terminal(monkeypatch, tty=True):
    file = Terminal(tty)
    monkeypatch.setattr("sys.stderr", file)
    monkeypatch.setattr("sys.stdout", file)
    monkeypatch.setattr(terminal_bars, "REDRAW_PERIOD_S", 0)
    monkeypatch.setattr(terminal_bars.shutil, "get_terminal_size", lambda: os.terminal_size((30, 20)))
    return file


def test_in_a_terminal_it_is_rewritten_in_place(monkeypatch):
    terminal = use_terminal(monkeypatch)
    bars = TerminalBars()
    bars.update(state(0, 1))
    bars.update(state(0, 2))
    with bars.hidden():
        terminal.write("printed\n")
    bars.update(state(0, 10, closed=True))
    first = "bar 0:  10%|██               "  # cut to the terminal's width
    second = "bar 0:  20%|████             "
    last = "bar 0: 100%|█████████████████"
    up = "\x1b[1A\x1b[J"
    assert terminal.getvalue() == f"{first}\n{up}{second}\n{up}printed\n{second}\n{up}{last}\n"
    with bars.hidden():
        terminal.write("below\n")  # the closed bar stays
    assert terminal.getvalue().endswith(f"{last}\nbelow\n")


def test_without_a_terminal_a_bar_is_a_line_at_its_end(monkeypatch):
    terminal = use_terminal(monkeypatch, tty=False)
    bars = TerminalBars()
    for n in range(1, 10):
        bars.update(state(0, n))
    assert terminal.getvalue() == ""
    bars.update(state(0, 10, closed=True))
    assert counted(terminal.getvalue()) == "bar 0: 100%|████████████████████| 10/10"


def test_a_bar_and_a_print_in_the_driver(monkeypatch):
    terminal = use_terminal(monkeypatch)
    monkeypatch.setattr("gnomon.experimental.tqdm_ray.terminal", fresh := TerminalBars())
    monkeypatch.setattr("gnomon._engine.local_output.terminal", fresh)
    with tqdm(total=1, desc="driver"):
        safe_print("said")
    text = terminal.getvalue()
    assert text.index("said\n") < text.rindex("driver: ")
    assert text.count("\x1b[1A\x1b[J") == 2


def test_in_a_notebook_the_sink_gets_it():
    lines = []
    hooks.set_output_sink(lines.append)
    hooks.set_origin(hooks.Origin("cell 1", "In [1]"))
    try:
        tqdm(total=3, desc="here").close()
    finally:
        hooks.set_origin(None)
        hooks.set_output_sink(None)
    assert {(each.cell, each.stream) for each in lines} == {("cell 1", hooks.PROGRESS_STREAM)}
