"""The tools with which tests look for processes that were left."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gnomon.testing.processes import expect_gone, start_time


def test_what_had_ended_before_it_was_looked_at_is_not_waited_for(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", "pass"])
    ended.wait()
    expect_gone("no session", str(tmp_path / "nothing"), {ended.pid: start_time(ended.pid)})


def test_what_lives_is_named(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=f"process {os.getpid()}"):
        expect_gone("no session", str(tmp_path), {os.getpid(): start_time(os.getpid())}, limit_s=0.05)
