"""What a user gets wrong, and what a task may do to its process: a clear error, and nothing is lost."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cluster_tools import Cluster

import gnomon
from gnomon.exceptions import (
    ActorDiedError,
    InfeasibleError,
    NotInitializedError,
    SerializationError,
    SessionMismatchError,
    TaskError,
    WorkerCrashedError,
)


@gnomon.remote
def echo(x: Any) -> Any:
    return x


@gnomon.remote
def size(data: bytes) -> int:
    return len(data)


@gnomon.remote(num_cpus=0)
class Echo:
    def echo(self, x: Any) -> Any:
        return x


class Unpicklable(Exception):
    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.lock = threading.Lock()


class NeedsTwo(Exception):
    """Can not be rebuilt from its ``args``."""

    def __init__(self, one: int, two: int) -> None:
        super().__init__(f"{one} and {two}")
        self.one, self.two = one, two


def still_works() -> None:
    assert gnomon.get([echo.remote(x) for x in range(20)], timeout=20) == list(range(20))


def test_unpicklable_arguments_and_results(cluster: Cluster) -> None:
    with pytest.raises(SerializationError, match=r"\['lock'\]"):
        echo.remote({"lock": threading.Lock()})
    with pytest.raises(SerializationError):
        Echo.remote().echo.remote(threading.Lock())

    @gnomon.remote
    def lock() -> Any:
        return {"inner": [threading.Lock()]}

    with pytest.raises(SerializationError, match="inner"):
        gnomon.get(lock.remote(), timeout=20)
    still_works()


@pytest.mark.parametrize("kind", [Unpicklable, NeedsTwo])
def test_exceptions_that_do_not_travel_well(cluster: Cluster, kind: type[Exception]) -> None:
    @gnomon.remote
    def fail() -> None:
        raise kind(*["odd", 2][: 1 if kind is Unpicklable else 2])

    with pytest.raises(TaskError, match="odd"):
        gnomon.get(fail.remote(), timeout=20)
    with pytest.raises(TaskError, match="odd"):
        gnomon.get(echo.remote(fail.remote()), timeout=20)
    still_works()


def test_results_that_can_not_be_rebuilt(cluster: Cluster) -> None:
    class Sour:
        def __reduce__(self) -> Any:
            return sour, ()

    @gnomon.remote
    def make() -> Any:
        return Sour()

    with pytest.raises(Exception, match="sour"):
        gnomon.get(make.remote(), timeout=20)
    with pytest.raises(Exception, match="sour"):
        gnomon.get(size.remote(make.remote()), timeout=20)
    still_works()


def sour() -> None:
    raise RuntimeError("sour on arrival")


@pytest.mark.parametrize("returned", [(1, 2, 3), 7, None])
def test_another_number_of_results(cluster: Cluster, returned: Any) -> None:
    @gnomon.remote(num_returns=2)
    def give() -> Any:
        return returned

    for ref in give.remote():
        with pytest.raises((TypeError, ValueError), match="num_returns"):
            gnomon.get(ref, timeout=20)
    still_works()


def test_large_arguments(cluster: Cluster) -> None:
    assert gnomon.get(size.remote(bytes(5 * 2**20)), timeout=20) == 5 * 2**20
    assert gnomon.get([size.remote(bytes(90_000)) for _ in range(200)], timeout=20) == [90_000] * 200
    echoer = Echo.remote()
    assert len(gnomon.get(echoer.echo.remote(bytes(5 * 2**20)), timeout=20)) == 5 * 2**20


def test_recursion_without_end(cluster: Cluster) -> None:
    @gnomon.remote
    def endless(x: int) -> int:
        return int(endless._function(x + 1))

    with pytest.raises(RecursionError):
        gnomon.get(endless.remote(0), timeout=60)
    still_works()


def test_tasks_that_end_their_process(cluster: Cluster) -> None:
    @gnomon.remote(max_retries=1)
    def die(code: int) -> None:
        os._exit(code)

    @gnomon.remote(max_retries=0)
    def leave() -> None:
        sys.exit(4)

    neighbours = [echo.remote(x) for x in range(50)]
    with pytest.raises(WorkerCrashedError, match="exit code 7"):
        gnomon.get(die.remote(7), timeout=20)
    with pytest.raises(Exception, match="4"):
        gnomon.get(leave.remote(), timeout=20)
    assert gnomon.get(neighbours, timeout=20) == list(range(50))
    still_works()


def test_tasks_that_print_and_fork(cluster: Cluster) -> None:
    @gnomon.remote
    def fork(x: int) -> int:
        child = os.fork()
        if child == 0:
            os._exit(x)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert gnomon.get([fork.remote(x) for x in range(10)], timeout=30) == list(range(10))
    still_works()


def test_infeasible_and_oversubscribed(cluster: Cluster) -> None:
    with pytest.raises(InfeasibleError, match="100 CPU"):
        gnomon.get(echo.options(num_cpus=100).remote(1), timeout=20)
    with pytest.raises(InfeasibleError, match="widget"):
        gnomon.get([echo.options(resources={"widget": 1}).remote(x) for x in range(10)], timeout=20)
    huge = Echo.options(num_cpus=50).remote()
    with pytest.raises((InfeasibleError, ActorDiedError), match="50 CPU"):
        gnomon.get(huge.echo.remote(1), timeout=20)
    still_works()


def test_wrong_types(cluster: Cluster) -> None:
    ref = echo.remote(1)
    calls: list[Callable[[], Any]] = [
        lambda: gnomon.get(7),  # type: ignore[call-overload]
        lambda: gnomon.get([ref, 7]),
        lambda: gnomon.wait(ref),  # type: ignore[arg-type]
        lambda: gnomon.wait([ref, ref]),
        lambda: gnomon.wait([ref], num_returns=2),
        lambda: gnomon.put(ref),
        lambda: gnomon.kill(ref),  # type: ignore[arg-type]
        lambda: gnomon.cancel(7),  # type: ignore[arg-type]
        lambda: echo(1),
        lambda: echo.remote(1, 2),
        lambda: echo.options(colour="red"),
    ]
    for call in calls:
        with pytest.raises((TypeError, ValueError)):
            call()
    assert gnomon.get(ref, timeout=20) == 1


def test_two_sessions_after_each_other(start_cluster: Callable[..., Cluster]) -> None:
    first = start_cluster()
    old = gnomon.put(1)
    pending = echo.remote(2)
    actor = Echo.remote()
    gnomon.get(actor.echo.remote(1))
    gnomon.get(pending)
    directory = first.config.directory
    gnomon.shutdown()
    assert not os.path.exists(directory)
    with pytest.raises(NotInitializedError):
        echo.remote(1)
    with pytest.raises(NotInitializedError):
        gnomon.get(old)
    start_cluster()
    still_works()
    expect_refusals(old, pending, actor)
    del old, pending, actor
    still_works()


def expect_refusals(old: Any, pending: Any, actor: Any) -> None:
    """Whatever is done with references and handles of an earlier session is refused."""
    uses: list[Callable[[], Any]] = [
        lambda: gnomon.get(old, timeout=5),
        lambda: gnomon.get([old, pending], timeout=5),
        lambda: gnomon.wait([pending], timeout=5),
        lambda: echo.remote(old),
        lambda: echo.remote([old]),
        lambda: gnomon.put([old]),
        lambda: actor.echo.remote(1),
    ]
    for use in uses:
        with pytest.raises(SessionMismatchError):
            use()


SCRIPT = """
import sys
import gnomon, beside
from beside import twice

class Mine(Exception):
    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code

class Box:
    def __init__(self, x):
        self.x = x
    def __eq__(self, other):
        return type(other) is Box and other.x == self.x

@gnomon.remote
def fail(code):
    raise Mine(code, "mine")

@gnomon.remote
def use(box):
    import beside as again
    assert isinstance(box, Box)
    return Box(twice(box.x) + again.OFFSET)

@gnomon.remote(num_cpus=0)
class Keeper:
    def keep(self, box):
        self.box = box
        return isinstance(box, Box)
    def give(self):
        return self.box

gnomon.init(engine="local", num_cpus=2, object_store_memory=2**26, log_to_driver=False)
assert gnomon.get(use.remote(Box(4))) == Box(108), "a module beside the script"
try:
    gnomon.get(fail.remote(9))
except Mine as error:
    assert error.code == 9 and error.args == (9, "mine"), error.args
else:
    raise AssertionError("nothing was raised")
keeper = Keeper.remote()
assert gnomon.get(keeper.keep.remote(Box(1)))
assert gnomon.get(keeper.give.remote()) == Box(1)
assert gnomon.get(keeper.keep.remote(gnomon.put(Box(2))))
assert gnomon.get(keeper.give.remote()) == Box(2)
gnomon.shutdown()
print("all is well")
"""


def test_a_script_with_classes_of_its_own_and_a_module_beside_it(tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("OFFSET = 100\ndef twice(x):\n    return 2 * x\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, "script.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "all is well\n"
