"""Executor: runs what is pushed to this worker, in its main thread, and becomes an actor when told to.

    plain worker    take, run, take, run ... ; answers are handed over in batches
    sync actor      the same, in order
    threaded actor  max_concurrency threads, each the same; and so for each concurrency group
    async actor     an event loop in the main thread (``async_executor``)

Answers are applied to the role in the executing thread (``Loop.apply``), when nothing is left to take, or
``BATCH_S`` after the first one waits; when the next task takes longer than that, the loop's thread fetches
them. An interrupt (cancellation) strikes only while the user's code runs (``user_code``).
"""

from __future__ import annotations

import inspect
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import GeneratorType
from typing import Any

from gnomon._core import effects as fx
from gnomon._core.effects import Command
from gnomon._core.events import (
    ActorConstructed,
    ActorEnding,
    ChildrenCancelAsked,
    FieldsSampled,
    TaskEnded,
)
from gnomon._messages.actors import ASYNC_CALLS, ActorAssigned, ActorSpec
from gnomon._messages.failures import failure
from gnomon._messages.tasks import CallPushed, TaskPushed
from gnomon._shell import output, task_context
from gnomon._shell.core_worker import CoreWorker
from gnomon._shell.devices import VisibleDevices
from gnomon._shell.functions import FunctionTable
from gnomon._shell.generating import Generating
from gnomon._shell.holder_answers import main_module
from gnomon._shell.holder_names import Root
from gnomon._shell.last_words import say_all
from gnomon._shell.loop import release
from gnomon._shell.methods import method_of
from gnomon._shell.previews import origin_facts, previews
from gnomon._shell.progress import ProgressNote
from gnomon._shell.results import Call, load_arguments
from gnomon._shell.user_code import UserCode
from gnomon._shell.watching import sample, watched_fields
from gnomon._wire import pickling
from gnomon.exceptions import ActorExit, TaskError, TaskInterrupted, headline
from gnomon.ids import FunctionID, TaskID, attempt_id

BATCH_S = 0.001
BATCH_MAX = 100


class Executor:
    """The executing side of a worker process."""

    def __init__(self, core: CoreWorker, note: ProgressNote) -> None:
        self.core = core
        self.note = note
        self.execution = core.role.execution
        self.functions = FunctionTable(core.role.functions.payloads, core.handles_arrived)
        self.devices = VisibleDevices()
        self.actor: Any = None
        self.ending = ""
        self.draining = ""
        self.exit_code = 0
        self._left = False
        self._wide = False
        self._lock = threading.Lock()
        self._signals = {"": _acquired()}
        self._ordered = True
        self._async: Any = None
        self._calls: dict[FunctionID, int] = {}
        self.user_code = UserCode(self.struck, self._rouse)
        self.generating = Generating(core, self.user_code.enter, self.user_code.leave, self.struck)
        core.named = self._named
        core.thread_of = self.user_code.thread_of

    # -- commands, in the loop's thread ---------------------------------------------------------------------------

    def perform(self, command: Command) -> None:
        """Carry out a command of the role."""
        if type(command) is fx.WakeExecutor:
            self.wake(command.group)
        elif type(command) is fx.WakeProducer:
            self.generating.wake(command.task)
        elif type(command) is fx.WidenExecutor:
            self._wide = True
            self._release("")
        elif type(command) is fx.BecomeActor:
            self.core.assignment = command.assignment
            self.wake()
        elif type(command) is fx.DrainActor:
            self.draining = command.reason
            self.wake()
        elif type(command) is fx.EndProcess:
            self.ending = command.reason
            self.wake()
        elif type(command) is fx.AnswerEnded:
            for ended in self.execution.take_unanswered():
                self.core.loop.post(ended)
        elif type(command) is fx.InterruptTask:
            self._interrupt(command)
        elif type(command) is fx.SampleFields:
            self.core.loop.post(FieldsSampled(sample(self.actor, watched_fields(type(self.actor)))))

    def _named(self) -> Iterator[Root]:
        """Where a search for the names of references begins in a worker."""
        if self.actor is not None:
            yield Root("actor", f"{type(self.actor).__name__}.self", self.actor)
        yield from main_module()

    def wake(self, group: str = "") -> None:
        """There is something to do, for the threads of a concurrency group."""
        if self._async is not None:
            self._async.wake()
        else:
            self._release(group)

    def _release(self, group: str) -> None:
        """Wake one thread that waits for something to do."""
        woken = release(self._signals[group])  # else one is being woken already, and wakes the next for more
        if woken:
            self.core.loop.nudge()

    def _interrupt(self, command: fx.InterruptTask) -> None:
        if command.force and self.core.assignment is None:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._async is not None:
            self._async.cancel(command.task)
            return
        self.user_code.interrupt(command.task)

    def struck(self, task: TaskID) -> None:
        """A task is interrupted here and now: what it has submitted so far is cancelled too, if that was asked
        for; what its clean-up will submit is not.
        """
        if self.execution.take_recursive(task):
            self.core.loop.post(ChildrenCancelAsked(task))

    def _rouse(self, thread: int, task: TaskID) -> None:
        """What is raised in a thread strikes when its wait is over."""
        self.core.loop.rouse(thread)
        self.generating.wake(task)

    # -- the main thread ------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until told to end."""
        self._serve()
        if self._async is not None:
            self._async.run()

    def _serve(self, group: str = "") -> None:
        """Take and run, in this thread, until the process ends or becomes an async actor."""
        execution = self.execution
        queue = execution.groups[group] if group else execution.queue
        unanswered = execution.unanswered
        first = 0.0
        while True:
            taken = (
                None
                if self.core.assignment is not None and self.actor is None
                else execution.take(time.monotonic(), group)
            )
            if taken is None:
                if unanswered:
                    self.hand_over()
                    continue
                if self._idle(group):
                    return
                continue
            if self._wide or group:
                self._pass_on(group)
            result = self._run_one(taken[1])
            if result is not None:
                unanswered.append(result)
                if len(unanswered) == 1:
                    first = result.finished
                if (
                    len(unanswered) >= BATCH_MAX
                    or result.finished - first >= BATCH_S
                    or not queue
                    or result.last
                ):
                    self.hand_over()
            del taken, result  # what they hold (references inside a value) is not kept until the next task
            if self.ending:
                self.leave()
                return

    def _pass_on(self, group: str) -> None:
        """Another thread of this actor may take the next call, until none is left.

        Short calls are run by one thread after the other, since handing each to another thread costs more than
        running it. When one takes a while, the role says so (``WidenExecutor``). Those of concurrency groups
        are always handed on: whoever declares them has calls that wait.
        """
        if self.execution.groups[group] if group else self.execution.queue:
            self._release(group)
        elif not group:
            self._wide = bool(self.execution.groups)

    def _idle(self, group: str) -> bool:
        """Nothing to take: become an actor, end, or wait. True when this thread's service is over."""
        if self.core.assignment is not None and self.actor is None:
            return not self._become(self.core.assignment)
        if self.draining and not self.ending:
            self.core.loop.apply(
                []
            )  # what the loop's thread has fetched counts as running until it is applied
            with self.core.loop.lock:
                idle = self.execution.is_idle()
            if idle:
                self.ending = self.draining
        if self.ending:
            self.leave()
            return True
        self.functions.idle()
        self.core.loop.wait(self._signals[group])
        return False

    def hand_over(self, *more: Any) -> None:
        """Apply all outcomes that wait, then ``more`` events."""
        try:
            sys.stdout.flush()
        except Exception:  # the user has put something else there, perhaps nothing: no output may fail a task
            pass
        self.core.loop.apply([*self.execution.take_unanswered(), *more])

    def _run_one(self, pushed: TaskPushed | CallPushed) -> TaskEnded | None:
        if self._ordered:
            if output.written and self.actor is None:
                self.note.mark_output(*output.log_sizes())
            self.note.begin(attempt_id(pushed.task, pushed.attempt) if pushed.attempt else pushed.task)
        if type(pushed) is TaskPushed:
            result = self._run_task(pushed)
            if pushed.max_calls:
                result.last = self._count(pushed)
            return result
        assert isinstance(pushed, CallPushed)
        return self._run_call(pushed)

    def _count(self, pushed: TaskPushed) -> bool:
        """One more call of this function; whether it was the last that this worker may run."""
        calls = self._calls[pushed.function] = self._calls.get(pushed.function, 0) + 1
        return calls >= pushed.max_calls

    def _run_task(self, pushed: TaskPushed) -> TaskEnded:
        if self.execution.gpus is not self.devices.shown:
            self.devices.show(self.execution.gpus)
        call = Call(self.core, pushed, pushed.name, resources=self.execution.resources)
        call.retry_on = ()
        user_code = self.user_code
        thread = user_code.main_id
        running = call.context()
        token = task_context.current.set(running)
        try:
            function, call.retry_on = self.functions.load(pushed.function, pushed.task)
            running.function = function
            args, kwargs = call.arguments()
            try:
                user_code.enter(thread, pushed.task)
                if self.execution.is_cancelled(pushed.task):
                    raise TaskInterrupted
                value = function(*args, **kwargs)
            finally:  # before its outcome is made: an interrupt that strikes there would cost the worker
                user_code.leave(thread)
            if pushed.num_returns < 0 or type(value) is GeneratorType:
                return self.generating.run(call, value, thread)
            if inspect.iscoroutine(value):
                value.close()
                raise TypeError(f"{pushed.name} is async: make it a method of an actor, or a plain function.")
            return call.succeeded(value)
        except TaskInterrupted:
            return call.cancelled()
        except SystemExit:  # ends the process, as in Ray: its owner hears of a worker that has ended
            self.hand_over()
            raise
        except BaseException as error:
            return call.failed(error, call.retriable(error))
        finally:
            user_code.leave(thread)
            args = kwargs = value = None  # type: ignore[assignment]
            task_context.current.reset(token)

    # -- being an actor -------------------------------------------------------------------------------------------

    def _become(self, assignment: ActorAssigned) -> bool:
        """Run the constructor. False when this thread's service is over (it raised; or an event loop takes
        over).
        """
        spec = assignment.spec
        self.note.mark_output(*output.log_sizes())
        self.devices.show(assignment.gpus)
        token = task_context.current.set(
            task_context.RunningTask(
                TaskID(spec.actor),
                f"{spec.class_name}.__init__",
                spec.provenance,
                spec.actor,
                0,
                True,
                spec.resources,
            )
        )
        try:
            (cls, _), _ = self.functions.load_payload(spec.payload, None)
            args, kwargs = load_arguments(self.core, spec.arguments, spec.values, TaskID(spec.actor))
            self.actor = cls(*args, **kwargs)
            output.set_label(_label(self.actor))
        except SystemExit as exit_:
            self.note_exit(exit_)
            self.leave()
            return False
        except BaseException as error:
            facts = {"arguments": previews(error), **origin_facts(spec.provenance)}
            wrapped = TaskError.from_exception(f"{spec.class_name}.__init__", error, os.getpid(), **facts)
            summary = headline(error)[:200]
            self.core.loop.apply([ActorConstructed(pickling.serialize_error(wrapped), summary)])
            self.ending = "the constructor raised"
            say_all(self.core)
            return False
        finally:
            args = kwargs = None  # type: ignore[assignment]
            task_context.current.reset(token)
        self._open_for_calls(spec)
        self.core.loop.apply([ActorConstructed(b"", "", bool(watched_fields(type(self.actor))))])
        return self._async is None

    def _open_for_calls(self, spec: ActorSpec) -> None:
        concurrency = spec.max_concurrency
        if spec.is_async:
            from gnomon._shell.async_executor import AsyncExecutor

            self._async = AsyncExecutor(self, concurrency or ASYNC_CALLS, spec.groups)
            return
        self._wide = bool(spec.groups)
        self.execution.threads = concurrency or 1
        self._ordered = self.execution.threads == 1 and not spec.groups
        for name in spec.groups:
            self._signals[name] = _acquired()
        for name, size in [("", (concurrency or 1) - 1), *spec.groups.items()]:
            for number in range(1, size + 1):
                label = f"gnomon-call-{name}-{number}" if name else f"gnomon-call-{number}"
                threading.Thread(target=self._serve, args=(name,), name=label, daemon=True).start()

    def _run_call(self, pushed: CallPushed) -> TaskEnded | None:
        assert self.core.assignment is not None
        spec = self.core.assignment.spec
        name = pushed.name or f"{spec.class_name}.{pushed.method}"
        call = Call(self.core, pushed, name, spec.actor, resources=spec.resources)
        thread = threading.get_ident()
        running = call.context()
        token = task_context.current.set(running)
        try:
            args, kwargs = call.arguments()
            method = running.function = method_of(self.actor, pushed.method)
            if pushed.retry_on:
                call.retry_on = self.functions.load_classes(pushed.retry_on)
            try:
                self.user_code.enter(thread, pushed.task)
                if self.execution.is_cancelled(pushed.task):
                    raise TaskInterrupted
                value = method(*args, **kwargs)
            finally:
                self.user_code.leave(thread)
            if pushed.num_returns < 0 or type(value) is GeneratorType:
                return self.generating.run(call, value, thread)
            if self.execution.is_cancelled(pushed.task):
                self.struck(pushed.task)
                raise TaskInterrupted  # it did not listen; nobody waits for its value any more
            return call.succeeded(value)
        except TaskInterrupted:
            return self.left_call(call) if self.ending else call.cancelled()
        except SystemExit as exit_:
            self.note_exit(exit_)
            return self.left_call(call)
        except BaseException as error:
            return call.failed(error, call.retriable(error))
        finally:
            self.user_code.leave(thread)
            args = kwargs = value = method = None  # type: ignore[assignment]
            task_context.current.reset(token)

    # -- the end --------------------------------------------------------------------------------------------------

    def note_exit(self, exit_: SystemExit) -> None:
        """The actor's code ends its process: on purpose, unless it gives an exit code that says otherwise."""
        code = exit_.code
        if isinstance(exit_, ActorExit):
            self.ending = str(exit_) or "it called exit_actor()"
        elif not code:
            self.ending = "it called sys.exit()"
        else:
            self.exit_code = code & 0xFF if isinstance(code, int) else 1
            self.ending = f"it called sys.exit({code!r})"
            if not isinstance(code, int):
                sys.stderr.write(f"{code}\n")

    def left_call(self, call: Call) -> TaskEnded | None:
        """The outcome of a call in which the actor ends; after a crash there is none."""
        if self.exit_code:
            return None
        assert self.core.assignment is not None
        spec = self.core.assignment.spec
        error = failure(
            "ActorDiedError",
            class_name=spec.class_name,
            actor_id=spec.actor.hex(),
            reason=self.ending,
            pid=os.getpid(),
        )
        return call.failed_with(error, self.ending, False)

    def leave(self) -> None:
        """The process ends: hand over what has ended; of an actor's threads the first one tells why, and the
        main one.
        """
        with self._lock:
            first, self._left = not self._left, True
        if not first or self.core.assignment is None:
            self.hand_over()
            self._release_all()  # one signal wakes one thread: each that ends wakes the next
        else:
            self.hand_over(*(() if self.exit_code else (ActorEnding(self.ending),)))
            if threading.get_ident() != self.user_code.main_id:
                self._release_all()
                self.user_code.interrupt_main()
        if threading.get_ident() == self.user_code.main_id and not self.draining:
            say_all(self.core)

    def _release_all(self) -> None:
        for group in self._signals:
            self._release(group)


def _acquired() -> threading.Lock:
    lock = threading.Lock()
    lock.acquire()
    return lock


def _label(actor: Any) -> str:
    """What its printed lines are marked with: its own ``__repr__``, if it has one."""
    if "__repr__" not in {name for cls in type(actor).__mro__[:-1] for name in vars(cls)}:
        return ""
    try:
        return repr(actor).split("\n", 1)[0][:100]
    except Exception:  # it is only a label: then the class's name has to do
        return ""
