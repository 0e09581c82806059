"""The table of Ray's names (docs/compatibility.md) is true: names, tests, and nothing public without a row."""

import ast
import functools
import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import gnomon
from gnomon import actor, exceptions, util
from gnomon._api import checks, init_options, options
from gnomon.runtime_context import RuntimeContext
from gnomon.util import check_serialize, serialization

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "compatibility.md"
STATUSES = {"yes", "differs", "later", "absent"}

# section -> what has the names of its rows
TABLES = {
    "Options of tasks": options.TASK_CHECKS,
    "Options of actors": options.ACTOR_CHECKS,
    "Options of methods": options.METHOD_CHECKS,
}
ARGUMENTS = "Arguments of init"
GETTERS = "Getters of the runtime context"


class Row(NamedTuple):
    section: str
    names: list[str]
    status: str
    note: str
    tests: list[str]


def rows_of(text: str) -> Iterator[Row]:
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif section and line.startswith("| ") and not line.startswith("| name |"):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            assert len(cells) == 4, line
            names = re.findall(r"`([^`]+)`", cells[0]) if section != "Behaviour" else [cells[0]]
            yield Row(section, names, cells[1], cells[2], re.findall(r"`([^`]+)`", cells[3]))


ROWS = list(rows_of(TABLE.read_text(encoding="utf-8")))


def find(dotted: str) -> Any:
    """What a dotted name stands for.

    Raises:
        AttributeError, ModuleNotFoundError: nothing.
    """
    found: Any = gnomon
    path = dotted.split(".")
    for index, part in enumerate(path[1:], start=2):
        try:
            found = inspect.getattr_static(found, part) if isinstance(found, type) else getattr(found, part)
        except AttributeError:
            found = importlib.import_module(".".join(path[:index]))
    return found


def exists(row: Row, name: str) -> bool:
    """Whether gnomon has it, and does not merely refuse it."""
    if row.section in TABLES:
        check = TABLES[row.section].get(name)
        return check is not None and not isinstance(check, checks.NotYet)
    if row.section == ARGUMENTS:
        return name in inspect.signature(gnomon.init).parameters
    if row.section == GETTERS:
        return hasattr(RuntimeContext, name)
    try:
        find(name)
    except (AttributeError, ModuleNotFoundError):
        return False
    return True


# refused by the check of their values, so that they are there and not there
HALF = {
    (ARGUMENTS, "runtime_env"), (ARGUMENTS, "job_config"),
}  # fmt: skip


def test_every_name_is_there_or_not() -> None:
    wrong = [
        f"{row.section}: {name} is {row.status}"
        for row in ROWS
        if row.section != "Behaviour"
        for name in row.names
        if (row.section, name) not in HALF and exists(row, name) != (row.status in {"yes", "differs"})
    ]
    assert not wrong


def test_every_row_says_what_it_has_to() -> None:
    assert len(ROWS) > 80
    for row in ROWS:
        assert row.names, row
        assert row.status in STATUSES, row
        assert row.note or row.status in {"yes", "later"} or row.section == "Behaviour", row
        assert row.tests or row.status in {"later", "absent"}, row


def test_no_name_has_two_rows() -> None:
    told = [(row.section, name) for row in ROWS for name in row.names]
    assert sorted({each for each in told if told.count(each) > 1}) == []


@functools.cache
def functions(file: Path) -> frozenset[str]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def is_test(named: str) -> bool:
    path, _, function = named.partition("::")
    file = ROOT / "tests" / path
    if not file.is_file():
        return False
    return not function or function in functions(file)


def test_every_test_exists() -> None:
    assert sorted({each for row in ROWS for each in row.tests if not is_test(each)}) == []


def named(section_start: str) -> set[str]:
    return {name for row in ROWS if row.section.startswith(section_start) for name in row.names}


def exported(module: str) -> set[str]:
    return {f"{module}.{name}" for name in find(module).__all__}


def public(cls: type) -> set[str]:
    return {name for name in vars(cls) if not name.startswith("_")}


@pytest.mark.parametrize(
    ("section", "names"),
    [
        ("Names", {f"gnomon.{name}" for name in gnomon.__all__}),
        ("Names", {f"gnomon.util.{name}" for name in util.__all__}),
        ("Names", {f"gnomon.util.{name}" for name in serialization.__all__}),
        ("Names", {f"gnomon.util.check_serialize.{name}" for name in check_serialize.__all__}),
        ("Names", {f"gnomon.actor.{name}" for name in actor.__all__}),
        ("Names", {f"gnomon.exceptions.{name}" for name in exceptions.__all__}),
        ("Names", exported("gnomon.dag")),
        ("Names", exported("gnomon.util.queue")),
        ("Names", exported("gnomon.util.multiprocessing")),
        ("Names", exported("gnomon.util.joblib")),
        ("Names", {f"gnomon.util.actor_pool.ActorPool.{name}" for name in public(util.ActorPool)}),
        ("Names", {f"gnomon.util.queue.Queue.{name}" for name in public(find("gnomon.util.queue").Queue)}),
        ("Names", {f"gnomon.actor.ActorClass.{name}" for name in public(actor.ActorClass)}),
        ("Names", {f"gnomon.actor.ActorMethod.{name}" for name in public(actor.ActorMethod)}),
        ("Names", {f"gnomon.experimental.tqdm_ray.{name}" for name in find("gnomon.experimental.tqdm_ray").__all__}),
        ("Names", {f"gnomon.dag.{name}" for name in find("gnomon.dag").__all__}),
        ("Names", {f"gnomon.util.queue.{name}" for name in find("gnomon.util.queue").__all__}),
        ("Names", {f"gnomon.util.multiprocessing.{name}" for name in find("gnomon.util.multiprocessing").__all__}),
        ("Names", {f"gnomon.util.joblib.{name}" for name in find("gnomon.util.joblib").__all__}),
        ("Names", {f"gnomon.ObjectRef.{name}" for name in public(gnomon.ObjectRef)}),
        ("Names", {f"gnomon.ObjectRefGenerator.{name}" for name in public(gnomon.ObjectRefGenerator)}),
        ("Options of tasks", set(options.TASK_CHECKS)),
        ("Options of actors", set(options.ACTOR_CHECKS)),
        ("Options of methods", set(options.METHOD_CHECKS)),
        (ARGUMENTS, set(inspect.signature(gnomon.init).parameters) - {"others"}),
        (GETTERS, public(RuntimeContext)),
    ],
)  # fmt: skip
def test_everything_public_has_a_row(section: str, names: set[str]) -> None:
    assert sorted(names - named(section)) == []


def test_refused_arguments_are_refused() -> None:
    refused = [
        name for row in ROWS if row.section == ARGUMENTS for name in row.names if row.status == "absent"
    ]
    parameters = inspect.signature(gnomon.init).parameters
    assert [name for name in refused if name not in init_options._OTHERS and name not in parameters] == []


def test_the_checks_see_what_is_wrong() -> None:
    table = "## Names: a\n| name | status | note | tests |\n|---|---|---|---|\n"
    told = list(rows_of(table + "| `gnomon.nothing`, `gnomon.get` | yes | | `x.py` |\n"))
    assert told == [Row("Names: a", ["gnomon.nothing", "gnomon.get"], "yes", "", ["x.py"])]
    assert [exists(told[0], name) for name in told[0].names] == [False, True]
    assert not is_test("x.py")
    assert not is_test("test_compatibility.py::test_nothing")
    assert is_test("test_compatibility.py::test_the_checks_see_what_is_wrong")
