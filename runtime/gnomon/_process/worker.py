"""A worker's process."""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import traceback
from typing import NoReturn

from gnomon._api import session
from gnomon._core.events import AskedSomething
from gnomon._engine import notebook_hooks, progress_bars
from gnomon._engine.local import LocalEngine
from gnomon._messages.leases import WorkerReady
from gnomon._messages.session import SessionConfig, WorkerSpec
from gnomon._shell import displaying
from gnomon._shell.core_worker import CoreWorker
from gnomon._shell.executor import Executor
from gnomon._shell.output import Outbox, OutputStream, sender
from gnomon._shell.output_index import OutputIndex
from gnomon._shell.progress import ProgressNote
from gnomon._shell.session_start import EXIT_RUNTIME_FAILED

SWITCH_S = 0.001
"""How long the task's thread may keep the interpreter from the loop's (Python's default is five times that): a task that submits
many others would otherwise have submitted them all before the first is sent."""


def main(config: SessionConfig, spec: WorkerSpec) -> None:
    """Run tasks, or one actor, until told to end. The zygote's death ends it anyway."""
    core = CoreWorker(config, spec.worker, lambda command: executor.perform(command))
    executor = Executor(core, ProgressNote(core.arena, spec.slot))
    signal.signal(signal.SIGINT, executor.user_code.on_sigint)
    faulthandler.enable(
        all_threads=False
    )  # where a crash in native code struck: among the worker's last lines
    outbox = Outbox(core.loop, config.driver, f"pid {os.getpid()}")
    index = OutputIndex(config.directory, spec.worker)
    sys.stdout = OutputStream("stdout", outbox, sys.stdout, index)
    sys.stderr = OutputStream("stderr", outbox, sys.stderr, index)
    notebook_hooks.send_progress = sender(outbox, progress_bars.STREAM)
    notebook_hooks.send_display = sender(outbox, notebook_hooks.DISPLAY_STREAM)
    displaying.install()
    session.adopt(LocalEngine.inside(core))
    core.loop.post(AskedSomething(config.node_process, WorkerReady(os.getpid())))
    sys.setswitchinterval(SWITCH_S)
    core.loop.start("gnomon-loop", _fail)
    try:
        executor.run()
    finally:
        core.close()
    if executor.exit_code:
        sys.exit(executor.exit_code)


def _fail(error: BaseException) -> NoReturn:
    """Its runtime can not go on: better a dead worker, whose tasks are retried, than a mute one."""
    try:
        traceback.print_exception(error)
    finally:
        os._exit(EXIT_RUNTIME_FAILED)
