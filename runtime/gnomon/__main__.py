"""The ``gnomon`` command.

Each subcommand imports what it needs when it runs, so that ``--help`` is instant.
"""

from __future__ import annotations

import sys
from pathlib import Path

import click


@click.group()
def main() -> None:
    """Ray Core's programming model, started from a notebook cell and watched live in it."""


@main.command()
def version() -> None:
    """Print gnomon's version and Python's."""
    import platform

    import gnomon

    click.echo(f"gnomon {gnomon.__version__}, Python {platform.python_version()}")


@main.command()
@click.option("--rows", "pattern", metavar="PATTERN", help="Only rows that contain or match PATTERN.")
@click.option(
    "--json", "json_path", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path),
    help="Also write a list of objects with row, unit, gnomon, ray and ratio.",
)  # fmt: skip
@click.option("--quick", is_flag=True, help="Short measurements: the whole table in under three minutes.")
@click.option("--against", type=click.Choice(["ray"]), help="Measure Ray too, in turn, and print the ratios.")
@click.option(
    "--ray-python", metavar="PATH", type=click.Path(exists=True, dir_okay=False),
    help="Interpreter of an environment that has Ray alone; implies --against ray.",
)  # fmt: skip
def microbenchmark(
    pattern: str | None, json_path: Path | None, quick: bool, against: str | None, ray_python: str | None
) -> None:
    """Measure gnomon with the rows of `ray microbenchmark`, and its start-up, memory and actor creation."""
    from gnomon.testing.microbenchmark.command import run

    against_ray = against == "ray" or ray_python is not None
    sys.exit(run(pattern, json_path, quick, against_ray, ray_python))


if __name__ == "__main__":
    main(prog_name="gnomon")
