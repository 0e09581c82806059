"""The door of a cluster: a unix socket in its directory, by which drivers come in.

    driver, command                      keeper
     | DoorAsked(kind)              -->   |    who it is says the kernel (SO_PEERCRED): this user, or nothing
     | <--  DoorAnswered, two fds         |    the session's config; its arena, its lifeline (SCM_RIGHTS)
     |   or Facts, if that was the kind   |    what it is made of; JSON, so that any version can read it

Both sides check that the other is a process of their own user: the directory is private, and yet a wrong
``TMPDIR`` may lead anywhere. One packet each way, then the connection ends.
"""

from __future__ import annotations

import os
import socket
import struct

import msgspec

from gnomon._messages.session import SessionConfig
from gnomon._shell import session_directory
from gnomon._shell.facts import Facts, facts
from gnomon.exceptions import ClusterNotFoundError
from gnomon.ids import JobID

JOIN, LOOK, STOP, TELL = "join", "look", "stop", "tell"
"""Become a driver; look only (no job is listed); end the cluster; tell what it is made of."""

PATIENCE_S, KEEPERS_PATIENCE_S = 5.0, 1.0
"""How long one who has knocked waits for the answer, and the keeper for the question."""

_PACKET_BYTES_MAX = 256 * 1024
_FDS = 2


class DoorAsked(msgspec.Struct, frozen=True):
    """What somebody wants."""

    kind: str


class DoorAnswered(msgspec.Struct, frozen=True):
    """What he gets.

    Attributes:
        config: of the cluster; its file descriptors are those that come with the packet.
        job: for the new driver.
    """

    config: SessionConfig
    job: JobID


def door_path(directory: str) -> str:
    """Where the socket is."""
    return os.path.join(directory, "door.s")


class Door:
    """The keeper's side. Poll it for reading and call :meth:`serve`, which waits for a second at most."""

    def __init__(self, config: SessionConfig) -> None:
        self._config = config
        self._jobs = 0
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.bind(door_path(config.directory))
        self._socket.listen(64)
        self._socket.setblocking(False)

    def fileno(self) -> int:
        """The fd to poll for reading."""
        return self._socket.fileno()

    def serve(self) -> bool:
        """Answer one who has knocked; returns whether the cluster shall end."""
        try:
            connection, _ = self._socket.accept()
        except OSError:  # gone again
            return False
        with connection:
            connection.settimeout(KEEPERS_PATIENCE_S)
            try:
                return self._answer(connection)
            except (OSError, msgspec.MsgspecError):  # it has ended, is too slow, or speaks something else
                return False

    def _answer(self, connection: socket.socket) -> bool:
        if _peer(connection)[1] != os.getuid():
            return False
        kind = msgspec.msgpack.decode(connection.recv(_PACKET_BYTES_MAX), type=DoorAsked).kind
        if kind == STOP:
            return True
        if kind == TELL:
            connection.send(msgspec.json.encode(facts()))
            return False
        if kind == JOIN:
            self._jobs += 1
        number = self._jobs if kind == JOIN else 0
        answer = DoorAnswered(self._config, JobID(number.to_bytes(4, "little")))
        fds = [self._config.arena_fd, self._config.lifeline_fd]
        socket.send_fds(connection, [msgspec.msgpack.encode(answer)], fds)
        return False

    def close(self) -> None:
        """Nobody comes in any more."""
        self._socket.close()


def enter(directory: str, kind: str) -> DoorAnswered:
    """Come in; the file descriptors in the answer's config belong to the caller.

    Args:
        directory: of the cluster.
        kind: JOIN or LOOK.

    Raises:
        ClusterNotFoundError: there is no cluster, or it is ending.
    """
    packet, fds = _ask(directory, kind)
    if len(fds) != _FDS:
        for fd in fds:
            os.close(fd)
        raise ClusterNotFoundError(directory, "it is ending")
    for fd in fds:
        os.set_inheritable(fd, False)
    answer = msgspec.msgpack.decode(packet, type=DoorAnswered)
    config = msgspec.structs.replace(answer.config, arena_fd=fds[0], lifeline_fd=fds[1])
    return DoorAnswered(config, answer.job)


def ask_facts(directory: str) -> Facts | None:
    """What a cluster is made of; None from one whose gnomon can not tell.

    Raises:
        ClusterNotFoundError: there is no cluster, or it is ending.
    """
    packet, fds = _ask(directory, TELL)
    for fd in fds:
        os.close(fd)
    if fds:  # it has taken the question for another one
        return None
    if not packet:
        raise ClusterNotFoundError(directory, "it is ending")
    try:
        return msgspec.json.decode(packet, type=Facts)
    except msgspec.MsgspecError:
        return None


def ask_to_stop(directory: str) -> int:
    """Have a cluster end; returns a pidfd of its keeper, readable once that has ended. The caller closes it.

    Raises:
        ClusterNotFoundError: there is none.
    """
    with _knock(directory) as connection:
        try:
            keeper = os.pidfd_open(_peer(connection)[0])
        except ProcessLookupError as error:
            raise ClusterNotFoundError(directory, "it has just ended") from error
        try:
            connection.send(msgspec.msgpack.encode(DoorAsked(STOP)))
        except OSError:  # it is ending already
            return keeper
        return keeper


def _ask(directory: str, kind: str) -> tuple[bytes, list[int]]:
    """The keeper's answer, and the file descriptors that come with it, which belong to the caller."""
    with _knock(directory) as connection:
        try:
            connection.send(msgspec.msgpack.encode(DoorAsked(kind)))
            packet, fds, _, _ = socket.recv_fds(connection, _PACKET_BYTES_MAX, _FDS)
        except OSError as error:
            raise ClusterNotFoundError(directory, f"its keeper does not answer ({error})") from error
    return packet, fds


def _knock(directory: str) -> socket.socket:
    try:
        session_directory.must_be_private(directory)
    except OSError as error:
        raise ClusterNotFoundError(directory, _why(error, directory)) from error
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.settimeout(PATIENCE_S)
    try:
        connection.connect(door_path(directory))
        if _peer(connection)[1] != os.getuid():
            raise PermissionError("it belongs to another user")
    except OSError as error:
        connection.close()
        raise ClusterNotFoundError(directory, _why(error, directory)) from error
    return connection


def _why(error: OSError, directory: str) -> str:
    if isinstance(error, FileNotFoundError):
        if session_directory.is_session(directory):
            return (
                "that is the session of one driver, which nobody else can look into; ask there (gnomon.nodes(), "
                "gnomon.available_resources(), or %remote status and %remote objects in its notebook)"
            )
        return "no cluster is there"
    if isinstance(error, ConnectionRefusedError):
        return "it has ended"
    return error.strerror or str(error)


def _peer(connection: socket.socket) -> tuple[int, int]:
    """(pid, uid) of the process at the other end, as the kernel knows it."""
    size = struct.calcsize("3i")
    pid, uid, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return pid, uid
