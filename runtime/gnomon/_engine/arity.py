"""Arity: which arguments a remote function or method takes, checked before a call travels anywhere.

``inspect.Signature.bind`` would do, at ten times the price of a whole submission. Here a call without
keywords is two comparisons with ``least`` and ``most``, made by the caller; ``check`` sees all others.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Arity:
    """The arguments of a callable.

    Attributes:
        text: the signature as people read it, ``(x, y=1)``.
        positional: names of the positional parameters, in order.
        required: those of ``positional`` without a default.
        keyword_only: names of the keyword-only parameters.
        keyword_required: those of ``keyword_only`` without a default.
        positional_only: how many of ``positional`` can not be given by name.
        least: without keywords, calls with fewer arguments are wrong.
        most: without keywords, calls with more arguments are wrong.
        any_keyword: has ``**kwargs``.
    """

    text: str
    positional: tuple[str, ...]
    required: tuple[str, ...]
    keyword_only: tuple[str, ...]
    keyword_required: tuple[str, ...]
    positional_only: int
    least: int
    most: int
    any_keyword: bool

    def check(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Compare a call with the signature.

        Raises:
            TypeError: it does not fit; the message names the argument and shows the signature.
        """
        given = len(args)
        by_name = self.positional[self.positional_only :]
        if given > self.most:
            self._refuse(name, f"got {given} positional arguments")
        filled = self.positional[:given]
        for keyword in kwargs:
            if keyword in by_name:
                if keyword in filled:
                    self._refuse(name, f"got two values for {keyword!r}")
            elif keyword not in self.keyword_only and not self.any_keyword:
                self._refuse(name, f"got an unexpected argument {keyword!r}")
        missing = [
            each
            for each in self.required
            if each not in filled and (each not in kwargs or each not in by_name)
        ]
        missing += [each for each in self.keyword_required if each not in kwargs]
        if missing:
            self._refuse(name, f"misses {', '.join(map(repr, missing))}")

    def _refuse(self, name: str, what: str) -> None:
        raise TypeError(f"{name}.remote() {what}; call it as {name}.remote{self.text}.")


def arity_of(function: Callable[..., Any], skip_first: bool = False) -> Arity | None:
    """The arity of a function; None for callables that do not tell (some of those written in C).

    Args:
        function: any callable.
        skip_first: leave out the first parameter (``self``).
    """
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    parameters = list(signature.parameters.values())
    if skip_first and parameters and parameters[0].kind in _BY_POSITION:
        parameters = parameters[1:]
    positional = [each for each in parameters if each.kind in _BY_POSITION]
    named = [each for each in parameters if each.kind is inspect.Parameter.KEYWORD_ONLY]
    kinds = {each.kind for each in parameters}
    required = tuple(each.name for each in positional if each.default is each.empty)
    keyword_required = tuple(each.name for each in named if each.default is each.empty)
    return Arity(
        text=_text(parameters),
        positional=tuple(each.name for each in positional),
        required=required,
        keyword_only=tuple(each.name for each in named),
        keyword_required=keyword_required,
        positional_only=sum(each.kind is inspect.Parameter.POSITIONAL_ONLY for each in positional),
        # a required keyword makes every call without keywords wrong
        least=sys.maxsize if keyword_required else len(required),
        most=sys.maxsize if inspect.Parameter.VAR_POSITIONAL in kinds else len(positional),
        any_keyword=inspect.Parameter.VAR_KEYWORD in kinds,
    )


_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


def _text(parameters: list[inspect.Parameter]) -> str:
    bare = [each.replace(annotation=each.empty) for each in parameters]
    try:
        text = str(inspect.Signature(bare))
    except Exception:  # a default whose repr fails
        return "(...)"
    return text if len(text) <= 200 else "(...)"
