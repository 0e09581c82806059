"""Actor classes, handles and methods, under Ray's module name."""

from __future__ import annotations

from gnomon._api.actor import ActorClass, ActorHandle, ActorMethod, ActorProxy, exit_actor, method

__all__ = ["ActorClass", "ActorHandle", "ActorMethod", "ActorProxy", "exit_actor", "method"]
