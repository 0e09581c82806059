"""What a node hears about blocks, and which machine's it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gnomon._core import events as ev
from gnomon._core.blocks import BlockMachine
from gnomon._messages import objects, spilling
from gnomon.ids import WorkerID


def local(blocks: BlockMachine, now: Callable[[], float]) -> dict[type, Callable[[Any], None]]:
    """Events of the node's own shell."""
    return {
        ev.BlockReserved: lambda event: blocks.on_reserved(
            event.request, event.asker, event.offset, event.failed
        ),
        ev.BlocksCleared: lambda event: blocks.spilling.on_cleared(),
        ev.SpillFileWritten: lambda event: blocks.spilling.on_written(event, now()),
        ev.BlockRestored: lambda event: blocks.restoring.on_restored(event),
    }


def remote(blocks: BlockMachine, now: Callable[[], float]) -> dict[type, Callable[[WorkerID, Any], None]]:
    """Messages."""
    return {
        objects.BlockWritten: lambda sender, message: blocks.on_written(sender, message, now()),
        objects.BlocksAdopted: lambda sender, message: blocks.on_adopted(sender, message.blocks),
        objects.BlocksFreed: lambda sender, message: blocks.on_freed(sender, message.blocks),
        objects.BlocksDoubted: lambda sender, message: blocks.on_doubted(sender, message.blocks),
        objects.UseTold: lambda sender, message: blocks.reclamation.on_told(
            sender, message.round, message.blocks
        ),
        objects.BlocksUnused: lambda sender, message: blocks.reclamation.on_unused(),
        spilling.BlockWanted: lambda sender, message: blocks.restoring.on_wanted(sender, message, now()),
        spilling.SpillTold: blocks.spilling.on_told,
    }
