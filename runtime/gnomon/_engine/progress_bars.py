"""Progress bars of tasks as lines of text: states come in, what to show comes out. No clock and no output here.

A state is one line of JSON that a ``tqdm`` sends from wherever it runs, at a bounded rate, with the fields of
:class:`BarState`. The one rule for a changer: a lost or late state may make a bar stale, never wrong at its
end, so the state that closes a bar holds all of it.
"""

from __future__ import annotations

import msgspec

STREAM = "progress"
"""The stream of output lines that are states of bars, beside ``stdout`` and ``stderr``."""

BARS_SHOWN_MAX = 20
"""More than these are told by their number."""

BAR_WIDTH = 20
"""Characters of a bar."""

_PARTS = " ▏▎▍▌▋▊▉█"


class BarState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A bar as it stands.

    Attributes:
        bar: identifies the bar.
        n: how much is done.
        total: of how much; None when that is not known.
        unit: what is counted.
        elapsed_s: seconds since it began.
        postfix: what the user wants to be told behind it.
        position: bars with a smaller one stand above.
        closed: this is its last state.
        leave: it stays after that.
    """

    bar: str
    n: float
    desc: str = ""
    total: float | None = None
    unit: str = "it"
    elapsed_s: float = 0.0
    postfix: str = ""
    position: int = 0
    closed: bool = False
    leave: bool = True


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(BarState).decode


def as_line(state: BarState) -> str:
    """A state as it travels."""
    return _encode(state).decode() + "\n"


class Bars:
    """The bars of one cell or terminal."""

    def __init__(self) -> None:
        self._bars: dict[str, BarState] = {}
        self._forgotten = 0

    @property
    def open(self) -> int:
        """How many bars have not been closed."""
        return sum(not bar.closed for bar in self._bars.values())

    def update(self, text: str) -> list[BarState]:
        """Take one or more states, a line each; returns those that close a bar."""
        closed = []
        for line in text.splitlines():
            state = _decode(line)
            known = self._bars.get(state.bar)
            if known is not None and known.closed:
                continue
            if state.closed and not state.leave:
                self._bars.pop(state.bar, None)
            else:
                self._bars[state.bar] = state
            if state.closed:
                closed.append(state)
        self._forget()
        return closed

    def _forget(self) -> None:
        """Of many bars, those that were closed first are no longer shown."""
        excess = len(self._bars) - BARS_SHOWN_MAX
        if excess > 0:
            for bar in [bar for bar, state in self._bars.items() if state.closed][:excess]:
                del self._bars[bar]
                self._forgotten += 1

    def lines(self) -> list[str]:
        """What to show: a line for each bar, and one for those that are not shown."""
        bars = sorted(self._bars.values(), key=lambda bar: bar.position)  # stable: then as they came
        lines = [line_of(bar) for bar in bars[:BARS_SHOWN_MAX]]
        more = [f"{len(bars) - BARS_SHOWN_MAX:,} more"] if len(bars) > BARS_SHOWN_MAX else []
        done = [f"{self._forgotten:,} done"] if self._forgotten else []
        if more or done:
            lines.append(f"... {', '.join(more + done)}")
        return lines


def line_of(bar: BarState) -> str:
    """A bar as a line: ``load:  50%|██████████          | 5/10 [0:02<0:02, 2.5it/s, loss=0.1]``."""
    head = f"{bar.desc}: " if bar.desc else ""
    rate = bar.n / bar.elapsed_s if bar.elapsed_s > 0 else 0.0
    pace = f", {_number(rate)}{bar.unit}/s" if rate else ""
    tail = f"{pace}, {bar.postfix}" if bar.postfix else pace
    if not bar.total:
        return f"{head}{_number(bar.n)}{bar.unit} [{_time(bar.elapsed_s)}{tail}]"
    share = min(max(bar.n / bar.total, 0.0), 1.0)
    left = f"<{_time((bar.total - bar.n) / rate)}" if rate and bar.n < bar.total and not bar.closed else ""
    return (
        f"{head}{share:4.0%}|{_drawn(share)}| {_number(bar.n)}/{_number(bar.total)} "
        f"[{_time(bar.elapsed_s)}{left}{tail}]"
    )


def _drawn(share: float) -> str:
    eighths = int(share * BAR_WIDTH * 8)
    whole, part = divmod(eighths, 8)
    return ("█" * whole + (_PARTS[part] if part else "")).ljust(BAR_WIDTH)


def _number(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.1f}" if value >= 10 else f"{value:.2f}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
