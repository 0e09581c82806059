"""The memory that this machine has and uses, read from files as the kernel writes them; and the monitor."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gnomon._core.pressure import MemoryHigh
from gnomon._shell.memory_monitor import MemoryMonitor
from gnomon._shell.memory_usage import MemoryUsage, Reading

GIB = 1 << 30
MACHINE = f"MemTotal: {16 * GIB // 1024} kB\nMemFree: 1 kB\nMemAvailable: {12 * GIB // 1024} kB\n"
UNLIMITED_1 = "9223372036854771712"


class Machine:
    """Files like those in /proc and /sys/fs/cgroup."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.usage = MemoryUsage(str(folder / "proc"), str(folder / "cgroups"))

    def write(self, path: str, text: object) -> None:
        """A file with this content."""
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")

    def group_2(self, name: str, limit: object, used: int, files: int = 0) -> None:
        """A control group of version 2."""
        self.write(f"cgroups/{name}/memory.max", limit)
        self.write(f"cgroups/{name}/memory.current", used)
        statistics = f"anon 1\nfile 2\nshmem 3\ninactive_file {files // 2}\nactive_file {files - files // 2}"
        self.write(f"cgroups/{name}/memory.stat", statistics)

    def group_1(self, name: str, limit: object, used: int, files: int = 0) -> None:
        """A control group of version 1."""
        self.write(f"cgroups/memory/{name}/memory.limit_in_bytes", limit)
        self.write(f"cgroups/memory/{name}/memory.usage_in_bytes", used)
        self.write(
            f"cgroups/memory/{name}/memory.stat", f"inactive_file 7\ntotal_inactive_file {files}\nrss 3"
        )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def test_the_machine_alone(machine: Machine) -> None:
    machine.write("proc/meminfo", MACHINE)
    assert machine.usage.read() == Reading(4 * GIB, 16 * GIB, "the machine has")


def test_nothing_can_be_read(machine: Machine) -> None:
    assert machine.usage.read() is None
    machine.write("proc/meminfo", "MemTotal: many kB")
    assert machine.usage.read() is None


def test_a_container_of_version_2_sees_its_group_at_the_root(machine: Machine) -> None:
    machine.write("proc/meminfo", MACHINE)
    machine.write("proc/self/cgroup", "0::/")
    machine.group_2("", 2 * GIB, GIB)
    assert machine.usage.read() == Reading(GIB, 2 * GIB, "its control group may have")


def test_pages_of_files_do_not_count(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/")
    machine.group_2("", 2 * GIB, 2 * GIB, files=GIB + 1)
    assert machine.usage.read() == Reading(GIB - 1, 2 * GIB, "its control group may have")


def test_a_group_without_a_limit_counts_as_the_machine(machine: Machine) -> None:
    machine.write("proc/meminfo", MACHINE)
    machine.write("proc/self/cgroup", "0::/")
    machine.group_2("", "max", 3 * GIB)
    assert machine.usage.read() == Reading(4 * GIB, 16 * GIB, "the machine has")


def test_of_groups_within_groups_the_nearest_limit_counts(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "0::/user/session/app")
    machine.group_2("user/session/app", "max", GIB)
    machine.group_2("user/session", 4 * GIB, 3 * GIB)
    machine.group_2("user", 8 * GIB, 4 * GIB)
    assert machine.usage.read() == Reading(3 * GIB, 4 * GIB, "its control group may have")


def test_a_small_machine_with_large_groups(machine: Machine) -> None:
    machine.write("proc/meminfo", MACHINE)
    machine.write("proc/self/cgroup", "0::/a")
    machine.group_2("a", 64 * GIB, 2 * GIB)
    assert machine.usage.read() == Reading(4 * GIB, 16 * GIB, "the machine has")


def test_version_1(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "5:cpu,cpuacct:/x\n4:memory:/docker/abc\n0::/y")
    machine.group_1("docker/abc", 4 * GIB, 3 * GIB, files=GIB)
    machine.group_1("", UNLIMITED_1, 9 * GIB)
    assert machine.usage.read() == Reading(2 * GIB, 4 * GIB, "its control group may have")


def test_version_1_within_a_container_where_the_root_is_its_own(machine: Machine) -> None:
    machine.write("proc/self/cgroup", "4:memory:/docker/abc")
    machine.group_1("", 4 * GIB, GIB)
    assert machine.usage.read() == Reading(GIB, 4 * GIB, "its control group may have")


def test_what_a_process_has_for_itself(machine: Machine) -> None:
    machine.write("proc/7/smaps_rollup", "5500 [rollup]\nRss: 900 kB\nPss_Anon: 300 kB\nPss_Shmem: 50 kB")
    machine.write("proc/8/status", "Name: python\nVmRSS: 900 kB\nRssAnon: 200 kB\nRssShmem: 600 kB")
    assert machine.usage.own_bytes([7, 8, 9]) == {7: 300 * 1024, 8: 200 * 1024, 9: 0}


def test_this_machine_and_this_process_can_be_read() -> None:
    reading = MemoryUsage().read()
    assert reading is not None
    assert 0 < reading.used <= reading.limit
    assert MemoryUsage().own_bytes([os.getpid()])[os.getpid()] > 1 << 20


def monitor(machine: Machine, threshold: float, told: list[MemoryHigh]) -> MemoryMonitor:
    return MemoryMonitor(machine.usage, threshold, 3600.0, lambda: [7], told.append)


def test_the_monitor_tells_only_what_is_above_the_threshold(machine: Machine) -> None:
    machine.write("proc/meminfo", MACHINE)
    machine.write("proc/7/smaps_rollup", "Pss_Anon: 300 kB")
    told: list[MemoryHigh] = []
    monitor(machine, 0.25, told).look()
    assert told == []
    monitor(machine, 0.24, told).look()
    (event,) = told
    assert (event.used, event.limit, event.threshold, event.sizes, event.kind) == (
        4 * GIB, 16 * GIB, 0.24, {7: 300 * 1024}, "the machine has",
    )  # fmt: skip


def test_the_monitor_looks_where_nothing_can_be_read_and_ends(machine: Machine) -> None:
    told: list[MemoryHigh] = []
    watching = monitor(machine, 0.0, told)
    watching.look()
    watching.start()
    watching.close()
    assert told == []
