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


def size_words(size_bytes: float) -> str:
    """A size for people, in powers of 1,000: ``15.2 GB``, ``300 MB``, ``2 kB``. Everything that tells a size in words does it
    by this, and the views (``formatBytes``) by the same rule.
    """
    value = max(0.0, float(size_bytes))
    units = ("B", "kB", "MB", "GB", "TB", "PB")
    place = 0
    while value >= _NEARLY_THOUSAND and place < len(units) - 1:
        value /= 1000
        place += 1
    whole = place == 0 or value >= 100 or value == int(value)
    return f"{value:.0f} {units[place]}" if whole else f"{value:.1f} {units[place]}"


_NEARLY_THOUSAND = 999.5  # would be told as 1000
"""What would be rounded to 1000.0 is told in the next unit."""


def describe(resources: Mapping[str, int]) -> str:
    """``{"CPU": 20000}`` as ``2 CPU``, for sentences; amounts of memory as ``2.0 GB memory``."""
    if not resources:
        return "nothing"
    return ", ".join(_amount(name, units) for name, units in sorted(resources.items()))


def _amount(name: str, units: int) -> str:
    if name in _IN_BYTES:
        return f"{size_words(units // UNITS)} {name}"
    return f"{units / UNITS:g} {name}"
