"""The contract suite on Ray itself: our expectations must be Ray's, or be listed here with a reason.

Run by hand, with a Python that has Ray, pytest and pytest-timeout (and need not have gnomon)::

    python tests/contract/against_ray.py                      # the whole suite
    python tests/contract/against_ray.py test_tasks.py -k get # pytest's own arguments

Inside, ``import gnomon`` is ``import ray``; ``pytest.raises(match=...)`` looks at the class alone, since the
sentences are ours. A test that can not pass on Ray is in ``DIFFERENCES`` with the reason, and must fail there
(strict): when Ray comes round, its row goes. What the suite needs of gnomon's inside (the ledger) is not there
on Ray: such tests ask for the fixture ``objects_alive`` and are skipped. Not part of ``make test``.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

LEFT_OUT = {
    "test_progress_bars.py": "looks into gnomon's hooks for notebooks",
    "test_joblib.py": "needs joblib",
}
"""Files that can not even be loaded on Ray."""

DIFFERENCES: dict[str, str] = {}
"""``file::test`` (without parameters) -> what gnomon does otherwise than Ray, and why."""

SUBMODULES = "util util.queue util.actor_pool util.multiprocessing util.multiprocessing.pool actor runtime_context exceptions dag"

# names of gnomon.exceptions that Ray does not have -> what Ray raises instead
EXCEPTIONS = {
    "GnomonError": "RayError",
    "TaskError": "RayTaskError",
    "ActorError": "RayActorError",
    "ActorNameTakenError": ValueError,
    "ActorHandleNotFoundError": ValueError,
    "SerializationError": TypeError,
    "UnsupportedOptionError": ValueError,
    "InfeasibleError": "TaskUnschedulableError",
    "ResultsMismatchError": ValueError,
    "DeadlockError": RuntimeError,
}


def install() -> None:
    """Let ``import gnomon`` be ``import ray`` in this process."""
    import ray

    sys.modules["gnomon"] = ray
    for name in SUBMODULES.split():
        sys.modules[f"gnomon.{name}"] = importlib.import_module(f"ray.{name}")
    pool = importlib.import_module("ray.util.multiprocessing.pool")
    for name in ("AsyncResult", "IMapIterator"):
        setattr(ray.util.multiprocessing, name, getattr(pool, name))
    for ours, theirs in EXCEPTIONS.items():
        found = theirs if isinstance(theirs, type) else getattr(ray.exceptions, theirs)
        setattr(ray.exceptions, ours, found)


class Plugin:
    """What pytest needs to run the suite here."""

    def pytest_configure(self, config: Any) -> None:
        import pytest

        raises = pytest.raises

        def of_class(expected: Any, *args: Any, match: Any = None, **kwargs: Any) -> Any:
            return raises(expected, *args, **kwargs)

        pytest.raises = of_class  # type: ignore[assignment]
        for marker in ("slow: long", "timeout: of one test"):
            config.addinivalue_line("markers", marker)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        import pytest

        found = set()
        for item in items:
            key = f"{item.path.name}::{item.originalname}"
            if key in DIFFERENCES:
                found.add(key)
                item.add_marker(pytest.mark.xfail(reason=DIFFERENCES[key], strict=True))


def main(arguments: list[str]) -> int:
    """Run pytest on the suite; its exit code."""
    import pytest

    with tempfile.TemporaryDirectory() as folder:
        # workers import test modules by name, and those import gnomon
        Path(folder, "gnomon.py").write_text("import against_ray\nagainst_ray.install()\n")
        ini = Path(folder, "pytest.ini")
        ini.write_text("[pytest]\nxfail_strict = true\ntimeout = 200\n")
        path = [str(HERE), str(HERE.parent), folder]
        sys.path[:0] = path
        os.environ["PYTHONPATH"] = os.pathsep.join([*path, os.environ.get("PYTHONPATH", "")])
        os.environ["GNOMON_CONTRACT_ENGINES"] = "ray"
        os.environ.setdefault("RAY_DEDUP_LOGS", "0")
        sys.modules["against_ray"] = sys.modules[__name__]
        install()
        os.chdir(HERE)
        where = [] if any(each.split("::")[0].endswith(".py") for each in arguments) else [str(HERE)]
        where += [f"--ignore={HERE / name}" for name in LEFT_OUT]
        plain = ["-c", str(ini), "--rootdir", str(HERE.parent), "-p", "no:cacheprovider", "-q", "-rfEx"]
        return int(pytest.main([*plain, *where, *arguments], plugins=[Plugin()]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
