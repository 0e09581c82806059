"""``init(address=...)``: which addresses there are, and what can not be said beside one."""

import tempfile
from collections.abc import Iterator

import pytest

import gnomon
from gnomon.exceptions import AlreadyInitializedError, ClusterNotFoundError, UnsupportedOptionError


@pytest.fixture(autouse=True)
def _no_cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.delenv("GNOMON_ADDRESS", raising=False)
    monkeypatch.delenv("GNOMON_ENGINE", raising=False)
    with tempfile.TemporaryDirectory(
        prefix="gn-", dir="/tmp"
    ) as folder:  # short enough for sockets, else it is not used
        monkeypatch.setenv("TMPDIR", folder)
        yield
        gnomon.shutdown()


@pytest.mark.parametrize("address", ["auto", "/nothing/there"])
def test_no_cluster_is_a_connection_error_with_the_next_step(address: str) -> None:
    with pytest.raises(ConnectionError, match="gnomon start --head") as caught:
        gnomon.init(address)
    assert isinstance(caught.value, ClusterNotFoundError)
    assert caught.value.address == address
    assert not gnomon.is_initialized()


@pytest.mark.parametrize("address", ["127.0.0.1:6379", "ray://host:10001", "somewhere"])
def test_addresses_of_other_machines_are_refused(address: str) -> None:
    with pytest.raises(UnsupportedOptionError, match="is no address of a cluster on this machine"):
        gnomon.init(address)


@pytest.mark.parametrize(
    "argument",
    [
        {"num_cpus": 1},
        {"num_gpus": 0},
        {"resources": {"a": 1}},
        {"object_store_memory": 10**8},
        {"labels": {"a": "b"}},
    ],
)
def test_what_the_cluster_has_is_not_for_those_who_join(argument: dict[str, object]) -> None:
    (name,) = argument
    told = rf"{name} of init\(\) can not be given when joining a cluster \(address='auto'\)"
    with pytest.raises(ValueError, match=told):
        gnomon.init("auto", **argument)  # type: ignore[arg-type]


def test_the_inline_engine_joins_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="engine='inline' runs in this process"):
        gnomon.init("auto", engine="inline")
    monkeypatch.setenv("GNOMON_ADDRESS", "/nothing/there")
    for inline in ({"engine": "inline"}, {"local_mode": True}):
        gnomon.init(num_cpus=1, **inline)  # type: ignore[arg-type]
        gnomon.shutdown()
    monkeypatch.setenv("GNOMON_ENGINE", "inline")
    gnomon.init(num_cpus=1)
    assert gnomon.is_initialized()


def test_the_environment_names_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GNOMON_ADDRESS", "/nothing/there")
    with pytest.raises(ClusterNotFoundError, match="/nothing/there"):
        gnomon.init()
    with pytest.raises(ValueError, match="num_cpus of init.. can not be given"):
        gnomon.init(num_cpus=1)


def test_auto_is_content_with_the_session_that_runs() -> None:
    gnomon.init(engine="inline")
    gnomon.init("auto")
    gnomon.init("local")
    with pytest.raises(AlreadyInitializedError, match="address is None, asked '/nothing/there'"):
        gnomon.init("/nothing/there")
