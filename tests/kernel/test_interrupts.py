"""An interrupted cell cancels what it submitted, and says so in one line."""

import asyncio
from types import SimpleNamespace

import pytest

from gnomon.observe import hooks
from gnomon_kernel.interrupts import cancel_after, receipt_line, was_interrupted
from gnomon_kernel.origins import CellRun
from kernel.live_kernel import LiveKernel

RECORD_CANCELLATIONS = """
from gnomon.observe import hooks
cancelled = []
def cancel_cell(cell):
    cancelled.append(cell)
    return hooks.CancelReceipt(cancelled=12, running=3)
hooks.cancel_cell = cancel_cell
"""


@pytest.mark.parametrize(
    ("receipt", "line"),
    [
        (hooks.CancelReceipt(12, 3), "cancelled 12 tasks (3 running)"),
        (hooks.CancelReceipt(1, 1), "cancelled 1 task (1 running)"),
        (hooks.CancelReceipt(10_000, 0), "cancelled 10,000 tasks"),
    ],
)
def test_the_receipt(receipt: hooks.CancelReceipt, line: str) -> None:
    assert receipt_line(receipt) == line


@pytest.mark.parametrize(
    ("error", "interrupted"),
    [(KeyboardInterrupt(), True), (asyncio.CancelledError(), True), (ValueError(), False), (None, False)],
)
def test_what_counts_as_an_interrupt(error: BaseException | None, interrupted: bool) -> None:
    result = SimpleNamespace(error_in_exec=error, error_before_exec=None)
    assert was_interrupted(result) is interrupted


def test_a_cell_left_by_an_interrupt_that_ipython_did_not_catch() -> None:
    assert not was_interrupted(None)
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert was_interrupted(None)


def test_nothing_to_cancel_says_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "cancel_cell", lambda cell: hooks.CancelReceipt(0, 0))
    result = SimpleNamespace(error_in_exec=KeyboardInterrupt(), error_before_exec=None)
    assert cancel_after(CellRun("a", "In [1]", {}), result) == hooks.CancelReceipt(0, 0)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("blocked", "error"),
    [("time.sleep(600)", "KeyboardInterrupt"), ("await asyncio.sleep(600)", "CancelledError")],
)
def test_an_interrupted_cell_cancels_its_own_tasks(live_kernel: LiveKernel, blocked: str, error: str) -> None:
    live_kernel.run(RECORD_CANCELLATIONS + "import asyncio, time", "setup").check()
    other = live_kernel.run("pass", "other").check()
    cell = live_kernel.start(f"print('started', flush=True)\n{blocked}", "mine")
    live_kernel.until(lambda: "started" in cell.text(), "the start of the cell")
    live_kernel.interrupt()
    live_kernel.until(lambda: cell.idle, "the end of the interrupted cell")
    assert error in cell.error()
    assert cell.text() == "started\ncancelled 12 tasks (3 running)\n"
    assert other.text() == ""
    assert live_kernel.run("cancelled", "next").check().result() == "['mine']"


def test_an_error_or_a_good_end_cancels_nothing(live_kernel: LiveKernel) -> None:
    live_kernel.run(RECORD_CANCELLATIONS).check()
    assert "ZeroDivisionError" in live_kernel.run("1 / 0").error()
    live_kernel.run("1").check()
    assert live_kernel.run("cancelled").check().result() == "[]"
