"""Which names a piece of code reads before it binds them, and which it binds: what ``%%remote`` must know.

The code is never run. Statements of the cell itself are walked in the order in which they run, with the set
of names that are certainly bound so far; what functions, classes, lambdas and comprehensions read is taken
from Python's own symbol tables. Where order can not be known, a name counts as read: capturing one name too
many costs time, one too few is a ``NameError`` far from its cause.
"""

from __future__ import annotations

import ast
import symtable
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


@dataclass(frozen=True, slots=True)
class CellNames:
    """What a cell does with names.

    Attributes:
        reads: needed from outside, in order of first use; builtins included.
        binds: names that the cell may bind at its top level.
    """

    reads: tuple[str, ...]
    binds: frozenset[str]


def analyse(source: str, tree: ast.Module | None = None) -> CellNames:
    """Find the names that ``source`` needs from outside and those that it binds.

    Raises:
        SyntaxError: the source is not Python.
    """
    tree = tree if tree is not None else ast.parse(source)
    walk = _Walk()
    walk.block(tree.body, walk.bound)
    defined = set(_definitions(tree.body))
    table = symtable.symtable(source, "<cell>", "exec")
    for name, line in _read_in_nested_scopes(table):
        certain_from = walk.bound.get(name)
        if name not in defined and (certain_from is None or certain_from > line):
            walk.read(name)
    binds = walk.may_bind | {name for name, _line in _bound_in_nested_scopes(table)}
    return CellNames(tuple(walk.reads), frozenset(binds))


def _definitions(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Functions, classes and imports of the top level: nested code that uses them runs after them."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (alias.asname or alias.name.split(".")[0] for alias in node.names)


def _nested(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _nested(child)


def _read_in_nested_scopes(table: symtable.SymbolTable) -> Iterator[tuple[str, int]]:
    for scope in _nested(table):
        for symbol in scope.get_symbols():
            if symbol.is_referenced() and symbol.is_global():
                yield symbol.get_name(), scope.get_lineno()


def _bound_in_nested_scopes(table: symtable.SymbolTable) -> Iterator[tuple[str, int]]:
    """CellNames that functions bind by ``global``, and comprehensions by ``:=``."""
    for scope in _nested(table):
        for symbol in scope.get_symbols():
            if symbol.is_declared_global() and symbol.is_assigned():
                yield symbol.get_name(), scope.get_lineno()


@dataclass
class _Walk(ast.NodeVisitor):
    """Walks what runs at the top level of a cell.

    ``bound`` maps a name that is certainly bound from here on to the line where that began.
    """

    bound: dict[str, int] = field(default_factory=dict)
    reads: dict[str, None] = field(default_factory=dict)
    may_bind: set[str] = field(default_factory=set)

    def read(self, name: str) -> None:
        self.reads.setdefault(name)

    def bind(self, name: str, line: int) -> None:
        self.may_bind.add(name)
        self.bound.setdefault(name, line)

    def block(self, body: Iterable[ast.AST], bound: dict[str, int]) -> dict[str, int]:
        """Walk statements that start with ``bound``; returns what is bound after them."""
        outer, self.bound = self.bound, bound
        for node in body:
            self.visit(node)
        self.bound, after = outer, self.bound
        return after

    def branch(self, body: Iterable[ast.AST]) -> dict[str, int]:
        """Walk statements that may not run."""
        return self.block(body, dict(self.bound))

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self.bind(node.id, node.lineno)
        elif isinstance(node.ctx, ast.Del):
            self.bound.pop(node.id, None)
        elif node.id not in self.bound:
            self.read(node.id)

    def visit_Assign(self, node: ast.Assign) -> None:
        self.visit(node.value)
        for target in node.targets:
            self.visit(target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name) and node.target.id not in self.bound:
            self.read(node.target.id)
        self.visit(node.value)
        self.visit(node.target)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        self.visit(node.annotation)
        if node.value is not None:
            self.visit(node.value)
            self.visit(node.target)
        elif not isinstance(node.target, ast.Name):
            self.visit(node.target)

    def visit_NamedExpr(self, node: ast.NamedExpr) -> None:
        self.visit(node.value)
        self.visit(node.target)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self.visit(node.values[0])
        self.branch(node.values[1:])

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self.visit(node.test)
        self.branch([node.body])
        self.branch([node.orelse])

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test)
        then, otherwise = self.branch(node.body), self.branch(node.orelse)
        self.bound = {name: line for name, line in then.items() if name in otherwise}

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        self.visit(node.iter)
        self.branch([node.target, *node.body])
        self.branch(node.orelse)

    visit_AsyncFor = visit_For

    def visit_While(self, node: ast.While) -> None:
        self.visit(node.test)
        self.branch(node.body)
        self.branch(node.orelse)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        for item in node.items:
            self.visit(item.context_expr)
            if item.optional_vars is not None:
                self.visit(item.optional_vars)
        # a context manager may swallow an error, so that the end of the body is not certain
        self.branch(node.body)

    visit_AsyncWith = visit_With

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        whole = self.branch(node.body)
        for handler in node.handlers:
            self.branch([handler])
        self.block(node.orelse, whole)
        for statement in node.finalbody:
            self.visit(statement)

    visit_TryStar = visit_Try

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> None:
        if node.type is not None:
            self.visit(node.type)
        if node.name is not None:
            self.bind(node.name, node.lineno)
        for statement in node.body:
            self.visit(statement)

    def visit_Match(self, node: ast.Match) -> None:
        self.visit(node.subject)
        for case in node.cases:
            self.branch([case.pattern, *([case.guard] if case.guard else []), *case.body])

    def visit_MatchAs(self, node: ast.MatchAs) -> None:
        self.generic_visit(node)
        if node.name is not None:
            self.bind(node.name, node.lineno)

    def visit_MatchStar(self, node: ast.MatchStar) -> None:
        if node.name is not None:
            self.bind(node.name, node.lineno)

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        self.generic_visit(node)
        if node.rest is not None:
            self.bind(node.rest, node.lineno)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self.bind(alias.asname or alias.name.split(".")[0], node.lineno)

    visit_ImportFrom = visit_Import

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, _SCOPES):
            for part in _evaluated_outside(node):
                self.visit(part)
            if not isinstance(node, ast.Lambda):
                self.bind(node.name, node.lineno)
        elif isinstance(node, _COMPREHENSIONS):
            self.visit(node.generators[0].iter)  # the rest is a scope of its own
        else:
            super().generic_visit(node)


def _evaluated_outside(node: _SCOPES) -> Iterator[ast.AST]:
    """What of a definition runs in the scope around it."""
    if isinstance(node, ast.ClassDef):
        yield from (*node.decorator_list, *node.bases, *node.keywords)
        return
    if not isinstance(node, ast.Lambda):
        yield from node.decorator_list
        arguments = node.args
        every = (
            *arguments.posonlyargs,
            *arguments.args,
            *arguments.kwonlyargs,
            arguments.vararg,
            arguments.kwarg,
        )
        yield from (a.annotation for a in every if a is not None and a.annotation is not None)
        if node.returns is not None:
            yield node.returns
    yield from (default for default in (*node.args.defaults, *node.args.kw_defaults) if default is not None)
