"""Planted bugs: small wrong versions of the core, each of which the simulator has to find.

They are listed in ``planted.toml``: one method each, and one change of its text. ``test_planted`` looks for
each from its ``seed`` on. After a change of the simulator or the core, make the seeds anew:

    python tests/simulation/planted.py            all of them; writes the seeds into the list
    python tests/simulation/planted.py "a name"   one of them, with its story

With ``--search`` and names it looks for these where they should be, and prints a line of JSON for each.

A bug that is not found means that a check is missing, or a behaviour in the programs, or that the core has a
second line of defence there: then it is no bug.
"""

from __future__ import annotations
import __future__

import importlib
import inspect
import json
import re
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gnomon.testing.simulator import SeedReport, medium_plan_of, plan_of, run_seed

SEEDS_MAX = 5_000
REACH = 600
"""Seeds that are tried when a bug is no longer found where it was: any change of the core shifts all chance."""

PLANS = {"small": plan_of, "medium": medium_plan_of}
LIST = Path(__file__).with_suffix(".toml")


@dataclass(frozen=True)
class Bug:
    """One planted bug.

    Attributes:
        name: what is wrong, for people.
        where: ``module.Class.method`` or ``module.function`` of the core.
        right, wrong: a piece of its text, which occurs once, and what stands there instead.
        seed: where it is found.
        plan: how large the run of a seed is that finds it, a key of ``PLANS``.
    """

    name: str
    where: str
    right: str
    wrong: str
    seed: int
    plan: str = "small"

    def run(self, seed: int) -> SeedReport:
        """The run of a seed in which it is looked for."""
        return run_seed(seed, PLANS[self.plan](seed))


def read_list(kind: str = "bug") -> tuple[Bug, ...]:
    """All planted bugs; or, with "missed", those that no seed has found."""
    return tuple(Bug(**each) for each in tomllib.loads(LIST.read_text())[kind])


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Let the core have this bug for a while."""
    module_name, *class_name, name = bug.where.split(".")
    module = importlib.import_module(f"gnomon._core.{module_name}")
    place: Any = getattr(module, class_name[0]) if class_name else module
    method = getattr(place, name)
    source = textwrap.dedent(inspect.getsource(method))
    assert source.count(bug.right) == 1, f"{bug.name}: {bug.right!r} is no longer in {bug.where}"
    changed = source.replace(bug.right, bug.wrong)
    code = compile(changed, f"<{bug.name}>", "exec", flags=__future__.annotations.compiler_flag)
    made: dict[str, Any] = {}
    exec(code, module.__dict__, made)
    places = [place]
    if not class_name:  # a function is known to all that have imported it
        core = [other for key, other in sys.modules.items() if key.startswith("gnomon._core.")]
        places = [other for other in core if getattr(other, name, None) is method]
    for each in places:
        setattr(each, name, made[name])
    try:
        yield
    finally:
        for each in places:
            setattr(each, name, method)


def find(bug: Bug, first: int, last: int) -> SeedReport | None:
    """The first run among these seeds that fails with the bug."""
    with planted(bug):
        for seed in range(first, last):
            report = bug.run(seed)
            if report.failure:
                return report
    return None


def search(bug: Bug) -> dict[str, Any]:
    """Where it is found from its own seed on, and how that run fails without it, which it should not."""
    spoiled = find(bug, bug.seed, bug.seed + REACH)
    sound = "" if spoiled is None else bug.run(spoiled.seed).failure
    return {"name": bug.name, "seed": None if spoiled is None else spoiled.seed, "sound": sound}


def _hunt(bug: Bug) -> SeedReport | None:
    return find(bug, 0, SEEDS_MAX)


def main(names: list[str]) -> None:
    """Find the first seed of each bug, or tell the story of some."""
    bugs = [bug for bug in read_list() if not names or bug.name in names]
    for bug in bugs:
        with planted(bug):
            pass  # is its text still there?
    with ProcessPoolExecutor() as pool:
        for bug, report in zip(bugs, pool.map(_hunt, bugs), strict=True):
            print(f"{'NOT FOUND' if report is None else report.seed:>10}  {bug.name}", flush=True)
            if names and report is not None:
                print(report.failure)
            elif report is not None:
                entry = re.compile(rf'(name = "{re.escape(bug.name)}"\n(?:[^\[].*\n)*?seed = )\d+')
                LIST.write_text(entry.sub(rf"\g<1>{report.seed}", LIST.read_text()))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--search"]:
        for each in read_list():
            if each.name in sys.argv[2:]:
                print(json.dumps(search(each)), flush=True)
    else:
        main(sys.argv[1:])
