"""The fault lab: ``%remote fault`` and the same as buttons of the views.

Kills a worker or a node, makes a node late, or loses a value, and says in one line what it hit. A view may also ask for
one more node, where this process keeps the cluster.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

import gnomon
from gnomon import control, exceptions
from gnomon_kernel.controls import value_of
from gnomon_kernel.display import say
from gnomon_kernel.notebook_names import holds_references
from gnomon_kernel.sessions import sessions

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Faults:
    """The fault lab of one notebook."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def make(self, options: argparse.Namespace) -> None:
        """Make one fault.

        Raises:
            UsageError: there is no such thing to hit, it can not be hit here, or options that do not belong together.
        """
        if options.kind != "delay" and (options.seconds, options.by) != (None, None):
            raise UsageError(
                f"%remote fault {options.kind}: --for and --by belong to delay; this can not be undone."
            )
        if not gnomon.is_initialized():
            say("gnomon: nothing is running")
            return
        try:
            say(str(self._hit(options.kind, options.target, options)))
        except (exceptions.ControlUnavailableError, ValueError, TypeError) as error:
            raise UsageError(f"%remote fault {options.kind}: {error}") from None

    def _hit(self, kind: str, word: str | None, options: argparse.Namespace) -> control.FaultReceipt:
        if kind == "node":
            return control.kill_node(word)
        if kind == "delay":
            given = {} if options.seconds is None else {"seconds": options.seconds}
            return control.delay_node(word, by=options.by, **given)
        command = f"%remote fault {kind}"
        target: Any = None if word is None else value_of(self._shell.user_ns, word, command)
        if kind == "worker":
            return control.kill_worker(target)
        if not holds_references(target) or isinstance(target, (list, tuple)):
            raise UsageError(
                f"{command}: name one reference to a large value that is ready, like {command} ref."
            )
        return control.drop_object(target)


_FROM_VIEW: dict[str, tuple[type, Callable[[Any], object]]] = {
    "worker": (int, control.kill_worker),
    "node": (str, control.kill_node),
    "object": (str, control.drop_object),
}


def make_from_view(content: Mapping[str, Any]) -> dict[str, Any]:
    """Make the fault that a button of a view asks for; may wait for other processes, also while a cell runs.

    Args:
        content: ``what`` is "worker" (``target``: its pid), "node" (its id), "object" (its id), "delay" (a node's id,
            with ``seconds`` and perhaps ``by``) or "add", which wants one more node.

    Returns:
        A message of kind "note", which says what was hit, or why nothing was.
    """
    what, target = str(content.get("what")), content.get("target")
    try:
        text = _made(what, target, content)
    except (exceptions.GnomonError, ValueError, TypeError) as error:
        text = str(error)
    return {"kind": "note", "about": f"{what} {target}" if target is not None else what, "text": text}


def _made(what: str, target: Any, content: Mapping[str, Any]) -> str:
    if what == "add":
        return sessions.add_node()
    if what == "delay" and isinstance(target, str):
        return str(control.delay_node(target, content.get("seconds", 0), content.get("by")))
    kind, hit = _FROM_VIEW.get(what, (type(None), str))
    if not isinstance(target, kind) or what not in _FROM_VIEW:
        return f"There is no fault {what!r} for {target!r}; faults: {', '.join(_FROM_VIEW)}, delay."
    return str(hit(target))
