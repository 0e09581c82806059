"""The table, the lines beneath it, and the JSON file."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from gnomon.testing.microbenchmark.baselines import Baseline
from gnomon.testing.microbenchmark.goals import goal
from gnomon.testing.microbenchmark.runner import Environment, Result


def figure(value: float | None) -> str:
    """A figure to read: three digits that count, thousands separated."""
    if value is None:
        return "-"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def as_json(results: Sequence[Result]) -> str:
    """A list of objects ``row, unit, gnomon, ray, ratio``; null where there is no figure."""
    return json.dumps(
        [
            {
                "row": result.row,
                "unit": result.unit,
                "gnomon": result.figures.get("gnomon"),
                "ray": result.figures.get("ray"),
                "ratio": result.ratio(),
            }
            for result in results
        ],
        indent=2,
    )


def write_json(results: Sequence[Result], path: Path) -> None:
    """Write :func:`as_json` to ``path``."""
    path.write_text(as_json(results) + "\n")


def print_report(
    console: Console,
    results: Sequence[Result],
    environments: Mapping[str, Environment],
    quick: bool,
    baselines: Sequence[Baseline] = (),
) -> None:
    """Print the table, the failures with their reasons, and what it was measured on.

    Args:
        console: where to.
        results: the rows, in order.
        environments: by the system's name; the systems that were measured.
        quick: whether batches were cut.
        baselines: rows compared with what the machine itself can do.
    """
    console.print(_table(results, environments))
    for result in results:
        for system, error in result.errors.items():
            console.print(f"{result.row}: {system} failed: {error}", markup=False, soft_wrap=True)
    for line in [*map(str, baselines), *_notes(environments, quick)]:
        console.print(line, markup=False, soft_wrap=True)


def _table(results: Sequence[Result], environments: Mapping[str, Environment]) -> Table:
    table = Table()
    table.add_column("row", overflow="fold")
    table.add_column("unit")
    against = "ray" in environments
    for name in ("gnomon", "ray", "ratio", "goal", "") if against else ("gnomon",):
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        cells = [result.row, result.unit, _cell(result, "gnomon")]
        if against:
            cells += [_cell(result, "ray"), *_comparison(result, environments["ray"])]
        table.add_row(*cells)
    return table


def _cell(result: Result, system: str) -> str:
    return "[red]failed[/]" if system in result.errors else figure(result.figures.get(system))


def _comparison(result: Result, ray: Environment) -> tuple[str, str, str]:
    """Ratio, goal, and the mark that says whether the one reaches the other."""
    ratio, wanted = result.ratio(), goal(result.row, ray.jupyterlab)
    asked = "" if wanted is None else f"{wanted:g}"
    if ratio is None or wanted is None:
        return figure(ratio), asked, ""
    return figure(ratio), asked, "[green]pass[/]" if ratio >= wanted else "[red]miss[/]"


def _notes(environments: Mapping[str, Environment], quick: bool) -> list[str]:
    memory_gb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9
    now = datetime.datetime.now().astimezone()
    lines = [
        f"{now:%Y-%m-%d %H:%M %Z}, {platform.system()} {platform.machine()}, "
        f"{os.cpu_count()} cores, {memory_gb:.1f} GB of memory"
    ]
    lines += [
        f"{name} {environment.version}, Python {environment.python}, "
        f"JupyterLab {'' if environment.jupyterlab else 'not '}in the same environment"
        for name, environment in environments.items()
    ]
    if "ray" in environments:
        lines.append(
            "ratio: how many times better gnomon is (rates: gnomon / ray; times, memory: ray / gnomon)"
        )
    if quick:
        lines.append("--quick: short measurements, batches of 5,000 calls and more cut to a tenth")
    return lines
