"""node-kills: whole nodes are killed and replaced while random graphs of tasks run; all values are as in a sequential run.

The driver is on the first node, which lives. It submits all tasks and owns their results, so that nothing may be lost
with a node: what ran there runs elsewhere, and large values of which no other node has a copy are made again. Without
``rebuilt`` these may be lost, and what is made of them.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import gnomon
from gnomon.cluster_utils import Cluster
from gnomon.exceptions import ObjectFreedError, ObjectLostError, OwnerDiedError
from gnomon.testing.observed_session import ObservedSession
from gnomon.testing.processes import GONE_S, expect_gone
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import ZERO_CHECK_S, told
from gnomon.testing.storms.striker import Mischief
from gnomon.testing.zero_check import nothing_is_left

NODES = 2
"""Beside the first."""

NODE: dict[str, Any] = {"num_cpus": 2, "object_store_memory": 128 * 2**20}

PERIOD_S = 0.5
"""Between the replacement of one node and the death of the next, at most."""

WAVE = 250
"""Tasks of one graph."""

ARGUMENTS_MAX = 3

LARGE_BYTES = 300_000

MODULUS = 2**61 - 1


class _Node(NamedTuple):
    """One task of a graph: its arguments are results of earlier ones."""

    arguments: tuple[int, ...]
    large: bool
    spread: bool


def _mix(number: int, values: tuple[int, ...]) -> int:
    """What a task makes of its arguments, whose order matters."""
    for value in values:
        number = (number * 31 + value) % MODULUS
    return number


def _unpack(value: Any) -> int:
    return int.from_bytes(value[:8], "big") if isinstance(value, bytes) else int(value)


@gnomon.remote(max_retries=-1)
def _make(number: int, large: bool, *values: Any) -> Any:
    made = _mix(number, tuple(map(_unpack, values)))
    return made.to_bytes(8, "big") + bytes(LARGE_BYTES) if large else made


def run(report: Report, seed: int, tasks: int, kills: int, large_per_cent: int, rebuilt: int) -> None:
    """See the module."""
    chooser = random.Random(seed)
    submitted = lost = 0
    with _cluster(report) as cluster, _Replacer(cluster, seed) as replacer:
        while (submitted < tasks or replacer.kills < kills) and not report.is_late():
            replacer.check()
            graph = _make_graph(chooser, large_per_cent)
            lost += _run_graph(report, chooser, graph)
            submitted += len(graph)
            report.progress(f"{submitted} tasks, {replacer.kills} nodes killed, {lost} values lost")
        report.facts = {"tasks": submitted, "nodes killed": replacer.kills, "lost": lost}
        if rebuilt:
            report.expect(not lost, f"{lost} values are lost although their tasks can be repeated")


def _make_graph(chooser: random.Random, large_per_cent: int) -> list[_Node]:
    """Tasks in an order in which they can run; most take what was made lately."""
    graph: list[_Node] = []
    for number in range(WAVE):
        count = chooser.randint(0, min(ARGUMENTS_MAX, number))
        arguments = tuple(max(0, number - 1 - int(chooser.expovariate(0.1))) for _ in range(count))
        graph.append(_Node(arguments, chooser.random() * 100 < large_per_cent, chooser.random() < 0.5))
    return graph


def _run_graph(report: Report, chooser: random.Random, graph: list[_Node]) -> int:
    """Run it, compare every value; returns how many are lost."""
    salt = chooser.randrange(MODULUS)
    refs: list[Any] = []
    expected: list[int] = []
    mortal: list[bool] = []
    for number, node in enumerate(graph):
        function = _make.options(scheduling_strategy="SPREAD" if node.spread else "DEFAULT")
        refs.append(function.remote(salt + number, node.large, *(refs[each] for each in node.arguments)))
        expected.append(_mix(salt + number, tuple(expected[each] for each in node.arguments)))
        mortal.append(node.large or any(mortal[each] for each in node.arguments))
    lost = 0
    for number, ref in enumerate(refs):
        try:
            found = _unpack(gnomon.get(ref, timeout=report.left_s()))
        except ObjectLostError as error:
            lost += 1
            early = isinstance(error, ObjectFreedError | OwnerDiedError)
            report.expect(mortal[number] and not early, f"task {number}: {error}")
        else:
            report.expect(found == expected[number], f"task {number} has the value {found}")
    return lost


@contextmanager
def _cluster(report: Report) -> Iterator[Cluster]:
    """A cluster that this process has joined; what is wrong at its end is told to ``report``."""
    with told(report), nothing_is_left(limit_s=GONE_S):
        cluster = Cluster(initialize_head=True, head_node_args=NODE)
        try:
            for _ in range(NODES):
                cluster.add_node(**NODE)
            gnomon.init(address=cluster.address, log_to_driver=False)
            session = ObservedSession()
            with told(report):
                yield cluster
            with told(report):
                session.expect_nothing_held(ZERO_CHECK_S)
            config = session.config
            del session
        finally:
            gnomon.shutdown()
            cluster.shutdown()
        expect_gone(config.session, config.directory, limit_s=GONE_S)


class _Replacer(Mischief):
    """Kills a node and starts another.

    Attributes:
        kills: nodes killed and replaced.
    """

    def __init__(self, cluster: Cluster, seed: int) -> None:
        chooser = random.Random(seed)
        super().__init__("gnomon-replacer", self._replace, lambda: chooser.uniform(0.0, PERIOD_S))
        self.kills = 0
        self._cluster = cluster
        self._chooser = chooser

    def _replace(self) -> None:
        self._cluster.remove_node(self._chooser.choice(self._cluster.worker_nodes), allow_graceful=False)
        self._cluster.add_node(**NODE)
        self.kills += 1
