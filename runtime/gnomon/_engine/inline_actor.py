"""One actor of the inline engine: what is known of it."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Mapping
from typing import Any

from gnomon._engine.base import ActorBinding, ActorTemplate
from gnomon._engine.inline_call import InlineCall
from gnomon._engine.inline_lanes import Lane
from gnomon._engine.methods import traits_of
from gnomon._messages.cluster import Watched
from gnomon._shell.watching import sample, watched_fields
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import ActorDiedError, ActorUnavailableError
from gnomon.ids import ActorID

ASYNC_CONCURRENCY_DEFAULT = 1000
"""Calls at a time of an async actor, as in Ray."""


class InlineActor:
    """One actor.

    Attributes:
        creation: the call of its constructor; its arguments are kept for a restart.
        instance: the user's object; None unless it is alive.
        lanes: where its calls run, if it is a sync one, by concurrency group; "" is that of the others.
        slots: how many calls of an async one run at a time, likewise.
        turn: held while its constructor runs, and calls of its plain lane.
        pending: how many calls have no outcome yet, by caller.
        closing: nobody holds a handle any more; it ends when nothing is pending.
        death: why it is dead; None before.
    """

    def __init__(
        self,
        actor_id: ActorID,
        template: ActorTemplate,
        namespace: str,
        creation: InlineCall,
        lanes: Mapping[str, Lane],
    ) -> None:
        self.actor_id = actor_id
        self.template = template
        self.namespace = namespace
        self.creation = creation
        self.kept: list[ObjectRef[Any]] = list(creation.held)
        self.instance: Any = None
        self.lanes = lanes
        self.turn = lanes[""].turn
        limit = template.options.max_concurrency or ASYNC_CONCURRENCY_DEFAULT
        self.slots = {
            name: asyncio.Semaphore(size)
            for name, size in {"": limit, **template.options.concurrency_groups}.items()
        }
        self.state = "pending"
        self.pending: Counter[bytes] = Counter()
        self.done = 0
        self.restarts = 0
        self.closing = False
        self.death: ActorDiedError | None = None

    @property
    def name(self) -> tuple[str, str] | None:
        """(namespace, name), or None."""
        name = self.template.options.name
        return None if name is None else (self.namespace, name)

    def binding(self, ref: ObjectRef[Any] | None) -> ActorBinding:
        """The actor as a handle sees it."""
        template = self.template
        return ActorBinding(
            self.actor_id, template.name, template.methods, ref, template.is_async, traits=traits_of(template)
        )

    def death_of(self, reason: str, traceback_str: str = "", started: bool | None = None) -> ActorDiedError:
        """The error of calls that meet it dead."""
        facts = self.template.name, self.actor_id.hex(), reason
        return ActorDiedError(*facts, traceback_str=traceback_str, pid=os.getpid(), started=started)

    def unavailable(self, reason: str) -> ActorUnavailableError:
        """The error of a call that was running when it ended, and is to come back."""
        facts = self.template.name, self.actor_id.hex(), reason
        return ActorUnavailableError(*facts, pid=os.getpid(), started=True)

    def may_restart(self) -> bool:
        """Whether a restart is left."""
        allowed = self.template.options.max_restarts
        return allowed < 0 or self.restarts < allowed

    def _sample(self) -> dict[str, Watched]:
        """The fields that its class names in ``watch``."""
        if self.instance is None:
            return {}
        fields = watched_fields(type(self.instance))
        return sample(self.instance, fields) if fields else {}

    def row(self, current: str = "") -> Mapping[str, Any]:
        """What the views show of it."""
        watched = self._sample()
        return {
            "class": self.template.name,
            "name": self.template.options.name or "",
            "state": self.state,
            "pid": os.getpid(),
            "pending": self.pending.total(),
            "done": self.done,
            "current": current,
            "restarts": self.restarts,
            "cause": self.death.reason if self.death is not None else "",
            "cell": self.creation.row.cell,
            "line": self.creation.row.line,
            "node": "inline",
            **({"watched": watched} if watched else {}),
        }
