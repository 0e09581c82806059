"""Trace: everything that happened in a simulation, folded into one hash, with the last part of it as text.

Two runs of one seed must agree in every event and effect, in any process and with any PYTHONHASHSEED: the
hash is over a canonical encoding, never over ``repr`` or ``hash``; what has none is refused.
"""

from __future__ import annotations

import hashlib
import struct
from collections import deque
from typing import Any

import msgspec

from gnomon._core.events import PendingCalls

_head = struct.Struct("<dII")


def _refuse(thing: Any) -> Any:
    if type(thing) is PendingCalls:
        return [thing.submitted, thing.ended]
    raise TypeError(f"{type(thing).__name__} has no canonical form in a trace: {thing!r}")


class Trace:
    """The hash of a run and its last lines.

    Args:
        keep: how many of the last entries are kept as objects, to be shown when something fails.
    """

    def __init__(self, keep: int = 60) -> None:
        self._hash = hashlib.blake2b(digest_size=16)
        self._encode = msgspec.msgpack.Encoder(enc_hook=_refuse).encode
        self._last: deque[tuple[float, str, str, Any]] = deque(maxlen=keep)
        self.entries = 0

    def add(self, time: float, who: str, what: str, thing: Any) -> None:
        """One event or effect of process ``who`` at ``time`` (virtual seconds)."""
        self.entries += 1
        label = f"{who} {what} {type(thing).__name__} ".encode()
        body = self._encode(thing)
        self._hash.update(_head.pack(time, len(label), len(body)) + label + body)
        self._last.append((time, who, what, thing))

    def hexdigest(self) -> str:
        """The hash so far."""
        return self._hash.hexdigest()

    def story(self) -> str:
        """The last entries, one a line."""
        return "\n".join(f"{time:12.6f} {who:>6} {what} {thing}" for time, who, what, thing in self._last)


def place_of(error: BaseException) -> str:
    """File and line where an error came from."""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None:
        return ""
    code = last.tb_frame.f_code
    return f"in {code.co_name}, {code.co_filename.rsplit('/', 2)[-1]}:{last.tb_lineno}"
