"""The kernel's side of the JupyterLab panel: a comm target that is served on the control channel too.

The panel sends its comm messages on the control channel, which ipykernel serves in a thread of its own, so
that it works while a cell runs. A comm that only the kernel knows (the hub) tells panels that the extension
is loaded: they look for it with ``comm_info_request``, or hear its hello.
"""

from __future__ import annotations

import sys
from typing import Any

import comm

from gnomon_kernel.feed import sender, unpin
from gnomon_kernel.kernel_status import busy_cell

PANEL_TARGET = "gnomon.panel"
HUB_TARGET = "gnomon.hub"
PROTOCOL_VERSION = 1

_COMM_MESSAGES = ("comm_open", "comm_msg", "comm_close")
_ASKED_MEANWHILE = ("comm_info_request", "create_subshell_request", "delete_subshell_request")
"""What front ends ask on the control channel when a view appears."""


class _Registration:
    """What :func:`register` has changed in a kernel, and how to undo it."""

    def __init__(self, kernel: Any) -> None:
        self._kernel = kernel
        handlers = kernel.control_handlers
        self._handled = [name for name in _COMM_MESSAGES if name not in handlers]
        for name in self._handled:
            handlers[name] = busy_cell.after_served(kernel.shell_handlers[name])
        self._asked = {name: handlers[name] for name in _ASKED_MEANWHILE if name in handlers}
        for name, handler in self._asked.items():
            handlers[name] = busy_cell.after_served(handler)
        manager = comm.get_comm_manager()
        manager.register_target(PANEL_TARGET, _on_open)
        self._hub = comm.create_comm(target_name=HUB_TARGET, primary=False)
        manager.register_comm(self._hub)
        self._hub.send({"kind": "hello", "version": PROTOCOL_VERSION})

    def undo(self) -> None:
        for name in self._handled:
            self._kernel.control_handlers.pop(name, None)
        self._kernel.control_handlers.update(self._asked)
        comm.get_comm_manager().unregister_target(PANEL_TARGET, _on_open)
        self._hub.close()


_registration: _Registration | None = None


def register(ip: Any) -> None:
    """Make this kernel ready for panels; idempotent.

    Args:
        ip: the InteractiveShell. Outside a kernel (IPython in a terminal) nothing happens.
    """
    global _registration
    kernel = getattr(ip, "kernel", None)
    if kernel is not None and _registration is None:
        _registration = _Registration(kernel)


def unregister(ip: Any) -> None:
    """Undo :func:`register` and close all views; idempotent."""
    global _registration
    if _registration is not None:
        _registration.undo()
        _registration = None
    if "gnomon_kernel.widgets" in sys.modules:  # else nothing was shown; importing it would take long
        from gnomon_kernel import widgets

        widgets.close_all()
    sender().close()


def _on_open(channel: Any, _message: dict[str, Any]) -> None:
    """A panel has opened its comm; called in ipykernel's control thread."""
    unpin(channel)
    link = sender().connect(lambda header, buffers: channel.send(header, buffers=buffers), answers=True)
    channel.on_msg(lambda message: link.receive(message["content"]["data"]))
    channel.on_close(lambda _message: link.close())
