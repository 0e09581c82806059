"""Interrupts of running tasks arrive, whatever the main thread is doing."""

from __future__ import annotations

import signal
import threading
from typing import Any

import pytest

from gnomon._shell.user_code import UserCode
from gnomon.exceptions import TaskInterrupted
from gnomon.ids import WorkerID, task_id

TASK = task_id(WorkerID(b"aaaaaaaa"), 1)


def test_a_signal_whose_handler_has_not_run_is_sent_again() -> None:
    """It is lost to a wait that begins just after it has come."""
    code = UserCode(lambda _task: None, lambda _thread, _task: None)
    came: list[int] = []

    def lose_the_first(number: int, frame: Any) -> None:
        came.append(number)
        if len(came) > 1:
            code.on_sigint(number, frame)

    def be_interrupted() -> None:
        code.interrupt(TASK)
        threading.Event().wait(20)

    before = signal.signal(signal.SIGINT, lose_the_first)
    try:
        code.enter(code.main_id, TASK)
        with pytest.raises(TaskInterrupted):
            be_interrupted()
    finally:
        code.leave(code.main_id)
        signal.signal(signal.SIGINT, before)
    assert len(came) == 2
