"""The arguments of ``init``: checked, with the machine's own values where none is given, and compared."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from typing import Any, Final

from gnomon._api import checks, machine
from gnomon._engine.base import InitOptions
from gnomon.exceptions import UnsupportedOptionError
from gnomon.resources import to_units
from gnomon.settings import Settings

MEMORY_SHARE: Final = 0.7
"""Share of the machine's memory that tasks may ask for with ``memory=``; the store has the rest."""

SPILLING_SETTINGS: Final = frozenset({"min_spilling_size", "object_spilling_config"})

_NO_DASHBOARD = "gnomon serves no dashboard on a port: use `%remote dashboard` in a notebook."


def check_init(given: Mapping[str, Any]) -> None:
    """Check the arguments of ``init``, by name.

    Raises:
        TypeError: a wrong type.
        ValueError: a wrong value.
        UnsupportedOptionError: an argument that can not be honoured.
    """
    checks.number("num_cpus", given.get("num_cpus"))
    checks.number("num_gpus", given.get("num_gpus"))
    checks.custom_resources("resources", given.get("resources"))
    checks.labels("labels", given.get("labels"))
    checks.whole(1)("object_store_memory", given.get("object_store_memory"))
    checks.text("namespace", given.get("namespace"))
    checks.text("address", given.get("address"))
    checks.mapping("runtime_env", given.get("runtime_env"))
    checks.mapping("_system_config", given.get("_system_config"))
    if given.get("address") not in (None, "local", "auto"):
        raise UnsupportedOptionError("address", "joining a cluster of other processes is not available yet")
    if given.get("runtime_env"):
        raise UnsupportedOptionError("runtime_env", "environments are not available yet")
    if given.get("job_config") is not None:
        raise UnsupportedOptionError("job_config", "give namespace=... and runtime_env=... to init itself")


def warn_of_hints(given: Mapping[str, Any]) -> None:
    """Tell about arguments that change nothing here."""
    if given.get("include_dashboard") or given.get("dashboard_port") is not None:
        warnings.warn(_NO_DASHBOARD, stacklevel=4)
    known = {"object_store_memory_mb", *SPILLING_SETTINGS, *Settings.__dataclass_fields__}
    unknown = sorted(set(given.get("_system_config") or {}) - known)
    if unknown:
        warnings.warn(f"_system_config: {', '.join(unknown)} mean nothing to gnomon.", stacklevel=4)


def init_options(given: Mapping[str, Any]) -> InitOptions:
    """The options to start an engine with, from checked arguments."""
    cpus, gpus = given.get("num_cpus"), given.get("num_gpus")
    cpus = machine.cpu_count() if cpus is None else cpus
    gpus = len(machine.gpu_ids()) if gpus is None else gpus
    config = dict(given.get("_system_config") or {})
    store = given.get("object_store_memory")
    megabytes = config.pop("object_store_memory_mb", None)
    if store is None and megabytes is not None:
        store = int(megabytes) * 1024 * 1024
    amounts: dict[str, float] = {
        "CPU": cpus,
        "GPU": gpus,
        "memory": int(machine.memory_bytes() * MEMORY_SHARE),
        **(given.get("resources") or {}),
    }
    return InitOptions(
        num_cpus=cpus,
        num_gpus=gpus,
        resources=to_units(amounts),
        namespace=given.get("namespace") or f"anonymous-{os.urandom(8).hex()}",
        object_store_memory=store,
        log_to_driver=given.get("log_to_driver") is not False,
        labels=dict(given.get("labels") or {}),
        runtime_env=dict(given.get("runtime_env") or {}),
        settings=config,
    )


_COMPARED: Final = (
    "num_cpus", "num_gpus", "resources", "labels", "object_store_memory", "namespace", "runtime_env",
    "_system_config",
)  # fmt: skip


def differences(
    started: Mapping[str, Any], options: InitOptions, engine: str, given: Mapping[str, Any]
) -> dict[str, tuple[Any, Any]]:
    """What a second ``init`` asks for that the running session does not have.

    Args:
        started: the arguments that the session was started with.
        options: what came of them.
        engine: the running one's name.
        given: the arguments of the second call. What it does not name is no difference.
    """
    now = {name: started.get(name) for name in _COMPARED}
    for name in ("num_cpus", "num_gpus", "object_store_memory", "namespace"):
        now[name] = getattr(options, name)
    asked = {name: given.get(name) for name in _COMPARED}
    now["engine"], asked["engine"] = engine, given.get("engine")
    # an empty dict asks for nothing, like None
    return {
        name: (now[name], new)
        for name, new in asked.items()
        if new is not None and new != {} and new != now[name]
    }
