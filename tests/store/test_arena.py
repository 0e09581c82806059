from __future__ import annotations

import errno
import gc
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gnomon._store.arena import Arena, create_memfd
from gnomon._wire import pickling

MIB = 1 << 20


@pytest.fixture
def arena() -> Iterator[Arena]:
    fds = set(os.listdir("/dev/fd"))
    arena = Arena(create_memfd(64 * MIB), 64 * MIB)
    yield arena
    arena.close()
    gc.collect()
    assert set(os.listdir("/dev/fd")) == fds


def store(arena: Arena, value: Any, offset: int = 0) -> int:
    serialized = pickling.serialize(value)
    arena.reserve(offset, serialized.total_bytes)
    return arena.write(offset, serialized)


def test_values_are_read_where_they_lie(arena: Arena) -> None:
    array = np.arange(1_000_000)
    size = store(arena, {"array": array}, 3 * 4096)
    released: list[int] = []
    back = pickling.deserialize(arena.view(3 * 4096, size, lambda: released.append(1)), [])["array"]
    np.testing.assert_array_equal(back, array)
    assert not back.flags.writeable
    assert not back.flags.owndata
    arena._target[3 * 4096 + size - 8] ^= 1
    assert back[-1] != array[-1], "a copy would not have seen that"
    assert released == []


@pytest.mark.skipif(sys.platform != "linux", reason="other systems can not move memory under a view")
def test_detached_views_keep_what_was_there(arena: Arena) -> None:
    array = np.arange(200_000)
    size = store(arena, array, 3 * 4096)
    size_after = store(arena, array, 500 * 4096)
    released: list[int] = []
    kept = pickling.deserialize(arena.view(3 * 4096, size, lambda: released.append(1)), [])
    other = pickling.deserialize(arena.view(500 * 4096, size_after, lambda: None), [])
    assert arena.detach(3 * 4096, size)
    os.pwrite(arena.fileno(), b"\7" * 16 * MIB, 0)
    np.testing.assert_array_equal(kept, array)
    assert other[5] != array[5], "what was not detached is shared with whoever writes there"
    del kept, other
    gc.collect()
    assert released == [1]


def test_release_comes_once_when_the_last_slice_is_gone(arena: Arena) -> None:
    size = store(arena, [np.arange(50_000), np.ones(20_000)])
    released: list[int] = []
    first, second = pickling.deserialize(arena.view(0, size, lambda: released.append(1)), [])
    slice_ = first[100:200].reshape(10, 10).T
    del first, second
    gc.collect()
    assert released == []
    assert slice_[0, 1] == 110
    del slice_
    gc.collect()
    assert released == [1]


def test_values_without_buffers_release_at_once(arena: Arena) -> None:
    released: list[int] = []
    size = store(arena, {"text": "x" * 200_000})
    assert pickling.deserialize(arena.view(0, size, lambda: released.append(1)), []) == {
        "text": "x" * 200_000
    }
    assert released == [1]


def test_data_frames_hold_the_view(arena: Arena) -> None:
    frame = pd.DataFrame({"a": np.arange(100_000.0)})
    released: list[int] = []
    size = store(arena, frame)
    back = pickling.deserialize(arena.view(0, size, lambda: released.append(1)), [])
    assert back["a"].sum() == frame["a"].sum()
    assert released == []
    del back
    gc.collect()
    assert released == [1]


def test_release_runs_in_the_thread_that_drops_the_last_view(arena: Arena) -> None:
    size = store(arena, np.arange(50_000))
    released: list[str] = []
    holder = [arena.view(0, size, lambda: released.append(threading.current_thread().name))]
    thread = threading.Thread(target=holder.clear, name="dropper")
    thread.start()
    thread.join()
    assert released == ["dropper"]


def test_another_process_sees_the_same_bytes(arena: Arena) -> None:
    size = store(arena, np.arange(100_000), 4096)
    code = (
        "import sys\n"
        "from gnomon._store.arena import Arena\n"
        "from gnomon._wire import pickling\n"
        "arena = Arena(int(sys.argv[1]), int(sys.argv[2]))\n"
        "array = pickling.deserialize(arena.view(4096, int(sys.argv[3]), lambda: None), [])\n"
        "print(int(array.sum()))\n"
        "arena.write(0, pickling.serialize('from the other process'))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(arena.fileno()), str(arena.capacity_bytes), str(size)],
        pass_fds=[arena.fileno()],
        env={"PYTHONPATH": ":".join(path for path in sys.path if path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) == sum(range(100_000))
    assert pickling.deserialize(arena.view(0, 200, lambda: None), []) == "from the other process"


def test_memory_is_taken_only_as_it_is_reserved(arena: Arena) -> None:
    def used() -> int:
        return os.fstat(arena.fileno()).st_blocks * 512

    assert used() == 0
    arena.reserve(5 * MIB + 1, 2 * MIB)
    assert used() == 3 * MIB, "whole chunks of 1 MiB"
    arena.reserve(5 * MIB, MIB)
    assert used() == 3 * MIB
    arena.reserve(0, arena.capacity_bytes)
    assert used() == arena.capacity_bytes


def test_no_room_is_an_error_and_nothing_is_taken_for_reserved(
    arena: Arena, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(fd: int, offset: int, size: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "posix_fallocate", full)
        with pytest.raises(OSError, match="No space left"):
            arena.reserve(0, 4 * MIB)
    arena.reserve(0, 4 * MIB)
    assert os.fstat(arena.fileno()).st_blocks * 512 == 4 * MIB


def test_views_outlive_close() -> None:
    arena = Arena(create_memfd(4 * MIB), 4 * MIB)
    size = store(arena, np.arange(100_000))
    released: list[int] = []
    array = pickling.deserialize(arena.view(0, size, lambda: released.append(1)), [])
    arena.close()
    arena.close()
    assert array[-1] == 99_999
    with pytest.raises(ValueError, match="closed"):
        arena.view(0, 10, lambda: None)
    del array
    gc.collect()
    assert released == [1]


@pytest.mark.parametrize(("offset", "size"), [(-1, 10), (0, 0), (64 * MIB - 5, 6), (1 << 40, 1)])
def test_blocks_outside_are_refused(arena: Arena, offset: int, size: int) -> None:
    with pytest.raises(ValueError, match="do not lie in an arena"):
        arena.view(offset, size, lambda: None)
    with pytest.raises(ValueError, match="do not lie in an arena"):
        arena.reserve(offset, size)


def test_the_last_byte_can_be_viewed(arena: Arena) -> None:
    arena.reserve(64 * MIB - 100, 100)
    assert len(arena.view(64 * MIB - 100, 100, lambda: None)) == 100


def test_the_fd_is_not_inherited_by_accident() -> None:
    fd = create_memfd(MIB)
    assert not os.get_inheritable(fd)
    os.close(fd)
    assert resource.getpagesize() <= MIB


def faults(arena: Arena, offset: int, value: pickling.Serialized) -> int:
    """How many page faults writing a value takes."""
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    arena.write(offset, value)
    return resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere each page is a fault")
def test_memory_that_others_have_used_is_entered_at_once(arena: Arena) -> None:
    value = pickling.serialize(np.ones(16 * MIB, dtype=np.uint8))
    pages = 16 * MIB // resource.getpagesize()
    arena.reserve(5_000, value.total_bytes)
    arena.write(5_000, value)
    assert faults(arena, 5_000, value) < 100
    other = Arena(os.dup(arena.fileno()), 64 * MIB)
    try:
        assert faults(other, 5_000, value) < pages / 4
        assert faults(other, 5_000, value) < 100
        back = pickling.deserialize(arena.view(5_000, value.total_bytes, lambda: None), [])
        assert back.sum() == 16 * MIB
    finally:
        other.close()


def test_memory_is_written_to_the_end_of_the_arena(arena: Arena) -> None:
    value = pickling.serialize(np.ones(3 * MIB, dtype=np.uint8))
    offset = 64 * MIB - value.total_bytes
    arena.reserve(offset, value.total_bytes)
    arena.write(offset, value)
    other = Arena(os.dup(arena.fileno()), 64 * MIB)
    other.write(offset, value)
    assert bytes(arena._target[-5:]) == b"\1" * 5
    other.close()


def test_without_shared_memory_the_arena_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "memfd_create", refuse)
    with pytest.warns(UserWarning, match="Operation not permitted.*slower"):
        arena = Arena(create_memfd(MIB, str(tmp_path)), MIB)
    arena.reserve(0, MIB)
    arena.window(0, 4)[:] = b"abcd"
    assert bytes(arena.view(0, 4, lambda: None)) == b"abcd"
    assert list(tmp_path.iterdir()) == [], "it has no name, and goes with its last user"
    arena.close()


def test_a_header_says_whose_value_lies_there() -> None:
    arena = Arena(create_memfd(MIB), MIB)
    arena.reserve(0, MIB)
    arena.write_header(4096, b"i" * 20)
    assert arena.bears(4096, b"i" * 20)
    assert not arena.bears(4096, b"j" * 20)
    arena.write_header(4096, b"")
    assert not arena.bears(4096, b"i" * 20)
    arena.close()
