"""A driver's session: its processes, and the driver's own part in it."""

from __future__ import annotations

import os
from collections.abc import Callable

from gnomon._core.effects import Command
from gnomon._messages.session import SessionConfig
from gnomon._shell.core_worker import CoreWorker, past_owners
from gnomon._shell.interrupts import Rescue
from gnomon._shell.session_process import SessionProcess


class LocalSession:
    """A driver's own processes.

    Args:
        config: of the session.
        process: its processes, starting or started.
    """

    def __init__(self, config: SessionConfig, process: SessionProcess) -> None:
        self.config = config
        self.process = process
        self._told = False
        os.close(config.lifeline_fd)

    def open(self, perform: Callable[[Command], None], on_lost: Callable[[str], None]) -> CoreWorker:
        """The driver's own part.

        Args:
            perform: carries out the role's commands that are not the core worker's own.
            on_lost: called with the reason when the session has ended by itself.
        """
        self._on_lost = on_lost
        watched = {self.process.fileno(): self._lost} if self.process.fileno() >= 0 else {}
        self.core = CoreWorker(self.config, self.config.driver, perform, watched)
        self._rescue = Rescue(self.core.loop.drop)
        self._rescue.install()
        self.core.loop.start("gnomon-loop")
        return self.core

    def _lost(self) -> None:
        """The node's process has ended; in the loop's thread."""
        if not self._told:
            self._told = True
            self.core.loop.unwatch(self.process.fileno())
            self._on_lost(self.process.reason())

    def end(self) -> None:
        """End everything and wait for it."""
        self._told = True
        self._rescue.remove()
        past_owners.add(self.config.driver)
        self.core.end("The session was shut down.")
        self.core.close()
        self.process.end(3.0)
