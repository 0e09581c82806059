"""Starting and ending sessions."""

import logging

import cloudpickle
import pytest

import gnomon
from gnomon._api import init_options, machine, session
from gnomon._engine.inline import InlineEngine
from gnomon.exceptions import AlreadyInitializedError, UnsupportedOptionError
from gnomon.settings import from_environment


@gnomon.remote
def one():
    return 1


def test_the_first_use_starts_a_session(unstarted):
    assert not gnomon.is_initialized()
    assert gnomon.get(one.remote()) == 1
    assert gnomon.is_initialized()


def test_init_tells_about_the_session(unstarted):
    with gnomon.init(engine="inline", num_cpus=3, num_gpus=0, namespace="red") as context:
        assert context.address_info["engine"] == "inline"
        assert context["namespace"] == "red"
        assert "3 CPU" in repr(context)
        assert context._repr_html_().startswith("<code>gnomon session")
        assert gnomon.cluster_resources()["CPU"] == 3.0
    assert not gnomon.is_initialized()


def test_a_second_init_with_the_same_arguments_is_a_no_op(unstarted):
    first = gnomon.init(engine="inline", num_cpus=2, resources={"a": 1})
    engine = session.current
    for arguments in ({}, {"num_cpus": 2}, {"engine": "inline", "num_cpus": 2, "resources": {"a": 1}}):
        assert gnomon.init(**arguments).address_info == first.address_info
    assert session.current is engine


def test_a_second_init_with_other_arguments_shows_the_difference(unstarted):
    gnomon.init(engine="inline", num_cpus=2)
    with pytest.raises(AlreadyInitializedError) as caught:
        gnomon.init(engine="inline", num_cpus=4, namespace="red", resources={"a": 1})
    text = str(caught.value)
    assert text.startswith(
        "A session is running with other settings: num_cpus is 2, asked 4, resources is None"
    )
    assert text.endswith("or init(ignore_reinit_error=True) to keep the running session.")
    assert caught.value.differences["num_cpus"] == (2, 4)
    assert isinstance(caught.value, RuntimeError)
    gnomon.init(num_cpus=4, ignore_reinit_error=True)
    assert gnomon.cluster_resources()["CPU"] == 2.0


def test_shutdown_can_be_repeated_and_init_starts_anew(unstarted):
    gnomon.init(engine="inline")
    first = session.current
    gnomon.shutdown()
    gnomon.shutdown()
    gnomon.init(engine="inline")
    assert session.current is not first
    assert gnomon.get(one.remote()) == 1


@pytest.mark.parametrize(
    ("arguments", "kind", "text"),
    [
        ({"engine": "quantum"}, ValueError, "There is no engine 'quantum'; the engines are: inline, local."),
        ({"num_cpus": "2"}, TypeError, "num_cpus of init() must be a number, not '2' (str)."),
        ({"num_cpus": -1}, ValueError, "num_cpus of init() must be a finite number >= 0, not -1."),
        (
            {"resources": {"CPU": 2}},
            ValueError,
            "resources of init() may not hold 'CPU': use num_cpus=... instead.",
        ),
        ({"resources": ["a"]}, TypeError, "resources of init() must be a dict, not ['a'] (list)."),
        (
            {"object_store_memory": 0},
            ValueError,
            "object_store_memory of init() must be >= 1000000 bytes, not 0.",
        ),
        (
            {"address": "10.0.0.1:6379"},
            UnsupportedOptionError,
            "The option address of init() can not be honoured here",
        ),
        (
            {"job_config": object()},
            UnsupportedOptionError,
            "The option job_config of init() can not be honoured here",
        ),
        (
            {"engine": "inline", "runtime_env": {"pip": ["x"]}},
            UnsupportedOptionError,
            "The option runtime_env",
        ),
        ({"local_mode": True, "engine": "local"}, ValueError, "local_mode=True is engine='inline'"),
        ({"labels": {"a": 1}}, TypeError, "labels['a'] of init() must be a string, not 1 (int)."),
    ],
)
def test_wrong_arguments(unstarted, arguments, kind, text):
    with pytest.raises(kind) as caught:
        gnomon.init(**arguments)
    assert str(caught.value).startswith(text)
    assert not gnomon.is_initialized()


def test_unknown_arguments(unstarted):
    with pytest.raises(TypeError, match="num_cpu"):
        gnomon.init(num_cpu=2)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("memory_usage_threshold", 1.5, "memory_usage_threshold is 1.5, not a share of the memory"),
        ("memory_usage_threshold", "high", "not a share of the memory"),
        ("memory_monitor_refresh_ms", -1, "memory_monitor_refresh_ms is -1, not a number of milliseconds"),
        ("task_oom_retries", -2, "task_oom_retries is -2, not a number of retries"),
        ("min_spilling_size", True, "min_spilling_size is True, not a number of bytes"),
    ],
)
def test_settings_are_checked(name: str, value: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        gnomon.init(engine="inline", _system_config={name: value})


def test_settings_come_from_the_environment_too() -> None:
    given = {
        "GNOMON_MEMORY_USAGE_THRESHOLD": "0.8",
        "GNOMON_RECORD_CALL_SITES": "1",
        "GNOMON_ENGINE": "local",
    }
    assert from_environment(given) == {"memory_usage_threshold": 0.8, "record_call_sites": True}


@pytest.mark.parametrize(
    ("variable", "text", "told"),
    [
        ("GNOMON_TASK_OOM_RETRIES", "many", "GNOMON_TASK_OOM_RETRIES is 'many', not a whole number"),
        ("GNOMON_MEMORY_USAGE_THRESHOLD", "x", "not a number"),
        ("GNOMON_MEMORY_USAGE_THRESHOLD", "2", "memory_usage_threshold is 2.0, not a share"),
    ],
)
def test_settings_of_the_environment_are_checked(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str, told: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ValueError, match=told):
        gnomon.init(engine="inline")


def test_hints_are_warned_about(unstarted):
    with pytest.warns(UserWarning, match="%remote dashboard"):
        gnomon.init(engine="inline", include_dashboard=True)
    gnomon.shutdown()
    with pytest.warns(UserWarning, match="_system_config: raylet_heartbeat mean nothing"):
        gnomon.init(engine="inline", _system_config={"raylet_heartbeat": 1, "object_store_memory_mb": 3})
    assert session.current.info.store_capacity_bytes == 3 * 2**20


def test_logging(unstarted):
    logger = logging.getLogger("gnomon")
    before = logger.level
    try:
        gnomon.init(engine="inline", logging_level="warning", logging_format="%(message)s")
        assert logger.level == logging.WARNING
        assert logger.handlers
        gnomon.shutdown()
        gnomon.init(engine="inline", logging_level=logging.ERROR, configure_logging=False)
        assert logger.level == logging.WARNING
    finally:
        logger.setLevel(before)
        logger.handlers.clear()


def test_local_mode_is_inline(unstarted):
    gnomon.init(local_mode=True)
    assert session.current.name == "inline"


def test_an_adopted_engine(unstarted, monkeypatch):
    """As in a worker process: init changes nothing there, and shutdown does nothing."""
    monkeypatch.setattr(session._session, "adopted", False)
    engine = InlineEngine.start(init_options.init_options({"num_cpus": 1}))
    session.adopt(engine)
    assert gnomon.init(num_cpus=64)["session"] == engine.info.session
    assert gnomon.get(one.remote()) == 1
    with pytest.warns(UserWarning, match="inside a task does nothing"):
        gnomon.shutdown()
    assert session.current is engine
    monkeypatch.setattr(session._session, "adopted", False)


def test_remote_things_travel_and_start_afresh(inline):
    """A remote function forgets its session when it travels; one that calls itself may travel too."""

    @gnomon.remote(num_cpus=2)
    def countdown(n):
        return 0 if n == 0 else gnomon.get(countdown.remote(n - 1))

    assert gnomon.get(countdown.remote(3)) == 0
    copy = cloudpickle.loads(cloudpickle.dumps(countdown))
    assert copy._engine is None
    assert copy._template.engine_state is None
    assert copy._template.options == countdown._template.options
    assert gnomon.get(copy.remote(3)) == 0

    @gnomon.remote(max_restarts=2)
    class Twin:
        def another(self):
            return Twin.remote()

    again = cloudpickle.loads(cloudpickle.dumps(Twin))
    assert again._template.options.max_restarts == 2
    assert gnomon.get(again.remote().another.remote())


def test_a_handle_taken_up_before_there_is_a_session(unstarted):
    gnomon.init(engine="inline")

    @gnomon.remote
    class Counter:
        def read(self):
            return 5

    counter = Counter.remote()
    blob = cloudpickle.dumps(counter)
    engine = session.current
    session.current = None
    try:
        copy = cloudpickle.loads(blob)
    finally:
        session.current = engine
    assert copy == counter
    assert gnomon.get(copy.read.remote()) == 5


def test_what_the_machine_has(monkeypatch, tmp_path):
    assert machine.cpu_count() >= 1
    assert machine.memory_bytes() > 2**20
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert machine.gpu_ids() == ["3", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert machine.gpu_ids() == []
    monkeypatch.setattr(machine, "_CGROUP", tmp_path)
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    (tmp_path / "memory.max").write_text("1048576\n")
    assert machine.cpu_count() == 1
    assert machine.memory_bytes() == 1048576
