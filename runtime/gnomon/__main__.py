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
@click.option(
    "--head", is_flag=True, help="Start a cluster that lives by itself, for several kernels to join."
)
@click.option(
    "--num-cpus",
    "--cpus",
    type=click.FloatRange(0),
    metavar="N",
    help="CPUs to run tasks on; by default the machine's.",
)
@click.option(
    "--num-gpus",
    "--gpus",
    type=click.FloatRange(0),
    metavar="N",
    help="GPUs; by default those that can be seen.",
)
@click.option("--resources", metavar="JSON", help="Your own resources, for example '{\"disk\": 2}'.")
@click.option(
    "--object-store-memory", type=click.IntRange(1), metavar="BYTES", help="Capacity of the object store."
)
@click.option("--block", is_flag=True, help="Stay until Ctrl-C, and end the cluster then.")
def start(
    head: bool,
    num_cpus: float | None,
    num_gpus: float | None,
    resources: str | None,
    object_store_memory: int | None,
    block: bool,
) -> None:
    """Start a cluster of this machine that outlives its drivers: join it with init(address='auto')."""
    from gnomon._process import commands, keeper

    if not head:
        raise click.UsageError("Only whole clusters can be started on this machine: use --head.")
    try:
        options = commands.cluster_options(
            {
                "num_cpus": num_cpus,
                "num_gpus": num_gpus,
                "resources": commands.parse_resources(resources),
                "object_store_memory": object_store_memory,
            }
        )
    except (ValueError, TypeError) as error:
        raise click.UsageError(str(error)) from error
    others = commands.already_running()
    if others:
        click.echo(others, err=True)
    if block:
        kept = keeper.Keeper(options)
        click.echo(commands.how_to_join(kept.config.directory))
        sys.exit(kept.run())
    try:
        click.echo(commands.how_to_join(keeper.start_in_background(options).directory))
    except RuntimeError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("address", required=False)
@click.option("--all", "everything", is_flag=True, help="All clusters of this user.")
def stop(address: str | None, everything: bool) -> None:
    """End a cluster: the only one there is, or that in the session directory ADDRESS."""
    from gnomon._process import commands

    try:
        for directory in commands.clusters_to_stop(address, everything):
            if not commands.stop(directory):
                raise click.ClickException(
                    f"The cluster in {directory} has not ended in {commands.STOP_S:g} s."
                )
            click.echo(f"The cluster in {directory} has ended.")
    except (ConnectionError, ValueError) as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("address", required=False)
def status(address: str | None) -> None:
    """Show nodes, resources, jobs and actors of your clusters, or of that in the session directory ADDRESS."""
    from gnomon._process import commands

    try:
        click.echo(commands.status(address))
    except ConnectionError as error:
        raise click.ClickException(str(error)) from error


@main.command()
@click.argument("address", required=False)
@click.option(
    "--group-by", type=click.Choice(["NODE_ADDRESS", "STACK_TRACE"]), default="NODE_ADDRESS", show_default=True,
    help="A table for each node, or for each place in the code.",
)  # fmt: skip
@click.option(
    "--sort-by", type=click.Choice(["PID", "OBJECT_SIZE", "REFERENCE_TYPE"]), default="OBJECT_SIZE",
    show_default=True, help="The order within a table.",
)  # fmt: skip
@click.option(
    "--units", type=click.Choice(["B", "KB", "MB", "GB"]), default="B", show_default=True, help="Of sizes."
)
@click.option(
    "--num-entries", "--n", "-n", "limit", type=click.IntRange(0), metavar="N", help="Rows in each table; all by default."
)  # fmt: skip
@click.option("--stats-only", is_flag=True, help="Only the totals.")
def memory(
    address: str | None, group_by: str, sort_by: str, units: str, limit: int | None, stats_only: bool
) -> None:
    """Show the objects of a cluster and who holds each: the newest, or that in the session directory ADDRESS."""
    from gnomon._process import commands

    try:
        text = commands.memory(
            address, group_by=group_by, sort_by=sort_by, units=units, limit=limit, stats_only=stats_only
        )
    except ConnectionError as error:
        raise click.ClickException(str(error)) from error
    click.echo(text)


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
