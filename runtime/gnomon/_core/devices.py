"""Devices: which GPU belongs to whom. The node's side; amounts are ``account``'s matter.

A lease that asks for less than one GPU shares one with others, the fullest that still has room (so that
whole ones stay whole as long as possible). One that asks for one or more gets whole ones, for itself alone.
LR6: what leases hold of a GPU never sums to more than the GPU.
"""

from __future__ import annotations

from collections.abc import Sequence

from gnomon.resources import UNITS

DeviceID = int | str
"""A GPU by its number; or as ``CUDA_VISIBLE_DEVICES`` named it when the cluster was started."""


class DeviceBook:
    """The GPUs of one node.

    Attributes:
        ids: their names.
        capacity: units of each; the last one may be a part, when ``num_gpus`` is no whole number.
        free: units that nobody holds, of each.
    """

    def __init__(self, units: int, ids: Sequence[DeviceID] = ()) -> None:
        count = -(-units // UNITS)
        self.ids: tuple[DeviceID, ...] = tuple(ids)[:count] or tuple(range(count))
        self.capacity = [min(UNITS, units - index * UNITS) for index in range(len(self.ids))]
        self.free = list(self.capacity)

    def feasible(self, units: int) -> bool:
        """Whether an idle node could give so much."""
        return self._find(units, self.capacity) is not None

    def fits(self, units: int) -> bool:
        """Whether it could give so much now."""
        return self._find(units, self.free) is not None

    def take(self, units: int) -> tuple[int, ...]:
        """Take what ``fits`` has found; returns the places of the GPUs in ``ids``."""
        places = self._find(units, self.free)
        assert places is not None, (units, self.free)
        for place in places:
            self.free[place] -= min(units, UNITS)
        return places

    def give(self, places: tuple[int, ...], units: int) -> None:
        """Give back what ``take`` has given."""
        for place in places:
            self.free[place] += min(units, UNITS)

    def named(self, places: tuple[int, ...]) -> tuple[DeviceID, ...]:
        """The ids of some GPUs."""
        return tuple(self.ids[place] for place in places)

    @staticmethod
    def _find(units: int, free: list[int]) -> tuple[int, ...] | None:
        if units < UNITS:
            fitting = [(left, place) for place, left in enumerate(free) if left >= units]
            return (min(fitting)[1],) if fitting else None
        whole = [place for place, left in enumerate(free) if left == UNITS]
        count, rest = divmod(units, UNITS)
        return tuple(whole[:count]) if not rest and count <= len(whole) else None

    def check(self) -> None:
        """LR6, as far as sums tell."""
        for free, capacity in zip(self.free, self.capacity, strict=True):
            assert 0 <= free <= capacity, (self.free, self.capacity)
