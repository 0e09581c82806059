"""ResourceAccount: what a node has, in exact integers, and who holds it.

A blocked worker gives its CPU back and takes it again when it goes on, even if somebody else has it by then:
that is the *debt*, and while there is any, nothing new is granted. LR1: total + debt = available + held, all
>= 0.
"""

from __future__ import annotations

from collections.abc import Mapping

from gnomon.resources import Resources, fits


class ResourceAccount:
    """The resources of one node, in units."""

    def __init__(self, total: Mapping[str, int]) -> None:
        self.total: Resources = dict(total)
        self.available: Resources = dict(total)
        self.debt: Resources = {}
        self.held: Resources = {}

    def feasible(self, asked: Mapping[str, int]) -> bool:
        """Whether the node has so much when idle."""
        return fits(asked, self.total)

    def can_take(self, asked: Mapping[str, int]) -> bool:
        """Whether it is free now."""
        return fits(asked, self.available)

    def take(self, asked: Mapping[str, int]) -> None:
        """Take what is free; what is not becomes debt."""
        for name, units in asked.items():
            free = self.available.get(name, 0)
            self.held[name] = self.held.get(name, 0) + units
            if units <= free:
                self.available[name] = free - units
            else:
                self.available[name] = 0
                self.debt[name] = self.debt.get(name, 0) + units - free

    def give(self, held: Mapping[str, int]) -> None:
        """Give back; debts are paid first."""
        for name, units in held.items():
            self.held[name] -= units
            owed = self.debt.get(name, 0)
            paid = min(owed, units)
            if owed:
                self.debt[name] = owed - paid
            self.available[name] = self.available.get(name, 0) + units - paid

    def check(self) -> None:
        """LR1."""
        for name in {**self.total, **self.held}:
            total, available = self.total.get(name, 0), self.available.get(name, 0)
            debt, held = self.debt.get(name, 0), self.held.get(name, 0)
            assert min(available, debt, held) >= 0, (name, available, debt, held)
            assert total + debt == available + held, (name, total, debt, available, held)
            assert not (debt and available), (name, debt, available)
