"""How a notebook takes part."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from gnomon._engine import notebook_hooks
from gnomon.observe import hooks


@pytest.fixture(autouse=True)
def restored(monkeypatch: pytest.MonkeyPatch):
    for name in ("origin", "output_sink", "wait_observer"):
        monkeypatch.setattr(notebook_hooks, name, None)


def test_setters_are_seen_by_engines_and_undone_by_none():
    origin = hooks.Origin("cell-1", "In [1]")
    hooks.set_origin(origin)
    assert hooks.current_origin() is notebook_hooks.current_origin() is notebook_hooks.origin is origin
    hooks.set_origin(None)
    assert hooks.current_origin() is None
    lines: list[hooks.OutputLines] = []
    hooks.set_output_sink(lines.append)
    sink = hooks.output_sink()
    assert sink is notebook_hooks.output_sink is not None
    sink(hooks.OutputLines("cell-1", "worker 1", "stdout", "hello\n"))
    assert lines[0].text == "hello\n"
    hooks.set_output_sink(None)
    assert notebook_hooks.output_sink is None
    reports: list[hooks.WaitProgress] = []
    hooks.set_wait_observer(reports.append)
    assert hooks.wait_observer() == notebook_hooks.wait_observer == reports.append
    hooks.set_wait_observer(None)
    assert hooks.wait_observer() is None


def test_group_progress_lists_what_is_unfinished_and_what_is_asked_for(current, engineer):
    assert hooks.group_progress() == ()
    current(SimpleNamespace(ledger=engineer.ledger))
    done = engineer.submit("load")
    engineer.start(done)
    engineer.finish(done)
    engineer.start(engineer.submit("parse"))
    engineer.submit("parse")
    assert [(group.name, group.total, group.unfinished) for group in hooks.group_progress()] == [
        ("parse", 2, 2)
    ]
    both = hooks.group_progress(also={"load"})
    assert [(group.name, group.done) for group in both] == [("load", 1), ("parse", 0)]


def test_cancel_cell_asks_the_current_engine(current):
    assert hooks.cancel_cell("c") == hooks.CancelReceipt(cancelled=0, running=0)
    current(SimpleNamespace(cancel_cell=lambda cell: hooks.CancelReceipt(12, 3) if cell == "c" else None))
    assert hooks.cancel_cell("c") == hooks.CancelReceipt(cancelled=12, running=3)
