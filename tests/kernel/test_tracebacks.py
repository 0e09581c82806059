"""Errors end at the line that was typed; those that are bugs of ours show all."""

from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

import gnomon
from gnomon_kernel.tracebacks import shorten


def shown(ip: InteractiveShell, capsys: Any, code: str) -> str:
    """What a cell's error looks like."""
    capsys.readouterr()
    ip.run_cell(f"import gnomon\n{code}")
    written = capsys.readouterr()
    return str(written.out + written.err)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("gnomon.get_actor('nobody')", "There is no living actor named 'nobody'"),
        ("gnomon.get(3)", "get() takes a reference"),
        ("gnomon.wait(3)", "wait() takes a list"),
        ("gnomon.put(gnomon.put(1))", "put() takes a value"),
        ("gnomon.kill(3)", "kill() takes the handle"),
        ("gnomon.cancel(3)", "cancel() takes"),
        ("gnomon.remote(num_cpu=1)(print)", "Did you mean 'num_cpus'?"),
        ("gnomon.remote(lambda x: x).remote()", "misses 'x'"),
        ("gnomon.remote(lambda: 1).remote().x", "has no attribute 'x'"),
        ("gnomon.tune", "has no attribute 'tune'"),
        ("from gnomon.util.queue import Queue\nQueue(maxsize=-1).get_nowait()", "no item"),
    ],
)
def test_no_frames_of_ours(ip: InteractiveShell, capsys: Any, code: str, told: str) -> None:
    text = shown(ip, capsys, code)
    assert told in text
    assert "/gnomon/" not in text
    assert "gnomon" in text or "got at In [1], line 3: Queue(" in text


def test_a_callback_of_the_users_is_shown(ip: InteractiveShell, capsys: Any) -> None:
    text = shown(ip, capsys, "class A:\n    def __reduce__(self): raise OSError('mine')\ngnomon.put(A())")
    assert "mine" in text
    assert "__reduce__" in text


def test_what_is_no_raise_of_ours_shows_all() -> None:
    with pytest.raises(AttributeError) as caught:
        gnomon.util.get_node_ip_address(3)  # type: ignore[arg-type]
    shorten(caught.value)
    assert [entry.path.name for entry in caught.traceback] == ["test_tracebacks.py", "__init__.py"]


def test_unloading_gives_the_shells_own_back(shell: InteractiveShell) -> None:
    shell.run_line_magic("load_ext", "gnomon")
    assert "showtraceback" in vars(shell)
    shell.run_line_magic("unload_ext", "gnomon")
    assert "showtraceback" not in vars(shell)
