"""Every error that gnomon raises: one tree, under Ray's names where Ray has one.

    GnomonError (RayError)
     +- TaskError (RayTaskError)                 the user's code raised; also an instance of what it raised
     |
     +- TaskCancelledError                       the cluster's: cancelled,
     +- GetTimeoutError (TimeoutError)             late,
     +- WorkerCrashedError, OutOfMemoryError       a process died,
     +- NodeDiedError                              a node died,
     +- ActorError (RayActorError)                 an actor can not answer
     |   +- ActorDiedError, ActorUnavailableError
     +- ObjectLostError                            a value is gone
     |   +- OwnerDiedError, ObjectFreedError, ObjectFetchTimedOutError,
     |      ObjectReconstructionFailedError, ReferenceCountingAssertionError
     +- ObjectStoreFullError, OutOfDiskError       no room
     +- PendingCallsLimitExceeded, RuntimeEnvSetupError, InfeasibleError, ...
     +- QueueEmpty (queue.Empty), QueueFull (queue.Full), DeadlockError (RuntimeError)
     |
     +- NotInitializedError, AlreadyInitializedError (RuntimeError), SessionMismatchError,
     |  ClusterNotFoundError (ConnectionError), SerializationError (TypeError),
     |  ResultsMismatchError (ValueError), ActorNameTakenError, ActorHandleNotFoundError (ValueError)
     +- InternalError (RaySystemError)           ours: please report

The rules for a changer: fields, not parsed strings; every constructor argument has a default, so that an
error travels by pickle (its class, its ``args``, its ``__dict__``); ``str()`` is a sentence that
ends with the next step.
"""

from __future__ import annotations

import queue
import re
import signal
import textwrap
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from gnomon.ids import node_name
from gnomon.resources import describe, size_words


class GnomonError(Exception):
    """Root of all errors of gnomon.

    Attributes:
        next_step: what to do about it; the end of ``str()``.
        notebook_step: the same where the magics of the notebook are loaded; "" where it is no different.
    """

    next_step: ClassVar[str] = ""
    notebook_step: ClassVar[str] = ""
    _asked_for: str = ""

    def __init__(self, message: str = "") -> None:
        Exception.__init__(
            self, message
        )  # not super(): in the class that _dual_class makes, the user's is next
        self._sentence = message or first_line(type(self).__doc__)

    def __str__(self) -> str:
        return f"{self._sentence} {self._step()}".rstrip()

    def _step(self) -> str:
        return (_in_notebook and self.notebook_step) or self.next_step


_in_notebook = False


def set_in_notebook(loaded: bool) -> None:
    """Whether people can be told to use the magics: set where those are loaded."""
    global _in_notebook
    _in_notebook = loaded


def first_line(text: str | None) -> str:
    """The first line of a docstring, or of any text."""
    return (text or "").strip().split("\n", 1)[0]


def text_of(error: BaseException) -> str:
    """``str(error)``, also of an exception whose text can not be had: the error must still be told."""
    try:
        return str(error)
    except BaseException as failure:  # a user's __str__ may raise anything
        return f"(its text can not be had: str() raised {type(failure).__name__})"


def headline(error: BaseException) -> str:
    """``ValueError: its first line``."""
    return f"{type(error).__name__}: {first_line(text_of(error))}".rstrip(": ")


def sentence_of(error: GnomonError) -> str:
    """What has happened, without what to do about it, and in one paragraph: no output, no traceback."""
    return error._sentence


def note_asked_for(error: object, identity: bytes) -> None:
    """Remember for the value of which object ``get`` raises an error: often that of another task has failed."""
    if isinstance(error, GnomonError):
        error.__dict__["_asked_for"] = identity.hex()


def asked_for(error: GnomonError) -> str:
    """The object, in hexadecimal, for whose value ``get`` has raised the error; "" if it was not raised by one."""
    return error._asked_for


def advice_of(error: GnomonError) -> str:
    """What to do about it."""
    return error._step()


# ------------------------------------------------------------------------------- the user's code raised


class TaskError(GnomonError):
    """A task or an actor method raised an exception.

    What ``get`` raises is at the same time an instance of the class that the user's code raised, so that
    ``except ZeroDivisionError`` works (see :meth:`as_instanceof_cause`).

    Attributes:
        function_name: the function or method that raised.
        traceback_str: the traceback there, without gnomon's own frames.
        cause: the user's exception; None when it could not be pickled.
        pid: the process that ran the task, or None.
        arguments: what it was called with, each in a few characters: ``x=1``, ``rows=list of 1,000``.
        attempt: which run of the task it was, from 0.
        site: where the task was submitted: ``In [3], line 4``; "" outside of notebooks. Of what a task has submitted, where
            the first of them was.
        called_at: the line that has submitted it, of another task's code, or of a function of another cell than ``site``:
            file, line and function; None if the line of ``site`` did.
        callers: the tasks from the one that the notebook submitted to that other one; of many, the first and the last.
        directory: in which the task looked for a file that is not there, if it named one without its directory; else "".
    """

    def __init__(
        self,
        function_name: str = "",
        traceback_str: str = "",
        cause: BaseException | None = None,
        pid: int | None = None,
        *,
        arguments: tuple[str, ...] = (),
        attempt: int = 0,
        site: str = "",
        directory: str = "",
        called_at: tuple[str, int, str] | None = None,
        callers: tuple[str, ...] = (),
    ) -> None:
        place = f" (in process {pid})" if pid is not None else ""
        looked = f"; it was looked for in {directory}" if directory else ""
        GnomonError.__init__(
            self, f"{function_name or 'a task'} raised {_headline(cause, traceback_str)}{place}{looked}"
        )
        self.args = (function_name, traceback_str, cause, pid)
        self.function_name = function_name
        self.traceback_str = traceback_str
        self.cause = cause
        self.pid = pid
        self.arguments = arguments
        self.attempt = attempt
        self.site = site
        self.directory = directory
        self.called_at = called_at
        self.callers = callers

    def __str__(self) -> str:
        return f"{self._sentence}\n\n{self.traceback_str}".rstrip()

    def __reduce__(self) -> tuple[Any, ...]:
        fields = (self.function_name, self.traceback_str, self.cause, self.pid)
        asked = (self._asked_for,) if self._asked_for else ()
        return _rebuild_task_error, (*fields, type(self) is not TaskError, self._facts(), *asked)

    def _facts(self) -> dict[str, Any]:
        facts = {"arguments": self.arguments, "attempt": self.attempt, "site": self.site}
        rare = {"directory": self.directory, "called_at": self.called_at, "callers": self.callers}
        return facts | {name: value for name, value in rare.items() if value}

    def __getattr__(self, name: str) -> Any:
        cause = self.__dict__.get("cause")
        if cause is None or name.startswith("__"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(cause, name)

    def show_sources(self, cell_name: Callable[[str], str | None] | None = None) -> None:
        """Add the lines of code that only this process has: those of a notebook's cells.

        Args:
            cell_name: what people call the cell that was compiled as this file name; None for other files.
        """
        import linecache  # only needed when something went wrong

        shown: list[str] = []
        lines = self.traceback_str.split("\n")
        for line, following in zip(lines, [*lines[1:], ""], strict=True):
            place = _PLACE.match(line)
            if place is None:
                shown.append(line)
                continue
            file, number, rest = place.groups()
            name = cell_name(file) if cell_name is not None else None
            shown.append(f"  {name}, line {number}{rest}" if name else line)
            if not following.startswith("    "):
                source = linecache.getline(file, int(number)).strip()
                if source:
                    shown.append(f"    {source}")
        self.traceback_str = "\n".join(shown)

    @classmethod
    def from_exception(
        cls, function_name: str, error: BaseException, pid: int | None = None, **facts: Any
    ) -> TaskError:
        """The error to hand to whoever waits for the task: call this where ``error`` was caught.

        ``facts`` are ``arguments``, ``attempt``, ``site``, ``called_at`` and ``callers``.
        """
        text = remote_traceback(error)
        if isinstance(error, GnomonError) and _PLACE_ANYWHERE not in text:
            text = ""  # the sentence alone, which is the headline already
        facts["directory"] = _searched(error)
        return cls(function_name, text, error, pid, **facts).as_instanceof_cause()

    @classmethod
    def from_text(cls, type_name: str, text: str) -> TaskError:
        """The error that stands for an exception which could not be brought here as an object.

        Args:
            type_name: the exception's class, as people read it.
            text: its traceback.
        """
        error = cls("", text)
        error._sentence = f"A task raised {type_name}, which can not be brought here as an object:"
        return error

    def as_instanceof_cause(self) -> TaskError:
        """This error as one that is also an instance of the cause's class.

        The error itself is returned where no such class can exist: without a cause, for what would steer the
        caller's own code (``StopIteration`` ends an innocent loop, ``SystemExit`` the program,
        ``CancelledError`` an asyncio task), and for classes that can not be inherited from.
        """
        cause = self.cause
        while isinstance(cause, TaskError):
            cause = cause.cause
        if cause is None or _steers(cause):
            return self
        try:
            return _dual(self, cause)
        except Exception:  # the user's metaclass, __new__ or a layout conflict: any of these may refuse
            return self


_STEERING = (StopIteration, StopAsyncIteration, GeneratorExit, KeyboardInterrupt, SystemExit)


def _steers(cause: BaseException) -> bool:
    """Whether Python itself acts on an exception where it passes."""
    if isinstance(cause, _STEERING):
        return True
    # by name, since importing asyncio is a third of the time that importing gnomon takes
    return any(
        each.__name__ == "CancelledError" and each.__module__ == "asyncio.exceptions"
        for each in type(cause).__mro__
    )


def _dual(error: TaskError, cause: BaseException) -> TaskError:
    cls: Any = _dual_class(type(cause))
    dual: TaskError
    if isinstance(cause, BaseExceptionGroup):
        dual = cls.__new__(cls, cause.message, cause.exceptions)
    else:
        dual = cls.__new__(cls)
    fields = error.function_name, error.traceback_str, error.cause, error.pid
    TaskError.__init__(dual, *fields, **error._facts())
    ours = set(dual.__dict__)
    dual.__dict__.update((name, value) for name, value in vars(cause).items() if name not in ours)
    _copy_slots(cause, dual)
    dual.args = cause.args
    return dual


def _copy_slots(source: BaseException, target: BaseException) -> None:
    """Copy what a class keeps outside ``__dict__``: ``OSError.errno``, ``UnicodeError.start``."""
    for cls in type(source).__mro__:
        if cls is Exception:
            return
        for name, member in vars(cls).items():
            if type(member).__name__ in {"member_descriptor", "getset_descriptor"} and not name.startswith(
                "__"
            ):
                try:
                    setattr(target, name, getattr(source, name))
                except (AttributeError, TypeError):
                    continue  # read-only or never set


_dual_classes: weakref.WeakKeyDictionary[type, weakref.ref[type]] = weakref.WeakKeyDictionary()


def _dual_class(cause_class: type[BaseException]) -> type[Any]:
    known = _dual_classes.get(cause_class)
    made = known() if known is not None else None
    if made is None:
        name = f"TaskError({cause_class.__name__})"
        made = type(name, (TaskError, cause_class), {"__module__": __name__, "__doc__": TaskError.__doc__})
        _dual_classes[cause_class] = weakref.ref(made)
    return made


def _rebuild_task_error(
    function_name: str,
    traceback_str: str,
    cause: BaseException | None,
    pid: int | None,
    dual: bool,
    facts: Mapping[str, Any],
    asked_for: str = "",
) -> TaskError:
    error = TaskError(function_name, traceback_str, cause, pid, **facts)
    error = error.as_instanceof_cause() if dual else error
    if asked_for:
        error.__dict__["_asked_for"] = asked_for
    return error


def _searched(error: BaseException) -> str:
    """The directory in which a file was looked for and not found, if only that of the process could be meant."""
    name = error.filename if isinstance(error, FileNotFoundError) else None
    if not isinstance(name, str) or not name or Path(name).is_absolute():
        return ""
    try:
        return str(Path.cwd())
    except OSError:  # it has been deleted: that is what was not found
        return ""


def _headline(cause: BaseException | None, traceback_str: str) -> str:
    if cause is not None:
        return headline(cause)
    starts = [line for line in traceback_str.splitlines() if line[:1].strip()]
    return starts[-1] if starts else "an exception"


_PLACE = re.compile(r'  File "(.+)", line (\d+)(.*)')
_PLACE_ANYWHERE = '  File "'
_PACKAGE = str(Path(__file__).resolve().parent)


def remote_traceback(error: BaseException) -> str:
    """The traceback of ``error`` and of its causes as text, without gnomon's own frames.

    An error that gnomon itself raises on purpose (a result that can not be pickled) is no more than its
    sentence, and the frames of what the user wrote.
    """
    import traceback  # only needed when something went wrong

    story = traceback.TracebackException.from_exception(error)
    on_purpose = isinstance(error, GnomonError) and not isinstance(error, InternalError)
    pending: list[traceback.TracebackException | None] = [story]
    while pending:
        part = pending.pop()
        if part is None:
            continue
        users = _users_frames(part)
        if users or not on_purpose:
            part.stack = traceback.StackSummary.from_list(users or list(part.stack))
        else:
            part.stack = None  # type: ignore[assignment]
        if on_purpose and part.__cause__ is not None and not _users_frames(part.__cause__):
            part.__cause__, part.__suppress_context__ = None, True
        pending += (part.__cause__, part.__context__)
    return "".join(story.format()).rstrip()


def _users_frames(part: Any) -> list[Any]:
    return [
        frame
        for frame in part.stack or ()
        if not frame.filename.startswith(_PACKAGE) and "/cloudpickle/" not in frame.filename
    ]


class ResultsMismatchError(GnomonError, ValueError):
    """A call returned another number of values than its ``num_returns`` says.

    Attributes:
        function_name: the function or method.
        num_returns: how many values it was to return.
        returned: how many it did; None for one that can not be split.
        kind: the class of what it returned.
        verb: "returned" or "yielded".
    """

    next_step = "Return a tuple of as many values, or yield as many, or give another num_returns."

    def __init__(
        self,
        function_name: str = "",
        num_returns: int = 0,
        returned: int | None = None,
        kind: str = "",
        verb: str = "returned",
    ) -> None:
        what = f"one {kind or 'value'}" if returned is None else f"{returned} values"
        name = function_name or "A call"
        super().__init__(f"{name} {verb} {what}, but its num_returns is {num_returns}.")
        self.args = (function_name, num_returns, returned, kind, verb)
        self.function_name = function_name
        self.num_returns = num_returns
        self.returned = returned
        self.kind = kind
        self.verb = verb


# ------------------------------------------------------------------------------- cancelled or late


class TaskCancelledError(GnomonError):
    """A task was cancelled before it had a result.

    Attributes:
        task_id: in hexadecimal.
        function_name: the task's function.
    """

    next_step = "Call it again if you still need its result."

    def __init__(self, task_id: str = "", function_name: str = "") -> None:
        super().__init__(f"{function_name or 'The task'}{_in_brackets(task_id)} was cancelled.")
        self.args = (task_id, function_name)
        self.task_id = task_id
        self.function_name = function_name


class GetTimeoutError(GnomonError, TimeoutError):
    """A ``get`` was not served in its time.

    Attributes:
        timeout_s: the time that was given, in seconds.
        ready: how many of the values were there.
        total: how many were asked for.
        waits_for: why it would wait for ever, and what to do about it; "" where that is not so.
    """

    next_step = "Wait longer (timeout=...), or take what is ready with wait()."
    waits_for: str = ""

    def __init__(
        self, message: str = "", timeout_s: float | None = None, ready: int = 0, total: int = 0
    ) -> None:
        if not message and timeout_s is not None:
            message = f"{ready} of {total} values were ready after {timeout_s:g} s."
        GnomonError.__init__(self, message)
        self.args = (message,)  # OSError's own arguments mean something else
        self.timeout_s = timeout_s
        self.ready = ready
        self.total = total

    def add_reason(self, reason: str) -> None:
        """Tell in the message what was waited for, too."""
        self._sentence = f"{self._sentence} {reason}"
        self.args = (self._sentence,)

    def __str__(self) -> str:
        return GnomonError.__str__(self)

    def _step(self) -> str:
        return self.waits_for or super()._step()


# ------------------------------------------------------------------------------- processes and nodes died


class WorkerCrashedError(GnomonError):
    """The process that ran a task died.

    Attributes:
        function_name: the task's function.
        reason: exit code or signal in words.
        attempts: how often the task was started.
        last_output: the last lines that the process printed.
        pid: of the process; 0 while unknown.
        node_id: where it ran, in hexadecimal.
        exit_code: of the process, or minus the signal's number; None while unknown.
    """

    next_step = "Look for a crash in native code or too little memory; max_retries=... allows more attempts."
    _step_after_exit: ClassVar[str] = (
        "Let the task return or raise instead, which leaves its process alive; max_retries=... allows more "
        "attempts."
    )
    _step_after_kill: ClassVar[str] = (
        "Find out who killed it (kill -9, a batch system, too little memory); max_retries=... allows more "
        "attempts."
    )

    def __init__(
        self,
        function_name: str = "",
        reason: str = "",
        attempts: int = 0,
        last_output: str = "",
        pid: int = 0,
        node_id: str = "",
        exit_code: int | None = None,
    ) -> None:
        tries = f" (attempt {attempts}, and no retry is left)" if attempts else ""
        why = _on_node(f"its process {reason}" if reason.startswith("(pid") else reason, node_id)
        super().__init__(f"The worker of {function_name or 'a task'} died{tries}{_because(why)}")
        self.args = (function_name, reason, attempts, last_output, pid, node_id, exit_code)
        self.function_name = function_name
        self.reason = reason
        self.attempts = attempts
        self.last_output = last_output
        self.pid = pid
        self.node_id = node_id
        self.exit_code = exit_code

    def __str__(self) -> str:
        return f"{super().__str__()}{_said(self.last_output)}"

    def _step(self) -> str:
        if self.exit_code is not None and self.exit_code >= 0:
            return self._step_after_exit
        return self._step_after_kill if self.exit_code == -signal.SIGKILL else self.next_step


class OutOfMemoryError(GnomonError):
    """A process was ended because its node ran out of memory.

    Attributes:
        what: the task or actor.
        attempts: how often it was begun; 0 where that is not known.
        deaths: how often it was ended for want of memory.
        alone: it was the only one of its caller there that had taken memory, which is why it was not tried again.
        used_bytes: of the node's memory.
        limit_bytes: what the node has.
        kind: of that limit, in words.
        threshold: share of the limit above which processes are ended.
        store_bytes: what values in the node's object store took of it.
        top: the workers that had most: (pid, bytes, what they ran).
        pid: of the process.
        node_id: where it ran, in hexadecimal.
        last_output: the last lines that the process printed.
    """

    next_step = (
        "Let fewer run at a time (num_cpus=2 or memory=4 * 2**30 in their options), give each less to do, or use a machine "
        "with more memory; _system_config={'memory_usage_threshold': 0.98} in init() ends them later."
    )

    def __init__(
        self,
        what: str = "",
        attempts: int = 0,
        deaths: int = 0,
        alone: bool = False,
        used_bytes: int = 0,
        limit_bytes: int = 0,
        kind: str = "",
        threshold: float = 0.0,
        store_bytes: int = 0,
        top: Sequence[Sequence[Any]] = (),
        pid: int = 0,
        node_id: str = "",
        last_output: str = "",
    ) -> None:
        message = first_line(type(self).__doc__)
        if limit_bytes:
            tries = f", attempt {attempts}" if attempts > 1 else ""
            where = node_name(node_id) if node_id else "its node"
            used = f"{size_words(used_bytes)} of {size_words(limit_bytes)}"
            message = (
                f"{what or 'A process'}{_in_brackets(f'pid {pid}{tries}')} was ended because {where} ran out of memory: "
                f"{used} {kind or 'there'} were used, and memory_usage_threshold is {threshold:g}."
            )
        if alone and attempts:
            message += " It was not tried again, since nothing else of its caller took memory there."
        GnomonError.__init__(self, message)
        self.args = (
            what, attempts, deaths, alone, used_bytes, limit_bytes, kind, threshold, store_bytes,
            [tuple(user) for user in top], pid, node_id, last_output,
        )  # fmt: skip
        self.what = what
        self.attempts = attempts
        self.deaths = deaths
        self.alone = alone
        self.used_bytes = used_bytes
        self.limit_bytes = limit_bytes
        self.kind = kind
        self.threshold = threshold
        self.store_bytes = store_bytes
        self.top = self.args[9]
        self.pid = pid
        self.node_id = node_id
        self.last_output = last_output

    def __str__(self) -> str:
        return f"{super().__str__()}{self._table()}{_said(self.last_output)}"

    def _table(self) -> str:
        if not self.top:
            return ""
        rows = [
            (str(pid), size_words(size), name or "a task of another process") for pid, size, name in self.top
        ]
        if self.store_bytes:
            rows.append(("", size_words(self.store_bytes), "values in the object store, shared by all"))
        width = max(len(row[0]) for row in rows)
        lines = [f"    {pid:>{max(3, width)}}  {size:>9}  {name}" for pid, size, name in rows]
        heading = f"    {'pid':>{max(3, width)}}  {'memory':>9}  of"
        return "\nWhat had most there:\n" + "\n".join([heading, *lines])


class NodeDiedError(GnomonError):
    """A node of the cluster died."""

    next_step = "What it ran is retried elsewhere if retries are left; see nodes() for what is alive."


class LocalNodeDiedError(GnomonError):
    """The node process of this session died, and the session with it."""

    next_step = "Call gnomon.shutdown() and gnomon.init() for a new session."
    notebook_step = "Run %remote stop and %remote start (or shutdown() and init()) for a new session."


# ------------------------------------------------------------------------------- actors


class ActorError(GnomonError):
    """An actor can not answer a call.

    Attributes:
        class_name: the actor's class.
        actor_id: in hexadecimal.
        reason: why, in words.
        last_output: the last lines that its process printed.
        traceback_str: where its constructor raised, if that is why.
        pid: of its process; 0 if it had none.
        node_id: where that ran, in hexadecimal.
        exit_code: of the process, or minus the signal's number; None if it has not ended by itself.
        started: True if the call may have run, False if it can not have; None if that was not asked.
    """

    _verb: ClassVar[str] = "can not answer"

    def __init__(
        self,
        class_name: str = "",
        actor_id: str = "",
        reason: str = "",
        last_output: str = "",
        traceback_str: str = "",
        pid: int = 0,
        node_id: str = "",
        exit_code: int | None = None,
        started: bool | None = None,
    ) -> None:
        super().__init__(
            f"Actor {class_name or 'of unknown class'}{_in_brackets(actor_id)} {self._verb}"
            f"{_because(_on_node(reason, node_id))}{_MAY_HAVE_RUN[started]}"
        )
        self.args = (
            class_name, actor_id, reason, last_output, traceback_str, pid, node_id, exit_code, started
        )  # fmt: skip
        self.class_name = class_name
        self.actor_id = actor_id
        self.reason = reason
        self.last_output = last_output
        self.traceback_str = traceback_str
        self.pid = pid
        self.node_id = node_id
        self.exit_code = exit_code
        self.started = started

    def __str__(self) -> str:
        return f"{super().__str__()}{_said(self.last_output)}\n\n{self.traceback_str}".rstrip()


_MAY_HAVE_RUN = {None: "", True: " This call may have run.", False: " This call had not started."}


HANDLES_GONE = ("all handles to it went out of scope", "nobody held a handle on it any more")
"""How engines say that an actor has ended because nobody could use it any more."""


class ActorDiedError(ActorError):
    """An actor is dead and will not come back."""

    next_step = "Create a new one."
    _step_after_crash: ClassVar[str] = (
        "Create a new one; max_restarts=... lets an actor come back on its own."
    )
    _step_without_handles: ClassVar[str] = (
        "Keep the handle that has created it for as long as it is used: those of get_actor() and get_if_exists do not "
        "keep it alive, but lifetime='detached' does."
    )
    _verb = "is dead"

    def _step(self) -> str:
        """One that was told to end, or never lived, would not have been restarted."""
        if self.reason.startswith(HANDLES_GONE):
            return self._step_without_handles
        return super()._step() if self.exit_code is None else self._step_after_crash


class ActorUnavailableError(ActorError):
    """An actor can not be reached for now: the call may or may not have run."""

    next_step = "It is being restarted: call again, or set max_task_retries=... so that calls are repeated."
    _verb = "is unavailable"


class PendingCallsLimitExceeded(GnomonError):
    """An actor has as many pending calls as its max_pending_calls allows.

    Attributes:
        method: what was called.
        limit: unfinished calls that this process may have there.
    """

    next_step = (
        "Get the results of some of them before you submit more, or give it a larger max_pending_calls."
    )

    def __init__(self, method: str = "", limit: int = 0) -> None:
        reached = f": {limit} calls of this process to that actor have not ended (max_pending_calls={limit})"
        super().__init__(f"{method or 'A call'} was not submitted{reached if limit else ''}.")
        self.args = (method, limit)
        self.method = method
        self.limit = limit


class AsyncioActorExit(GnomonError):
    """An async actor is leaving through exit_actor()."""


# ------------------------------------------------------------------------------- objects


class ObjectLostError(GnomonError):
    """A value is gone: every copy of it was lost.

    Attributes:
        object_ref_hex: the reference, in hexadecimal.
        reason: why, in words.
        producer: what made it: the name of a task or call, or "put"; "" where that is not known.
        attempts: how often that has run; 0 where that is not known.
    """

    next_step = "Run what made it again; results of tasks come back on their own while max_retries allows."
    _verb: ClassVar[str] = "is lost"

    def __init__(
        self, object_ref_hex: str = "", reason: str = "", producer: str = "", attempts: int = 0
    ) -> None:
        super().__init__(f"The value of ObjectRef({object_ref_hex}) {self._verb}{_because(reason)}")
        self.args = (object_ref_hex, reason, producer, attempts)
        self.object_ref_hex = object_ref_hex
        self.reason = reason
        self.producer = producer
        self.attempts = attempts


class OwnerDiedError(ObjectLostError):
    """A value is gone with the process that owned it."""

    next_step = "Let a process that lives longer create the value (the driver, or a detached actor)."
    _verb = "is gone: the process that owned it died"


class ObjectFreedError(ObjectLostError):
    """A value was freed while a reference to it was still used."""

    next_step = "Keep a reference in the process that made the value until all are done with it."
    _verb = "was freed"


class ObjectFetchTimedOutError(ObjectLostError):
    """A value could not be brought here in time."""

    next_step = "See nodes() whether the node that holds it is alive and reachable."
    _verb = "could not be fetched in time"


class ObjectReconstructionFailedError(ObjectLostError):
    """A lost value could not be computed again."""

    next_step = "Give the tasks that make it a larger max_retries, or keep the value with put()."
    _verb = "was lost and could not be computed again"


class ReferenceCountingAssertionError(ObjectLostError, AssertionError):
    """A reference was used after its value was deleted: an error of gnomon's own counting."""

    next_step = "Please report it, with the code that led to it."
    _verb = "was deleted while a reference to it existed"


class ObjectStoreFullError(GnomonError):
    """There is no room in the object store.

    Attributes:
        asked_bytes: size of the value to store.
        capacity_bytes: size of the store.
        holders: text table of what holds the space.
    """

    next_step = (
        "Delete references that you no longer need, or start with a larger object_store_memory=... (bytes)."
    )
    notebook_step = (
        "Delete references that you no longer need, or start a new session with a larger store: "
        "%remote stop, then %remote start --memory 2GB (or shutdown(), then init(object_store_memory=...))."
    )
    _larger_step: ClassVar[str] = (
        "Freeing room does not help: store it in parts, or start with a larger object_store_memory=... (bytes)."
    )
    _larger_notebook_step: ClassVar[str] = (
        "Freeing room does not help: store it in parts, or start a new session with a larger store: "
        "%remote stop, then %remote start --memory 2GB (or shutdown(), then init(object_store_memory=...))."
    )

    def __init__(self, asked_bytes: int = 0, capacity_bytes: int = 0, holders: str = "") -> None:
        used = f" In it:\n{holders}\n" if holders else ""
        super().__init__(
            f"A value of {asked_bytes:,} bytes does not fit into the store of {capacity_bytes:,} bytes.{used}"
        )
        if asked_bytes > capacity_bytes > 0:  # whatever is freed
            self.next_step, self.notebook_step = self._larger_step, self._larger_notebook_step  # type: ignore[misc]
        self.args = (asked_bytes, capacity_bytes, holders)
        self.asked_bytes = asked_bytes
        self.capacity_bytes = capacity_bytes
        self.holders = holders


class OutOfDiskError(GnomonError):
    """There is no room on the disk to spill values to."""

    next_step = "Free some disk space, or name another directory in object_spilling_config."


class SerializationError(GnomonError, TypeError):
    """A value can not be pickled, so that it can not travel to another process.

    Attributes:
        path: where in the value the culprit is, e.g. ``argument 1 of f -> ['model'] -> .lock``.
    """

    def __init__(self, message: str = "", path: str = "") -> None:
        super().__init__(message)
        self.args = (message, path)
        self.path = path


class OutOfBandObjectRefSerializationError(GnomonError):
    """A reference was pickled outside of gnomon where the settings forbid it."""

    next_step = "Pass the reference as an argument, or inside a value, of a remote call."


class UnserializableError(GnomonError):
    """An exception could not be brought here as an object: its text is all there is."""


# ------------------------------------------------------------------------------- what was asked can not be


class InfeasibleError(GnomonError):
    """More resources were asked for than any node has.

    Attributes:
        what: the task or actor.
        asked: in units of ``gnomon.resources.UNITS``.
        has: what the largest node (or the only one) has, in units.
    """

    next_step = (
        "Ask for less, or start the session with more: init(num_cpus=..., num_gpus=..., resources={...}), or for a cluster "
        "`gnomon start --head --num-cpus N --num-gpus N --resources JSON`."
    )
    notebook_step = (
        "Ask for less, or start a new session with more: %remote stop, then %remote start --cpus N --gpus N "
        "--resources JSON (or shutdown(), then init(num_cpus=..., num_gpus=..., resources={...}))."
    )

    def __init__(
        self, what: str = "", asked: Mapping[str, int] | None = None, has: Mapping[str, int] | None = None
    ) -> None:
        asked, has = dict(asked or {}), dict(has or {})
        there = {name: has.get(name, 0) for name in asked}
        super().__init__(
            f"{what or 'A task'} asks for {describe(asked)}, but there is {describe(there)} at most."
        )
        self.args = (what, asked, has)
        self.what = what
        self.asked = asked
        self.has = has


class TaskUnschedulableError(GnomonError):
    """A task can not be placed on any node."""

    next_step = "Loosen its scheduling strategy, or add a node that satisfies it."


class ActorUnschedulableError(GnomonError):
    """An actor can not be placed on any node."""

    next_step = "Loosen its scheduling strategy, or add a node that satisfies it."


class TaskPlacementGroupRemoved(GnomonError):
    """The placement group that a task was to run in was removed."""

    next_step = "Remove a placement group only after its tasks have ended."


class ActorPlacementGroupRemoved(GnomonError):
    """The placement group that an actor was to run in was removed."""

    next_step = "Remove a placement group only after its actors have ended."


class RuntimeEnvSetupError(GnomonError):
    """A runtime environment could not be set up."""

    next_step = "Check the packages, files and variables that runtime_env names."


class UnsupportedOptionError(GnomonError, ValueError):
    """An option that gnomon knows but can not honour here.

    Attributes:
        option: its name.
        reason: what can not be honoured.
        instead: what to do; by default ``next_step``.
    """

    next_step = "Leave it out, or give it its default."

    def __init__(self, option: str = "", reason: str = "", instead: str = "") -> None:
        super().__init__(f"The option {option} can not be honoured here{_because(reason)}")
        self.args = (option, reason, instead)
        self.option = option
        self.reason = reason
        self.instead = instead

    def _step(self) -> str:
        return self.instead or super()._step()


class ControlUnavailableError(GnomonError, RuntimeError):
    """A control that can not work here.

    Attributes:
        control: what was asked for.
        reason: why it can not be.
        instead: what to do; by default ``next_step``.
    """

    next_step = "Use it in the driver, on the local engine."

    def __init__(self, control: str = "", reason: str = "", instead: str = "") -> None:
        super().__init__(f"{control} is not possible here{_because(reason)}")
        self.args = (control, reason, instead)
        self.control = control
        self.reason = reason
        self.instead = instead

    def _step(self) -> str:
        return self.instead or super()._step()


# ------------------------------------------------------------------------------- sessions and names


class NotInitializedError(GnomonError):
    """There is no running session."""

    next_step = "Call gnomon.init() first, and make references and actors anew."
    notebook_step = "Run %remote start or gnomon.init() first, and make references and actors anew."


class AlreadyInitializedError(GnomonError, RuntimeError):
    """A session runs already, with other settings than asked for.

    Attributes:
        differences: per argument, what the session was started with and what was asked for now.
    """

    next_step = "Call gnomon.shutdown() first, or init(ignore_reinit_error=True) to keep the running session."
    notebook_step = (
        "Run %remote stop or gnomon.shutdown() first, or init(ignore_reinit_error=True) to keep the running "
        "session."
    )

    def __init__(self, differences: Mapping[str, tuple[Any, Any]] | None = None) -> None:
        self.differences = dict(differences or {})
        told = ", ".join(f"{name} is {now!r}, asked {new!r}" for name, (now, new) in self.differences.items())
        super().__init__(f"A session is running with other settings: {told or 'unknown'}.")
        self.args = (self.differences,)


class ClusterNotFoundError(GnomonError, ConnectionError):
    """There is no living cluster at this address.

    Attributes:
        address: as it was given: "auto", or a session directory.
        reason: what is there instead.
    """

    next_step = (
        "Start one with `gnomon start --head`, and join it with init(address='auto') or with the session "
        "directory that the command prints; init() without an address starts a session of its own."
    )

    def __init__(self, address: str = "", reason: str = "") -> None:
        super().__init__(
            f"There is no cluster to join at address={address!r}{f': {reason}' if reason else ''}."
        )
        self.args = (address, reason)
        self.address = address
        self.reason = reason


class SessionMismatchError(GnomonError):
    """A reference or a handle belongs to another session.

    Attributes:
        what: the reference or handle.
    """

    next_step = "Values and actors do not outlive their session: make them again."

    def __init__(self, what: str = "") -> None:
        super().__init__(f"{what or 'The reference'} belongs to another session, which has ended.")
        self.args = (what,)
        self.what = what


class ActorNameTakenError(GnomonError, ValueError):
    """A living actor has this name already.

    Attributes:
        name: the name.
        namespace: where it is taken.
    """

    next_step = "Use get_actor(name), options(get_if_exists=True), or another name."

    def __init__(self, name: str = "", namespace: str = "") -> None:
        super().__init__(f"The actor name {name!r} is taken in the namespace {namespace!r}.")
        self.args = (name, namespace)
        self.name = name
        self.namespace = namespace


class ActorHandleNotFoundError(GnomonError, ValueError):
    """There is no living actor of this name.

    Attributes:
        name: the name.
        namespace: where it was looked for.
    """

    next_step = "list_named_actors() of gnomon.util shows the names there are; check the namespace too."

    def __init__(self, name: str = "", namespace: str = "") -> None:
        super().__init__(f"There is no living actor named {name!r} in the namespace {namespace!r}.")
        self.args = (name, namespace)
        self.name = name
        self.namespace = namespace


class QueueEmpty(GnomonError, queue.Empty):
    """There is no item in the queue."""

    next_step = "Put something first, or wait longer: get(timeout=...)."


class QueueFull(GnomonError, queue.Full):
    """There is no room in the queue."""

    next_step = "Get something first, or wait longer: put(item, timeout=...)."


class DeadlockError(GnomonError, RuntimeError):
    """The call would wait for ever: on the inline engine nothing else runs that could end the wait."""

    next_step = (
        'Submit first what it waits for (put before get), give a timeout, or use init(engine="local"), where '
        "tasks run at the same time."
    )


class ObjectRefStreamEndOfStreamError(GnomonError):
    """A stream of results has no more items."""


class AuthenticationError(GnomonError):
    """A peer is not allowed to take part in this cluster."""

    next_step = "Use the key file of the cluster that you want to join."


class RpcError(GnomonError):
    """A process of the cluster could not be reached."""

    next_step = "See nodes() for what is alive."


# ------------------------------------------------------------------------------- ours


class InternalError(GnomonError):
    """An error of gnomon itself."""

    next_step = "Please report it, with the code that led to it and the session's logs."


class StreamingGeneratorReplayInconsistentError(InternalError):
    """A generator yielded other items when it was run again."""

    next_step = (
        "A generator that is retried must yield the same items: take random numbers from a fixed seed."
    )


def _in_brackets(identity: str) -> str:
    return f" ({identity})" if identity else ""


def _because(reason: str) -> str:
    if not reason:
        return "."
    return f": {reason}" if reason.endswith("...") else f": {reason.rstrip('.')}."


def _on_node(reason: str, node_id: str) -> str:
    return f"{reason} on {node_name(node_id)}" if reason and node_id else reason


def _said(last_output: str) -> str:
    """At the end, since it has lines of its own."""
    return f" It printed last:\n{textwrap.indent(last_output, '    ')}" if last_output else ""


# Ray's names of the same things.
RayError = GnomonError
RayTaskError = TaskError
RayActorError = ActorError
RaySystemError = InternalError
UserCodeException = TaskError
UnserializableException = UnserializableError
LocalRayletDiedError = LocalNodeDiedError
ActorAlreadyExistsError = ActorNameTakenError
PlasmaObjectNotAvailable = ObjectFetchTimedOutError
OufOfBandObjectRefSerializationException = OutOfBandObjectRefSerializationError

__all__ = [
    name
    for name, value in list(globals().items())
    if isinstance(value, type) and issubclass(value, GnomonError)
]


# ------------------------------------------------------------------- raised inside tasks, not errors


class TaskInterrupted(KeyboardInterrupt):
    """Raised inside a running task whose owner has cancelled it; never seen by the owner."""


class ActorExit(SystemExit):
    """Raised inside an actor's method to end the actor after the present call, on purpose."""
