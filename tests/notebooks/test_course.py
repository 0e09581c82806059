"""Every notebook of the course runs from top to bottom, its exercises can be solved, and it leaves nothing behind."""

import os
import re
import threading
import time
import uuid
from pathlib import Path

import nbclient
import nbformat
import pytest
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
GONE_WITHIN_S = 20.0  # promised are 2 s, to which the storms hold it; a busy machine is no fault

RAISES = "raises-exception"
"""The tag of a cell whose error is what it is there to show; JupyterLab goes on after it too."""

WARNS = "warns"
"""The tag of a cell whose warning is what it is there to show."""

HINTS = {"04-nested-tasks": {"nested-get"}, "07-objects-and-memory": {"large-argument"}}
"""What the coach may say of a notebook: the pattern that it is there to show. To all others it has nothing to say."""


# ------------------------------------------------------------------------------------- what is left


def processes_with(marker: str) -> list[int]:
    """The processes that have ``marker`` in their environment, as all have that a kernel has started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if marker.encode() in (process / "environ").read_bytes():
                found.append(int(process.name))
        except OSError:  # ended meanwhile, or somebody else's
            continue
    return found


def wait_until_gone(marker: str) -> list[int]:
    """What is left of a kernel's processes after the time that is granted to them."""
    deadline = time.monotonic() + GONE_WITHIN_S
    pause = threading.Event()
    while (left := processes_with(marker)) and time.monotonic() < deadline:
        pause.wait(0.05)
    return left


# ------------------------------------------------------------------------------------- exercises


def solved(notebook: NotebookNode) -> list[str]:
    """Put after each exercise's check its solution, and the check again; returns the names of the exercises.

    The cells of an exercise are called ``exercise-1-code``, ``-check`` and ``-solution``. The first block of code in
    the solution is what the whole code cell comes to be.
    """
    cells = {cell.id: cell for cell in notebook.cells}
    exercises = [
        ident.removesuffix("-check") for ident in cells if re.fullmatch(r"exercise-\d+-check", ident)
    ]
    for exercise in exercises:
        check, solution = cells[f"{exercise}-check"], cells[f"{exercise}-solution"]
        code = re.search(r"```python\n(.*?)```", solution.source, re.DOTALL)
        assert code is not None, f"{exercise} has a check, but no solution"
        at = notebook.cells.index(check) + 1
        notebook.cells[at:at] = [
            nbformat.v4.new_code_cell(code[1], id=f"{exercise}-solved"),
            nbformat.v4.new_code_cell(check.source, id=f"{exercise}-verdict"),
        ]
    return exercises


def printed(cell: NotebookNode, name: str = "stdout") -> str:
    """What a cell wrote to a stream."""
    return "".join(o.text for o in cell.outputs if o.output_type == "stream" and o.name == name)


def hints(cell: NotebookNode) -> set[str]:
    """The kinds of hints below a cell."""
    told = (o.metadata.get("gnomon", {}) for o in cell.outputs if o.output_type == "display_data")
    return {str(each["hint"]) for each in told if "hint" in each}


# ------------------------------------------------------------------------------------- the tests


@pytest.mark.notebook
@pytest.mark.timeout(400)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    marker = f"GNOMON_TEST_KERNEL={uuid.uuid4().hex}"
    monkeypatch.setenv(*marker.split("="))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'runtime'}{os.pathsep}{ROOT / 'kernel_ext'}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(path, as_version=4)
    exercises = solved(notebook)
    client = nbclient.NotebookClient(
        notebook, timeout=180, resources={"metadata": {"path": str(path.parent)}}
    )
    failed: list[str] = []
    client.on_cell_error = lambda cell, cell_index, execute_reply: failed.append(cell.id)
    client.execute()

    executed = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in executed)
    for cell in executed:
        tags = cell.metadata.get("tags", [])
        assert (cell.id in failed) == (RAISES in tags), cell.id
        warned = printed(cell, "stderr")
        assert bool(warned) == (WARNS in tags), f"{cell.id}: {warned}"
        assert hints(cell) <= HINTS.get(path.stem, set()), cell.id
    cells = {cell.id: cell for cell in notebook.cells}
    assert exercises
    for exercise in exercises:
        assert printed(cells[f"{exercise}-check"]).startswith("Not yet: "), exercise
        assert printed(cells[f"{exercise}-verdict"]).startswith("Well done!"), exercise
    assert wait_until_gone(marker) == []


def test_the_list_names_every_notebook() -> None:
    listed = (ROOT / "notebooks" / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in NOTEBOOKS if f"]({path.name})" not in listed] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_opening_it_does_not_change_it(path: Path) -> None:
    """JupyterLab writes into a notebook what the kernel says of its language, and marks it as changed if that was not there."""
    from ipykernel.ipkernel import IPythonKernel

    told = dict(IPythonKernel.language_info)
    stored = dict(nbformat.read(path, as_version=4).metadata["language_info"])
    assert stored.pop("version").startswith("3.")  # another Python has another one, which JupyterLab notes
    told.pop("version")
    assert stored == told


def test_a_solution_stands_behind_its_check() -> None:
    cells = nbformat.v4.new_code_cell, nbformat.v4.new_markdown_cell
    notebook = nbformat.v4.new_notebook(
        cells=[
            cells[0]("x = ...", id="exercise-1-code"),
            cells[0]("print(x)", id="exercise-1-check"),
            cells[1]("Like this:\n\n```python\nx = 1\n```\n\n```python\nno = 2\n```", id="exercise-1-solution"),
        ]
    )
    assert solved(notebook) == ["exercise-1"]
    assert [(cell.id, cell.source) for cell in notebook.cells[2:4]] == [
        ("exercise-1-solved", "x = 1\n"),
        ("exercise-1-verdict", "print(x)"),
    ]


def test_leftovers_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above would pass on a machine where it can see nothing at all."""
    assert processes_with(f"PATH={os.environ['PATH']}")
