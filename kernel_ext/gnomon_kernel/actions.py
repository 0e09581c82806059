"""What the magics do: start and stop a session, show views, run and define cells.

Uses gnomon's public names alone. Every action says one line, or returns what the cell is to show.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

import gnomon
import gnomon.exceptions
from gnomon import observe
from gnomon_kernel import cell as cells
from gnomon_kernel import holders
from gnomon_kernel.cell_task import CELL_TASK_NAME, CellCode, CellOutcome, ShownAs, run_cell
from gnomon_kernel.display import duration, resources_line, say
from gnomon_kernel.origins import Origins
from gnomon_kernel.outputs import WeakOutputs

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Actions:
    """The actions of one shell."""

    def __init__(self, shell: InteractiveShell, origins: Origins, outputs: WeakOutputs) -> None:
        self._shell = shell
        self._origins = origins
        self._outputs = outputs

    # ----------------------------------------------------------------------------- the session

    def start(self, options: argparse.Namespace) -> None:
        """Start a session, or tell what runs.

        Raises:
            UsageError: a session with other options runs.
        """
        asked = {
            "num_cpus": options.cpus,
            "num_gpus": options.gpus,
            "resources": options.resources,
            "object_store_memory": options.memory,
            "namespace": options.namespace,
            "engine": options.engine,
        }
        given = {name: value for name, value in asked.items() if value is not None}
        running = gnomon.is_initialized()
        if running and not given:
            say(status_line("is running"))
            return
        before = time.monotonic()
        try:
            gnomon.init(**given)
        except gnomon.exceptions.AlreadyInitializedError as error:
            told = [f"{name} is {now!r}, not {new!r}" for name, (now, new) in error.differences.items()]
            raise UsageError(
                f"%remote start: a session runs already, and its {', its '.join(told)}. "
                "Run %remote stop first, or leave the options out to keep it."
            ) from None
        took = duration(time.monotonic() - before)
        say(status_line("is running") if running else f"{status_line('started')}, after {took}")

    def stop(self) -> None:
        """End the session."""
        if not gnomon.is_initialized():
            say("gnomon: nothing is running")
            return
        gnomon.shutdown()
        say("gnomon stopped")

    def status(self) -> None:
        """Tell what runs."""
        say(
            status_line("is running")
            if gnomon.is_initialized()
            else "gnomon is not running; start it with: %remote start"
        )

    # ----------------------------------------------------------------------------- views

    def view(self, name: str) -> Any:
        """Show a live view in the cell."""
        from gnomon_kernel import widgets  # ipywidgets and anywidget take long to import

        return widgets.show(name)

    def tasks(self, options: argparse.Namespace) -> Any:
        """The tasks as a pandas frame."""
        from gnomon.observe import state

        cell = None if options.cell is None else str(options.cell)
        return state.frame(state.tasks(state=options.state, cell=cell))

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


def status_line(verb: str) -> str:
    """``gnomon is running (local engine): 2 CPUs, store 1.2 GB``; a session must run."""
    session = gnomon.init(ignore_reinit_error=True)  # with a running session this only returns its facts
    resources = {**session["resources"], "object_store_memory": session["object_store_bytes"]}
    return f"gnomon {verb} ({session['engine']} engine): {resources_line(resources)}"


def _task_options(options: argparse.Namespace) -> dict[str, Any]:
    asked = {"num_cpus": options.cpus, "num_gpus": options.gpus, "resources": options.resources}
    return {name: value for name, value in asked.items() if value is not None}


def _plural(noun: str, names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return ""
    return "es" if noun.endswith("s") else "s"
