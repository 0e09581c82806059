"""The session of this process: which engine runs, how it starts and ends.

    none --init, or first use--> running --shutdown--> ended --init--> running
                                    ^
    (worker process) --adopt--------+   init and shutdown change nothing there

``current`` is read on every call of the API, so it stays a plain module attribute. The one rule for a
changer: an engine is compared by identity to tell sessions apart, so none may be used for two sessions.
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import threading
import warnings
from collections.abc import Mapping
from typing import Any, Final

from gnomon._api import init_options
from gnomon._api.init_context import InitContext
from gnomon._engine import notebook_hooks
from gnomon._engine.base import Engine, InitOptions
from gnomon._engine.call_sites import FILES
from gnomon.exceptions import AlreadyInitializedError, NotInitializedError

ENGINES: Final = {
    "local": ("gnomon._engine.local_start", "LocalStarter"),
    "inline": ("gnomon._engine.inline", "InlineEngine"),
}
"""Where each engine is; imported when it is first started."""

current: Engine | None = None
"""The engine that runs, or None."""


class _Session:
    """What belongs to ``current``, under ``lock``."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.adopted = False
        self.ended = False
        self.given: Mapping[str, Any] = {}
        self.options: InitOptions | None = None
        self.exit_registered = False


_session = _Session()


def init(
    address: str | None = None,
    *,
    num_cpus: float | None = None,
    num_gpus: float | None = None,
    resources: Mapping[str, float] | None = None,
    labels: Mapping[str, str] | None = None,
    object_store_memory: int | None = None,
    local_mode: bool = False,
    ignore_reinit_error: bool = False,
    include_dashboard: bool | None = None,
    dashboard_host: str = "127.0.0.1",
    dashboard_port: int | None = None,
    job_config: Any = None,
    configure_logging: bool = True,
    logging_level: int | str | None = None,
    logging_format: str | None = None,
    log_to_driver: bool | None = None,
    namespace: str | None = None,
    runtime_env: Mapping[str, Any] | None = None,
    engine: str | None = None,
    _system_config: Mapping[str, Any] | None = None,
    **others: Any,
) -> InitContext:
    """Start a session on this machine. Calling a remote function does it too, with the defaults.

    A second call is a no-op where it asks for nothing that the running session does not have.

    Args:
        address: None or "local" for a session of this process's own; "auto" joins the newest cluster of this
            user that ``gnomon start --head`` has started, a session directory that one. Where it is None the
            environment variable GNOMON_ADDRESS says.
        num_cpus: CPUs to run tasks on; by default those of the machine.
        num_gpus: GPUs; by default those of the machine.
        resources: amounts of your own resources, by name.
        labels: labels of the node.
        object_store_memory: capacity of the object store in bytes.
        local_mode: run everything in this process, like ``engine="inline"``.
        ignore_reinit_error: keep a running session though it has other settings.
        include_dashboard: only warned about; the views are in the notebook.
        dashboard_host: not used.
        dashboard_port: as ``include_dashboard``.
        job_config: can not be honoured.
        configure_logging: set the level and the format of gnomon's logger.
        logging_level: of gnomon's logger.
        logging_format: of gnomon's logger.
        log_to_driver: show here what tasks print.
        namespace: where names of actors live; by default one of this session alone.
        runtime_env: environment of all tasks and actors.
        engine: "local" (processes, the default) or "inline" (this process, for debugging).
        _system_config: settings by name, see ``gnomon.settings``.
        others: what Ray's ``init`` takes besides; an error unless it is the default.

    Returns:
        Facts about the session.

    Raises:
        AlreadyInitializedError: a session runs, with other settings; the message shows the difference.
        ClusterNotFoundError: there is no cluster at ``address`` (a ``ConnectionError``).
        TypeError: an argument of a wrong type, or an unknown one.
        ValueError: a wrong value.
        UnsupportedOptionError: an argument that can not be honoured.
    """
    given = dict(locals())
    del given["dashboard_host"], given["ignore_reinit_error"], given["others"]
    init_options.refuse_others(others, given)
    init_options.check_init(given)
    given["engine"] = _engine_name(engine, local_mode)
    with _session.lock:
        if current is not None and current.ended and not _session.adopted:
            shutdown()  # its cluster was stopped, say: what is left of it goes
        if current is not None:
            return _again(current, given, ignore_reinit_error)
        init_options.warn_of_hints(given)
        if configure_logging:
            _configure_logging(logging_level, logging_format)
        return _start(given)


def shutdown(*, wait_for_processes: bool = False, _exiting_interpreter: bool = False) -> None:
    """End the session: its tasks, actors and values are gone. Nothing happens when there is none.

    Args:
        wait_for_processes: accepted for Ray's sake; the session's processes are always waited for.
    """
    global current
    if notebook_hooks.before_shutdown is not None and not _exiting_interpreter:
        notebook_hooks.before_shutdown()
    with _session.lock:
        engine = current
        if engine is None:
            return
        if _session.adopted:
            warnings.warn("shutdown() inside a task does nothing: the driver ends the session.", stacklevel=2)
            return
        current = None
        if notebook_hooks.origin is FILES:
            notebook_hooks.origin = None
        _session.ended = not _exiting_interpreter
        _session.options = None
        engine.shutdown()


def is_initialized() -> bool:
    """Whether a session runs."""
    return current is not None and not current.ended


def current_engine() -> Engine | None:
    """The engine of the running session, or None."""
    return current


def engine() -> Engine:
    """The engine of the running session; starts one on first use.

    Raises:
        NotInitializedError: the session was shut down. Only the first use starts one by itself: what follows
            a ``shutdown`` is most often a mistake.
    """
    found = current
    if found is not None:
        return found
    with _session.lock:
        if current is None:
            if _session.ended:
                raise NotInitializedError("The session was shut down.")
            init()
        assert current is not None
        return current


def adopt(engine: Engine) -> None:
    """Make ``engine`` this process's session, so that user code in tasks uses the same API.

    Called once by a worker process before it runs anything; ``init`` is a no-op from then on.
    """
    global current
    with _session.lock:
        current = engine
        _session.adopted = True
        _session.ended = False


def _engine_name(name: str | None, local_mode: bool) -> str | None:
    """The engine that was asked for, or None."""
    if local_mode:
        if name not in (None, "inline"):
            raise ValueError(f"local_mode=True is engine='inline', it can not be {name!r} too.")
        return "inline"
    if name is not None and name not in ENGINES:
        raise ValueError(f"There is no engine {name!r}; the engines are: {', '.join(sorted(ENGINES))}.")
    return name


def _again(running: Engine, given: Mapping[str, Any], ignore: bool) -> InitContext:
    options = _session.options
    if not _session.adopted and not ignore and options is not None:
        directory = running.info.directory
        found = init_options.differences(_session.given, options, running.name, directory, given)
        if found:
            raise AlreadyInitializedError(found)
    return InitContext(running.info, shutdown)


def _start(given: Mapping[str, Any]) -> InitContext:
    global current
    options = init_options.init_options(given)
    name = given["engine"] or os.environ.get(init_options.ENGINE_VARIABLE) or "local"
    checked = _engine_name(name, False)
    assert checked is not None
    module, attribute = ENGINES[checked]
    started: Engine = getattr(importlib.import_module(module), attribute).start(options)
    if not _session.exit_registered:
        atexit.register(shutdown, _exiting_interpreter=True)
        _session.exit_registered = True
    _session.given, _session.options, _session.ended = given, options, False
    if options.settings.get("record_call_sites") and notebook_hooks.origin is None:
        notebook_hooks.origin = FILES
    current = started
    return InitContext(started.info, shutdown)


def _configure_logging(level: int | str | None, form: str | None) -> None:
    if level is None and form is None:
        return
    logger = logging.getLogger("gnomon")
    if level is not None:
        logger.setLevel(level.upper() if isinstance(level, str) else level)
    if form is not None and not logger.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter(form))
        logger.addHandler(handler)
