"""What tasks show, warn, log and draw, in a real kernel: as in the notebook itself, in the cell that submitted them."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from kernel.live_kernel import LiveKernel, RunningCell, environment

SETUP = """
import gnomon, logging, warnings
from IPython.display import HTML, display as imported_display

class Table:
    def __init__(self, n): self.n = n
    def __repr__(self): return f"table of {self.n}"
    def _repr_html_(self): return f"<b>table of {self.n}</b>"
    def _repr_png_(self): return b"not really a picture"
"""


@pytest.fixture(scope="module")
def session() -> Iterator[LiveKernel]:
    """One kernel for all: each test uses its own cells."""
    with LiveKernel() as kernel:
        kernel.run("%load_ext gnomon\n%remote start --cpus 2").check()
        kernel.run(SETUP).check()
        yield kernel
        kernel.run("%remote stop").check()


def bundles(cell: RunningCell) -> list[dict[str, Any]]:
    """What was displayed, without the progress of a wait that took long."""
    found = [content["data"] for content in cell.contents("display_data")]
    return [data for data in found if "jp-gnomon-progress" not in data.get("text/html", "")]


def test_display_in_a_remote_cell(session: LiveKernel) -> None:
    cell = session.run("%%remote\nprint('before')\ndisplay(Table(3))\nprint('after')\nNone").check()
    session.until(lambda: "after" in cell.text(), "the end of the cell's output")
    (bundle,) = bundles(cell)
    assert bundle["text/plain"] == "table of 3"
    assert bundle["text/html"] == "<b>table of 3</b>"
    assert bundle["image/png"] == "bm90IHJlYWxseSBhIHBpY3R1cmU="
    shown = [message["content"] for message in cell.messages if "Table" not in str(message)]
    order = [
        content.get("text") or content["data"]["text/plain"]
        for content in shown
        if content.get("name") == "stdout" or "image/png" in content.get("data", {})
    ]
    assert order == ["before\n", "table of 3", "after\n"]


@pytest.mark.parametrize(
    "body",
    [
        "display(HTML('<i>shown</i>'))",
        "imported_display(HTML('<i>shown</i>'))",
        "from IPython.display import display as local; local(HTML('<i>shown</i>'))",
        "import IPython; IPython.display.display(HTML('<i>shown</i>'))",
    ],
)
def test_display_in_a_task_by_whatever_name(session: LiveKernel, body: str) -> None:
    cell = session.run(f"@gnomon.remote\ndef show():\n    {body}\ngnomon.get(show.remote())").check()
    session.until(lambda: bundles(cell), "the display")
    assert [bundle["text/html"] for bundle in bundles(cell)] == ["<i>shown</i>"]


def test_a_display_is_rewritten_in_place(session: LiveKernel) -> None:
    code = (
        "@gnomon.remote\ndef grow():\n"
        "    handle = display(Table(0), display_id=True)\n"
        "    for n in (1, 2): handle.update(Table(n))\n"
        "gnomon.get(grow.remote())"
    )
    cell = session.run(code).check()

    def last() -> list[str]:
        return [data.get("text/html", "") for data in cell.displays().values()]

    session.until(lambda: "<b>table of 2</b>" in last(), "the last update")
    assert len(bundles(cell)) == 1


def test_what_a_task_clears_is_replaced(session: LiveKernel) -> None:
    code = (
        "from IPython.display import clear_output\n"
        "@gnomon.remote\ndef animate():\n"
        "    display(Table(0)); display(Table(1))\n"
        "    for n in range(2, 6):\n"
        "        clear_output(wait=True)\n"
        "        display(Table(n))\n"
        "gnomon.get(animate.remote())"
    )
    cell = session.run(code).check()

    def last() -> list[str]:
        found = [data for data in cell.displays().values() if "progress" not in data.get("text/html", "")]
        return [data["text/plain"] for data in found]

    session.until(lambda: last() == ["table of 5", ""], "the last picture, and an empty place")
    assert len(bundles(cell)) == 2


def test_an_actor_shows_in_the_cell_of_each_call(session: LiveKernel) -> None:
    session.run(
        "@gnomon.remote\nclass Painter:\n    def paint(self, n): display(Table(n))\npainter = Painter.remote()"
    ).check()
    cells = [session.run(f"gnomon.get(painter.paint.remote({n}))").check() for n in (5, 6)]
    session.until(lambda: all(map(bundles, cells)), "both displays")
    assert [bundle["text/plain"] for cell in cells for bundle in bundles(cell)] == [
        "table of 5",
        "table of 6",
    ]


def test_what_is_too_large_is_told(session: LiveKernel) -> None:
    cell = session.run("%%remote\ndisplay(HTML('x' * 5_000_000))\n1").check()
    session.until(lambda: bundles(cell), "what is shown in its place")
    (bundle,) = bundles(cell)
    assert "text/html" not in bundle
    assert "text/html of 5 MB" in bundle["text/plain"]


def test_a_last_expression_that_can_not_be_sent_is_as_rich(session: LiveKernel) -> None:
    cell = session.run("%%remote\nimport threading\nt = Table(7)\nt.lock = threading.Lock()\nt").check()
    (result,) = cell.contents("execute_result")
    assert result["data"]["text/html"] == "<b>table of 7</b>"
    assert result["data"]["text/plain"] == "table of 7"


def test_warnings_and_logging(session: LiveKernel) -> None:
    code = (
        "@gnomon.remote\ndef complain():\n"
        "    warnings.warn('take care')\n"
        "    logging.getLogger('mine').warning('heard of')\n"
        "    logging.getLogger('mine').info('not heard of')\n"
        "gnomon.get(complain.remote())"
    )
    cell = session.run(code).check()
    other = session.run("pass").check()
    session.until(lambda: "heard of" in cell.text("stderr"), "what was logged")
    lines = cell.text("stderr").splitlines()
    assert any(line.endswith("UserWarning: take care") for line in lines)
    assert lines[-1].startswith("(complain, ")
    assert lines[-1].endswith(") heard of")
    assert "not heard of" not in cell.text("stderr")
    assert not other.text("stderr")


def test_threads_of_a_task_print_in_its_name(session: LiveKernel) -> None:
    code = (
        "@gnomon.remote\ndef many():\n"
        "    from concurrent.futures import ThreadPoolExecutor\n"
        "    with ThreadPoolExecutor(2) as pool: list(pool.map(print, ['one', 'two']))\n"
        "gnomon.get(many.remote())"
    )
    cell = session.run(code).check()
    session.until(lambda: cell.text().count("\n") == 2, "both lines")
    assert {line.partition(", pid")[0] for line in cell.text().splitlines()} == {"(many"}


@pytest.mark.parametrize("module", ["tqdm", "tqdm.auto", "tqdm.notebook"])
def test_bars_of_tqdm(session: LiveKernel, module: str) -> None:
    pytest.importorskip("tqdm")
    code = (
        f"import warnings; warnings.simplefilter('ignore')\nfrom {module} import tqdm\n"
        "@gnomon.remote\ndef work():\n"
        "    for n in tqdm(range(300), desc='load', mininterval=0): pass\n"
        "    print('worked')\n"
        "gnomon.get(work.remote())"
    )
    cell = session.run(code).check()

    def shown() -> str:
        return "\n".join(data["text/plain"] for data in cell.displays().values())

    session.until(lambda: "300/300" in shown(), "the full bar")
    session.until(lambda: "worked" in cell.text(), "what is printed after it")
    assert "load: 100%|" in shown()
    assert "load" not in cell.text("stderr")
    assert len(bundles(cell)) == 1


def test_display_in_a_script_prints() -> None:
    code = (
        "import gnomon\n"
        "@gnomon.remote\ndef f():\n"
        "    from IPython.display import HTML\n    display([1, 2], HTML('no terminal shows this'))\n"
        "gnomon.init(num_cpus=1)\ngnomon.get(f.remote())\ngnomon.shutdown()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, timeout=100
    )
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first.startswith("(f pid ")
    assert first.endswith(") [1, 2]")
    assert "<IPython.core.display.HTML object>" in second
