"""Too many tiny tasks: handing them out costs more than what they do."""

from __future__ import annotations

from gnomon.observe.coach.hints import TINY, Hint, count, seconds
from gnomon.observe.coach.sites import Site

TASKS_MIN = 500
SPENT_MIN_S = 0.3
"""Around tasks, in all: less is not worth anybody's attention."""

_TINY_S = 1e-3
_AROUND_TIMES = 4
"""How many times longer than the work what is around it takes."""

_AROUND_MAX_S = 5e-3
"""Handing out a task costs a fraction of a millisecond. What takes longer is the notebook's own work between two
submissions, unless many tasks wait."""

_BATCH_S = 0.05
"""What a task should do at least."""


def tiny_tasks(site: Site) -> Hint | None:
    """The hint for a site whose tasks are too small. Calls of actors are left alone: what they do is to an actor's state,
    and it can not be cut into other pieces.
    """
    ran = site.ran
    if len(ran) < TASKS_MIN or site.is_method or not site.is_timed:
        return None
    every = len(ran) + site.more
    mean_s = sum(each.took_s for each in ran) / len(ran)
    work_s, span_s = mean_s * every, site.finished - site.began
    around_s = (span_s - work_s / _workers(site)) / every
    if mean_s > _TINY_S or around_s < _AROUND_TIMES * mean_s or around_s * every < SPENT_MIN_S:
        return None
    in_flight = sum(each.finished - each.created for each in ran) / len(ran) * every / span_s
    if around_s > _AROUND_MAX_S and in_flight < 2:
        return None
    batch = max(10, _rounded(min(every // 10, _BATCH_S / max(mean_s, 1e-6))))
    return Hint(
        TINY,
        site.cell,
        site.label,
        site.line,
        f"{count(every, 'task')} of {site.name} ran {seconds(mean_s)} each, and handing them out took "
        f"{seconds(around_s)} each: {seconds(span_s)} for {seconds(work_s)} of work.",
        f"Give each task more to do, say a list of {batch:,} items.",
    )


def _workers(site: Site) -> int:
    return max(1, len({each.worker for each in site.ran}))


def _rounded(number: float) -> int:
    """The greatest of 1, 2, 5, 10, 20, 50, 100... that is no more than a number of at least 1."""
    power = 1
    while power * 10 <= number:
        power *= 10
    return next(times * power for times in (5, 2, 1) if times * power <= number)
