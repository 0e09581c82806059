"""Python beside the tests: what simulates for long does so on all processors."""

from __future__ import annotations

import os
import subprocess
import sys

PARTS = min(4, os.cpu_count() or 1)
"""Processes that share a piece of work."""


def python(*arguments: str, hash_seed: str = "random") -> subprocess.Popen[str]:
    """A process that imports what the tests import; its output can be read."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        env={"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(path for path in sys.path if path)},
        stdout=subprocess.PIPE,
        text=True,
    )
