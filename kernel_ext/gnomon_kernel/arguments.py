"""Options of the magics: a parser that never ends the kernel, and says what it would have taken instead.

Nothing is done here. What may stand for an option's value is told by its type, its choices, or a *completer*:
the name of a kind of thing that the notebook has (``REFS``, ``ACTORS``, ``CELLS``, ``COMMANDS``), which
:mod:`gnomon_kernel.completion` looks up.
"""

from __future__ import annotations

import argparse
import difflib
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, NoReturn

from IPython.core.error import UsageError

REFS, ACTORS, TARGETS, CELLS, PINS, TOPICS = "refs", "actors", "targets", "cells", "pins", "topics"
"""Kinds of things of the notebook that may stand where a value is asked for; targets are references and handles."""


class MagicParser(argparse.ArgumentParser):
    """An argument parser that raises ``UsageError``: names the thing, what is allowed, and how to go on."""

    def __init__(self, program: str) -> None:
        super().__init__(prog=program, add_help=False, allow_abbrev=False)
        self._completers: dict[str, str] = {}

    def add(self, *names: str, completer: str = "", **how: Any) -> None:
        """``add_argument``, with the kind of thing that completes its value."""
        action = self.add_argument(*names, **how)
        for name in action.option_strings or [""]:
            self._completers[name] = completer

    def error(self, message: str) -> NoReturn:
        """Called by ``argparse`` for whatever is wrong."""
        usage = " ".join(self.format_usage().removeprefix("usage: ").split())
        hint = self._hint(message)
        raise UsageError(f"{self.prog}: {message}.{hint} Usage: {usage}. More: {self.prog} --help")

    def _hint(self, message: str) -> str:
        if message.startswith("unrecognized arguments: -"):
            word = message.split()[2].partition("=")[0]
            return did_you_mean(word, self.options(aliases=True))
        for action in self._actions:
            wrong = message.partition("invalid choice: '")[2].partition("'")[0]
            if wrong and action.choices is not None and message.startswith(f"argument {_name_of(action)}:"):
                return did_you_mean(wrong, map(str, action.choices))
        return ""

    @property
    def actions(self) -> Sequence[argparse.Action]:
        """All options and arguments, in the order of the help."""
        return self._actions

    def options(self, aliases: bool = False) -> list[str]:
        """The long options: the first name of each, or all of them."""
        found = []
        for action in self._actions:
            long = [name for name in action.option_strings if name.startswith("--")]
            found += long if aliases else long[:1]
        return found

    def choices_of(self, option: str) -> list[str]:
        """What may follow an option, or with "" stand as an argument, where that is a fixed list."""
        for action in self._actions:
            if action.choices is not None and option in (action.option_strings or [""]):
                return [str(choice) for choice in action.choices]
        return []

    def takes_value(self, option: str) -> bool:
        """Whether a value follows this option."""
        return any(option in action.option_strings and action.nargs != 0 for action in self._actions)

    def completer_of(self, option: str) -> str:
        """The kind of thing that may follow an option, or with "" stand as an argument."""
        return self._completers.get(option, "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`` Did you mean 'status'?`` when something known is near, else nothing."""
    near = difflib.get_close_matches(word, list(known), 1)
    return f" Did you mean {near[0]!r}?" if near else ""


def option_lines(parser: MagicParser | None) -> list[str]:
    """The options of a command for its help, a line each."""
    lines = []
    for action in parser.actions if parser is not None else ():
        value = action.metavar or ("|".join(map(str, action.choices)) if action.choices else "")
        name = ", ".join(action.option_strings)
        lines.append(f"        {f'{name} {value}'.strip():<30} {action.help}")
    return lines


def json_resources(text: str) -> dict[str, float]:
    """Amounts by name, from JSON."""
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict) or not all(isinstance(v, int | float) for v in found.values()):
        raise argparse.ArgumentTypeError(f"expected JSON like '{{\"disk\": 2}}', got {text}")
    return found


_UNITS = {"k": 1, "m": 2, "g": 3, "t": 4}
_SIZE = re.compile(r"(\d+(?:\.\d*)?|\.\d+)\s*(?:([kmgt])(i?)b?|b)?", re.IGNORECASE)


def size_bytes(text: str) -> int:
    """Bytes, from ``2GB`` (powers of 1,000), ``2GiB`` (of 1,024) or a number."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise argparse.ArgumentTypeError(f"expected a size like 512MB or 2GiB, got {text}")
    number, unit, binary = found.groups()
    return int(float(number) * (1024 if binary else 1000) ** _UNITS.get((unit or "").lower(), 0))


def names(text: str) -> tuple[str, ...]:
    """Names of the notebook, from ``a,b``."""
    found = tuple(filter(None, (name.strip() for name in text.split(","))))
    if not found or not all(name.isidentifier() for name in found):
        raise argparse.ArgumentTypeError(f"expected names like a,b, got {text}")
    return found


def seconds(text: str) -> float:
    """A time in seconds, more than 0, from ``0.2``, ``5s`` or ``200ms``."""
    number, scale = (text[:-2], 0.001) if text.endswith("ms") else (text.removesuffix("s"), 1.0)
    try:
        found = float(number) * scale
    except ValueError:
        found = 0.0
    if not 0 < found <= 3600:
        raise argparse.ArgumentTypeError(
            f"expected seconds like 0.2, 5s or 200ms, more than 0 and at most 3600, got {text}"
        )
    return found


def seed(text: str) -> int:
    """A seed: any whole number that is not negative."""
    if not text.isdecimal() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"expected a whole number like 7, got {text}")
    return int(text)


def positive(text: str) -> int:
    """A whole number from one on."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number from 1 on, got {text}")
    return int(text)


def cell_number(text: str) -> str:
    """The number of a cell, from ``3``, ``[3]``, ``In[3]`` or ``In [3]``."""
    found = text.removeprefix("In").strip().removeprefix("[").removesuffix("]")
    if not found.isdecimal():
        raise argparse.ArgumentTypeError(f"expected the number of a cell like 3 for In [3], got {text}")
    return found


def _name_of(action: argparse.Action) -> str:
    return "/".join(action.option_strings) or str(action.metavar or action.dest)
