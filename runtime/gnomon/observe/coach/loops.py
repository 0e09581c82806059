"""Whether code waits for each result before it submits the next call though it need not: read from its text.

    for x in xs:                         for x in xs:
        y = get(f.remote(x))   needless      y = get(f.remote(y))   each call needs the result before it
        ys.append(y)                         if y < 0.1: break      so does a loop that a result may end

Only what is certain counts: a loop that can be seen whole, in one cell, with ``get`` on the reference itself. A ``while``
loop, and one that can be left early, may depend on what comes; they are left alone.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

_LOOPS = ast.For | ast.AsyncFor | ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_COMPREHENSIONS = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_SCOPES = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef
_LEAVES = ast.Break | ast.Return | ast.Raise | ast.Yield | ast.YieldFrom
_ROUNDS_MAX = 50
"""Assignments that a name can pass through; more are taken for a dependency."""


def waits_needlessly(source: str, line: int, name: str) -> bool:
    """Whether the call of ``name`` submitted at a line of ``source`` is waited for within its loop, for nothing.

    Args:
        source: Python, as it was compiled.
        line: of the submission, from 1.
        name: of the function, or of the class and method (``Counter.add``).
    """
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return False
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    submission = _submission(tree, line, name)
    if submission is None:
        return False
    loop = _loop_of(submission, parents)
    if loop is None or any(isinstance(node, _LEAVES) for node in _within(loop)):
        return False
    return (
        _is_got(submission, loop, parents)
        and _varies(submission, loop)
        and not _needs_results(submission, loop)
    )


def submits_at(source: str, line: int, name: str) -> bool:
    """Whether ``name`` is submitted at a line of ``source``."""
    try:
        return _submission(ast.parse(source), line, name) is not None
    except SyntaxError:
        return False


def _submission(tree: ast.AST, line: int, name: str) -> ast.Call | None:
    """The innermost ``name.remote(...)`` (or ``.options(...).remote(...)``) that spans a line."""
    short = name.rpartition(".")[2]
    calls = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "remote"
        and node.lineno <= line <= (node.end_lineno or node.lineno)
    ]
    named = [call for call in calls if short in _words(call.func)]
    found = named or (calls if len(calls) == 1 else [])
    return min(found, key=lambda call: (call.end_lineno or 0) - call.lineno, default=None)


def _words(node: ast.AST) -> set[str]:
    """The names and attributes of an expression like ``model.train.options(...).remote``."""
    return {
        each.id if isinstance(each, ast.Name) else each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Name | ast.Attribute)
    }


def _loop_of(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> ast.AST | None:
    """The loop right around a node, within its function; a comprehension's source is outside of it."""
    while (parent := parents.get(node)) is not None:
        if isinstance(parent, _SCOPES | ast.While):
            return None
        if (
            isinstance(parent, ast.For | ast.AsyncFor)
            and node is not parent.iter
            and node not in parent.orelse
        ):
            return parent
        if isinstance(parent, _COMPREHENSIONS):
            first = parent.generators[0]
            if not any(node is each for each in ast.walk(first.iter)):
                return parent
            node = parents[parent]
            if isinstance(node, _SCOPES):
                return None
            continue
        if isinstance(parent, ast.comprehension):
            node = parent
            continue
        node = parent
    return None


def _within(loop: ast.AST) -> Iterator[ast.AST]:
    """All of a loop but the functions that it defines."""
    pending = [loop]
    while pending:
        node = pending.pop()
        yield node
        pending += [child for child in ast.iter_child_nodes(node) if not isinstance(child, _SCOPES)]


def _is_get(node: ast.AST) -> bool:
    """``get(...)``, ``gnomon.get(...)``, ``ray.get(...)``; ``await`` counts too."""
    if isinstance(node, ast.Await):
        return True
    if not isinstance(node, ast.Call) or not node.args:
        return False
    function = node.func
    if isinstance(function, ast.Attribute):
        return function.attr == "get" and isinstance(function.value, ast.Name) and len(node.args) == 1
    return isinstance(function, ast.Name) and function.id == "get"


def _is_remote(node: ast.Call) -> bool:
    return isinstance(node.func, ast.Attribute) and node.func.attr == "remote"


def _is_got(submission: ast.Call, loop: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """Whether the loop waits for what it has just submitted: directly, or by the name that it has given to it."""
    around: ast.AST | None = submission
    while around is not None and around is not loop:
        if around is not submission and _is_get(around):
            return True
        around = parents.get(around)
    holder = parents.get(submission)
    if isinstance(holder, ast.Assign | ast.NamedExpr):
        targets = holder.targets if isinstance(holder, ast.Assign) else [holder.target]
        names = {target.id for target in targets if isinstance(target, ast.Name)}
        for node in _within(loop):
            if _is_get(node):
                asked = node.value if isinstance(node, ast.Await) else node.args[0]  # type: ignore[attr-defined]
                if isinstance(asked, ast.Name) and asked.id in names:
                    return True
    return False


def _needs_results(submission: ast.Call, loop: ast.AST) -> bool:
    """Whether a result of an earlier turn can reach the arguments of the next call, or decide whether it is made."""
    tainted: set[str] = set()
    fresh = _targets(loop)
    statements = [
        node for node in _within(loop) if isinstance(node, ast.stmt | ast.NamedExpr) and node is not loop
    ]
    for _ in range(_ROUNDS_MAX):
        before = len(tainted)
        for statement in statements:
            if _carries(statement, tainted):
                tainted |= _changed(statement) - fresh
        if len(tainted) == before:
            break
    else:
        return True
    arguments = [*submission.args, *(keyword.value for keyword in submission.keywords)]
    read = {node.id for each in arguments for node in ast.walk(each) if isinstance(node, ast.Name)}
    tests = [
        node.test
        for node in _within(loop)
        if isinstance(node, ast.If) and any(each is submission for each in ast.walk(node))
    ]
    read |= {node.id for test in tests for node in ast.walk(test) if isinstance(node, ast.Name)}
    return bool(read & tainted) or any(_is_get(node) for each in arguments for node in ast.walk(each))


def _varies(submission: ast.Call, loop: ast.AST) -> bool:
    """Whether the turns ask for different work: a loop that repeats one call measures it, or waits for an effect."""
    made = {
        node.id for node in _within(loop) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return any(isinstance(node, ast.Name) and node.id in made for node in ast.walk(submission))


def _targets(loop: ast.AST) -> set[str]:
    """What gets another value with each turn."""
    if isinstance(loop, ast.For | ast.AsyncFor):
        targets = [loop.target]
    else:
        assert isinstance(loop, _COMPREHENSIONS)
        targets = [generator.target for generator in loop.generators]
    return {node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)}


def _carries(statement: ast.AST, tainted: set[str]) -> bool:
    """Whether a statement reads a result."""
    own: list[ast.AST] = [statement]
    if isinstance(
        statement, ast.If | ast.For | ast.AsyncFor | ast.With | ast.AsyncWith | ast.Try | ast.Match
    ):
        own = [child for child in ast.iter_child_nodes(statement) if not isinstance(child, ast.stmt)]
    return any(
        _is_get(node) or (isinstance(node, ast.Name) and node.id in tainted)
        for each in own
        for node in ast.walk(each)
    )


def _changed(statement: ast.AST) -> set[str]:
    """The names that a statement may change: what it assigns, what it calls methods of, and what it hands to calls."""
    names = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Call) and not _is_get(node) and not _is_remote(node):
            if isinstance(node.func, ast.Attribute):
                names |= _base(node.func.value)
            names |= {each.id for each in node.args if isinstance(each, ast.Name)}
        elif isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store):
            names |= _base(node.value)
    return names


def _base(node: ast.AST) -> set[str]:
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()
