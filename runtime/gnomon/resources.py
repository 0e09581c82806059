"""Resource amounts as exact integers: 1 CPU is 10,000 units, so that sums never drift.

A :data:`Resources` maps a resource's name to a positive amount in units. The names ``CPU``, ``GPU`` and
``memory`` are the field's; any other name is the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping

Resources = dict[str, int]

UNITS = 10_000
"""Units in one whole resource; Ray resolves 1/10,000 of a resource too."""


_IN_BYTES = frozenset({"memory", "object_store_memory"})


def to_units(amounts: Mapping[str, float]) -> Resources:
    """Whole amounts (``{"CPU": 0.5}``) as units; zero amounts vanish."""
    return {name: round(amount * UNITS) for name, amount in amounts.items() if round(amount * UNITS) > 0}


def to_amounts(resources: Mapping[str, int]) -> dict[str, float]:
    """Units as the whole amounts that users read."""
    return {name: units / UNITS for name, units in resources.items()}


def fits(asked: Mapping[str, int], available: Mapping[str, int]) -> bool:
    """Whether ``available`` holds at least ``asked`` of everything."""
    return all(available.get(name, 0) >= units for name, units in asked.items())


def add(into: Resources, amounts: Mapping[str, int]) -> None:
    """Add ``amounts`` to ``into``."""
    for name, units in amounts.items():
        into[name] = into.get(name, 0) + units


def subtract(outof: Resources, amounts: Mapping[str, int]) -> None:
    """Take ``amounts`` out of ``outof``; may not go below zero."""
    for name, units in amounts.items():
        left = outof.get(name, 0) - units
        if left < 0:
            raise ValueError(f"{name} would fall to {left / UNITS:g}")
        outof[name] = left


def gigabytes(size_bytes: int) -> str:
    """A size for people, in powers of 1,000 as everywhere: ``15.2 GB``, ``300 MB``, ``12 kB``."""
    for unit, factor in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if size_bytes >= factor:
            amount = size_bytes / factor
            return f"{amount:.1f} {unit}" if amount < 100 and factor > 10**6 else f"{amount:.0f} {unit}"
    return f"{size_bytes} bytes"


def describe(resources: Mapping[str, int]) -> str:
    """``{"CPU": 20000}`` as ``2 CPU``, for sentences; amounts of memory as ``2.0 GB memory``."""
    if not resources:
        return "nothing"
    return ", ".join(_amount(name, units) for name, units in sorted(resources.items()))


def _amount(name: str, units: int) -> str:
    if name in _IN_BYTES:
        return f"{gigabytes(units // UNITS)} {name}"
    return f"{units / UNITS:g} {name}"
