"""Answers to "what do you hold, and by which names?": what the role knows, and what a search of this process adds.

Where the search begins: what is named here (a notebook's variables and outputs, ``__main__``, an actor's
fields), the user's modules, the functions that run now, the last error.
"""

from __future__ import annotations

import ctypes
import os
import sys
import threading
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from gnomon._core.effects import NameHolders
from gnomon._core.events import AskedSomething
from gnomon._messages.base import Block
from gnomon._messages.holders import HeldObject, Holder, HoldersTold
from gnomon._shell.holder_names import Root, find_names
from gnomon._shell.holder_steps import is_ours, locals_of
from gnomon.ids import ObjectID

if TYPE_CHECKING:
    from gnomon._shell.core_worker import CoreWorker


def main_module() -> Iterator[Root]:
    """The variables of the program."""
    yield from _variables("", vars(sys.modules["__main__"]))


def name_rows(
    core: CoreWorker, rows: tuple[HeldObject, ...], budget_s: float
) -> tuple[tuple[HeldObject, ...], bool]:
    """Rows with the names that a search finds, and whether it came to its end."""
    wanted = frozenset(row.object for row in rows if row.handles)
    if not wanted:
        return rows, True
    found = find_names(wanted, _roots(core.named), budget_s, _views(core, wanted))
    return label_rows(rows, found.names), found.complete


def label_rows(
    rows: tuple[HeldObject, ...], names: Mapping[ObjectID, list[Holder]]
) -> tuple[HeldObject, ...]:
    """Rows with the names that were found for them."""
    return tuple(_with_names(row, names.get(row.object, [])) for row in rows)


def answer_in_thread(core: CoreWorker, command: NameHolders) -> None:
    """Answer another process. The loop's thread can not: the search takes longer than it may."""

    def answer() -> None:
        rows, complete = name_rows(core, command.rows, command.budget_s)
        told = HoldersTold(command.request, os.getpid(), title_of(core), rows, command.left_out, complete)
        core.loop.post(AskedSomething(command.asker, told))

    threading.Thread(target=answer, name="gnomon-holders", daemon=True).start()


def title_of(core: CoreWorker) -> str:
    """What people call this process."""
    if core.me == core.config.driver:
        return "driver"
    if core.assignment is None:
        return "worker"
    spec = core.assignment.spec
    return f"{spec.class_name} {spec.name!r}" if spec.name else f"{spec.class_name} {spec.actor.hex()[-8:]}"


def _with_names(row: HeldObject, names: list[Holder]) -> HeldObject:
    if not row.handles:
        return row
    if not names:
        count = "a reference" if row.handles == 1 else f"{row.handles:,} references"
        names = [Holder("handle", f"{count} without a name")]
    return msgspec.structs.replace(row, holders=(*names, *row.holders))


# -- where names begin --------------------------------------------------------------------------------------------


def _roots(named: Callable[[], Iterable[Root]]) -> Iterator[Root]:
    yield from named()
    yield from surroundings()


def surroundings() -> Iterator[Root]:
    """Where else names are: in the last error, in functions that run, in the user's modules."""
    yield from _of_last_error()
    yield from _of_running_functions()
    yield from _of_modules()


def _variables(prefix: str, space: dict[str, Any]) -> Iterator[Root]:
    for name, value in list(space.items()):
        if not name.startswith("__"):
            yield Root("variable", prefix + name, value)


_NOBODYS = ("gnomon", "gnomon_kernel", "IPython", "ipykernel")
"""Packages whose variables are no names, wherever they are installed: those that run a notebook hold all of it."""


def _of_modules() -> Iterator[Root]:
    """The variables of the user's own modules; a library's would take too long to look through."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if name == "__main__" or name.partition(".")[0] in _NOBODYS:
            continue
        if isinstance(file, str) and not file.startswith(libraries()):
            yield from _variables(f"{name}.", vars(module))


@cache
def libraries() -> tuple[str, ...]:
    """Where code lies that is not the user's: its variables are no names for anybody."""
    import sysconfig  # costs milliseconds that every start would pay

    paths = {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    return ("<frozen ", *sorted(paths))


def _of_last_error() -> Iterator[Root]:
    error = getattr(sys, "last_exc", None) or getattr(sys, "last_value", None)
    if error is not None:
        yield Root("traceback", "sys.last_value", error)


def _of_running_functions() -> Iterator[Root]:
    for frame in list(sys._current_frames().values()):
        below: Any = frame
        while below is not None:
            if not is_ours(below) and not below.f_code.co_filename.startswith(libraries()):
                for name, value in locals_of(below).items():
                    yield Root("local", f"{name} in the running {below.f_code.co_qualname}()", value)
            below = below.f_back


# -- arrays over the store ----------------------------------------------------------------------------------------


def _views(core: CoreWorker, wanted: frozenset[ObjectID]) -> Callable[[Any], ObjectID | None]:
    """Tells of an array or buffer which object's stored value it shows without a copy."""
    blocks = sorted(
        (value.offset, value.size, identity)
        for identity in wanted
        if isinstance(value := core.values.get(identity), Block)
    )
    starts = [offset for offset, _, _ in blocks]

    def viewed(value: Any) -> ObjectID | None:
        address = _address(value)
        offset = core.arena.offset_of(address) if address else None
        if offset is None:
            return None
        offset_of_block, size, identity = blocks[max(0, bisect_right(starts, offset) - 1)]
        return identity if offset_of_block <= offset < offset_of_block + size else None

    return viewed if blocks else lambda value: None


def _address(value: Any) -> int:
    """Where the bytes of an array or buffer lie; 0 for anything else."""
    kind = type(value)
    if kind is memoryview:
        exporter = value.obj
        return ctypes.addressof(exporter) if isinstance(exporter, ctypes.Array) else 0
    if kind.__module__ == "numpy":
        described = getattr(value, "__array_interface__", None)
        return int(described["data"][0]) if isinstance(described, dict) else 0
    if kind.__module__ == "pyarrow.lib":
        return int(getattr(value, "address", 0) or 0)
    return 0
