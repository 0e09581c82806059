"""Views in a cell's output: a live one, and a static twin that a saved notebook keeps.

``show`` publishes two outputs. The first is the live view. The second is the twin: hidden by its own style
while the live view runs, there when it can not (a saved notebook, a page on the web, a printout), and brought
up to date at the start and the end of every cell.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from IPython import get_ipython
from IPython.display import display as _ipython_display

from gnomon import observe
from gnomon_kernel.widgets import actors, dashboard, graph, nodes, objects, timeline
from gnomon_kernel.widgets.static import Picture, Twin, read_picture

if TYPE_CHECKING:
    from gnomon_kernel.widgets.live import LiveView

VIEWS: dict[str, Callable[[Picture], Twin]] = {
    "dashboard": dashboard.twin,
    "graph": graph.twin,
    "objects": objects.twin,
    "actors": actors.twin,
    "timeline": timeline.twin,
    "nodes": nodes.twin,
}

display: Callable[..., Any] = _ipython_display

_SHOWN_MAX = 16
"""Live views at a time; the oldest is closed when another one is shown."""

_ASIDE = (
    "<style>.jp-OutputArea:has(.jp-gnomon-live) .jp-OutputArea-child:has(.jp-gnomon-static),"
    # the live view's place in a page without its kernel: a line that says that it was not found
    ".jp-OutputArea-child:has(+.jp-OutputArea-child .jp-gnomon-static)>.jupyter-widgets:not(:has(*))"
    "{display:none}</style>"
)


@dataclass(slots=True)
class _Shown:
    """One view on the page: its widget, and its static twin's place."""

    view: str
    widget: LiveView | None
    run: int
    cell: str
    place: str = field(default_factory=lambda: f"gnomon-{uuid.uuid4().hex}")
    twin: Twin | None = None

    def publish(self, picture: Picture) -> None:
        """Publish the twin, or bring it up to date if it is another one now."""
        twin = VIEWS[self.view](picture)
        if twin != self.twin:
            again = self.twin is not None
            self.twin = twin
            display(_twin_data(twin), raw=True, display_id=self.place, update=again)


_shown: deque[_Shown] = deque()

_last: Any = None
"""What the session had noted that ran when the twins were last brought up to date."""


def show(view_name: str) -> None:
    """Show a live view in the output of the running cell.

    Args:
        view_name: "dashboard", "graph", "objects", "actors", "timeline" or "nodes".

    Raises:
        ValueError: there is no such view.
    """
    if view_name not in VIEWS:
        raise ValueError(f"There is no view {view_name!r}. Use one of: {', '.join(VIEWS)}.")
    shell = get_ipython()
    run, cell = _running_cell(shell)
    _close_stale(run, cell)
    shown = _Shown(view_name, _live_view(shell, view_name), run, cell)
    if shown.widget is not None:
        data = {"text/plain": f"gnomon: live {view_name}", **shown.widget.view_data()}
        display(data, raw=True)
    if not _shown and shell is not None:
        shell.events.register("pre_run_cell", _refresh)
        shell.events.register("post_run_cell", _refresh)
    _shown.append(shown)
    shown.publish(_read_picture())


def close_all() -> None:
    """Close all views and leave their twins as they are; the counterpart of loading the extension."""
    shell = get_ipython()
    if _shown and shell is not None:
        shell.events.unregister("pre_run_cell", _refresh)
        shell.events.unregister("post_run_cell", _refresh)
    while _shown:
        _close(_shown.popleft())


def _refresh(*_: Any) -> None:
    """Bring the twins up to date; called by IPython before and after each cell. When a session has ended they show, once
    more, how it ended; without one they stay as they are.
    """
    picture = _read_picture()
    if not picture.is_empty:
        for shown in _shown:
            shown.publish(picture)


def _read_picture() -> Picture:
    """What the views that are on the page need: of the session, or of the one that has ended since the last time."""
    global _last
    now = observe.ledger()
    ended, _last = (_last if now is None else None), now
    shown = {shown.view for shown in _shown}
    return read_picture(
        bool(shown & {"objects", "dashboard"}), bool(shown & {"timeline", "dashboard"}), ended
    )


def _live_view(shell: Any, view_name: str) -> LiveView | None:
    """A live view where one can run: in a kernel, with the script that every wheel carries."""
    if getattr(shell, "kernel", None) is None:
        return None
    try:
        from gnomon_kernel.widgets.live import LiveView
    except FileNotFoundError:
        note = "This installation lacks the live views' script; run `npm run build:prod` for more than this:"
        display({"text/plain": note}, raw=True)
        return None
    return LiveView(view_name)


def _running_cell(shell: Any) -> tuple[int, str]:
    """Number of the run and the cell's id; the id is "" outside cells."""
    origin = observe.hooks.current_origin()
    return getattr(shell, "execution_count", 0), "" if origin is None else origin.cell


def _close_stale(run: int, cell: str) -> None:
    """Close the views of this cell's earlier runs, whose output is gone, and the oldest beyond the limit."""
    for shown in [known for known in _shown if cell and known.cell == cell and known.run != run]:
        _shown.remove(shown)
        _close(shown)
    while len(_shown) >= _SHOWN_MAX:
        _close(_shown.popleft())


def _close(shown: _Shown) -> None:
    if shown.widget is not None:
        shown.widget.close()


def _twin_data(twin: Twin) -> dict[str, str]:
    html = f'<div class="jp-gnomon-static">{_ASIDE}{twin.html}</div>'
    return {"text/plain": twin.text, "text/html": html}
