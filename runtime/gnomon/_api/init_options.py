"""The arguments of ``init``: checked, with the machine's own values where none is given, and compared."""

from __future__ import annotations

import difflib
import math
import os
import warnings
from collections.abc import Mapping
from typing import Any, Final

from gnomon._api import checks, machine
from gnomon._engine.base import InitOptions
from gnomon.exceptions import UnsupportedOptionError
from gnomon.resources import to_units
from gnomon.settings import Settings, check_settings, from_environment

MEMORY_SHARE: Final = 0.7
"""Share of the machine's memory that tasks may ask for with ``memory=``; the store has the rest."""

_NO_DASHBOARD = "gnomon serves no dashboard on a port: use `%remote dashboard` in a notebook."


def _system_config(what: str, value: Any) -> None:
    checks.mapping(what, value)
    check_settings(value or {})


def _store_memory(what: str, value: Any) -> None:
    checks.memory(what, value)
    checks.whole(STORE_BYTES_MIN, " bytes")(what, value)


STORE_BYTES_MIN: Final = 1_000_000
"""The smallest object store: beside values it holds 128 KiB of the runtime's own."""

_OTHERS: Final = {
    **dict.fromkeys(("_temp_dir", "_node_name", "_object_spilling_directory"), "a session has a directory of its own"),
    **dict.fromkeys(("_node_ip_address", "_redis_username", "_redis_password", "_cluster_id", "proxy_server_url"),
                    "the processes of a session talk through sockets in its directory"),
    **dict.fromkeys(("_memory", "_driver_object_store_memory"), "use object_store_memory=... or resources={...} instead"),
    **dict.fromkeys(("_metrics_export_port", "_tracing_startup_hook"), "nothing is exported"),
    **dict.fromkeys(("enable_resource_isolation", "cgroup_path", "system_reserved_cpu", "system_reserved_memory"),
                    "resources are counted, not enforced by control groups"),
    "_enable_object_reconstruction": "lost results are computed again as max_retries=... of their tasks allows",
    "logging_config": "use logging_level=... and logging_format=... instead",
}  # fmt: skip
"""Arguments of Ray's ``init`` that can not be honoured, and why."""


def refuse_others(others: Mapping[str, Any], known: Mapping[str, Any]) -> None:
    """Refuse arguments that ``init`` does not have.

    Raises:
        TypeError: no such argument.
        UnsupportedOptionError: one of Ray's, with another value than the default.
    """
    for name, value in others.items():
        if name in _OTHERS:
            if value is not None and value is not False:
                raise UnsupportedOptionError(f"{name} of init()", _OTHERS[name])
            continue
        arguments = sorted({*known, "dashboard_host", "ignore_reinit_error"} - {"_system_config"})
        near = difflib.get_close_matches(name, arguments, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise TypeError(f"init() has no argument {name!r}.{hint} The arguments are: {', '.join(arguments)}.")


_CHECKS: Final[dict[str, checks.Check]] = {
    "num_cpus": checks.number,
    "num_gpus": checks.number,
    "resources": checks.custom_resources,
    "labels": checks.labels,
    "object_store_memory": _store_memory,
    "namespace": checks.text,
    "address": checks.text,
    "runtime_env": checks.mapping,
    "_system_config": _system_config,
}


def check_init(given: Mapping[str, Any]) -> None:
    """Check the arguments of ``init``, by name.

    Raises:
        TypeError: a wrong type.
        ValueError: a wrong value.
        UnsupportedOptionError: an argument that can not be honoured.
    """
    for name, check in _CHECKS.items():
        check(f"{name} of init()", given.get(name))
    _check_address(given)
    if given.get("runtime_env"):
        raise UnsupportedOptionError("runtime_env of init()", "environments are not available yet")
    if given.get("job_config") is not None:
        raise UnsupportedOptionError("job_config of init()", "give namespace=... to init() itself")


ENGINE_VARIABLE: Final = "GNOMON_ENGINE"
"""Environment variable that names the engine where ``init`` does not."""

ADDRESS_VARIABLE: Final = "GNOMON_ADDRESS"
"""Environment variable that names the cluster to join where ``init`` does not."""

_OF_THE_CLUSTER: Final = ("num_cpus", "num_gpus", "resources", "labels", "object_store_memory")


def cluster_address(given: Mapping[str, Any]) -> str | None:
    """The address of the cluster to join; None for a session of one's own."""
    address = given.get("address")
    if address is None and not _is_inline(given):
        address = os.environ.get(ADDRESS_VARIABLE) or None
    return None if address == "local" else address


def _is_inline(given: Mapping[str, Any]) -> bool:
    engine = given.get("engine") or os.environ.get(ENGINE_VARIABLE)
    return engine == "inline" or bool(given.get("local_mode"))


def _check_address(given: Mapping[str, Any]) -> None:
    address = cluster_address(given)
    if address is None:
        return
    if address != "auto" and not os.path.isabs(address):
        raise UnsupportedOptionError(
            "address of init()",
            f"{address!r} is no address of a cluster on this machine",
            "Give 'auto' for the newest cluster of yours, or the session directory that `gnomon start --head` "
            "prints; 'local' or no address starts a session of its own.",
        )
    if _is_inline(given):
        raise ValueError(f"engine='inline' runs in this process: it can not join address={address!r}.")
    for name in _OF_THE_CLUSTER:
        if given.get(name) is not None:
            raise ValueError(
                f"{name} of init() can not be given when joining a cluster (address={address!r}): what the cluster has was "
                "said to `gnomon start --head`. Leave it out, or leave the address out for a session of its own."
            )


def warn_of_hints(given: Mapping[str, Any]) -> None:
    """Tell about arguments that change nothing here."""
    if given.get("include_dashboard") or given.get("dashboard_port") is not None:
        warnings.warn(_NO_DASHBOARD, stacklevel=4)
    known = {"object_store_memory_mb", *Settings.__dataclass_fields__}
    unknown = sorted(set(given.get("_system_config") or {}) - known)
    if unknown:
        warnings.warn(f"_system_config: {', '.join(unknown)} mean nothing to gnomon.", stacklevel=4)


def init_options(given: Mapping[str, Any]) -> InitOptions:
    """The options to start an engine with, from checked arguments."""
    cpus, gpus = given.get("num_cpus"), given.get("num_gpus")
    cpus = machine.cpu_count() if cpus is None else cpus
    gpus = len(machine.gpu_ids()) if gpus is None else gpus
    visible = machine.visible_gpus()
    if visible is not None and gpus > len(visible):
        raise ValueError(
            f"num_gpus is {gpus:g}, but CUDA_VISIBLE_DEVICES names {len(visible)} ({', '.join(visible) or 'none'}): "
            "give at most as many, or unset the variable."
        )
    config = {**from_environment(os.environ), **(given.get("_system_config") or {})}
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
        gpus=tuple(visible or range(math.ceil(gpus))),
        address=cluster_address(given),
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
    started: Mapping[str, Any],
    options: InitOptions,
    engine: str,
    directory: str | None,
    given: Mapping[str, Any],
) -> dict[str, tuple[Any, Any]]:
    """What a second ``init`` asks for that the running session does not have.

    Args:
        started: the arguments that the session was started with.
        options: what came of them.
        engine: the running one's name.
        directory: of the running session.
        given: the arguments of the second call. What it does not name is no difference.
    """
    now = {name: started.get(name) for name in _COMPARED}
    for name in ("num_cpus", "num_gpus", "object_store_memory", "namespace"):
        now[name] = getattr(options, name)
    asked = {name: given.get(name) for name in _COMPARED}
    now["engine"], asked["engine"] = engine, given.get("engine")
    # "auto" is content with the session that there is
    if given.get("address") not in (None, "auto", "local", directory):
        now["address"], asked["address"] = directory, given["address"]
    # an empty dict asks for nothing, like None
    return {
        name: (now[name], new)
        for name, new in asked.items()
        if new is not None and new != {} and new != now[name]
    }
