"""store-pressure: many times the store flows through it, from drivers and tasks, kept, read again and dropped at
random; every value is what it was made.
"""

from __future__ import annotations

import random
import zlib
from typing import Any

import gnomon
from gnomon.testing.storms.report import Report
from gnomon.testing.storms.session import storm_session

MIB = 2**20

CPUS = 4

LIVE_SHARE = 2
"""Values are kept until they are together so many times the store."""

SIZES_MIB = (0.25, 1, 1, 4, 4, 10, 20)


@gnomon.remote
def _make(number: int, size: int) -> bytes:
    return content(number, size)


@gnomon.remote
def _check(value: bytes) -> int:
    return zlib.crc32(value)


def content(number: int, size: int) -> bytes:
    """The value ``number``, like no other: a pattern of some length, repeated."""
    pattern = random.Random(number).randbytes(4_093)
    return (pattern * (size // len(pattern) + 1))[:size]


def run(report: Report, seed: int, mib: int, store_mib: int) -> None:
    """See the module; ``mib`` flow through a store of ``store_mib``."""
    chooser = random.Random(seed)
    live: dict[int, tuple[Any, int]] = {}
    made = kept = checked = 0
    with storm_session(report, num_cpus=CPUS, object_store_memory=store_mib * MIB):
        number = 0
        while made < mib * MIB and not report.is_late():
            number += 1
            size = min(int(chooser.choice(SIZES_MIB) * MIB), store_mib * MIB // 4)
            here = chooser.random() < 0.5
            live[number] = (gnomon.put(content(number, size)) if here else _make.remote(number, size)), size
            made += size
            kept += size
            while kept > LIVE_SHARE * store_mib * MIB:
                victim = chooser.choice(list(live))
                checked += _look(report, victim, live[victim][0], live[victim][1], chooser.random() < 0.5)
                kept -= live.pop(victim)[1]
            report.progress(f"{made // MIB} MiB made, {checked} values checked")
        for left in list(live):
            checked += _look(report, left, *live.pop(left), True)
        report.facts = {"mib": made // MIB, "values": number, "checked": checked}


def _look(report: Report, number: int, ref: Any, size: int, here: bool) -> int:
    expected = zlib.crc32(content(number, size))
    found = zlib.crc32(gnomon.get(ref)) if here else gnomon.get(_check.remote(ref), timeout=report.left_s())
    report.expect(found == expected, f"value {number} of {size} bytes is not what was made")
    return 1
