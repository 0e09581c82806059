"""Executor: runs what is pushed to this worker, in its main thread, and becomes an actor when told to.

    plain worker    take, run, take, run ... ; answers are handed over in batches
    sync actor      the same, in order
    threaded actor  max_concurrency threads, each the same
    async actor     an event loop in the main thread (``async_executor``)

Answers are applied to the role in the executing thread (``Loop.apply``), when nothing is left to take, or
``BATCH_S`` after the first one waits; when the next task takes longer than that, the loop's thread fetches
them. An interrupt (cancellation) strikes only while the user's code runs: the handler of SIGINT raises only
when ``interrupting`` names the task that runs.
"""

from __future__ import annotations

import inspect
import os
import signal
import sys
import threading
import time
from types import GeneratorType
from typing import Any

from gnomon._core import effects as fx
from gnomon._core.effects import Command
from gnomon._core.events import ActorConstructed, ActorEnding, ChildrenCancelAsked, TaskEnded
from gnomon._messages.actors import ActorAssigned
from gnomon._messages.tasks import CallPushed, TaskPushed
from gnomon._shell import task_context
from gnomon._shell.core_worker import CoreWorker
from gnomon._shell.functions import FunctionTable
from gnomon._shell.generating import Generating
from gnomon._shell.progress import ProgressNote
from gnomon._shell.results import Call, load_arguments, method_of
from gnomon._wire import pickling
from gnomon.exceptions import ActorExit, TaskError, TaskInterrupted
from gnomon.ids import TaskID, attempt_id

BATCH_S = 0.001
BATCH_MAX = 100


class Executor:
    """The executing side of a worker process."""

    def __init__(self, core: CoreWorker, note: ProgressNote) -> None:
        self.core = core
        self.note = note
        self.execution = core.role.execution
        self.functions = FunctionTable(core.role.functions, core.handles_arrived)
        self.actor: Any = None
        self.ending = ""
        self.draining = ""
        self._left = False
        self._wide = False
        self._lock = threading.Lock()
        self._signal = threading.Lock()
        self._signal.acquire()
        self._async: Any = None
        self._in_user_code: dict[int, TaskID] = {}
        self._interrupting: TaskID | None = None
        self._main_id = threading.main_thread().ident or 0
        self.generating = Generating(core, self._in_user_code.__setitem__, self._leave_user_code, self.struck)

    # -- commands, in the loop's thread ---------------------------------------------------------------------------

    def perform(self, command: Command) -> None:
        """Carry out a command of the role."""
        if type(command) is fx.WakeExecutor:
            self.wake()
        elif type(command) is fx.WakeProducer:
            self.generating.wake(command.task)
        elif type(command) is fx.WidenExecutor:
            self._wide = True
            self._release()
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

    def wake(self) -> None:
        """There is something to do."""
        if self._async is not None:
            self._async.wake()
        else:
            self._release()

    def _release(self) -> None:
        """Wake one thread that waits for something to do."""
        try:
            self._signal.release()
        except RuntimeError:
            return  # one is being woken already; it wakes the next when there is more
        self.core.loop.nudge()

    def _interrupt(self, command: fx.InterruptTask) -> None:
        if command.force and self.core.assignment is None:
            os.kill(os.getpid(), signal.SIGKILL)
        if self._async is not None:
            self._async.cancel(command.task)
            return
        for thread, task in list(self._in_user_code.items()):
            if task == command.task:
                if thread == self._main_id:
                    self._interrupting = command.task
                    signal.pthread_kill(thread, signal.SIGINT)
                else:
                    self.struck(task)
                    _raise_in_thread(thread)
                    self.generating.wake(task)  # what is raised in a thread strikes when its wait is over

    def struck(self, task: TaskID) -> None:
        """A task is interrupted here and now: what it has submitted so far is cancelled too, if that was asked
        for; what its clean-up will submit is not.
        """
        if self.execution.take_recursive(task):
            self.core.loop.post(ChildrenCancelAsked(task))

    def _leave_user_code(self, thread: int) -> None:
        self._in_user_code.pop(thread, None)

    def on_sigint(self, _number: int, _frame: Any) -> None:
        """The handler of SIGINT in the main thread."""
        task = self._in_user_code.get(self._main_id)
        if task is not None and task == self._interrupting:
            self._interrupting = None
            self.struck(task)
            raise TaskInterrupted

    # -- the main thread ------------------------------------------------------------------------------------------

    def run(self) -> None:
        """Serve until told to end."""
        self._serve()
        if self._async is not None:
            self._async.run()

    def _serve(self) -> None:
        """Take and run, in this thread, until the process ends or becomes an async actor."""
        execution = self.execution
        unanswered = execution.unanswered
        first = 0.0
        while True:
            taken = (
                None
                if self.core.assignment is not None and self.actor is None
                else execution.take(time.monotonic())
            )
            if taken is None:
                if unanswered:
                    self.hand_over()
                    continue
                if self._idle():
                    return
                continue
            if self._wide:
                self._pass_on()
            result = self._run_one(taken[1])
            unanswered.append(result)
            if len(unanswered) == 1:
                first = result.finished
            if (
                len(unanswered) >= BATCH_MAX
                or result.finished - first >= BATCH_S
                or not execution.queue
                or result.last
            ):
                self.hand_over()
            del taken, result  # what they hold (references inside a value) is not kept until the next task
            if self.ending:
                self.leave()
                return

    def _pass_on(self) -> None:
        """Another thread of this actor may take the next call, until none is left.

        Short calls are run by one thread after the other, since handing each to another thread costs more than
        running it. When one takes a while, the role says so (``WidenExecutor``).
        """
        if self.execution.queue:
            self._release()
        else:
            self._wide = False

    def _idle(self) -> bool:
        """Nothing to take: become an actor, end, or wait. True when this thread's service is over."""
        if self.core.assignment is not None and self.actor is None:
            return not self._become(self.core.assignment)
        if self.draining and not self.ending:
            self.core.loop.apply(
                []
            )  # what the loop's thread has fetched counts as running until it is applied
            if not self.execution.queue and not self.execution.running:
                self.ending = self.draining
        if self.ending:
            self.leave()
            return True
        self.functions.idle()
        self.core.loop.wait(self._signal)
        return False

    def hand_over(self, *more: Any) -> None:
        """Apply all outcomes that wait, then ``more`` events."""
        sys.stdout.flush()
        self.core.loop.apply([*self.execution.take_unanswered(), *more])

    def _run_one(self, pushed: TaskPushed | CallPushed) -> TaskEnded:
        self.note.begin(attempt_id(pushed.task, pushed.attempt) if pushed.attempt else pushed.task)
        if type(pushed) is TaskPushed:
            return self._run_task(pushed)
        assert isinstance(pushed, CallPushed)
        return self._run_call(pushed)

    def _run_task(self, pushed: TaskPushed) -> TaskEnded:
        call = Call(self.core, pushed, pushed.name, resources=self.execution.resources)
        call.retry_on = ()
        thread = self._main_id
        running = call.context()
        token = task_context.current.set(running)
        try:
            function, call.retry_on = self.functions.load(pushed.function, pushed.task)
            running.function = function
            args, kwargs = call.arguments()
            self._in_user_code[thread] = pushed.task
            if self.execution.is_cancelled(pushed.task):
                raise TaskInterrupted
            value = function(*args, **kwargs)
            del self._in_user_code[thread]
            if pushed.num_returns < 0 or type(value) is GeneratorType:
                return self.generating.run(call, value, thread)
            if inspect.iscoroutine(value):
                value.close()
                raise TypeError(f"{pushed.name} is async: make it a method of an actor, or a plain function.")
            return call.succeeded(value)
        except TaskInterrupted:
            return call.cancelled()
        except BaseException as error:
            return call.failed(error, call.retriable(error))
        finally:
            self._in_user_code.pop(thread, None)
            args = kwargs = value = None  # type: ignore[assignment]
            task_context.current.reset(token)

    # -- being an actor -------------------------------------------------------------------------------------------

    def _become(self, assignment: ActorAssigned) -> bool:
        """Run the constructor. False when this thread's service is over (it raised; or an event loop takes
        over).
        """
        spec = assignment.spec
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
        except BaseException as error:
            wrapped = TaskError.from_exception(f"{spec.class_name}.__init__", error, os.getpid())
            summary = f"{type(error).__name__}: {error}".split("\n", 1)[0][:200]
            self.core.loop.apply([ActorConstructed(pickling.serialize_error(wrapped), summary)])
            self.ending = "the constructor raised"
            return False
        finally:
            task_context.current.reset(token)
        concurrency = spec.max_concurrency
        if spec.is_async:
            from gnomon._shell.async_executor import AsyncExecutor

            self._async = AsyncExecutor(self, concurrency or 1000)
            self.core.loop.apply([ActorConstructed(b"", "")])
            return False
        self.core.loop.apply([ActorConstructed(b"", "")])
        self.execution.threads = concurrency or 1
        for number in range(1, concurrency or 1):
            threading.Thread(target=self._serve, name=f"gnomon-call-{number}", daemon=True).start()
        return True

    def _run_call(self, pushed: CallPushed) -> TaskEnded:
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
            self._in_user_code[thread] = pushed.task
            if self.execution.is_cancelled(pushed.task):
                raise TaskInterrupted
            value = method(*args, **kwargs)
            del self._in_user_code[thread]
            if pushed.num_returns < 0 or type(value) is GeneratorType:
                return self.generating.run(call, value, thread)
            return call.succeeded(value)
        except TaskInterrupted:
            return call.cancelled()
        except ActorExit as exit_:
            return self.exit_call(call, str(exit_) or "it called exit_actor")
        except BaseException as error:
            return call.failed(error, call.retriable(error))
        finally:
            self._in_user_code.pop(thread, None)
            args = kwargs = value = None  # type: ignore[assignment]
            task_context.current.reset(token)

    def exit_call(self, call: Call, reason: str) -> TaskEnded:
        """The present call ends the actor on purpose, once its outcome has been handed over."""
        self.ending = reason
        return call.exhausted() if call.pushed.num_returns < 0 else call.succeeded(None)

    def leave(self) -> None:
        """The process ends: hand over what has ended; of an actor's threads the first one tells why, and the
        main one.
        """
        with self._lock:
            first, self._left = not self._left, True
        if not first or self.core.assignment is None:
            self.hand_over()
            self._release()  # one signal wakes one thread: each that ends wakes the next
            return
        self.hand_over(ActorEnding(self.ending))
        if threading.get_ident() != self._main_id:
            task = self._in_user_code.get(self._main_id)
            self._release()
            if task is not None:
                self._interrupting = task
                signal.pthread_kill(self._main_id, signal.SIGINT)


def _raise_in_thread(thread: int) -> None:
    """Raise TaskInterrupted in another thread at its next bytecode."""
    import ctypes

    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(TaskInterrupted))
