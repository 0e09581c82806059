"""Helpers on top of the core API."""

from __future__ import annotations

import socket

from gnomon._api import session
from gnomon.util.check_serialize import inspect_serializability
from gnomon.util.serialization import deregister_serializer, register_serializer
from gnomon.util.streams import as_completed, map_unordered

__all__ = [
    "as_completed",
    "deregister_serializer",
    "get_node_ip_address",
    "inspect_serializability",
    "list_named_actors",
    "map_unordered",
    "register_serializer",
]


def list_named_actors(all_namespaces: bool = False) -> list[str] | list[dict[str, str]]:
    """Names of the living named actors.

    Args:
        all_namespaces: also those of other namespaces; then a list of dicts with ``namespace`` and ``name``.
    """
    found = sorted(session.engine().list_named_actors(all_namespaces))
    if all_namespaces:
        return [{"namespace": namespace, "name": name} for namespace, name in found]
    return [name for _, name in found]


def get_node_ip_address() -> str:
    """The address by which other machines reach this one; 127.0.0.1 when there is no network."""
    # connecting a UDP socket sends nothing, it only picks the outgoing interface (TEST-NET-1, RFC 5737)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])
