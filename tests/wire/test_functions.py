from __future__ import annotations

import subprocess
import sys
import types
from pathlib import Path
from typing import Any

from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon._wire.pickling_functions import is_importable

CALL = (
    "import sys\n"
    "from gnomon._wire import pickling\n"
    "function = pickling.load_function(open(sys.argv[1], 'rb').read())\n"
    "print(function(20))\n"
)


def called_elsewhere(function: Any, where: Path) -> str:
    """What ``function(20)`` is in a process that has none of this one's modules."""
    blob = where / "function"
    blob.write_bytes(pickling.dump_function(function))
    path = [entry for entry in sys.path if entry.endswith(("runtime", "site-packages"))]
    done = subprocess.run(
        [sys.executable, "-c", CALL, str(blob)],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(path)},
    )
    return done.stdout.strip()


def helper(number: int) -> int:
    return number + 1


def test_a_module_that_only_this_process_has_travels_by_value(tmp_path: Path) -> None:
    module = types.ModuleType("made_by_hand")
    exec("def base(x): return x * 100\ndef scale(x): return base(x) + 1", module.__dict__)
    sys.modules["made_by_hand"] = module
    try:
        assert not is_importable(module)
        assert called_elsewhere(module.scale, tmp_path) == "2001"
    finally:
        del sys.modules["made_by_hand"]


def test_importable_modules_travel_by_name() -> None:
    import concurrent.futures.thread as standard

    assert is_importable(standard)
    assert is_importable(sys)
    assert is_importable(sys.modules["numpy.linalg"] if "numpy" in sys.modules else standard)
    assert len(pickling.dump_function(standard.ThreadPoolExecutor)) < 200


def test_a_module_hidden_by_another_of_its_name_is_not_importable(tmp_path: Path) -> None:
    module = types.ModuleType("json")
    module.__file__ = str(tmp_path / "json.py")
    assert not is_importable(module)


def test_a_closure_travels(tmp_path: Path) -> None:
    offset = 22

    def add(number: int) -> int:
        return number + offset

    assert called_elsewhere(add, tmp_path) == "42"


def test_the_id_is_a_hash_of_the_content() -> None:
    blob = pickling.dump_function(helper)
    assert pickling.function_id(blob) == pickling.function_id(bytes(blob))
    assert pickling.function_id(blob) != pickling.function_id(blob + b"x")
    assert len(pickling.function_id(blob)) == 8


def test_captured_references_are_told(identity: Any) -> None:
    ref = ObjectRef[Any](identity(5))
    contained: list[Any] = []
    blob = pickling.dump_function(lambda: ref, contained)
    assert contained == [identity(5)]
    arrived: list[ObjectRef[Any]] = []
    assert pickling.load_function(blob, arrived)() == ref
    assert [each.binary() for each in arrived] == [identity(5)]
