"""Truth: what the simulated program did, and what every value and error must be.

It hears of what the user's code asks for and of what is read; it knows nothing of messages (``watch`` does).
Whatever an error says must have an explanation among these facts: a task that is told to be cancelled was
cancelled by somebody, one that is told to have crashed was started as often as it may be, and so on. An
error without an explanation is a failed run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gnomon.ids import ActorID, ObjectID, TaskID, WorkerID, owner_of, task_of
from gnomon.testing.simulator.programs import Body, Kind
from gnomon.testing.simulator.values import error_of, load


@dataclass(slots=True)
class TaskFacts:
    """One task or call, as its submitter and its executors have lived it.

    Attributes:
        retries: how often it may be repeated; -1 without end.
        cell: of its provenance.
        actor, number: of a call: which of its caller's calls to that actor, from 1.
        in_order, group: it keeps its place among its caller's calls of that group.
        starts: how often its body was begun.
        attempt: the last that its owner has pushed.
        started: the last attempt that was begun.
        push: the place of its last push among its caller's pushes to that actor.
        at: where it was begun last.
        cancelled_at: when its owner heard that it is cancelled; None while nobody has.
        told: the executor that was told to cancel it, and which attempt.
        backpressure: how many items it may be ahead of its consumer; 0: any number.
        produced: items of a generator that its owner has heard of.
        taken: items that its consumer has taken.
        closed_at: when its owner heard that no more are wanted.
        completion: somebody has asked for the object that tells of its end.
        never: it was cancelled before it began and must not begin any more.
        replayed: it has run again after its end, for a lost result.
        rests_until: it was ended for want of memory, and is not to be tried again before that.
        contained: the references in its arguments.
        pushed_to: where its last attempt was sent.
    """

    task: TaskID
    body: Body
    retries: int
    dependencies: tuple[ObjectID, ...]
    resources: dict[str, int]
    parent: TaskID | None
    cell: str
    actor: ActorID | None = None
    number: int = 0
    in_order: bool = True
    group: str = ""
    starts: int = 0
    attempt: int = -1
    started: int = -1
    push: int = 0
    at: WorkerID | None = None
    cancelled_at: float | None = None
    told: tuple[WorkerID, int] | None = None
    backpressure: int = 0
    produced: int = 0
    taken: int = 0
    closed_at: float | None = None
    completion: bool = False
    never: bool = False
    replayed: bool = False
    rests_until: float = 0.0
    contained: tuple[ObjectID, ...] = ()
    pushed_to: WorkerID | None = None

    @property
    def exhausted(self) -> bool:
        """Whether its last attempt is the last that it has."""
        return 0 <= self.retries <= self.attempt


@dataclass(slots=True)
class ActorFacts:
    """One actor.

    Attributes:
        kind: how it runs its calls.
        granted: the worker that head was given for an incarnation.
        assigned: the worker that head told to be one.
        constructed: incarnations whose constructor was begun.
        killed: somebody asked for its end without restart.
        kills: how often somebody asked for its end with one.
        raised: a constructor of it has raised.
        exiting: a method of it has ended it.
        left: its process has ended for that, after it had told so.
        dead: head has told so.
    """

    actor: ActorID
    body: Body
    dependencies: tuple[ObjectID, ...]
    resources: dict[str, int]
    max_restarts: int
    name: tuple[str, str] | None
    detached: bool
    kind: Kind
    granted: dict[int, WorkerID] = field(default_factory=dict)
    assigned: dict[int, WorkerID] = field(default_factory=dict)
    constructed: dict[int, None] = field(default_factory=dict)
    killed: bool = False
    kills: int = 0
    raised: bool = False
    exiting: bool = False
    left: bool = False
    dead: bool = False


@dataclass(slots=True)
class Truth:
    """The facts of one simulation.

    Attributes:
        total: the node's resources.
        objects: what each should be: (number, index).
        contents: the references inside values, where they are known.
        lists: the items in the results of dynamic generators.
        dead: processes that were killed.
        crowded: stores are small, or may be refused room.
        nodes_killed: how many nodes were, with all that lived there.
        lent_by_dead: what those held at their end.
        lost: values of which no copy was left, now or once (``copy_watch``).
        rough: messages may take longer than anybody waits for them.
        losses: values that were lost.
        lossy: some will be.
        starved: workers that were ended for want of memory.
        chunks_spoiled: how many were lost or wrong on their way between nodes.
        read: how many values have been compared.
        errors: how many errors were read, by class.
    """

    total: dict[str, int]
    tasks: dict[TaskID, TaskFacts] = field(default_factory=dict)
    actors: dict[ActorID, ActorFacts] = field(default_factory=dict)
    objects: dict[ObjectID, tuple[int, int]] = field(default_factory=dict)
    contents: dict[ObjectID, tuple[ObjectID, ...]] = field(default_factory=dict)
    lists: dict[ObjectID, tuple[ObjectID, ...]] = field(default_factory=dict)
    dead: dict[WorkerID, None] = field(default_factory=dict)
    nodes_killed: int = 0
    losses: int = 0
    chunks_spoiled: int = 0
    lossy: bool = False
    starved: dict[WorkerID, None] = field(default_factory=dict)
    crowded: bool = False
    lent_by_dead: dict[ObjectID, None] = field(default_factory=dict)
    lost: dict[ObjectID, None] = field(default_factory=dict)
    rough: bool = False
    read: int = 0
    errors: dict[str, int] = field(default_factory=dict)

    def harmless(self, identity: ObjectID) -> bool:
        """Whether an actor may keep it: nothing in it leads to an actor, for a circle is never freed."""
        inner = self.contents.get(identity)
        if self.lossy:  # another attempt may put other references into it
            return False
        return inner is not None and all(map(self.harmless, inner))

    def _is_plain(self, identity: ObjectID) -> bool:
        """Whether it holds no reference, as far as is known."""
        return identity in self.contents and not self.contents[identity]

    def note_lent(self, identities: Iterable[ObjectID]) -> None:
        """A process is killed that held these, and so what is in them."""
        work = list(identities)
        while work:
            identity = work.pop()
            if identity not in self.lent_by_dead:
                self.lent_by_dead[identity] = None
                work += self.contents.get(identity, ())

    def infeasible(self, resources: dict[str, int]) -> bool:
        """Whether the node has not so much even when idle."""
        return any(units > self.total.get(name, 0) for name, units in resources.items())

    # -- what is read ------------------------------------------------------------------------------------------

    def check_read(self, identity: ObjectID, blob: bytes) -> None:
        """A value was read: it is what its maker made, or an error that has an explanation."""
        self.read += 1
        error = error_of(blob)
        if error is None:
            tree = load(blob)
            found = (tree[0], tree[1])
            expected = self.objects[identity]
            assert found == expected, f"{identity.hex()} should be {expected} and is {found}"
            self._check_success(identity)
            return
        name, fields = error
        self.errors[name] = self.errors.get(name, 0) + 1
        explained = getattr(self, "_explains_" + name)(identity, fields)
        assert explained, f"{identity.hex()} is {name} {fields}, and nothing explains it"

    def _check_success(self, identity: ObjectID) -> None:
        """AC9, CN: what was read is no result of an attempt that raises."""
        facts = self.tasks.get(task_of(identity))
        if facts is not None and not facts.body.generates:
            assert facts.attempt >= facts.body.raises, f"{identity.hex()} has the value of no attempt"

    def _causes(self, identity: ObjectID) -> Iterator[TaskFacts | ActorFacts]:
        """Whatever may have failed when this has failed: its task, that one's actor, and their arguments."""
        seen: dict[TaskID, None] = {}
        work = [task_of(identity)]
        while work:
            task = work.pop()
            if task in seen:
                continue
            seen[task] = None
            facts = self.tasks.get(task) or self.actors.get(ActorID(task))
            if facts is None:
                continue
            yield facts
            work += map(task_of, facts.dependencies)
            if isinstance(facts, TaskFacts) and facts.actor is not None:
                work.append(TaskID(facts.actor))

    def _any_task(self, identity: ObjectID, proves: Callable[[TaskFacts], bool]) -> bool:
        return any(isinstance(facts, TaskFacts) and proves(facts) for facts in self._causes(identity))

    def _any_actor(self, identity: ObjectID, proves: Callable[[ActorFacts], bool]) -> bool:
        return any(isinstance(facts, ActorFacts) and proves(facts) for facts in self._causes(identity))

    def _explains_raised(self, identity: ObjectID, number: Any) -> bool:
        """The body of its own task, or of an argument's, raises, and has no attempt left."""

        def proves(facts: TaskFacts) -> bool:
            body = facts.body
            if body.number != number or not body.raises:
                return False
            cancelled = (facts.cancelled_at or facts.closed_at) is not None
            return not body.retry_exceptions or facts.exhausted or cancelled

        return self._any_task(identity, proves) or self._any_actor(
            identity, lambda facts: facts.body.number == number and facts.raised
        )

    def _explains_TaskCancelledError(self, identity: ObjectID, fields: Any) -> bool:
        task = bytes.fromhex(fields["task_id"])
        return self._any_task(
            identity,
            lambda facts: facts.task == task and (facts.cancelled_at or facts.closed_at) is not None,
        )

    def _explains_WorkerCrashedError(self, identity: ObjectID, fields: Any) -> bool:
        """Every attempt that it has was sent out, and the last one's process was killed. It had begun there, and all before
        it too, unless whole nodes die: what a worker has begun is noted at its node.
        """

        def proves(facts: TaskFacts) -> bool:
            begun = facts.starts == facts.retries + 1 or self.nodes_killed > 0
            return facts.exhausted and facts.pushed_to in self.dead and begun

        return self._any_task(identity, proves)

    def _explains_OutOfMemoryError(self, identity: ObjectID, fields: Any) -> bool:
        """MM4: it was alone, or may not be begun again; an actor's calls end with it."""

        def ended(facts: ActorFacts) -> bool:
            return any(worker in self.starved for worker in facts.granted.values())

        final = fields["alone"]
        return self._any_actor(identity, ended) or self._any_task(
            identity, lambda facts: facts.at in self.starved and (final or not facts.retries)
        )

    def _explains_StreamingGeneratorReplayInconsistentError(self, identity: ObjectID, fields: Any) -> bool:
        return self._any_task(identity, lambda facts: facts.body.shrinks and facts.attempt > 0)

    def _explains_ActorUnavailableError(self, identity: ObjectID, fields: Any) -> bool:
        actor = bytes.fromhex(fields["actor_id"])

        def proves(facts: TaskFacts) -> bool:
            return facts.actor == actor and facts.exhausted

        return self._any_task(identity, proves) and self._ended(ActorID(actor))

    def _ended(self, actor: ActorID) -> bool:
        """Whether something has ended this actor or one of its incarnations."""
        facts = self.actors[actor]
        lost = any(worker in self.dead for worker in facts.granted.values())
        return facts.dead or facts.killed or facts.kills > 0 or facts.exiting or lost

    def _explains_ActorDiedError(self, identity: ObjectID, fields: Any) -> bool:
        actor = ActorID(bytes.fromhex(fields["actor_id"]))
        stillborn = bool(fields["creation_error"]) and bool(self.actors[actor].dependencies)
        ended = stillborn or self._ended(actor)
        return ended and self._any_task(identity, lambda facts: facts.actor == actor)

    def _explains_InfeasibleError(self, identity: ObjectID, fields: Any) -> bool:
        return any(self.infeasible(facts.resources) for facts in self._causes(identity))

    def _explains_OwnerDiedError(self, identity: ObjectID, fields: Any) -> bool:
        return owner_of(ObjectID(bytes.fromhex(fields["object_ref_hex"]))) in self.dead

    def _explains_ObjectLostError(self, identity: ObjectID, fields: Any) -> bool:
        """It was lost, and what has made it can not or must not run again; or all that came of it was spoiled on its way. What
        may hold an actor is not kept for lineage alone, even if it is small.
        """
        lost = ObjectID(bytes.fromhex(fields["object_ref_hex"]))
        facts = self.tasks.get(task_of(lost))
        once = facts is None or not facts.retries or bool(facts.backpressure) or bool(facts.body.raises)
        cancelled = facts is not None and (facts.cancelled_at or facts.closed_at) is not None
        if facts is not None and "did not end well" in fields["reason"]:  # a generator, after this item
            once = once or facts.exhausted or (facts.actor is not None and self._ended(facts.actor))
        spoiled = self.chunks_spoiled > 0 and "could not be read" in fields["reason"]
        not_kept = not self._is_plain(lost)
        actor = "holds an actor" in fields["reason"] and not_kept
        damaged = owner_of(lost) in self.dead and "has died" in fields["reason"]
        gone = lost in self.lost or (not_kept and "might have to run again" in fields["reason"])
        return spoiled or actor or damaged or (gone and (once or cancelled))

    def _explains_ObjectReconstructionFailedError(self, identity: ObjectID, fields: Any) -> bool:
        """It was lost, and every attempt at it was used up, or could not be made: its actor is gone, a store is full, or it was
        cancelled while it ran again.
        """
        lost = ObjectID(bytes.fromhex(fields["object_ref_hex"]))
        facts = self.tasks.get(task_of(lost))
        if facts is None or lost not in self.lost:
            return False
        cancelled = (facts.cancelled_at or facts.closed_at) is not None
        return cancelled or facts.exhausted or self.crowded or self._of_ended_actor(facts)

    def _of_ended_actor(self, facts: TaskFacts) -> bool:
        return facts.actor is not None and self._ended(facts.actor)

    def _explains_ObjectStoreFullError(self, identity: ObjectID, fields: Any) -> bool:
        """A value was to be brought to a node that had no room for it. Which one had none, and when, is not followed: views,
        tasks under way and values that are being written or spilled may take all of it.
        """
        return self.crowded

    def _explains_ObjectFreedError(self, identity: ObjectID, fields: Any) -> bool:
        return self.may_be_freed(ObjectID(bytes.fromhex(fields["object_ref_hex"])))

    def may_be_freed(self, identity: ObjectID) -> bool:
        """Whether it may be freed while somebody has a reference to it.

        A dead process may have lent it on, unknown to its owner, and the owner may have heard of that too late where
        messages are slow. What an object contained whose owner has died is held by nobody. And what a task was given that
        its submitter does not own is not kept for the case that it runs again.
        """
        if identity in self.lent_by_dead and self.rough:
            return True
        if any(identity in inner for outer, inner in self.contents.items() if owner_of(outer) in self.dead):
            return True
        return any(identity in self._borrowed_by(facts) for facts in self.tasks.values() if facts.replayed)

    def _borrowed_by(self, facts: TaskFacts) -> dict[ObjectID, None]:
        """What a task was given, and what is in that, if its submitter does not own it."""
        mine = owner_of(facts.task)
        seen: dict[ObjectID, None] = {}
        work = [*facts.dependencies, *facts.contained]
        while work:
            identity = work.pop()
            if identity not in seen:
                seen[identity] = None
                work += self.contents.get(identity, ())
        return {identity: None for identity in seen if owner_of(identity) != mine}
