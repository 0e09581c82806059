"""The node's process: its role, the zygote and the arena."""

from __future__ import annotations

import os
import signal
from typing import Any

from gnomon._core import effects as fx
from gnomon._core.arena_allocator import ArenaAllocator
from gnomon._core.effects import Command
from gnomon._core.events import (
    BlockReserved,
    BlockRestored,
    BlocksCleared,
    DrainAsked,
    DriverExited,
    MemoryMeasured,
    WorkerExited,
)
from gnomon._core.links import LinkMachine
from gnomon._core.node import Node
from gnomon._core.spill_files import MIN_BYTES, SpillFiles
from gnomon._core.station import Station
from gnomon._messages.failures import ProcessEnd
from gnomon._messages.session import SessionConfig, WorkerExit, WorkerSpec, first_job
from gnomon._shell import lifeline, no_unpickling, reaping, session_directory
from gnomon._shell.courier import Courier
from gnomon._shell.last_output import last_output
from gnomon._shell.loop import Loop
from gnomon._shell.memory_monitor import MemoryMonitor
from gnomon._shell.memory_pressure import MemoryPressure
from gnomon._shell.memory_usage import MemoryUsage, anonymous_bytes
from gnomon._shell.progress import ProgressPage
from gnomon._shell.session_start import EXIT_RUNTIME_FAILED
from gnomon._shell.spill_disk import FOLDER, SpillDisk
from gnomon._shell.zygote import WorkerForked, ZygoteClient
from gnomon._store.arena import EXTRA_BYTES, Arena
from gnomon.ids import WORKER_ID_BYTES, WorkerID, process_id

HEARTBEAT_S = 1.0
"""A node that was added says at least so often that it lives (see ``head.PATIENCE_S``)."""

_TO_DISK = frozenset({fx.ClearBlocks, fx.WriteSpillFile, fx.ReadSpillFile, fx.DeleteSpillFile})


class NodeProcess:
    """Carries out what the node's role decides."""

    def __init__(self, config: SessionConfig, zygote: ZygoteClient) -> None:
        self.zygote = zygote
        self.config = config
        self.arena = Arena(config.arena_fd, config.arena_bytes)
        self.page = ProgressPage(self.arena)
        self.slots: dict[WorkerID, int] = {}
        self.directory = config.directory
        self.courier: Courier | None = None
        self.drivers: dict[WorkerID, int] = {}
        self.killed: set[WorkerID] = set()
        self.memory = MemoryPressure()
        self.disk = SpillDisk(self.arena, lambda event: self.loop.post(event))
        allocator = ArenaAllocator(config.arena_bytes)
        reserved = allocator.allocate(self.page.size_bytes)
        assert reserved == 0, "the progress page is the arena's first block"
        self.arena.reserve(0, self.page.size_bytes)
        cpus = max(1, config.resources.get("CPU", 0) // 10_000)
        role = Node(
            config.node_process,
            config.node,
            config.head_process,
            config.driver,
            config.resources,
            allocator,
            LinkMachine(config.node_process),
            lambda: process_id(config.node_process, os.urandom(WORKER_ID_BYTES)),
            keep_idle=min(config.prestart, cpus) if config.prestart else cpus,
            workers_max=config.workers_max,
            pid=os.getpid(),
            first_job=first_job(config),
            gpus=config.gpus,
            labels=config.labels,
            started=0 if config.with_head else reaping.start_time(os.getpid()),
            heartbeat_s=0.0 if config.with_head else HEARTBEAT_S,
            extra_bytes=EXTRA_BYTES,
            grows=config.grows,
            files=SpillFiles(
                spill_directories(config), min_bytes=int(config.settings.get("min_spilling_size", MIN_BYTES))
            ),
        )
        self.role = role
        watch = lifeline.watch(config.lifeline_fd)
        self.loop = Loop(
            Station(role),
            config.node_process,
            config.directory,
            self.perform,
            {watch.fileno(): lambda: self.loop.stop(), zygote.fileno(): self.on_zygote},
            (config.head_process,),
        )
        if not config.with_head:
            self.asked = self.hear_signals()
            self.loop.watch(self.asked, self.on_signal)

    def on_signal(self) -> None:
        """Whoever has added this node wants it to leave."""
        os.read(self.asked, 64)
        self.loop.post(DrainAsked())

    def hear_signals(self) -> int:
        """SIGTERM asks a node that was added to leave in good order; returns an fd that is readable then."""
        asked, asked_write = os.pipe()
        os.set_blocking(asked_write, False)
        signal.set_wakeup_fd(asked_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        return asked

    def memory_monitor(self, usage: MemoryUsage | None = None) -> MemoryMonitor | None:
        """What looks after the machine's memory; None if nobody is to."""
        period_ms = self.config.settings.get("memory_monitor_refresh_ms", 0)
        if not period_ms:
            return None
        threshold = float(self.config.settings["memory_usage_threshold"])
        return MemoryMonitor(
            usage or MemoryUsage(), threshold, float(period_ms) / 1000, self.pids, self.loop.post
        )

    def pids(self) -> list[int]:
        """Of the workers; from any thread."""
        with self.loop.lock:
            return list(self.role.pool.pids.values())

    def perform(self, command: Command) -> None:
        """Carry out one command of the role."""
        if type(command) is fx.StartWorker:
            slot = self.page.take()
            self.slots[command.worker] = slot
            jobs = self.role.jobs
            job = jobs.specs[command.job] if command.job != jobs.first else None
            self.zygote.fork(WorkerSpec(worker=command.worker, slot=slot, job=job))
        elif type(command) is fx.KillWorker:
            place = self.slots.get(command.worker)
            if command.running and (place is None or self.page.read(place) != command.running):
                return  # it has ended meanwhile, and what runs now is innocent
            if command.worker in self.slots:
                self.killed.add(command.worker)
            self.zygote.kill(command.worker, signal.SIGKILL)
        elif type(command) is fx.ReserveBlock:
            failed = False
            try:
                self.arena.reserve(command.offset, command.size)
            except OSError:
                failed = True
            self.loop.post(BlockReserved(command.request, command.asker, command.offset, failed))
        elif isinstance(command, fx.ReceiveChunks | fx.EndReceiving | fx.SendChunks | fx.SendFileChunks):
            self.move(command)
        elif type(command) in _TO_DISK:
            self.spill(command)
        elif type(command) is fx.MeasureMemory:
            self.loop.post(MemoryMeasured(anonymous_bytes(command.pids)))
        elif type(command) is fx.WatchDriver:
            self.watch_driver(command)
        elif type(command) is fx.EndProcess:
            self.loop.stop()
        elif type(command) is fx.DropPeer:
            self.loop.disconnect(command.peer)
            if self.courier is not None:
                self.courier.disconnect(command.peer)
            self.forget_driver(command.peer)
            # a killed process leaves its socket behind, and the cluster may live for long
            session_directory.remove_socket(self.directory, command.peer)

    def move(self, command: fx.ReceiveChunks | fx.EndReceiving | fx.SendChunks | fx.SendFileChunks) -> None:
        """Chunks of values to or from another node."""
        if self.courier is None:
            self.courier = Courier(self.config.node_process, self.directory, self.arena, self.loop.post)
        if isinstance(command, fx.ReceiveChunks):
            self.courier.receive(command.pull, command.offset, command.size, command.object)
        elif isinstance(command, fx.EndReceiving):
            self.courier.end(command.pull)
        else:
            self.courier.send(command)

    def spill(self, command: Command) -> None:
        """Blocks to disk and back."""
        if isinstance(command, fx.ClearBlocks):
            for place in command.places:
                self.arena.write_header(place, b"")
            self.loop.post(BlocksCleared())
        elif isinstance(command, fx.WriteSpillFile):
            self.disk.write(command)
        elif isinstance(command, fx.DeleteSpillFile):
            self.disk.delete(command)
        elif isinstance(command, fx.ReadSpillFile):
            try:
                self.arena.reserve(command.place, command.size)
            except OSError:
                self.loop.post(BlockRestored(command.block, no_memory=True))
            else:
                self.disk.read(command)

    def watch_driver(self, command: fx.WatchDriver) -> None:
        """Hear of the end of a driver, which is no child of ours."""
        driver, pid = command.driver, command.pid
        sentinel = lifeline.watch_process(pid, command.started)
        if sentinel is None:
            self.loop.post(DriverExited(driver, f"(pid {pid}) has ended"))
            return
        self.drivers[driver] = sentinel

        def ended() -> None:
            self.forget_driver(driver)
            self.loop.post(DriverExited(driver, f"(pid {pid}) has ended"))

        self.loop.watch(sentinel, ended)

    def forget_driver(self, driver: WorkerID) -> None:
        """It has left, or its end has been told."""
        sentinel = self.drivers.pop(driver, None)
        if sentinel is not None:
            self.loop.unwatch(sentinel)
            os.close(sentinel)

    def on_zygote(self) -> None:
        """The zygote tells of forks and exits."""
        for event in self.zygote.receive():
            if isinstance(event, WorkerForked):
                continue
            if isinstance(event, WorkerExit):
                slot = self.slots.pop(event.worker, None)
                self.loop.post(self._exited(event, slot))
                if slot is not None:
                    self.page.give(slot)
            else:
                self.loop.stop()

    def _exited(self, event: WorkerExit, slot: int | None) -> WorkerExited:
        last = self.page.read(slot) if slot is not None else None
        marks = self.page.output_marks(slot) if slot is not None else (0, 0)
        said = last_output(self.config.directory, event.worker, marks) if event.code else ""
        end = ProcessEnd(self.config.node, event.pid, event.code if event.pid else None, said)
        return WorkerExited(event.worker, exit_in_words(event.pid, event.code, self._hint(event)), last, end)

    def _hint(self, event: WorkerExit) -> str:
        """Why it was killed, where that can be told."""
        ours = event.worker in self.killed
        self.killed.discard(event.worker)
        if event.code != -signal.SIGKILL:
            return ""
        if self.memory.has_killed() and not ours:
            return "the kernel ended a process for want of memory at that time"
        return "gnomon ended it, as was asked" if ours else ""


def exit_in_words(pid: int, code: int, hint: str = "") -> str:
    """``-9`` as ``(pid 12) was killed by SIGKILL``; ``hint`` is put in brackets behind it."""
    if not pid:
        return f"could not be started: {os.strerror(code)}"
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"(pid {pid}) was killed by {name}{f' ({hint})' if hint else ''}"
    if code == EXIT_RUNTIME_FAILED:
        hint = "its runtime could not go on: files closed, or no memory left"
    elif code:
        hint = "its code called sys.exit() or os._exit(), or a library did"
    return f"(pid {pid}) ended with exit code {code}{f' ({hint})' if hint else ''}"


def spill_directories(config: SessionConfig) -> list[str]:
    """Where this node spills to: in the session's directory unless the user has named others, which are linked from
    there to be deleted with it.
    """
    mine = session_directory.spill_directory(config.directory, config.node)
    if not config.spill_directories:
        return [mine]
    found = []
    os.makedirs(mine, 0o700, exist_ok=True)
    for number, directory in enumerate(config.spill_directories):
        theirs = os.path.join(directory, f"{FOLDER}{config.session}-{config.node.hex()}")
        os.symlink(theirs, os.path.join(mine, str(number)))
        found.append(theirs)
    return found


def main(config: SessionConfig, zygote: ZygoteClient) -> Any:
    """Serve until the driver, the head or the zygote has ended."""
    no_unpickling.refuse("node")
    node = NodeProcess(config, zygote)
    monitor = node.memory_monitor()
    try:
        if monitor is not None:
            monitor.start()
        node.loop.run()
    finally:
        if monitor is not None:
            monitor.close()
        node.disk.close()
