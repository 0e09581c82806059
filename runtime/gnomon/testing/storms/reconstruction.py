"""reconstruction: values are lost at random, at the end of long chains and all over wide graphs; all come back, and nothing
that is not needed for it runs again.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import Any

import gnomon
from gnomon.testing.losses import drop_object
from gnomon.testing.run_count import RunCount
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import scratch, storm_session

CPUS = 4
SIZE = 110_000
"""Of each value in bytes: just too large to travel in a message."""

LARGEST = 2**40
"""Sums of sums of sums grow fast; the remainder fits into the eight bytes of a number."""

WAVE = 200
"""Objects that live at a time in the wide part."""


@gnomon.remote(max_retries=-1)
def _make(number: int, count: RunCount, *parts: bytes) -> bytes:
    count.note(number)
    return _sum(_number(part) for part in parts).to_bytes(8, "big") * (SIZE // 8)


def _sum(parts: Iterable[int]) -> int:
    return sum(parts) % LARGEST + 1


def _number(data: bytes) -> int:
    return int.from_bytes(data[:8], "big")


def run(report: Report, seed: int, depth: int, objects: int, losses: int) -> None:
    """See the module; ``losses`` are those of the wide part."""
    chooser = random.Random(seed)
    with scratch() as folder, storm_session(report, num_cpus=CPUS):
        _long(report, RunCount(folder / "long"), depth)
        _wide(report, RunCount(folder / "wide"), chooser, objects, losses)


def _read(report: Report, ref: Any) -> int:
    return _number(gnomon.get(ref, timeout=report.left_s()))


def _long(report: Report, count: RunCount, depth: int) -> None:
    ref = _make.remote(0, count)
    for number in range(1, depth):
        ref = _make.remote(number, count, ref)
    report.expect(_read(report, ref) == depth, "the end of the chain is wrong")
    drop_object(ref)
    report.expect(_read(report, ref) == depth, "the end of the chain is wrong after its loss")
    runs = count.runs()
    wrong = [number for number in range(depth) if runs.get(number) != 2]
    report.expect(not wrong, f"tasks {wrong[:5]} of the chain have not run twice")
    report.facts["depth"] = depth


def _wide(report: Report, count: RunCount, chooser: random.Random, objects: int, losses: int) -> None:
    """Each is made from up to three of the last ones; some of those that are lost wait for others that are."""
    known: dict[int, tuple[Any, int]] = {}
    lost = 0
    for number in range(objects):
        parts = chooser.sample(sorted(known), min(len(known), chooser.randint(0, 3)))
        value = _sum(known[part][1] for part in parts)
        ref = _make.remote(number, count, *(known[part][0] for part in parts))
        known[number] = (ref, value)
        if len(known) > WAVE:
            del known[chooser.choice(sorted(known))]
        if lost * objects < losses * number:
            gnomon.wait([each for each, _ in known.values()], num_returns=len(known), timeout=report.left_s())
            for victim in chooser.sample(sorted(known), min(5, len(known))):
                drop_object(known[victim][0])
                lost += 1
            check = chooser.choice(sorted(known))
            report.expect(_read(report, known[check][0]) == known[check][1], f"object {check} is wrong")
            report.progress(f"{number} objects, {lost} losses")
        if report.is_late():
            break
    for number, (ref, value) in known.items():
        report.expect(_read(report, ref) == value, f"object {number} is wrong at the end")
    runs = count.runs()
    again = sum(runs.values()) - len(runs)
    report.expect(not lost or again > 0, "nothing has run again")
    report.facts |= {"objects": len(runs), "losses": lost, "runs again": again}
