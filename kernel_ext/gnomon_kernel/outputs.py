"""What IPython remembers of outputs, without keeping objects alive for it.

IPython keeps the value of every cell's last expression in ``Out``, ``_``, ``__``, ``___`` and ``_3``. For a
reference that would pin its object for as long as the kernel lives. So a reference, or a list or tuple of
references, is remembered weakly:

    shown --> weak proxy in Out ...        while somebody else holds the references, a cell that names Out[3], _3
                |                          or _ gets them: the proxy is replaced for the time of that cell
                +--> held by nobody else   the newest output keeps them in _ until the next output or ``unpin``;
                                           then the proxy says that they were let go

What else an output holds (a dict with references in it, an array that shows the store) stays as it is: it is
named as a holder, and ``%remote unpin`` lets it go. The rule for a changer: the display hook compares ``_`` with
what it has stored itself, so proxies are back in their places before it runs.
"""

from __future__ import annotations

import re
import sys
import weakref
from collections.abc import Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

import gnomon

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

_UNDERS = ("_", "__", "___")
_MENTIONED = re.compile(r"(?<![\w.])(?:_{1,3}\d*|_oh|Out)(?!\w)")
_OUTPUT_NAME = re.compile(r"_+\d*|_oh|Out")


class WeakOutput:
    """Stands in ``Out`` for a reference, or for a list or tuple of references."""

    __slots__ = ("__weakref__", "_kind", "_number", "_refs")

    def __init__(self, value: Any, number: int) -> None:
        refs = [value] if isinstance(value, gnomon.ObjectRef) else value
        self._kind = type(value)
        self._number = number
        self._refs = [weakref.ref(each) for each in refs]

    def value(self) -> Any | None:
        """What it stands for; None when some of it is gone."""
        refs = [each() for each in self._refs]
        if any(each is None for each in refs):
            return None
        return refs[0] if issubclass(self._kind, gnomon.ObjectRef) else self._kind(refs)

    def __repr__(self) -> str:
        if self.value() is not None:
            return f"<Out[{self._number}], remembered weakly: use it in a cell by that name>"
        what = "was" if len(self._refs) == 1 else "was in part"
        return (
            f"<Out[{self._number}] {what} let go: assign it to a name to keep it>"  # short: errors quote it
        )


def is_references(value: Any) -> bool:
    """Whether an output is a reference, or a list or tuple of nothing else."""
    if isinstance(value, gnomon.ObjectRef):
        return True
    return (
        type(value) in (list, tuple) and bool(value) and all(isinstance(x, gnomon.ObjectRef) for x in value)
    )


class WeakOutputs:
    """The remembered outputs of one shell. Its methods are called in the thread that runs cells."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._hook: Any = shell.displayhook
        self._original: Any = self._hook.update_user_ns
        self._standing_in: list[tuple[MutableMapping[Any, Any], Any, WeakOutput, Any]] = []
        self._newest: Any = None

    def load(self) -> None:
        """Remember weakly from now on."""
        self._hook.update_user_ns = self._update

    def unload(self) -> None:
        """Leave it to IPython again; what stands in Out stays."""
        self._put_back()
        self._newest = None
        self._hook.__dict__.pop("update_user_ns", None)

    # -- cells ----------------------------------------------------------------------------------------------------

    def on_cell_start(self, text: str) -> None:
        """A cell runs: what it calls Out[3] or _ is what that was, if it is still there."""
        if not _MENTIONED.search(text):
            return
        for space, key in self._places():
            proxy = space.get(key)
            if isinstance(proxy, WeakOutput):
                value = proxy.value()
                if value is not None:
                    space[key] = value
                    self._standing_in.append((space, key, proxy, value))

    def on_cell_end(self, result: Any) -> None:
        """The cell has ended, with an ``ExecutionResult`` that IPython keeps until the next one ends."""
        self._put_back()
        if is_references(getattr(result, "result", None)):
            result.result = WeakOutput(result.result, self._shell.execution_count)
        if self._newest is not None and self._is_held_elsewhere():
            self._newest = None

    def _update(self, result: Any) -> None:
        """In place of the display hook's ``update_user_ns``."""
        self._put_back()
        self._newest = None
        if is_references(result):
            self._newest = [result] if isinstance(result, gnomon.ObjectRef) else list(result)
            result = WeakOutput(result, self._hook.prompt_count)
        self._original(result)

    def _put_back(self) -> None:
        for space, key, proxy, value in self._standing_in:
            if space.get(key) is value:
                space[key] = proxy
        self._standing_in.clear()

    def _is_held_elsewhere(self) -> bool:
        """Whether anything but our own list holds all of the newest output."""
        # 3: the list, the loop variable, and the argument of getrefcount
        return all(sys.getrefcount(ref) > 3 for ref in self._newest)

    def _places(self) -> Iterator[tuple[MutableMapping[Any, Any], Any]]:
        space, outputs = self._shell.user_ns, self._shell.user_ns.get("_oh", {})
        for number in list(outputs):
            yield outputs, number
            yield space, f"_{number}"
        for name in _UNDERS:
            yield space, name

    # -- names ----------------------------------------------------------------------------------------------------

    def named(self) -> Iterator[tuple[str, str, Any]]:
        """What has a name in the notebook, for ``hooks.set_names``."""
        space = self._shell.user_ns
        hidden = self._shell.user_ns_hidden
        for name, value in list(space.items()):
            if _OUTPUT_NAME.fullmatch(name) or name.startswith("__") or hidden.get(name, self) is value:
                continue
            yield "variable", name, value
        outputs = space.get("_oh", {})
        for number, value in list(outputs.items()):
            yield "output", f"Out[{number}]", value
        told = {id(value) for value in outputs.values()}
        for name in _UNDERS:
            value = space.get(name)
            if id(value) not in told:
                yield "output", name, value
        for ref in self._newest or ():
            yield "output", "_", ref

    # -- letting go -----------------------------------------------------------------------------------------------

    def forget(self, number: int) -> bool:
        """Forget one output; False if there is none of that number."""
        outputs = self._shell.user_ns.get("_oh", {})
        if number not in outputs:
            return False
        self._put_back()
        value = outputs.pop(number)
        hidden = self._shell.user_ns_hidden
        for space in (self._shell.user_ns, hidden):
            space.pop(f"_{number}", None)
        for name in _UNDERS:
            for space in (self._shell.user_ns, hidden):
                if space.get(name) is value:
                    space[name] = ""
            if getattr(self._hook, name) is value:
                setattr(self._hook, name, "")
        self._newest = None
        return True

    def forget_unders(self) -> None:
        """Forget what only ``_``, ``__`` and ``___`` still have."""
        self._put_back()
        self._newest = None
        for name in _UNDERS:
            if self._shell.user_ns.get(name) is getattr(self._hook, name):
                self._shell.user_ns[name] = self._shell.user_ns_hidden[name] = ""
                setattr(self._hook, name, "")
