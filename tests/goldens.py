"""Golden files: what is typed, each with what comes of it. With ``GNOMON_UPDATE_GOLDEN=1`` they are written anew."""

import difflib
import os
from collections.abc import Iterator
from pathlib import Path

UPDATE = bool(os.environ.get("GNOMON_UPDATE_GOLDEN"))


def cases(text: str) -> Iterator[str]:
    """The code of each case: lines that begin with ``>>>``, and more of the same one with ``...``."""
    code: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.startswith("... ") and code:
            code.append(line[4:])
            continue
        if code:
            yield "\n".join(code)
        code = [line[4:]] if line.startswith(">>> ") else []


def check(path: Path, found: str, cases_min: int) -> None:
    """``found`` is what the file has to hold, and it has so many cases."""
    text = path.read_text(encoding="utf-8")
    if UPDATE:
        path.write_text(found, encoding="utf-8")
    assert found.count(">>> ") >= cases_min
    diff = "\n".join(
        difflib.unified_diff(text.splitlines(), found.splitlines(), "golden", "now", lineterm="")
    )
    assert not diff or UPDATE, diff
