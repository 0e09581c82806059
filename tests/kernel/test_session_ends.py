"""How a session ended stays on the page: in its views nothing waits or runs any more, nested tasks neither."""

from __future__ import annotations

import re
import threading
import time
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import gnomon
from gnomon import observe
from gnomon.observe import hooks
from gnomon_kernel import widgets

UNFINISHED = re.compile(r"[1-9]\d* (?:waiting|ready|running|alive)")

NESTED = """
import time
import gnomon
@gnomon.remote
def inner():
    time.sleep(600)
@gnomon.remote
def outer():
    gnomon.get([inner.remote() for _ in range(3)])
@gnomon.remote
class Clock:
    def tick(self):
        time.sleep(600)
"""


def test_the_twins_of_a_stopped_session(shell: InteractiveShell, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(widgets, "display", lambda data, **_given: shown.append(data))
    shell.run_line_magic("load_ext", "gnomon")
    hooks.set_output_sink(lambda lines: None)  # as a notebook has one: it wants to hear of all tasks
    try:
        shell.run_cell(NESTED + "gnomon.init(engine='local', num_cpus=1)", store_history=True)
        shell.run_cell(
            "ref = outer.remote()\nclock = Clock.remote()\ntick = clock.tick.remote()", store_history=True
        )
        widgets.show("dashboard")
        deadline = time.monotonic() + 60
        while observe.summary()["functions"].get("inner", {}).get("ready", 0) < 2:
            assert time.monotonic() < deadline, observe.summary()
            threading.Event().wait(0.05)
        shell.run_cell("None", store_history=True)
        assert UNFINISHED.search(shown[-1]["text/plain"])
        shell.run_cell("%remote stop", store_history=True)
        told = shown[-1]["text/plain"]
        assert not UNFINISHED.search(told), told
        assert re.search(r"[1-9] cancelled", told)
        assert "1 dead" in told
        count = len(shown)
        shell.run_cell("None", store_history=True)
        assert len(shown) == count, "told once"
    finally:
        gnomon.shutdown()
        hooks.set_output_sink(None)
