"""``%remote cancel`` and ``kill``: ends work, and says in one line what it met."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

import gnomon
from gnomon.observe import hooks
from gnomon_kernel.arguments import ACTORS, REFS, did_you_mean
from gnomon_kernel.display import count, say
from gnomon_kernel.interrupts import receipt_line
from gnomon_kernel.notebook_names import NotebookNames, holds_references, is_handle
from gnomon_kernel.object_names import is_id
from gnomon_kernel.origins import Origins

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_SHOWN_MAX = 8
"""Names listed in an error."""


class Controls:
    """Commands of one notebook that end work."""

    def __init__(self, shell: InteractiveShell, origins: Origins) -> None:
        self._shell = shell
        self._origins = origins
        self._names = NotebookNames(shell.user_ns)

    def cancel(self, options: argparse.Namespace) -> None:
        """Cancel references, a cell's tasks, or with neither all tasks of this notebook.

        Raises:
            UsageError: no such cell, not a reference, or options that exclude each other.
        """
        if options.ref and options.cell is not None:
            raise UsageError("%remote cancel: give references or --cell, not both.")
        if options.force and not options.ref:
            raise UsageError("%remote cancel --force ends workers: name the references that it is meant for.")
        if not gnomon.is_initialized():
            say("gnomon: nothing is running")
        elif options.ref:
            self._cancel_references([self._references(word) for word in options.ref], options.force)
        else:
            self._cancel_cells(options.cell)

    def kill(self, options: argparse.Namespace) -> None:
        """End an actor: by a variable that holds its handle, else by its name.

        Raises:
            UsageError: there is neither.
        """
        handle: Any = self._shell.user_ns.get(options.name) if options.namespace is None else None
        if not is_handle(handle):
            handle = self._named_actor(options.name, options.namespace)
        gnomon.kill(handle, no_restart=not options.restart)
        say(f"killed {handle!r}{', which may be restarted' if options.restart else ''}")

    def _cancel_references(self, found: list[list[Any]], force: bool) -> None:
        every = [ref for refs in found for ref in refs]
        pending = [ref for ref in every if not gnomon.wait([ref], timeout=0)[0]]
        for ref in pending:
            gnomon.cancel(ref, force=force)
        done = len(every) - len(pending)
        ended = f"; {count(done, 'task')} had ended already" if done else ""
        say(f"cancelled {count(len(pending), 'task')}{ended}")

    def _cancel_cells(self, number: str | None) -> None:
        cells = self._origins.cells(None if number is None else f"In [{number}]")
        if number is not None and not cells:
            raise UsageError(
                f"%remote cancel: In [{number}] has not run, or its cell has run again since. "
                "%remote tasks tells the cell of each task."
            )
        receipts = [hooks.cancel_cell(cell) for cell in cells]
        cancelled = sum(receipt.cancelled for receipt in receipts)
        running = sum(receipt.running for receipt in receipts)
        say(receipt_line(hooks.CancelReceipt(cancelled, running)))

    def _references(self, word: str) -> list[Any]:
        value = value_of(self._shell.user_ns, word, "%remote cancel")
        if not holds_references(value):
            kind = " Use %remote kill for actors." if is_handle(value) else ""
            known = listed(self._names.names(REFS))
            raise UsageError(
                f"%remote cancel: {word} is a {type(value).__name__}, not a reference.{kind} References: {known}."
            )
        return list(_flat(value))

    def _named_actor(self, name: str, namespace: str | None) -> Any:
        try:
            return gnomon.get_actor(name, namespace)
        except ValueError:
            known = self._names.names(ACTORS)
            hint = did_you_mean(name, known)
            raise UsageError(
                f"%remote kill: no variable {name!r} holds a handle, and no living actor has that name.{hint} "
                f"Actors: {listed(known)}."
            ) from None


def value_of(space: dict[str, Any], word: str, command: str) -> Any:
    """What an expression on a line means in the notebook.

    Raises:
        UsageError: it raises.
    """
    try:
        return eval(word, dict(space))
    except Exception as error:
        raise UsageError(f"{command}: {word!r} raised {type(error).__name__}: {error}") from None


def target_of(space: dict[str, Any], word: str, command: str) -> Any:
    """What a word names: an id in hexadecimal is that id, all else an expression of the notebook's."""
    return word if is_id(word) and word not in space else value_of(space, word, command)


def listed(names: list[str]) -> str:
    """Names for an error, the first few of many."""
    more = f", and {len(names) - _SHOWN_MAX} more" if len(names) > _SHOWN_MAX else ""
    return f"{', '.join(names[:_SHOWN_MAX])}{more}" if names else "none"


def _flat(value: Any) -> Any:
    if type(value) in (list, tuple):
        for item in value:
            yield from _flat(item)
    else:
        yield value
