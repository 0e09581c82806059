"""``%remote fault``: kills a worker or a node, or loses a value, and says in one line what it hit."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

import gnomon
from gnomon import control, exceptions
from gnomon_kernel.controls import value_of
from gnomon_kernel.display import say
from gnomon_kernel.notebook_names import holds_references

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell


class Faults:
    """The fault lab of one notebook."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell

    def make(self, options: argparse.Namespace) -> None:
        """Make one fault.

        Raises:
            UsageError: there is no such thing to hit, or it can not be hit here.
        """
        if not gnomon.is_initialized():
            say("gnomon: nothing is running")
            return
        try:
            say(str(self._hit(options.kind, options.target)))
        except (exceptions.ControlUnavailableError, ValueError, TypeError) as error:
            raise UsageError(f"%remote fault {options.kind}: {error}") from None

    def _hit(self, kind: str, word: str | None) -> control.FaultReceipt:
        if kind == "node":
            return control.kill_node(word)
        command = f"%remote fault {kind}"
        target: Any = None if word is None else value_of(self._shell.user_ns, word, command)
        if kind == "worker":
            return control.kill_worker(target)
        if not holds_references(target) or isinstance(target, (list, tuple)):
            raise UsageError(
                f"{command}: name one reference to a large value that is ready, like {command} ref."
            )
        return control.drop_object(target)
