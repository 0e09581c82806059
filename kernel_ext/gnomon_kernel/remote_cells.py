"""What ``%%remote`` does: defines a cell's functions and classes as remote, or runs the cell as one task.

Reading a cell is :mod:`gnomon_kernel.cell`, and its task :mod:`gnomon_kernel.cell_task`. In the foreground the
notebook waits and gets values; in the background (``--no-wait``) it gets references at once.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

import gnomon
import gnomon.exceptions
from gnomon.observe import hooks
from gnomon_kernel import cell as cells
from gnomon_kernel.cell_task import (
    CELL_TASK_NAME,
    CellCode,
    CellOutcome,
    ShownAs,
    run_cell,
    run_cell_apart,
)
from gnomon_kernel.display import say
from gnomon_kernel.interrupts import receipt_line
from gnomon_kernel.origins import Origins

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class RemoteCells:
    """The ``%%remote`` cells of one shell."""

    def __init__(self, shell: InteractiveShell, origins: Origins) -> None:
        self._shell = shell
        self._origins = origins

    def run(self, options: argparse.Namespace, line: str, text: str) -> Any:
        """Define or run a cell; returns the value that the cell shows."""
        __tracebackhide__ = True
        parsed = cells.parse(self._shell, line, text, self._shell.execution_count)
        if parsed.defines and not options.output:
            self._define(options, parsed)
            return None
        cells.check_outputs(parsed, options.output)
        if options.replace:
            self._cancel_earlier()
        result = self._run(options, parsed)
        return None if text.rstrip().endswith(";") else result

    # -- defining -------------------------------------------------------------------------------------------------

    def _define(self, options: argparse.Namespace, parsed: cells.ParsedCell) -> None:
        __tracebackhide__ = True
        _check_name(options, parsed)
        given = _task_options(options)
        if options.replace:
            _kill_named(options.name)
        defined = cells.define(self._shell, parsed, gnomon.remote(**given) if given else gnomon.remote)
        parts = [("remote function", defined.functions), ("actor class", defined.actors)]
        words = [f"{noun}{_plural(noun, names)} {', '.join(names)}" for noun, names in parts if names]
        say(f"defined {'; '.join(words)}" if words else "defined in the notebook; nothing to make remote")

    # -- running --------------------------------------------------------------------------------------------------

    def _cancel_earlier(self) -> None:
        run = self._origins.current
        receipt = hooks.cancel_cell(run.cell) if run is not None else hooks.CancelReceipt(0, 0)
        if receipt.cancelled:
            say(f"{receipt_line(receipt)} of the run before")

    def _run(self, options: argparse.Namespace, parsed: cells.ParsedCell) -> Any:
        __tracebackhide__ = True
        captured = cells.captures(parsed.names, self._shell.user_ns)
        if options.captures:
            say(cells.captures_table(captured, gnomon.cloudpickle.dumps))
        name = options.name or CELL_TASK_NAME
        if self._origins.current is not None:
            self._origins.current.own_task = name
        code = CellCode(parsed.source, parsed.filename, options.output)
        # a cell is not run again behind its author's back
        given = {**_task_options(options), "name": name, "max_retries": 0}
        try:
            if not options.wait:
                return self._start(code, captured, given)
            outcome = gnomon.get(_submit(gnomon.remote(run_cell).options(**given), code, captured))
        except gnomon.exceptions.GnomonError as error:
            shown = cells.render_error(error, parsed)
            error._render_traceback_ = lambda: shown  # type: ignore[attr-defined]  # IPython asks for it
            raise
        except KeyboardInterrupt as error:  # the line that waited is IPython's, and nothing to look at
            error._render_traceback_ = lambda: ["KeyboardInterrupt"]  # type: ignore[attr-defined]
            raise
        return self._take(outcome, options.output)

    def _start(self, code: CellCode, captured: dict[str, Any], given: dict[str, Any]) -> Any:
        """Run in the background: names are references at once, and so is the value of the last expression."""
        task = gnomon.remote(run_cell_apart).options(**given, num_returns=1 + len(code.outputs))
        made = _submit(task, code, captured)
        result, *values = made if code.outputs else [made]
        self._shell.user_ns.update(zip(code.outputs, values, strict=True))
        names = ", ".join(code.outputs)
        told = f"; {names} {'is a reference' if len(values) == 1 else 'are references'}" if values else ""
        say(f"runs in the background as {given['name']}{told}")
        return result

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


def _check_name(options: argparse.Namespace, parsed: cells.ParsedCell) -> None:
    defined = cells.definitions(parsed)
    if options.name is not None and len(defined) != 1:
        raise UsageError(
            f"%%remote --name names one function or class, this cell defines {', '.join(defined) or 'none'}. "
            "Give each a cell of its own, or use .options(name=...)."
        )
    if options.replace and options.name is None:
        raise UsageError(
            "%%remote --replace: of a cell that defines, it ends the actor that has the name now. Add --name NAME."
        )
    if not options.wait:
        raise UsageError(
            "%%remote --no-wait: this cell only defines, there is nothing to wait for. Leave it out."
        )


def _kill_named(name: str) -> None:
    try:
        actor = gnomon.get_actor(name)
    except ValueError:
        return
    gnomon.kill(actor)
    say(f"killed the actor that was called {name}")


def _task_options(options: argparse.Namespace) -> dict[str, Any]:
    asked = {
        "num_cpus": options.cpus,
        "num_gpus": options.gpus,
        "resources": options.resources,
        "name": options.name,
    }
    return {name: value for name, value in asked.items() if value is not None}


def _plural(noun: str, names: tuple[str, ...]) -> str:
    if len(names) == 1:
        return ""
    return "es" if noun.endswith("s") else "s"
