"""What ``gnomon start``, ``stop``, ``status`` and ``memory`` do. Parsing and exit codes are ``__main__``'s matter."""

from __future__ import annotations

import json
import os
import select
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from gnomon._api import checks, init_options
from gnomon._engine.base import InitOptions
from gnomon._messages.cluster import ClusterStatus, StatusAsked
from gnomon._shell import cluster_records
from gnomon.exceptions import ClusterNotFoundError
from gnomon.ids import node_name
from gnomon.resources import UNITS, size_words

if TYPE_CHECKING:
    from gnomon._shell.core_worker import CoreWorker

STOP_S = 10.0
"""How long a cluster may take to end."""


def cluster_options(given: Mapping[str, Any]) -> InitOptions:
    """The options of a new cluster, from the arguments that ``init`` would take.

    Raises:
        ValueError: a wrong value.
        TypeError: a wrong type.
    """
    checked = {**given, "address": "local"}
    init_options.check_init(checked)
    return init_options.init_options(checked)


def parse_resources(text: str | None) -> dict[str, Any] | None:
    """The value of ``--resources``.

    Raises:
        TypeError: an amount is no number.
        ValueError: it is no JSON object, or names what has an option of its own.
    """
    if text is None:
        return None
    try:
        found = json.loads(text)
    except json.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(f"--resources must be a JSON object like '{{\"disk\": 2}}', not {text!r}.")
    checks.custom_resources("--resources", found)
    return found


def how_to_join(directory: str) -> str:
    """What ``start`` tells."""
    return (
        f"A cluster is running in {directory}\n"
        "  join it:  gnomon.init(address='auto')\n"
        "  look:     gnomon status\n"
        f"  end it:   gnomon stop {directory}"
    )


def already_running() -> str:
    """What ``start`` tells before it, of this user's other clusters; "" if there is none."""
    living = [record.directory for record in cluster_records.living()]
    if not living:
        return ""
    what = "A cluster of yours runs" if len(living) == 1 else f"{len(living)} clusters of yours run"
    ends = "\n".join(f"  end it:   gnomon stop {directory}" for directory in living)
    return (
        f"{what} on this machine already, and keeps its share of it. init(address='auto') will join the new one.\n"
        f"{ends}"
    )


def clusters_to_stop(address: str | None, everything: bool) -> list[str]:
    """The directories of the clusters that ``stop`` means.

    Raises:
        ClusterNotFoundError: there is none.
        ValueError: there are several and none was named.
    """
    living = [record.directory for record in cluster_records.living()]
    address = address or os.environ.get(init_options.ADDRESS_VARIABLE) or None
    if everything:
        return living
    if address not in (None, "auto"):
        return [os.path.abspath(str(address))]
    if not living:
        raise ClusterNotFoundError("auto", "no cluster of this user is running")
    if len(living) > 1:
        listed = "\n  ".join(living)
        raise ValueError(f"Several clusters are running: name one, or use --all.\n  {listed}")
    return living


def stop(directory: str) -> bool:
    """End a cluster and wait for it; False if it has not ended within ``STOP_S``.

    Raises:
        ClusterNotFoundError: there is none.
    """
    from gnomon._shell.cluster_door import ask_to_stop

    keeper = ask_to_stop(directory)
    try:
        poller = select.poll()
        poller.register(keeper, select.POLLIN)
        return bool(poller.poll(STOP_S * 1000))
    finally:
        os.close(keeper)


def status(address: str | None) -> str:
    """Nodes, resources, jobs and actors as text: of one cluster, or of all of this user if none is named.

    Raises:
        ClusterNotFoundError: there is none.
    """
    several = _unnamed(address)
    if len(several) < 2:
        return _status(address)
    told = [f"{len(several)} clusters of yours run on this machine; init(address='auto') joins the first."]
    for directory in several:
        try:
            told.append(_status(directory))
        except ClusterNotFoundError as error:  # it has ended meanwhile
            told.append(str(error))
    return "\n\n".join(told)


def _unnamed(address: str | None) -> list[str]:
    """The clusters that may be meant if none was named, the newest first."""
    if (address or os.environ.get(init_options.ADDRESS_VARIABLE) or "auto") != "auto":
        return []
    return [record.directory for record in cluster_records.living()]


def _status(address: str | None) -> str:
    with _observer(address) as core:
        found = core.ask(core.config.head_process, lambda request: StatusAsked(request, True))
    assert isinstance(found, ClusterStatus)
    return status_text(core.config.directory, found)


def memory(address: str | None, **options: Any) -> str:
    """The objects of a cluster and who holds them, as text: of the newest, and which others there are, if none is named.

    Args:
        address: as for ``status``.
        options: those of ``observe.memory_text``.

    Raises:
        ClusterNotFoundError: there is none.
    """
    from gnomon._engine.local_memory import memory_of
    from gnomon.observe.memory_report import TIMEOUT_S, memory_text

    with _observer(address) as core:
        report = memory_of(core, (), TIMEOUT_S)
    others = [each for each in _unnamed(address) if each != core.config.directory]
    more = "".join(f"\n  not shown: gnomon memory {each}" for each in others)
    return f"Cluster in {core.config.directory}{more}\n\n{memory_text(report, **options)}"


@contextmanager
def _observer(address: str | None) -> Iterator[CoreWorker]:
    """Join a cluster to look at it: no job is listed, no workers are started."""
    from gnomon._engine.local_start import enter_cluster

    session = enter_cluster(address or os.environ.get(init_options.ADDRESS_VARIABLE) or "auto", "", look=True)
    core = session.open(lambda command: None, lambda reason: None)
    try:
        yield core
    finally:
        session.end()


def status_text(directory: str, status: ClusterStatus) -> str:
    """What ``gnomon status`` shows of one cluster; sizes in powers of 1,000."""
    now = time.monotonic()
    living = sum(node.alive for node in status.nodes)
    dead = f", {len(status.nodes) - living} dead" if living < len(status.nodes) else ""
    lines = [f"Cluster in {directory}", "", f"Nodes ({living}{dead})"]
    for node in status.nodes:
        name = node_name(node.node)
        if not node.alive:
            lines.append(f"  {name}  dead, id {node.node.hex()}")
            continue
        workers = "1 worker" if node.workers == 1 else f"{node.workers} workers"
        lines.append(f"  {name}  {workers}, pid {node.pid}, id {node.node.hex()}")
        lines += _resources(node.resources, node.available)
        on_disk = f", {size_words(node.store_spilled)} of values on disk" if node.store_spilled else ""
        used = f"{size_words(node.store_used)} of {size_words(node.store_capacity)}"
        lines.append(f"    object store: {used} in use{on_disk}")
    running = [job for job in status.jobs if not job.ended]
    lines += ["", f"Jobs ({len(running)} running, {len(status.jobs) - len(running)} ended)"]
    for job in status.jobs:
        state = (
            f"ended {now - job.ended:,.0f} s ago" if job.ended else f"running for {now - job.started:,.0f} s"
        )
        lines.append(
            f"  {job.job.hex()}  pid {job.pid}, {state}, namespace {job.namespace}: {job.entrypoint}"
        )
    lines += ["", f"Actors ({len(status.actors)})"]
    for actor in status.actors:
        name = f" {actor.name!r} in {actor.namespace}" if actor.name else ""
        detached = ", detached" if actor.detached else ""
        lines.append(
            f"  {actor.class_name}{name}: {actor.state}, pid {actor.pid}, job {actor.job.hex()}{detached}"
        )
    return "\n".join(lines)


def _resources(total: Mapping[str, int], available: Mapping[str, int]) -> list[str]:
    lines = []
    for name, units in sorted(total.items()):
        used = units - available.get(name, 0)
        if name == "memory":
            lines.append(f"    memory: {size_words(used / UNITS)} of {size_words(units / UNITS)} asked for")
        else:
            lines.append(f"    {name}: {used / UNITS:g} of {units / UNITS:g} in use")
    return lines
