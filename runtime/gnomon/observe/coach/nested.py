"""Nested ``get``: many tasks that wait, inside, for tasks which they have submitted.

A task that waits gives its CPU back, but stays a process, and everything that it has read stays with it. What a task does
while it waits can not be seen from outside; that it ends with its last child, and that its children fill its time, can.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from gnomon.observe.coach.hints import NESTED, Hint, count, seconds
from gnomon.observe.coach.sites import Ran, Site

WAITED_MIN_S = 2.0
"""By all tasks of a function together."""

AT_ONCE_MIN = 6
_AT_ONCE_SHARE = 2
"""So many times as many as there are CPUs: fewer processes that only wait do no harm."""

_WAITING_SHARE = 0.7
"""Of a task's time, that in which tasks of its own had not ended."""


def nested_gets(sites: Iterable[Site], children: dict[int, list[Ran]], cpus: float) -> list[Hint]:
    """The hints for sites whose tasks wait inside.

    Args:
        sites: all of whose tasks have ended.
        children: by the index of a task's row, the tasks that it has submitted, as far as they have ended; calls of actors
            are not among them: who asks an actor has to wait.
        cpus: of all nodes; 0 if that is not known.
    """
    found = []
    for group in _by_function(sites):
        waits = [
            waited
            for site in group
            for each in site.ran
            if (waited := _waited(each, children.get(each.index, ()))) is not None
        ]
        waited_s = sum(until - since for since, until in waits)
        at_once = _at_once(waits)
        if waited_s < WAITED_MIN_S or at_once < max(AT_ONCE_MIN, _AT_ONCE_SHARE * cpus):
            continue
        first = group[0]
        on = f", on {count(int(cpus), 'CPU')}" if cpus else ""
        found.append(
            Hint(
                NESTED,
                first.cell,
                first.label,
                first.line,
                f"{count(len(waits), 'task')} of {first.name} waited inside for tasks of their own, {seconds(waited_s)} "
                f"together; up to {at_once} at a time, each in a process of its own{on}.",
                "Return the references and get them in the notebook, or hand them to a last task as arguments.",
            )
        )
    return found


def _by_function(sites: Iterable[Site]) -> list[list[Site]]:
    """Sites of one function in one cell: a recursive one is submitted at two lines or more."""
    groups: defaultdict[tuple[str, str], list[Site]] = defaultdict(list)
    for site in sites:
        if not site.is_method:
            groups[site.cell, site.name].append(site)
    return [sorted(group, key=lambda site: site.line) for group in groups.values()]


def _waited(task: Ran, children: Iterable[Ran]) -> tuple[float, float] | None:
    """From when to when a task had nothing to do but to wait; None if it had."""
    spans = sorted((each.created, each.finished) for each in children)
    if not spans or not task.took_s:
        return None
    last = max(until for _, until in spans)
    if last > task.finished:
        return None  # it has not waited for that one
    covered, reached = 0.0, task.started
    for since, until in spans:
        covered += max(0.0, until - max(since, reached))
        reached = max(reached, until)
    if covered < _WAITING_SHARE * task.took_s:
        return None
    return spans[0][0], last


def _at_once(spans: Iterable[tuple[float, float]]) -> int:
    """The largest number of spans that overlap."""
    edges = sorted(edge for since, until in spans for edge in ((since, 1), (until, -1)))
    most = now = 0
    for _, change in edges:
        now += change
        most = max(most, now)
    return most
