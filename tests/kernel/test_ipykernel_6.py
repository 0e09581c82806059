"""What depends on ipykernel, once more in version 6.29: output in its cell, interrupts, and views while a cell blocks.

That version is put into ``.make`` when it is first needed, beside the one that is installed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.live_kernel import ROOT, LiveKernel

# the tests run here, in this module's kernel
from kernel.test_error_cards import test_a_kernel_publishes_one_card_then_an_error_and_reports_the_failure  # noqa: F401
from kernel.test_interrupts import test_an_interrupted_cell_cancels_its_own_tasks  # noqa: F401
from kernel.test_output_routing import (  # noqa: F401
    gate,
    test_a_cell_that_runs_again_takes_over_its_output,
    test_four_workers_and_a_thousand_lines_each_are_all_accounted_for,
    test_late_output_is_in_its_own_cell_while_another_runs,
)
from kernel.test_panel import kernel, registered, test_live_while_a_cell_blocks  # noqa: F401
from kernel.test_progress import test_progress_in_a_kernel_is_one_output_rewritten  # noqa: F401
from kernel.test_session_in_kernel import (  # noqa: F401
    local_session,
    test_an_interrupt_ends_loops_that_never_return_to_python,
)
from kernel.test_tempo import test_a_view_holds_and_steps_and_frees_work_while_a_cell_waits  # noqa: F401

pytestmark = pytest.mark.slow

VERSION = "6.29.5"
FOLDER = ROOT / ".make" / f"ipykernel-{VERSION}"


def install() -> None:
    """Put the old version into its folder, with what the new one does not need any more."""
    made = FOLDER.with_name(f"{FOLDER.name}.{os.getpid()}")
    asked = [f"ipykernel=={VERSION}", "nest-asyncio>=1.6,<2"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(made), *asked]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=90)
        if not FOLDER.exists():
            made.rename(FOLDER)
    except subprocess.CalledProcessError as error:
        pytest.skip(f"ipykernel {VERSION} can not be had: {error.stderr.strip()[-200:]}")
    finally:
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="module", autouse=True)
def _old_ipykernel() -> Iterator[Path]:
    """Kernels that are started here are of the old version."""
    if not FOLDER.exists():
        install()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", os.pathsep.join([str(FOLDER), os.environ.get("PYTHONPATH", "")]))
        yield FOLDER


def test_it_is_the_old_version(live_kernel: LiveKernel) -> None:
    shown = live_kernel.run("import ipykernel\nipykernel.__version__").check().result()
    assert shown == repr(VERSION)
