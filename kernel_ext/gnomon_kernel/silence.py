"""Silence: whether somebody is still there to whom a view is sent.

A view that answers says "seen" at once when something comes after a pause, and every ``PAUSE_S`` while things come. So
only sending tells: who is sent nothing has nothing to say. A page that has crashed, or sleeps, is found out after
``SILENT_S`` of sending without such a pause.
"""

from __future__ import annotations

PAUSE_S = 10.0
"""As long as the page waits before it says "seen" again (``SEEN_EVERY_MS`` in ``control.ts``)."""

SILENT_S = 60.0
"""So long a view may be sent things without a word from it."""


class Silence:
    """Of one view; times in seconds by any clock that never goes back."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._sent = 0.0

    def sent(self, now: float) -> None:
        """Something goes to the view."""
        if self._since is None or now - self._sent > PAUSE_S:
            self._since = now
        self._sent = now

    def heard(self) -> None:
        """The view has said something."""
        self._since = None

    @property
    def is_gone(self) -> bool:
        """Whether nobody seems to be there any more."""
        return self._since is not None and self._sent - self._since > SILENT_S
