"""Leftovers: what must not be there when everything is over, and who waits for what when it hangs.

When the driver's program has ended and holds nothing, no process may hold anything: OR2, OR4, OR7
(references), OD2, OD8 (blocks), LR1, LR9 (resources and leases), AC8 (actors), and no link may still be
repeating something.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from gnomon._core.station import Role
from gnomon._core.worker import Worker
from gnomon._messages.actors import ALIVE, DEAD
from gnomon.ids import ActorID, node_tag

if TYPE_CHECKING:
    from gnomon.testing.simulator.processes import NodeHost
    from gnomon.testing.simulator.session import Session


def survivors(session: Session) -> list[ActorID]:
    """The detached actors that live on when the program has ended (AC8: the others do not)."""
    found = []
    for actor, record in session.head.actors.records.items():
        if record.spec.detached and record.state != DEAD:
            assert record.state == ALIVE, f"AC8: {actor.hex()} is {record.state} when all is quiet"
            found.append(actor)
    return found


def left(session: Session) -> list[str]:
    """All leftovers as sentences."""
    found: list[str] = []
    for host in session.workers.values():
        if host.alive:
            found += [f"{host.label} {what}" for what in _left_in(host.worker)]
    found += session.tempo.left()
    head = session.head
    for node_host in session.nodes.alive:
        found += _left_at(session, node_host)
    for actor, record in head.actors.records.items():
        if record.state != DEAD:
            found.append(f"head has actor {actor.hex()}, {record.state}")
    roles: list[tuple[str, Role]] = [
        ("head", head),
        *((host.label, host.node) for host in session.nodes.alive),
    ]
    roles += [(host.label, host.worker) for host in session.workers.values() if host.alive]
    for label, role in roles:
        for peer, link in role.links.links.items():
            if link.unacked:
                found.append(f"{label} repeats {len(link.unacked)} envelopes to {peer!r}: {link.unacked[0]}")
    return found


def _left_at(session: Session, host: NodeHost) -> list[str]:
    """Leftovers of one node."""
    node, label = host.node, host.label
    found: list[str] = []
    if node.account.available != node.account.total:
        found.append(f"{label} has {node.account.available} of {node.account.total} available")
    found += [
        f"{label} has lease {lease} ({record.demand.resources})"
        for lease, record in node.leases.leases.items()
    ]
    for demand in node.leases.queue:
        found.append(f"{label} has an open demand of {demand.owner!r} for {demand.outstanding} leases")
    found += [f"{label} has a block at {offset} of {owner!r}" for offset, owner in node.blocks.owners.items()]
    transit = (node.pulls.pulls, node.pulls.in_flight, node.blocks.pinned, node.blocks.parting, host.rooms)
    if any(transit):  # OD9
        found.append(f"{label} has pulls, bytes on their way, pinned blocks: {transit}")
    if node.blocks.allocator.used_bytes:
        found.append(f"the arena of {label} has {node.blocks.allocator.used_bytes} bytes in use")
    blocks = node.blocks
    tables: dict[str, Collection[Any]] = {
        "blocks on disk": blocks.spilling.parted,
        "blocks given up": blocks.spilling.given_up,
        "blocks in use": blocks.spilling.recent,
        "spill files": blocks.spilling.files.files,
        "readers": blocks.restoring.wants,
        "blocks being read": blocks.restoring.reading,
        "blocks on their way out": blocks.spilling.batch.asked if blocks.spilling.batch is not None else (),
        "files": host.memory.disk,
    }
    found += [
        f"{label} has {len(table)} {what}: {list(table)[:3]}" for what, table in tables.items() if table
    ]
    living = [each.me for each in session.workers.values() if each.alive and each is not session.driver]
    alive = [process for process in living if node_tag(process) == node_tag(host.me)]
    pool = list(node.pool.jobs)
    drivers = [*node.jobs.drivers, *node.jobs.elsewhere]
    if drivers != [session.driver.me]:
        found.append(f"{label} counts on the drivers {drivers}")
    if sorted(alive) != sorted(pool):
        found.append(f"{label} counts on the processes {pool}, alive are {alive}")
    jobs = [*node.jobs.drivers.values(), *node.jobs.elsewhere.values()]
    strangers = [worker for worker, job in node.pool.jobs.items() if job not in jobs]
    found += [f"{worker!r} is of a job that has ended" for worker in strangers]
    for worker in [*node.pool.leased, *node.pool.doomed]:
        found.append(f"the pool of {label} has {worker!r} as leased or doomed")
    others = [each.me for each in session.nodes.alive if each is not host]
    if sorted(node.neighbours.views) != sorted(others):  # MB2
        found.append(f"{label} counts on the nodes {list(node.neighbours.views)}, alive are {others}")
    return found


def _left_in(worker: Worker) -> list[str]:
    references, execution = worker.references, worker.execution
    found = [
        f"holds {identity.hex()}: {entry.holds} holds, borrowers {list(entry.borrowers or ())}"
        for identity, entry in references.entries.items()
    ]
    tables: dict[str, Collection[Any]] = {
        "values": references.values,
        "holds of results": worker.borrowing._result_holds,
        "receipts": worker.borrowing._receipts,
        "arrivals": worker.borrowing._arrivals,
        "waits": references._waits,
        "copies": references.copies,
        "fetches": worker.fetching._waiting,
        "waits for errors": references._hasty,
        "dependents": references.dependents,
        "tasks": worker.tasks.records,
        "streams": worker.streams.streams,
        "counts of taken items": execution.taken,
        "calls": worker.calls.records,
        "queued tasks": execution.queue,
        "running tasks": execution.running,
        "views": worker.views.viewing,
        "places in question": worker.views.questioned,
        "leased workers": worker.tasks.dispatch.leased,
    }
    for what, table in tables.items():
        if table:
            found.append(f"has {len(table)} {what}: {list(table)[:3]}")
    return found


def waiting(session: Session) -> str:
    """Who waits for what."""
    lines = []
    for host in session.workers.values():
        worker = host.worker
        if not host.alive:
            continue
        for task, record in worker.tasks.records.items():
            lines.append(
                f"{host.label} task {task.hex()} state {record.row.state} at {record.worker!r} "
                f"missing {[identity.hex() for identity in record.missing]}"
            )
        for task, (client, call) in worker.calls.records.items():
            missing = [identity.hex() for identity in call.missing or ()]
            lines.append(
                f"{host.label} call {task.hex()} pushed {call.pushed} to {client.actor.hex()} {client.state} "
                f"incarnation {client.incarnation} missing {missing}"
            )
        for token, wait in worker.references._waits.items():
            objects = worker.references._wait_objects[token]
            lines.append(f"{host.label} waits for {wait} of {[identity.hex() for identity in objects]}")
    return "\n".join(lines + left(session))
