"""The words of ``why``: tasks, sites, times, what is awaited, what a process does, what there is too little of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gnomon._engine.stalls import lacking, named
from gnomon._messages import situations as told
from gnomon._messages.cluster import ClusterStatus
from gnomon._messages.situations import Activity, ActorSeen, Awaited, Situation
from gnomon.resources import UNITS, Resources, add, describe


@dataclass(frozen=True, slots=True)
class Seen:
    """All that was found out about one object.

    Attributes:
        activity: of the process that has the task; None when it was not asked or was silent.
        silent: it did not answer in time.
        status: of the cluster, where resources are waited for.
        others: how many other calls of the function have ended, and how long half of them took at most, in seconds.
        here: process id of this process's node.
        paused: the session is: nothing begins.
        held: this actor's constructor waits to be let through, since the session is paused or slowed down.
        cell_name: what people call the cell that was compiled as a file.
        source: the text of a line of a file, or "".
    """

    situation: Situation
    activity: Activity | None = None
    silent: bool = False
    status: ClusterStatus | None = None
    others: tuple[int, float] = (0, 0.0)
    here: bytes = b""
    cell_name: Callable[[str], str | None] = lambda file: None
    source: Callable[[str, int], str] = lambda file, line: ""
    paused: bool = False
    held: bool = False


def task(situation: Situation) -> str:
    """A task as people know it: ``train (In [3], line 4)``."""
    return f"{situation.producer or 'the task'}{site(situation.cell, situation.line)}"


def site(cell: str, line: int) -> str:
    """Where something was asked for, in brackets."""
    if not cell:
        return ""
    return f" ({cell}, line {line})" if line else f" ({cell})"


def process(situation: Situation) -> str:
    """The process that has a task."""
    return f"worker {situation.pid}" if situation.pid else "its worker"


def listed(situation: Situation) -> str:
    """What a task waits for, one after the other."""
    more = situation.awaits_total - len(situation.awaits)
    return "; ".join([*map(awaited, situation.awaits), *([f"and {more:,} more"] if more else [])])


def awaited(each: Awaited) -> str:
    """One thing that is waited for, and how far that is."""
    if not each.producer:
        return f"ObjectRef({each.object.hex()}), which another process owns"
    what = f"the value of {each.producer}{site(each.cell, each.line)}"
    state = {
        told.WAITING: "waits for arguments itself",
        told.READY: "has not begun",
        told.SENT: f"has been running for {seconds(each.running)}",
        told.LOST: "was lost",
    }.get(each.state)
    return f"{what}, which {state}" if state else f"{what}, submitted {ago(each.age)}"


def waits_of(activity: Activity) -> list[str]:
    """What the code waits for that runs there."""
    return [f"it waits there for {awaited(each)}" for each in activity.awaits]


def ask_about(awaits: tuple[Awaited, ...]) -> str:
    """The next question."""
    return f"Ask gnomon.why('{awaits[0].object.hex()}') about what it waits for." if awaits else ""


def doing(activity: Activity, actor: ActorSeen | None) -> str:
    """What a process does: ``has been running f for 3.0 s``."""
    if not activity.running:
        return "runs nothing now"
    names = [call_name(each.name, actor) for each in activity.running]
    if len(names) == 1 and activity.running[0].seconds:
        return f"has been running {names[0]} for {seconds(activity.running[0].seconds)}"
    return f"runs {', '.join(names)}"


def call_name(name: str, actor: ActorSeen | None) -> str:
    """A method's name is all that its process was sent, unless the user has given the call one."""
    return (
        f"{actor.class_name}.{name}"
        if actor is not None and actor.class_name and name.isidentifier()
        else name
    )


def history(situation: Situation) -> tuple[str, ...]:
    """Which attempt this is, if it is not the first."""
    if not situation.attempt:
        return ()
    limit = "" if situation.retries < 0 else f" of {situation.retries + 1}"
    return (f"attempt {situation.attempt + 1}{limit}: an earlier one was lost with its process, or raised",)


def count(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number:,} {noun}{'s'[: number != 1]}"


def ago(age: float) -> str:
    """A time that has passed."""
    return f"{seconds(age)} ago"


def capital(text: str) -> str:
    """A sentence's beginning."""
    return text[:1].upper() + text[1:] if text.startswith("the ") else text


def seconds(value: float) -> str:
    """A time as people read it: ``0.4 s``, ``2 min 05 s``."""
    if value < 1e-3:
        return "less than 1 ms"
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    if value < 60:
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest:02d} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


def place(seen: Seen, activity: Activity) -> str:
    """The line where the code is, as it follows in a sentence."""
    if not activity.file:
        return ""
    cell = seen.cell_name(activity.file)
    file = cell or activity.file.rsplit("/", 1)[-1]
    source = seen.source(activity.file, activity.line)
    code = f": {source}" if source else ""
    return f", now at line {activity.line} of {file}, in {activity.function}{code}"


# -- resources ----------------------------------------------------------------------------------------------------

INIT = {"CPU": "num_cpus", "GPU": "num_gpus", "memory": "memory"}


def scarcity(asked: Resources, status: ClusterStatus) -> tuple[list[str], str]:
    """What there is too little of now on each node, and a sentence of it."""
    living = [node for node in status.nodes if node.alive]
    if any(not lacking(asked, node.available) for node in living):
        return [], ""
    total: Resources = {}
    free: Resources = {}
    for node in living:
        add(total, node.resources)
        add(free, node.available)
    best = min(living, key=lambda node: len(lacking(asked, node.available)), default=None)
    scarce = list(asked) if best is None else lacking(asked, best.available)
    parts = []
    for name in scarce:
        has = f"{amount(free.get(name, 0))} of {amount(total.get(name, 0))} {name}"
        parts.append(f"{describe({name: asked[name]})} ({has} free{' in all' if len(living) > 1 else ''})")
    return scarce, f"waits for {', '.join(parts)}"


def holders(scarce: list[str], status: ClusterStatus, rivals: list[str]) -> str:
    """``: held by 2 tasks of f, A (pid 7, 1 CPU)``."""
    holding = [each for each in status.actors if each.state == "alive" and set(scarce) & set(each.resources)]
    who = [*rivals, *([named(holding)] if holding else [])]
    return f", held by {', '.join(who)}" if who else ", held by work of others or by what just begins"


def options(scarce: list[str]) -> str:
    """The options that ask for these resources."""
    return ", ".join(
        f"{INIT[name]}=..." if name in INIT else f"resources={{{name!r}: ...}}" for name in scarce
    )


def amount(units: int) -> str:
    """Units as people read them."""
    return f"{max(0, units) / UNITS:g}"
