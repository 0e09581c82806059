"""Large values: into the arena, or to disk where all of it is in use; and out of it into messages."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from gnomon._core import effects as fx
from gnomon._core.events import AskedSomething, ValuesInlined
from gnomon._messages.base import HEADER_BYTES, Block, Value
from gnomon._messages.failures import failure
from gnomon._messages.objects import (
    BlockAsked,
    BlockGiven,
    BlockNoted,
    BlockOnDisk,
    BlockRefused,
    BlocksFreed,
    BlockWritten,
)
from gnomon._shell import spill_disk
from gnomon._store.arena import EXTRA_BYTES
from gnomon._wire import pickling
from gnomon.exceptions import NotInitializedError, ObjectLostError, ObjectStoreFullError, OutOfDiskError
from gnomon.ids import ObjectID, WorkerID

if TYPE_CHECKING:
    from gnomon._shell.core_worker import CoreWorker

IN_USE = "arrays and buffers show them where they lie, and keep their room (del array, or array.copy())"


def write_block(
    core: CoreWorker, serialized: pickling.Serialized, identity: ObjectID, owner: WorkerID
) -> Block:
    """Write a value into the arena, for ``owner``.

    Raises:
        ObjectStoreFullError: it is larger than the store, or the machine has no memory for it.
        OutOfDiskError: no room, and nothing can be written to disk.
    """
    node, arena = core.config.node_process, core.arena
    size = serialized.total_bytes
    answer = core.ask(node, lambda request: BlockAsked(request, size, owner, identity), None)
    while isinstance(answer, BlockOnDisk):
        answer = _write_to_disk(core, serialized, answer)
    if isinstance(answer, BlockNoted):
        return Block(node, answer.offset, size, identity)
    if not isinstance(answer, BlockGiven):
        raise _refused(core, size, answer)
    block = Block(node, answer.offset, size, identity)
    try:
        arena.write(block.offset + HEADER_BYTES, serialized)
        arena.write_header(block.offset, identity)
    except BaseException:
        core.loop.post(AskedSomething(node, BlocksFreed((block.name,))))
        raise
    finally:
        core.views.end_grant(answer.request)
    return block


def discard_blocks(core: CoreWorker, values: Iterable[Value]) -> None:
    """Free what has been written for an owner who will not hear of it."""
    names = tuple(value.name for value in values if isinstance(value, Block))
    if names:
        core.loop.post(AskedSomething(core.config.node_process, BlocksFreed(names)))


def _write_to_disk(core: CoreWorker, serialized: pickling.Serialized, given: BlockOnDisk) -> Any:
    """All that is in memory is in use: write a value to the file that the node has named. Returns the node's answer."""
    node, name = core.config.node_process, (given.offset, given.object)
    crcs: tuple[int, ...] = ()
    error = ""
    try:
        try:
            crcs = spill_disk.write_value(given.path, given.object, serialized)
        except OSError as failed:
            error = str(failed)
        return core.ask(node, lambda request: BlockWritten(request, name, crcs, error), None)
    except BaseException:
        core.loop.post(AskedSomething(node, BlocksFreed((name,))))
        raise


def _refused(core: CoreWorker, size: int, answer: BlockRefused) -> Exception:
    """There is no room: who has it?"""
    capacity = core.arena.capacity_bytes - EXTRA_BYTES
    if size > capacity:
        return ObjectStoreFullError(size, capacity)  # whatever is in it
    holders = core.largest_here()
    if answer.viewed:
        holders += f"\n{answer.viewed:>15,} bytes of these are in use: {IN_USE}"
    if not answer.disk_error:
        return ObjectStoreFullError(size, capacity, holders.lstrip("\n"))
    return OutOfDiskError(
        f"A value of {size:,} bytes finds no room: the store is full, and nothing in it can be spilled to disk: "
        f"{answer.disk_error}. In it:\n{holders.lstrip(chr(10))}\n"
    )


def inline_values(core: CoreWorker, command: fx.InlineValues) -> None:
    """Copy values for the spec of an actor. Its creator holds the objects until the actor is dead, so they are there;
    but perhaps on disk, and the loop's thread must not wait.
    """

    def inline() -> None:
        try:
            values = tuple(_inlined(core, value) for value in command.values)
        except NotInitializedError:
            return  # nobody needs them any more
        core.loop.post(ValuesInlined(command.actor, values))

    threading.Thread(target=inline, name="gnomon-inline", daemon=True).start()


def _inlined(core: CoreWorker, value: Value) -> bytes:
    if not isinstance(value, Block):
        return value
    try:
        return bytes(core.read(value))
    except ObjectLostError as error:
        return failure("ObjectLostError", object_ref_hex=error.object_ref_hex, reason=error.reason)
