"""Clusters started by ``gnomon start --head``, and drivers that join them, for tests."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cluster_tools import expect_gone, kill_process, marked, start_time, wait_until

HERE = Path(__file__).resolve().parent
LIMIT_S = 60.0


class DriverError(Exception):
    """What a driver's code has raised: the class's name, and the text."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind
        self.text = text


class RemoteDriver:
    """A driver in a process of its own: see ``remote_driver.py``."""

    def __init__(self, environment: dict[str, str], folder: Path | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "remote_driver.py")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            cwd=folder,
        )

    @property
    def pid(self) -> int:
        return self.process.pid

    def say(self, code: str) -> None:
        """Have code run, without waiting for its end."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(code) + "\n")
        self.process.stdin.flush()

    def hear(self) -> Any:
        """The value of what was said."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, f"the driver has ended: {self.errors()}"
        answer = json.loads(line)
        if "error" in answer:
            raise DriverError(answer["error"], answer["text"])
        return answer["value"]

    def run(self, code: str) -> Any:
        """Run code; the value of its last expression."""
        self.say(code)
        return self.hear()

    def errors(self) -> str:
        assert self.process.stderr is not None
        self.process.wait(LIMIT_S)
        return self.process.stderr.read()

    def leave(self) -> str:
        """End the process as a script ends; returns what it has written."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self._close()

    def kill(self) -> None:
        kill_process(self.process.pid)
        self._close()

    def _close(self) -> str:
        written = ""
        if self.process.stderr is not None and not self.process.stderr.closed:
            written = self.errors()
        for file in (self.process.stdin, self.process.stdout, self.process.stderr):
            if file is not None:
                file.close()
        self.process.wait(LIMIT_S)
        return written


class KeptCluster:
    """A running cluster."""

    def __init__(self, folder: str, *options: str) -> None:
        self.folder = folder
        self.environment = {
            **{name: value for name, value in os.environ.items() if name != "GNOMON_ADDRESS"},
            "TMPDIR": folder,
            "PYTHONPATH": os.pathsep.join(sys.path),
        }
        self.drivers: list[RemoteDriver] = []
        started = self.command("start", "--head", *options)
        assert started.returncode == 0, started.stderr
        self.directory = started.stdout.split("\n", 1)[0].rpartition(" ")[2]
        (record,) = self.records()
        self.session = record["session"]
        self.keeper = record["pid"]
        # the command returns while they are still starting
        wait_until(lambda: len(marked(self.session)) >= 3, "node, head and zygote live")

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run ``gnomon``."""
        return subprocess.run(
            [sys.executable, "-m", "gnomon", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )

    def records(self) -> list[dict[str, Any]]:
        paths = Path(self.folder).glob("gnomon-clusters-*/*.json")
        return [json.loads(path.read_text()) for path in paths]

    def driver(self, namespace: str | None = None, folder: Path | None = None) -> RemoteDriver:
        """A driver that has joined."""
        driver = RemoteDriver(self.environment, folder)
        self.drivers.append(driver)
        driver.run(
            f"import gnomon, os\ngnomon.init('auto', namespace={namespace!r}, log_to_driver=False)\nNone"
        )
        return driver

    def stranger(self, **environment: str) -> RemoteDriver:
        """A driver that has not joined."""
        driver = RemoteDriver({**self.environment, **environment})
        self.drivers.append(driver)
        return driver

    def alive(self) -> dict[int, str | None]:
        """The cluster's living processes, the keeper among them."""
        return {pid: start_time(pid) for pid in [*marked(self.session), self.keeper]}

    def expect_gone(self, also: dict[int, str | None]) -> None:
        """Within two seconds neither processes nor directory nor record."""
        expect_gone(self.session, self.directory, also)
        wait_until(lambda: not self.records(), "the record is gone", 2.0)

    def end(self) -> None:
        for driver in self.drivers:
            if driver.process.poll() is None:
                driver.kill()
            else:
                driver._close()
        alive = self.alive()
        if start_time(self.keeper) is not None and self.records():
            stopped = self.command("stop", self.directory)
            assert stopped.returncode == 0, stopped.stderr
            self.expect_gone(alive)


@contextmanager
def kept_cluster(*options: str) -> Iterator[KeptCluster]:
    """Start a cluster with records and directories of its own; afterwards nothing is left of it."""
    folder = tempfile.mkdtemp(prefix="gk-")  # short: sockets have to fit into paths
    try:
        cluster = KeptCluster(folder, *options)
        try:
            yield cluster
        finally:
            cluster.end()
        assert os.listdir(folder) == []
    finally:
        shutil.rmtree(folder, ignore_errors=True)
