"""A driver's part in its session: the whole of it where the driver has started the session's processes
(``LocalSession``), one job where it has joined a cluster that lives by itself (``JoinedSession``).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Protocol

from gnomon._core.effects import Command
from gnomon._messages.cluster import DriverAdmitted, DriverJoined, DriverLeaving
from gnomon._messages.session import JobSpec, SessionConfig
from gnomon._shell.core_worker import CoreWorker, past_owners
from gnomon._shell.interrupts import Rescue
from gnomon._shell.session_process import SessionProcess
from gnomon.exceptions import ClusterNotFoundError, GetTimeoutError, NotInitializedError, headline

FAREWELL_S = 3.0
"""How long a joined driver waits for the cluster's good-bye."""


class DriverSession(Protocol):
    """What the engine needs of a session."""

    def open(self, perform: Callable[[Command], None], on_lost: Callable[[str], None]) -> CoreWorker:
        """The driver's own part.

        Args:
            perform: carries out the role's commands that are not the core worker's own.
            on_lost: called with the reason when the session has ended by itself.
        """
        ...

    def end(self) -> None:
        """End what is the driver's, and wait for it."""
        ...


class _Driver:
    """What both kinds have in common: the core worker, and an fd that tells when the session has ended."""

    def __init__(self, config: SessionConfig, sentinel: int) -> None:
        self.config = config
        self._sentinel = sentinel
        self._told = False

    def open(self, perform: Callable[[Command], None], on_lost: Callable[[str], None]) -> CoreWorker:
        """See ``DriverSession``."""
        self._on_lost = on_lost
        watched = {self._sentinel: self._lost} if self._sentinel >= 0 else {}
        self.core = CoreWorker(self.config, self.config.driver, perform, watched)
        self._rescue = Rescue(self.core.loop.drop)
        self._rescue.install()
        self.core.loop.start("gnomon-loop", self._failed)
        return self.core

    def _lost(self) -> None:
        """The session has ended; in the loop's thread."""
        if not self._told:
            self._told = True
            self.core.loop.unwatch(self._sentinel)
            self._on_lost(self._reason())

    def _failed(self, error: BaseException) -> None:
        """The driver's own loop can not go on; in its thread."""
        self._on_lost(
            f"The session is lost: the driver's runtime raised {headline(error)}. Did something close its files, or "
            "is there no memory left? Call gnomon.shutdown() and gnomon.init() for a new session."
        )

    def _reason(self) -> str:
        raise NotImplementedError

    def _close(self) -> None:
        past_owners.add(self.config.driver)
        self.core.end("The session was shut down.")
        self.core.close()


class LocalSession(_Driver):
    """A driver's own processes.

    Args:
        config: of the session.
        process: its processes, starting or started.
    """

    def __init__(self, config: SessionConfig, process: SessionProcess) -> None:
        super().__init__(config, process.fileno())
        self.process = process
        os.close(config.lifeline_fd)

    def _reason(self) -> str:
        return self.process.reason()

    def end(self) -> None:
        """End everything and wait for it."""
        self._told = True
        self._rescue.remove()
        self._close()
        self.process.end(3.0)


class JoinedSession(_Driver):
    """One job of a cluster.

    Args:
        config: of the cluster as this job sees it; its lifeline belongs to this session from now on.
        job: this driver's.
        address: where the cluster was found, for errors.
    """

    def __init__(self, config: SessionConfig, job: JobSpec, address: str) -> None:
        super().__init__(config, config.lifeline_fd)
        self.job = job
        self._address = address
        self._creator = os.getpid()

    def open(self, perform: Callable[[Command], None], on_lost: Callable[[str], None]) -> CoreWorker:
        """See ``DriverSession``; returns when the cluster knows of the driver.

        Raises:
            ClusterNotFoundError: it is ending.
        """
        core = super().open(perform, on_lost)
        try:
            admitted = core.ask(self.config.node_process, lambda request: DriverJoined(request, self.job))
            assert isinstance(admitted, DriverAdmitted)
        except BaseException as error:
            self._leave(say_so=not isinstance(error, GetTimeoutError | NotInitializedError))
            if isinstance(error, GetTimeoutError | NotInitializedError):
                raise ClusterNotFoundError(self._address, "it is ending, or does not answer") from error
            raise
        return core

    def _reason(self) -> str:
        return "The cluster has ended: `gnomon stop`, or its keeper process was killed."

    def end(self) -> None:
        """Leave the cluster: the job is over there when this returns. Nothing in a fork of the driver."""
        if os.getpid() == self._creator:
            self._leave(say_so=True)

    def _leave(self, say_so: bool) -> None:
        ended, self._told = self._told, True
        self._rescue.remove()
        if say_so and not ended:
            self.core.reader.keep_views(self.core.role.references)
            try:
                self.core.ask(self.config.node_process, DriverLeaving, FAREWELL_S)
            except (GetTimeoutError, NotInitializedError):
                pass  # the cluster is ending too, or hangs: it hears of this process's end in any case
        self._close()
        os.close(self._sentinel)
