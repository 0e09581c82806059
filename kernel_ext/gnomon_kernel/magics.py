"""``%remote`` and ``%%remote``: reads what was typed, and nothing more.

What there is to type stands in :mod:`gnomon_kernel.commands`; what it does, in :mod:`gnomon_kernel.actions`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from gnomon_kernel.arguments import did_you_mean, option_lines
from gnomon_kernel.commands import COMMANDS, MagicCommand, cell_parser, parser_of

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from gnomon_kernel.actions import Actions

_HELP_WORDS = ("--help", "-h", "?")
CELL_TOPIC = "%%remote"
_CELL_HELP = "define its functions and classes as remote, or run it as one task; %remote help %%remote"


def split(line: str, space: dict[str, Any] | None = None) -> list[str]:
    """Split a line at blanks, except inside quotes, braces and brackets, so that JSON may stand as it is.

    A word ``$name`` is replaced by the notebook's value of that name.

    Raises:
        UsageError: a quote or brace is not closed.
    """
    words, word, depth, quote = [], "", 0, ""
    for character in line + " ":
        opens, closes = not quote and character in "\"'", quote == character
        if opens or closes:
            quote = character if opens else ""
            # quotes inside braces are JSON's own, and Python's inside brackets
            word += character if depth else ""
            continue
        if not quote and character in "{}[]":
            depth += 1 if character in "{[" else -1
        if character.isspace() and not quote and depth <= 0:
            words.append(word)
            word = ""
        else:
            word += character
    if word.strip():
        raise UsageError(f"%remote: a quote or brace is not closed in: {line}")
    return [_value_of(part, space or {}) for part in words if part]


def _value_of(word: str, space: dict[str, Any]) -> str:
    name = word.removeprefix("$")
    return str(space[name]) if word.startswith("$") and name in space else word


def parse_line(line: str, space: dict[str, Any] | None = None) -> tuple[MagicCommand, argparse.Namespace]:
    """The command and options of a ``%remote`` line.

    Raises:
        UsageError: the command or an option is unknown; the message lists what there is.
    """
    words = split(line, space)
    name = words[0] if words else "status"
    if wants_help(words):
        topic = name.rstrip("?")
        return COMMANDS["help"], argparse.Namespace(command=None if topic in ("", *_HELP_WORDS) else topic)
    command = COMMANDS.get(name)
    if command is None:
        hint = did_you_mean(name, COMMANDS)
        raise UsageError(
            f"%remote: no command {name!r}.{hint} Commands: {', '.join(COMMANDS)}. More: %remote help"
        )
    return command, parser_of(name).parse_args(words[1:])


def wants_help(words: list[str]) -> bool:
    """Whether somebody asks what the words before this one mean."""
    return any(word in _HELP_WORDS for word in words) or bool(words and words[-1].endswith("?"))


def ask_for_help(lines: list[str]) -> list[str]:
    """An input transformer: ``%remote start?`` asks for help on a command, not on a Python name ``start``."""
    if len(lines) == 1 and lines[0].lstrip().startswith("%remote ") and lines[0].rstrip().endswith("?"):
        words = lines[0].rstrip().rstrip("?").split()
        return [f"%remote help {words[1] if len(words) > 1 else ''}\n"]
    return lines


def help_text() -> str:
    """What ``%remote?`` and ``%remote help`` show."""
    lines = ["Run Python on all cores and see it happen.", "", "``%remote COMMAND``:", ""]
    for name, command in COMMANDS.items():
        lines.append(f"    %remote {name:<10} {command.help}")
        lines += option_lines(command.parser() if command.parser is not None else None)
    return "\n".join([*lines, "", *_cell_lines()])


def help_of(topic: str | None) -> str:
    """What ``%remote help TOPIC`` shows; without a topic, a line for each command.

    Raises:
        UsageError: there is no such command.
    """
    if topic is None:
        lines = [f"  {name:<10} {command.help}" for name, command in COMMANDS.items()]
        tail = ["", "%%remote above a cell:", f"  {_CELL_HELP}", "", "More on each: %remote help COMMAND"]
        return "\n".join(["%remote COMMAND:", *lines, *tail])
    if topic in (CELL_TOPIC, "cell"):
        return "\n".join(_cell_lines())
    command = COMMANDS.get(topic)
    if command is None:
        hint = did_you_mean(topic, COMMANDS)
        raise UsageError(f"%remote help: no command {topic!r}.{hint} Commands: {', '.join(COMMANDS)}.")
    parser = parser_of(topic)
    lines = [
        f"%remote {topic}: {command.help}",
        "",
        f"  {parser.format_usage().strip()}",
        *option_lines(parser),
    ]
    return "\n".join([*lines, *(["", f"  Example: {command.example}"] if command.example else [])])


def _cell_lines() -> list[str]:
    return [
        "``%%remote`` above a cell:",
        "",
        "    A cell of only imports, definitions and constants defines: each function becomes a remote",
        "    function, each class an actor class. Any other cell runs, as one task: names that it reads are",
        "    taken along from the notebook, its last expression is shown, and -o names come back.",
        "",
        *option_lines(cell_parser()),
    ]


@magics_class
class RemoteMagics(Magics):
    """The two magics; ``actions`` does what they say."""

    def __init__(self, shell: InteractiveShell, actions: Actions) -> None:
        super().__init__(shell)
        self._remote_actions = actions

    @no_var_expand
    @line_cell_magic
    def remote(self, line: str, cell: str | None = None) -> Any:
        """Replaced below by :func:`help_text`."""
        __tracebackhide__ = True
        space = self.shell.user_ns if self.shell is not None else {}
        if cell is None:
            command, options = parse_line(line, space)
            return command.run(self._remote_actions, options)
        words = split(line, space)
        if wants_help(words):
            return self._remote_actions.help(argparse.Namespace(command=CELL_TOPIC))
        return self._remote_actions.remote_cell(cell_parser().parse_args(words), line, cell)


RemoteMagics.remote.__doc__ = help_text()
