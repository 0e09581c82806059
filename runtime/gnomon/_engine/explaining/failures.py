"""What ``why`` says of an error: who failed because of whom."""

from __future__ import annotations

from gnomon._engine import explanation as ex
from gnomon._engine.explaining.words import capital, count, history, task
from gnomon._engine.explanation import Explanation
from gnomon._messages.situations import Situation
from gnomon.exceptions import (
    ObjectRefStreamEndOfStreamError,
    TaskCancelledError,
    TaskError,
    first_line,
    headline,
    text_of,
)
from gnomon.ids import task_of


def explain_failure(situation: Situation, error: BaseException) -> Explanation:
    """Why a value is an error."""
    if isinstance(error, TaskCancelledError):
        sentence = first_line(text_of(error))
        if situation.producer and error.task_id not in ("", task_of(situation.object).hex()):
            argument = error.function_name or "the task that makes it"
            sentence = f"{capital(task(situation))} was not run, since {argument}, whose value it takes, was cancelled."
        return Explanation(ex.CANCELLED, sentence)
    if isinstance(error, ObjectRefStreamEndOfStreamError):
        made = "" if situation.items < 0 else f" after {count(situation.items, 'item')}"
        return Explanation(ex.READY, f"the generator {task(situation)} has ended{made}: no other comes.")
    steps = chain_of(situation.producer, error)
    root = root_of(error)
    sentence = f"{capital(task(situation))} failed: {steps[0]}."
    details = list(steps[1:])
    if isinstance(root, TaskError) or not hasattr(root, "next_step"):
        step = "gnomon.get raises this error, with the whole traceback."
    else:
        step = str(getattr(root, "_step", lambda: root.next_step)())
    return Explanation(ex.FAILED, sentence, (*details, *history(situation)), step, type(root).__name__)


def chain_of(producer: str, error: BaseException) -> list[str]:
    """Who failed because of whom, in words, the nearest first; no line without something new."""
    links = []
    each: BaseException | None = error
    while isinstance(each, TaskError) and each.cause is not None and each.cause is not each:
        links.append(each)
        each = each.cause
    root = root_of(error)
    why = headline(root).rstrip(".")
    if not links:
        return [why]
    first = links[0].function_name
    names = [link.function_name for link in links]
    told_ = f"{names[-1]} raised {why}"
    steps = []
    if producer and first and first != producer:
        steps.append(
            f"its argument failed: {told_}"
            if len(names) == 1
            else f"its argument, the value of {first}, failed"
        )
    elif len(names) == 1:
        steps.append(f"it raised {why}")
    for outer, inner in zip(names, names[1:], strict=False):
        steps.append(f"{outer} called {inner}, which failed")
    if len(names) > 1:
        steps.append(told_)
    return steps


def root_of(error: BaseException) -> BaseException:
    """What was raised first, under all the errors of those that called."""
    seen: set[int] = set()
    while isinstance(error, TaskError) and error.cause is not None and id(error) not in seen:
        seen.add(id(error))
        error = error.cause
    return error
