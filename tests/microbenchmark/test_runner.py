import itertools
from dataclasses import replace

import psutil
import pytest

from gnomon.testing.microbenchmark import processes
from gnomon.testing.microbenchmark.goals import FIFTY_ACTORS, FIRST_RESULT, IDLE_MEMORY
from gnomon.testing.microbenchmark.runner import Pace, Runner, probe, row_names
from gnomon.testing.microbenchmark.systems import Answer, Child

PACE = Pace(
    True, warm_up_s=0.01, measure_s=0.01, repetitions=2, starts=1, quiet_s=0.1, settle_s=2.0, deadline_s=30
)
GET, PUT, SYNC = (
    "single client get calls (Plasma Store)",
    "single client put calls (Plasma Store)",
    "single client tasks sync",
)


def test_both_systems_get_figures_and_a_ratio(system) -> None:
    seen = []
    systems = [system("serial_system"), system("serial_system", "ray")]
    results = Runner(systems, [SYNC, FIRST_RESULT, FIFTY_ACTORS], PACE, seen.append).run()
    assert [result.row for result in results] == [SYNC, FIRST_RESULT, FIFTY_ACTORS]
    assert {result.row for result in seen} == {SYNC, FIRST_RESULT, FIFTY_ACTORS}
    for result in results:
        assert result.errors == {}
        assert result.figures.keys() == {"gnomon", "ray"}
        assert min(result.figures.values()) > 0
    rate, time, _ = results
    assert rate.ratio() == rate.figures["gnomon"] / rate.figures["ray"]
    assert time.ratio() == time.figures["ray"] / time.figures["gnomon"]


def test_systems_take_turns(system, tmp_path, monkeypatch) -> None:
    log = tmp_path / "pids"
    monkeypatch.setenv("SERIAL_LOG", str(log))
    systems = [system("serial_system"), system("serial_system", "ray")]
    Runner(systems, [SYNC], PACE).run()
    turns = [pid for pid, _ in itertools.groupby(log.read_text().split())]
    assert len(turns) == 4
    assert turns[:2] == turns[2:]


def test_a_row_that_drifts_is_measured_longer(system, monkeypatch) -> None:
    long = replace(PACE, long_warm_up_s=0.0, long_measure_s=0.01, long_repetitions=5)
    (measured,) = Runner([system("serial_system")], ["single client put gigabytes"], long).run()
    assert measured.figures["gnomon"] > 0
    monkeypatch.setattr(Runner, "_measure", lambda self, system, row, first: Answer({"rate": next(rates)}))
    rates = iter([1.0, 1.0, 1.0, 1.0, 6.0])
    (drifting,) = Runner([system("serial_system")], ["single client put gigabytes"], long).run()
    assert drifting.figures == {"gnomon": 2.0}
    rates = iter([1.0, 2.0])
    (steady,) = Runner([system("serial_system")], [SYNC], long).run()
    assert steady.figures == {"gnomon": 1.5}


def test_a_failing_row_spoils_no_other(system) -> None:
    systems = [system("failing_system"), system("serial_system", "ray")]
    put, sync = Runner(systems, [PUT, SYNC], PACE).run()
    assert put.errors == {"gnomon": "MemoryError: no room for anything"}
    assert put.figures.keys() == {"ray"}
    assert put.ratio() is None
    assert sync.figures.keys() == {"gnomon", "ray"}


def test_a_dead_child_is_told_and_replaced(system) -> None:
    sync, get = Runner([system("dying_system")], [SYNC, GET], PACE).run()
    assert "exit code 7" in sync.errors["gnomon"]
    assert "about to end" in sync.errors["gnomon"]
    assert get.errors == {}


def test_a_silent_child_is_given_up(system) -> None:
    with Child(system("silent_system")) as child:
        answer = child.ask("start", deadline_s=0.5, system="silent_system")
        assert answer.gone
        assert "no answer to 'start'" in answer.error
        assert not psutil.pid_exists(child.pid)


def test_a_session_that_can_not_start_fails_every_row(system) -> None:
    results = Runner([system("no_such_module")], [SYNC, FIRST_RESULT, IDLE_MEMORY, FIFTY_ACTORS], PACE).run()
    assert all("No module named 'no_such_module'" in result.errors["gnomon"] for result in results)


def test_nothing_outlives_a_child(system) -> None:
    with Child(system("daemon_system")) as child:
        assert not child.ask("start", deadline_s=30, system="daemon_system").error
        token = child.token
        running = processes.session_processes(token)
        assert len(running) == 2
    for process in running:
        process.wait(timeout=10)
    assert processes.session_processes(token) == []


def test_an_interrupt_leaves_no_process(system) -> None:
    def interrupt(result) -> None:
        raise KeyboardInterrupt

    before = psutil.Process().children()
    with pytest.raises(KeyboardInterrupt):
        Runner([system("daemon_system")], [GET, SYNC], PACE, interrupt).run()
    assert psutil.Process().children() == before


def test_idle_memory_counts_the_session_without_its_driver(system) -> None:
    alone, with_daemon = (
        Runner([system(module)], [IDLE_MEMORY], PACE).run()[0]
        for module in ("serial_system", "daemon_system")
    )
    assert "PSS" in alone.errors["gnomon"]
    assert 1 < with_daemon.figures["gnomon"] < 100


def test_quiet_is_little_processor_time(monkeypatch) -> None:
    used = itertools.count(step=1000.0)
    monkeypatch.setattr(processes, "_processor_s", lambda running: next(used))
    assert not processes.wait_until_quiet("a session", deadline_s=0)
    monkeypatch.setattr(processes, "_processor_s", lambda running: 1000.0)
    assert processes.wait_until_quiet("a session", deadline_s=0)


def test_probe_tells_the_environment(system) -> None:
    environment = probe(system("serial_system"))
    assert environment.version == "1.0"
    assert environment.python.startswith("3.")
    assert "No module named" in probe(system("no_such_module")).error


@pytest.mark.parametrize(
    ("pattern", "count"),
    [
        (None, 26),
        ("TASKS SYNC", 1),
        ("(Plasma Store)", 3),
        ("^1:1", 6),
        ("idle|import", 2),
        ("nothing like it", 0),
    ],
)
def test_rows_are_chosen_by_text_or_expression(pattern, count) -> None:
    assert len(row_names(pattern)) == count
