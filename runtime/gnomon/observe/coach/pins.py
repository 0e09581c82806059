"""Outputs that keep large objects which nothing else uses."""

from __future__ import annotations

import re
from collections.abc import Iterable

from gnomon._engine.memory import MemoryRow
from gnomon.observe.coach.hints import PINNED, Hint, count
from gnomon.resources import size_words

PINNED_MIN_BYTES = 50_000_000
STORE_SHARE = 0.1
"""Of the store that outputs must keep to be worth a hint."""

_NUMBERED = re.compile(r"Out\[(\d+)\]")
_PASSING = frozenset({"handle", "transit", "process"})
"""Kinds of holders that come and go, and that a search by name can not tell more of."""


def pinned_outputs(rows: Iterable[MemoryRow], capacity_bytes: int, newest: int) -> list[Hint]:
    """The hints for outputs that alone keep large objects.

    Either look at what this process knows, and then at those that it finds everywhere: another may use one of them.

    Args:
        rows: what there is, with its holders.
        capacity_bytes: of the store.
        newest: number of the cell that has just ended: it and the one before are being looked at.
    """
    kept: dict[int, list[int]] = {}
    for row in rows:
        numbers = {_output(holder.name) for holder in row.holders if holder.kind not in _PASSING}
        number = numbers.pop() if len(numbers) == 1 else None
        if row.size_bytes and number is not None and number < newest - 1:
            kept.setdefault(number, []).append(row.size_bytes)
    hints = []
    for number, sizes in sorted(kept.items()):
        total = sum(sizes)
        if total < max(PINNED_MIN_BYTES, STORE_SHARE * capacity_bytes):
            continue
        share = f", {100 * total / capacity_bytes:.0f} % of the store" if capacity_bytes else ""
        hints.append(
            Hint(
                PINNED,
                f"Out[{number}]",
                f"In [{number}]",
                0,
                f"its output, Out[{number}], keeps {count(len(sizes), 'object')} of {size_words(total)} that nothing else "
                f"uses{share}.",
                f"Let go of it with %remote unpin {number}.",
            )
        )
    return hints


def _output(name: str) -> int | None:
    match = _NUMBERED.match(name)
    return int(match[1]) if match is not None else None
