"""Head and node refuse to unpickle, and note it; every session's head and node do."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path

import gnomon
from gnomon._shell.no_unpickling import NOTES_VARIABLE

PROGRAM = """
import pickle, sys
from gnomon._shell.no_unpickling import refuse
refuse("node")
assert pickle.loads(pickle.dumps([1, "two", {3.0: b"four"}])) == [1, "two", {3.0: b"four"}]
try:
    pickle.loads(bytes.fromhex(sys.argv[1]))
except Exception as error:
    print(type(error).__name__, error)
"""


def run(folder: Path | None) -> str:
    blob = pickle.dumps(subprocess.Popen)
    environment = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    if folder is not None:
        environment[NOTES_VARIABLE] = str(folder)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, blob.hex()],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_it_is_refused_and_noted_even_if_the_error_is_caught(tmp_path: Path) -> None:
    said = run(tmp_path)
    assert said.startswith("InternalError the node process has begun to unpickle subprocess.Popen")
    [note] = tmp_path.iterdir()
    assert note.name.startswith("node-")
    assert note.read_text().startswith("subprocess.Popen\n")
    assert "in <module>" in note.read_text(), "where from"


def test_it_is_refused_where_nobody_asks_for_notes() -> None:
    assert "has begun to unpickle" in run(None)


def test_every_head_and_node_does_so(unpickling_notes: Path) -> None:
    before = set(unpickling_notes.iterdir())
    gnomon.init(engine="local", num_cpus=1, log_to_driver=False)
    try:
        assert gnomon.get(gnomon.remote(lambda path: path.name).remote(Path("a/b"))) == "b"
    finally:
        gnomon.shutdown()
    notes = set(unpickling_notes.iterdir()) - before
    assert sorted(note.name.split("-")[0] for note in notes) == ["head", "node"]
    assert all(note.read_text() == "" for note in notes)
