"""``%remote`` and ``%%remote``: reads what was typed, and nothing more.

Every command is one row of ``COMMANDS``: its help, its options, and the function of
:mod:`gnomon_kernel.actions` that does it. Help (``%remote?``), errors and tab completion are made from these
rows, so that they can not differ.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class, no_var_expand

from gnomon import observe

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from gnomon_kernel.actions import Actions

ENGINES = ("local", "inline")
STATES = ("waiting", "ready", "running", "done", "failed", "cancelled")


class _Parser(argparse.ArgumentParser):
    """An argument parser that raises ``UsageError`` instead of ending the kernel."""

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().removeprefix("usage: ").split())
        raise UsageError(f"{self.prog}: {message}. Usage: {usage}")

    def options(self) -> list[str]:
        """The long options, for completion."""
        return [name for action in self._actions for name in action.option_strings if name.startswith("--")]

    def choices_of(self, option: str) -> list[str]:
        """What may follow an option, where that is a fixed list."""
        for action in self._actions:
            if option in action.option_strings and action.choices is not None:
                return [str(choice) for choice in action.choices]
        return []


def _json_resources(text: str) -> dict[str, float]:
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(v, int | float) for v in found.values()):
        raise argparse.ArgumentTypeError(f"expected JSON like '{{\"disk\": 2}}', got {text}")
    return found


def _size_bytes(text: str) -> int:
    units = {"kb": 2**10, "mb": 2**20, "gb": 2**30, "tb": 2**40}
    plain = text.lower().strip()
    factor = units.get(plain[-2:], 1)
    try:
        return int(float(plain[:-2] if factor > 1 else plain) * factor)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a size like 512MB or 2GB, got {text}") from None


def _names(text: str) -> tuple[str, ...]:
    names = tuple(filter(None, (name.strip() for name in text.split(","))))
    if not names or not all(name.isidentifier() for name in names):
        raise argparse.ArgumentTypeError(f"expected names like a,b, got {text}")
    return names


def _parser(program: str) -> _Parser:
    return _Parser(prog=program, add_help=False, allow_abbrev=False)


def _start_parser() -> _Parser:
    parser = _parser("%remote start")
    parser.add_argument("--cpus", type=int, metavar="N", help="CPUs to use (default: all)")
    parser.add_argument("--gpus", type=int, metavar="N", help="GPUs to use (default: all)")
    parser.add_argument("--resources", type=_json_resources, metavar="JSON", help="resources of your own")
    parser.add_argument(
        "--memory", type=_size_bytes, metavar="SIZE", help="size of the object store, like 2GB"
    )
    parser.add_argument("--namespace", metavar="NAME", help="where names of actors live")
    parser.add_argument("--engine", choices=ENGINES, help="local: processes; inline: in the kernel, to debug")
    return parser


def _tasks_parser() -> _Parser:
    parser = _parser("%remote tasks")
    parser.add_argument(
        "--failed", action="store_const", const="failed", dest="state", help="only failed ones"
    )
    parser.add_argument("--state", choices=STATES, help="only those in this state")
    parser.add_argument("--cell", type=int, metavar="N", help="only those that In [N] submitted")
    return parser


def _memory_parser() -> _Parser:
    parser = _parser("%remote memory")
    parser.add_argument("objects", nargs="*", metavar="REF", help="only these references, or ids of objects")
    parser.add_argument("--group-by", choices=observe.MEMORY_GROUPS, default="NODE_ADDRESS", help="tables")
    parser.add_argument(
        "--sort-by", choices=observe.MEMORY_SORTS, default="OBJECT_SIZE", help="order in them"
    )
    parser.add_argument("--units", choices=tuple(observe.MEMORY_UNITS), default="MB", help="of sizes")
    parser.add_argument("--num-entries", type=int, metavar="N", help="rows in each table")
    return parser


def _unpin_parser() -> _Parser:
    parser = _parser("%remote unpin")
    parser.add_argument(
        "what", nargs="?", default="all", metavar="N|Out|tracebacks|all", help="an output, or what else holds"
    )
    return parser


def cell_parser() -> _Parser:
    """The options of ``%%remote``."""
    parser = _parser("%%remote")
    parser.add_argument(
        "-o", "--output", type=_names, default=(), metavar="NAMES", help="names that come back, like a,b"
    )
    parser.add_argument("--captures", action="store_true", help="first list what is taken along, with sizes")
    parser.add_argument("--cpus", type=float, metavar="N", help="CPUs for the task, or for each call")
    parser.add_argument("--gpus", type=float, metavar="N", help="GPUs for the task, or for each call")
    parser.add_argument("--resources", type=_json_resources, metavar="JSON", help="resources of your own")
    return parser


@dataclass(frozen=True, slots=True)
class MagicCommand:
    """One word after ``%remote``.

    Attributes:
        help: one line.
        run: does it; gets the actions and the parsed options, returns what the cell shows.
        parser: makes the parser of its options.
    """

    help: str
    run: Callable[[Actions, argparse.Namespace], Any]
    parser: Callable[[], _Parser] | None = None


def _view(name: str, what: str) -> MagicCommand:
    return MagicCommand(f"{what}, live, in this cell's output", lambda actions, _options: actions.view(name))


COMMANDS: dict[str, MagicCommand] = {
    "start": MagicCommand(
        "start a session, or tell what runs", lambda a, options: a.start(options), _start_parser
    ),
    "stop": MagicCommand("end the session", lambda a, _options: a.stop()),
    "status": MagicCommand("one line with what runs", lambda a, _options: a.status()),
    "dashboard": _view("dashboard", "all views together"),
    "graph": _view("graph", "tasks and how they depend on each other"),
    "objects": _view("objects", "the object store"),
    "actors": _view("actors", "actors and their calls"),
    "memory": MagicCommand(
        "objects and who holds each, by name", lambda a, options: a.memory(options), _memory_parser
    ),
    "unpin": MagicCommand(
        "let go of what outputs and the last error hold", lambda a, options: a.unpin(options), _unpin_parser
    ),
    "tasks": MagicCommand("tasks as a pandas frame", lambda a, options: a.tasks(options), _tasks_parser),
}


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
            word += (
                character if depth else ""
            )  # quotes inside braces are JSON's own, and Python's inside brackets
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
    command = COMMANDS.get(name)
    if command is None:
        raise UsageError(f"%remote: no command {name!r}. Commands: {', '.join(COMMANDS)}. More: %remote?")
    parser = command.parser() if command.parser is not None else _parser(f"%remote {name}")
    return command, parser.parse_args(words[1:])


def complete(line: str, symbol: str) -> list[str]:
    """What may follow in a ``%remote`` line: commands, options, values of options."""
    before = line[: len(line) - len(symbol)] if symbol and line.endswith(symbol) else line
    words = before.split()
    magic, given = (words[0] if words else "%remote"), words[1:]
    if magic == "%%remote":
        parser: _Parser | None = cell_parser()
    elif not given:
        return _starting(COMMANDS, symbol)
    else:
        command = COMMANDS.get(given[0])
        parser = command.parser() if command is not None and command.parser is not None else None
    if parser is None:
        return []
    choices = parser.choices_of(given[-1]) if given else []
    return _starting(choices or [option for option in parser.options() if option not in given], symbol)


def _starting(words: Iterable[str], symbol: str) -> list[str]:
    return [word for word in words if word.startswith(symbol)]


def help_text() -> str:
    """What ``%remote?`` shows."""
    lines = ["Run Python on all cores and see it happen.", "", "``%remote COMMAND``:", ""]
    for name, command in COMMANDS.items():
        lines.append(f"    %remote {name:<10} {command.help}")
        lines += _option_lines(command.parser() if command.parser is not None else None)
    lines += [
        "",
        "``%%remote`` above a cell:",
        "",
        "    A cell of only imports, definitions and constants defines: each function becomes a remote",
        "    function, each class an actor class. Any other cell runs, as one task: names that it reads are",
        "    taken along from the notebook, its last expression is shown, and -o names come back.",
        "",
        *_option_lines(cell_parser()),
    ]
    return "\n".join(lines)


def _option_lines(parser: _Parser | None) -> list[str]:
    lines = []
    for action in parser._actions if parser is not None else ():
        value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
        name = ", ".join(action.option_strings)
        lines.append(f"        {f'{name} {value}'.strip():<28} {action.help}")
    return lines


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
        return self._remote_actions.remote_cell(cell_parser().parse_args(split(line, space)), line, cell)


RemoteMagics.remote.__doc__ = help_text()
