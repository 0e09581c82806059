"""A notebook that is run from the top, twice, with a cell that fails: every task stays with its cell, line and run."""

from __future__ import annotations

import ast

from kernel.live_kernel import LiveKernel, RunningCell

CELLS = {
    "start": "import gnomon\n%remote start --cpus 2",
    "define": "@gnomon.remote\ndef half(x):\n    return 10 / x\n@gnomon.remote\ndef add(*xs):\n    return sum(xs)",
    "good": "parts = [half.remote(x)\n         for x in (1, 2)]\ntotal = add.remote(*parts)\ngnomon.get(total)",
    "fails": "# a cell\n\ngnomon.get(half.remote(0))",
    "after": "gnomon.get(add.remote(1, 2))",
}
ROWS = "[(r['name'], r['cell'], r['line'], r['state'], r['stale']) for r in gnomon.observe.tasks()]"


def run_all(kernel: LiveKernel) -> dict[str, RunningCell]:
    return {name: kernel.run(text, cell=name) for name, text in CELLS.items()}


def expected(first: int) -> list[tuple[str, str, int, str, str]]:
    """The rows of a run whose first cell has this number."""
    good, fails, after = (f"In [{first + offset}]" for offset in (2, 3, 4))
    return [
        ("half", good, 1, "done", ""),
        ("half", good, 1, "done", ""),
        ("add", good, 3, "done", ""),
        ("half", fails, 3, "failed", ""),
        ("add", after, 1, "done", ""),
    ]


def test_run_all_twice_with_a_failing_cell(live_kernel: LiveKernel) -> None:
    for first, said in ((2, "gnomon started"), (7, "gnomon is running")):
        cells = run_all(live_kernel)
        assert cells["start"].check().text().startswith(said)
        assert cells["good"].check().result() == "15.0"
        assert cells["after"].check().result() == "3"
        (error,) = cells["fails"].contents("error")
        assert f"in the task half(x=0), submitted at In [{first + 3}], line 3" in "\n".join(
            error["traceback"]
        )
    rows = ast.literal_eval(live_kernel.run(ROWS).check().result())
    assert rows == [*expected(2), *expected(7)]
    of_the_cell = "frame = %remote tasks --cell 10\nlist(frame['state'])"
    assert live_kernel.run(of_the_cell).check().result() == "['failed']"
    for cell in live_kernel.cells.values():
        hints = [
            each for each in cell.contents("display_data") if "hint" in each["metadata"].get("gnomon", {})
        ]
        assert hints == []
