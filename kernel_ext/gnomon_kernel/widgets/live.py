"""The live view in a cell's output: one anywidget, whose JavaScript draws what the feed tells it."""

from __future__ import annotations

from typing import Any

import anywidget
import traitlets

from gnomon import observe
from gnomon_kernel.feed import sender, unpin
from gnomon_kernel.kernel_status import busy_cell
from gnomon_kernel.widgets import script

_PARTS = {
    "graph": frozenset({"tasks"}),
    "timeline": frozenset({"tasks"}),
    "objects": frozenset({"objects"}),
    "actors": frozenset({"actors"}),
    "nodes": frozenset({"tasks", "actors"}),
}
"""What the views show that do not show everything."""

LIVE_CLASS = "jp-gnomon-live"
"""Marks the output of a view that runs, so that its static twin can step aside."""


class LiveView(anywidget.AnyWidget):
    """One live view. It reads the feed from its creation until :meth:`close`.

    Args:
        view: one of ``widgets.VIEWS``.
    """

    _esm = script.PATH.read_text(encoding="utf-8")
    _script = traitlets.Unicode(script.PATH.with_suffix(".txt").read_text(encoding="utf-8")).tag(sync=True)
    _view = traitlets.Unicode("dashboard").tag(sync=True)

    def __init__(self, view: str) -> None:
        super().__init__(_view=view)
        self.add_class(LIVE_CLASS)
        unpin(self.comm)
        self._feed_link = sender().connect(
            self._publish, announced=True, parts=_PARTS.get(view, observe.PARTS)
        )
        self.on_msg(self._receive)

    def close(self) -> None:
        """Remove the view from its cell and stop its feed; idempotent."""
        self._feed_link.close()
        layout = self.layout
        super().close()
        if (
            layout is not None
        ):  # a widget of its own, which nobody else closes: the page would keep the view for it
            layout.close()

    def view_data(self) -> dict[str, Any]:
        """The part of a MIME bundle that makes a front end draw this view."""
        return {
            "application/vnd.jupyter.widget-view+json": {
                "version_major": 2,
                "version_minor": 0,
                "model_id": self.model_id,
            }
        }

    def _publish(self, header: dict[str, Any], buffers: list[bytes]) -> None:
        self.send(header, buffers)

    def _receive(self, _widget: Any, content: dict[str, Any], _buffers: list[Any]) -> None:
        self._feed_link.receive(content)
        busy_cell.say_soon()
