"""All parts of the extension, put together for one shell and taken apart again.

Events of the shell come in here: a cell starts (its origin is told), a cell ends (an interrupt cancels, its
output is flushed).
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from IPython import get_ipython
from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from gnomon import exceptions, observe
from gnomon.observe import hooks
from gnomon_kernel import panel
from gnomon_kernel.actions import Actions
from gnomon_kernel.actor_names import ActorNames
from gnomon_kernel.coaching import CellCoach
from gnomon_kernel.completion import complete
from gnomon_kernel.interrupts import cancel_after, wake_loop_on_interrupt
from gnomon_kernel.kernel_status import busy_cell
from gnomon_kernel.kernel_versions import check_kernel
from gnomon_kernel.magics import RemoteMagics, ask_for_help
from gnomon_kernel.notebook_names import NotebookNames
from gnomon_kernel.origins import Origins, cell_label
from gnomon_kernel.output import KernelPublisher, OutputRouter
from gnomon_kernel.outputs import WeakOutputs
from gnomon_kernel.progress import WaitDisplay
from gnomon_kernel.tracebacks import ShortTracebacks

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_MAGIC = "remote"

_loaded: set[KernelExtension] = set()


class KernelExtension:
    """The extension, loaded into one shell."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._origins = Origins(shell)
        self._tracebacks = ShortTracebacks(shell, self._origins)
        self._router: OutputRouter | None = None
        self._outputs = WeakOutputs(shell)
        self._actor_names = ActorNames()
        self._coach = CellCoach(shell, self._origins)
        self._waits = WaitDisplay(self._origins, self._show)

    def load(self) -> None:
        """Register magics, completion, events and hooks.

        Raises:
            UsageError: this version of ipykernel hangs.
        """
        shell = self._shell
        if getattr(shell, "kernel", None) is not None:
            check_kernel()
        shell.register_magics(RemoteMagics(shell, Actions(shell, self._origins, self._outputs, self._coach)))
        shell.Completer.custom_matchers.append(match_remote)
        shell.input_transformers_cleanup.append(ask_for_help)
        shell.events.register("pre_run_cell", self._on_cell_start)
        shell.events.register("post_run_cell", self._on_cell_end)
        kernel = getattr(shell, "kernel", None)
        if kernel is not None:  # in a terminal engines print by themselves, and there is no output to rewrite
            self._router = OutputRouter(self._origins, KernelPublisher(kernel))
            hooks.set_output_sink(self._router.accept)
            hooks.set_wait_observer(self._waits.observe)
        hooks.set_cell_names(self._cell_name)
        hooks.set_names(self._outputs.named)
        hooks.show_stale(True)
        self._outputs.load()
        exceptions.set_in_notebook(True)
        self._tracebacks.install()
        panel.register(shell)
        _loaded.add(self)
        observe.recording().start()
        self._origins.resume()
        self._tell_busy()

    def unload(self) -> None:
        """Undo :meth:`load`; a session goes on."""
        shell = self._shell
        panel.unregister(shell)
        _loaded.discard(self)
        self._stop_recording()
        busy_cell.ended()
        if "gnomon_kernel.widgets" in sys.modules:
            sys.modules["gnomon_kernel.widgets"].close_all()
        if match_remote in shell.Completer.custom_matchers:
            shell.Completer.custom_matchers.remove(match_remote)
        if ask_for_help in shell.input_transformers_cleanup:
            shell.input_transformers_cleanup.remove(ask_for_help)
        exceptions.set_in_notebook(False)
        self._tracebacks.remove()
        self._outputs.unload()
        hooks.set_names(None)
        hooks.show_stale(False)
        hooks.set_cell_names(None)
        hooks.set_wait_observer(None)
        hooks.set_output_sink(None)
        if self._router is not None:
            self._router.close()
        shell.events.unregister("post_run_cell", self._on_cell_end)
        shell.events.unregister("pre_run_cell", self._on_cell_start)
        hooks.set_origin(None)
        for magics in shell.magics_manager.magics.values():
            magics.pop(_MAGIC, None)
        shell.magics_manager.registry.pop(RemoteMagics.__name__, None)

    def _cell_name(self, file: str) -> str | None:
        return cell_label(self._shell, file)

    def _on_cell_start(self, info: Any = None) -> None:
        wake_loop_on_interrupt()
        self._origins.on_cell_start(info)
        self._tell_busy()
        self._outputs.on_cell_start(getattr(info, "raw_cell", None) or "")

    def _on_cell_end(self, result: Any = None) -> None:
        try:
            self._end_cell(result)
        finally:
            self._tell_busy()

    def _tell_busy(self) -> None:
        run = self._origins.current
        if run is None:
            busy_cell.ended()
        else:
            busy_cell.began(getattr(self._shell, "kernel", None), run.parent)

    def _stop_recording(self) -> None:
        """At the end of the cell, since ``%reload_ext`` unloads too, and what was recorded must outlive it."""
        events, current = self._shell.events, self._origins.current
        if current is None or not current.text:  # a program unloads it, and no cell ends
            observe.recording().stop()
            return

        def stop(_result: Any = None) -> None:
            events.unregister("post_run_cell", stop)
            if not _loaded:
                observe.recording().stop()

        events.register("post_run_cell", stop)

    def _end_cell(self, result: Any) -> None:
        self._outputs.on_cell_end(result)
        ended = self._origins.on_cell_end()
        if ended is None:
            return
        self._actor_names.look(self._shell.user_ns, ended.label)
        try:
            cancel_after(ended, result)
        finally:
            if self._router is not None:
                self._router.flush(ended.cell)
                self._waits.cell_ended(ended)
            if self._origins.current is None:
                self._coach.on_cell_end(ended)

    def _show(self, bundle: dict[str, str], display_id: str, update: bool) -> None:
        self._shell.display_pub.publish(bundle, {}, transient={"display_id": display_id}, update=update)


@context_matcher(identifier="gnomon.remote")  # type: ignore[untyped-decorator]
def match_remote(context: CompletionContext) -> SimpleMatcherResult:
    """Completes ``%remote`` lines, and keeps Python's own completions out of them."""
    line = context.line_with_cursor
    if line.split(maxsplit=1)[:1] not in ([f"%{_MAGIC}"], [f"%%{_MAGIC}"]) or line.endswith(_MAGIC):
        return {"completions": []}
    symbol = "" if line[-1].isspace() else line.split()[-1]
    shell = get_ipython()
    words = complete(line, symbol, None if shell is None else NotebookNames(shell.user_ns))
    return {
        "completions": [SimpleCompletion(text=word, type="magic") for word in words],
        "matched_fragment": symbol,
        "suppress": True,
    }
