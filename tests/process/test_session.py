"""The processes of a session with stand-ins for its roles: how they start, what they find, how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from process_tools import HERE, RUNTIME, RunningSession, environment, make_config, read_number, start_driver

from gnomon._messages.session import SessionConfig
from gnomon._shell import lifeline
from gnomon._shell.session_process import SessionProcess, start_session
from gnomon.testing.processes import is_alive, marked, wait_until

HARD_PLAN = "spin sleep stubborn child setsid stranger daemon chain"
HARD_PROCESSES = 13


class Started(NamedTuple):
    process: SessionProcess
    config: SessionConfig
    notes: Path

    def expect_gone(self) -> None:
        assert marked(self.config.session) == set()
        assert not os.path.exists(self.config.directory)


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Started]]:
    """Start a session of which this process is the driver."""
    monkeypatch.setenv("PYTHONPATH", environment()["PYTHONPATH"])
    sessions: list[SessionProcess] = []

    def start(plan: str = "", *, padding: int = 0, roles: str = "fake_roles") -> Started:
        read_end, write_end = lifeline.open_lifeline()
        config = make_config(read_end, tmp_path, plan, padding=padding)
        sessions.append(start_session(config, write_end, roles=roles))
        os.close(read_end)
        os.close(config.arena_fd)
        return Started(sessions[-1], config, tmp_path)

    yield start
    for session in sessions:
        session.kill()


def test_a_session_ends_when_it_is_told_to(start: Callable[..., Started], tmp_path: Path) -> None:
    session = start("sleep stranger daemon")
    wait_until(lambda: len(list(tmp_path.glob("alive-*"))) == 5, "all live")
    pids = [int(path.read_text()) for path in tmp_path.glob("alive-*")]
    assert session.process.poll() is None
    assert session.process.reason() == ""
    assert session.process.end(10.0) == 0
    assert session.process.reason() == ""
    session.expect_gone()
    assert not any(map(is_alive, pids))


def test_kill_ends_it_at_once_and_may_be_repeated(start: Callable[..., Started], tmp_path: Path) -> None:
    session = start("stubborn")
    wait_until(lambda: list(tmp_path.glob("alive-*")), "it lives")
    session.process.kill()
    session.expect_gone()
    session.process.kill()
    assert session.process.end(1.0) is not None


def test_it_can_be_ended_before_it_has_started(start: Callable[..., Started]) -> None:
    session = start("sleep")
    assert session.process.end(10.0) is not None
    session.expect_gone()


def test_a_config_larger_than_a_pipe_arrives(start: Callable[..., Started], tmp_path: Path) -> None:
    session = start("", padding=300_000)
    read_number(tmp_path / "node")
    assert session.process.end(10.0) == 0


def test_a_failed_start_says_why(start: Callable[..., Started]) -> None:
    session = start(roles="no_such_package")
    assert session.process.wait(10.0) == 1
    assert "No module named 'no_such_package'" in session.process.reason()
    session.process.end(1.0)
    session.expect_gone()


@pytest.fixture
def facts(start: Callable[..., Started], tmp_path: Path) -> Iterator[tuple[Started, dict[str, Any]]]:
    session = start("inspect")
    (path,) = wait_until(lambda: list(tmp_path.glob("facts-*")), "the worker has looked around")
    yield session, json.loads(path.read_text())
    session.process.end(10.0)


def test_what_a_worker_finds(facts: tuple[Started, dict[str, Any]]) -> None:
    session, found = facts
    assert found["group"] == found["session"] == found["pid"]
    assert found["cwd"] == str(session.notes)
    assert found["sys_path"] == session.config.sys_path
    assert found["stdin"] == "/dev/null"
    assert found["fds"] == sorted({0, 1, 2, session.config.arena_fd, session.config.lifeline_fd})
    assert found["interrupt"]
    assert found["child_signal"]
    assert found["wakeup_fd"] == -1
    assert found["arguments"] == [""]
    assert found["main_names"] == []
    assert found["mark"] == session.config.session
    # 3 is the directory that the listing itself has open.
    assert found["inherited"].strip() == "[0, 1, 2, 3]"


def test_output_of_processes_goes_to_their_logs(facts: tuple[Started, dict[str, Any]]) -> None:
    session, _ = facts
    logs = Path(session.config.directory) / "logs"
    assert (logs / f"worker-{'0' * 16}.out").read_text() == "to standard output\n"
    assert (logs / f"worker-{'0' * 16}.err").read_text() == "to standard error\n"
    assert read_number(session.notes / f"exit-{'0' * 16}") == 0
    for name in ("node", "zygote", "head"):
        assert (logs / f"{name}.err").read_text() == ""


def test_a_failing_worker_leaves_its_traceback(start: Callable[..., Started], tmp_path: Path) -> None:
    session = start("fail")
    assert read_number(tmp_path / f"exit-{'0' * 16}") == 1
    log = Path(session.config.directory) / "logs" / f"worker-{'0' * 16}.err"
    assert "RuntimeError: a worker fails" in log.read_text()
    assert session.process.end(10.0) == 0


@pytest.mark.parametrize(
    ("victim", "code", "reason"),
    [
        ("node", -signal.SIGKILL, "the node process (pid "),
        ("zygote", 81, "(the zygote) was killed"),
        ("head", 82, "the head process was killed"),
    ],
)
def test_one_of_three_killed_ends_the_session(
    start: Callable[..., Started], tmp_path: Path, victim: str, code: int, reason: str
) -> None:
    session = start("stubborn setsid stranger daemon")
    wait_until(lambda: len(list(tmp_path.glob("alive-*"))) == 7, "all live")
    pids = [int(path.read_text()) for path in tmp_path.glob("alive-*")]
    os.kill(read_number(tmp_path / victim), signal.SIGKILL)
    wait_until(lambda: not os.path.exists(session.config.directory), "the directory is removed")
    assert session.process.wait(5.0) == code
    assert reason in session.process.reason()
    wait_until(lambda: marked(session.config.session) == set(), "all marked are gone")
    wait_until(lambda: not any(map(is_alive, pids)), "all are gone")


@pytest.mark.parametrize("stopped", ["node", "zygote", "head", "node zygote", "node head", "zygote head"])
def test_stopped_processes_do_not_keep_the_session_alive(tmp_path: Path, stopped: str) -> None:
    session = start_driver(tmp_path / "notes", HARD_PLAN, HARD_PROCESSES)
    for name in stopped.split():
        os.kill(session.pid(name), signal.SIGSTOP)
    kill_driver(session)


def test_a_fork_of_the_driver_does_not_keep_the_session_alive(tmp_path: Path) -> None:
    session = start_driver(tmp_path / "notes", "sleep daemon", 3, "fork")
    try:
        assert session.driver.poll() is None
        kill_driver(session)
        assert is_alive(session.bystander)
    finally:
        os.kill(session.bystander, signal.SIGKILL)


def test_files_of_the_user_do_not_shadow_the_runtime(tmp_path: Path) -> None:
    for name in ("random", "msgspec", "select", "signal", "traceback"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('a file of the user was imported')")
    program = (
        f"import sys; sys.path[:0] = [{str(RUNTIME)!r}, {str(HERE)!r}]\n"
        "import os\n"
        "from pathlib import Path\n"
        "from process_tools import make_config, read_number\n"
        "from gnomon._shell import lifeline\n"
        "from gnomon._shell.session_process import start_session\n"
        "os.environ['PYTHONPATH'] = os.pathsep.join(sys.path[:2])\n"
        f"notes = Path({str(tmp_path)!r}); os.chdir(notes)\n"
        "read_end, write_end = lifeline.open_lifeline()\n"
        "process = start_session(make_config(read_end, notes, ''), write_end, roles='fake_roles')\n"
        "read_number(notes / 'node')\n"
        "assert process.end(10.0) == 0, process.stderr_tail()\n"
    )
    subprocess.run([sys.executable, "-c", program], cwd="/", check=True, timeout=60)


def test_the_next_session_removes_what_was_left_by_one_killed_as_a_whole(tmp_path: Path) -> None:
    session = start_driver(tmp_path / "first", "sleep", 1)
    three = [session.pid(name) for name in ("node", "zygote", "head")]
    for number in (signal.SIGSTOP, signal.SIGKILL):  # stopped first, so that none sees another's end
        for pid in (*three, session.driver.pid):
            os.kill(pid, number)
    session.driver.wait()
    wait_until(lambda: marked(session.session) == set(), "the workers end with their zygote")
    assert os.path.exists(session.directory)
    kill_driver(start_driver(tmp_path / "second", "sleep", 1))
    wait_until(lambda: not os.path.exists(session.directory), "the second removes the first's directory")


def kill_driver(session: RunningSession) -> None:
    session.driver.kill()
    session.driver.wait()
    session.expect_gone()


@pytest.mark.parametrize("repeat", range(3))
def test_kill_9_of_the_driver_leaves_nothing(tmp_path: Path, repeat: int) -> None:
    kill_driver(start_driver(tmp_path / "notes", HARD_PLAN, HARD_PROCESSES))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["node", "zygote", "head"])
def test_kill_9_of_one_of_three_leaves_nothing_20_times(tmp_path: Path, victim: str) -> None:
    for repeat in range(20):
        session = start_driver(tmp_path / str(repeat), HARD_PLAN, HARD_PROCESSES)
        os.kill(session.pid(victim), signal.SIGKILL)
        session.expect_gone()
        kill_driver(session)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kill_9_of_the_driver_leaves_nothing_50_times(tmp_path: Path) -> None:
    for repeat in range(50):
        kill_driver(start_driver(tmp_path / str(repeat), HARD_PLAN, HARD_PROCESSES))
