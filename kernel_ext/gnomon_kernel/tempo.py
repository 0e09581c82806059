"""Pause, step, slow motion and seeded order: the commands of ``%remote``, and those of the views' buttons."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any

from IPython.core.error import UsageError

import gnomon
from gnomon import control, exceptions
from gnomon_kernel.display import say

_NUMBERS: dict[str, tuple[str, type | tuple[type, ...], Callable[[Any], control.Tempo]]] = {
    "step": ("n", int, control.step),
    "slow": ("seconds", (int, float), control.slow),
    "order": ("seed", int, control.order),
}


class Tempos:
    """The commands; each says in one line how work begins from now on."""

    def pause(self) -> None:
        """Let nothing begin."""
        self._set("pause", control.pause)

    def resume(self) -> None:
        """Let everything begin."""
        self._set("resume", control.resume)

    def step(self, options: argparse.Namespace) -> None:
        """Let some begin, and pause."""
        self._set("step", lambda: control.step(options.n))

    def slow(self, options: argparse.Namespace) -> None:
        """Let one begin every so many seconds."""
        self._set("slow", lambda: control.slow(options.seconds))

    def order(self, options: argparse.Namespace) -> None:
        """Let one begin at a time, in an order drawn from a seed."""
        self._set("order", lambda: control.order(options.seed))

    def _set(self, command: str, ask: Callable[[], control.Tempo]) -> None:
        if not gnomon.is_initialized():
            say("gnomon: nothing is running")
            return
        try:
            say(f"gnomon: {told(ask())}")
        except (exceptions.ControlUnavailableError, ValueError) as error:
            raise UsageError(f"%remote {command}: {error}") from None


def told(tempo: control.Tempo) -> str:
    """One line on what happens from now on, and how to go on."""
    if tempo.mode == "paused":
        waiting = f"; {tempo.backlog()}" if tempo.ready or tempo.pending else ""
        more = f"; the next {tempo.steps} will begin as they come" if tempo.steps else ""
        return f"paused, nothing begins{waiting}{more}. Go on: %remote step, %remote resume"
    if tempo.mode == "slow":
        return f"slow motion, one begins every {tempo.interval_s:g} s. Full speed: %remote resume"
    if tempo.mode == "seeded":
        return f"one at a time, in the order of seed {tempo.seed}. Full speed: %remote resume"
    return "work begins freely"


def set_from_view(content: Mapping[str, Any]) -> dict[str, Any] | None:
    """Do what a button of a view asks for; called in the sender's thread, also while a cell runs.

    Args:
        content: ``set`` is "pause", "resume", "step" with ``n``, "slow" with ``seconds``, or "order" with ``seed``.

    Returns:
        What the view is to show if that is not possible: a message of kind "refused". None when it is done: the feed
        tells of it.
    """
    wanted = content.get("set")
    try:
        if wanted in ("pause", "resume"):
            (control.pause if wanted == "pause" else control.resume)()
        elif wanted in _NUMBERS:
            key, kind, ask = _NUMBERS[wanted]
            value = content.get(key)
            if not isinstance(value, kind):
                return {"kind": "refused", "what": wanted, "text": f"{wanted} needs a number, not {value!r}."}
            ask(value)
    except (exceptions.GnomonError, TypeError, ValueError) as error:
        return {"kind": "refused", "what": wanted, "text": str(error)}
    return None
