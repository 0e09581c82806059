"""Worker: the role of every process that runs user code, the driver included. It wires the machines together.

    TaskMachine ---- DispatchMachine      tasks this process owns, on workers it has leased
    CallMachine                           calls it makes to actors
    StreamMachine                         generators among both
    LineageMachine                        how lost results of both are made again
    ReferenceMachine ---- BorrowMachine   what it owns and borrows, and hand-offs under way
    ExecutionMachine ---- ProductionMachine  what it runs for others, and generators among that
    IncarnationMachine                    the actor that it is, if it is one
    ReportingMachine                      rows for the views of whoever looks
    DeathMachine                          what it does when others have died
    PaceMachine                           how fast work begins, if its driver has said so

It decides nothing itself: each event goes to the machine whose it is. New message? Add it to ``_HANDLERS``.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from gnomon._core import effects as fx
from gnomon._core import events as ev
from gnomon._core.block_views import BlockViews
from gnomon._core.borrowing import BorrowMachine
from gnomon._core.calls import CallMachine
from gnomon._core.copies import CopyMachine
from gnomon._core.creation import CreationMachine
from gnomon._core.deaths import DeathMachine
from gnomon._core.dispatch import DispatchMachine
from gnomon._core.effects import Effects
from gnomon._core.execution import ExecutionMachine
from gnomon._core.fetching import FetchMachine
from gnomon._core.holdings import holdings
from gnomon._core.incarnation import IncarnationMachine
from gnomon._core.ledger import Ledger
from gnomon._core.lineage import LineageMachine
from gnomon._core.links import LinkMachine
from gnomon._core.pace import PaceMachine
from gnomon._core.production import ProductionMachine
from gnomon._core.references import ReferenceMachine
from gnomon._core.reporting import ReportingMachine
from gnomon._core.shipping import FunctionsHere
from gnomon._core.situations import answers_to_others, answers_to_self
from gnomon._core.streams import StreamMachine
from gnomon._core.tasks import TaskMachine
from gnomon._core.tempo import TempoAsked
from gnomon._messages import actors, cluster, holders, leases, objects, pulls, spilling, tasks
from gnomon._messages.base import Value
from gnomon.ids import ActorID, JobID, ObjectID, TaskID, WorkerID, owner_of


class Worker:
    """One process of a session that runs user code.

    Attributes:
        driver: where output and rows go.
        settle_s: how long after the news of a process's death its last answers are still heard: what it had
            sent has reached this machine by then, but may lie behind the news in another socket.
    """

    def __init__(
        self,
        me: WorkerID,
        node: WorkerID,
        head: WorkerID,
        driver: WorkerID,
        job: JobID,
        session: str,
        links: LinkMachine,
        settle_s: float = 0.02,
        **limits: Any,
    ) -> None:
        self.me = me
        self.node = node
        self.head = head
        self.driver = driver
        self.job = job
        self.links = links
        self.now = 0.0
        self._effects = Effects()
        self.ledger = Ledger(session)
        self.references = ReferenceMachine(
            me, node, self._out, self.ledger, self._on_handles_gone, self._on_ready
        )
        self.views = BlockViews(node, self._out)
        self.borrowing = BorrowMachine(self._out, self.references)
        self.streams = StreamMachine(
            self.references, self.borrowing, self._on_stream_abandoned, self._on_items_wanted
        )
        self.lineage = LineageMachine(
            self.references, self.borrowing, self.streams, lambda: (self.tasks, self.calls), lambda: self.now
        )
        dispatch = DispatchMachine(node, self._out, self.ledger, **limits)
        dispatch.job, dispatch.is_lost = job, self.references.is_lost
        self.tasks = TaskMachine(
            self._out, self.ledger, self.references, self.borrowing, dispatch, self.streams, self.lineage
        )
        self.calls = CallMachine(
            head, self._out, self.ledger, self.references, self.borrowing, self.streams, self.lineage
        )
        self.copies = CopyMachine(self._out, self.references, self.lineage.lost)
        self.fetching = FetchMachine(node, self._out, self.references)
        self.creation = CreationMachine(
            head, self._out, self.references, self.calls.clients, self.fetching.bring
        )
        self.execution = ExecutionMachine(self._out, self.borrowing, self.fetching.expect)
        self.production = ProductionMachine(self._out, self.execution, self.borrowing)
        self.incarnation = IncarnationMachine(head, self._out, self.execution, self.borrowing, self.calls)
        self.reporting = ReportingMachine(me, node, self._out, self.ledger, self.execution)
        self.pace = PaceMachine(driver, self._out, self.execution, dispatch, self.calls, lambda: self.now)
        self.incarnation.on_tempo = self.pace.on_set
        self.functions = FunctionsHere()
        self.settle_s = settle_s
        self.deaths = DeathMachine(self, self._out)
        self._dying = self.deaths.dying
        self._ready: deque[ObjectID] = deque()
        self._blocked = 0
        self._retired = False
        self._peers: dict[WorkerID, None] = {me: None, node: None, head: None}
        self._handlers: dict[type, Callable[[Any], None]] = self._local_handlers()
        self._receivers: dict[type, Callable[[WorkerID, Any], None]] = self._remote_handlers()

    def _out(self) -> Effects:
        return self._effects

    def _local_handlers(self) -> dict[type, Callable[[Any], None]]:
        references = self.references
        return {
            ev.TaskSubmitted: lambda event: self.tasks.submit(event, self.now),
            ev.CallSubmitted: lambda event: self.calls.submit(event, self.now),
            ev.ActorSubmitted: lambda event: self.creation.submit(event, self.now),
            ev.ObjectStored: self._on_object_stored,
            ev.HandlesArrived: self._on_handles_arrived,
            ev.HandlesDropped: lambda event: references.release(event.objects),
            ev.ValuesAwaited: references.wait_for,
            ev.BlocksNeeded: self.fetching.need,
            ev.CopiesDropped: lambda event: self.copies.drop(event.object),
            ev.CopyBroken: self.copies.on_broken,
            ev.WaitAbandoned: lambda event: references.abandon(event.token),
            ev.WaitStarted: self._on_wait_started,
            ev.WaitEnded: self._on_wait_ended,
            ev.CancelAsked: self._on_cancel_asked,
            ev.CellCancelAsked: self._on_cell_cancel_asked,
            ev.ActorKillAsked: lambda event: self.calls.clients.kill(event.actor, event.no_restart, self.now),
            ev.ChildrenCancelAsked: self._on_children_cancel_asked,
            ev.ValuesInlined: lambda event: self.creation.on_inlined(event.actor, event.values),
            ev.TaskEnded: self.execution.ended,
            ev.ItemProduced: self.production.produced,
            ev.ItemTaken: lambda event: self.streams.take(event.task, event.index),
            ev.StreamClosed: lambda event: self.streams.close(event.task),
            ev.CompletionWanted: lambda event: self.streams.want_completion(event.task),
            ev.ActorConstructed: self.incarnation.on_constructed,
            ev.ActorEnding: self.incarnation.on_ending,
            ev.FieldsSampled: lambda event: self.reporting.on_sampled(event.fields),
            ev.HoldingsWanted: self._on_holdings_wanted,
            **answers_to_self(self, self._out),
            TempoAsked: lambda event: self.pace.ask(event, self.now),
            ev.AskedSomething: lambda event: self._effects.send(event.target, event.message),
            ev.Received: self._on_received,
        }

    def _remote_handlers(self) -> dict[type, Callable[[WorkerID, Any], None]]:
        references = self.references
        execution = self.execution
        dispatch = self.tasks.dispatch
        answer = self._answer
        return {
            tasks.TaskPushed: execution.on_pushed,
            tasks.CallPushed: execution.on_pushed,
            tasks.FunctionShipped: self.functions.on_shipped,
            tasks.FunctionsForgotten: self.functions.on_forgotten,
            tasks.LeaseBegun: self._on_lease_begun,
            tasks.TaskFinished: self._on_task_finished,
            tasks.ItemYielded: self._on_item_yielded,
            tasks.ItemsTaken: self.production.on_taken,
            tasks.TasksReturned: lambda sender, message: self.tasks.on_returned(sender, message, self.now),
            tasks.TasksRecalled: lambda sender, message: execution.give_back(message.count),
            tasks.TaskCancelled: self._on_task_cancelled,
            tasks.HoldReleased: lambda sender, message: self.borrowing.on_hold_released(message),
            tasks.OutputProduced: lambda sender, message: self._effects.do(fx.ShowOutput(message)),
            leases.LeaseGranted: lambda sender, message: dispatch.grant(sender, message, self.now),
            leases.LeaseElsewhere: dispatch.on_elsewhere,
            leases.LeaseReclaimed: lambda sender, message: dispatch.reclaim(sender, message.lease, self.now),
            leases.DemandInfeasible: lambda sender, message: self.tasks.on_infeasible(
                message.key, message.asked, message.has, self.now
            ),
            leases.WorkerRetired: self._on_retired,
            objects.ObjectWanted: references.on_object_wanted,
            objects.ObjectServed: lambda sender, message: references.on_object_served(message),
            objects.UseAsked: lambda sender, message: self.deaths.on_use_asked(message),
            pulls.PullDone: lambda sender, message: self.fetching.on_done(message),
            pulls.CopyAdded: self.copies.on_added,
            pulls.CopyLost: lambda sender, message: self.copies.on_lost(message),
            objects.BorrowAdded: references.on_borrow_added,
            objects.BorrowRecorded: lambda sender, message: self.borrowing.on_borrow_recorded(message),
            objects.BorrowRemoved: references.on_borrow_removed,
            objects.BlockGiven: lambda sender, message: self._on_place(sender, message, message.offset),
            objects.BlockRefused: answer,
            objects.BlockOnDisk: answer,
            objects.BlockNoted: answer,
            spilling.BlockThere: lambda sender, message: self._on_place(sender, message, message.place),
            spilling.SpillAsked: lambda sender, message: self.views.on_asked(message),
            spilling.SpillDone: lambda sender, message: self.views.on_done(message),
            spilling.BlocksSpilled: lambda sender, message: self._on_spilled(message),
            cluster.DriverAdmitted: answer,
            cluster.DriverDismissed: answer,
            actors.ActorAdmitted: answer,
            actors.ActorNameAnswered: answer,
            cluster.ClusterStatus: answer,
            holders.HoldersAsked: self._on_holders_asked,
            holders.HoldersTold: answer,
            holders.ProcessesTold: answer,
            **answers_to_others(self, self._out),
            actors.ActorAssigned: self.incarnation.on_assigned,
            actors.ActorDrained: self._on_actor_drained,
            actors.ActorChanged: self._on_actor_changed,
            **self.reporting.handlers(),
            cluster.ProcessLost: lambda sender, message: self.deaths.on_process_lost(message),
            cluster.NodeDelayed: lambda sender, message: self.links.on_delayed(message, self.now),
            **self.pace.receivers(),
        }

    # -- the one entry --------------------------------------------------------------------------------------------

    def handle(self, events: Iterable[Any], now: float) -> Effects:
        """Take a batch of events in; what is to be done comes out."""
        self.now = now
        handlers, references = self._handlers, self.references
        for event in events:
            handlers[type(event)](event)
        if self._dying:
            self.deaths.run(now)
        if self.incarnation.birth is not None:
            self.incarnation.run()
        if references.mourned or references.deaths != references.deaths_settled:
            self.borrowing.run(now)
        if self.execution.running:
            self.execution.on_time(now)
        self.calls.run(now)
        while self.lineage.work:
            self.lineage.run()
            self.calls.run(now)
        self.tasks.run(now)
        self.tasks.dispatch.run(now)
        self.execution.batch_over()
        self.pace.run(now)
        self.reporting.run(now)
        if not self._effects.sends.keys() <= self._peers.keys():
            for peer in [peer for peer in self._effects.sends if peer not in self._peers]:
                self._watch_peer(peer)
        if self._retired:
            self._end_when_empty()
        effects, self._effects = self._effects, Effects()
        return effects

    def _watch_peer(self, peer: WorkerID) -> None:
        """Hear of the death of whomever we speak to (or hear from), so that a link never outlives its peer."""
        self._peers[peer] = None
        self.references.watch(peer)

    def next_wakeup(self) -> float | None:
        """When this role wants to be handled again, even if nothing happens."""
        machines = (
            self.borrowing,
            self.tasks,
            self.calls,
            self.tasks.dispatch,
            self.execution,
            self.reporting,
            self.pace,
        )
        times = [time for machine in machines if (time := machine.next_wakeup()) is not None]
        if self._dying:
            times += [due for due, _ in self._dying.values()]
        return min(times) if times else None

    def check(self) -> None:
        """All invariants that one process can see."""
        self.references.check()
        self.tasks.check()
        self.calls.check()
        self.streams.check()
        self.lineage.check()
        self.links.check()
        self.pace.check()

    def _on_received(self, event: ev.Received) -> None:
        sender = event.sender
        if sender in self.links.dead:
            return  # it died in the same batch: MB1
        if sender not in self._peers:
            self._watch_peer(sender)
        receivers = self._receivers
        for message in event.messages:
            receivers[type(message)](sender, message)

    # -- tasks and objects ----------------------------------------------------------------------------------------

    def _on_object_stored(self, event: ev.ObjectStored) -> None:
        cell = line = 0
        if event.provenance is not None:
            cell = self.ledger.cells.number((event.provenance.cell, event.provenance.label))
            line = event.provenance.line
        self.references.store(event, cell, line)

    def _on_task_finished(self, sender: WorkerID, message: tasks.TaskFinished) -> None:
        if not self.calls.on_finished(sender, message, self.now):
            self.tasks.on_finished(sender, message, self.now)

    def _on_item_yielded(self, sender: WorkerID, message: tasks.ItemYielded) -> None:
        if not (self.tasks.on_item(sender, message) or self.calls.on_item(sender, message)):
            self.streams.drop_item(sender, message)

    def _on_stream_abandoned(self, task: TaskID) -> None:
        self._on_cancel_asked(ev.CancelAsked(task, False, True))

    def _on_items_wanted(self, task: TaskID, taken: int) -> None:
        if not self.tasks.tell_taken(task, taken):
            self.calls.tell_taken(task, taken)

    def _on_ready(self, identity: ObjectID, value: Value) -> None:
        """Iteratively: an error may be the outcome of a whole chain of tasks, one after the other."""
        self._ready.append(identity)
        if len(self._ready) > 1:
            return  # the loop below, further up, will come to it
        while self._ready:
            identity = self._ready[0]
            self.tasks.on_ready(identity, self.now)
            self.calls.on_ready(identity)
            self.creation.on_ready(identity)
            self._ready.popleft()

    def _on_handles_arrived(self, event: ev.HandlesArrived) -> None:
        # A constructor has no TaskFinished that could tell of them: they are reported at once.
        actor = self.execution.actor
        task = None if actor is not None and event.task == TaskID(actor) else event.task
        self.borrowing.handles_arrived(event.objects, task, event.container)
        if task is not None:
            self.execution.learn_views(task)

    def _on_handles_gone(self, actor: ActorID) -> None:
        if owner_of(actor) == self.me:
            if self.streams.drop(TaskID(actor)):
                return
            self.creation.unneeded(actor)
        self.calls.clients.handle_gone(actor)

    def _on_lease_begun(self, sender: WorkerID, message: tasks.LeaseBegun) -> None:
        execution = self.execution
        if message.lease >= execution.lease and execution.actor is None:
            self.functions.lease_begun()
            execution.lease = message.lease
            execution.resources = message.resources
            execution.gpus = message.gpus

    def _on_wait_started(self, event: ev.WaitStarted) -> None:
        """The running task blocks: its CPU is free meanwhile, and what is queued behind it goes elsewhere."""
        self._blocked += 1
        self.pace.waits()
        if self._blocked == 1:
            self.execution.give_back(len(self.execution.queue))
            self._effects.send(self.node, leases.WorkerBlocked())

    def _on_wait_ended(self, event: ev.WaitEnded) -> None:
        self._blocked -= 1
        if self._blocked == 0:
            self._effects.send(self.node, leases.WorkerUnblocked())

    def _on_cancel_asked(self, event: ev.CancelAsked) -> None:
        owner = owner_of(event.task)
        if event.request:
            is_call = event.task in self.calls.records
            self._effects.do(fx.AnswerRequest(event.request, is_call))
            if is_call:
                return
        if owner != self.me:
            message = tasks.TaskCancelled(event.task, 0, event.force, event.recursive)
            self._effects.send(owner, message)
            return
        if self.tasks.cancel(event.task, event.force, event.recursive, self.now) == (0, 0):
            self.calls.cancel(event.task, event.recursive, self.now)

    def _on_task_cancelled(self, sender: WorkerID, message: tasks.TaskCancelled) -> None:
        """Its executor cancels it; its owner, asked by somebody who borrows a result, sees to that.

        An actor that calls itself is both, and then it is the owner that speaks.
        """
        if owner_of(message.task) == self.me and sender != self.me:
            self._on_cancel_asked(ev.CancelAsked(message.task, message.force, message.recursive))
        else:
            self.execution.on_cancelled(sender, message)

    def _on_cell_cancel_asked(self, event: ev.CellCancelAsked) -> None:
        tasks_, running = self.tasks.cancel_cell(event.cell, self.now)
        calls_, running_calls = self.calls.cancel_where(
            lambda call: call.provenance is not None and call.provenance.cell == event.cell, self.now
        )
        self._effects.do(fx.AnswerRequest(event.request, (tasks_ + calls_, running + running_calls)))

    def _on_children_cancel_asked(self, event: ev.ChildrenCancelAsked) -> None:
        self.tasks.cancel_children(event.parent, False, self.now)
        self.calls.cancel_where(lambda call: call.parent == event.parent, self.now)

    # -- being an actor -------------------------------------------------------------------------------------------

    def _on_actor_drained(self, sender: WorkerID, message: actors.ActorDrained) -> None:
        self._effects.do(fx.DrainActor(message.reason))

    def _on_actor_changed(self, sender: WorkerID, message: actors.ActorChanged) -> None:
        self.calls.clients.on_actor_changed(message, self.now)
        self.pace.meet(message)
        if message.state == actors.DEAD:
            self.creation.forget(message.actor)
        elif message.state == actors.ALIVE:
            self.creation.alive(message.actor, message.incarnation)

    # -- the end --------------------------------------------------------------------------------------------------

    def _on_retired(self, sender: WorkerID, message: leases.WorkerRetired) -> None:
        """The node has no more use for this process; it stays while somebody needs what it owns."""
        self._retired = True

    def _end_when_empty(self) -> None:
        """Nobody holds what it owns, it runs nothing, and nothing that it has submitted runs elsewhere."""
        execution, submitted = self.execution, self.tasks.records or self.calls.records
        if not (self.references.entries or execution.queue or execution.running or submitted):
            self._effects.do(fx.EndProcess("idle"))

    # -- answers --------------------------------------------------------------------------------------------------

    def _on_holdings_wanted(self, event: ev.HoldingsWanted) -> None:
        found = holdings(self, event.objects, event.rows_max)
        self._effects.do(fx.AnswerRequest(event.request, found))

    def _on_holders_asked(self, sender: WorkerID, message: holders.HoldersAsked) -> None:
        rows, left_out = holdings(self, message.objects, message.rows_max)
        self._effects.do(fx.NameHolders(sender, message.request, rows, left_out, message.budget_s))

    def _on_spilled(self, message: spilling.BlocksSpilled) -> None:
        """Values of own objects have been moved to disk, or back."""
        for identity in message.objects:
            self.ledger.object_moved(identity.hex(), "store" if message.in_memory else "spilled")

    def _on_place(self, sender: WorkerID, message: Any, place: int) -> None:
        """The node gives or names a place: it is the asker's before anything else is heard."""
        if place != spilling.NO_PLACE:
            self.views.grant(message.request, place)
        self._answer(sender, message)

    def _answer(self, sender: WorkerID, message: Any) -> None:
        self._effects.do(fx.AnswerRequest(message.request, message))
