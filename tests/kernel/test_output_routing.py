"""Output of tasks appears in the cell that submitted them, in a real kernel, bounded in rate and size."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gnomon import observe
from gnomon._engine.progress_bars import BarState, as_line
from gnomon.observe import hooks
from gnomon_kernel.cell_task import CELL_TASK_NAME
from gnomon_kernel.displays import DISPLAYS_MAX, Shown
from gnomon_kernel.origins import CellRun
from gnomon_kernel.output import MESSAGES_PER_S_MAX, OutputRouter
from kernel.live_kernel import LiveKernel

PRINT_FROM_A_THREAD = """
import threading
from gnomon.observe import hooks

def print_in(cell, text, worker="worker 1", stream="stdout"):
    hooks.output_sink()(hooks.OutputLines(cell, worker, stream, text, "task"))

def later(event, cell, text):
    def run():
        event.wait()
        print_in(cell, text)
    thread = threading.Thread(target=run)
    thread.start()
    return thread
"""


@pytest.fixture
def gate(tmp_path: Path) -> str:
    """A named pipe: a cell that reads it ends when the test opens it for writing."""
    path = tmp_path / "gate"
    os.mkfifo(path)
    return str(path)


def test_late_output_is_in_its_own_cell_while_another_runs(live_kernel: LiveKernel, gate: str) -> None:
    live_kernel.run(PRINT_FROM_A_THREAD).check()
    second = live_kernel.run(
        "go = threading.Event(); thread = later(go, hooks.current_origin().cell, 'from cell two\\n')", "two"
    ).check()
    third = live_kernel.start(f"print('cell three'); go.set(); open({gate!r}).read()", "three")
    live_kernel.until(lambda: "from cell two" in second.text(), "the late line in cell two")
    assert not third.idle, "cell three must still be running, or this shows nothing"
    with open(gate, "w"):
        pass
    live_kernel.until(lambda: third.idle, "the end of cell three")
    assert second.text() == "(task, worker 1) from cell two\n"
    assert third.text() == "cell three\n"
    assert not [m for m in live_kernel.strays if m["header"]["msg_type"] == "stream"]


def test_a_cell_that_runs_again_takes_over_its_output(live_kernel: LiveKernel) -> None:
    live_kernel.run(PRINT_FROM_A_THREAD).check()
    first = live_kernel.run("cell = hooks.current_origin().cell", "again").check()
    second = live_kernel.run("cell = hooks.current_origin().cell", "again").check()
    live_kernel.run("print_in(cell, 'text\\n')", "printer").check()
    live_kernel.until(lambda: second.text(), "text in the newer run")
    assert first.text() == ""


def test_output_that_came_before_the_end_of_a_cell_is_there_at_its_end(live_kernel: LiveKernel) -> None:
    live_kernel.run(PRINT_FROM_A_THREAD).check()
    own = live_kernel.run(
        "for n in range(20): print_in(hooks.current_origin().cell, f'line {n}\\n')", "own"
    ).check()
    assert own.text().count("(task, worker 1) line") == 20


def test_streams_are_kept_apart(live_kernel: LiveKernel) -> None:
    live_kernel.run(PRINT_FROM_A_THREAD).check()
    own = live_kernel.run("print_in(hooks.current_origin().cell, 'oh\\n', stream='stderr')", "own").check()
    assert (own.text(), own.text("stderr")) == ("", "(task, worker 1) oh\n")


def test_four_workers_and_a_thousand_lines_each_are_all_accounted_for(live_kernel: LiveKernel) -> None:
    live_kernel.run(PRINT_FROM_A_THREAD).check()
    own = live_kernel.run(
        "def flood(cell, worker):\n"
        "    for n in range(1000): print_in(cell, f'{worker} line {n}\\n', worker)\n"
        "own = hooks.current_origin().cell\n"
        "threads = [threading.Thread(target=flood, args=(own, f'w{w}')) for w in range(4)]\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()\n",
        "flood",
    ).check()
    (tail,) = [data["text/plain"].split("\n") for data in own.displays().values()]
    hidden = int(tail[0].split()[1].replace(",", ""))
    assert own.text().count("\n") + hidden + len(tail) - 1 == 4000
    size = sum(len(c["text"]) for c in own.contents("stream")) + sum(map(len, tail))
    assert size < 200_000


def test_origins_are_told_to_the_api(live_kernel: LiveKernel) -> None:
    live_kernel.run("from gnomon.observe import hooks", "a").check()
    shown = live_kernel.run("hooks.current_origin()", "some-id").check().result()
    assert shown == "Origin(cell='some-id', label='In [3]')"  # the fixture's cell loads the extension
    note = "between = []\ndef note(result): between.append(hooks.current_origin())\n"
    live_kernel.run(note + "get_ipython().events.register('post_run_cell', note)", "b").check()
    assert live_kernel.run("between", "c").check().result() == "[None]"


def test_the_cell_that_loads_the_extension_has_an_origin() -> None:
    with LiveKernel() as kernel:
        code = "%load_ext gnomon\nfrom gnomon.observe import hooks\nhooks.current_origin()"
        assert kernel.run(code, "first").check().result() == "Origin(cell='first', label='In [1]')"


# ---------------------------------------------------------------------- the router, without a kernel


class Recorder:
    """A publisher that keeps what it is given, and says when."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []
        self.displays: set[str] = set()
        self.changed = threading.Condition()

    def stream(self, parent: Any, stream: str, text: str) -> None:
        with self.changed:
            self.sent.append((parent["msg_id"], text))
            self.changed.notify_all()

    def show(self, parent: Any, shown: Shown) -> None:
        assert shown.update == (shown.display_id in self.displays)
        if shown.display_id:
            self.displays.add(shown.display_id)
        self.stream(parent, "tail", shown.data["text/plain"])

    def wait_for(self, count: int) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.sent) >= count, timeout=30), self.sent


class Cells:
    """Origins with given cells."""

    def __init__(self, *cells: str) -> None:
        self.runs = {cell: CellRun(cell, cell, {"msg_id": f"run of {cell}"}) for cell in cells}

    def find(self, cell: str) -> CellRun | None:
        return self.runs.get(cell)

    def latest(self) -> CellRun | None:
        return list(self.runs.values())[-1] if self.runs else None


@pytest.fixture
def parts() -> Iterator[SimpleNamespace]:
    made = SimpleNamespace(cells=Cells("a", "b"), publisher=Recorder(), now=100.0)
    made.router = OutputRouter(made.cells, made.publisher, clock=lambda: made.now)
    yield made
    made.router.close()


def lines(cell: str, text: str, name: str = "f") -> hooks.OutputLines:
    return hooks.OutputLines(cell, "w", "stdout", text, name)


def test_each_cell_gets_its_own(parts: SimpleNamespace) -> None:
    parts.router.accept(lines("a", "one\n"))
    parts.router.accept(lines("b", "two\n"))
    parts.publisher.wait_for(2)
    assert sorted(parts.publisher.sent) == [("run of a", "(f, w) one\n"), ("run of b", "(f, w) two\n")]


def test_output_without_a_cell_goes_to_the_latest(parts: SimpleNamespace) -> None:
    parts.router.accept(lines("", "who am I\n"))
    parts.publisher.wait_for(1)
    assert parts.publisher.sent == [("run of b", "(f, w) who am I\n")]


def test_a_remote_cells_own_output_has_no_label(parts: SimpleNamespace) -> None:
    parts.router.accept(lines("a", "plain\n", CELL_TASK_NAME))
    parts.publisher.wait_for(1)
    assert parts.publisher.sent == [("run of a", "plain\n")]


def test_the_rate_is_bounded(parts: SimpleNamespace) -> None:
    parts.router.accept(lines("a", "first\n"))
    parts.publisher.wait_for(1)
    for n in range(50):
        parts.router.accept(lines("a", f"{n}\n"))  # the clock stands still: nothing may be sent
    parts.router.accept(lines("b", "b is not held up\n"))
    parts.publisher.wait_for(2)
    assert [cell for cell, _text in parts.publisher.sent] == ["run of a", "run of b"]
    parts.now += 1 / MESSAGES_PER_S_MAX
    parts.publisher.wait_for(3)
    assert parts.publisher.sent[2][1].count("\n") == 50


def bar(cell: str, done: int, closed: bool = False) -> hooks.OutputLines:
    text = as_line(BarState(bar="x", n=done, total=4, desc="load", closed=closed))
    return hooks.OutputLines(cell, "w", hooks.PROGRESS_STREAM, text, "f")


def test_progress_bars_are_rewritten_in_place(parts: SimpleNamespace) -> None:
    parts.router.accept(bar("a", 1))
    parts.publisher.wait_for(1)
    for done in (2, 3):
        parts.router.accept(bar("a", done))  # the clock stands still: nothing may be sent
    parts.router.accept(bar("a", 4, closed=True))
    parts.router.flush("a")
    assert [(cell, text[:28]) for cell, text in parts.publisher.sent] == [
        ("run of a", "load:  25%|█████            "),
        ("run of a", "load: 100%|█████████████████"),
    ]
    assert len(parts.publisher.displays) == 1


def picture(cell: str, text: str, display_id: str = "", update: bool = False) -> hooks.OutputLines:
    line = {"data": {"text/plain": text}, "metadata": {}, "display_id": display_id, "update": update}
    return hooks.OutputLines(cell, "w", hooks.DISPLAY_STREAM, json.dumps(line) + "\n", CELL_TASK_NAME)


def test_prints_and_pictures_keep_their_order(parts: SimpleNamespace) -> None:
    parts.router.accept(picture("a", "first"))
    parts.publisher.wait_for(1)  # the clock stands still: nothing more may be sent
    for each in ("before", None, "after", None, "end"):
        if each is None:
            parts.router.accept(picture("a", "a picture"))
        else:
            parts.router.accept(lines("a", each + "\n", CELL_TASK_NAME))
    parts.router.flush("a")
    sent = [text.strip() for _cell, text in parts.publisher.sent]
    assert sent == ["first", "before", "a picture", "after", "a picture", "end"]


def test_updates_of_a_picture_are_joined(parts: SimpleNamespace) -> None:
    parts.router.accept(picture("a", "0", "plot"))
    parts.publisher.wait_for(1)
    for n in range(1, 50):
        parts.router.accept(picture("a", str(n), "plot", update=True))
    parts.router.flush("a")
    assert [text for _cell, text in parts.publisher.sent] == ["0", "49"]


def test_a_cell_shows_so_many_pictures_and_no_more(parts: SimpleNamespace) -> None:
    for n in range(DISPLAYS_MAX + 7):
        parts.router.accept(picture("a", str(n)))
    parts.router.flush("a")
    parts.publisher.wait_for(DISPLAYS_MAX + 1)
    assert [text for _cell, text in parts.publisher.sent[:-1]] == [str(n) for n in range(DISPLAYS_MAX)]
    assert parts.publisher.sent[-1][1].startswith(
        f"... 7 more displays not shown: a cell shows {DISPLAYS_MAX}"
    )


def test_many_pictures_do_not_burst(parts: SimpleNamespace) -> None:
    parts.router.accept(lines("a", "first\n"))
    parts.publisher.wait_for(1)
    for n in range(20):
        parts.router.accept(picture("a", str(n)))
    parts.now += 1
    parts.router.accept(lines("b", "wakes the thread\n"))
    parts.publisher.wait_for(1 + MESSAGES_PER_S_MAX)
    parts.router.accept(lines("b", "again\n"))
    assert sum(cell == "run of a" for cell, _text in parts.publisher.sent) <= 1 + MESSAGES_PER_S_MAX


def test_rewritten_lines_stand_in_one_place(parts: SimpleNamespace) -> None:
    parts.router.accept(lines("a", "\r 10%"))
    parts.publisher.wait_for(1)
    for text in ("\r 20%", "\r 30%", "a line\n", "\r100%", "\n"):
        parts.router.accept(lines("a", text))
    parts.router.flush("a")
    assert parts.publisher.sent[1:] == [("run of a", "(f, w) a line\n"), ("run of a", "(f, w) 100%")]


def test_all_of_a_flood_is_on_disk(
    parts: SimpleNamespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "logs").mkdir()
    monkeypatch.setattr(observe, "session_directory", lambda: str(tmp_path))
    for n in range(3_000):
        parts.router.accept(lines("a", f"line {n}\n"))
    parts.router.flush("a")
    (path,) = (tmp_path / "logs").iterdir()
    assert f"all are in {path}; the last ones follow" in parts.publisher.sent[-1][1]
    assert path.read_text() == "".join(f"(f, w) line {n}\n" for n in range(3_000))
    parts.router.accept(lines("a", "one more\n"))
    parts.router.flush("a")
    assert path.read_text().endswith("line 2999\n(f, w) one more\n")


def test_flush_sends_at_once(parts: SimpleNamespace) -> None:
    for text in ("one\n", "two\n", "three\n"):
        parts.router.accept(lines("a", text))
    parts.router.flush("a")
    assert "".join(text for _cell, text in parts.publisher.sent).count("\n") == 3


def test_closing_sends_what_is_pending_and_ends_the_thread(parts: SimpleNamespace) -> None:
    for n in range(10):
        parts.router.accept(lines("a", f"{n}\n"))
    parts.router.close()
    assert "".join(text for _cell, text in parts.publisher.sent).count("\n") == 10
    assert not [t for t in threading.enumerate() if t.name == "gnomon-output"]
    parts.router.accept(lines("a", "too late\n"))
    assert not any("too late" in text for _cell, text in parts.publisher.sent)


def test_pending_output_goes_to_the_newer_run(parts: SimpleNamespace) -> None:
    parts.router.accept(lines("a", "one\n"))
    parts.publisher.wait_for(1)
    parts.router.accept(lines("a", "two\n"))
    parts.cells.runs["a"] = CellRun("a", "a", {"msg_id": "second run of a"})
    parts.router.accept(lines("a", "three\n"))
    parts.router.flush("a")
    assert parts.publisher.sent[1:] == [("second run of a", "(f, w) two\n(f, w) three\n")]
