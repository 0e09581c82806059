"""What tasks print, where it is shown: in the notebook's cells, or here with the task's name before each line."""

from __future__ import annotations

import sys

from gnomon._engine import notebook_hooks
from gnomon._messages.tasks import OutputProduced


def show_output(output: OutputProduced) -> None:
    """Lines of a task, for the person at the notebook or terminal."""
    sink = notebook_hooks.output_sink
    if sink is not None:
        sink(
            notebook_hooks.OutputLines(
                output.cell, output.worker, output.stream, output.text, output.task_name
            )
        )
        return
    stream = sys.stdout if output.stream == "stdout" else sys.stderr
    prefix = f"({output.task_name or 'worker'} {output.worker}) "
    for line in output.text.splitlines():
        stream.write(prefix + line + "\n")
    stream.flush()
