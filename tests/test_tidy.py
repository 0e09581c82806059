"""The house rules of STYLE.md as code. An exception is a line with a reason, and such lines may only go."""

import ast
import builtins
import functools
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = (ROOT / "runtime" / "gnomon", ROOT / "kernel_ext" / "gnomon_kernel")
MODULE_LINES_MAX = 500
FUNCTION_LINES_MAX = 70

# path from the root -> why this module may be longer than MODULE_LINES_MAX
LONG_MODULES: dict[str, str] = {
    "runtime/gnomon/exceptions.py": "the one file of exceptions; most of it says what to do next",
}

# "path::function" -> why this function may be longer than FUNCTION_LINES_MAX
LONG_FUNCTIONS: dict[str, str] = {}

# path from the root -> why this file may import ray
IMPORTS_RAY = {
    "runtime/gnomon/_engine/ray.py": "the engine that runs on Ray",
}

# what lies about in a source archive, where no git tells what belongs to the project
NOT_SOURCES = {"node_modules", "__pycache__", ".venv", ".make", "static", "dist", ".out"}
NOT_SOURCES |= {".pytest_cache", ".ruff_cache", ".mypy_cache", ".import_linter_cache", ".hypothesis"}


# ------------------------------------------------------------------------------------- the files


@functools.cache
def project_files() -> tuple[Path, ...]:
    """Every file of the project that git holds or would hold."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    except (OSError, subprocess.CalledProcessError):  # a source archive without git
        paths = (path for path in ROOT.rglob("*") if not NOT_SOURCES & set(path.relative_to(ROOT).parts))
    else:
        paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(sorted(path for path in paths if path.is_file()))


def python_modules() -> list[Path]:
    return [
        path
        for path in project_files()
        if path.suffix == ".py" and any(path.is_relative_to(p) for p in PACKAGES)
    ]


def scripts_of_the_front_end() -> list[Path]:
    source = ROOT / "labextension" / "src"
    return [
        path for path in project_files() if path.is_relative_to(source) and path.suffix in {".ts", ".tsx"}
    ]


def notebooks() -> list[Path]:
    return [path for path in project_files() if path.suffix == ".ipynb"]


def text_files() -> Iterator[tuple[str, str]]:
    for path in project_files():
        try:
            yield name(path), path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # a picture


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), filename=name(path))


def test_the_project_is_found() -> None:
    # all tests below pass on an empty list, so this one must not
    assert len(python_modules()) > 20
    assert len(notebooks()) >= 2


# ------------------------------------------------------------------------------------- sizes


def test_modules_are_short() -> None:
    sizes = {
        name(path): len(path.read_text(encoding="utf-8").splitlines())
        for path in [*python_modules(), *scripts_of_the_front_end()]
    }
    long = {module for module, lines in sizes.items() if lines > MODULE_LINES_MAX}
    assert not long - LONG_MODULES.keys(), "over 500 lines: look for the second idea in it"
    assert not LONG_MODULES.keys() - long, "short now: take it off the list"


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines from ``def`` to the end, the docstring left out: explaining is not what makes a function long."""
    lines = (function.end_lineno or function.lineno) - function.lineno + 1
    first = function.body[0]
    if (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    ):
        lines -= (first.end_lineno or first.lineno) - first.lineno + 1
    return lines


def test_functions_are_short() -> None:
    long = {
        f"{name(path)}::{node.name}"
        for path in python_modules()
        for node in ast.walk(tree(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and body_lines(node) > FUNCTION_LINES_MAX
    }
    assert not long - LONG_FUNCTIONS.keys(), "70 lines is a fault"
    assert not LONG_FUNCTIONS.keys() - long, "short now: take it off the list"


def test_every_module_says_what_it_is() -> None:
    silent = [
        name(path) for path in python_modules() if tree(path).body and not ast.get_docstring(tree(path))
    ]
    assert not silent, "begin with what the module is, and what it is not"


# ------------------------------------------------------------------------------------- layers and names


def test_layers() -> None:
    command = [
        sys.executable,
        "-c",
        "from importlinter.cli import lint_imports_command as c; c()",
        "--no-cache",
    ]
    pythonpath = ":".join(str(package.parent) for package in PACKAGES)
    result = subprocess.run(
        command,
        cwd=ROOT,
        env={"PYTHONPATH": pythonpath, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_runtime_and_kernel_ext_are_folders() -> None:
    for package in PACKAGES:
        assert not (package.parent / "__init__.py").exists(), "hatchling maps what is in the folder"


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_only_its_engine_imports_ray() -> None:
    importers = {
        name(path)
        for path in python_modules()
        if any(m.split(".")[0] == "ray" for m in imported_modules(path))
    }
    assert importers <= IMPORTS_RAY.keys()


def test_the_core_uses_no_random_functions() -> None:
    """A ``random.Random`` is passed in; the module's own functions would share one hidden state."""
    loose = [
        f"{name(path)}:{node.lineno}"
        for path in python_modules()
        if {"_core", "_messages"} & set(path.parts)
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "random"
        and node.attr != "Random"
    ]
    assert not loose


def top_level_classes() -> Iterator[tuple[Path, ast.ClassDef]]:
    for path in python_modules():
        for node in tree(path).body:
            if isinstance(node, ast.ClassDef):
                yield path, node


def test_no_two_classes_share_a_name() -> None:
    places: dict[str, list[str]] = {}
    for path, node in top_level_classes():
        if not node.name.startswith("_"):
            places.setdefault(node.name, []).append(name(path))
    shared = {class_name: where for class_name, where in places.items() if len(where) > 1}
    assert not shared


def test_public_modules_decide_what_they_export() -> None:
    undecided = [
        name(path)
        for path in python_modules()
        if path.is_relative_to(PACKAGES[0])
        and not any(part.startswith("_") and part != "__init__.py" for part in path.relative_to(ROOT).parts)
        and not {"testing", "observe"} & set(path.parts)
        and tree(path).body[1:]  # more than a docstring
        and not any(
            isinstance(node, ast.Assign | ast.AnnAssign) and "__all__" in ast.unparse(node)
            for node in tree(path).body
        )
        and path.name not in {"ids.py", "resources.py"}  # two leaves, all of whose names are meant
    ]
    assert not undecided, "a public module without __all__"


def test_public_names_are_decided() -> None:
    """A public name can not be taken back, so that a new one is a change to this list too."""
    import gnomon

    decided = (ROOT / "tests" / "public_names.txt").read_text(encoding="utf-8").split()
    assert sorted(gnomon.__all__) == sorted(decided)
    assert [public for public in decided if not hasattr(gnomon, public)] == []


# ------------------------------------------------------------------------------------- errors and settings


def base_names(node: ast.ClassDef) -> set[str]:
    return {ast.unparse(base).rsplit(".", 1)[-1] for base in node.bases}


def test_exceptions_live_in_one_file() -> None:
    home = ROOT / "runtime" / "gnomon" / "exceptions.py"
    known = {"Exception", "BaseException"} | {
        public for public in dir(builtins) if public.endswith(("Error", "Warning", "Interrupt", "Exit"))
    }
    known |= {node.name for node in tree(home).body if isinstance(node, ast.ClassDef)}
    elsewhere = [
        f"{name(path)}:{node.name}"
        for path in python_modules()
        if path != home
        for node in ast.walk(tree(path))
        if isinstance(node, ast.ClassDef) and base_names(node) & known
    ]
    assert not elsewhere


def settings_without_a_sentence(module: ast.Module) -> Iterator[str]:
    """Fields and upper-case constants that no string literal follows and no ``Attributes:`` names."""
    for scope in [module, *(node for node in module.body if isinstance(node, ast.ClassDef))]:
        told = ast.get_docstring(scope) or ""
        for node, after in zip(scope.body, [*scope.body[1:], None], strict=True):
            if not isinstance(node, ast.AnnAssign | ast.Assign):
                continue
            target = node.target if isinstance(node, ast.AnnAssign) else node.targets[0]
            setting = ast.unparse(target)
            if setting.startswith("_") or (scope is module and not setting.isupper()):
                continue
            documented = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if not documented and not re.search(rf"^\s*{re.escape(setting)}:", told, re.MULTILINE):
                yield f"{setting} (line {node.lineno})"


def test_settings_are_documented() -> None:
    path = ROOT / "runtime" / "gnomon" / "settings.py"
    assert list(settings_without_a_sentence(tree(path))) == []


def test_the_check_of_settings_sees_a_silent_one() -> None:
    doc = '"""Doc.\n\n    Attributes:\n        told: a thing.\n    """'
    silent = ast.parse(f"class Settings:\n    {doc}\n    told: int = 1\n    silent: int = 2\n")
    assert list(settings_without_a_sentence(silent)) == ["silent (line 8)"]


# ------------------------------------------------------------------------------------- texts


def test_notebooks_are_stored_clean() -> None:
    for path in notebooks():
        content = json.loads(path.read_text(encoding="utf-8"))
        assert (content["nbformat"], content["nbformat_minor"] >= 5) == (4, True), (
            f"{name(path)}: needs cell ids"
        )
        assert set(content["metadata"]) <= {"kernelspec", "language_info"}, f"{name(path)}: stray metadata"
        assert content["metadata"]["kernelspec"]["name"] == "python3", name(path)
        cells = content["cells"]
        assert len({cell["id"] for cell in cells}) == len(cells), f"{name(path)}: cell ids repeat"
        for cell in cells:
            assert not cell.get("outputs"), f"{name(path)}: stored outputs in {cell['id']}"
            assert cell.get("execution_count") is None, f"{name(path)}: {cell['id']} was run"


TRACES = {
    "a path of somebody's machine": re.compile(r"(?<![\w.~/-])/(?:home/\w+|Users/\w+|root|work)/[\w.]"),
    "an address to download from": re.compile(r'"resolved":\s*"http'),
    "a package index": re.compile(r"(?:--(?:extra-)?index-url|--registry|^registry)[ =]", re.MULTILINE),
}
SECRETS = {
    "a private key": re.compile(r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY-----"),
    "an access key": re.compile(
        r"\b(?:AKIA[0-9A-Z]{16}|gh[pousr]_\w{36}|github_pat_\w{40,}|sk-[A-Za-z0-9]{32,})\b"
    ),
    "a password": re.compile(
        r"""(?i)\b(?:password|passwd|secret|api_?key)\b\s*[=:]\s*["'][^"'{}<>$]{8,}["']"""
    ),
    "credentials in an address": re.compile(r"\w+://[^\s/:@\"'{}<>$]+:[^\s/:@\"'{}<>$]+@[\w.-]+"),
}


@pytest.mark.parametrize("what", [*TRACES, *SECRETS])
def test_no_file_holds(what: str) -> None:
    pattern = TRACES.get(what) or SECRETS[what]
    found = [
        f"{file}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}"
        for file, text in text_files()
        if file != name(Path(__file__))
        for match in pattern.finditer(text)
    ]
    assert not found, what


@pytest.mark.parametrize(
    ("what", "text"),
    [
        ("a path of somebody's machine", "open('/home/ada/x.txt')"),
        ("a private key", "-----BEGIN PRIVATE KEY-----"),
        ("a password", "password = 'correct horse'"),
        ("credentials in an address", "https://ada:lovelace@example.org"),
    ],
)
def test_the_checks_of_texts_see(what: str, text: str) -> None:
    assert (TRACES.get(what) or SECRETS[what]).search(text)


TO_DO = re.compile(r"(?:#|//|\*).*\b(?:TODO|FIXME|XXX)\b(?! ?\(?#\d)")


def test_a_to_do_has_an_issue() -> None:
    found = [
        f"{name(path)}:{number}"
        for path in [*python_modules(), *scripts_of_the_front_end()]
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if TO_DO.search(line)
    ]
    assert not found


def named_paths(text: str) -> Iterator[str]:
    """Files that a document names: the targets of its links, and `paths/like.this` between backticks."""
    yield from (target for target in re.findall(r"\]\(([^)#:]+)\)", text))
    yield from re.findall(r"`((?:[\w.-]+/)+[\w-]+\.(?:py|ts|toml|ipynb|md))`", text)


@pytest.mark.parametrize("document", ["README.md", "ARCHITECTURE.md", "notebooks/README.md"])
def test_documents_name_files_that_exist(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    bases = [(ROOT / document).parent, ROOT, PACKAGES[0], ROOT / "kernel_ext", ROOT / "runtime"]
    named = list(named_paths(text))
    assert named
    assert [path for path in named if not any((base / path).exists() for base in bases)] == []


def test_versions_agree() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    package = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    import gnomon

    assert project["version"] == package["version"] == gnomon.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert "## [Unreleased]" in changelog or f"## [{project['version']}]" in changelog
