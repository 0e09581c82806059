"""Programs: what the simulated user's code does, made at random from a seed.

A body is a list of steps over *variables*, each of which is a handle on an object. Which variable a step
means is a number that the running body takes modulo how many it has, so that any step fits anywhere; a
step without a variable to work on does nothing. Bodies of actor methods never wait: a method that waits
for another call of its own actor would rightly hang for ever.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a body does.

    Attributes:
        kind: the ``_step_...`` method of ``code.Thread`` that takes it.
        picks: which variables, as numbers to be taken modulo their count.
        nested: how many of the picks go inside the argument or value; the others are dependencies.
        body: of the task, the constructor or the method.
        amount: seconds of a sleep or timeout; retries; restarts.
        name: of an actor, or "".
    """

    kind: str
    picks: tuple[int, ...] = ()
    nested: int = 0
    body: Body | None = None
    amount: float = 0
    large: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True)
class Body:
    """A function, method or constructor.

    Attributes:
        number: what its results carry; unique in a program.
        results: per result, the picks of the variables that it refers to.
        raises: how many attempts raise an exception before one succeeds.
        keep: a method's or constructor's: how many of its arguments the actor keeps.
        gpus: resources beside a CPU, sometimes more than there are.
    """

    number: int
    duration_s: float
    steps: tuple[Step, ...]
    results: tuple[tuple[int, ...], ...]
    large: bool = False
    raises: int = 0
    retry_exceptions: bool = False
    keep: int = 0
    cpus: int = 10_000
    gpus: int = 0


@dataclass(slots=True)
class Budget:
    """How much a program may contain.

    Attributes:
        tasks: tasks and calls in all.
        depth: how deep tasks nest.
        actors: actors in all.
    """

    tasks: int = 12
    depth: int = 2
    actors: int = 2
    errors: bool = True
    cancels: bool = True
    large: bool = True
    numbers: list[int] = field(default_factory=lambda: [0])


def make_program(random: Random, budget: Budget) -> Body:
    """The driver's program."""
    steps: list[Step] = []
    while budget.tasks > 0:
        steps.append(_make_step(random, budget, 0))
    return Body(_number(budget), 0.0, tuple(steps), ())


def _number(budget: Budget) -> int:
    budget.numbers[0] += 1
    return budget.numbers[0]


_WEIGHTS = {
    "task": 8, "get": 4, "put": 3, "drop": 4, "wait": 2, "sleep": 1, "actor": 1, "call": 8, "lookup": 0.3,
    "status": 0.2, "kill": 0.8, "cancel": 0.7, "cancel_cell": 0.2,
}  # fmt: skip


def _make_step(random: Random, budget: Budget, depth: int, in_method: bool = False) -> Step:
    kinds = dict(_WEIGHTS)
    if in_method:
        kinds = {kind: kinds[kind] for kind in ("task", "put", "drop")}
    if not budget.cancels:
        for kind in ("cancel", "kill", "cancel_cell"):
            kinds.pop(kind, None)
    if budget.actors <= 0:
        kinds.pop("actor", None)
    if budget.tasks <= 0 or depth >= budget.depth:
        for kind in ("task", "call", "actor"):
            kinds.pop(kind, None)
    kind = random.choices(list(kinds), list(kinds.values()))[0]
    picks = tuple(random.randrange(1000) for _ in range(random.choice((0, 1, 1, 2, 3))))
    nested = random.randint(0, len(picks))
    if kind == "task":
        budget.tasks -= 1
        body = _make_body(random, budget, depth + 1)
        return Step(kind, picks, nested, body, amount=random.choice((0, 1, 3)))
    if kind == "call":
        budget.tasks -= 1
        body = _make_body(random, budget, depth + 1, in_method=True)
        picks = (random.randrange(1000), *picks)
        return Step(kind, picks, nested, body, amount=random.choice((0, 0, 2)))
    if kind == "actor":
        budget.actors -= 1
        body = _make_body(random, budget, depth + 1, in_method=True)
        name = random.choice(("", "", "ann", "bob"))
        return Step(kind, picks, nested, body, amount=random.choice((0, 0, 1, 3)), name=name)
    if kind == "lookup":
        return Step(kind, name=random.choice(("ann", "bob", "")))
    if kind == "sleep":
        return Step(kind, amount=random.uniform(0, 0.05))
    if kind == "wait":
        return Step(kind, picks, amount=random.choice((0.0, 0.001, 0.1)))
    if kind in ("drop", "kill", "cancel"):
        picks = (random.randrange(1000),)
    return Step(kind, picks, nested, large=budget.large and random.random() < 0.3)


def _make_body(random: Random, budget: Budget, depth: int, in_method: bool = False) -> Body:
    steps = tuple(
        _make_step(random, budget, depth, in_method) for _ in range(random.choice((0, 0, 1, 2, 4, 6)))
    )
    results = tuple(
        tuple(random.randrange(1000) for _ in range(random.choice((0, 0, 1, 2))))
        for _ in range(random.choice((1, 1, 1, 2, 3)))
    )
    raises = random.choice((1, 2, 9)) if budget.errors and random.random() < 0.08 else 0
    return Body(
        _number(budget),
        random.choice((0.00001, 0.0001, 0.001, 0.05, 0.3)),
        steps,
        results,
        large=budget.large and random.random() < 0.2,
        raises=raises,
        retry_exceptions=random.random() < 0.7,
        keep=random.choice((0, 0, 1, 2)) if in_method else 0,
        cpus=random.choice((10_000, 10_000, 5_000)),
        gpus=random.choice((10_000, 50_000)) if budget.errors and random.random() < 0.05 else 0,
    )
