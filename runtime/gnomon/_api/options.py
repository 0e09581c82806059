"""Options of tasks, actors and methods: which there are, what each may be, and what they mean.

All are checked when they are written (at decoration and in ``.options``), so that a typing error is seen in
the line that holds it. An option that gnomon knows but can not honour yet raises, it is never ignored.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from typing import Any, Final

from gnomon._api import checks
from gnomon._api.checks import Check
from gnomon._engine.base import DYNAMIC, STREAMING, ActorOptions, TaskOptions
from gnomon.resources import Resources, to_units

MAX_RETRIES_DEFAULT: Final = 3
"""Extra attempts of a task after its worker's death, as in Ray."""

ACCELERATOR_SHARE: Final = 0.001
"""What a task with ``accelerator_type`` takes of the node's resource of that name, as in Ray."""

_NO_GROUPS = "placement groups are not available yet"
_ONE_PER_YIELD = checks.not_yet(1, why="each yield of a generator is one object", kind=checks.whole(1))
_NO_TENSORS = "tensors travel through the object store; there is no other transport"

_without_end = checks.whole(-1, " (-1 is without end)")


_GENERATORS: Final[dict[Any, int]] = {"streaming": STREAMING, "dynamic": DYNAMIC}


def _num_returns(what: str, value: Any) -> None:
    if value is None or (isinstance(value, str) and value in _GENERATORS):
        return
    allowed = f'{what} must be an integer >= 0, "streaming" or "dynamic", not {checks.shown(value)}.'
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(allowed)
    if isinstance(value, str) or value < 0:
        raise ValueError(allowed)


def _ahead(what: str, value: Any) -> None:
    checks.whole(-1, " (-1 is without limit)")(what, value)
    if value == 0:
        raise ValueError(
            f"{what} must be >= 1, not 0: with 1 each item is made when the one before it was taken; "
            "-1 is without limit."
        )


def _retry_exceptions(what: str, value: Any) -> None:
    if value is None or isinstance(value, bool):
        return
    if not isinstance(value, list | tuple):
        raise TypeError(f"{what} must be True, False or a list of exceptions, not {checks.shown(value)}.")
    for each in value:
        if not (isinstance(each, type) and issubclass(each, BaseException)):
            raise TypeError(f"{what} may only hold exception classes, not {checks.shown(each)}.")


def _gpus(what: str, value: Any) -> None:
    checks.amount(what, value)
    if value is not None and value > 1 and value != int(value):
        raise ValueError(f"{what} above 1 must be a whole number, not {value!r}.")


def _strategy(what: str, value: Any) -> None:
    if isinstance(value, str) and value not in ("DEFAULT", "SPREAD"):
        raise ValueError(f"{what} must be 'DEFAULT', 'SPREAD' or a strategy object, not {value!r}.")
    checks.not_yet("DEFAULT", "SPREAD", why="only 'DEFAULT' and 'SPREAD' are available yet")(what, value)


def _dicts(what: str, value: Any) -> None:
    if value is not None and not (isinstance(value, list) and all(isinstance(each, dict) for each in value)):
        raise TypeError(f"{what} must be a list of dicts, not {checks.shown(value)}.")


_PLACEMENT: Final[dict[str, Check]] = {
    "num_cpus": checks.amount,
    "num_gpus": _gpus,
    "resources": checks.custom_resources,
    "accelerator_type": checks.string,
    "memory": checks.memory,
    "object_store_memory": checks.not_yet(
        0, why="the store of a node is shared by all of its tasks", kind=checks.whole(0)
    ),
    "runtime_env": checks.not_yet(
        {}, why="environments of single tasks are not available yet", kind=checks.mapping
    ),
    "scheduling_strategy": _strategy,
    "label_selector": checks.not_yet({}, why="labels are not available yet", kind=checks.labels),
    "fallback_strategy": checks.not_yet([], why="labels are not available yet", kind=_dicts),
    "placement_group": checks.not_yet("default", why=_NO_GROUPS),
    "placement_group_bundle_index": checks.not_yet(-1, why=_NO_GROUPS, kind=checks.whole(-1)),
    "placement_group_capture_child_tasks": checks.not_yet(False, why=_NO_GROUPS, kind=checks.flag),
    "enable_task_events": checks.flag,
    "_metadata": checks.mapping,
    "_labels": checks.labels,
}

TASK_CHECKS: Final[dict[str, Check]] = {
    **_PLACEMENT,
    "num_returns": _num_returns,
    "max_calls": checks.whole(0, " (0 is without limit)"),
    "max_retries": _without_end,
    "retry_exceptions": _retry_exceptions,
    "name": checks.string,
    "_generator_backpressure_num_objects": _ahead,
    "_num_objects_per_yield": _ONE_PER_YIELD,
}

ACTOR_CHECKS: Final[dict[str, Check]] = {
    **_PLACEMENT,
    "max_restarts": _without_end,
    "max_task_retries": _without_end,
    "max_concurrency": checks.whole(1),
    "concurrency_groups": checks.groups,
    "max_pending_calls": checks.whole(-1, " (-1 and 0 are without a limit)"),
    "name": checks.text,
    "namespace": checks.string,
    "get_if_exists": checks.flag,
    "lifetime": checks.one_of(None, "detached", "non_detached"),
    "allow_out_of_order_execution": checks.flag,
    "enable_tensor_transport": checks.not_yet(False, why=_NO_TENSORS, kind=checks.flag),
    "_actor_generator_backpressure_num_objects": checks.not_yet(
        -1, why="limits are set per generator: _generator_backpressure_num_objects", kind=checks.whole(-1)
    ),
}

METHOD_CHECKS: Final[dict[str, Check]] = {
    "num_returns": _num_returns,
    "max_task_retries": _without_end,
    "retry_exceptions": _retry_exceptions,
    "concurrency_group": checks.text,
    "name": checks.string,
    "enable_task_events": checks.flag,
    "tensor_transport": checks.not_yet("object_store", why=_NO_TENSORS, kind=checks.text),
    "_generator_backpressure_num_objects": _ahead,
    "_num_objects_per_yield": _ONE_PER_YIELD,
}

DECORATOR_ONLY: Final = frozenset({"max_calls"})
"""What ``.options`` can not change, as in Ray."""


def check_options(table: Mapping[str, Check], given: Mapping[str, Any], of: str) -> None:
    """Check options by their table.

    Args:
        table: one of the tables of this module.
        given: what the user wrote.
        of: whose they are, for the sentence.

    Raises:
        ValueError: an unknown option, or a wrong value.
        TypeError: a value of a wrong type.
        UnsupportedOptionError: it can not be honoured.
    """
    for name, value in given.items():
        check = table.get(name)
        if check is None:
            offered = sorted(each for each in table if not _hidden(each, table[each]))
            near = difflib.get_close_matches(name, offered, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            belongs = _owners(name)
            raise ValueError(
                f"{of} has no option {name!r}.{belongs}{hint} The options are: {', '.join(offered)}."
            )
        check(f"{name} of {of}", value)


def _owners(name: str) -> str:
    """Whose option it is, for who has given it to something else."""
    tables = {"remote functions": TASK_CHECKS, "actor classes": ACTOR_CHECKS, "methods": METHOD_CHECKS}
    owners = [owner for owner, table in tables.items() if name in table]
    return f" That is an option of {' and '.join(owners)}." if owners else ""


def _hidden(name: str, check: Check) -> bool:
    """Whether an option is not offered to who looks for one: Ray's own, or one that is refused."""
    return name.startswith("_") or isinstance(check, checks.NotYet)


def check_generator(given: Mapping[str, Any], generator: bool, of: str) -> None:
    """Check that what is to stream its items yields any.

    Raises:
        ValueError: it is no generator function.
    """
    wanted = given.get("num_returns")
    if wanted in _GENERATORS and not generator:
        raise ValueError(
            f"num_returns={wanted!r} of {of} needs a generator function: one that yields its results."
        )


def num_returns(given: Mapping[str, Any], generator: bool) -> int:
    """``num_returns`` as the engines take it: by default a generator streams, and all else has one result."""
    wanted = given.get("num_returns")
    if wanted is None:
        return STREAMING if generator else 1
    count: int = _GENERATORS.get(wanted, wanted)
    return count


def task_options(given: Mapping[str, Any], generator: bool = False) -> TaskOptions:
    """Checked options of a task, with the defaults in place of None.

    Args:
        given: what the user wrote.
        generator: the function yields.
    """
    cpus = given.get("num_cpus")
    return TaskOptions(
        num_returns=num_returns(given, generator),
        resources=_resources(given, 1 if cpus is None else cpus),
        max_retries=_or(given.get("max_retries"), MAX_RETRIES_DEFAULT),
        retry_exceptions=retry_rule(given.get("retry_exceptions")),
        name=given.get("name") or "",
        max_calls=_or(given.get("max_calls"), 0),
        backpressure=_backpressure(given),
        spread=given.get("scheduling_strategy") == "SPREAD",
    )


def actor_options(given: Mapping[str, Any]) -> ActorOptions:
    """Checked options of an actor, with the defaults in place of None.

    An actor without any resource option is placed where 1 CPU is free and then holds none; one that names a
    GPU or a resource of the user's holds that for life, and 1 CPU unless ``num_cpus`` says otherwise.
    """
    cpus = given.get("num_cpus")
    special = any(given.get(name) is not None for name in ("num_gpus", "resources", "accelerator_type"))
    if cpus is None:
        cpus = 1 if special else 0
    held = _resources(given, cpus)
    placement = held if special or given.get("num_cpus") is not None else _resources(given, 1)
    return ActorOptions(
        resources=held,
        placement_resources=placement,
        max_restarts=_or(given.get("max_restarts"), 0),
        max_task_retries=_or(given.get("max_task_retries"), 0),
        max_concurrency=given.get("max_concurrency"),
        name=given.get("name"),
        namespace=given.get("namespace"),
        get_if_exists=bool(given.get("get_if_exists")),
        lifetime=given.get("lifetime"),
        concurrency_groups=dict(given.get("concurrency_groups") or {}),
        max_pending_calls=_or(given.get("max_pending_calls"), -1),
        out_of_order=bool(given.get("allow_out_of_order_execution")),
        spread=given.get("scheduling_strategy") == "SPREAD",
    )


def method_fields(given: Mapping[str, Any]) -> dict[str, Any]:
    """Checked options of a method as fields of a ``MethodTemplate``; only those that were given."""
    fields = {
        name: value
        for name, value in given.items()
        if value is not None and name in {"max_task_retries", "concurrency_group"}
    }
    if given.get("num_returns") is not None:
        fields["num_returns"] = num_returns(given, False)
    if given.get("_generator_backpressure_num_objects") is not None:
        fields["backpressure"] = _backpressure(given)
    if given.get("name"):
        fields["task_name"] = given["name"]
    if given.get("retry_exceptions") is not None:
        fields["retry_exceptions"] = retry_rule(given["retry_exceptions"])
    return fields


def retry_rule(value: Any) -> bool | tuple[type[BaseException], ...]:
    """``retry_exceptions`` as the engines take it."""
    return tuple(value) if isinstance(value, list | tuple) else bool(value)


def _resources(given: Mapping[str, Any], cpus: float) -> Resources:
    amounts = {"CPU": cpus, "GPU": given.get("num_gpus") or 0, "memory": given.get("memory") or 0}
    amounts.update(given.get("resources") or {})
    if given.get("accelerator_type"):
        amounts[f"accelerator_type:{given['accelerator_type']}"] = ACCELERATOR_SHARE
    return to_units(amounts)


def _backpressure(given: Mapping[str, Any]) -> int:
    """0 for no limit, which Ray writes as -1."""
    return max(0, _or(given.get("_generator_backpressure_num_objects"), -1))


def _or(value: int | None, default: int) -> int:
    return default if value is None else value
