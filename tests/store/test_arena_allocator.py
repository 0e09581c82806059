from __future__ import annotations

import random

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gnomon._core.arena_allocator import ArenaAllocator
from gnomon.exceptions import InternalError

GRANULE = 64
CAPACITY = 64 * GRANULE


class AgainstANaiveModel(RuleBasedStateMachine):
    """The model is a list with one cell per granule: the owner of each, or None."""

    def __init__(self) -> None:
        super().__init__()
        self.allocator = ArenaAllocator(CAPACITY, GRANULE)
        self.cells: list[int | None] = [None] * (CAPACITY // GRANULE)

    def largest_free(self) -> int:
        runs = "".join("." if cell is None else "#" for cell in self.cells).split("#")
        return max(map(len, runs)) * GRANULE

    @rule(size=st.integers(1, CAPACITY // 3))
    def allocate(self, size: int) -> None:
        cells = -(-size // GRANULE)
        before = self.largest_free()
        offset = self.allocator.allocate(size)
        if offset is None:
            assert before < cells * GRANULE, "refused although it fits"
            return
        assert offset % GRANULE == 0
        first = offset // GRANULE
        assert self.cells[first : first + cells] == [None] * cells, "given twice, or out of the arena"
        self.cells[first : first + cells] = [offset] * cells
        assert self.allocator.size_of(offset) == cells * GRANULE

    @rule(choice=st.integers(0, 1_000_000))
    def free(self, choice: int) -> None:
        offsets = sorted({cell for cell in self.cells if cell is not None})
        if offsets:
            offset = offsets[choice % len(offsets)]
            self.allocator.free(offset)
            self.cells = [None if cell == offset else cell for cell in self.cells]

    @invariant()
    def agrees(self) -> None:
        self.allocator.check()
        used = sum(cell is not None for cell in self.cells) * GRANULE
        assert self.allocator.used_bytes == used
        assert self.allocator.free_bytes == CAPACITY - used
        assert self.allocator.largest_free_bytes == self.largest_free()


TestAgainstANaiveModel = AgainstANaiveModel.TestCase
TestAgainstANaiveModel.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)


def test_a_freed_block_is_used_again_at_once() -> None:
    allocator = ArenaAllocator(1 << 30)
    blocks = [allocator.allocate(100_000) for _ in range(10)]
    for number in (3, 7, 5):
        allocator.free(blocks[number] or 0)
    assert [allocator.allocate(100_000) for _ in range(3)] == [blocks[5], blocks[7], blocks[3]]


def test_a_steady_stream_stays_in_memory_that_was_used_before() -> None:
    allocator = ArenaAllocator(1 << 40)
    for _ in range(1_000):
        first, second = allocator.allocate(100 << 20), allocator.allocate(100 << 20)
        assert first is not None
        assert second is not None
        assert max(first, second) <= 101 << 20
        allocator.free(first)
        allocator.free(second)


def test_all_of_it_can_be_one_block() -> None:
    allocator = ArenaAllocator(10_000)
    assert allocator.capacity_bytes == 8_192, "rounded down to pages"
    assert allocator.allocate(8_192) == 0
    assert allocator.allocate(1) is None
    assert allocator.largest_free_bytes == 0
    allocator.free(0)
    assert allocator.allocate(8_193) is None
    assert allocator.largest_free_bytes == 8_192


def test_an_arena_too_small_for_a_page_is_always_full() -> None:
    allocator = ArenaAllocator(100)
    assert allocator.allocate(1) is None
    allocator.check()


def test_errors() -> None:
    allocator = ArenaAllocator(1 << 20)
    offset = allocator.allocate(5)
    assert offset == 0
    with pytest.raises(ValueError, match="positive"):
        allocator.allocate(0)
    with pytest.raises(InternalError, match="no block at 4096"):
        allocator.free(4096)
    allocator.free(0)
    with pytest.raises(InternalError, match="no block at 0"):
        allocator.free(0)
    with pytest.raises(ValueError, match="power of two"):
        ArenaAllocator(1 << 20, 96)


@pytest.mark.parametrize("seed", range(3))
def test_long_random_use(seed: int) -> None:
    rng = random.Random(seed)
    allocator = ArenaAllocator(1 << 28)
    live: list[int] = []
    for step in range(3_000):
        if live and rng.random() < 0.48:
            allocator.free(live.pop(rng.randrange(len(live))))
        else:
            offset = allocator.allocate(int(2 ** rng.uniform(0, 22)))
            if offset is not None:
                live.append(offset)
        if step % 300 == 0:
            allocator.check()
    for offset in live:
        allocator.free(offset)
    allocator.check()
    assert allocator.largest_free_bytes == allocator.free_bytes == allocator.capacity_bytes
