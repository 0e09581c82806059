"""interrupts: Ctrl-C at random instants of a driver's work; the next cell works each time, and nothing is left over."""

from __future__ import annotations

import json
import os
import subprocess
import sys

from gnomon.testing.storms.interrupted_driver import PROGRAMS
from gnomon.testing.storms.report import Report

ONE_S = 2.0
"""How long one interrupt and what comes after it may take."""


def run(report: Report, seed: int, times: int) -> None:
    """``times`` interrupts in all, evenly spread over the programs."""
    each = -(-times // len(PROGRAMS))
    report.facts = {"interrupts": 0, "programs": len(PROGRAMS)}
    for number, program in enumerate(PROGRAMS):
        if report.is_late():
            return
        for fault in interrupt(program, each, seed + number):
            report.fault(f"{program}: {fault}")
        report.facts["interrupts"] = int(report.facts["interrupts"]) + each
        report.progress(f"{program} interrupted {each} times")


def interrupt(program: str, times: int, seed: int) -> list[str]:
    """Interrupt one program that often; returns what was wrong."""
    command = [
        sys.executable,
        "-m",
        "gnomon.testing.storms.interrupted_driver",
        program,
        str(times),
        str(seed),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60 + ONE_S * times, env=environment, check=False
        )
    except subprocess.TimeoutExpired as error:
        return [f"not over after {error.timeout:g} s; it said {error.stderr!r}"]
    if done.returncode != 0:
        return [f"exit code {done.returncode}: {done.stderr[-2000:]}"]
    return [str(fault) for fault in json.loads(done.stdout)["wrong"]]
