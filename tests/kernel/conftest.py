"""A shell in this process, for what needs no kernel, and real kernels, for what does: one a test, or one for a module."""

import atexit
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

import gnomon
import gnomon_kernel
from kernel.live_kernel import LiveKernel


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[InteractiveShell]:
    """An IPython shell without a kernel and without files outside ``tmp_path``."""
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.ipython_dir = str(tmp_path)
    config.InteractiveShell.colors = "nocolor"
    made = InteractiveShell.instance(config=config)
    yield made
    gnomon_kernel.unload_ipython_extension(made)
    made.atexit_operations()
    atexit.unregister(made.atexit_operations)
    InteractiveShell.clear_instance()


@pytest.fixture
def ip(shell: InteractiveShell) -> Iterator[InteractiveShell]:
    """A shell with the extension and a session on the inline engine."""
    shell.run_line_magic("load_ext", "gnomon")
    shell.run_line_magic("remote", "start --engine inline --cpus 2")
    yield shell
    gnomon.shutdown()


@pytest.fixture
def live_kernel() -> Iterator[LiveKernel]:
    """A real kernel with the extension loaded."""
    with LiveKernel() as kernel:
        kernel.run("%load_ext gnomon", cell="load").check()
        yield kernel


@pytest.fixture(scope="module")
def module_kernel() -> Iterator[LiveKernel]:
    """See ``shared_kernel``."""
    with LiveKernel() as kernel:
        kernel.run("%load_ext gnomon", cell="load").check()
        yield kernel


@pytest.fixture
def shared_kernel(module_kernel: LiveKernel) -> Iterator[LiveKernel]:
    """A real kernel with the extension loaded, no session, and no name of another test.

    To start one takes longer than most tests do. Only for tests that change nothing inside the extension; the
    numbers of cells go on, and so do ``Out`` and the last error.
    """
    yield module_kernel
    try:
        module_kernel.forget()
    except AssertionError:
        module_kernel.restart()
        raise
