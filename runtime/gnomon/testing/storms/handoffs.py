"""refs: references handed on, hop by hop, through tasks, actors and containers, while those who hold them die.

A chain begins with an object of the driver's, which lets go of it at once: from then on it lives because somebody
further down holds it. Each hop hands on and forgets; actors keep what passes through them for a while. At the end
stands whoever reads the object and answers with its number, in a result inside a result. What the driver has put
is never lost, whoever dies: an object that is not there when it is read was freed too early. What a killed process
has owned (containers, and results not yet made) is lost with it, and each loss has its kill.
"""

from __future__ import annotations

import random
from collections import deque
from typing import Any

import gnomon
from gnomon.exceptions import ObjectFreedError, OwnerDiedError
from gnomon.testing.observed_session import ObservedSession
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import storm_session
from gnomon.testing.storms.striker import Striker

CPUS = 4
PERIOD_S = 0.2
"""Between two kills."""

HOPS = 5
WAVE = 25
"""Chains that are begun at a time."""

RELAYS = 3
KEPT = 30
"""What passes through an actor it keeps until so many others have come."""

LARGE_BYTES = 150_000
"""Every other object lies in the store."""

WAYS = ("task", "actor", "container", "result")


def _hand_on(box: Any, ways: list[str], relays: list[Any]) -> Any:
    """One hop: returns a reference to what the rest of the chain makes, in a list, or the number at its end."""
    if not ways:
        return _read(box)
    way, rest = ways[0], ways[1:]
    if way == "container":
        return [_hop.remote([gnomon.put(box)], rest, relays)]
    if way == "actor":
        return [relays[len(rest) % len(relays)].pass_on.remote(box, rest, relays)]
    if way == "result":
        return [_hop.remote(_give.remote(box), rest, relays)]
    return [_hop.remote(box, rest, relays)]


def _read(box: Any) -> int:
    """The number of the object, however deep it lies."""
    while not isinstance(box, bytes):
        box = gnomon.get(box) if isinstance(box, gnomon.ObjectRef) else box[0]
    return int.from_bytes(box[:8], "big")


@gnomon.remote(max_retries=-1)
def _hop(box: Any, ways: list[str], relays: list[Any]) -> Any:
    return _hand_on(box, ways, relays)


@gnomon.remote(max_retries=-1)
def _give(box: Any) -> Any:
    return box


class _Relay:
    def __init__(self) -> None:
        self._kept: deque[Any] = deque(maxlen=KEPT)

    def pass_on(self, box: Any, ways: list[str], relays: list[Any]) -> Any:
        self._kept.append(box)
        return [_hop.remote(self._kept[0] if not ways else box, ways, relays)]

    def read_kept(self) -> list[str]:
        """What is wrong with what it keeps."""
        return [wrong for box in self._kept if (wrong := _wrong_with(box))]

    def drop(self) -> None:
        self._kept.clear()


_RELAY: Any = gnomon.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Relay)


def _wrong_with(box: Any) -> str:
    try:
        _read(box)
    except OwnerDiedError:
        return ""
    except ObjectFreedError as error:
        return f"freed too early: {error}"
    return ""


def run(report: Report, seed: int, handoffs: int, kills: int) -> None:
    """See the module; no object is freed early, and none is left."""
    chooser = random.Random(seed)
    with storm_session(report, num_cpus=CPUS, object_store_memory=256 * 2**20) as session:
        relays = [_RELAY.remote() for _ in range(RELAYS)]
        begun = lost = 0
        with Striker(session.config.session, lambda: _victims(session, chooser), seed, PERIOD_S) as striker:
            while (begun * HOPS < handoffs or not striker.has_struck(kills)) and not report.is_late():
                chains = range(begun, begun + WAVE)
                begun += WAVE
                lost += _check(report, {number: _begin(number, chooser, relays) for number in chains}, begun)
                report.progress(f"{begun * HOPS} hand-offs, {len(striker.hits)} kills, {lost} lost")
        kept = gnomon.get([relay.read_kept.remote() for relay in relays], timeout=report.left_s())
        for wrong in sum(kept, []):
            report.fault(wrong)
        report.facts = {
            "hand-offs": begun * HOPS,
            "kills": len(striker.hits),
            "chains lost with an owner": lost,
        }
        report.expect(
            lost <= len(striker.hits) * WAVE, f"{lost} chains are lost with {len(striker.hits)} kills"
        )
        gnomon.get([relay.drop.remote() for relay in relays], timeout=report.left_s())
        relays.clear()


def _victims(session: ObservedSession, chooser: random.Random) -> list[int]:
    """Mostly whoever runs the driver's tasks; often any worker, also an actor's."""
    return session.leased_pids() if chooser.random() < 0.6 else sorted(session.worker_pids())


def _begin(number: int, chooser: random.Random, relays: list[Any]) -> Any:
    """Begin a chain; its object is held by nobody here."""
    value = number.to_bytes(8, "big") + bytes(LARGE_BYTES * (number % 2))
    ways = [chooser.choice(WAYS) for _ in range(HOPS - 1)]
    return _hop.remote([gnomon.put(value)], ways, relays)


def _check(report: Report, chains: dict[int, Any], begun: int) -> int:
    """Each chain ends with its number, or an earlier one's that an actor had kept; returns how many are lost."""
    lost = 0
    for number in list(chains):
        value: Any = [chains.pop(number)]
        try:
            while isinstance(value, list):
                value = gnomon.get(value[0], timeout=report.left_s())
        except OwnerDiedError:
            lost += 1
        except ObjectFreedError as error:
            report.fault(f"chain {number}: freed too early: {error}")
        else:
            report.expect(0 <= value < begun, f"chain {number} ends with {value}")
    return lost
