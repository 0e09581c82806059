"""The child's side of the conversation with the runner: one JSON line in, one JSON line out.

Requests (key ``do``) and what their answers carry besides ``"ok": true``::

    probe         version, python, jupyterlab: of the system and its environment; starts nothing
    first result  seconds: of import, init and the first result
    actors        seconds: until fifty actors have answered
    start         (nothing): import and init, for the rows below
    open          (nothing): prepare row ``row`` and run it for ``seconds`` to warm up
    measure       rate: of the open row over ``seconds``, in its unit
    close         (nothing): forget the open row
    stop          (nothing): shut the system down; the process ends

A failure answers ``{"ok": false, "error": sentence}`` and the child goes on. End of file means stop.
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import math
import os
import platform
import socket
import time
import traceback
from collections.abc import Callable
from typing import Any

Answer = dict[str, Any]

CHECKS = 10
"""How often a measurement looks at the clock: a check must not cost what a short run costs."""


class ServedSession:
    """The system under test in this process, and the row that is open on it."""

    def __init__(self) -> None:
        self._ray: Any = None
        self._work: Any = None
        self._runs_per_second = 0.0

    def answer(self, request: dict[str, Any]) -> Answer:
        """Do what ``request`` asks; raises whatever the system under test raises."""
        does: dict[str, Callable[..., Answer]] = {
            "probe": self._probe,
            "first result": self._first_result,
            "actors": self._actors,
            "start": self._start,
            "open": self._open,
            "measure": self._measure,
            "close": self._close,
            "stop": self._stop,
        }
        return does[request.pop("do")](**request)

    def _probe(self, system: str) -> Answer:
        module = importlib.import_module(system)
        return {
            "version": str(getattr(module, "__version__", "?")),
            "python": platform.python_version(),
            "jupyterlab": importlib.util.find_spec("jupyterlab") is not None,
        }

    def _first_result(self, system: str) -> Answer:
        from .cold import first_result  # noqa: TID252

        self._ray, seconds = first_result(system)
        return {"seconds": seconds}

    def _actors(self) -> Answer:
        from .cold import fifty_actors  # noqa: TID252

        return {"seconds": fifty_actors(self._ray)}

    def _start(self, system: str) -> Answer:
        from .cold import start_system  # noqa: TID252

        self._ray = start_system(system)
        return {}

    def _open(self, row: str, quick: bool, seconds: float) -> Answer:
        from .rows import ROWS  # noqa: TID252
        from .work import Bench  # noqa: TID252

        self._close()
        self._work = ROWS[row].prepare(Bench(self._ray, quick))
        for _ in range(self._work.runs_before):
            self._work.run()
        runs, elapsed = self._run_for(seconds, step=1)
        self._runs_per_second = runs / elapsed
        return {}

    def _measure(self, seconds: float) -> Answer:
        step = max(1, math.ceil(self._runs_per_second * seconds / CHECKS))
        runs, elapsed = self._run_for(seconds, step)
        return {"rate": runs / elapsed * self._work.units}

    def _run_for(self, seconds: float, step: int) -> tuple[int, float]:
        run, runs = self._work.run, 0
        begin = now = time.perf_counter()
        while runs == 0 or now - begin < seconds:
            for _ in range(step):
                run()
            runs += step
            now = time.perf_counter()
        return runs, now - begin

    def _close(self) -> Answer:
        # The work's closure holds the row's actors and objects; they end with it.
        self._work = None
        gc.collect()
        return {}

    def _stop(self) -> Answer:
        self._close()
        if self._ray is not None:
            self._ray.shutdown()
        return {}


def serve(fd: int) -> None:
    """Answer requests on the socket ``fd`` until told to stop, or until the runner is gone."""
    os.set_inheritable(fd, False)  # the session's processes must not hold the runner's socket
    session = ServedSession()
    with socket.socket(fileno=fd) as sock, sock.makefile("r") as requests:
        for line in requests:
            request = json.loads(line)
            last = request["do"] == "stop"
            try:
                answer = {"ok": True, **session.answer(request)}
            except Exception as error:  # reported to the runner, whose row it is
                traceback.print_exc()
                answer = {"ok": False, "error": f"{type(error).__name__}: {error}"}
            sock.sendall(json.dumps(answer).encode() + b"\n")
            if last:
                break
