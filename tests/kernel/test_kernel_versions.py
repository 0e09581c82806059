"""A kernel that would hang is told when the extension is loaded."""

import pytest

from gnomon_kernel.kernel_versions import hangs
from kernel.live_kernel import LiveKernel


@pytest.mark.parametrize("version", ["7.0.0", "7.0.0a1", "7.1.0", "7.2.5", "7.3.0"])
def test_kernels_that_hang(version: str) -> None:
    assert f"ipykernel {version}:" in hangs(version)
    assert "pip install 'ipykernel>=7.4'" in hangs(version)


@pytest.mark.parametrize("version", ["6.17.1", "6.29.5", "6.30.0", "7.4.0", "7.10.1", "8.0.0", ""])
def test_kernels_that_work(version: str) -> None:
    assert hangs(version) == ""


def test_the_extension_says_so_in_one_line() -> None:
    with LiveKernel() as kernel:
        kernel.run(
            "import ipykernel; version = ipykernel.__version__; ipykernel.__version__ = '7.1.0'"
        ).check()
        cell = kernel.run("%load_ext gnomon")
        assert cell.text("stderr").splitlines() == [f"UsageError: {hangs('7.1.0')}"]
        kernel.run("ipykernel.__version__ = version\n%load_ext gnomon\n%remote status").check()
