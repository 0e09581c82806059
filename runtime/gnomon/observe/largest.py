"""Which objects a view lists: the largest ones, kept up to date from batches of changed keys.

A session may hold hundreds of thousands of small objects; a table of them helps nobody and would cost more
than the work itself. So a batch costs one dictionary look-up a key, and the whole set is searched again only
after many of the listed objects have gone.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from typing import Any

OBJECTS_LISTED_MAX = 500

_BATCHES_BETWEEN_SEARCHES = 10
"""At five batches a second, the whole set is searched at most every 2 s."""


class LargestObjects:
    """The keys of the ``limit`` largest objects, roughly.

    Attributes:
        sizes: size in bytes by key, of the listed objects.
    """

    def __init__(self, limit: int = OBJECTS_LISTED_MAX) -> None:
        self.sizes: dict[str, int] = {}
        self._limit = limit
        self._floor_bytes = 0
        self._batches_since_search = 0

    def search(self, objects: Mapping[str, list[Any]]) -> set[str]:
        """Choose anew among all objects; returns the keys that came or went."""
        before = set(self.sizes)
        self._batches_since_search = 0
        self._keep_largest((row[0], key) for key, row in objects.items())
        return before ^ set(self.sizes)

    def update(self, keys: Iterable[str], objects: Mapping[str, list[Any]]) -> set[str]:
        """Take in changed keys; returns those that readers must be told of (changed, new or gone)."""
        told: set[str] = set()
        larger: list[tuple[int, str]] = []
        sizes = self.sizes
        for key in keys:
            row = objects.get(key)
            if row is None:
                if sizes.pop(key, None) is not None:
                    told.add(key)
            elif key in sizes:
                sizes[key] = row[0]
                told.add(key)
            elif len(sizes) < self._limit:
                sizes[key] = row[0]
                told.add(key)
            elif row[0] > self._floor_bytes:
                larger.append((row[0], key))
        if larger:
            before = set(sizes)
            self._keep_largest([*((size, key) for key, size in sizes.items()), *larger])
            told |= before ^ set(self.sizes)
        return told

    def is_thin(self, objects: Mapping[str, list[Any]]) -> bool:
        """Whether a new search is due: many listed objects have gone, and there are others."""
        self._batches_since_search += 1
        if self._batches_since_search < _BATCHES_BETWEEN_SEARCHES or len(objects) <= len(self.sizes):
            return False
        return len(self.sizes) < self._limit // 2

    def _keep_largest(self, candidates: Iterable[tuple[int, str]]) -> None:
        kept = heapq.nlargest(self._limit, candidates)
        self.sizes = {key: size for size, key in kept}
        self._floor_bytes = kept[-1][0] if len(kept) == self._limit else 0
