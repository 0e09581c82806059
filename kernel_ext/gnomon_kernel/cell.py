"""``%%remote``: a cell of definitions *defines* them as remote; any other cell *runs* as one task.

Here a cell is read and prepared; running it is :mod:`gnomon_kernel.actions`'s business, and what happens in
the worker is in :mod:`gnomon_kernel.cell_task`. Line numbers stay those of the cell as people see it: the
line with ``%%remote`` is line 1.
"""

from __future__ import annotations

import ast
import builtins
import enum
import inspect
import linecache
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from gnomon.exceptions import TaskError
from gnomon.resources import size_words
from gnomon_kernel.cell_names import CellNames, analyse
from gnomon_kernel.cell_task import CELL_TASK_NAME, FRAMES_ATTRIBUTE, chain
from gnomon_kernel.display import table

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

Frames = list[tuple[str, int, str]]
"""Where an error was raised: file name, line, function; outermost first."""

_DEFINITIONS = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_CAPTURED = re.compile(r"argument 2 of \S+ -> \['(\w+)'\]")
"""How an error tells of what the cell's task was given: the captured names are its second argument."""

_CONTEXT_LINES = 2
"""Lines shown before and after the one that raised."""


@dataclass(frozen=True, slots=True)
class ParsedCell:
    """A cell that has been read.

    Attributes:
        tree: its code.
        source: its code as text, after an empty line that stands for the magic's.
        filename: the name under which tracebacks find its lines.
        names: what it reads and binds.
    """

    tree: ast.Module
    source: str
    filename: str
    names: CellNames

    @property
    def defines(self) -> bool:
        """Only imports, definitions and constants, with at least one of them."""
        return bool(self.tree.body) and only_definitions(self.tree.body)


@dataclass(frozen=True, slots=True)
class Defined:
    """The names that a defining cell has made remote, in the order of the cell."""

    functions: tuple[str, ...]
    actors: tuple[str, ...]


def parse(shell: InteractiveShell, line: str, cell: str, number: int) -> ParsedCell:
    """Read a cell.

    Args:
        shell: knows the lines for tracebacks afterwards.
        line: what stood after ``%%remote``.
        cell: the lines below.
        number: of the running cell, for the name in tracebacks.

    Raises:
        UsageError: the cell holds magics or shell commands, which a task can not run, or nothing at all.
        SyntaxError: it is not Python.
    """
    source = "\n" + cell
    filename = shell.compile.cache(f"%%remote {line}".rstrip() + source, number)
    try:
        tree = ast.parse(source, filename)
    except SyntaxError:
        if "get_ipython()" in shell.transform_cell(cell):  # type: ignore[no-untyped-call]
            raise UsageError(
                "%%remote: magics and shell commands run in the notebook, not in a task. "
                "Move them to a cell of their own."
            ) from None
        raise
    if not tree.body:
        raise UsageError(
            "%%remote: the cell is empty. Write the code to run, or definitions, below the line."
        )
    return ParsedCell(tree, source, filename, analyse(source, tree))


def only_definitions(body: list[ast.stmt]) -> bool:
    """Whether a cell has nothing to run: imports, definitions and constants alone."""
    constants: set[str] = set()
    for position, node in enumerate(body):
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Pass | _DEFINITIONS):
            continue
        if position == 0 and len(body) > 1 and isinstance(node, ast.Expr):
            if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
                continue  # the cell's docstring
        if not isinstance(node, ast.Assign | ast.AnnAssign) or not _is_constant(node.value, constants):
            return False
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        if not all(isinstance(name, ast.Name) for target in targets for name in _flat(target)):
            return False
        constants.update(
            name.id for target in targets for name in _flat(target) if isinstance(name, ast.Name)
        )
    return True


def definitions(parsed: ParsedCell) -> list[str]:
    """Names of the functions and classes that a cell defines."""
    return [node.name for node in parsed.tree.body if isinstance(node, _DEFINITIONS)]


def define(shell: InteractiveShell, parsed: ParsedCell, wrap: Callable[[Any], Any]) -> Defined:
    """Run a defining cell in the notebook and make what it defines remote.

    Args:
        shell: in whose namespace the names appear.
        parsed: the cell.
        wrap: makes a function or class remote. Exceptions and enumerations stay as they are: an actor of one
            is of no use. So does what the cell has made remote itself.
    """
    names = definitions(parsed)
    exec(compile(parsed.tree, parsed.filename, "exec"), shell.user_ns)
    functions, actors = [], []
    for name in dict.fromkeys(names):
        made = shell.user_ns[name]
        if inspect.isfunction(made):
            functions.append(name)
        elif inspect.isclass(made) and not issubclass(made, BaseException | enum.Enum):
            actors.append(name)
        else:
            continue
        shell.user_ns[name] = wrap(made)
    return Defined(tuple(functions), tuple(actors))


def captures(names: CellNames, space: Mapping[str, Any]) -> dict[str, Any]:
    """The names that a cell reads and the notebook has, with their values."""
    return {
        name: space[name]
        for name in names.reads
        if name in space and not (hasattr(builtins, name) and space[name] is getattr(builtins, name))
    }


def captures_table(captured: Mapping[str, Any], dumps: Callable[[Any], bytes]) -> str:
    """A table of what a cell takes along: name, type, size when pickled."""
    if not captured:
        return "captures nothing from the notebook"
    rows = [(name, type(value).__name__, _pickled_size(value, dumps)) for name, value in captured.items()]
    return table(("captured", "type", "size"), rows)


def check_outputs(parsed: ParsedCell, outputs: tuple[str, ...]) -> None:
    """Refuse ``-o`` names that the cell never assigns, before anything runs.

    Raises:
        UsageError: names them, and those that it does assign.
    """
    missing = [name for name in outputs if name not in parsed.names.binds]
    if missing:
        assigned = ", ".join(sorted(parsed.names.binds)) or "nothing"
        raise UsageError(
            f"%%remote -o: the cell does not assign {', '.join(missing)}. It assigns {assigned}."
        )


def render_error(error: BaseException, parsed: ParsedCell) -> list[str]:
    """What IPython shows for an error in a cell's task: the notebook's own lines, and the error."""
    links = chain(error)
    noted: list[Frames] = [getattr(link, FRAMES_ATTRIBUTE, []) for link in links]
    frames = next(filter(None, noted), [])
    kind = type(links[-1]).__name__
    lines = ["-" * 75, f"{kind:<42}Traceback (most recent call last)"] if frames else []
    for filename, line, function in frames:
        place = "In the cell" if filename == parsed.filename else f"File {filename}"
        where = "" if function == "<module>" else f", in {function}"
        lines += [f"{place}, line {line}{where}", *_excerpt(filename, line), ""]
    said = _CAPTURED.sub(r"the captured name \1", str(links[-1]))
    lines += f"{kind}: {said}".rstrip(": ").splitlines()
    told = [(link.function_name, link.traceback_str) for link in links if isinstance(link, TaskError)]
    if frames and told and told[-1][0] != CELL_TASK_NAME:
        lines += ["", f"It was raised in the task {told[-1][0]}:", *told[-1][1].splitlines()]
    return lines


def _is_constant(node: ast.expr | None, known: set[str]) -> bool:
    """Literals, and expressions of literals and constants of this cell."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Name):
        return node.id in known
    if isinstance(node, ast.UnaryOp):
        return _is_constant(node.operand, known)
    if isinstance(node, ast.BinOp):
        return _is_constant(node.left, known) and _is_constant(node.right, known)
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return all(_is_constant(item, known) for item in node.elts)
    if isinstance(node, ast.Dict):
        return all(_is_constant(item, known) for item in (*node.keys, *node.values))
    return False


def _flat(target: ast.expr) -> list[ast.expr]:
    if isinstance(target, ast.Tuple | ast.List):
        return [name for item in target.elts for name in _flat(item)]
    return [target]


def _pickled_size(value: Any, dumps: Callable[[Any], bytes]) -> str:
    if isinstance(value, types.ModuleType):
        return "by name"
    try:
        return size_words(len(dumps(value)))
    except Exception as error:  # whatever a user's __reduce__ raises: the submission will tell it in full
        return f"can not be pickled: {type(error).__name__}"


def _excerpt(filename: str, line: int) -> list[str]:
    first = max(1, line - _CONTEXT_LINES)
    shown = [
        (n, linecache.getline(filename, n).rstrip("\n")) for n in range(first, line + _CONTEXT_LINES + 1)
    ]
    while shown and not shown[-1][1] and shown[-1][0] != line:
        shown.pop()
    return [f"{'---->' if n == line else '     '} {n:>3} {text}".rstrip() for n, text in shown]
