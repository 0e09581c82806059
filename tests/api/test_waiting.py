"""Waits that a notebook watches: reports come while a call waits, and end with it."""

import asyncio
import threading

import pytest

import gnomon
from gnomon._api import waiting
from gnomon._engine import notebook_hooks
from gnomon.exceptions import GetTimeoutError
from gnomon.observe import hooks


@gnomon.remote
class Gate:
    def __init__(self):
        self.opened = asyncio.Event()

    async def enter(self):
        await self.opened.wait()
        return 1

    async def open(self):
        self.opened.set()


@pytest.fixture
def reports(inline, monkeypatch):
    """Reports of waits, which come after no delay; the list calls ``react`` with each."""
    monkeypatch.setattr(waiting, "WAIT_FIRST_REPORT_S", 0.001)
    monkeypatch.setattr(waiting, "WAIT_REPORT_PERIOD_S", 0.001)

    class Reports(list):
        react = staticmethod(lambda report: None)

    seen = Reports()

    def observe(report):
        seen.append(report)
        seen.react(report)

    hooks.set_wait_observer(observe)
    yield seen
    hooks.set_wait_observer(None)


def test_get_is_reported_until_it_ends(reports):
    gate = Gate.remote()
    refs = [gate.enter.remote() for _ in range(3)]
    reports.react = lambda report: gate.open.remote() if len(reports) == 3 else None
    assert gnomon.get([*refs, refs[0]]) == [1, 1, 1, 1]
    assert len(reports) >= 4
    assert [report.finished for report in reports[:-1]] == [False] * (len(reports) - 1)
    assert (reports[0].ready, reports[0].total) == (0, 3)
    assert (reports[-1].ready, reports[-1].total, reports[-1].finished) == (3, 3, True)
    assert reports[0].groups[0].name == "Gate.enter"
    assert reports[-1].groups[0].done == 3


def test_wait_is_reported(reports):
    gate = Gate.remote()
    refs = [gate.enter.remote() for _ in range(2)]
    reports.react = lambda report: gate.open.remote() if len(reports) == 2 else None
    assert gnomon.wait(refs, num_returns=2) == (refs, [])
    assert reports[-1].finished


def test_a_timeout_still_holds(reports):
    gate = Gate.remote()
    ref = gate.enter.remote()
    with pytest.raises(GetTimeoutError, match="0 of 1 values were ready after 0.02 s"):
        gnomon.get(ref, timeout=0.02)
    assert gnomon.wait([ref], timeout=0.005) == ([], [ref])
    assert reports[-1].finished
    gnomon.get(gate.open.remote())


def test_the_end_is_told_when_the_wait_is_interrupted(reports):
    gate = Gate.remote()
    ref = gate.enter.remote()

    def interrupt(report):
        if not report.finished:
            raise KeyboardInterrupt

    reports.react = interrupt
    with pytest.raises(KeyboardInterrupt):
        gnomon.get(ref)
    assert reports[-1].finished
    gnomon.get(gate.open.remote())


def test_what_is_ready_is_not_reported(reports):
    assert gnomon.get(gnomon.put(1)) == 1
    assert gnomon.get([gnomon.put(2)]) == [2]
    assert reports == []


def test_other_threads_are_not_reported(reports):
    gate = Gate.remote()
    ref = gate.enter.remote()
    got = []
    thread = threading.Thread(target=lambda: got.append(gnomon.get([ref])))
    thread.start()
    notebook_hooks.wait_observer, kept = None, notebook_hooks.wait_observer
    gnomon.get(gate.open.remote())
    notebook_hooks.wait_observer = kept
    thread.join(30)
    assert got == [[1]]
    assert reports == []
