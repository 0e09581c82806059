"""A session in a real kernel: from a cell to a result, its output, its progress, its interruption."""

import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from kernel.live_kernel import LiveKernel, RunningCell

ENGINES = ("inline", "local")
IMPORTS = "import gnomon, os, time"


@pytest.fixture(params=ENGINES)
def session(request: pytest.FixtureRequest, shared_kernel: LiveKernel) -> LiveKernel:
    """A kernel with a session, on each engine."""
    return started(shared_kernel, request.param)


@pytest.fixture
def local_session(shared_kernel: LiveKernel) -> LiveKernel:
    """A kernel with a session whose tasks run in processes of their own."""
    return started(shared_kernel, "local")


def started(kernel: LiveKernel, engine: str) -> LiveKernel:
    said = kernel.run(f"%remote start --engine {engine} --cpus 2").check().text()
    assert said.startswith(f"gnomon started ({engine} engine): 2 CPUs")
    kernel.run(IMPORTS).check()
    return kernel


@pytest.fixture
def release(tmp_path: Path) -> Callable[[], str]:
    """Makes gates: whoever opens one for reading waits there until ``open_gate`` lets it pass."""
    paths: list[str] = []

    def make() -> str:
        paths.append(str(tmp_path / f"gate-{len(paths)}"))
        os.mkfifo(paths[-1])
        return paths[-1]

    return make


def open_gate(path: str) -> None:
    """Let one reader pass; returns when it has come."""
    opened = threading.Thread(target=lambda: open(path, "w").close(), daemon=True)
    opened.start()
    opened.join(60)
    assert not opened.is_alive(), "no task came to the gate"


def test_from_a_cell_to_a_result(session: LiveKernel) -> None:
    session.run(
        "%%remote\n"
        "def square(x):\n"
        "    return x * x\n"
        "class Counter:\n"
        "    def __init__(self): self.n = 0\n"
        "    def add(self, k):\n"
        "        self.n += k\n"
        "        return self.n\n"
    ).check()

    def value(code: str) -> str:
        return session.run(code).check().result()

    assert value("gnomon.get([square.remote(n) for n in range(5)])") == "[0, 1, 4, 9, 16]"
    assert value("c = Counter.remote(); gnomon.get([c.add.remote(n) for n in (1, 2)])") == "[1, 3]"
    assert value("await square.remote(7)") == "49"
    assert session.run("%remote status").check().text().startswith("gnomon is running")
    assert session.run("%remote stop").check().text() == "gnomon stopped\n"


def test_a_remote_cell_runs_with_the_notebooks_names(session: LiveKernel) -> None:
    session.run("base = 40\ndef plus(x): return base + x").check()
    cell = session.run("%%remote -o answer\nanswer = plus(2)\nprint('in the task')\nanswer", "mine").check()
    session.until(lambda: "in the task" in cell.text(), "the output of the task")
    assert (cell.result(), cell.text()) == ("42", "in the task\n")
    assert session.run("answer").check().result() == "42"


def test_generators_in_a_cell(session: LiveKernel) -> None:
    session.run("@gnomon.remote\ndef count(n):\n    yield from range(n)").check()
    code = "found = []\nasync for ref in count.remote(3): found.append(await ref)\nfound"
    assert session.run(code).check().result() == "[0, 1, 2]"


def test_a_cell_that_runs_again_replaces_what_it_left_running(
    local_session: LiveKernel, release: Callable[[], str]
) -> None:
    code = "%%remote --no-wait --replace --name job -o x\nopen({!r}).read()\nx = 'through'\nprint(x)"
    first = local_session.run(code.format(release()), "mine").check()
    assert first.text() == "runs in the background as job; x is a reference\n"
    gate = release()
    second = local_session.run(code.format(gate), "mine").check()
    assert second.text().startswith("cancelled 1 task")
    open_gate(gate)
    assert local_session.run("gnomon.get(x)").check().result() == "'through'"
    local_session.until(
        lambda: second.text().endswith("\nthrough\n"), "its output, in its cell, without a label"
    )


def test_an_error_in_a_remote_cell_shows_its_own_lines(session: LiveKernel) -> None:
    cell = session.run("%%remote\nx = 1\nx / 0\n")
    assert "---->   3 x / 0" in cell.error()
    assert "ZeroDivisionError: division by zero" in cell.error()
    assert "gnomon_kernel" not in cell.error()


def test_a_lambda_and_a_class_come_back_from_a_remote_cell(session: LiveKernel) -> None:
    text = "%%remote -o Point,shift\nclass Point:\n    x = 3\nshift = lambda p: p.x + 1\nPoint()"
    session.run(text).check()
    assert session.run("shift(Point())").check().result() == "4"


def test_output_of_a_task_is_in_the_cell_that_submitted_it(
    local_session: LiveKernel, release: Callable[[], str]
) -> None:
    task_gate, cell_gate = release(), release()
    submit = f"""
@gnomon.remote
def late():
    open({task_gate!r}).read()
    print("printed late")
ref = late.remote()
"""
    second = local_session.run(submit, "second").check()
    third = local_session.start(f"print('third runs', flush=True); open({cell_gate!r}).read()", "third")
    local_session.until(lambda: third.text(), "the start of the third cell")
    open_gate(task_gate)
    local_session.until(lambda: "printed late" in second.text(), "the line in the second cell")
    assert not third.idle
    open_gate(cell_gate)
    local_session.until(lambda: third.idle, "the end of the third cell")
    assert third.check().text() == "third runs\n"
    assert second.text().startswith("(late, ")


def test_progress_appears_while_a_cell_waits_and_stays_at_its_end(
    local_session: LiveKernel, release: Callable[[], str]
) -> None:
    gate = release()
    cell = local_session.start(
        f"@gnomon.remote\ndef held(n):\n    if n == 0: open({gate!r}).read()\n    return n\n"
        "gnomon.get([held.remote(n) for n in range(6)])"
    )
    local_session.until(lambda: shown(cell).startswith("held: 5/6, 1 running"), "five of six")
    open_gate(gate)
    local_session.until(lambda: cell.idle, "the end of the cell")
    assert shown(cell.check()).startswith("held: 6/6, after ")
    assert len(cell.contents("display_data")) == 1
    assert cell.result() == "[0, 1, 2, 3, 4, 5]"


def shown(cell: RunningCell) -> str:
    return "".join(bundle["text/plain"] for bundle in cell.displays().values())


@pytest.mark.parametrize("wait", ["gnomon.get(refs)", "await refs[0]"])
def test_an_interrupt_cancels_what_the_cell_submitted(
    local_session: LiveKernel, release: Callable[[], str], wait: str
) -> None:
    gate, other = release(), release()
    local_session.run(
        "@gnomon.remote\ndef hang(path): open(path, 'a').close(); time.sleep(600)\n"
        "@gnomon.remote(num_cpus=0)\ndef innocent(path): open(path).read(); return 'unharmed'\n"
        "class Tally:\n    n = 0\n    def add(self):\n        self.n += 1\n        return self.n\n"
        "tally = gnomon.remote(num_cpus=0)(Tally).remote()\n"
        f"kept = innocent.remote({other!r}); gnomon.get(tally.add.remote())"
    ).check()
    cell = local_session.start(f"refs = [hang.remote({gate!r}) for _ in range(12)]\n{wait}", "mine")
    with open(gate) as reader:  # a task has opened it: it runs
        reader.read()
    local_session.interrupt()
    local_session.until(lambda: cell.idle, "the end of the interrupted cell")
    assert cell.contents("error")[0]["ename"] in {"KeyboardInterrupt", "CancelledError"}
    assert "cancelled 12 tasks (" in cell.text()
    after = local_session.run("gnomon.get(gnomon.remote(lambda: 'works').remote())").check()
    assert after.result() == "'works'"
    open_gate(other)
    assert local_session.run("gnomon.get(kept)").check().result() == "'unharmed'"
    assert local_session.run("gnomon.get(tally.add.remote())").check().result() == "2", (
        "actors keep their state"
    )


def test_cancelling_by_cell_and_by_reference(local_session: LiveKernel, release: Callable[[], str]) -> None:
    gate, other = release(), release()
    local_session.run(
        "@gnomon.remote\ndef hang(path): open(path, 'a').close(); time.sleep(600)\n"
        "@gnomon.remote(num_cpus=0)\ndef innocent(path): return open(path).read()\n"
        f"kept = innocent.remote({other!r})"
    ).check()
    submitted = local_session.run(f"refs = [hang.remote({gate!r}) for _ in range(12)]\nprint(len(In) - 1)")
    with open(gate) as reader:  # a task has opened it: it runs
        reader.read()
    said = local_session.run("%remote cancel refs[0] refs[11]").check().text()
    assert said == "cancelled 2 tasks\n"
    said = local_session.run(f"%remote cancel --cell {submitted.check().text()}").check().text()
    assert said.startswith("cancelled 10 tasks")
    assert local_session.run("len(gnomon.wait(refs, num_returns=12)[0])").check().result() == "12"
    assert local_session.run("%remote cancel").check().text().startswith("cancelled 1 task")
    code = "try: gnomon.get(kept)\nexcept gnomon.exceptions.TaskCancelledError: print('cancelled')"
    assert local_session.run(code).check().text() == "cancelled\n"


def test_an_interrupt_ends_loops_that_never_return_to_python(local_session: LiveKernel) -> None:
    local_session.run("@gnomon.remote\ndef loop(n): return sum(range(10**13))").check()
    cell = local_session.start("refs = [loop.remote(n) for n in range(10_000)]\ngnomon.get(refs)", "mine")
    local_session.until(lambda: " running" in shown(cell), "the first tasks")
    local_session.interrupt()
    local_session.until(lambda: cell.idle, "the end of the interrupted cell")
    assert re.search(r"cancelled 10,000 tasks \([12] running\)", cell.text()), cell.text()
    assert cell.contents("error")[0]["ename"] == "KeyboardInterrupt"
    code = "gnomon.get([gnomon.remote(lambda n: n).remote(n) for n in range(4)])"
    assert local_session.run(code).check().result() == "[0, 1, 2, 3]"
    idle = "print(gnomon.available_resources().get('CPU'))"
    local_session.until(lambda: local_session.run(idle).text() == "2.0\n", "both CPUs")


def test_an_interrupt_of_a_remote_cell(local_session: LiveKernel, release: Callable[[], str]) -> None:
    gate = release()
    code = f"%%remote\nopen({gate!r}, 'w').close()\ntime.sleep(600)"
    cell = local_session.start(code, "mine")
    with open(gate) as reader:
        reader.read()
    local_session.interrupt()
    local_session.until(lambda: cell.idle, "the end of the interrupted cell")
    assert cell.text() == "cancelled 1 task (1 running)\n"
    assert cell.error() == "KeyboardInterrupt"
    assert local_session.run("%%remote\n1 + 1").check().result() == "2"


COUNTER = """
@gnomon.remote(num_cpus=0)
class Counter:
    step = {step}
    def add(self):
        return self.step
    def get_step(self):
        return self.step
"""


def test_actors_of_a_class_that_a_cell_defines_anew_are_marked(session: LiveKernel) -> None:
    session.run(COUNTER.format(step=1)).check()
    session.run("old = Counter.remote(); print(gnomon.get(old.add.remote()), old)").check()
    same = session.run(COUNTER.format(step=1) + "print(old)").check().text()
    assert "older" not in same, "the same text is the same definition"

    said = (
        session.run(COUNTER.format(step=2) + "print(old); new = Counter.remote(); print(new)").check().text()
    )
    first, second = said.splitlines()
    assert first.endswith("of an older definition)")
    assert "older" not in second
    assert session.run("print(gnomon.get([old.add.remote(), new.add.remote()]))").check().text() == "[1, 2]\n"
    rows = "from gnomon._api import session; rows = session.engine().ledger.actors.values()\n"
    marked = session.run(rows + "print([bool(row.get('stale')) for row in rows])").check().text()
    assert marked == "[True, False]\n"


def test_errors_name_the_magics(shared_kernel: LiveKernel) -> None:
    said = shared_kernel.run(
        "import gnomon\n"
        "try:\n"
        "    gnomon.get_gpu_ids()\n"
        "except gnomon.exceptions.NotInitializedError as error:\n"
        "    print(error)"
    ).check()
    assert "Run %remote start or gnomon.init() first" in said.text()
