"""What must hold of a process's references after every event, as far as that process alone can see it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gnomon._core.references import ReferenceMachine


def check_references(references: ReferenceMachine) -> None:
    """OR1, OR7, OR10."""
    for identity, entry in references.entries.items():
        assert entry.holds >= 0, (identity.hex(), entry.holds)
        assert entry.is_needed or entry.lineage > 0, f"{identity.hex()} is kept by nobody"
        assert not (entry.lost is not None and identity in references.values), (
            f"{identity.hex()} is lost and here"
        )
        for inner in entry.inner:
            assert inner in references.entries, f"{identity.hex()} contains {inner.hex()}, which was freed"
    for identity in references.values:
        assert identity in references.entries, f"value of {identity.hex()} outlives its references"
    for _, identity in references.block_use.here:
        assert identity in references.entries, f"{identity.hex()} has no block any more"
