"""Running a failed task again in the calling thread, with the arguments it had, so that a debugger can look at it."""

from __future__ import annotations

from functools import partial
from typing import Any

from gnomon._core.events import AskedHere
from gnomon._engine.local_arguments import own
from gnomon._engine.rerun import NOT_KNOWN, Rerun, deepest
from gnomon._messages.base import Block, Value
from gnomon._messages.situations import Submission, SubmissionAsked, SubmissionTold
from gnomon._shell.core_worker import CoreWorker
from gnomon._shell.functions import FunctionTable
from gnomon._wire import pickling
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import GetTimeoutError, GnomonError, ObjectLostError, TaskError
from gnomon.ids import ObjectID, owner_of, task_of

ANSWER_S = 2.0
"""How long the owner may take to answer."""


def rerun_of(core: CoreWorker, identity: ObjectID) -> Rerun:
    """The failed task that makes an object; of several that failed because of an argument or of a task that they have
    called, the one that raised, or the nearest to it that can be run again.
    """
    core.refuse_foreign([identity])
    return deepest(_error_of(core, identity), partial(_rerun, core), identity)


def _error_of(core: CoreWorker, identity: ObjectID) -> BaseException | None:
    """The value of an object, if it is the error of a task and still there."""
    if owner_of(identity) == core.me and identity not in core.values:
        return None
    try:
        core.get(own(core, (identity,)), ANSWER_S)
    except TaskError as error:
        return error.with_traceback(None)
    except GnomonError:
        return None
    return None


def _rerun(core: CoreWorker, identity: ObjectID) -> Rerun:
    submission = _submission(core, identity)
    while submission.culprit:
        submission = _submission(core, ObjectID(submission.culprit))
    if not submission.name:
        return Rerun(reason=NOT_KNOWN)
    return _prepared(core, submission)


def _submission(core: CoreWorker, identity: ObjectID) -> Submission:
    task, owner = task_of(identity), owner_of(identity)
    if owner == core.me:
        mine = core.ask_role(lambda request: AskedHere(request, SubmissionAsked(0, task)))
        assert isinstance(mine, Submission)
        return mine
    try:
        answer = core.ask(owner, lambda request: SubmissionAsked(request, task), ANSWER_S)
    except GetTimeoutError:
        return Submission()
    assert isinstance(answer, SubmissionTold)
    return answer.submission


def _packed(core: CoreWorker, arguments: Value) -> bytes | memoryview:
    """The arguments that were given by value; large ones lie in the store.

    Raises:
        ObjectLostError: they are gone.
    """
    if isinstance(arguments, bytes):
        return arguments
    core.await_values((arguments.object,), 1, ANSWER_S)
    value = core.values.get(arguments.object)
    if not isinstance(value, Block):
        raise ObjectLostError(arguments.object.hex())
    return core.read(value)


def _prepared(core: CoreWorker, submission: Submission) -> Rerun:
    """Its arguments are fetched now: what is gone is told before anything runs."""
    name = submission.name
    handles = own(core, (*submission.dependencies, *submission.contained))
    try:
        values = core.get(handles[: len(submission.dependencies)], None)
        packed = _packed(core, submission.arguments)
    except ObjectLostError as error:
        made = f" (made by {error.producer})" if error.producer else ""
        return Rerun(name, None, f"an argument of it is gone{made}: keep a reference to it, and run it again")
    table = FunctionTable({}, lambda refs, task: core.handles_arrived(refs))
    (function, _), _ = table.load_payload(submission.payload, None)
    arrived: list[ObjectRef[Any]] = []
    try:
        args, kwargs = pickling.unpack_args(packed, values, arrived)
    finally:
        if arrived:
            core.handles_arrived(arrived)

    def run() -> Any:
        __tracebackhide__ = True
        assert handles is not None  # what the arguments need stays until it has ended
        return function(*args, **kwargs)

    return Rerun(name, run)
