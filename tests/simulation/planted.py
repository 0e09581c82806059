"""Planted bugs: small wrong versions of the core, each of which the simulator has to find.

A bug is one method and one change of its text. ``seed`` is where it was found first when the table was made;
``test_planted`` searches from there. After a change of the simulator or the core, make the seeds anew:

    python tests/simulation/planted.py            the first seed of each bug, and which are not found
    python tests/simulation/planted.py "a name"   of one bug, with its story
"""

from __future__ import annotations
import __future__

import importlib
import inspect
import sys
import textwrap
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from gnomon.testing.simulator import Report, run_seed

SEEDS_MAX = 600


@dataclass(frozen=True)
class Bug:
    """One planted bug.

    Attributes:
        name: what is wrong, for people.
        where: ``module.Class.method`` or ``module.function`` of the core.
        right, wrong: a piece of its text, which occurs once, and what stands there instead.
        seed: where it is found.
    """

    name: str
    where: str
    right: str
    wrong: str
    seed: int


@contextmanager
def planted(bug: Bug) -> Iterator[None]:
    """Let the core have this bug for a while."""
    module_name, *class_name, name = bug.where.split(".")
    module = importlib.import_module(f"gnomon._core.{module_name}")
    place: Any = getattr(module, class_name[0]) if class_name else module
    method = getattr(place, name)
    source = textwrap.dedent(inspect.getsource(method))
    assert source.count(bug.right) == 1, f"{bug.name}: {bug.right!r} is no longer in {bug.where}"
    changed = source.replace(bug.right, bug.wrong)
    code = compile(changed, f"<{bug.name}>", "exec", flags=__future__.annotations.compiler_flag)
    made: dict[str, Any] = {}
    exec(code, module.__dict__, made)
    places = [place]
    if not class_name:  # a function is known to all that have imported it
        core = [other for key, other in sys.modules.items() if key.startswith("gnomon._core.")]
        places = [other for other in core if getattr(other, name, None) is method]
    for each in places:
        setattr(each, name, made[name])
    try:
        yield
    finally:
        for each in places:
            setattr(each, name, method)


def find(bug: Bug, first: int, last: int) -> Report | None:
    """The first run among these seeds that fails with the bug."""
    with planted(bug):
        for seed in range(first, last):
            report = run_seed(seed)
            if report.failure:
                return report
    return None


_BUGS: tuple[tuple[str, str, str, str, int], ...] = (
    # -- retries -------------------------------------------------------------------------------------------
    ("an attempt is not counted", "tasks.TaskMachine._retry", "record.attempt += 1", "pass", 0),
    ("one retry too many", "tasks.TaskMachine._retry", "record.attempt >= limit", "record.attempt > limit", 0),
    ("one retry too few", "tasks.TaskMachine._retry", "record.attempt >= limit", "record.attempt + 1 >= limit", 0),
    ("what had not begun on a dead worker costs a retry", "dispatch.DispatchMachine.lose", "lost[: place + 1]", "lost", 0),
    ("what had begun on a dead worker costs none", "dispatch.DispatchMachine.lose", "begun.started_elsewhere = True", "pass", 0),
    ("a returned task keeps its worker", "tasks.TaskMachine.on_returned", "self.dispatch.done(record, worker, None, now)", "pass", 0),
    ("the note of what began last ignores the attempt", "execution.ExecutionMachine.take",
     "attempt_id(task, message.attempt) if message.attempt else task", "task", 0),
    # -- cancels -------------------------------------------------------------------------------------------
    ("a cancelled task is retried", "tasks.TaskMachine._retry", "record.cancelled or (", "(", 0),
    ("a cancelled task whose worker died is retried", "tasks.TaskMachine.on_worker_lost", "if record.cancelled:", "if False:", 0),
    ("a queued task is cancelled and pushed all the same", "tasks.TaskMachine.cancel", "self.dispatch.remove(record)", "pass", 0),
    ("the executor never hears of a cancel", "tasks.TaskMachine.cancel", "self._effects().send(record.worker, message)", "pass", 0),
    ("a cancel that overtakes the start is forgotten", "execution.ExecutionMachine.is_cancelled", "task in self._cancelled", "False", 0),
    ("a cancelled task that came back is queued again", "tasks.TaskMachine.on_returned", "if record.cancelled:", "if False:", 0),
    ("a queued task is cancelled at the executor and runs", "execution.ExecutionMachine._withdraw", "cancelled is None or ", "True or ", 0),
    ("children are not cancelled", "tasks.TaskMachine.cancel_children", "record.event.parent == parent", "False", 0),
    ("all tasks of a process are taken for children", "tasks.TaskMachine.cancel_children", "record.event.parent == parent", "True", 0),
    ("cancelling a cell forgets its calls", "worker.Worker._on_cell_cancel_asked", "call.provenance.cell == event.cell", "False", 0),
    ("a deaf task is never killed", "tasks.TaskMachine.run", "elif now >= deadline:", "elif False:", 0),
    ("a deaf task's worker is killed whatever runs there", "node.Node._on_lease_broken", "self.pool.kill(worker, message.task)", "self.pool.kill(worker)", 0),
    ("a doomed worker is used again", "pool.PoolMachine.put_back", "if worker in self.doomed:", "if False:", 0),
    ("a cancelled call stays in the queue", "calls.CallMachine.cancel", "record.ended = True", "pass", 0),
    ("a self-call is not cancelled", "worker.Worker._on_task_cancelled", " and sender != self.me", "", 0),
    ("a cancelled call is retried", "calls.CallMachine._may_retry", "not record.cancelled and (", "(", 0),
    ("a borrower's cancel is not passed on", "worker.Worker._on_cancel_asked", "self._effects.send(owner, message)", "pass", 0),
    # -- order and retries of calls --------------------------------------------------------------------------
    ("a retried call goes to the end of the queue", "call_queue.CallQueue._make_ready", "self._disordered = True", "pass", 0),
    ("a call that waits for an argument is overtaken", "call_queue.CallQueue.add", "if record.event.in_order:", "if False:", 0),
    ("the last incarnation's calls are forgotten", "clients.ClientMachine._apply", "self._on_over(client, message, now)", "pass", 0),
    ("a call is repeated without a retry left", "calls.CallMachine._may_retry", "record.attempt < limit", "True", 0),
    ("a call's attempt is not counted", "calls.CallMachine._lose_inflight", "record.attempt += started", "pass", 0),
    ("a call that had not begun costs a retry", "calls.CallMachine._lose_inflight", "started = started and not last", "pass", 0),
    ("a call that had begun costs none", "calls.CallMachine._lose_inflight", "record.attempt += started", "record.attempt += last", 0),
    ("the last answers of an incarnation are not waited for", "clients.ClientMachine.on_actor_changed", "if client.inflight and client.worker is not None and", "if False and", 0),
    ("what head tells meanwhile is forgotten", "clients.ClientMachine.on_actor_changed", "client.following = message", "pass", 0),
    ("calls of all lanes wait for one another's arguments", "call_queue.CallQueue._advance", "lane[0].ended or not lane[0].missing", "not lane[0].missing", 0),
    ("a call out of order waits for the arguments of another", "call_queue.CallQueue.arguments_there", "if record.event.in_order:", "if True:", 0),
    ("a limit on calls counts none that has ended", "calls.CallMachine._finish", "event.pending.ended += 1", "pass", 0),
    ("a limit on calls counts those that have ended twice", "calls.CallMachine._finish", "event.pending.ended += 1", "event.pending.ended += 2", 0),
    ("an actor that ends itself is restarted", "worker.Worker._on_actor_ending", "self._effects.send(\n        self.head, actors.ActorLeaving(execution.actor, execution.incarnation, event.reason)\n    )", "pass", 0),
    ("an actor that ends itself serves the next call", "execution.ExecutionMachine.close", "self.closed = reason", "pass", 0),
    ("calls of a group wait in the common queue", "execution.ExecutionMachine.on_pushed", "message.group in self.groups", "False", 0),
    ("calls are pushed to an actor that the caller has killed", "calls.CallMachine.kill", "clients.end_now(client, \"it was killed by gnomon.kill\", now)", "pass", 0),
    ("calls are pushed to the incarnation being killed", "calls.CallMachine.kill",
     "client.refused = max(client.refused, client.incarnation)", "pass", 0),
    ("calls go to a process known to be dead", "clients.ClientMachine.on_worker_lost", "client.target = None", "pass", 0),
    ("a failed argument fails the whole queue", "calls.CallMachine._push",
     '(bad,), now, "an argument failed")', '(bad,), now, "an argument failed"); self._fail_all(client, now)', 0),
    ("calls of a dead actor wait for ever", "calls.CallMachine.run", "self._fail_all(client, now)", "pass", 0),
    # -- actors ----------------------------------------------------------------------------------------------
    ("one restart too many", "actors.ActorMachine.on_process_died", "record.restarts >= left", "record.restarts > left", 0),
    ("kill restarts beyond the limit", "actors.ActorMachine.on_killed", "record.restarts >= left", "False", 0),
    ("one restart too few", "actors.ActorMachine.on_process_died", "record.restarts >= left", "record.restarts + 1 >= left", 0),
    ("a restart is no new incarnation", "actors.ActorMachine._restart", "record.incarnation += 1", "pass", 0),
    ("a dead actor keeps its name", "actors.ActorMachine._die", "del self.names[(spec.namespace, spec.name)]", "pass", 0),
    ("a name is given twice", "actors.ActorMachine.on_registered", "if spec.name and key in self.names:", "if False:", 0),
    ("a name is free until the arguments are there", "actors.ActorMachine.on_registered", "self.names[key] = spec.actor", "pass", 0),
    ("names of all namespaces are one", "actors.ActorMachine.on_registered", "key = (spec.namespace, spec.name)", 'key = ("", spec.name)', 0),
    ("a worker granted to a dead actor is kept", "actors.ActorMachine.on_granted",
     "record.state == DEAD or record.incarnation != message.incarnation", "False", 0),
    ("a killed actor's process lives on", "actors.ActorMachine._die", "self._unwant(record)", "pass", 0),
    ("kill with restart leaves the old process alive", "actors.ActorMachine.on_killed", "self._unwant(record)", "pass", 0),
    ("the birth of an old incarnation counts", "actors.ActorMachine.on_born", "record.incarnation != incarnation or ", "", 0),
    ("a detached actor dies with its owner", "actors.ActorMachine.on_process_died", "lives_on = record.spec.detached and record.resolved", "lives_on = False", 0),
    ("an actor outlives its owner", "actors.ActorMachine.on_process_died", "record.spec.owner == process and not lives_on", "False", 0),
    ("a detached actor ends without handles", "actors.ActorMachine.on_unneeded", " or record.spec.detached", "", 0),
    ("a detached actor whose owner died too early waits for ever", "actors.ActorMachine.on_process_died", "record.spec.detached and record.resolved", "record.spec.detached", 0),
    ("an actor out of scope ends before its calls", "actors.ActorMachine.on_unneeded",
     "self._effects().send(record.worker, ActorDrained(record.spec.actor, record.draining))", "self._die(record, record.draining, kill=True)", 0),
    ("pending calls hold no handle", "calls.CallMachine.submit", "holds += (handle,)", "pass", 0),
    ("an actor out of scope stays", "creation.CreationMachine.unneeded", "self._effects().send(self.head, ActorUnneeded(actor))", "pass", 0),
    ("arguments of a constructor are freed at its birth", "creation.CreationMachine._register",
     "spec = msgspec.structs.replace(spec, values=values)", "spec = msgspec.structs.replace(spec, values=values); self.forget(spec.actor)", 0),
    ("a late subscriber hears nothing", "actors.ActorMachine.on_subscribed", "if record.state != PENDING:", "if False:", 0),
    ("a subscriber that is faster than the registration is forgotten", "actors.ActorMachine.on_registered",
     "record.subscribers.update(self._early.pop(spec.actor, {}))", "pass", 0),
    # -- references --------------------------------------------------------------------------------------------
    ("arguments are released before the borrow is recorded", "borrowing.BorrowMachine.settle_arguments",
     "receipt = _Receipt(holds, None, None)", "self.references.release(holds); receipt = _Receipt((), None, None)", 0),
    ("the executor does not hold what its results contain", "borrowing.BorrowMachine.hold_results", "self.references.hold(inner)", "inner = ()", 0),
    ("holds of results are never released", "borrowing.BorrowMachine._complete", "self._effects().send(receipt.executor, HoldReleased(receipt.task, receipt.index))", "pass", 0),
    ("a container holds nothing", "borrowing.BorrowMachine.adopt_contained", "self.references.hold(each.inner)", "entry.inner = ()", 0),
    ("a freed container keeps what it held", "references.ReferenceMachine.release", "for inner in self._forget(identity, entry):", "for inner in self._forget(identity, entry)[1:]:", 0),
    ("a stored container holds nothing", "references.ReferenceMachine.store", "self.hold(contained)", "entry.inner = ()", 0),
    ("an owner forgets its borrowers", "references.ReferenceMachine.release", "entry is None or entry.holds > 0 or entry.borrowers", "entry is None or entry.holds > 0", 0),
    ("an owner records no borrower", "references.ReferenceMachine.record", "entry.borrowers[(borrower, borrow.episode)] = None", "pass", 0),
    ("a late borrow counts although it has ended", "references.ReferenceMachine.record", "borrow.episode <= entry.ended.get(borrower, 0)", "False", 0),
    ("the borrows of the dead are kept", "references.ReferenceMachine.on_process_lost", "pair[0] == process", "False", 0),
    ("an object of the dead is waited for", "references.ReferenceMachine.on_process_lost",
     "identity[:WORKER_ID_BYTES] == process and identity not in self.values", "False", 0),
    ("holds of results for the dead are kept", "borrowing.BorrowMachine.on_process_lost", "submitter == process", "False", 0),
    ("what the dead should have recorded is waited for", "borrowing.BorrowMachine.on_process_lost", "owner == process", "False", 0),
    ("handles in arguments are not reported", "borrowing.BorrowMachine.borrows_of", "return tuple(self.references.open_episodes(alive))", "return ()", 0),
    ("a container may go before its references are recorded", "borrowing.BorrowMachine.handles_arrived",
     "holds = (container,) if container is not None else ()", "holds = ()", 0),
    ("a task's arguments are not held", "tasks.TaskMachine.submit", "references.hold(record.holds)", "record.holds = ()", 0),
    ("what a retried task's arguments are is let go", "tasks.TaskMachine.on_finished",
     "drop_results(self.references, self.borrowing, worker, message)\n        self._queue(record)", "self.references.release(record.holds); record.holds = ()\n        self._queue(record)", 0),
    ("a borrower that asks twice is served once", "references.ReferenceMachine.on_object_wanted", "elif borrower not in entry.wanted:", "elif False:", 0),
    ("a waiter that gave up is woken", "references.ReferenceMachine.abandon", "self._waits.pop(token, None)", "pass", 0),
    ("an idle process ends although others hold what it owns", "worker.Worker._end_when_empty", "self.references.entries or ", "", 0),
    ("an idle process ends although its tasks run elsewhere", "worker.Worker._end_when_empty", " or submitted", "", 0),
    # -- generators --------------------------------------------------------------------------------------------
    ("an item is accepted twice", "streams.StreamMachine.on_item", "if index <= stream.produced or stream.closed:", "if False:", 0),
    ("a repeated generator starts from its first item", "dispatch.DispatchMachine._push",
     "record.stream.produced if record.stream is not None else 0", "0", 0),
    ("a repeated method starts from its first item", "calls.CallMachine._push", "record.stream.produced if record.stream is not None else 0", "0", 0),
    ("an item of an old attempt is accepted", "tasks.TaskMachine.on_item",
     "record.stream is None or message.attempt != record.attempt or record.worker != worker", "record.stream is None", 0),
    ("items that nobody took are freed twice", "streams.StreamMachine.close",
     "references.release(stream.items(stream.taken + 1, stream.produced + 1))", "references.release(stream.items(stream.taken + 1, stream.produced + 1) * 2)", 0),
    ("items that nobody took are kept", "streams.StreamMachine.close",
     "references.release(stream.items(stream.taken + 1, stream.produced + 1))", "pass", 0),
    ("a closed generator runs on", "streams.StreamMachine.close", "self._abandon(task)", "pass", 0),
    ("a generator has no end", "streams.StreamMachine.finish", "references.mark(stream.item(stream.produced + 1), STREAM_END)", "pass", 0),
    ("the error in place of an item is lost", "streams.StreamMachine.finish", "error is not None:", "False:", 0),
    ("a generator is one item further ahead", "production.ProductionMachine.has_room", "< backpressure", "<= backpressure", 0),
    ("a generator with back-pressure is never told to go on", "streams.StreamMachine.take", "self._tell_room(task, stream.room)", "pass", 0),
    ("a repeated generator waits for room that it has", "dispatch.DispatchMachine._push", "record.stream.room:", "False:", 0),
    ("a dropped item is kept", "streams.StreamMachine.drop_item", "self.references.fulfil_nobody(object_id(message.task, message.index), message.value)", "pass", 0),
    ("holds of an item are those of the results", "borrowing.BorrowMachine.hold_results", "self._result_holds[task, index]", "self._result_holds[task, 0]", 0),
    ("generators of a dead caller wait for room for ever", "production.ProductionMachine.on_process_lost", "self._effects().do(InterruptTask(task, False))", "pass", 0),
    ("a list of items holds none", "streams.StreamMachine._finish_list", "entry.inner = items", "pass", 0),
    ("a generator whose handle is gone is kept", "streams.StreamMachine.drop", "if stream.ended:", "if False:", 0),
    # -- leases and resources ----------------------------------------------------------------------------------
    ("a blocked worker gives its CPU back twice", "leases.LeaseMachine._held", 'if name != "CPU"', "", 0),
    ("a blocked worker keeps its CPU", "leases.LeaseMachine.block", 'self.account.give({"CPU": lease.demand.resources["CPU"]})', "lease.blocked = False", 0),
    ("a worker that goes on takes no CPU", "leases.LeaseMachine.unblock", 'self.account.take({"CPU": lease.demand.resources["CPU"]})', "pass", 0),
    ("a blocked worker that dies gives all back", "leases.LeaseMachine._held", "if lease.blocked:", "if False:", 0),
    ("a returned lease keeps its resources", "leases.LeaseMachine._end", "self.account.give(self._held(lease))", "pass", 0),
    ("a lease is placed though there is no room", "leases.LeaseMachine.place", "if self._can_take(demand.resources):", "if True:", 0),
    ("a dead worker's lease stays", "leases.LeaseMachine.lose_worker", "self._end(lease)", "pass", 0),
    ("a dead owner's demands stay", "leases.LeaseMachine.lose_owner", "key[0] == owner", "False", 0),
    ("a dead owner's tasks run on", "node.Node._lose", "self.pool.kill(orphan)", "pass", 0),
    ("infeasible demands wait for ever", "leases.LeaseMachine.on_wanted", "if message.wanted:", "if False:", 0),
    ("an idle lease is kept for ever", "dispatch.DispatchMachine._give_back", "self._effects().send(self.node, LeaseReturned(leased.lease, leased.spent))", "pass", 0),
    ("a debt is never paid", "account.ResourceAccount.give", "self.debt[name] = owed - paid", "pass", 0),
    ("a worker whose calls are used up is used again", "execution.ExecutionMachine.ended", "self.closed =", "closed =", 0),
    ("a worker whose calls are used up is lent again", "dispatch.DispatchMachine.spend", "leased.draining = leased.spent = True", "pass", 0),
    ("a worker whose calls are used up stays idle", "node.Node._on_lease_returned", "if message.spent:", "if False:", 0),
    ("a worker of one job serves another", "pool.PoolMachine.take_idle", "idle = self.idle.get(job)", "job = next(iter(self.idle), job); idle = self.idle.get(job)", 0),
    ("a driver that has left is counted", "node.Node._end_job", "self._lose(ev.WorkerExited(driver, reason))", "pass", 0),
    ("workers of a job that has ended stay", "node.Node._end_job", "self.pool.end_job(job.job)", "pass", 0),
    ("a GPU is given to two", "devices.DeviceBook.take", "self.free[place] -= min(units, UNITS)", "pass", 0),
    ("a GPU is given back twice", "devices.DeviceBook.give", "self.free[place] += min(units, UNITS)", "self.free[place] += 2 * min(units, UNITS)", 0),
    ("a dead worker stays in the pool", "pool.PoolMachine.lose", "self.leased.pop(worker, None)", "pass", 0),
    ("tasks of different resources share a lease", "dispatch.DispatchMachine.queue", "one = self.classes.get(event.class_key)", "one = next(iter(self.classes.values()), None)", 0),
    # -- deaths, links and blocks --------------------------------------------------------------------------------
    ("a watcher is not told of a death", "node.Node._lose", "for watcher in told:", "for watcher in ():", 0),
    ("head hears of no death", "node.Node._lose", "self._effects.send(self.head, cluster.ProcessDied(process, event.reason, event.end))", "pass", 0),
    ("a duplicate envelope is delivered twice", "links.LinkMachine._receive_disordered", "envelope.sequence < link.expected or ", "", 0),
    ("an early envelope is delivered early", "links.LinkMachine.receive", "sequence == link.expected and not link.early", "True", 0),
    ("a lost envelope is not repeated", "links.LinkMachine.due", "out.append((peer, link.unacked[0]))", "pass", 0),
    ("a block of the dead is freed while somebody reads it", "blocks.BlockMachine._free_orphans", "if not pins and offset not in orphans.writers", "", 0),
    ("a block of the dead is kept", "blocks.BlockMachine._free_orphans", "self._release(offset)", "pass", 0),
    ("a block is freed by its owner twice", "blocks.BlockMachine.on_freed", "self.owners.get(offset) == sender or self.unheard.get(offset) == sender", "True", 0),
    ("nobody says which blocks of the dead it reads", "references.ReferenceMachine.on_blocks_orphaned", "self._blocks_used(message.owner)", "()", 0),
    ("a late answer's blocks are not freed", "tasks.drop_results", "references.fulfil_nobody(object_id(message.task, index + 1), value)", "pass", 0),
)  # fmt: skip

BUGS = tuple(Bug(*row) for row in _BUGS)


def check_table() -> None:
    """Every piece of text is still where the table says."""
    for bug in BUGS:
        with planted(bug):
            pass


def _hunt(index: int) -> tuple[str, int | None]:
    report = find(BUGS[index], 0, SEEDS_MAX)
    return BUGS[index].name, report.seed if report is not None else None


def main(names: list[str]) -> None:
    """Find the first seed of each bug, or tell the story of one."""
    for bug in BUGS:
        if bug.name in names:
            report = find(bug, 0, SEEDS_MAX)
            print(bug.name, "is not found" if report is None else f"{report.seed}: {report.failure}")
    if not names:
        check_table()
        with ProcessPoolExecutor() as pool:
            for name, seed in pool.map(_hunt, range(len(BUGS))):
                print(f"{'NOT FOUND' if seed is None else seed:>10}  {name}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
