"""refs: references handed on, hop by hop, through tasks, actors and containers, while those who hold them die.

A chain begins with an object of the driver's, which lets go of it at once: from then on it lives because somebody
further down holds it. Each hop hands on and forgets; actors keep what passes through them for a while. At the end
stands whoever reads the object and answers with its number, in a result inside a result. What the driver has put
is never lost, whoever dies: an object that is not there when it is read was freed too early. What a killed process
has owned (containers, and results not yet made) is lost with it. Each loss names that owner, and each process notes who
it is and for whom it runs a task: whoever is said to be dead was killed, or ran something for one that was.
"""

from __future__ import annotations

import os
import random
import tempfile
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gnomon
from gnomon.exceptions import ObjectFreedError, OwnerDiedError
from gnomon.ids import WORKER_ID_BYTES, ObjectID, owner_of
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


@dataclass(frozen=True)
class Cast:
    """Who takes part.

    Attributes:
        relays: actors that hand on.
        notes: a directory in which each process writes, into a file with its id as name, its pid and for whom it has
            begun a task, line by line.
    """

    relays: list[Any]
    notes: str

    def note(self, is_actor: bool = False) -> None:
        """Written by the calling process. The node ends whoever runs a task for the dead, but no actor."""
        context = gnomon.get_runtime_context()
        submitter = "nobody" if is_actor else (context.get_task_id() or "")[: 2 * WORKER_ID_BYTES]
        with open(Path(self.notes, context.get_worker_id()), "a") as file:
            file.write(f"{os.getpid()} {submitter}\n")


def _hand_on(box: Any, ways: list[str], cast: Cast) -> Any:
    """One hop: returns a reference to what the rest of the chain makes, in a list, or the number at its end."""
    if not ways:
        return _read(box)
    way, rest, relays = ways[0], ways[1:], cast.relays
    if way == "container":
        return [_hop.remote([gnomon.put(box)], rest, cast)]
    if way == "actor":
        return [relays[len(rest) % len(relays)].pass_on.remote(box, rest, cast)]
    if way == "result":
        return [_hop.remote(_give.remote(box, cast), rest, cast)]
    return [_hop.remote(box, rest, cast)]


def _read(box: Any) -> int:
    """The number of the object, however deep it lies."""
    while not isinstance(box, bytes):
        box = gnomon.get(box) if isinstance(box, gnomon.ObjectRef) else box[0]
    return int.from_bytes(box[:8], "big")


@gnomon.remote(max_retries=-1)
def _hop(box: Any, ways: list[str], cast: Cast) -> Any:
    cast.note()
    return _hand_on(box, ways, cast)


@gnomon.remote(max_retries=-1)
def _give(box: Any, cast: Cast) -> Any:
    cast.note()
    return box


class _Relay:
    def __init__(self) -> None:
        self._kept: deque[Any] = deque(maxlen=KEPT)

    def pass_on(self, box: Any, ways: list[str], cast: Cast) -> Any:
        cast.note(is_actor=True)
        self._kept.append(box)
        return [_hop.remote(self._kept[0] if not ways else box, ways, cast)]

    def read_kept(self) -> tuple[list[str], list[str]]:
        """What is wrong with what it keeps, and whose objects among it are lost with them."""
        wrong, owners = [], []
        for box in self._kept:
            try:
                _read(box)
            except OwnerDiedError as error:
                owners.append(owner_of_lost(error))
            except ObjectFreedError as error:
                wrong.append(f"freed too early: {error}")
        return wrong, owners

    def drop(self) -> None:
        self._kept.clear()


_RELAY: Any = gnomon.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Relay)


def owner_of_lost(error: BaseException) -> str:
    """The id of the process with which an object was lost, in hexadecimal; the error may be a task's that read it."""
    while not hasattr(error, "object_ref_hex"):
        error = error.cause  # type: ignore[attr-defined]
    return owner_of(ObjectID(bytes.fromhex(error.object_ref_hex))).hex()


def run(report: Report, seed: int, handoffs: int, kills: int) -> None:
    """See the module; no object is freed early, and none is left."""
    chooser = random.Random(seed)
    with (
        tempfile.TemporaryDirectory(prefix="gnomon-storm-") as notes,
        storm_session(report, num_cpus=CPUS, object_store_memory=256 * 2**20) as session,
    ):
        cast = Cast([_RELAY.remote() for _ in range(RELAYS)], notes)
        begun = 0
        owners: list[str] = []
        with Striker(session.config.session, lambda: _victims(session, chooser), seed, PERIOD_S) as striker:
            while (begun * HOPS < handoffs or not striker.has_struck(kills)) and not report.is_late():
                chains = range(begun, begun + WAVE)
                begun += WAVE
                owners += _check(report, {number: _begin(number, chooser, cast) for number in chains}, begun)
                report.progress(f"{begun * HOPS} hand-offs, {len(striker.hits)} kills, {len(owners)} lost")
        lost = len(owners)
        for wrong, more in gnomon.get(
            [relay.read_kept.remote() for relay in cast.relays], timeout=report.left_s()
        ):
            owners += more
            for each in wrong:
                report.fault(each)
        check_owners(report, owners, _read_notes(notes), striker.hits)
        report.facts = {
            "hand-offs": begun * HOPS,
            "kills": len(striker.hits),
            "chains lost with an owner": lost,
        }
        gnomon.get([relay.drop.remote() for relay in cast.relays], timeout=report.left_s())
        cast.relays.clear()


def _read_notes(folder: str) -> dict[str, tuple[int, str]]:
    """By process, its pid and for whom it has begun its last task. A kill may have cut the last line short."""
    found = {}
    for note in Path(folder).iterdir():
        lines = note.read_text().split("\n")[:-1]
        if lines:
            pid, submitter = lines[-1].split()
            found[note.name] = (int(pid), submitter)
    return found


def check_owners(
    report: Report, owners: list[str], processes: dict[str, tuple[int, str]], hits: list[int]
) -> None:
    """Each process with which something was lost was killed, or ran something for one that is dead.

    Args:
        report: takes the faults.
        owners: ids of those that are said to be dead.
        processes: the pid of each that has handed on, and for whom it has begun its last task.
        hits: the pids that were killed.
    """
    for owner in dict.fromkeys(owners):
        process, seen = owner, dict.fromkeys([owner])
        while (found := processes.get(process, (0, "")))[0] not in hits and found[1] not in seen:
            process = found[1]
            seen[process] = None
        lost, pid = owners.count(owner), processes.get(owner, (0, ""))[0]
        report.expect(
            found[0] in hits, f"{lost} objects are lost with process {owner} (pid {pid}), which nobody killed"
        )


def _victims(session: ObservedSession, chooser: random.Random) -> list[int]:
    """Mostly whoever runs the driver's tasks; often any worker, also an actor's."""
    return session.leased_pids() if chooser.random() < 0.6 else sorted(session.worker_pids())


def _begin(number: int, chooser: random.Random, cast: Cast) -> Any:
    """Begin a chain; its object is held by nobody here."""
    value = number.to_bytes(8, "big") + bytes(LARGE_BYTES * (number % 2))
    ways = [chooser.choice(WAYS) for _ in range(HOPS - 1)]
    return _hop.remote([gnomon.put(value)], ways, cast)


def _check(report: Report, chains: dict[int, Any], begun: int) -> list[str]:
    """Each chain ends with its number, or an earlier one's that an actor had kept; returns with whom others were lost."""
    owners = []
    for number in list(chains):
        value: Any = [chains.pop(number)]
        try:
            while isinstance(value, list):
                value = gnomon.get(value[0], timeout=report.left_s())
        except OwnerDiedError as error:
            owners.append(owner_of_lost(error))
        except ObjectFreedError as error:
            report.fault(f"chain {number}: freed too early: {error}")
        else:
            report.expect(0 <= value < begun, f"chain {number} ends with {value}")
    return owners
