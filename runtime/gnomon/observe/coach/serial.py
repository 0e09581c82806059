"""``get`` in a loop: each call is submitted when the one before has ended, and nothing runs at the same time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gnomon.observe.coach.hints import LOOP, Hint, count, seconds
from gnomon.observe.coach.sites import Site

CALLS_MIN = 4
SAVING_MIN_S = 0.5
"""Less is not worth anybody's attention."""

_ALONE_SHARE = 0.9
"""Of the calls, those that were submitted when the one before had ended."""

Needless = Callable[[Site], bool]
"""Whether the text of the loop shows that it need not wait."""


def get_in_a_loop(site: Site, cpus: float, needless: Needless) -> Hint | None:
    """The hint for a site, if its calls ran one after the other and could have run at the same time."""
    ran = sorted(site.ran, key=lambda each: each.created)
    if len(ran) < CALLS_MIN or any(each.parent >= 0 for each in ran):
        return None
    alone = sum(later.created >= earlier.finished for earlier, later in zip(ran, ran[1:], strict=False))
    if alone < _ALONE_SHARE * (len(ran) - 1):
        return None
    took_s = sum(each.took_s for each in ran)
    if site.is_method:  # the calls of one actor run one after the other in any case
        by_actor: Counter[int] = Counter()
        for each in ran:
            by_actor[each.worker] += each.took_s  # type: ignore[assignment]
        at_once_s = float(max(by_actor.values()))
        where = f"in {count(len(by_actor), 'actor')} at once"
    else:
        places = max(1, min(len(ran), int(cpus)))
        at_once_s = max(took_s / places, max(each.took_s for each in ran))
        where = f"on {count(int(cpus), 'CPU')} at once"
    if took_s - at_once_s < SAVING_MIN_S or not needless(site):
        return None
    return Hint(
        LOOP,
        site.cell,
        site.label,
        site.line,
        f"get waits for each {site.name} before the next one is submitted: {count(len(ran), 'call')} took "
        f"{seconds(took_s)} one after the other; {where} about {seconds(at_once_s)}.",
        "Submit all of them first and get the list of references once, after the loop.",
    )
