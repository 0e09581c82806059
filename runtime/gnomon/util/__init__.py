"""Helpers on top of the core API."""

from __future__ import annotations

import importlib
import socket
from typing import TYPE_CHECKING, Any

from gnomon._api import session
from gnomon.util.check_serialize import inspect_serializability
from gnomon.util.serialization import deregister_serializer, register_serializer
from gnomon.util.streams import as_completed, map_unordered

if TYPE_CHECKING:
    from gnomon.util import actor_pool, joblib, multiprocessing, queue
    from gnomon.util.actor_pool import ActorPool

__all__ = [
    "ActorPool",
    "actor_pool",
    "as_completed",
    "deregister_serializer",
    "get_node_ip_address",
    "inspect_serializability",
    "joblib",
    "list_named_actors",
    "map_unordered",
    "multiprocessing",
    "queue",
    "register_serializer",
]


def __getattr__(name: str) -> Any:
    """What most programs do not need, imported on first use."""
    if name == "ActorPool":
        from gnomon.util.actor_pool import ActorPool

        return ActorPool
    if name in __all__:
        return importlib.import_module(f"gnomon.util.{name}")
    from gnomon._api.absent import no_name

    raise no_name("gnomon.util", name, __all__)


def list_named_actors(all_namespaces: bool = False) -> list[str] | list[dict[str, str]]:
    """Names of the living named actors.

    Args:
        all_namespaces: also those of other namespaces; then a list of dicts with ``namespace`` and ``name``.
    """
    found = sorted(session.engine().list_named_actors(all_namespaces))
    if all_namespaces:
        return [{"namespace": namespace, "name": name} for namespace, name in found]
    return [name for _, name in found]


def get_node_ip_address(address: str | None = None) -> str:
    """The address by which other machines reach this one; 127.0.0.1 when there is no network.

    Args:
        address: ``host:port`` of a machine that is to be reached; by default any outside.
    """
    host, _, port = (address or "").rpartition(":")
    # connecting a UDP socket sends nothing, it only picks the outgoing interface (TEST-NET-1, RFC 5737)
    there = (host or "192.0.2.1", int(port) if host else 9)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(there)
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
