"""Names that Ray has and gnomon does not: what to tell who looks for one. Imported when somebody does."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LIBRARY = "gnomon has Ray Core (tasks, actors, objects) and none of the libraries on top of it"
_ONE_MACHINE = "it belongs to the running of clusters of several machines"

_WHY = {
    "gnomon": {
        **dict.fromkeys(("data", "train", "tune", "serve", "rllib", "llm", "air", "workflow", "ml"), _LIBRARY),
        **dict.fromkeys(("autoscaler", "job_submission", "dashboard", "scripts"), _ONE_MACHINE),
        "client": "init(address=...) joins a cluster on this machine; there is no client of remote ones",
        "runtime_env": "environments are not available; workers use the packages and the folder of the driver",
        "LoggingConfig": "init(logging_level=..., logging_format=...) sets the log",
        "cpp_function": "tasks and actors are Python",
        "java_function": "tasks and actors are Python",
        "java_actor_class": "tasks and actors are Python",
        "Language": "tasks and actors are Python",
        "show_in_dashboard": "in a notebook `%remote dashboard` shows what runs; print() goes below the cell",
    },
    "gnomon.util": {
        **dict.fromkeys(
            ("placement_group", "remove_placement_group", "placement_group_table", "get_placement_group",
             "get_current_placement_group"),
            "gnomon has no placement groups; num_cpus=... and resources={...} say what a task or an actor needs",
        ),
        "scheduling_strategies": "leave scheduling_strategy out, or give it 'DEFAULT'",
        "collective": "pass arrays by reference (put, get): on one machine they are shared without a copy",
        "state": "nodes(), timeline() and util.list_named_actors() tell of a session; `gnomon status` of a cluster",
        "metrics": "in a notebook `%remote dashboard` shows what runs; keep counts of your own in an actor",
        "pdb": "print() from tasks is shown where they were submitted; init(engine='inline') runs them here",
        "rpdb": "print() from tasks is shown where they were submitted; init(engine='inline') runs them here",
        "tracing": "timeline() writes what ran when",
        **dict.fromkeys(("dask", "spark", "lightgbm", "xgboost", "sgd", "iter", "client", "accelerators"), _LIBRARY),
    },
}  # fmt: skip


def reason_of(module: str, name: str) -> str:
    """Why ``module`` does not have what Ray has under that name; "" if Ray has not either."""
    return _WHY[module].get(name, "")


def no_name(module: str, name: str, offered: Iterable[str]) -> AttributeError:
    """The error for a name that a module does not have.

    Args:
        module: "gnomon" or "gnomon.util".
        name: what was asked for.
        offered: its public names.
    """
    text = f"module {module!r} has no attribute {name!r}"
    if name.startswith("_"):  # asked by a library, not by a person
        return AttributeError(text)
    why = _WHY[module].get(name)
    if why is not None:
        return AttributeError(f"{text}: {why}.")
    near = difflib.get_close_matches(name, sorted(offered), 1)
    return AttributeError(f"{text}. Did you mean {near[0]!r}?" if near else text)
