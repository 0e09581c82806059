"""The contract suite on Ray itself: our expectations must be Ray's, or be listed here with a reason.

Run by hand, with a Python that has Ray, pytest and pytest-timeout (and need not have gnomon)::

    python tests/contract/against_ray.py                      # the whole suite
    python tests/contract/against_ray.py test_tasks.py -k get # pytest's own arguments

Inside, ``import gnomon`` is ``import ray``; ``pytest.raises(match=...)`` looks at the class alone, since the
sentences are ours. A test that can not pass on Ray is in ``DIFFERENCES`` with the reason, and must fail there
(strict): when Ray comes round, its row goes. One that never ends there, or not always alike, is in
``LEFT_OUT``. What the suite needs of gnomon's inside (the ledger) is not there on Ray: such tests ask for the
fixture ``objects_alive`` and are skipped. Not part of ``make test``.
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
    "test_queue.py::test_an_interrupted_consumer_takes_nothing": "interrupted by way of gnomon's own module",
    "test_queue.py::test_an_interrupted_producer_puts_nothing": "interrupted by way of gnomon's own module",
    "test_queue.py::test_shutdown": "ActorDiedError afterwards; there an AttributeError",
}
"""``file::test`` (without parameters) -> what gnomon does otherwise than Ray, and why."""

LEFT_OUT: dict[str, str] = {
    "test_actor_pool.py::test_map_drops_what_was_submitted_before": "there map_unordered() waits for it",
    "test_pool.py::test_work_goes_to_whoever_is_idle": "there chunks are dealt out beforehand",
    "test_pool.py::test_imap_unordered_gives_what_is_ready": "there chunks are dealt out beforehand",
    "test_pool.py::test_a_task_that_waits_for_a_pool_lends_its_cpus": "there it does not",
    "test_pool.py::test_the_end_of_a_with_block_terminates": "there imap() waits for ever",
    "test_queue.py::test_a_thousand_waiting_consumers_do_not_shut_out_a_producer": "there they do",
    "test_queue.py::test_who_waits_longest_is_first": "there who comes later overtakes now and then",
    "test_queue.py::test_a_cancelled_consumer_takes_nothing": "there the item is given to it, and lost",
    "test_queue.py::test_an_impatient_consumer_takes_nothing": "there the item that it gave up is lost",
}
"""The same for tests that never end on Ray, or now this way and now that."""

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
            key = f"{item.path.name}::{item.originalname}"
            if key in LEFT_OUT:
                item.add_marker(pytest.mark.skip(reason=LEFT_OUT[key]))
            if key in DIFFERENCES:
                item.add_marker(pytest.mark.xfail(reason=DIFFERENCES[key], strict=True))


def main(arguments: list[str]) -> int:
    """Run pytest on the suite; its exit code."""
    import pytest

    with tempfile.TemporaryDirectory() as folder:
        # workers import test modules by name, and those import gnomon
        Path(folder, "gnomon.py").write_text("import against_ray\nagainst_ray.install()\n")
        ini = Path(folder, "pytest.ini")
        ini.write_text("[pytest]\nxfail_strict = true\ntimeout = 200\n")
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
