"""Values and references: ``get``, ``put``, ``wait``, ``cancel``, ``kill``, ``get_actor``."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeVar, overload

from gnomon._api import checks, session, waiting
from gnomon._api.actor import ActorClass, ActorHandle, ActorMethod, ActorProxy
from gnomon._api.checks import shown
from gnomon._api.remote_function import RemoteFunction
from gnomon._engine import notebook_hooks
from gnomon._wire.generators import ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef
from gnomon.exceptions import (
    ActorDiedError,
    GetTimeoutError,
    GnomonError,
    InternalError,
    SessionMismatchError,
    TaskError,
    UnsupportedOptionError,
)

R = TypeVar("R")
W = TypeVar("W", bound="ObjectRef[Any] | ObjectRefGenerator[Any]")

_ALL_REFS: set[type] = {ObjectRef}
_WAITABLES: set[type] = {ObjectRef, ObjectRefGenerator}
_identity = operator.attrgetter("_id")  # hashing ids is C code, hashing references is not


@overload
def get(object_refs: ObjectRef[R], *, timeout: float | None = None) -> R: ...


@overload
def get(object_refs: list[ObjectRef[R]], *, timeout: float | None = None) -> list[R]: ...


@overload
def get(object_refs: Sequence[ObjectRef[Any]], *, timeout: float | None = None) -> list[Any]: ...


def get(object_refs: Any, *, timeout: float | None = None) -> Any:
    """The value of a reference, or the list of the values of a list of references; waits for them.

    What the value is made of can not be changed: a NumPy array is read-only, and a change to any other value
    is not seen by others.

    Args:
        object_refs: one reference or a list of them.
        timeout: seconds to wait; None for no limit, 0 for what is ready now.

    Raises:
        GetTimeoutError: the time is up.
        TaskError: the task raised; also an instance of what it raised.
        ValueError: ``object_refs`` is neither a reference nor a list.
        TypeError: the list holds something else.
    """
    try:
        if type(object_refs) is ObjectRef:
            if timeout is None and notebook_hooks.wait_observer is None:
                return (session.current or session.engine()).get_one(object_refs)
            return _get_many([object_refs], timeout)[0]
        if isinstance(object_refs, ObjectRefGenerator):
            return object_refs  # as Ray does: a generator is no value that is still to come
        if not isinstance(object_refs, list):
            raise ValueError(f"get() takes a reference or a list of references, not {_named(object_refs)}.")
        if not set(map(type, object_refs)) <= _ALL_REFS:
            _refuse_elements("get()", object_refs)
        return _get_many(object_refs, timeout)
    except (GnomonError, KeyboardInterrupt) as error:
        if type(error) is GetTimeoutError:
            waiting.explain_timeout(error, [object_refs] if type(object_refs) is ObjectRef else object_refs)
        raise _for_people(error) from error.__cause__


def _for_people(error: BaseException) -> BaseException:
    """An error as a person wants to see it: without the frames between his call and the runtime's depths."""
    if isinstance(error, InternalError):
        return error
    if isinstance(error, TaskError):
        error.show_sources(notebook_hooks.cell_name)
    elif type(error) is ActorDiedError and error.actor_id in notebook_hooks.given_up:
        error = _with_cause(error)
    return error.with_traceback(None)


def _with_cause(error: ActorDiedError) -> ActorDiedError:
    """With the variable that was given up, if that is why the actor has died."""
    facts = list(error.args)
    facts[2] = notebook_hooks.cause_of(error.actor_id, error.reason)
    told = ActorDiedError(*facts)
    told.__cause__ = error.__cause__
    return told


def _get_many(refs: list[ObjectRef[Any]], timeout: float | None) -> list[Any]:
    checks.timeout("the timeout of get()", timeout)
    engine = session.engine()
    if waiting.watched():
        return waiting.watched_get(engine, refs, timeout)
    return engine.get(refs, timeout)


def put(value: R, *, _owner: Any = None) -> ObjectRef[R]:
    """Store a value; returns a reference that can be passed to any number of tasks without sending it again.

    Raises:
        TypeError: the value is a reference.
        SerializationError: the value can not be pickled; the message names the path to the culprit.
        ObjectStoreFullError: it does not fit into the store.
    """
    if type(value) is ObjectRef:
        raise TypeError("put() takes a value, not an ObjectRef: pass the reference itself, or put([ref]).")
    if _owner is not None:
        raise UnsupportedOptionError("_owner", "the process that calls put() owns the value")
    return (session.current or session.engine()).put(value)


def wait(
    ray_waitables: list[W],
    *,
    num_returns: int = 1,
    timeout: float | None = None,
    fetch_local: bool = True,
) -> tuple[list[W], list[W]]:
    """Wait until ``num_returns`` references are ready, or the time is up. A generator is ready when ``next``
    would not block.

    Args:
        ray_waitables: distinct references and generators.
        num_returns: how many to wait for.
        timeout: seconds; None for no limit.
        fetch_local: what lies on another node is ready when it has been brought to this one.

    Returns:
        Ready references, at most ``num_returns``, and all the others; each in the given order.

    Raises:
        TypeError: not a list of references.
        ValueError: a reference twice, or ``num_returns`` is out of range.
    """
    global _rest
    given: Any = ray_waitables
    if not isinstance(given, list):
        if isinstance(given, ObjectRefGenerator):
            raise TypeError("wait() takes a list of references, not a single generator: put it into a list.")
        raise TypeError(f"wait() takes a list of references, not {_named(given)}.")
    count = len(ray_waitables)
    if not count:
        return [], []
    if (id(ray_waitables), count) != _rest:
        _check_waitables(ray_waitables)
    if num_returns != 1 or type(num_returns) is not int:
        checks.whole(1)("num_returns of wait()", num_returns)
        if num_returns > count:
            raise ValueError(
                f"num_returns of wait() is {num_returns}, but there are only {count} references."
            )
    if timeout is not None:
        checks.timeout("the timeout of wait()", timeout)
    engine = session.current or session.engine()
    if waiting.watched():
        ready, others = waiting.watched_wait(engine, ray_waitables, num_returns, timeout, fetch_local)
    else:
        ready, others = engine.wait(ray_waitables, num_returns, timeout, fetch_local)
    _rest = id(others), len(others)
    return ready, others


_rest: tuple[int, int] = (0, 0)
"""Identity and length of the list of others that ``wait`` returned last. The usual loop passes it in again,
and looking at each of a thousand references a thousand times would cost more than the waiting; should the
identity be another list's by now, all that is missed is the message about a wrong element."""


def _check_waitables(refs: list[Any]) -> None:
    if not set(map(type, refs)) <= _WAITABLES:
        _refuse_elements("wait()", refs, _WAITABLES)
    if len(set(map(_identity, refs))) != len(refs):
        raise ValueError("wait() takes each reference once: list(dict.fromkeys(refs)) drops the doubles.")


def cancel(
    ray_waitable: ObjectRef[Any] | ObjectRefGenerator[Any], *, force: bool = False, recursive: bool = True
) -> None:
    """Cancel the task that makes a reference; ``get`` on it then raises ``TaskCancelledError``.

    Nothing happens when the task has finished.

    Args:
        ray_waitable: a result of the task, or its generator.
        force: end the worker process of a running task instead of interrupting it; not for calls of actors.
        recursive: cancel the tasks that it submitted too.

    Raises:
        TypeError: not a reference.
        ValueError: ``force``, and it is a call of an actor.
    """
    given: Any = ray_waitable
    if isinstance(given, ObjectRefGenerator):
        given = given._source.handle
    if not isinstance(given, ObjectRef):
        hint = " Use kill() for actors." if isinstance(given, ActorHandle) else ""
        raise TypeError(f"cancel() takes one reference or generator, not {_named(given, one=True)}.{hint}")
    session.engine().cancel(given, force, recursive)


def kill(actor: ActorProxy[Any], *, no_restart: bool = True) -> None:
    """End an actor at once; its pending calls fail with ``ActorDiedError``.

    Args:
        actor: a handle.
        no_restart: also give up the restarts that ``max_restarts`` allows.

    Raises:
        ValueError: not an actor.
    """
    given: Any = actor
    if not isinstance(given, ActorHandle):
        hint = " Use cancel() for tasks." if type(given) in _WAITABLES else ""
        raise ValueError(f"kill() takes the handle of an actor, not {_named(given, one=True)}.{hint}")
    engine = session.engine()
    if given._gnomon_engine not in (None, engine):
        raise SessionMismatchError(f"The actor {given._gnomon_binding.class_name}")
    engine.kill_actor(given._gnomon_binding, no_restart)


def get_actor(name: str, namespace: str | None = None) -> ActorHandle[Any]:
    """A handle on the living actor of that name.

    Args:
        name: as given to ``.options(name=...)``.
        namespace: where to look; by default that of the session.

    Raises:
        ValueError: there is none (an ``ActorHandleNotFoundError``), or the name is empty.
    """
    if not isinstance(name, str):
        raise TypeError(f"the name of an actor must be a string, not {shown(name)}.")
    if not name:
        raise ValueError("get_actor() needs the name of an actor.")
    checks.text("namespace of get_actor()", namespace)
    engine = session.engine()
    return ActorHandle(engine.get_named_actor(name, namespace), engine)


def _refuse_elements(call: str, refs: list[Any], allowed: set[type] = _ALL_REFS) -> None:
    for index, each in enumerate(refs):
        if type(each) not in allowed:
            raise TypeError(f"{call} takes a list of references, but element {index} is {_named(each)}.")


def _named(value: Any, one: bool = False) -> str:
    """A wrong argument, with a guess of what went wrong.

    Args:
        value: the argument.
        one: a single thing was asked for, no list.
    """
    from gnomon.dag import DAGNode  # only needed when something went wrong

    if isinstance(value, DAGNode):
        return f"{value!r}, which was not executed: add .execute(...)"
    if isinstance(value, RemoteFunction | ActorClass | ActorMethod):
        return f"{value!r}, which was not called: add .remote(...)"
    if isinstance(getattr(value, "__self__", None), RemoteFunction | ActorClass | ActorMethod):
        return f"the method .{value.__name__} of {value.__self__!r}, which was not called: add (...)"
    if one:
        return "a list: take one after the other" if isinstance(value, list | tuple) else shown(value)
    if isinstance(value, ActorHandle):
        return f"{value!r}: a handle has no value, call one of its methods"
    if isinstance(value, ObjectRef):
        return "a single reference: put it into a list"
    if isinstance(value, ObjectRefGenerator):
        return "a generator of references: take them with next() or a loop"
    if isinstance(value, list):
        return "a list: put all references into one list (a call with num_returns > 1 gives a list of them)"
    if isinstance(value, dict):
        return "a dict: take the references among its values with list(d.values())"
    if isinstance(value, tuple | set | frozenset) or hasattr(value, "__next__"):
        return f"a {type(value).__name__}: make it a list with list(...)"
    return shown(value)
