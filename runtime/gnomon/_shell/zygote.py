"""The zygote: imports nothing, waits for nothing but orders, and forks workers in milliseconds.

    node                                  zygote                            worker
     | ZygoteOrder(forks, signals)  --->    | fork()                 --->      | run() returns its WorkerSpec
     | <---  ZygoteReport(forked)           |                                  | ...
     | <---  ZygoteReport(exits)            | <--- SIGCHLD                     x
     |                                      | kills what the worker left behind

Both ends of the socket are non-blocking and keep what does not fit in a queue, so neither ever waits for the
other to read. The node has at most ``_ORDERS_MAX`` orders unacknowledged, and each is acknowledged by a
report: as long as the node's queue holds something a report is on its way, so a loop that only ever polls
the client for *reading* still empties it.

A worker is the subreaper of its descendants while it lives. Hence a child of the zygote that is no worker was
left behind by a worker that died, whatever session or environment it gave itself, and is killed.

The rule for a changer: one thread, no lock, no ZeroMQ context, and no Python object that owns an fd which
the worker must not close: a worker is a copy of all that is here.
"""

from __future__ import annotations

import errno
import os
import select
import signal
import socket
import sys
from collections import deque

import msgspec

from gnomon._messages.session import WorkerExit, WorkerSpec
from gnomon._shell import lifeline, reaping
from gnomon.ids import WorkerID

SPEC_BYTES_MAX = 64 * 1024
"""Largest WorkerSpec: an order must fit into the socket's buffer (208 KiB by default) beside its overhead."""

_ORDERS_MAX = 4
_FORKS_PER_ORDER = 16
_SIGNALS_PER_ORDER = 256
_PACKET_BYTES_MAX = 256 * 1024


class ZygoteOrder(msgspec.Struct, frozen=True, array_like=True):
    """Node -> zygote: fork these, then send these signals (worker, signal number)."""

    forks: list[WorkerSpec]
    signals: list[tuple[WorkerID, int]]


class WorkerForked(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's process exists."""

    worker: WorkerID
    pid: int


class ZygoteReport(msgspec.Struct, frozen=True, array_like=True):
    """Zygote -> node: what happened, and how many more orders have been carried out."""

    acknowledged: int
    forked: list[WorkerForked]
    exits: list[WorkerExit]


class ZygoteLost(msgspec.Struct, frozen=True, kw_only=True):
    """The zygote has ended, and by that all workers: the session can not go on."""

    reason: str


def socket_pair() -> tuple[socket.socket, socket.socket]:
    """Two connected ends that keep messages apart; where there is no SEQPACKET (macOS), datagrams."""
    kind = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM
    ours, theirs = socket.socketpair(socket.AF_UNIX, kind)
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


class ZygoteClient:
    """The node's end. Poll it for reading and call :meth:`receive`; nothing here ever blocks."""

    def __init__(self, connection: socket.socket, pid: int) -> None:
        self.pid = pid
        self._connection = connection
        self._forks: deque[WorkerSpec] = deque()
        self._signals: deque[tuple[WorkerID, int]] = deque()
        self._unacknowledged = 0
        self._lost = False
        self._reports = msgspec.msgpack.Decoder(ZygoteReport)

    @property
    def is_lost(self) -> bool:
        """Whether ``ZygoteLost`` has been received."""
        return self._lost

    def fileno(self) -> int:
        """The fd to poll for reading."""
        return self._connection.fileno()

    def fork(self, spec: WorkerSpec) -> None:
        """Order a worker. ``WorkerForked`` follows, or ``WorkerExit`` with pid 0 and the errno as its code.

        Raises:
            ValueError: the spec is larger than ``SPEC_BYTES_MAX``.
        """
        size_bytes = len(msgspec.msgpack.encode(spec))
        if size_bytes > SPEC_BYTES_MAX:
            raise ValueError(
                f"The environment of a worker takes {size_bytes:,} bytes, the limit is {SPEC_BYTES_MAX:,}; "
                "pass large values as objects, not as environment variables."
            )
        self._forks.append(spec)
        self._flush()

    def kill(self, worker: WorkerID, signal_number: int = signal.SIGKILL) -> None:
        """Send a worker a signal; if it has ended already nothing happens.

        The zygote sends it, since only who collects a child knows that its pid has not gone to another.
        """
        self._signals.append((worker, int(signal_number)))
        self._flush()

    def receive(self) -> list[WorkerForked | WorkerExit | ZygoteLost]:
        """All that has happened since the last call, in order. ``ZygoteLost`` comes once, as the last."""
        events: list[WorkerForked | WorkerExit | ZygoteLost] = []
        while not self._lost:
            try:
                packet = self._connection.recv(_PACKET_BYTES_MAX)
            except BlockingIOError:
                break
            except OSError as error:
                events.append(self._lose(error.strerror or str(error)))
                break
            if not packet:
                events.append(self._lose("its connection was closed"))
                break
            report = self._reports.decode(packet)
            self._unacknowledged -= report.acknowledged
            events.extend(report.forked)
            events.extend(report.exits)
        self._flush()
        return events

    def _lose(self, why: str) -> ZygoteLost:
        self._lost = True
        return ZygoteLost(reason=f"the zygote (pid {self.pid}), which starts workers, has ended: {why}")

    def _flush(self) -> None:
        while not self._lost and self._unacknowledged < _ORDERS_MAX and (self._forks or self._signals):
            order = self._next_order()
            try:
                self._connection.send(msgspec.msgpack.encode(order))
            except BlockingIOError:
                self._put_back(order)
                return
            except OSError:  # it has ended: receive() finds the end of file and tells
                self._put_back(order)
                return
            self._unacknowledged += 1

    def _next_order(self) -> ZygoteOrder:
        forks: list[WorkerSpec] = []
        room_bytes = SPEC_BYTES_MAX
        while self._forks and len(forks) < _FORKS_PER_ORDER:
            room_bytes -= len(msgspec.msgpack.encode(self._forks[0]))
            if room_bytes < 0:
                break
            forks.append(self._forks.popleft())
        signals: list[tuple[WorkerID, int]] = []
        # A signal may be meant for a worker that is still waiting to be forked: it must not overtake.
        while not self._forks and self._signals and len(signals) < _SIGNALS_PER_ORDER:
            signals.append(self._signals.popleft())
        return ZygoteOrder(forks, signals)

    def _put_back(self, order: ZygoteOrder) -> None:
        self._forks.extendleft(reversed(order.forks))
        self._signals.extendleft(reversed(order.signals))


class Zygote:
    """The zygote's end and its loop. Made in the zygote's own process.

    Args:
        connection: fd of the socket to the node, non-blocking; owned by this from now on.
        lifeline_fd: see ``lifeline``; the node must have been required as a peer.
    """

    def __init__(self, connection: int, lifeline_fd: int) -> None:
        self._connection = connection
        self._watch = lifeline.watch(lifeline_fd)
        self._workers: dict[int, WorkerID] = {}
        self._pids: dict[WorkerID, int] = {}
        self._outbox: deque[bytes] = deque()
        self._orders = msgspec.msgpack.Decoder(ZygoteOrder)
        self._wakeup, self._wakeup_write = os.pipe()
        os.set_blocking(self._wakeup, False)
        os.set_blocking(self._wakeup_write, False)
        signal.signal(signal.SIGCHLD, _interrupt_poll)
        signal.set_wakeup_fd(self._wakeup_write, warn_on_full_buffer=False)

    def run(self) -> WorkerSpec | None:
        """Carry out orders until the session ends.

        Returns:
            In a worker just forked, its spec: the caller is then in the worker and returns up the stack, so
            that nothing of the loop remains on it. In the zygote None, when the driver or the node has ended.
        """
        poller = select.poll()
        poller.register(self._wakeup, select.POLLIN)
        poller.register(self._watch.fileno(), select.POLLIN)
        while True:
            poller.register(self._connection, select.POLLIN | (select.POLLOUT if self._outbox else 0))
            ready = dict(poller.poll())
            if self._watch.fileno() in ready:
                return None
            if self._wakeup in ready:
                self._on_children_ended()
            if self._connection in ready:
                if not self._send_outbox():
                    return None
                order = self._receive()
                if order is _END_OF_FILE:
                    return None
                if order is not None:
                    spec = self._carry_out(order)
                    if spec is not None:
                        return spec

    def _receive(self) -> ZygoteOrder | None:
        try:
            packet = os.read(self._connection, _PACKET_BYTES_MAX)
        except BlockingIOError:
            return None
        except OSError:
            return _END_OF_FILE
        return self._orders.decode(packet) if packet else _END_OF_FILE

    def _carry_out(self, order: ZygoteOrder) -> WorkerSpec | None:
        for spec in order.forks:
            try:
                pid = os.fork()
            except OSError as error:
                code = error.errno or errno.EAGAIN
                self._report(exits=[WorkerExit(worker=spec.worker, pid=0, code=code)])
                continue
            if pid == 0:
                self._leave_zygote()
                return spec
            self._workers[pid] = spec.worker
            self._pids[spec.worker] = pid
            self._report(forked=[WorkerForked(worker=spec.worker, pid=pid)])
        for worker, number in order.signals:
            worker_pid = self._pids.get(worker)
            if worker_pid is not None:  # not collected yet, so the pid is still its own
                os.kill(worker_pid, number)
        self._report(acknowledged=1)
        return None

    def _leave_zygote(self) -> None:
        # In the worker. The order matters: no signal may be written to an fd that is closed or another's.
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        self._watch.close()
        for fd in (self._connection, self._wakeup, self._wakeup_write):
            os.close(fd)

    def _on_children_ended(self) -> None:
        try:
            os.read(self._wakeup, 4096)
        except BlockingIOError:
            pass
        exits = []
        for pid, code in reaping.reap_children():
            worker = self._workers.pop(pid, None)
            if worker is not None:
                del self._pids[worker]
                exits.append(WorkerExit(worker=worker, pid=pid, code=code))
        if exits:
            self._report(exits=exits)
        self._kill_strays()

    def _kill_strays(self) -> None:
        # Does not wait: the death of each child is a SIGCHLD, which leads here again until none is left.
        table = reaping.processes()
        me = os.getpid()
        strays = {pid for pid, entry in table.items() if entry.parent == me and pid not in self._workers}
        doomed = strays | reaping.descendants(table, strays)
        reaping.kill_processes((table[pid] for pid in doomed), wait=False)

    def _report(
        self,
        acknowledged: int = 0,
        forked: list[WorkerForked] | None = None,
        exits: list[WorkerExit] | None = None,
    ) -> None:
        self._outbox.append(msgspec.msgpack.encode(ZygoteReport(acknowledged, forked or [], exits or [])))
        self._send_outbox()

    def _send_outbox(self) -> bool:
        """Send what fits; False if the node has ended."""
        while self._outbox:
            try:
                os.write(self._connection, self._outbox[0])
            except BlockingIOError:
                return True
            except OSError:
                return False
            self._outbox.popleft()
        return True


_END_OF_FILE = ZygoteOrder([], [])


def _interrupt_poll(_number: int, _frame: object) -> None:
    """Only there so that SIGCHLD is caught, and writes to the wake-up fd."""
