"""What a SIGKILL is put down to: only what the kernel says, or a memory that is nearly full."""

from __future__ import annotations

from pathlib import Path

import pytest

from gnomon._process.node import exit_in_words
from gnomon._shell.memory_pressure import MemoryPressure


class Machine:
    """The files that the kernel would write."""

    def __init__(self, root: Path) -> None:
        self.proc = root / "proc"
        self.cgroups = root / "cgroup"
        (self.proc / "self").mkdir(parents=True)
        (self.cgroups / "user" / "notebook").mkdir(parents=True)
        self.meminfo(available=50)

    def meminfo(self, available: int) -> None:
        (self.proc / "meminfo").write_text(f"MemTotal: 100 kB\nMemFree: 1 kB\nMemAvailable: {available} kB\n")

    def group(self, kills: int) -> None:
        (self.proc / "self" / "cgroup").write_text("0::/user/notebook\n")
        (self.cgroups / "user" / "notebook" / "memory.events").write_text(f"oom 3\noom_kill {kills}\n")

    def watch(self) -> MemoryPressure:
        return MemoryPressure(str(self.proc), str(self.cgroups))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_count_of_the_control_group(machine: Machine) -> None:
    machine.group(kills=2)
    machine.meminfo(available=1)
    pressure = machine.watch()
    assert not pressure.has_killed(), "what was killed before it watched is no news"
    machine.group(kills=3)
    assert pressure.has_killed()
    assert not pressure.has_killed(), "each is told once"


def test_the_count_of_the_machine(machine: Machine) -> None:
    vmstat = machine.proc / "vmstat"
    vmstat.write_text("pgfault 7\noom_kill 0\n")
    pressure = machine.watch()
    vmstat.write_text("pgfault 9\noom_kill 1\n")
    assert pressure.has_killed()


def test_without_a_count_a_memory_nearly_full_is_the_sign(machine: Machine) -> None:
    pressure = machine.watch()
    assert not pressure.has_killed()
    machine.meminfo(available=4)
    assert pressure.has_killed()
    (machine.proc / "meminfo").unlink()
    assert not pressure.has_killed()


def test_the_words() -> None:
    assert exit_in_words(12, -9) == "(pid 12) was killed by SIGKILL"
    assert exit_in_words(12, -9, "gnomon ended it, as was asked") == (
        "(pid 12) was killed by SIGKILL (gnomon ended it, as was asked)"
    )
    assert exit_in_words(12, -11) == "(pid 12) was killed by SIGSEGV"
    assert exit_in_words(12, 0) == "(pid 12) ended with exit code 0"
    assert exit_in_words(12, 3) == (
        "(pid 12) ended with exit code 3 (its code called sys.exit() or os._exit(), or a library did)"
    )
