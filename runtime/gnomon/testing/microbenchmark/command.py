"""``gnomon microbenchmark``: from options to a printed table."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
from rich.console import Console

from gnomon.testing.microbenchmark.baselines import measure_baselines
from gnomon.testing.microbenchmark.report import figure, print_report, write_json
from gnomon.testing.microbenchmark.runner import FULL, QUICK, Environment, Result, Runner, probe, row_names
from gnomon.testing.microbenchmark.systems import System, gnomon_system, ray_system

REPORT_WIDTH = 110
"""Columns of a report that is not printed on a terminal."""


def run(
    pattern: str | None, json_path: Path | None, quick: bool, against_ray: bool, ray_python: str | None
) -> int:
    """Measure and print.

    Returns:
        The exit code: 1 when gnomon failed in a row, else 0.

    Raises:
        click.UsageError: no row matches, or a system can not be imported.
    """
    rows = _rows(pattern)
    systems = [gnomon_system(), *([ray_system(ray_python)] if against_ray else [])]
    environments = {system.name: _probe(system) for system in systems}
    results = _measure(systems, rows, quick)
    # a file or a pipe has no width of its own; rows must not be folded there
    console = Console(width=None if sys.stdout.isatty() else REPORT_WIDTH)
    print_report(console, results, environments, quick, measure_baselines(results))
    if json_path is not None:
        write_json(results, json_path)
    return int(any("gnomon" in result.errors for result in results))


def _rows(pattern: str | None) -> list[str]:
    try:
        rows = row_names(pattern)
    except re.error as error:
        raise click.UsageError(f"--rows {pattern!r} is no regular expression ({error}).") from error
    if not rows:
        known = "\n  ".join(row_names())
        raise click.UsageError(f"No row matches {pattern!r}. Choose from:\n  {known}")
    return rows


def _probe(system: System) -> Environment:
    try:
        environment = probe(system)
    except OSError as error:
        raise click.UsageError(f"Can not run {system.python}: {error}.") from error
    if environment.error:
        hint = "; name an environment that has it with --ray-python" if system.name == "ray" else ""
        raise click.UsageError(f"{system.python} can not import {system.module} ({environment.error}){hint}.")
    return environment


def _measure(systems: list[System], rows: list[str], quick: bool) -> list[Result]:
    """Run with a line of progress on stderr: a status on a terminal, a line per row elsewhere."""
    progress = Console(stderr=True)
    done = 0

    def on_row(result: Result) -> None:
        nonlocal done
        done += 1
        figures = ", ".join(f"{s.name} {figure(result.figures.get(s.name))}" for s in systems)
        line = f"{done}/{len(rows)} {result.row}: {figures} {result.unit}"
        if progress.is_terminal:
            status.update(line)
        else:
            print(line, file=sys.stderr, flush=True)

    with progress.status("starting") as status:
        return Runner(systems, rows, QUICK if quick else FULL, on_row).run()
