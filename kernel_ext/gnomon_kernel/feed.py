"""Sends the feed to the views of this kernel: one thread for all of them, which sleeps while none is visible.

    view --(subscribe, resync, hidden, visible, seen)-> FeedLink --> FeedSender --(header, buffer)--> view
           (detail, object, cancel, kill, tempo, fault) -->              --(answers)--------------------> view
     status bar --(summarise, hidden)                -->              --(summary)--------------------> status bar

Requests arrive on ipykernel's control thread, where interrupts wait behind us, or on a shell thread: they are
only queued there. Everything else happens in the sender's own thread.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from gnomon import observe
from gnomon_kernel.faults import make_from_view
from gnomon_kernel.feed_pace import PERIOD_S, FeedPace
from gnomon_kernel.sessions import sessions
from gnomon_kernel.silence import Silence
from gnomon_kernel.summaries import SUMMARY_PERIOD_S, Summaries
from gnomon_kernel.tempo import set_from_view

Send = Callable[[dict[str, Any], list[bytes]], object]
"""Publishes one message to one view; may be called from any thread."""

_KEYFRAME_FIRST_S = 2.0
_KEYFRAME_LAST_S = 30.0
"""A view that has not said anything may still be loading: repeat the snapshot, ever more rarely."""

_PROBE_AFTER_S = 5.0
"""After so long a rest a view is sent the number of the last message: more than the window of 3 s in which a Jupyter
server counts messages, and drops what is too much."""

_log = logging.getLogger("gnomon.feed")


def unpin(comm: Any) -> None:
    """Let messages to ``comm`` be served while a cell runs.

    ipykernel 7.4 sends them to the shell that last used the comm, which is the blocked one when that was a
    cell or a thread. The name is private there, so it is only replaced where it exists.
    """
    if hasattr(type(comm), "_reply_subshell_for"):
        comm._reply_subshell_for = lambda _data, default: default


class FeedLink:
    """One view's line to the feed. Made by :meth:`FeedSender.connect`."""

    def __init__(
        self, sender: FeedSender, send: Send, announced: bool, parts: frozenset[str], answers: bool
    ) -> None:
        self._sender = sender
        self._send = send
        self._parts = parts
        self._silence = Silence() if answers else None
        self._given_up = False
        self._subscription: observe.Subscription | None = None
        self._summaries: Summaries | None = None
        self._keyframe_s = _KEYFRAME_FIRST_S
        self._keyframe_due = time.monotonic() + _KEYFRAME_FIRST_S if announced else None
        self._told_at = -math.inf
        self._probe_due = math.inf
        self.visible = announced
        self.closed = False

    def due(self, period_s: float) -> float:
        """When it is to be told again, on the monotonic clock; the numbers of a status bar change at leisure."""
        return self._told_at + (period_s if self._summaries is None else max(period_s, SUMMARY_PERIOD_S))

    def receive(self, content: Mapping[str, Any]) -> None:
        """Take a message of the view; called in any thread, returns at once."""
        self._sender._request(self, dict(content))

    def close(self) -> None:
        """End the line; idempotent, any thread.

        A closed widget is closed once more when the collector drops it, which may happen in the sender's own
        thread in the middle of a poll: then nothing may be waited for.
        """
        if not self.closed:
            self._sender._disconnect(self)

    def _answer(self, content: Mapping[str, Any]) -> None:
        """Carry out one message of the view, in the sender's thread."""
        self._keyframe_due = None
        if self._silence is not None:
            self._silence.heard()
        kind = content.get("kind")
        if self._given_up:
            self._given_up = False
            kind = "visible" if kind == "seen" else kind
        if kind in ("subscribe", "resync", "visible"):
            self.visible = True
            if self._subscription is not None:
                self._subscription.resync()
        elif kind == "summarise":
            self.visible = True
            self._summaries = Summaries()
        elif kind == "hidden":
            self._hide()
            # a message that a blocked cell held up may be older than a "visible" that came over a subshell, and another
            # page may show the same widget: who is seen all the same says so
            self._send({"kind": "hidden"}, [])
        elif kind == "detail" and isinstance(content.get("id"), int):
            self._send(observe.feed().detail(content["id"]), [])
        elif kind == "tempo":
            refused = set_from_view(content)
            if refused is not None:
                self._send(refused, [])
            self._told_at = -math.inf  # what has come of it is shown at once
        elif kind == "cancel" and isinstance(content.get("id"), int):
            self._send(observe.feed().cancel(content["id"]), [])
        elif kind == "kill" and isinstance(content.get("id"), str):
            self._send(observe.feed().kill(content["id"], restart=content.get("restart") is True), [])
        elif kind == "object" and isinstance(content.get("id"), str):
            self._tell_later(lambda: observe.feed().object_detail(content["id"]))
        elif kind == "fault":
            self._tell_later(lambda: make_from_view(content))

    def _hide(self) -> None:
        self.visible = False
        if self._subscription is not None:
            self._subscription.hide()

    def _publish(self, header: dict[str, Any], buffers: list[bytes], now: float) -> None:
        if self._silence is not None:
            self._silence.sent(now)
        self._send(header, buffers)

    def _tell_later(self, answer: Callable[[], dict[str, Any]]) -> None:
        """Other processes are asked: meanwhile the sender serves all views."""

        def tell() -> None:
            try:
                self._send(answer(), [])
            except Exception:
                _log.exception("A live view could not be told what it had asked for.")

        threading.Thread(target=tell, daemon=True).start()

    def _pump(self, now: float) -> None:
        """Send what the view lacks; at most one message."""
        if self._silence is not None and self._silence.is_gone:
            self._given_up = True
            self._hide()
            return
        if self._summaries is not None:
            self._told_at = now
            summary = self._summaries.next()
            if summary is not None:
                self._publish(summary, [], now)
            return
        if self._subscription is None:
            self._sender._adopt(self, observe.feed().subscribe(self._parts))
        elif self._keyframe_due is not None and now >= self._keyframe_due:
            self._keyframe_s = min(2 * self._keyframe_s, _KEYFRAME_LAST_S)
            self._keyframe_due = now + self._keyframe_s
            self._subscription.resync()
        message = None if self._subscription is None else self._next(self._subscription, now)
        if message is not None:
            header, buffer = message
            if header["kind"] == "snapshot":
                header["no_node"] = sessions.why_no_node()
            self._publish(header, [buffer] if buffer else [], now)
        # counted from here: what takes long to write and send must not bring the next message closer
        self._told_at = time.monotonic()

    def _next(self, subscription: observe.Subscription, now: float) -> tuple[dict[str, Any], bytes] | None:
        """What the view lacks; when nothing more has come, once whether it has missed the last of it."""
        message = subscription.poll(self._sender._brief)
        if message is not None:
            self._probe_due = now + _PROBE_AFTER_S
        elif now >= self._probe_due:
            self._probe_due = math.inf
            message = subscription.poll(probe=True)
        return message

    def _end(self) -> None:
        self.closed = True
        if self._subscription is not None:
            self._subscription.close()


class FeedSender:
    """The thread that sends. It runs while there are links, and waits while none of them is visible."""

    def __init__(self) -> None:
        self._wake = threading.Condition()
        self._pace = FeedPace()
        self._brief = False
        self._links: list[FeedLink] = []
        self._requests: list[tuple[FeedLink, dict[str, Any]]] = []
        self._thread: threading.Thread | None = None

    def connect(
        self,
        send: Send,
        *,
        announced: bool = False,
        parts: frozenset[str] = observe.PARTS,
        answers: bool = False,
    ) -> FeedLink:
        """Open a line to a view.

        Args:
            send: publishes to the view. When it raises, the line is closed.
            announced: start sending at once and repeat the snapshot until the view has said something, for
                hosts in which a view can not reach a busy kernel. Else the view must subscribe.
            parts: which rows the view shows.
            answers: it says "seen" now and then while it is sent something; one that falls silent is sent nothing
                until it says something again.
        """
        link = FeedLink(self, send, announced, parts, answers)
        with self._wake:
            self._links.append(link)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="gnomon-feed", daemon=True)
                self._thread.start()
            self._wake.notify()
        return link

    def close(self) -> None:
        """Close all lines and wait until the thread has ended."""
        with self._wake:
            thread = self._thread
            links = list(self._links)
        for link in links:
            link.close()
        if thread is not None and thread is not threading.current_thread():
            thread.join()

    def _request(self, link: FeedLink, content: dict[str, Any]) -> None:
        with self._wake:
            if not link.closed:
                self._requests.append((link, content))
                self._wake.notify()

    def _disconnect(self, link: FeedLink) -> None:
        with self._wake:
            if link in self._links:
                self._links.remove(link)
            link._end()
            self._wake.notify()

    def _adopt(self, link: FeedLink, subscription: observe.Subscription) -> None:
        """Give a link its subscription. When it was closed meanwhile nobody else would end that."""
        with self._wake:
            if link.closed:
                subscription.close()
            else:
                link._subscription = subscription

    def _run(self) -> None:
        while True:
            with self._wake:
                if not self._requests and self._links:
                    self._wake.wait(self._pause_s())
                if not self._links:
                    self._requests.clear()
                    self._thread = None
                    return
                requests, self._requests = self._requests, []
                links = list(self._links)
            for link, content in requests:
                self._guarded(link, link._answer, content)
            now = time.monotonic()
            period_s = self._pace.period_s()
            shown = [link for link in links if link.visible]
            if any(now >= link.due(period_s) for link in shown):
                # together: the page then draws all of them in one frame
                self._brief = self._pace.is_brief()
                for link in shown:
                    if now >= link.due(PERIOD_S):
                        self._guarded(link, link._pump, now)

    def _pause_s(self) -> float | None:
        """Until the next message may be sent, or the pace is looked at again; None while nobody looks."""
        shown = [link for link in self._links if link.visible]
        if not shown:
            return None
        pace_s = self._pace.period_s()
        pause_s = min(link.due(pace_s) for link in shown) - time.monotonic()
        if pace_s > PERIOD_S:
            pause_s = min(pause_s, PERIOD_S)  # when the work ends, how it ended is told at once
        return max(0.0, pause_s)

    def _guarded(self, link: FeedLink, action: Callable[[Any], None], argument: Any) -> None:
        """One view that fails ends alone: the others go on."""
        if link.closed:
            return
        try:
            action(argument)
        except Exception:
            _log.exception("A live view was closed because its feed failed; show it again to reconnect.")
            self._disconnect(link)


@cache
def sender() -> FeedSender:
    """The sender of this kernel."""
    return FeedSender()
