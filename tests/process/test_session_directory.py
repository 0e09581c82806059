from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from gnomon._shell import session_directory
from gnomon.ids import WorkerID


@pytest.fixture
def base(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A short directory for temporary files of this test alone."""
    path = Path("/tmp") / f"gt-{os.urandom(3).hex()}"
    path.mkdir()
    monkeypatch.setenv("TMPDIR", str(path))
    return path


def test_directory_is_private_and_short_enough_for_sockets(base: Path) -> None:
    path = session_directory.create()
    assert os.path.dirname(path) == str(base)
    for folder in (path, f"{path}/logs"):
        assert stat.S_IMODE(os.lstat(folder).st_mode) == 0o700
    assert len(session_directory.socket_path(path, WorkerID(b"12345678"))) <= 107
    assert session_directory.log_path(path, "node", "err") == f"{path}/logs/node.err"
    session_directory.remove(path)
    assert list(base.iterdir()) == []
    session_directory.remove(path)  # again: no error
    base.rmdir()


def test_too_long_a_path_is_avoided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    long = tmp_path / ("long" * 20)
    long.mkdir()
    monkeypatch.setenv("TMPDIR", str(long))
    path = session_directory.create()
    try:
        assert os.path.dirname(path) == "/tmp"
    finally:
        session_directory.remove(path)


def test_only_directories_that_nobody_holds_are_removed(base: Path) -> None:
    held = session_directory.create()
    left, cut_short, foreign = (base / f"gnomon-{os.getuid()}-{name}" for name in ("left", "cut", "file"))
    (left / "logs").mkdir(parents=True)
    (left / "logs" / "node.err").write_text("")
    cut_short.mkdir()
    foreign.write_text("not a directory")
    (base / "another").mkdir()
    (base / f"gnomon-{os.getuid()}-link").symlink_to(base / "another")
    assert session_directory.remove_abandoned() == [str(cut_short), str(left)]
    assert os.path.isdir(held)
    assert foreign.exists()
    assert (base / "another").exists()
    session_directory.remove(held)
    for path in (foreign, base / f"gnomon-{os.getuid()}-link"):
        path.unlink()
    (base / "another").rmdir()
    base.rmdir()


def test_a_second_holder_keeps_the_directory(base: Path) -> None:
    path = base / f"gnomon-{os.getuid()}-x"
    (path / "logs").mkdir(parents=True)
    hold = session_directory.hold(str(path))
    assert session_directory.remove_abandoned() == []
    os.close(hold)
    assert session_directory.remove_abandoned() == [str(path)]
    base.rmdir()


def test_one_process_at_a_time_has_the_baton(tmp_path: Path) -> None:
    first, second = session_directory.open_baton(str(tmp_path)), session_directory.open_baton(str(tmp_path))
    assert session_directory.take_baton(first)
    assert not session_directory.take_baton(second, timeout_s=0.01)
    os.close(first)  # as the kernel does for a process that was killed
    assert session_directory.take_baton(second, timeout_s=0.01)
    os.close(second)
