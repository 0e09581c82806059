"""A large argument by value, again and again: each call copies it into the store anew."""

from __future__ import annotations

from gnomon.observe.coach.hints import ARGUMENT, Hint, count
from gnomon.resources import size_words

TIMES_MIN = 3
COPIED_MIN_BYTES = 32_000_000
"""Copies in all but the first, which is needed: less is not worth anybody's attention."""


def large_argument(key: tuple[str, str, int, str], size_bytes: int, times: int) -> Hint | None:
    """The hint for a line that has passed an argument of this size so many times.

    Args:
        key: cell, label, line and function, as in ``Ledger.repeated``.
        size_bytes: of the argument.
        times: that it was passed.
    """
    if times < TIMES_MIN or size_bytes * (times - 1) < COPIED_MIN_BYTES:
        return None
    cell, label, line, name = key
    return Hint(
        ARGUMENT,
        cell,
        label,
        line,
        f"{name} was given the same argument of {size_words(size_bytes)} by value {count(times, 'time')}, which copied "
        f"{size_words(size_bytes * times)} into the store.",
        "Store it once with ref = gnomon.put(data), and pass ref instead.",
    )
