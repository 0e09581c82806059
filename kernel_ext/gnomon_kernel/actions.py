"""What the magics do: views, tables, help; sessions, controls and cells have modules of their own.

Uses gnomon's public names alone. Every action says one line, or returns what the cell is to show.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

import gnomon
from gnomon import observe
from gnomon_kernel import holders, reports
from gnomon_kernel.coaching import CellCoach
from gnomon_kernel.controls import Controls, target_of
from gnomon_kernel.display import say
from gnomon_kernel.faults import Faults
from gnomon_kernel.memory_tables import show_memory
from gnomon_kernel.object_names import with_names
from gnomon_kernel.origins import Origins
from gnomon_kernel.outputs import WeakOutputs
from gnomon_kernel.remote_cells import RemoteCells
from gnomon_kernel.sessions import Sessions, sessions
from gnomon_kernel.tables import Tables, is_filtered
from gnomon_kernel.tempo import Tempos

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Actions:
    """The actions of one shell.

    Attributes:
        sessions: start, stop, status.
        tables: pandas frames.
        controls: cancel and kill.
        faults: the fault lab.
        tempos: pause, step, slow motion, seeded order.
        coach: hints.
    """

    def __init__(
        self, shell: InteractiveShell, origins: Origins, outputs: WeakOutputs, coach: CellCoach
    ) -> None:
        self._shell = shell
        self._origins = origins
        self.coach: CellCoach = coach
        self._outputs = outputs
        self._cells = RemoteCells(shell, origins)
        self.sessions: Sessions = sessions
        self.tables: Tables = Tables()
        self.controls: Controls = Controls(shell, origins)
        self.faults: Faults = Faults(shell)
        self.tempos: Tempos = Tempos()

    # ----------------------------------------------------------------------------- views

    def view(self, name: str) -> Any:
        """Show a live view in the cell."""
        from gnomon_kernel import widgets  # ipywidgets and anywidget take long to import

        return widgets.show(name)

    def view_or_table(self, name: str, options: argparse.Namespace) -> Any:
        """Show a live view; with a filter, or where there is no such view, return the table."""
        from gnomon_kernel import widgets

        if is_filtered(options) or name not in widgets.VIEWS:
            return self.tables.frame(name, options)
        return widgets.show(name)

    def help(self, options: argparse.Namespace) -> None:
        """Tell of all commands, or of one."""
        from gnomon_kernel.magics import help_of

        say(help_of(options.command))

    def memory(self, options: argparse.Namespace) -> None:
        """Who holds what, as tables."""
        if not gnomon.is_initialized():
            say("gnomon: nothing is running")
            return
        wanted = holders.wanted(self._shell.user_ns, options.objects)
        show_memory(self._shell, self._origins, observe.memory(wanted), options)

    def why(self, options: argparse.Namespace) -> Any:
        """Explain the state of an object, a task or an actor.

        Raises:
            UsageError: it is nothing of these.
        """
        with _told_in_a_line("%remote why"):
            found = gnomon.why(target_of(self._shell.user_ns, options.target, "%remote why"))
        return dataclasses.replace(found, next_step=with_names(found.next_step, self._shell.user_ns))

    def logs(self, options: argparse.Namespace) -> None:
        """Tell what a task or an actor has printed.

        Raises:
            UsageError: it is nothing of these.
        """
        given = {} if options.tail is None else {"tail": options.tail}
        with _told_in_a_line("%remote logs"):
            say(str(observe.logs(target_of(self._shell.user_ns, options.target, "%remote logs"), **given)))

    def report(self, options: argparse.Namespace) -> None:
        """Write the run to a file."""
        reports.write(options)

    def debug(self, options: argparse.Namespace) -> Any:
        """Run a failed task again in the kernel; what it raises is raised here, for ``%debug``."""
        __tracebackhide__ = True
        value = observe.debug(target_of(self._shell.user_ns, options.target, "%remote debug"))
        say("it did not fail this time")
        return value

    def unpin(self, options: argparse.Namespace) -> None:
        """Let go of what outputs and the last error hold."""
        say(f"gnomon {holders.unpin(self._shell, self._outputs, options.what)}")

    def remote_cell(self, options: argparse.Namespace, line: str, text: str) -> Any:
        """Define or run a ``%%remote`` cell; returns the value that the cell shows."""
        __tracebackhide__ = True
        return self._cells.run(options, line, text)


@contextmanager
def _told_in_a_line(command: str) -> Iterator[None]:
    """Mistakes in what was named are those of the line: without a traceback."""
    try:
        yield
    except (TypeError, ValueError) as error:
        raise UsageError(f"{command}: {error}") from None
