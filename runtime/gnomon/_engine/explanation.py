"""Explanation: what ``why`` answers, for people: a sentence, what else is known, what to do."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from html import escape

PENDING, RUNNING, READY, FAILED, CANCELLED = "pending", "running", "ready", "failed", "cancelled"
LOST, REBUILDING, UNKNOWN = "lost", "rebuilding", "unknown"
ALIVE, RESTARTING, DEAD = "alive", "restarting", "dead"

_GOOD, _BAD = (READY, ALIVE, RUNNING), (FAILED, LOST, DEAD, CANCELLED)
_WIDTH = 110


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """Why a value or an actor is as it is. Its ``repr`` is plain text, in a notebook it is a card.

    Attributes:
        state: of a value "pending", "running", "ready", "failed", "cancelled", "lost", "rebuilding" or "unknown"; of
            an actor "pending", "alive", "restarting", "dead" or "unknown".
        sentence: the answer.
        details: what else is known, a line each.
        next_step: what to do about it; "" if nothing needs to be done.
        error: the class of what was raised first, for a value that failed.
    """

    state: str
    sentence: str
    details: tuple[str, ...] = ()
    next_step: str = ""
    error: str = ""

    def __str__(self) -> str:
        wrap = textwrap.TextWrapper(
            _WIDTH, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
        )
        lines = wrap.wrap(f"{self.state}: {self.sentence}")
        for detail in self.details:
            lines += wrap.wrap(f"  - {detail}")
        if self.next_step:
            lines += wrap.wrap(f"  What to do: {self.next_step}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        tone = "good" if self.state in _GOOD else "bad" if self.state in _BAD else "wait"
        listed = "".join(f"<li>{escape(detail)}</li>" for detail in self.details)
        details = f'<ul style="margin:4px 0 0;padding-left:20px">{listed}</ul>' if listed else ""
        step = f'<div style="margin-top:4px"><b>What to do:</b> {escape(self.next_step)}</div>'
        return (
            f'<div class="jp-gnomon-why" data-state="{escape(self.state)}" style="border-left:4px solid '
            f'{_COLORS[tone]};padding:4px 10px;line-height:1.45">'
            f"<b>{escape(self.state)}</b>: {escape(self.sentence)}{details}{step if self.next_step else ''}</div>"
        )


_COLORS = {
    "good": "var(--jp-success-color1, #388e3c)",
    "bad": "var(--jp-error-color1, #d32f2f)",
    "wait": "var(--jp-warn-color1, #f57c00)",
}
