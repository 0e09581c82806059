"""Who holds what, in the notebook: the table, and letting go of what IPython remembers.

``unpin`` forgets outputs and the last error where they hold objects, waits until the objects are freed that
nobody else holds, and says what came of it.
"""

from __future__ import annotations

import gc
import re
import sys
import threading
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from gnomon import observe
from gnomon.resources import size_words
from gnomon_kernel.display import count
from gnomon_kernel.outputs import WeakOutputs

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

ALL, OUTPUTS, ERRORS = "all", "Out", "tracebacks"

SETTLE_S = 2.0
"""How long unpin waits for the owners of what was let go to free it."""

_ANSWER_S = 1.0
"""How long other processes may take to say what they hold of it: one may be deep in native code."""

_LOOK_AGAIN_S = 0.02
_ROUNDS_MAX = 20
"""A report names only a few holders of each object: what it left out shows when those are gone."""

_NUMBERED = re.compile(r"Out\[(\d+)\]")

Row = observe.MemoryRow


def unpin(shell: InteractiveShell, outputs: WeakOutputs, what: str) -> str:
    """Let go of what outputs and the last error hold; returns the receipt.

    Args:
        shell: whose last error it is.
        outputs: its remembered outputs.
        what: "all", "Out", "tracebacks" or the number of an output.

    Raises:
        UsageError: something else.
    """
    if what not in (ALL, OUTPUTS, ERRORS) and not what.isdecimal():
        raise UsageError(
            f"%remote unpin: expected the number of an output, {OUTPUTS}, {ERRORS} or {ALL}, got {what!r}."
        )
    touched: dict[str, Row] = {}
    released: dict[str, None] = {}
    for _ in range(_ROUNDS_MAX):
        pinned = [row for row in observe.memory(everywhere=False).rows if _names(row, what)]
        if not pinned:
            break
        for row in pinned:
            touched[row.object_id] = row
            for name in _names(row, what):
                released[name] = None
        _let_go(shell, outputs, {name for row in pinned for name in _names(row, what)})
        gc.collect()
    if not touched:
        return f"nothing to unpin: {_where(what)} no object"
    return _receipt(released, touched, _settled(touched))


def _names(row: Row, what: str) -> list[str]:
    """The places among those asked for that hold an object: ``Out[3]``, ``_``, ``the last error``."""
    found = []
    for holder in row.holders:
        if holder.process:
            continue
        if holder.kind == "traceback" and what in (ALL, ERRORS):
            found.append("the last error")
        elif holder.kind == "output" or holder.name.startswith("Out["):
            match = _NUMBERED.match(holder.name)
            if what in (ALL, OUTPUTS) or (match is not None and match[1] == what):
                found.append(match[0] if match is not None else "_")
    return list(dict.fromkeys(found))


def _let_go(shell: InteractiveShell, outputs: WeakOutputs, names: Iterable[str]) -> None:
    for name in names:
        match = _NUMBERED.match(name)
        if match is not None:
            outputs.forget(int(match[1]))
        elif name == "_":
            outputs.forget_unders()
        else:
            _forget_error(shell)
    shell.last_execution_result = None


def _forget_error(shell: InteractiveShell) -> None:
    """What Python and IPython keep of the last error, ``%debug`` included."""
    for name in ("last_exc", "last_value", "last_traceback", "last_type"):
        if hasattr(sys, name):
            delattr(sys, name)
    for formatter in (shell.InteractiveTB, shell.SyntaxTB):
        for name in ("tb", "etype", "evalue", "value"):
            if hasattr(formatter, name):
                setattr(formatter, name, None)


def _settled(touched: Iterable[str]) -> list[Row]:
    """Which of them are still there, once nothing changes any more that only waited for us."""
    deadline = time.monotonic() + SETTLE_S
    left = list(touched)
    while True:
        rows = list(observe.memory(left, timeout_s=_ANSWER_S).rows) if left else []
        left = [row.object_id for row in rows]
        if not rows or all(_is_held(row) for row in rows) or time.monotonic() > deadline:
            return rows
        threading.Event().wait(_LOOK_AGAIN_S)


def _is_held(row: Row) -> bool:
    return any(holder.kind not in ("handle", "transit", "process") for holder in row.holders)


def _receipt(released: Iterable[str], touched: dict[str, Row], left: list[Row]) -> str:
    kept = {row.object_id for row in left}
    freed = [row for identity, row in touched.items() if identity not in kept]
    freed_bytes = sum(row.size_bytes or 0 for row in freed)
    lines = [
        f"unpinned {_listed(list(released))}: {count(len(freed), 'object')} freed, {size_words(freed_bytes)}"
    ]
    for row in left[:3]:
        held = "; ".join(map(str, row.holders[:3])) or "nobody that answered"
        lines.append(
            f"  still there: {size_words(row.size_bytes or 0)} of {row.producer or 'a task'}, held by {held}"
        )
    if len(left) > 3:
        lines.append(f"  and {count(len(left) - 3, 'object')} more")
    return "\n".join(lines)


def _listed(names: list[str]) -> str:
    shown = names if len(names) <= 5 else [*names[:4], f"{len(names) - 4} more"]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _where(what: str) -> str:
    if what == ALL:
        return "outputs and the last error hold"
    return {OUTPUTS: "outputs hold", ERRORS: "the last error holds"}.get(what, f"Out[{what}] holds")


def wanted(space: dict[str, Any], words: list[str]) -> list[Any] | None:
    """The references that words on a ``%remote memory`` line mean: ids, or expressions of the notebook's.

    Raises:
        UsageError: a word is neither.
    """
    return [_meant(space, word) for word in words] or None


def _meant(space: dict[str, Any], word: str) -> Any:
    if re.fullmatch(r"[0-9a-f]{40}", word):
        return word
    try:
        found = eval(word, dict(space))
    except Exception as error:
        raise UsageError(f"%remote memory: {word!r} raised {type(error).__name__}: {error}") from None
    if not hasattr(found, "hex") or not hasattr(found, "task_id"):
        raise UsageError(
            f"%remote memory: {word} is a {type(found).__name__}. Name references, or ids of objects."
        )
    return found
