"""A driver in a process of its own, told what to do line by line.

Usage: remote_driver.py. Each line on standard input is JSON: the code to run. If its last statement is an
expression its value is the answer (JSON too), else None; an exception is answered as its class and text."""

from __future__ import annotations

import ast
import json
import sys


def run(code: str, names: dict[str, object]) -> object:
    tree = ast.parse(code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, "<driver>", "exec"), names)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), "<driver>", "eval"), names)


def main() -> None:
    names = vars(sys.modules["__main__"])
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        try:
            answer = {"value": run(json.loads(line), names)}
        except Exception as error:
            answer = {"error": type(error).__name__, "text": str(error)}
        out.write(json.dumps(answer) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
