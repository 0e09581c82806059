"""Programs: what the simulated user's code does, made at random from a seed.

A body is a list of steps over *variables*, each of which is a handle on an object. Which variable a step
means is a number that the running body takes modulo how many it has, so that any step fits anywhere; a
step without a variable to work on does nothing. Methods and constructors wait for a moment at most: one
that waits for another call of its own actor would rightly hang for ever.

A program has a *taste*, the weights of its steps, so that one seed cancels much and another is all actors.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from gnomon._messages.tasks import DYNAMIC, STREAMING


@dataclass(frozen=True, slots=True)
class Kind:
    """How an actor runs its calls.

    Attributes:
        lanes: calls at a time that belong to no group.
        groups: calls at a time, by concurrency group.
        in_order: its callers' calls start in their order.
        pending_max: unfinished calls that one process may have.
    """

    is_async: bool = False
    lanes: int = 1
    groups: tuple[tuple[str, int], ...] = ()
    in_order: bool = True
    pending_max: int = 0


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a body does.

    Attributes:
        kind: the ``_step_...`` method of ``actor_code.Code`` that takes it.
        picks: which variables, as numbers to be taken modulo their count.
        nested: how many of the picks go inside the argument or value; the others are dependencies.
        body: of the task, the constructor or the method.
        amount: seconds of a sleep, a timeout or of patience; retries; restarts; how to cancel.
        name, namespace: of an actor, or "".
        if_exists, detached: how it is created.
        actor_kind: of an actor.
        group: picks the concurrency group of a call.
        at_once: right after the step before it.
    """

    kind: str
    picks: tuple[int, ...] = ()
    nested: int = 0
    body: Body | None = None
    amount: float = 0
    large: bool = False
    name: str = ""
    namespace: str = ""
    if_exists: bool = False
    detached: bool = False
    actor_kind: Kind | None = None
    group: int = 0
    at_once: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """A function, method or constructor.

    Attributes:
        number: what its results carry; unique in a program.
        results: per result, the picks of the variables that it refers to.
        raises: how many attempts raise an exception before one succeeds.
        keep: a method's or constructor's: how many of its arguments the actor keeps.
        deaf: it can not be interrupted, and runs for seconds.
        gpus: resources beside a CPU, sometimes more than there are.
        items: how many a generator makes; -1: it is none.
        dynamic: its caller gets a list of references at its end.
        backpressure: how many items it may be ahead of its consumer.
        exits: a method's: it ends its actor.
        shrinks: when it is repeated it makes fewer, which is an error.
    """

    number: int
    duration_s: float
    steps: tuple[Step, ...]
    results: tuple[tuple[int, ...], ...]
    large: bool = False
    raises: int = 0
    retry_exceptions: bool = False
    keep: int = 0
    deaf: bool = False
    cpus: int = 10_000
    gpus: int = 0
    items: int = -1
    dynamic: bool = False
    backpressure: int = 0
    shrinks: bool = False
    exits: bool = False

    @property
    def generates(self) -> bool:
        """Whether it is a generator."""
        return self.items >= 0

    @property
    def num_returns(self) -> int:
        """As the runtime knows it."""
        if self.generates:
            return DYNAMIC if self.dynamic else STREAMING
        return len(self.results)


@dataclass(slots=True)
class Budget:
    """How much a program may contain.

    Attributes:
        tasks: tasks and calls in all.
        depth: how deep tasks nest.
        actors: actors in all.
        heavy: most values are large, and much is handed on.
        taste: which of ``_TASTES`` its steps are of.
        tempos: how often the user changes how fast work begins.
    """

    tasks: int = 12
    depth: int = 2
    actors: int = 2
    errors: bool = True
    cancels: bool = True
    large: bool = True
    heavy: bool = False
    taste: str = "mixed"
    tempos: int = 0
    number: int = 0

    def next_number(self) -> int:
        """Numbers bodies from 1."""
        self.number += 1
        return self.number


_MIXED = {
    "task": 8, "get": 4, "put": 3, "drop": 4, "wait": 2, "sleep": 1, "actor": 1, "call": 8, "lookup": 0.3,
    "status": 0.1, "kill": 0.8, "cancel": 0.7, "cancel_cell": 0.2, "next": 1, "drain": 0.5, "close": 0.3,
    "let_go": 0.3, "complete": 0.3,
}  # fmt: skip
_TASTES: dict[str, dict[str, float]] = {
    "mixed": _MIXED,
    "tasks": _MIXED | {"actor": 0.2, "call": 1, "kill": 0.1, "cancel": 1},
    "actors": _MIXED | {"task": 3, "actor": 2, "call": 14, "kill": 1, "cancel": 0.5},
    "names": _MIXED | {"task": 5, "actor": 4, "lookup": 4, "kill": 2, "drop": 5},
    "streams": _MIXED | {"next": 8, "drain": 3, "close": 1, "let_go": 1, "complete": 1, "cancel": 1},
    "cancels": _MIXED | {"cancel": 5, "cancel_cell": 1, "get": 2, "wait": 3, "sleep": 3, "task": 12},
    "lending": {
        "task": 8,
        "call": 12,
        "put": 8,
        "drop": 6,
        "get": 4,
        "actor": 2,
        "wait": 0.5,
        "sleep": 0.5,
        "next": 1,
    },
    "chains": _MIXED | {"task": 4, "call": 3, "get": 6, "cancel": 0.1, "kill": 0.1},
}
TASTES = tuple(taste for taste in _TASTES if taste not in ("lending", "chains"))
"""Of which a program has one at random; the others are plans of their own."""
_CHASED = dict.fromkeys(_TASTES, 0.03) | {"cancels": 0.4}
"""Share of tasks that are cancelled soon after their submission."""
_GENERATORS = dict.fromkeys(_TASTES, 0.1) | {"streams": 0.6}
"""Share of bodies that are generators."""
_LARGE_PUTS = dict.fromkeys(_TASTES, 0.3) | {"lending": 0.8}
_LARGE_RESULTS = dict.fromkeys(_TASTES, 0.2) | {"lending": 0.6, "chains": 0.6}
"""Shares of values that lie in the arena."""
_HEAVY = 0.8
"""The same in heavy programs."""
_KEPT = dict.fromkeys(_TASTES, (0, 0, 1, 2)) | {"lending": (0, 1, 2, 3)}
"""How many of its arguments a method keeps: one of these."""
_PICKED = dict.fromkeys(_TASTES, (0, 1, 1, 2, 3)) | {"lending": (1, 2, 2, 3, 4)}
"""How many variables a step is about: one of these."""

_PATIENCE_S = 0.05
"""Who lends waits no longer than this: what it was lent may contain what waits for itself, and would rightly hang."""

_IN_METHOD = ("task", "call", "put", "drop", "wait", "get", "cancel", "next", "drain", "let_go")
MANY = 1000
"""Calls at a time of an async actor, unless told otherwise."""

_GROUPS = (("io", 2), ("cpu", 1))
_KINDS = (
    Kind(), Kind(), Kind(), Kind(pending_max=2), Kind(in_order=False), Kind(lanes=3),
    Kind(lanes=2, in_order=False), Kind(groups=_GROUPS), Kind(is_async=True, lanes=MANY, in_order=False),
    Kind(is_async=True, lanes=MANY), Kind(is_async=True, lanes=2, in_order=False),
    Kind(is_async=True, lanes=MANY, groups=_GROUPS, in_order=False),
)  # fmt: skip


def make_program(random: Random, budget: Budget, first: int = 0) -> Body:
    """A driver's program; its bodies are numbered from ``first``."""
    budget.number = first
    steps: list[Step] = []
    if budget.actors and (random.random() < 0.6 or budget.taste == "lending"):
        steps.append(_make_actor(random, budget, 0))
    while budget.tasks > 0:
        if budget.taste == "lending" and random.random() < 0.5:
            steps.append(_make_relay(random, budget, 0))
        elif budget.taste == "chains" and random.random() < 0.7:
            steps += _make_link(random, budget)
        else:
            steps += _make_steps(random, budget, 0)
    return Body(budget.next_number(), 0.0, tuple(steps), ())


def _make_steps(random: Random, budget: Budget, depth: int, in_method: bool = False) -> list[Step]:
    """One step, or a burst of calls to one actor."""
    kinds = dict(_TASTES[budget.taste])
    if in_method:
        kinds = {kind: kinds.get(kind, 0) for kind in _IN_METHOD}
    if not budget.cancels:
        for kind in ("cancel", "kill", "cancel_cell"):
            kinds.pop(kind, None)
    if budget.actors <= 0:
        kinds.pop("actor", None)
    if budget.tasks <= 0 or depth >= budget.depth:
        for kind in ("task", "call", "actor"):
            kinds.pop(kind, None)
    kind = random.choices(list(kinds), list(kinds.values()))[0]
    if kind == "actor":
        steps = [_make_actor(random, budget, depth)]
        if budget.cancels and random.random() < 0.1:
            steps.append(Step("sleep", amount=random.choice((0.0002, 0.002, 0.02)), at_once=True))
            steps.append(Step("kill", (random.choice((-1, -1000)),), at_once=True))
        return steps
    if kind == "call":
        target, count = random.randrange(1000), random.choice((1, 1, 2, 4))
        steps = [_make_call(random, budget, depth, target, number) for number in range(count)]
        if budget.cancels and random.random() < _CHASED[budget.taste]:
            steps.append(Step("sleep", amount=random.choice((0.0002, 0.002, 0.02)), at_once=True))
            steps.append(Step("cancel", (-1,), amount=random.randrange(15), at_once=True))
        if random.random() < 0.15:
            steps.append(Step("forget", (target,), at_once=True))
        return steps
    if kind == "task":
        if depth == 0 and random.random() < (0.2 if budget.taste == "tasks" else 0.06):
            return _make_burst(random, budget)
        steps = [_make_task(random, budget, depth)]
        if budget.cancels and random.random() < _CHASED[budget.taste]:
            steps.append(Step("sleep", amount=random.choice((0.0002, 0.002, 0.02, 0.1)), at_once=True))
            steps.append(Step("cancel", (-1,), amount=random.randrange(15), at_once=True))
        return steps
    return [_make_small(random, budget, kind)]


def _picks(random: Random, budget: Budget) -> tuple[int, ...]:
    counts = _PICKED["lending" if budget.heavy else budget.taste]
    return tuple(random.randrange(1000) for _ in range(random.choice(counts)))


def _make_task(random: Random, budget: Budget, depth: int) -> Step:
    budget.tasks -= 1
    picks = _picks(random, budget)
    body = _make_generator(random, budget, _make_body(random, budget, depth + 1))
    retries = random.choice((0, 1, 1, 3, _endless(body)))
    return Step("task", picks, random.randint(0, len(picks)), body, amount=retries)


def _endless(body: Body) -> int:
    """As many retries or restarts as it takes; not of what may end its own actor or process each time."""
    return 3 if body.steps else -1


def _make_burst(random: Random, budget: Budget) -> list[Step]:
    """Many short tasks of one class, so that workers have pipelines; now and then one takes long."""
    steps = []
    for _ in range(random.choice((8, 16, 30))):
        duration_s = random.choice((0.00001, 0.0001, 0.0001, 0.001, 0.02))
        body = Body(budget.next_number(), duration_s, (), ((),))
        steps.append(Step("task", (), 0, body, amount=random.choice((0, 0, 1)), at_once=True))
    budget.tasks -= 2
    return steps


def _make_call(random: Random, budget: Budget, depth: int, target: int, place: int) -> Step:
    budget.tasks -= 1
    picks = _picks(random, budget)
    nested = random.randint(0, len(picks))
    body = _make_generator(random, budget, _make_body(random, budget, depth + 1, in_method=True))
    retries = random.choice((0, 0, 2, 2, _endless(body)))
    if budget.errors and random.random() < 0.03:
        body = replace(body, exits=True, items=-1)
    group = random.randrange(3)
    return Step("call", (target, *picks), nested, body, amount=retries, at_once=place > 0, group=group)


def _make_relay(random: Random, budget: Budget, depth: int) -> Step:
    """What was made last is handed on, hop by hop, through tasks and calls; each hop adds something of its own.

    Each hop lets go when it has handed on, so that an object is held by borrowers of borrowers alone.
    """
    budget.tasks -= 1
    steps: list[Step] = []
    if random.random() < 0.7:
        steps.append(Step("put", (-1, -2)[: random.randrange(3)], random.randrange(2), large=True))
    if random.random() < 0.3:
        steps.append(Step("get", (random.choice((-1, -2)),), amount=_PATIENCE_S))
    if depth < budget.depth:
        for _ in range(random.choice((1, 1, 2))):
            steps.append(_make_relay(random, budget, depth + 1))
    in_call = depth > 0 and random.random() < 0.6
    body = Body(
        budget.next_number(),
        random.choice((0.00001, 0.001, 0.02, 0.3)),
        tuple(steps),
        (random.choice(((), (-1,), (-1, -2))),),
        large=random.random() < 0.5,
        keep=random.choice((0, 1, 2)) if in_call else 0,
        cpus=5_000,
    )
    picks = (-1, -2, -3)[: random.choice((2, 3))]
    nested = random.randint(1, len(picks))
    retries = random.choice((0, 0, 1))
    if in_call:
        return Step(
            "call", (random.randrange(1000), *picks), nested, body, amount=retries, group=random.randrange(3)
        )
    return Step("task", picks, nested, body, amount=retries)


def _make_link(random: Random, budget: Budget) -> list[Step]:
    """A large value is made from those that were made last, which are let go more often than not.

    So what a lost value was made from may have to be made again, too, and what that was made from.
    """
    budget.tasks -= 1
    count = random.choice((1, 1, 1, 2, 3))
    body = Body(
        budget.next_number(),
        random.choice((0.00001, 0.001, 0.02)),
        (),
        tuple(random.choice(((), (), (-1,))) for _ in range(count)),
        large=random.random() < 0.9,
    )
    if random.random() < 0.2:
        body = replace(body, items=random.choice((1, 3, 5)), dynamic=random.random() < 0.5)
    picks = (-1, -2, -3)[: random.choice((1, 1, 2, 3))]
    nested = random.choice((0, 0, 0, 1))
    kind, retries = random.choice(("task", "task", "task", "call")), random.choice((1, 3, -1, -1))
    where = (random.randrange(1000), *picks) if kind == "call" else picks
    steps = [Step(kind, where, nested, body, amount=retries)]
    if random.random() < 0.6:
        steps.append(Step("drop", (-1 - count,), at_once=True))
    if random.random() < 0.3:
        steps.append(Step("sleep", amount=random.uniform(0.0, 0.1)))
    if random.random() < 0.2:
        steps.append(Step("get", (-1,)))
    return steps


def _make_actor(random: Random, budget: Budget, depth: int) -> Step:
    budget.actors -= 1
    picks = _picks(random, budget)
    body = _make_body(random, budget, depth + 1, in_method=True)
    name = random.choice(("", "ann", "bob") if budget.taste == "names" else ("", "", "", "ann", "bob"))
    return Step(
        "actor", picks, random.randint(0, len(picks)), body,
        amount=random.choice((0, 0, 1, 3, _endless(body))), name=name, namespace=random.choice(("", "", "", "n")),
        if_exists=random.random() < 0.4, detached=bool(name) and random.random() < 0.5,
        actor_kind=random.choice(_KINDS),
    )  # fmt: skip


def _make_small(random: Random, budget: Budget, kind: str) -> Step:
    """A step without a body."""
    if kind == "lookup":
        return Step(kind, name=random.choice(("ann", "bob", "")), namespace=random.choice(("", "", "n")))
    if kind == "sleep":
        # now and then so long that whatever is idle goes
        return Step(kind, amount=2.5 if random.random() < 0.1 else random.uniform(0, 0.05))
    if kind in ("drop", "kill", "cancel", "next", "drain", "close", "let_go", "complete"):
        how = random.randrange(15)
        return Step(kind, (random.randrange(1000),), amount=how, at_once=random.random() < 0.3)
    picks = _picks(random, budget)
    if kind == "wait":
        return Step(kind, picks, amount=random.choice((0.0, 0.001, 0.1)))
    large = budget.large and random.random() < (_HEAVY if budget.heavy else _LARGE_PUTS[budget.taste])
    patience_s = _PATIENCE_S if kind == "get" and budget.taste == "lending" else 0
    return Step(kind, picks, random.randint(0, len(picks)), amount=patience_s, large=large)


def _make_body(random: Random, budget: Budget, depth: int, in_method: bool = False) -> Body:
    steps: list[Step] = []
    for _ in range(random.choice((0, 0, 1, 2, 4, 6))):
        steps += _make_steps(random, budget, depth, in_method)
    results = tuple(
        tuple(random.randrange(1000) for _ in range(random.choice((0, 0, 1, 2))))
        for _ in range(random.choice((1, 1, 1, 2, 3)))
    )
    errors = budget.errors
    raising = 0.3 if budget.taste == "cancels" else 0.1
    raises = random.choice((1, 2, 9)) if errors and random.random() < raising else 0
    deaf = budget.cancels and random.random() < (0.1 if budget.taste == "cancels" else 0.02)
    # one that waits with a GPU, for one that needs a GPU, would rightly hang for ever
    gpus = random.choice((10_000, 50_000)) if errors and random.random() < 0.05 else 0
    if gpus == 10_000 and (in_method or any(step.kind == "get" for step in steps)):
        gpus = 0
    return Body(
        budget.next_number(),
        random.uniform(1.5, 4.0) if deaf else random.choice((0.00001, 0.0001, 0.001, 0.05, 0.3)),
        tuple(steps),
        results,
        large=budget.large and random.random() < (_HEAVY if budget.heavy else _LARGE_RESULTS[budget.taste]),
        raises=raises,
        retry_exceptions=random.random() < 0.7,
        keep=random.choice(_KEPT[budget.taste]) if in_method else 0,
        deaf=deaf,
        cpus=random.choice((10_000, 10_000, 5_000)),
        gpus=gpus,
    )


def _make_generator(random: Random, budget: Budget, body: Body) -> Body:
    """The body itself, or a generator of it."""
    if random.random() >= _GENERATORS[budget.taste]:
        return body
    return replace(
        body,
        items=random.choice((0, 1, 2, 3, 5, 8)),
        dynamic=random.random() < 0.25,
        backpressure=random.choice((0, 0, 1, 2)),
        shrinks=budget.errors and random.random() < 0.05,
        duration_s=min(body.duration_s, 0.02),
        deaf=False,
    )


__all__ = ["MANY", "TASTES", "Body", "Budget", "Step", "make_program"]
