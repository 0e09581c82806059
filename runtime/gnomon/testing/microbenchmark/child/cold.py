"""Rows of a fresh process: the way to the first result, and fifty actors."""

from __future__ import annotations

import importlib
import time
from typing import Any

ACTORS = 50

# Ray must start a cluster of its own, even where another one is running.
_INIT_OPTIONS: dict[str, dict[str, Any]] = {"ray": {"address": "local"}}


def start_system(name: str) -> Any:
    """Import the system under test and start its session, with its own defaults."""
    ray = importlib.import_module(name)
    ray.init(**_INIT_OPTIONS.get(name, {}))
    return ray


def first_result(name: str) -> tuple[Any, float]:
    """Import, init and one task's result.

    Returns:
        The system's module, and the seconds it took.
    """
    begin = time.perf_counter()
    ray = start_system(name)

    def small_value() -> bytes:
        return b"ok"

    ray.get(ray.remote(small_value).remote())
    return ray, time.perf_counter() - begin


def fifty_actors(ray: Any) -> float:
    """Seconds until fifty new actors have all answered a call."""

    class Pupil:
        def present(self) -> bool:
            return True

    actor = ray.remote(num_cpus=0)(Pupil)
    begin = time.perf_counter()
    pupils = [actor.remote() for _ in range(ACTORS)]
    ray.get([pupil.present.remote() for pupil in pupils])
    return time.perf_counter() - begin
