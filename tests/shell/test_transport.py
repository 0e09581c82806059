"""Sockets: who is looked for how often."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from gnomon._core.links import LinkMachine
from gnomon._messages.envelope import Envelope
from gnomon._shell import transport as transport_module
from gnomon._shell.session_directory import socket_path
from gnomon._shell.transport import Transport
from gnomon.ids import WorkerID

ME, FOUNDER, OTHER = (WorkerID(bytes([number]) * 8) for number in (1, 2, 3))


@pytest.fixture
def directory() -> Iterator[str]:
    folder = tempfile.mkdtemp(prefix="gt-")  # short, since sockets' paths are
    Path(socket_path(folder, ME)).parent.mkdir(exist_ok=True)
    yield folder
    shutil.rmtree(folder)


def words(peer: WorkerID) -> tuple[WorkerID, Envelope]:
    envelope = LinkMachine(ME).send(peer, [], 0.0)
    assert envelope is not None
    return peer, envelope


def test_what_is_said_before_a_peer_exists_reaches_it(directory: str) -> None:
    mine = Transport(ME, directory, (), (FOUNDER,))
    mine.send([words(FOUNDER), words(OTHER)])
    peers = [Transport(peer, directory, ()) for peer in (FOUNDER, OTHER)]
    for peer in peers:
        readable, _ = peer.poll(20_000)
        assert readable
        assert [envelope.sender for envelope in peer.read()] == [ME]
    for each in (mine, *peers):
        each.close()


def test_founders_are_looked_for_all_the_time(directory: str) -> None:
    mine = Transport(ME, directory, (), (FOUNDER,))
    mine.send([words(FOUNDER), words(OTHER)])
    longest = {peer: socket.getsockopt(zmq.RECONNECT_IVL_MAX) for peer, socket in mine._outbound.items()}
    assert longest == {
        FOUNDER: transport_module.FOUNDER_RECONNECT_MAX_MS,
        OTHER: transport_module.RECONNECT_MAX_MS,
    }
    for peer in (FOUNDER, OTHER):
        mine.disconnect(peer)
    mine.close()
