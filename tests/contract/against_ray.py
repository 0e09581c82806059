"""The contract suite on Ray itself: our expectations must be Ray's, or be listed here with a reason.

Run by hand, with a Python that has Ray, pytest and pytest-timeout (and need not have gnomon)::

    python tests/contract/against_ray.py                      # the whole suite
    python tests/contract/against_ray.py test_tasks.py -k get # pytest's own arguments

Inside, ``import gnomon`` is ``import ray``; ``pytest.raises(match=...)`` looks at the class alone, since the
sentences are ours. A test that can not pass on Ray is in ``DIFFERENCES`` with the reason, and must fail there
(strict): when Ray comes round, its row goes. One that never ends there is in ``HANGS``, one that passes
now and then in ``SOMETIMES``. What the suite needs of gnomon's inside (the ledger) is not there on Ray: such tests ask
for the fixture ``objects_alive`` and are skipped. Not part of ``make test``.
"""

import importlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

LEFT_OUT = {
    "test_progress_bars.py": "looks into gnomon's hooks for notebooks",
    "test_joblib.py": "needs joblib",
}
"""Files that can not even be loaded on Ray."""

DIFFERENCES: dict[str, str] = {
    # actors
    "test_actor_ends.py::test_the_error_names_the_class": "errors have fields besides their text",
    "test_actor_ends.py::test_the_error_tells_the_limit": "errors have fields besides their text",
    "test_actor_ends.py::test_calls_that_run_when_an_async_actor_leaves_die_with_it": "there it waits for them, for ever",
    "test_actor_ends.py::test_cancelled_and_failed_calls_no_longer_count": "there cancelled calls count as pending",
    "test_actor_ends.py::test_without_a_limit[None]": "None is the default of every option",
    "test_actor_ends.py::test_is_canceled": "there it is not available in async actors",
    "test_actor_ends.py::test_an_async_actor_can_not_promise_an_order": "there the wrong promise is not refused",
    "test_actors.py::test_inheritance_and_super": "an actor class can be inherited from",
    "test_concurrency_groups.py::test_an_async_actor_limits_each_group": "one event loop for all groups: they share locks",
    "test_concurrency_groups.py::test_a_method_of_a_group_that_does_not_exist": "found when it is written",
    "test_concurrency_groups.py::test_a_call_in_a_group_that_does_not_exist": "found when it is written",
    **{
        f"test_concurrency_groups.py::test_wrong_groups[groups{number}-TypeError-{text}]": "groups can be set by .options()"
        for number, text in (
            (1, "must be an integer"),
            (2, "must be an integer"),
            (3, "must be an integer, not None"),
            (5, "names of the groups in concurrency_groups .* must be strings"),
            (6, "must be a dict"),
        )
    },
    "test_generators.py::test_async_methods_that_yield": "a sync method of an async actor may yield too",
    "test_generators.py::test_close_after_the_end": "there generators have no close()",
    # calls, values, errors
    "test_calls.py::test_only_options_by_name": "one kind of error for each wrong use of the decorator",
    "test_context.py::test_in_the_driver": "shorter ids",
    "test_context.py::test_names_of_tasks": "options can be chained",
    "test_context.py::test_the_name_of_a_methods_calls": "@method(name=...)",
    "test_context.py::test_what_there_is_not": "getters that Ray has in other versions",
    "test_context.py::test_timeline": "complete at once",
    "test_errors.py::test_an_error_has_the_arguments_of_its_cause": "there its one argument is the cause",
    "test_errors.py::test_an_error_tells_where_it_was_raised": "texts and fields are ours",
    "test_errors.py::test_infeasible_resources_say_what_there_is": "an error at once; there it is pending for ever",
    "test_errors.py::test_os_errors_keep_their_number": "what a class keeps in C comes along",
    "test_exceptions.py::test_an_error_can_be_raised_on_and_pickled": "there the user's own pickle refuses it",
    "test_exceptions.py::test_constructors_with_other_arguments": "there it can not be rebuilt: a constructor is called",
    "test_exceptions.py::test_errors_inside_actors": "likewise",
    "test_objects.py::test_as_completed_and_map_unordered": "wrong arguments are refused",
    "test_tasks.py::test_remote_as_a_call_and_the_underscore_form": "functions written in C can be remote",
    "test_serializers.py::test_results_and_captured_variables": "a registration holds in every process",
    "test_serializers.py::test_a_function_that_was_called_before": "a registration holds in every process",
    "test_serializers.py::test_nested_tasks": "a registration holds in every process",
    "test_serializers.py::test_wrong_registrations": "found when it is written",
    # pools, queues, graphs
    "test_queue.py::test_an_interrupted_consumer_takes_nothing": "looks into gnomon's module",
    "test_queue.py::test_an_interrupted_producer_puts_nothing": "looks into gnomon's module",
    "test_queue.py::test_shutdown": "a queue that was shut down says so",
    "test_actor_pool.py::test_timeout": "a negative timeout is an error",
    "test_actor_pool.py::test_a_late_result_can_be_ignored_out_of_order": "an UnboundLocalError there",
    "test_actor_pool.py::test_calls_with_several_results": "timeouts and get_next_unordered know lists of references too",
    "test_actor_pool.py::test_submissions_wait_for_an_actor": "has_next() counts them: there map() would silently drop them",
    "test_actor_pool.py::test_bad_input": "found when it is written; an actor is not lost to a function that raises",
    "test_dag.py::test_a_graph_does_not_change_afterwards": "lists that hold nodes are copied when they are bound",
    "test_dag.py::test_a_deep_graph": "no recursion over nodes",
    "test_dag.py::test_several_inputs": "DAGInputData has attributes too",
    "test_dag.py::test_wrong_input": "an input that is missing is an error of execute(), not of the tasks",
    "test_dag.py::test_wrong_arguments_are_found_when_they_are_bound": "there when they are executed",
    "test_dag.py::test_a_node_is_no_call": "a node can not be pickled; no _ray_cache_refs",
    "test_dag.py::test_texts": "texts are ours",
    "test_dag.py::test_it_is_imported_when_it_is_used": "of gnomon's own modules",
    "test_pool.py::test_apply": "kwds, the standard library's name, besides kwargs",
    "test_pool.py::test_exceptions_are_those_of_the_function": "their cause shows the traceback in the worker",
    "test_pool.py::test_callbacks": "get the values in order, and the exception itself, as in the standard library",
    "test_pool.py::test_a_callback_that_raises_hurts_nobody": "is logged",
    "test_pool.py::test_imap_raises_in_place_and_goes_on": "there the exception is returned as if it were a value",
    "test_pool.py::test_imap_of_an_iterable_that_raises": "the results before come first, as in the standard library",
    "test_pool.py::test_a_worker_that_dies_fails_its_chunk_alone": "it is replaced; there all that it gets from then on fails",
    "test_pool.py::test_sys_exit_in_a_worker_does_not_end_the_caller": "the worker is replaced",
    "test_pool.py::test_close_and_join": "join() does what imap() has not submitted yet, as in the standard library",
    "test_pool.py::test_terminate": "waits of imap() end too",
    "test_pool.py::test_bad_input": "found when it is written",
    "test_queue.py::test_an_empty_queue": "timeout=0 takes what is there; there it never does",
    "test_queue.py::test_a_full_queue": "timeout=0 puts where there is room; there it never does",
    "test_queue.py::test_bad_input": "found when it is written",
    "test_queue.py::test_batches": "any iterable",
}
"""``file::test`` (with its parameters, or for all of them) -> what gnomon does otherwise than Ray, and why."""

HANGS: dict[str, str] = {
    "test_actor_pool.py::test_map_drops_what_was_submitted_before": "there map_unordered() waits for it",
    "test_pool.py::test_work_goes_to_whoever_is_idle": "there chunks are dealt out beforehand",
    "test_pool.py::test_imap_unordered_gives_what_is_ready": "there chunks are dealt out beforehand",
    "test_pool.py::test_a_task_that_waits_for_a_pool_lends_its_cpus": "there it does not",
    "test_pool.py::test_the_end_of_a_with_block_terminates": "there imap() waits for ever",
    "test_generators.py::test_a_generator_that_nobody_holds_is_stopped": "there it runs on",
    "test_generators.py::test_an_async_generator_that_nobody_holds_is_stopped": "there it runs on",
    "test_generators.py::test_an_async_generator_that_swallows_its_cancellation_is_stopped": "there it runs on",
    "test_generators.py::test_cancel": "there the generator's own clean-up does not run",
    "test_generators.py::test_close": "there it runs on",
    "test_queue.py::test_a_thousand_waiting_consumers_do_not_shut_out_a_producer": "there they do",
    "test_queue.py::test_a_cancelled_consumer_takes_nothing": "there the item is given to it, and lost",
    "test_queue.py::test_an_impatient_consumer_takes_nothing": "there the item that it gave up is lost",
}
"""The same for tests that never end on Ray: they are left out."""

SOMETIMES: dict[str, str] = {
    "test_queue.py::test_who_waits_longest_is_first": "there who comes later overtakes now and then",
    "test_actors.py::test_kill_with_a_restart": "calls after kill() meet the next life; there they may meet the last",
    "test_objects.py::test_wait_splits_in_order": "the first ready ones of the list; there any",
    "test_actor_ends.py::test_max_pending_calls": "there a call counts a little longer than it runs",
    "test_concurrency.py::test_calls_of_an_async_actor_start_in_order": "there they start in any order",
}
"""The same for tests that pass there now and then."""

SUBMODULES = "util util.queue util.actor_pool util.multiprocessing util.multiprocessing.pool actor runtime_context exceptions dag"

# names of gnomon.exceptions that Ray does not have -> what Ray raises instead
EXCEPTIONS = {
    "GnomonError": "RayError",
    "TaskError": "RayTaskError",
    "ActorError": "RayActorError",
    "ActorNameTakenError": ValueError,
    "ActorHandleNotFoundError": ValueError,
    "SerializationError": TypeError,
    "UnsupportedOptionError": ValueError,
    "InfeasibleError": "TaskUnschedulableError",
    "ResultsMismatchError": ValueError,
    "DeadlockError": RuntimeError,
}


def install() -> None:
    """Let ``import gnomon`` be ``import ray`` in this process."""
    import ray

    sys.modules["gnomon"] = ray
    for name in SUBMODULES.split():
        sys.modules[f"gnomon.{name}"] = importlib.import_module(f"ray.{name}")
    pool = importlib.import_module("ray.util.multiprocessing.pool")
    for name in ("AsyncResult", "IMapIterator"):
        setattr(ray.util.multiprocessing, name, getattr(pool, name))
    for ours, theirs in EXCEPTIONS.items():
        found = theirs if isinstance(theirs, type) else getattr(ray.exceptions, theirs)
        setattr(ray.exceptions, ours, found)


class Plugin:
    """What pytest needs to run the suite here."""

    def pytest_configure(self, config: Any) -> None:
        import pytest

        raises = pytest.raises

        def of_class(expected: Any, *args: Any, match: Any = None, **kwargs: Any) -> Any:
            return raises(expected, *args, **kwargs)

        pytest.raises = of_class  # type: ignore[assignment]
        for marker in ("slow: long", "timeout: of one test"):
            config.addinivalue_line("markers", marker)

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        import pytest

        for item in items:
            exact = f"{item.path.name}::{item.name}".replace("[ray-", "[").replace("[ray]", "")
            for key in {exact, f"{item.path.name}::{item.originalname}"}:
                if key in HANGS:
                    item.add_marker(pytest.mark.skip(reason=f"never ends on Ray: {HANGS[key]}"))
                if key in SOMETIMES:
                    item.add_marker(pytest.mark.xfail(reason=SOMETIMES[key], strict=False))
                if key in DIFFERENCES:
                    item.add_marker(pytest.mark.xfail(reason=DIFFERENCES[key], strict=True))


def main(arguments: list[str]) -> int:
    """Run pytest on the suite; its exit code."""
    import pytest

    with tempfile.TemporaryDirectory() as folder:
        # workers import test modules by name, and those import gnomon
        Path(folder, "gnomon.py").write_text("import against_ray\nagainst_ray.install()\n")
        ini = Path(folder, "pytest.ini")
        ini.write_text("[pytest]\nxfail_strict = true\ntimeout = 100\n")
        path = [str(HERE), str(HERE.parent), folder]
        sys.path[:0] = path
        os.environ["PYTHONPATH"] = os.pathsep.join([*path, os.environ.get("PYTHONPATH", "")])
        os.environ["GNOMON_CONTRACT_ENGINES"] = "ray"
        os.environ.setdefault("RAY_DEDUP_LOGS", "0")
        sys.modules["against_ray"] = sys.modules[__name__]
        install()
        os.chdir(HERE)
        where = [] if any(each.split("::")[0].endswith(".py") for each in arguments) else [str(HERE)]
        where += [f"--ignore={HERE / name}" for name in LEFT_OUT]
        plain = ["-c", str(ini), "--rootdir", str(HERE.parent), "-p", "no:cacheprovider", "-q", "-rfEx"]
        return int(pytest.main([*plain, *where, *arguments], plugins=[Plugin()]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
