"""Rich output of tasks on its way into a cell: read, bounded in number and size, updates joined.

No kernel and no clock here. A cell shows so many displays and no more, as a task in a loop would fill the
notebook's file; rewriting one in place (``display_id``) is not limited, since nothing grows by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from gnomon.resources import size_words

DISPLAYS_MAX = 100
"""Displays of one run of a cell."""

DISPLAYS_BYTES_MAX = 16 * 2**20
"""What they may have together, as JSON; a saved notebook keeps them all."""


@dataclass(slots=True)
class Shown:
    """A MIME bundle to show.

    Attributes:
        display_id: by which it can be rewritten; "" for none.
        update: rewrites one that is shown, here or in another cell.
    """

    data: dict[str, Any]
    metadata: dict[str, Any]
    display_id: str = ""
    update: bool = False


class Displays:
    """What the tasks of one run of a cell show."""

    def __init__(self) -> None:
        self._count = 0
        self._bytes = 0
        self._refused = 0

    def read(self, text: str) -> Iterator[Shown]:
        """Lines of ``DISPLAY_STREAM``; those beyond the limits are counted and left out."""
        for line in text.splitlines():
            found = json.loads(line)
            shown = Shown(found["data"], found["metadata"], found["display_id"], found["update"])
            if not shown.update:
                if self._count >= DISPLAYS_MAX or self._bytes + len(line) > DISPLAYS_BYTES_MAX:
                    self._refused += 1
                    continue
                self._count += 1
                self._bytes += len(line)
            yield shown

    def notice(self) -> list[str]:
        """A line on what was left out, if anything was."""
        if not self._refused:
            return []
        return [
            f"... {self._refused:,} more displays not shown: a cell shows {DISPLAYS_MAX}, "
            f"of {size_words(DISPLAYS_BYTES_MAX)} together"
        ]


def joined(waiting: list[Any], shown: Shown) -> bool:
    """Rewrite a display that has not been sent yet, if there is one of this id; whether there was."""
    for other in waiting:
        if isinstance(other, Shown) and shown.update and other.display_id == shown.display_id:
            other.data, other.metadata = shown.data, shown.metadata
            return True
    return False
