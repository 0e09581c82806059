"""Session: one whole simulated session, from a seed: all processes, a random program and faults.

    run_seed(seed) -> SeedReport

When the driver's program has ended and everything is quiet, nothing may be left: that is checked as the
invariants with (Q) and (E) in their names are, after each process has checked its own after every batch
of events.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from gnomon._core import events as ev
from gnomon._core.head import Head
from gnomon._core.links import LinkMachine
from gnomon._core.worker import Worker
from gnomon._messages.session import JobSpec
from gnomon.ids import JobID, TaskID, WorkerID, owner_of
from gnomon.testing.simulator import leftovers
from gnomon.testing.simulator.actor_code import LOOKED_UP, Code
from gnomon.testing.simulator.copy_watch import CopyWatch
from gnomon.testing.simulator.freed import FreedWatch
from gnomon.testing.simulator.given_up import GivenUpWatch
from gnomon.testing.simulator.host import Host
from gnomon.testing.simulator.kernel import Kernel
from gnomon.testing.simulator.losses import lose_one
from gnomon.testing.simulator.names import NameWatch
from gnomon.testing.simulator.network import Network
from gnomon.testing.simulator.nodes import HEAD, Nodes
from gnomon.testing.simulator.plans import ROOMY, Plan, plan_of
from gnomon.testing.simulator.processes import IDLE, HeadHost, WorkerHost, announce
from gnomon.testing.simulator.programs import Body, make_program
from gnomon.testing.simulator.shortages import Shortages
from gnomon.testing.simulator.tempo import TempoWatch
from gnomon.testing.simulator.trace import place_of
from gnomon.testing.simulator.truth import Truth
from gnomon.testing.simulator.watch import PromiseWatch

DRIVER = WorkerID(b"n1.drive")
GUEST = WorkerID(b"n1.guest")
JOB, GUEST_JOB = JobID(b"job1"), JobID(b"job2")

_HANG_S = 300.0
"""Virtual seconds after which a program that has not ended hangs. Repetitions wait 10 s at most."""
_LOOK_EVERY = 8
"""Handles of all code are looked at after every so many batches of events."""

_GUESTS_NUMBERS = 500_000
"""Bodies of the second driver's program are numbered from here."""

_KILLED = "was killed by SIGKILL"


@dataclass(slots=True)
class SeedReport:
    """How a run went.

    Attributes:
        failure: what was wrong, with the last events; empty when nothing was.
        tasks: tasks and calls that were started.
        read: values that were compared with what they should be.
        errors: error values that were read, by class.
    """

    seed: int
    plan: Plan
    trace: str
    failure: str
    steps: int
    virtual_s: float
    tasks: int
    read: int
    errors: dict[str, int]


def run_seed(seed: int, plan: Plan | None = None) -> SeedReport:
    """Run one simulation; what goes wrong is in the report."""
    return Session(seed, plan or plan_of(seed)).run()


class Session:
    """All processes of one simulated session."""

    def __init__(self, seed: int, plan: Plan) -> None:
        self.seed = seed
        self.plan = plan
        self.kernel = Kernel(seed)
        self.network = Network(self.kernel, plan.weather)
        self.truth = Truth({"CPU": plan.cpus * 10_000, "GPU": 20_000})
        self.truth.lossy = plan.losses > 0 or plan.rot > 0
        self.truth.crowded = plan.arena_bytes != ROOMY or plan.reserve_failure > 0
        self.truth.rough = plan.rough
        self.workers: dict[WorkerID, WorkerHost] = {}
        self.watch = PromiseWatch(self.truth, self.workers, lambda: self.kernel.now, plan.fair)
        self.shortages = Shortages(self)
        self.bodies: dict[int, Body] = {body.number: body for body in LOOKED_UP}
        self.freed = FreedWatch(self)
        self.given_up = GivenUpWatch(self)
        self.copies = CopyWatch(self.truth)
        self.puts = self.unfinished = 0
        self._begun = 0
        self._looks = 0
        self._strikes: dict[int, None] = {}
        self._betrayals: dict[int, None] = {}
        self._actors_max = plan.budget.actors
        self.program = make_program(self.kernel.random, replace(plan.budget))
        self._build()
        self._plan_faults()
        self.tempo = TempoWatch(self, plan.budget.tempos)

    def spare_cpu(self) -> bool:
        """Whether an actor may keep a CPU for life: every task must find another one."""
        return self.plan.cpus > self._actors_max and self.kernel.chance(0.3)

    def _build(self) -> None:
        kernel, network = self.kernel, self.network
        self.head = Head(HEAD, LinkMachine(HEAD))
        self.head_host = HeadHost(kernel, network, HEAD, "head", self.head)
        self.head_host.session = self
        self.names = NameWatch(self.head)
        self.nodes = Nodes(self, self.plan.nodes, JobSpec(JOB, DRIVER))
        self.driver = self._add_worker(DRIVER, "driver", JOB)
        for host in (self.head_host, *self.nodes.hosts.values(), self.driver):
            host.start()
        self._run_program(self.driver, self.program, 0.001)
        if self.plan.guest:
            budget = replace(self.plan.budget, tasks=max(3, self.plan.budget.tasks // 2), actors=1)
            guest = make_program(kernel.random, budget, first=_GUESTS_NUMBERS)
            kernel.after(kernel.random.uniform(0.0, 0.05), self._welcome, guest)

    def _run_program(self, host: WorkerHost, body: Body, delay_s: float) -> None:
        program = Code(host, body, None)
        self.unfinished += 1
        self.kernel.after(delay_s, program.start, program.drive())

    def _welcome(self, body: Body) -> None:
        """A second driver joins the cluster."""
        host = self._add_worker(GUEST, "guest", GUEST_JOB)
        host.start()
        self._run_program(host, body, 0.0)
        if self.plan.strikes:
            self.kernel.after(self.kernel.random.uniform(0.0, 1.0), self.end_guest, "was killed")

    def end_guest(self, reason: str) -> None:
        """The second driver's process ends; the node, which watches it, hears of it a moment later."""
        host = self.workers[GUEST]
        if host.alive:
            host.end()
            self.unfinished -= host.in_program
            self.truth.dead[GUEST] = None
            self.note_lent(host)
            self.kernel.trace.add(self.kernel.now, host.label, "ends:", reason)
            event = ev.DriverExited(GUEST, reason)
            home = self.nodes.of(GUEST)
            self.kernel.after(self.kernel.random.uniform(0.0001, 0.01), home.post, event)

    def _add_worker(self, me: WorkerID, label: str, job: JobID) -> WorkerHost:
        driver = DRIVER if job == JOB else GUEST
        home = self.nodes.of(me)
        role = Worker(me, home.me, HEAD, driver, job, "simulated", LinkMachine(me))
        host = self.workers[me] = WorkerHost(self, me, label, role, home.memory)
        return host

    def fork(self, worker: WorkerID, job: JobID) -> None:
        """The node's zygote has forked."""
        home = self.nodes.of(worker)
        if not home.alive:
            return
        host = self._add_worker(worker, "w" + worker[4:].decode(), job)
        host.start()
        announce(host, home.me, len(self.workers))

    def kill(self, worker: WorkerID, reason: str) -> None:
        """A worker's process ends, whatever it is doing; the node hears of it a moment later."""
        host, home = self.workers.get(worker), self.nodes.of(worker)
        if not home.alive:
            return
        if host is None:  # not forked yet: the zygote remembers
            self.kernel.after(0.01, self.kill, worker, reason)
        elif host.alive:
            host.end()
            if reason != IDLE:
                self.truth.dead[worker] = None
                self.note_lent(host)
            self.kernel.trace.add(self.kernel.now, host.label, "ends:", reason)
            event = ev.WorkerExited(worker, reason, host.executor.last_begun)
            self.kernel.after(self.kernel.random.uniform(0.0001, 0.01), home.post, event)

    def note_lent(self, host: WorkerHost) -> None:
        """This process dies: what it held it may have lent on, unknown to the owners."""
        self.truth.note_lent(host.worker.references.entries)
        for thread in host.threads:
            self.truth.note_lent(thread.handles)

    # -- faults ----------------------------------------------------------------------------------------------

    def _plan_faults(self) -> None:
        kernel, plan = self.kernel, self.plan
        if plan.weather.until_s == float("inf"):
            plan.weather.until_s = kernel.now + plan.faults_s
        for count, fault in (
            (plan.crashes, self._crash),
            (plan.pauses, self._pause),
            (plan.partitions, self._cut),
            (plan.node_kills, self.nodes.kill_one),
            (plan.node_drains, self.nodes.drain_one),
            (plan.losses, partial(lose_one, self)),
        ):
            for _ in range(count):
                kernel.after(kernel.random.uniform(0.0, plan.faults_s), fault)
        for _ in range(plan.strikes):
            self._strikes[kernel.random.randint(1, 2 * plan.budget.tasks)] = None
        self.shortages.plan()
        for _ in range(plan.betrayals):
            start = kernel.random.randint(1, 2 * plan.budget.tasks)
            self._betrayals.update(dict.fromkeys(range(start, start + 10)))

    def _pick(self, hosts: list[Host]) -> Host:
        return hosts[self.kernel.random.randrange(len(hosts))]

    def _crash(self) -> None:
        drivers = (DRIVER, GUEST)
        alive: list[Host] = [host for host in self.workers.values() if host.alive and host.me not in drivers]
        if alive:
            self.kill(self._pick(alive).me, _KILLED)

    def check_handles(self) -> None:
        """OR1: whatever code holds a handle on, the owner has; OD8: what it views is still there. Looked at now and then.

        What may be freed nevertheless (``Truth.may_be_freed``), its holder finds an error instead of.
        """
        self._looks += 1
        if self._looks % _LOOK_EVERY:
            return
        for host in self.workers.values():
            if host.alive and not self.watch.is_doomed(host):
                host.check_views()
        if self.plan.fair and not self.truth.dead:
            self.freed.look()
        if self.plan.losses and not self.plan.rough:
            self.given_up.look()
        for host in self.workers.values():
            if not host.alive or host.has_news or self.watch.is_doomed(host):
                continue
            for identity in [
                *host.executor.held,
                *(each for thread in host.threads for each in thread.handles),
            ]:
                owner = self.workers[owner_of(identity)]
                if owner.alive and not owner.has_news:
                    held = identity in owner.worker.references.entries or self.truth.may_be_freed(identity)
                    assert held, f"OR1: {host.label} holds {identity.hex()}, which its owner has freed"

    def begun(self, host: WorkerHost, task: TaskID) -> None:
        """A task or call begins: its process, or who has submitted it, may be killed while it runs."""
        self._begun += 1
        self.tempo.started(host, task)
        random = self.kernel.random
        if self._begun in self._strikes:
            self.kernel.after(random.uniform(0.0, 0.003), self.kill, host.me, _KILLED)
        self.shortages.begun(host, self._begun)
        if self._begun in self._betrayals and owner_of(task) not in (DRIVER, GUEST):
            self.kernel.after(
                random.uniform(0.0, random.choice((0.002, 0.05))), self.kill, owner_of(task), _KILLED
            )

    def _pause(self) -> None:
        everybody = [self.head_host, *self.nodes.hosts.values(), *self.workers.values()]
        self._pick(everybody).pause(self.kernel.random.uniform(0.001, 0.3))

    def _cut(self) -> None:
        everybody = [self.head_host, *self.nodes.hosts.values(), *self.workers.values()]
        one, other = self._pick(everybody), self._pick(everybody)
        self.network.cut(one.me, other.me, self.kernel.now + self.kernel.random.uniform(0.01, 0.5))

    # -- the run ---------------------------------------------------------------------------------------------

    def run(self) -> SeedReport:
        """Run to the end."""
        failure = ""
        try:
            self._run()
        except Exception as error:
            where = place_of(error)
            failure = f"{type(error).__name__}: {error}\n  {where}\n{self.kernel.trace.story()}"
        return SeedReport(
            self.seed,
            self.plan,
            self.kernel.trace.hexdigest(),
            failure,
            self.kernel.steps,
            self.kernel.now,
            sum(facts.starts for facts in self.truth.tasks.values()),
            self.truth.read,
            self.truth.errors,
        )

    def _run(self) -> None:
        self._until_finished()
        survivors = leftovers.survivors(self)
        if survivors:
            self.unfinished += 1
            self._strikes.clear()
            self.shortages.moments.clear()
            self._betrayals.clear()
            epilogue = Code(self.driver, self.program, None)
            epilogue.start(epilogue.end_detached(survivors))
            self._until_finished()
        self.watch.over()
        left = leftovers.left(self)
        assert not left, "left when all was over:\n" + "\n".join(left)

    def _until_finished(self) -> None:
        self._until(lambda: not self.unfinished, "the program hangs")
        assert not self.unfinished, (
            f"the program hangs: nothing is left to happen.\n{leftovers.waiting(self)}"
        )
        self._until(lambda: False, "there is no quiet")

    def _until(self, condition: Callable[[], bool], complaint: str) -> None:
        kernel = self.kernel
        if not kernel.run(condition, kernel.now + _HANG_S, self.plan.steps_max):
            raise AssertionError(
                f"{complaint} after {kernel.steps} steps, {kernel.now:.3f} s.\n{leftovers.waiting(self)}"
            )
