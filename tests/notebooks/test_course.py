"""Every notebook of the course runs from top to bottom, and leaves nothing behind."""

import os
import threading
import time
import uuid
from pathlib import Path

import nbclient
import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
GONE_WITHIN_S = 2.0


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


@pytest.mark.notebook
@pytest.mark.timeout(180)
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_runs(path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    marker = f"GNOMON_TEST_KERNEL={uuid.uuid4().hex}"
    monkeypatch.setenv(*marker.split("="))
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'runtime'}{os.pathsep}{ROOT / 'kernel_ext'}")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(path.parent)}})
    client.execute()

    executed = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in executed)
    streams = [output for cell in executed for output in cell.outputs if output.output_type == "stream"]
    assert [stream.text for stream in streams if stream.name == "stderr"] == []
    assert wait_until_gone(marker) == []


def test_leftovers_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The check above would pass on a machine where it can see nothing at all."""
    assert processes_with(f"PATH={os.environ['PATH']}")
