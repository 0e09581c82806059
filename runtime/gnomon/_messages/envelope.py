"""The one thing on the wire: a numbered batch of messages from one process to another."""

from __future__ import annotations

from typing import Union

import msgspec

from gnomon._messages import (
    actors,
    cluster,
    holders,
    leases,
    objects,
    pulls,
    situations,
    spilling,
    tasks,
    tempo,
)
from gnomon._messages.base import Message
from gnomon.ids import WorkerID


def _all_messages() -> tuple[type[Message], ...]:
    found: list[type[Message]] = []
    for module in (tasks, leases, objects, pulls, spilling, actors, cluster, holders, tempo, situations):
        for thing in vars(module).values():
            if isinstance(thing, type) and issubclass(thing, Message) and thing is not Message:
                found.append(thing)
    return tuple(found)


ALL_MESSAGES = _all_messages()


class Envelope(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Messages in order.

    Attributes:
        sender: a process; its id is new in each incarnation.
        sequence: counts the envelopes from this sender to this receiver, from 1; 0 carries only ``ack``.
        ack: the highest sequence up to which the sender has received everything.
    """

    sender: WorkerID
    sequence: int
    ack: int
    messages: list[Union[ALL_MESSAGES]]  # type: ignore[valid-type]  # noqa: UP007  built at import
