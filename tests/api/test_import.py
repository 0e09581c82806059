"""``import gnomon`` pulls in nothing heavy, and a session ends with its interpreter."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

RUNTIME = Path(__file__).resolve().parents[2] / "runtime"


def run(code):
    return subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(RUNTIME)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_import_is_light():
    heavy = "{'numpy', 'pandas', 'IPython', 'zmq', 'cloudpickle', 'ray'}"
    assert run(f"import sys, gnomon; print({heavy} & set(sys.modules))") == "set()"


def test_lazy_names():
    assert run("import gnomon; print(gnomon.util.__name__, gnomon.cloudpickle.__name__)") == (
        "gnomon.util cloudpickle"
    )
    assert run("import gnomon\ntry: gnomon.nothing\nexcept AttributeError as e: print(e)") == (
        "module 'gnomon' has no attribute 'nothing'"
    )


def test_a_session_ends_with_the_interpreter():
    code = "import gnomon; gnomon.init(engine='inline'); r = gnomon.put(1); print(gnomon.get(r))"
    assert run(code) == "1"


@pytest.mark.parametrize(
    "line",
    [
        "import gnomon.util.placement_group",
        "from gnomon.util import placement_group",
        "from gnomon.util.placement_group import PlacementGroup",
    ],
)
def test_a_module_of_rays_that_is_not_there_says_why(line: str) -> None:
    with pytest.raises(
        ModuleNotFoundError, match="'gnomon.util.placement_group': gnomon has no placement groups"
    ):
        exec(line, {})


def test_other_modules_are_not_found_as_usual() -> None:
    with pytest.raises(ModuleNotFoundError, match="^No module named 'gnomon.nothing'$"):
        importlib.import_module("gnomon.nothing")
    assert [type(each).__name__ for each in sys.meta_path].count("AbsentModules") == 1
