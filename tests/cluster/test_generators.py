"""Generators with real processes: replays after deaths, producers that stop, back-pressure, large items."""

from __future__ import annotations

import asyncio
import gc
import os
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster, kill_process, start_time, wait_until

import gnomon
from gnomon.exceptions import (
    ActorDiedError,
    NotInitializedError,
    TaskCancelledError,
    WorkerCrashedError,
)
from gnomon.ids import task_of
from gnomon.observe import hooks

KB = 1024


class Journal:
    """Lines that a producer appends to a file, so that nothing is lost with a killed process."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)

    def add(self, line: object) -> None:
        with open(self.path, "a") as file:
            file.write(f"{line}\n")

    def read(self) -> list[str]:
        return Path(self.path).read_text().split() if os.path.exists(self.path) else []

    def made(self) -> int:
        return sum(line.startswith("item") for line in self.read())

    def closed(self) -> int:
        return self.read().count("closed")


def items(journal: Journal, n: int) -> Iterator[int]:
    """Notes each item before it is yielded, and its end."""
    try:
        for i in range(n):
            journal.add(f"item-{i}")
            yield i
    finally:
        journal.add("closed")


def items_with_a_pause(journal: Journal, pause_at: int, n: int) -> Iterator[int]:
    """Stops at an item for good in its first process."""
    journal.add(f"pid-{os.getpid()}")
    first = len([line for line in journal.read() if line.startswith("pid")]) == 1
    for i in range(n):
        if first and i == pause_at:
            journal.add("paused")
            threading.Event().wait(600)
        yield i


@gnomon.remote
def produce(journal: Journal, n: int = 10**9) -> Iterator[int]:
    """Notes its process, too."""
    journal.add(f"pid-{os.getpid()}")
    yield from items(journal, n)


@gnomon.remote
def pausing(journal: Journal, pause_at: int, n: int) -> Iterator[int]:
    yield from items_with_a_pause(journal, pause_at, n)


@gnomon.remote
class Producer:
    """A sync or threaded actor."""

    def pid(self) -> int:
        return os.getpid()

    def produce(self, journal: Journal, n: int = 10**9) -> Iterator[int]:
        yield from items(journal, n)

    def pausing(self, journal: Journal, pause_at: int, n: int) -> Iterator[int]:
        yield from items_with_a_pause(journal, pause_at, n)


@gnomon.remote
class AsyncProducer:
    async def produce(self, journal: Journal, n: int = 10**9) -> AsyncIterator[int]:
        try:
            for i in range(n):
                journal.add(f"item-{i}")
                yield i
                await asyncio.sleep(0)
        finally:
            journal.add("closed")

    async def several(self, n: int) -> AsyncIterator[int]:
        for i in range(n):
            await asyncio.sleep(0.001)
            yield i

    async def answer(self) -> str:
        return "here"


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal")


def pid_of(journal: Journal, number: int = 0) -> int:
    """The process of the ``number``-th attempt."""
    pids = [line for line in journal.read() if line.startswith("pid")]
    return int(pids[number].removeprefix("pid-"))


def paused(journal: Journal) -> None:
    wait_until(lambda: "paused" in journal.read(), "the generator has come to its pause")


def arrived(cluster: Cluster, generator: gnomon.ObjectRefGenerator[Any], items: int) -> None:
    """What a producer has made just before it is killed may be lost with it."""
    streams = cluster.role.streams.streams
    wait_until(lambda: streams[task_of(generator._id)].produced == items, "the items are here")


# -- deaths ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("taken", [0, 2, 5])
def test_a_killed_worker_costs_no_item_and_repeats_none(
    cluster: Cluster, journal: Journal, taken: int
) -> None:
    generator = pausing.remote(journal, 5, 10)
    first = [gnomon.get(next(generator), timeout=20) for _ in range(taken)]
    paused(journal)
    kill_process(pid_of(journal))
    assert first + gnomon.get(list(generator), timeout=20) == list(range(10))
    assert pid_of(journal, 1) != pid_of(journal)


def test_without_retries_the_crash_is_the_last_item(cluster: Cluster, journal: Journal) -> None:
    generator = pausing.options(max_retries=0).remote(journal, 2, 10)
    completed = generator.completed()
    paused(journal)
    arrived(cluster, generator, 2)
    kill_process(pid_of(journal))
    *items, last = list(generator)
    assert gnomon.get(items) == [0, 1]
    for ref in (last, completed):
        with pytest.raises(WorkerCrashedError):
            gnomon.get(ref, timeout=20)


def test_a_dynamic_generator_is_replayed_too(cluster: Cluster, journal: Journal) -> None:
    ref = pausing.options(num_returns="dynamic").remote(journal, 5, 10)
    paused(journal)
    kill_process(pid_of(journal))
    assert gnomon.get(list(gnomon.get(ref, timeout=20))) == list(range(10))


def test_a_restarted_actor_goes_on_where_it_was(cluster: Cluster, journal: Journal) -> None:
    actor = Producer.options(max_restarts=1, max_task_retries=1).remote()
    generator = actor.pausing.remote(journal, 5, 10)
    after = actor.pid.remote()
    assert gnomon.get(next(generator), timeout=20) == 0
    paused(journal)
    kill_process(pid_of(journal))
    assert gnomon.get(list(generator), timeout=20) == list(range(1, 10))
    assert gnomon.get(after, timeout=20) == pid_of(journal, 1)


def test_a_dead_actor_is_the_last_item(cluster: Cluster, journal: Journal) -> None:
    actor = Producer.remote()
    generator = actor.pausing.remote(journal, 3, 10)
    paused(journal)
    arrived(cluster, generator, 3)
    gnomon.kill(actor)
    *items, last = list(generator)
    assert gnomon.get(items) == [0, 1, 2]
    with pytest.raises(ActorDiedError):
        gnomon.get(last, timeout=20)


def test_backpressure_holds_in_a_replay(cluster: Cluster, journal: Journal) -> None:
    generator = pausing.options(_generator_backpressure_num_objects=3).remote(journal, 5, 20)
    first = [gnomon.get(next(generator), timeout=20) for _ in range(3)]
    paused(journal)
    kill_process(pid_of(journal))
    assert first + gnomon.get(list(generator), timeout=20) == list(range(20))


def test_a_generator_ends_with_the_task_that_owned_it(cluster: Cluster, journal: Journal) -> None:
    @gnomon.remote(max_retries=0)
    def consume(journal: Journal, note: Journal) -> None:
        generator = produce.remote(journal)
        next(generator)
        note.add(f"pid-{os.getpid()}")
        threading.Event().wait(600)

    note = Journal(Path(journal.path + "-consumer"))
    ref = consume.remote(journal, note)
    wait_until(note.read, "it has begun")
    kill_process(pid_of(note))
    with pytest.raises(WorkerCrashedError):
        gnomon.get(ref, timeout=20)
    quiet(journal)


def quiet(journal: Journal) -> None:
    """The producer makes no more items: it has closed, or its process is gone."""
    wait_until(
        lambda: journal.closed() == 1 or start_time(pid_of(journal)) is None, "the producer has stopped"
    )


def test_a_storm_of_killed_workers_and_dropped_generators(cluster: Cluster, tmp_path: Path) -> None:
    """Whatever is killed when: every generator that is taken to its end gives each item once, in order."""

    @gnomon.remote(max_retries=-1)
    def numbers(start: int, n: int, given: list[Any]) -> Iterator[Any]:
        for i in range(n):
            yield [start + i, given[0], bytes(150 * KB)] if i % 10 == 9 else start + i

    chooser = random.Random(7)
    kills = 0
    for turn in range(30):
        ahead = chooser.choice((-1, 1, 4))
        generators = [
            numbers.options(_generator_backpressure_num_objects=ahead).remote(
                1_000 * number, 40, [gnomon.put(number)]
            )
            for number in range(3)
        ]
        found: list[list[Any]] = [[] for _ in generators]
        for step in range(40):
            for generator, items in zip(generators, found, strict=True):
                item = gnomon.get(next(generator), timeout=30)
                if isinstance(item, list):
                    assert gnomon.get(item[1]) == item[0] // 1_000
                    item = item[0]
                items.append(item)
            if step == 20 and turn % 3 == 0:
                del generators[0], found[0]
            if chooser.random() < 0.04:
                kills += any(kill_process(pid) for pid in cluster.leased_pids()[:1])
        last = len(generators)
        expected = [list(range(1_000 * number, 1_000 * number + 40)) for number in range(3)][-last:]
        assert found == expected
        assert [list(generator) for generator in generators] == [[]] * last
        cluster.check()
    assert kills >= 10


# -- producers that stop -----------------------------------------------------------------------------------------


def test_a_dropped_generator_stops_its_task_and_frees_its_items(cluster: Cluster, journal: Journal) -> None:
    generator = produce.remote(journal)
    first = next(generator)
    wait_until(lambda: journal.made() > 100, "it is far ahead")
    del generator
    wait_until(lambda: journal.closed() == 1, "its clean-up has run")
    wait_until(lambda: list(cluster.role.references.entries) == [first.binary()], "all else is freed", 5.0)
    assert gnomon.get(first) == 0
    assert start_time(pid_of(journal)) is not None, "its worker lives"


@pytest.mark.parametrize("end", ["drop", "close", "cancel"])
def test_a_producer_that_waits_for_room_stops(cluster: Cluster, journal: Journal, end: str) -> None:
    generator = produce.options(_generator_backpressure_num_objects=2).remote(journal)
    assert gnomon.get(next(generator)) == 0
    wait_until(lambda: journal.made() == 3, "two items are ahead")
    if end == "close":
        generator.close()
    if end == "cancel":
        gnomon.cancel(generator)
        *items, last = list(generator)
        assert gnomon.get(items) == [1, 2]
        with pytest.raises(TaskCancelledError):
            gnomon.get(last)
    del generator
    wait_until(lambda: journal.closed() == 1, "its clean-up has run")
    assert journal.made() <= 5


@pytest.mark.parametrize(
    "make",
    [
        lambda: Producer.remote(),
        lambda: Producer.options(max_concurrency=3).remote(),
        lambda: AsyncProducer.remote(),
    ],
    ids=["sync", "threaded", "async"],
)
def test_methods_that_wait_for_room_stop(cluster: Cluster, tmp_path: Path, make: Callable[[], Any]) -> None:
    actor = make()
    for turn in range(3):
        journal = Journal(tmp_path / str(turn))
        generator = actor.produce.options(_generator_backpressure_num_objects=2).remote(journal)
        assert gnomon.get(next(generator), timeout=20) == 0
        wait_until(lambda: journal.made() == 3, "two items are ahead")  # noqa: B023
        del generator
        wait_until(lambda: journal.closed() == 1, "its clean-up has run")  # noqa: B023
    assert gnomon.get(list(actor.produce.remote(Journal(tmp_path / "last"), 3)), timeout=20) == [0, 1, 2]


def test_one_that_swallows_the_interrupt_is_closed(cluster: Cluster, journal: Journal) -> None:
    @gnomon.remote
    def stubborn(journal: Journal) -> Iterator[int]:
        journal.add(f"pid-{os.getpid()}")
        try:
            while True:
                try:
                    yield 0
                    threading.Event().wait(0.01)
                except KeyboardInterrupt:
                    journal.add("swallowed")
        finally:
            journal.add("closed")

    generator = stubborn.remote(journal)
    next(generator)
    gnomon.cancel(generator)
    with pytest.raises(TaskCancelledError):
        gnomon.get(list(generator)[-1])
    wait_until(lambda: journal.closed() == 1, "it was closed")


def test_cancel_of_a_generator_that_waits_for_a_worker(cluster: Cluster, tmp_path: Path) -> None:
    running = [produce.remote(Journal(tmp_path / name)) for name in "ab"]
    for generator in running:
        next(generator)
    waiting = produce.remote(Journal(tmp_path / "c"), 3)
    gnomon.cancel(waiting)
    (only,) = list(waiting)
    with pytest.raises(TaskCancelledError):
        gnomon.get(only)
    assert Journal(tmp_path / "c").read() == []


def test_force_kills_the_worker_of_a_generator(cluster: Cluster, journal: Journal) -> None:
    generator = produce.options(_generator_backpressure_num_objects=1).remote(journal)
    next(generator)
    gnomon.cancel(generator, force=True)
    with pytest.raises(TaskCancelledError):
        gnomon.get(list(generator)[-1], timeout=20)
    wait_until(lambda: start_time(pid_of(journal)) is None, "its worker is gone")


# -- room ----------------------------------------------------------------------------------------------------------


def test_many_producers_that_wait_for_room_share_few_cpus(cluster: Cluster, tmp_path: Path) -> None:
    generators = [
        produce.options(_generator_backpressure_num_objects=1).remote(Journal(tmp_path / str(number)), 4)
        for number in range(6)
    ]
    taken = [[gnomon.get(next(generator), timeout=30) for generator in generators] for _ in range(4)]
    assert taken == [[i] * 6 for i in range(4)]
    assert [list(generator) for generator in generators] == [[]] * 6


def test_a_producer_is_never_more_than_its_limit_ahead(cluster: Cluster, journal: Journal) -> None:
    generator = produce.options(_generator_backpressure_num_objects=5).remote(journal, 300)
    for taken, ref in enumerate(generator, 1):
        made = journal.made()
        assert made <= taken + 5
        assert gnomon.get(ref) == taken - 1
    assert journal.made() == 300


# -- items -----------------------------------------------------------------------------------------------------------


def test_a_thousand_items_in_order(cluster: Cluster) -> None:
    @gnomon.remote
    def numbers(n: int) -> Iterator[int]:
        yield from range(n)

    generator = numbers.remote(1_000)
    for expected, ref in enumerate(generator):
        assert gnomon.get(ref) == expected
    assert expected == 999


def test_a_hundred_async_generators_on_one_loop(cluster: Cluster) -> None:
    actor = AsyncProducer.remote()
    generators = [actor.several.remote(5) for _ in range(100)]
    assert gnomon.get(actor.answer.remote(), timeout=20) == "here"
    assert [gnomon.get(list(generator), timeout=30) for generator in generators] == [[0, 1, 2, 3, 4]] * 100


def test_large_items_lie_in_the_store_until_they_are_dropped(cluster: Cluster) -> None:
    @gnomon.remote
    def blocks(n: int) -> Iterator[bytes]:
        for i in range(n):
            yield bytes([i]) * (500 * KB)

    generator = blocks.remote(20)
    gnomon.get(generator.completed(), timeout=20)
    assert cluster.store_used() >= 20 * 500 * KB
    refs = [next(generator) for _ in range(2)]
    del generator
    wait_until(lambda: cluster.store_used() < 3 * 500 * KB, "those not taken are freed", 5.0)
    assert [gnomon.get(ref)[0] for ref in refs] == [0, 1]


def test_large_items_larger_than_the_store_pass_through_it(start_cluster: Callable[..., Cluster]) -> None:
    start_cluster(object_store_memory=16 * KB * KB)

    @gnomon.remote(_generator_backpressure_num_objects=2)
    def blocks(n: int) -> Iterator[bytes]:
        for i in range(n):
            yield bytes([i]) * (2 * KB * KB)

    for expected, ref in enumerate(blocks.remote(20)):
        assert gnomon.get(ref)[:1] == bytes([expected])
        del ref


def test_references_in_items_live_as_long_as_the_items(cluster: Cluster) -> None:
    @gnomon.remote
    def nested(n: int) -> Iterator[list[Any]]:
        for i in range(n):
            yield [gnomon.put({"number": i}), gnomon.put(bytes([i]) * (200 * KB))]

    generator = nested.remote(10)
    gnomon.get(generator.completed(), timeout=20)
    first = gnomon.get(next(generator))
    del generator
    gc.collect()
    assert gnomon.get(first[0]) == {"number": 0}
    assert gnomon.get(first[1]) == bytes(200 * KB)


def test_a_worker_killed_between_large_items_leaves_no_block(cluster: Cluster, journal: Journal) -> None:
    @gnomon.remote
    def blocks(journal: Journal, n: int) -> Iterator[bytes]:
        journal.add(f"pid-{os.getpid()}")
        first = len(journal.read()) == 1
        for i in range(n):
            if first and i == 6:
                journal.add("paused")
                threading.Event().wait(600)
            yield bytes([i]) * (500 * KB)

    generator = blocks.remote(journal, 12)
    taken = [gnomon.get(next(generator))[0] for _ in range(3)]
    paused(journal)
    kill_process(pid_of(journal))
    assert taken + [gnomon.get(ref, timeout=20)[0] for ref in generator] == list(range(12))


def test_items_of_a_generator_in_a_worker_reach_the_driver(cluster: Cluster) -> None:
    @gnomon.remote
    def numbers(n: int) -> Iterator[int]:
        yield from range(n)

    @gnomon.remote
    def collect(n: int) -> list[Any]:
        return list(numbers.remote(n))

    refs = gnomon.get(collect.remote(50), timeout=20)
    assert gnomon.get(refs, timeout=20) == list(range(50))


# -- the session -----------------------------------------------------------------------------------------------------


def test_after_shutdown_a_generator_says_so(start_cluster: Callable[..., Cluster], journal: Journal) -> None:
    start_cluster()
    generator = produce.remote(journal)
    next(generator)
    gnomon.shutdown()
    for use in (generator.__next__, generator.is_finished, generator.completed):
        with pytest.raises(NotInitializedError, match="shut down"):
            use()
    generator.close()


def test_shutdown_wakes_whoever_waits_for_an_item(
    start_cluster: Callable[..., Cluster], journal: Journal
) -> None:
    start_cluster()
    generator = pausing.remote(journal, 0, 1)
    raised: list[BaseException] = []

    def take() -> None:
        try:
            next(generator)
        except Exception as error:
            raised.append(error)

    thread = threading.Thread(target=take)
    thread.start()
    paused(journal)
    gnomon.shutdown()
    thread.join(10)
    assert [type(error) for error in raised] == [NotInitializedError]


def test_a_wait_for_an_item_is_reported(cluster: Cluster, tmp_path: Path) -> None:
    @gnomon.remote
    def gated(path: str) -> Iterator[str]:
        wait_until(Path(path).exists, path, 60.0)
        yield "through"

    path = tmp_path / "go"
    reports: list[Any] = []

    def observe(report: Any) -> None:
        reports.append(report)
        path.touch()

    hooks.set_wait_observer(observe)
    try:
        assert gnomon.get(next(gated.remote(str(path)))) == "through"
    finally:
        hooks.set_wait_observer(None)
    assert (reports[0].ready, reports[0].total, reports[0].finished) == (0, 1, False)
    assert (reports[-1].ready, reports[-1].finished) == (1, True)


def test_close_in_another_thread_ends_a_wait(cluster: Cluster, journal: Journal) -> None:
    generator = pausing.remote(journal, 1, 2)
    taken: list[Any] = []
    thread = threading.Thread(target=lambda: taken.extend(gnomon.get(list(generator))))
    thread.start()
    stream = cluster.role.streams.streams[task_of(generator._id)]
    wait_until(lambda: stream.taken == 1, "the thread has taken the first item")
    wait_until(lambda: cluster.role.references._waits, "the thread waits for the second item")
    generator.close()
    thread.join(10)
    assert taken == [0]
