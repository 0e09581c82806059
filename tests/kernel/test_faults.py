"""``%remote fault``: one line on what was hit, and errors that say what could be."""

from __future__ import annotations

import pytest
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

from gnomon import control
from gnomon_kernel.faults import make_from_view
from kernel.live_kernel import LiveKernel


@pytest.fixture
def ip(ip: InteractiveShell) -> InteractiveShell:
    """That of all, with a name."""
    ip.user_ns["number"] = 3
    return ip


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("fault", "required: kind"),
        ("fault head", "invalid choice: 'head'"),
        ("fault worker", "the inline engine has no processes"),
        ("fault worker nobody", "'nobody' raised NameError"),
        ("fault object number", "name one reference to a large value"),
        ("fault object", "name one reference to a large value"),
        ("fault node", "the inline engine has no processes"),
        ("fault delay", "the inline engine has no processes"),
        ("fault delay --for 61s", "at most 60 seconds, not 61"),
        ("fault delay --by soon", "expected seconds like 0.2, 5s or 200ms"),
        ("fault worker --for 3s", "--for and --by belong to delay"),
    ],
)
def test_what_can_not_be_hit(ip: InteractiveShell, line: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        ip.run_line_magic("remote", line)


def test_nothing_to_break(shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    shell.run_line_magic("remote", "fault worker")
    assert capsys.readouterr().out == "gnomon: nothing is running\n"


@pytest.mark.parametrize(
    ("receipt", "text"),
    [
        (control.FaultReceipt("worker", "a worker", 7), "killed a worker (pid 7): it ran nothing"),
        (
            control.FaultReceipt("node", "node ab", 7, ("f", "f", "g", "h", "A")),
            "killed node ab (pid 7): it ran f, g, h and 1 more",
        ),
        (
            control.FaultReceipt("worker", "a worker", 7, ("Trainer.train", "Trainer")),
            "killed a worker (pid 7): it ran Trainer.train",
        ),
        (
            control.FaultReceipt("delay", "node ab", 7, for_s=5.0, by_s=0.2),
            "node ab (pid 7) hears and is heard 0.2 s late for 5 s",
        ),
    ],
)
def test_receipts(receipt: control.FaultReceipt, text: str) -> None:
    assert str(receipt) == text


@pytest.mark.parametrize(
    ("content", "about", "text"),
    [
        ({"what": "worker", "target": 7}, "worker 7", "the inline engine has no processes"),
        ({"what": "node", "target": "ab"}, "node ab", "the inline engine has no processes"),
        ({"what": "delay", "target": "ab", "seconds": 3}, "delay ab", "the inline engine has no processes"),
        ({"what": "delay", "target": "ab"}, "delay ab", "more than 0"),
        ({"what": "object", "target": "ab"}, "object ab", "the inline engine has no processes"),
        ({"what": "add"}, "add", "%remote start --nodes 2"),
        ({"what": "head", "target": "ab"}, "head ab", "no fault 'head'"),
        ({"what": "worker", "target": "7"}, "worker 7", "no fault 'worker' for '7'"),
        ({}, "None", "no fault 'None'"),
    ],
)
def test_what_a_view_can_not_do(
    ip: InteractiveShell, content: dict[str, object], about: str, text: str
) -> None:
    note = make_from_view(content)
    assert (note["kind"], note["about"]) == ("note", about)
    assert text in note["text"]


def test_a_worker_and_a_value_are_lost_and_come_back(live_kernel: LiveKernel) -> None:
    kernel = live_kernel
    kernel.run("%remote start --engine local --cpus 2").check()
    kernel.run(
        "import gnomon, os\n"
        "pid = gnomon.remote(os.getpid)\n"
        "@gnomon.remote\n"
        "class Keeper:\n"
        "    def pid(self): return os.getpid()\n"
        "keeper = Keeper.options(max_restarts=-1, max_task_retries=-1).remote()\n"
        "first = gnomon.get(keeper.pid.remote())\n"
        "large = gnomon.remote(lambda: bytes(500_000)).remote()\n"
        "gnomon.wait([large])"
    ).check()
    assert "it ran Keeper" in kernel.run("%remote fault worker keeper").check().text()
    assert kernel.run("gnomon.get(keeper.pid.remote(), timeout=30) != first").check().result() == "True"
    assert "takes every copy for lost" in kernel.run("%remote fault object large").check().text()
    assert kernel.run("len(gnomon.get(large, timeout=30))").check().result() == "500000"
    kernel.run("%remote stop").check()
