"""One size, told in the same way wherever it is told."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell

import gnomon
from gnomon import observe


@pytest.mark.parametrize("engine", ["local", "inline"])
def test_the_store_has_the_size_that_was_asked_for(
    shell: InteractiveShell, capsys: pytest.CaptureFixture[str], engine: str
) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    shell.run_line_magic("remote", f"start --cpus 1 --memory 256MB --engine {engine}")
    try:
        assert f"gnomon started ({engine} engine): 1 CPU, store 256 MB, after" in capsys.readouterr().out
        shell.run_line_magic("remote", "status")
        shell.run_line_magic("remote", "memory")
        told = capsys.readouterr().out
        assert "1 CPU, store 256 MB\n" in told
        assert "of 256 MB used" in told
        assert repr(gnomon.init(ignore_reinit_error=True)).endswith("256 MB object store")
        assert gnomon.cluster_resources()["object_store_memory"] == 256_000_000
    finally:
        gnomon.shutdown()


@pytest.mark.parametrize("engine", ["local", "inline"])
def test_an_empty_store_is_empty_and_a_full_one_is_told_alike(engine: str) -> None:
    gnomon.init(engine=engine, num_cpus=1, object_store_memory=64_000_000)
    try:
        assert observe.memory().store_used_bytes == 0
        ref = gnomon.put(bytes(2_000_000))
        used = observe.memory().store_used_bytes
        assert 2_000_000 <= used < 2_020_000  # whole pages
        assert observe.summary()["objects"]["store_used_bytes"] == pytest.approx(used, rel=0.01)
        assert observe.summary()["objects"]["store_capacity_bytes"] == 64_000_000
        del ref
    finally:
        gnomon.shutdown()
