"""Plans: how large a simulation is and what goes wrong in it, from a seed.

of ten seeds   six of all kinds, in fair weather and foul; one lends, one has a crowded store, one loses chains of values
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from gnomon.testing.simulator.network import Weather
from gnomon.testing.simulator.programs import TASTES, Budget

ROOMY = 1 << 30

_SEVERAL_NODES = 0.2
"""Share of plans with several nodes."""


@dataclass(slots=True)
class Plan:
    """What is simulated: everything but the seed's own chance.

    Attributes:
        guest: a second driver joins for a while, with a program of its own.
        nodes: how many there are.
        node_kills: nodes other than the first that die at random moments.
        node_drains: such that are asked to leave.
        late_nodes: all but the first join at random moments.
        losses: large values that are lost at random moments.
        crashes: worker processes killed at random moments.
        strikes: worker processes killed while something runs there.
        betrayals: worker processes killed while something runs elsewhere that they have submitted.
        pauses: processes that stand still for a while.
        partitions: pairs of processes that can not reach each other for a while.
        large_bytes: announced size of large values; what is really kept is a few bytes.
        reserve_failure: probability that the machine has no memory for a block.
        spills: blocks that find no room are spilled, into so many directories.
        disk_failure: probability that a file can not be written.
        shortages: how often a node's memory is nearly used up, while something runs there.
        rot: probability that a value on disk can not be read.
        faults_s: faults happen in the first so many seconds.
        steps_max: actions after which the simulation is taken for endless. Small ones need a few thousand; ten times the
            tasks in a store that is too small for them, two hundred thousand.
    """

    budget: Budget = field(default_factory=Budget)
    guest: bool = False
    nodes: int = 1
    node_kills: int = 0
    node_drains: int = 0
    late_nodes: bool = False
    losses: int = 0
    weather: Weather = field(default_factory=Weather)
    cpus: int = 2
    crashes: int = 0
    strikes: int = 0
    betrayals: int = 0
    pauses: int = 0
    partitions: int = 0
    arena_bytes: int = ROOMY
    large_bytes: int = 200_000
    reserve_failure: float = 0.0
    spills: int = 0
    disk_failure: float = 0.0
    shortages: int = 0
    rot: float = 0.0
    faults_s: float = 1.0
    steps_max: int = 60_000

    @property
    def fair(self) -> bool:
        """No faults at all, and room for everything."""
        weather = self.weather
        return self.arena_bytes == ROOMY and not (
            self.crashes or self.strikes or self.betrayals or self.pauses or self.partitions or self.reserve_failure
            or self.node_kills or self.losses or self.rot or self.shortages
            or weather.loss or weather.duplication or weather.straggling
        )  # fmt: skip

    @property
    def rough(self) -> bool:
        """Whether messages may be held up for long."""
        weather = self.weather
        return bool(weather.loss or weather.straggling or self.pauses or self.partitions)


def plan_of(seed: int) -> Plan:
    """The small plan of a seed: a quarter of them in fair weather, the others with faults of all kinds."""
    if seed % 10 == 7:
        return lending_plan_of(seed)
    if seed % 10 == 9:
        return losing_plan_of(seed)
    plan = _usual_plan_of(seed)
    plan.budget.tempos = 4 if seed % 10 == 5 else 0
    if seed % 10 == 3 and plan.nodes == 1:
        _crowd(plan, Random(seed ^ 0xD15C))
    return plan


def _crowd(plan: Plan, random: Random) -> None:
    """The store has room for very few large values: most are on disk most of the time."""
    plan.arena_bytes = random.choice((420_000, 700_000))
    plan.spills = random.choice((1, 2))
    plan.disk_failure = random.choice((0.0, 0.0, 0.3))
    plan.rot = random.choice((0.0, 0.0, 0.0, 0.02, 0.2))
    plan.budget.large = True
    plan.budget.tasks = max(plan.budget.tasks, 16)


def _usual_plan_of(seed: int) -> Plan:
    random = Random(seed ^ 0x5EED)
    plan = Plan(budget=Budget(tasks=random.choice((4, 10, 16, 30)), depth=random.choice((1, 2, 3, 5))))
    plan.cpus = random.choice((1, 2, 4))
    plan.guest = random.random() < 0.2
    plan.budget.taste = random.choice(TASTES)
    plan.faults_s = random.choice((0.05, 0.2, 1.0))
    kind = seed % 3
    several = Random(seed ^ 0x40DE)
    if several.random() < _SEVERAL_NODES:
        plan.nodes = several.choice((2, 2, 3))
        plan.node_kills = several.choice((0, 1, 1, 2)) if kind == 2 else 0
        plan.large_bytes = 2_500_000  # three chunks
        plan.budget.heavy = True
        plan.node_drains = several.choice((0, 0, 1)) if kind == 2 else 0
        plan.late_nodes = several.random() < 0.3
    if kind == 0:
        plan.budget.cancels = random.random() < 0.8
        plan.budget.errors = random.random() < 0.5
        plan.shortages = Random(seed ^ 0x003E).choice((0, 0, 0, 2)) if plan.nodes == 1 else 0
        return plan
    plan.weather.loss = random.choice((0.0, 0.02, 0.2))
    plan.weather.duplication = random.choice((0.0, 0.1))
    plan.weather.straggling = random.choice((0.0, 0.1))
    plan.pauses = random.choice((0, 1, 2))
    plan.partitions = random.choice((0, 0, 1))
    plan.arena_bytes = random.choice((ROOMY, 1 << 20))
    if plan.nodes > 1 and plan.arena_bytes != ROOMY:
        plan.arena_bytes = 10 << 20
    if plan.arena_bytes != ROOMY:
        disk = Random(seed ^ 0xD15C)
        plan.spills = disk.choice((0, 1, 2))
        plan.disk_failure = disk.choice((0.0, 0.3))
    if kind == 2:
        plan.crashes = random.choice((0, 1, 2))
        plan.strikes = random.choice((0, 1, 2, 4))
        plan.reserve_failure = random.choice((0.0, 0.1))
        plan.shortages = Random(seed ^ 0x003E).choice((0, 1, 3, 6)) if plan.nodes == 1 else 0
    plan.losses = several.choice((0, 0, 1, 3, 8))
    return plan


def lending_plan_of(seed: int) -> Plan:
    """Large values are handed on through tasks and actors, and kept, while lenders and owners are killed."""
    random = Random(seed ^ 0x1E4D)
    budget = Budget(
        tasks=random.choice((15, 30, 50)),
        depth=random.choice((2, 3, 5)),
        actors=random.choice((2, 4)),
        errors=random.random() < 0.2,
        cancels=random.random() < 0.2,
        taste="lending",
    )
    plan = Plan(budget=budget, cpus=random.choice((2, 4)), faults_s=random.choice((0.2, 1.0, 3.0)))
    plan.betrayals = random.choice((1, 2, 4))
    plan.strikes = random.choice((0, 1, 2))
    plan.crashes = random.choice((0, 1))
    if random.random() < 0.5:
        plan.weather.loss = random.choice((0.0, 0.0, 0.1))
        plan.weather.straggling = random.choice((0.0, 0.1, 0.3))
        plan.weather.straggle_s = random.choice((0.01, 0.1, 0.5))
        plan.pauses = random.choice((0, 0, 3, 6))
    return plan


def losing_plan_of(seed: int) -> Plan:
    """Large values are made from large values, many of which are lost, or were let go because they can be made again."""
    random = Random(seed ^ 0x105E)
    budget = Budget(
        tasks=random.choice((10, 20, 40)), depth=1, actors=random.choice((1, 2)),
        errors=random.random() < 0.2, cancels=random.random() < 0.2, taste="chains",
    )  # fmt: skip
    plan = Plan(budget=budget, cpus=random.choice((1, 2, 4)), faults_s=random.choice((0.3, 1.0, 3.0)))
    plan.losses = random.choice((10, 20, 40))
    if random.random() < 0.3:
        plan.nodes = random.choice((2, 3))
        plan.node_kills = random.choice((0, 1, 2))
        plan.large_bytes = 2_500_000
        budget.heavy = True
    if random.random() < 0.3:
        plan.weather.loss = random.choice((0.0, 0.05))
        plan.weather.straggling = random.choice((0.0, 0.1))
        plan.strikes = random.choice((0, 1, 2))
    return plan


def medium_plan_of(seed: int) -> Plan:
    """The plan of a seed with ten times the tasks, more actors, and more crashes over a longer time."""
    plan = plan_of(seed)
    plan.budget.tasks, plan.budget.actors, plan.budget.depth = 120, 6, 4
    plan.crashes = Random(seed).choice((0, 3, 12)) if seed % 3 == 2 else 0
    plan.strikes = plan.crashes
    plan.faults_s = 5.0
    plan.steps_max = 600_000
    return plan
