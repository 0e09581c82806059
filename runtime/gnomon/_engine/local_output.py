"""What tasks print, where it is shown: in the notebook's cells, or here with the task's name before each line."""

from __future__ import annotations

import dataclasses
import sys

import msgspec

from gnomon._engine import notebook_hooks
from gnomon._engine.notebook_hooks import DISPLAY_STREAM, OutputLines
from gnomon._engine.progress_bars import STREAM
from gnomon._engine.terminal_bars import terminal
from gnomon._messages.tasks import OutputProduced


def show_output(output: OutputProduced) -> None:
    """Lines of a task, for the person at the notebook or terminal."""
    show_lines(OutputLines(output.cell, output.worker, output.stream, output.text, output.task_name))


def show_lines(lines: OutputLines) -> None:
    """The same, of whatever process."""
    sink = notebook_hooks.output_sink
    if sink is not None:
        sink(lines)
    elif lines.stream == STREAM:
        terminal.update(lines.text)
    elif lines.stream == DISPLAY_STREAM:
        with terminal.hidden():
            _print(dataclasses.replace(lines, stream="stdout", text=plain_text(lines.text)))
    else:
        with terminal.hidden():
            _print(lines)


def plain_text(text: str) -> str:
    """What a terminal can show of rich output."""
    shown = [msgspec.json.decode(line)["data"].get("text/plain", "") for line in text.splitlines()]
    return "\n".join(filter(None, shown))


def _print(lines: OutputLines) -> None:
    stream = sys.stdout if lines.stream == "stdout" else sys.stderr
    prefix = f"({lines.task_name or 'worker'} {lines.worker_label}) "
    for line in lines.text.splitlines():
        stream.write(prefix + line + "\n")
    stream.flush()
