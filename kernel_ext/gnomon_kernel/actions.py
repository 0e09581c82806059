"""What the magics do: show views, run and define cells; the rest is in modules of its own.

Uses gnomon's public names alone. Every action says one line, or returns what the cell is to show.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

import gnomon
import gnomon.exceptions
from gnomon import observe
from gnomon_kernel import cell as cells
from gnomon_kernel import holders
from gnomon_kernel.cell_task import CELL_TASK_NAME, CellCode, CellOutcome, ShownAs, run_cell
from gnomon_kernel.controls import Controls
from gnomon_kernel.display import say
from gnomon_kernel.origins import Origins
from gnomon_kernel.outputs import WeakOutputs
from gnomon_kernel.sessions import Sessions, sessions
from gnomon_kernel.tables import Tables, is_filtered

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Actions:
    """The actions of one shell.

    Attributes:
        sessions: start, stop, status.
        tables: pandas frames.
        controls: cancel and kill.
    """

    def __init__(self, shell: InteractiveShell, origins: Origins, outputs: WeakOutputs) -> None:
        self._shell = shell
        self._origins = origins
        self._outputs = outputs
        self.sessions: Sessions = sessions
        self.tables: Tables = Tables()
        self.controls: Controls = Controls(shell, origins)

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
        """Who holds what, as text."""
        if not gnomon.is_initialized():
            say("gnomon: nothing is running")
            return
        wanted = holders.wanted(self._shell.user_ns, options.objects)
        say(
            observe.memory_text(
                observe.memory(wanted),
                group_by=options.group_by,
                sort_by=options.sort_by,
                units=options.units,
                limit=options.num_entries,
            )
        )

    def unpin(self, options: argparse.Namespace) -> None:
        """Let go of what outputs and the last error hold."""
        say(f"gnomon {holders.unpin(self._shell, self._outputs, options.what)}")

    # ----------------------------------------------------------------------------- cells

    def remote_cell(self, options: argparse.Namespace, line: str, text: str) -> Any:
        """Define or run a ``%%remote`` cell; returns the value that the cell shows."""
        __tracebackhide__ = True
        parsed = cells.parse(self._shell, line, text, self._shell.execution_count)
        if parsed.defines and not options.output:
            self._define(options, parsed)
            return None
        cells.check_outputs(parsed, options.output)
        result = self._run(options, parsed)
        return None if text.rstrip().endswith(";") else result

    def _define(self, options: argparse.Namespace, parsed: cells.ParsedCell) -> None:
        __tracebackhide__ = True
        wrap = gnomon.remote(**_task_options(options)) if _task_options(options) else gnomon.remote
        defined = cells.define(self._shell, parsed, wrap)
        parts = [("remote function", defined.functions), ("actor class", defined.actors)]
        words = [f"{noun}{_plural(noun, names)} {', '.join(names)}" for noun, names in parts if names]
        say(f"defined {'; '.join(words)}" if words else "defined in the notebook; nothing to make remote")

    def _run(self, options: argparse.Namespace, parsed: cells.ParsedCell) -> Any:
        __tracebackhide__ = True
        captured = cells.captures(parsed.names, self._shell.user_ns)
        if options.captures:
            say(cells.captures_table(captured, gnomon.cloudpickle.dumps))
        code = CellCode(parsed.source, parsed.filename, options.output)
        # a cell is not run again behind its author's back
        task = gnomon.remote(run_cell).options(name=CELL_TASK_NAME, max_retries=0, **_task_options(options))
        try:
            outcome = gnomon.get(_submit(task, code, captured))
        except gnomon.exceptions.GnomonError as error:
            shown = cells.render_error(error, parsed)
            error._render_traceback_ = lambda: shown  # type: ignore[attr-defined]  # IPython asks for it
            raise
        return self._take(outcome, options.output)

    def _take(self, outcome: CellOutcome, asked: tuple[str, ...]) -> Any:
        self._shell.user_ns.update(outcome.values)
        missing = [name for name in asked if name not in outcome.values]
        if missing:
            raise UsageError(
                f"%%remote -o: the cell ended without assigning {', '.join(missing)}. "
                "Assign it on every way through the cell."
            )
        return None if isinstance(outcome.result, ShownAs) and not outcome.result.text else outcome.result


# The API notes the line that submits: of a cell's task that is line 1, the one with %%remote.
_submit = eval(compile("lambda task, *args: task.remote(*args)", "%%remote", "eval"))


def _task_options(options: argparse.Namespace) -> dict[str, Any]:
    asked = {"num_cpus": options.cpus, "num_gpus": options.gpus, "resources": options.resources}
    return {name: value for name, value in asked.items() if value is not None}


def _plural(noun: str, names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return ""
    return "es" if noun.endswith("s") else "s"
