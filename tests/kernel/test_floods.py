"""Floods of output from real tasks: bounded in the notebook, whole on disk, and every line accounted for."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.live_kernel import LiveKernel, RunningCell


@pytest.fixture(scope="module")
def session() -> Iterator[LiveKernel]:
    with LiveKernel() as kernel:
        kernel.run("%load_ext gnomon\n%remote start --cpus 2").check()
        kernel.run(
            "import gnomon\n@gnomon.remote(num_cpus=0.5)\ndef flood(number, count):\n"
            "    for n in range(count): print(f'line {n} of {number}')"
        ).check()
        yield kernel
        kernel.run("%remote stop").check()


def tail(cell: RunningCell) -> list[str]:
    """The lines of the output that is rewritten in place."""
    found = [data["text/plain"] for data in cell.displays().values() if "not shown" in data["text/plain"]]
    return found[0].split("\n") if found else [""]


def shown_bytes(cell: RunningCell) -> int:
    """What a notebook file keeps of it: streams, and the last state of each display."""
    streams = sum(len(content["text"]) for content in cell.contents("stream"))
    return streams + sum(len(str(data)) for data in cell.displays().values())


def accounted(cell: RunningCell) -> int:
    hidden = re.match(r"\.\.\. ([\d,]+) lines not shown", tail(cell)[0])
    if hidden is None:
        return 0
    return cell.text().count("\n") + int(hidden[1].replace(",", "")) + len(tail(cell)) - 1


def expect_all(session: LiveKernel, cell: RunningCell, tasks: int, lines: int) -> None:
    session.until(lambda: accounted(cell) == tasks * lines, "all lines accounted for")
    assert shown_bytes(cell) < 200_000
    (path,) = re.findall(r"; all are in (\S+); the last", tail(cell)[0])
    logged = [line.partition(") ")[2] for line in Path(path).read_text().splitlines()]
    assert sorted(logged) == sorted(f"line {n} of {task}" for task in range(tasks) for n in range(lines))


def test_four_tasks_and_a_thousand_lines_each(session: LiveKernel) -> None:
    cell = session.run("gnomon.get([flood.remote(n, 1_000) for n in range(4)])").check()
    expect_all(session, cell, 4, 1_000)
    assert cell.text().count("\n") >= 20, "the beginning stays"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_million_lines(session: LiveKernel) -> None:
    cell = session.start("gnomon.get([flood.remote(n, 250_000) for n in range(4)])")
    session.until(lambda: cell.idle, "the end of the cell", deadline_s=400)
    expect_all(session, cell, 4, 250_000)
