"""What may follow in a ``%remote`` line: commands, options, their values, and names that the notebook has."""

from __future__ import annotations

from collections.abc import Iterable

from gnomon_kernel.arguments import TOPICS
from gnomon_kernel.commands import COMMANDS, ENGINES, cell_parser, parser_of
from gnomon_kernel.notebook_names import Known


def complete(line: str, symbol: str, known: Known | None = None) -> list[str]:
    """What may stand at the end of a ``%remote`` line.

    Args:
        line: all of it, up to the cursor.
        symbol: the word at its end that is being typed; "" after a blank.
        known: what the notebook has; None offers no names.
    """
    before = line[: len(line) - len(symbol)] if symbol and line.endswith(symbol) else line
    words = before.split()
    magic, given = (words[0] if words else "%remote"), words[1:]
    if magic == "%%remote":
        parser = cell_parser()
    elif not given:
        return _starting(COMMANDS, symbol)
    elif given[0] in COMMANDS:
        parser, given = parser_of(given[0]), given[1:]
    else:
        return []
    option = given[-1] if given and parser.takes_value(given[-1]) else ""
    choices = [choice for choice in parser.choices_of(option) if option != "--engine" or choice in ENGINES]
    kind = parser.completer_of(option)
    if kind == TOPICS:
        choices = list(COMMANDS)
    found = choices or (known.names(kind) if known is not None and kind else [])
    if not option:
        found = [*found, *(name for name in [*parser.options(), "--help"] if name not in given)]
    return _starting(found, symbol) or _starting([] if option else parser.options(aliases=True), symbol)


def _starting(words: Iterable[str], symbol: str) -> list[str]:
    return [word for word in words if word.startswith(symbol)]
