"""Pause, step and the others from the notebook: magics, and a view's buttons while a cell waits."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from gnomon import control
from gnomon_kernel.tempo import set_from_view, told
from kernel.live_kernel import LiveKernel


def test_what_the_engine_can_not_do_is_said_with_the_reason(ip: InteractiveShell) -> None:
    for line in ("pause", "step 2", "order 7"):
        with pytest.raises(UsageError, match=r"on the inline engine a task runs when it is submitted"):
            ip.run_line_magic("remote", line)


def test_slow_motion_and_back(ip: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    ip.run_line_magic("remote", "slow 0.5")
    assert control.tempo().interval_s == 0.5
    ip.run_line_magic("remote", "resume")
    assert control.tempo().mode == "free"
    said = capsys.readouterr().out
    assert "slow motion, one begins every 0.5 s. Full speed: %remote resume" in said
    assert said.endswith("gnomon: work begins freely\n")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("slow", "required: SECONDS"),
        ("slow 0", "expected seconds like .*, more than 0"),
        ("slow soon", "expected seconds like .*, more than 0"),
        ("order -1", "Usage: %remote order"),
        ("order seven", "a whole number like 7"),
        ("step 0", "Usage: %remote step"),
        ("pause now", "unrecognized arguments: now"),
    ],
)
def test_wrong_lines(ip: InteractiveShell, line: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        ip.run_line_magic("remote", line)


def test_nothing_to_slow_down(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    shell.run_line_magic("remote", "pause")
    assert capsys.readouterr().out == "gnomon: nothing is running\n"


def test_how_each_tempo_is_told() -> None:
    assert told(control.Tempo("paused", waiting=2, ready=6)).startswith(
        "paused, nothing begins; 6 tasks ready. Go on:"
    )
    one = control.Tempo("paused", waiting=2, ready=1, pending=1)
    assert "nothing begins; 1 task ready, 1 actor pending. Go on" in told(one)
    assert "the next 3 will begin as they come" in told(control.Tempo("paused", steps=3))
    assert told(control.Tempo("seeded", seed=7)).startswith("one at a time, in the order of seed 7")


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"set": "pause"}, "There is no session"),
        ({"set": "step", "n": "1"}, "step needs a number"),
        ({"set": "slow"}, "slow needs a number, not None"),
        ({"set": "slow", "seconds": -1}, "more than 0"),
    ],
)
def test_what_a_view_asks_in_vain_is_answered(content: dict[str, Any], text: str) -> None:
    refused = set_from_view(content)
    assert refused is not None
    assert refused["kind"] == "refused"
    assert text in refused["text"]


def test_what_no_view_asks_does_nothing() -> None:
    assert set_from_view({"set": "explode"}) is None


class Panel:
    """A panel's comm on the control channel of a kernel."""

    def __init__(self, kernel: LiveKernel) -> None:
        self.kernel = kernel
        self.identity = f"gnomon-{uuid.uuid4().hex}"
        self._send("comm_open", target_name="gnomon.panel", data={})
        self.tell(kind="subscribe")

    def _send(self, kind: str, **content: Any) -> None:
        message = self.kernel.client.session.msg(kind, {"comm_id": self.identity, **content})
        self.kernel.client.control_channel.send(message)

    def tell(self, **data: Any) -> None:
        self._send("comm_msg", data=data)

    def heard(self, kind: str) -> list[dict[str, Any]]:
        """What has come of that kind so far; for feed messages, those that tell of the tempo."""
        cells = [message for cell in self.kernel.cells.values() for message in cell.messages]
        found = [
            message["content"]["data"]
            for message in (*self.kernel.strays, *cells)
            if message["content"].get("comm_id") == self.identity
        ]
        wanted = [data for data in found if kind in data or data.get("kind") == kind]
        return sorted(wanted, key=lambda data: int(data.get("seq", 0)))

    def tempo(self) -> dict[str, Any]:
        told = self.heard("tempo")
        return dict(told[-1]["tempo"]) if told else {}

    def close(self) -> None:
        self._send("comm_close", data={})


def test_a_view_holds_and_steps_and_frees_work_while_a_cell_waits(live_kernel: LiveKernel) -> None:
    kernel = live_kernel
    kernel.run("%remote start --engine local --cpus 2").check()
    kernel.run(
        "import gnomon\nf = gnomon.remote(lambda number: print('began', number, flush=True) or number)"
    ).check()
    kernel.run("%remote pause").check()
    panel = Panel(kernel)
    cell = kernel.start("gnomon.get([f.remote(number) for number in range(4)])")
    kernel.until(lambda: panel.tempo().get("waiting") == 2, "two wait at the gate")
    assert not cell.idle
    assert "began" not in cell.text()
    panel.tell(kind="tempo", set="step", n=1)
    kernel.until(lambda: panel.tempo().get("begun") == 1, "one has begun")
    kernel.until(lambda: cell.text().count("began") == 1, "its output is here")
    panel.tell(kind="tempo", set="step", n="many")
    kernel.until(lambda: panel.heard("refused"), "it is refused")
    assert not cell.idle
    panel.tell(kind="tempo", set="resume")
    kernel.until(lambda: cell.idle, "the cell ends")
    assert cell.check().result() == "[0, 1, 2, 3]"
    kernel.until(lambda: panel.tempo() == {}, "the view has heard that work begins freely")
    panel.close()


def test_a_cell_that_waits_for_paused_work_can_be_interrupted(live_kernel: LiveKernel) -> None:
    kernel = live_kernel
    kernel.run("%remote start --engine local --cpus 2").check()
    said = kernel.run("import gnomon\nf = gnomon.remote(lambda: 1)\n%remote pause").check().text()
    assert "paused, nothing begins" in said
    panel = Panel(kernel)
    cell = kernel.start("gnomon.get(f.remote())")
    kernel.until(lambda: panel.tempo().get("waiting") == 1, "it waits at the gate")
    kernel.interrupt()
    kernel.until(lambda: cell.idle, "the cell ends")
    assert "KeyboardInterrupt" in cell.error()
    kernel.until(lambda: panel.tempo().get("waiting") == 0, "what it submitted is cancelled")
    panel.close()
    said = kernel.run("%remote stop").check().text()
    assert "stopped" in said
