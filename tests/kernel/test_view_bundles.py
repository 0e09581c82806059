"""What a view publishes for front ends that are not here: widget where they can draw it, else picture and table, else text."""

from __future__ import annotations

import pytest

from gnomon_kernel import widgets
from kernel.feed_kernel import FeedKernel, feed_kernel

WIDGET = "application/vnd.jupyter.widget-view+json"

COLAB = """
import sys, types
colab, output = types.ModuleType("google.colab"), types.ModuleType("google.colab.output")
enabled = []
output.enable_custom_widget_manager = lambda: enabled.append(True)
colab.output = output
sys.modules |= {"google": types.ModuleType("google"), "google.colab": colab, "google.colab.output": output}
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory: pytest.TempPathFactory):
    """A kernel that takes itself for one of Colab's."""
    with feed_kernel() as kernel:
        kernel.run(COLAB)
        kernel.let_draw(tmp_path_factory.mktemp("script"))
        yield kernel


def bundles(kernel: FeedKernel, view: str) -> list[dict[str, object]]:
    """The data of what showing a view publishes: live view, then twin."""
    kernel.run(f"widgets.show({view!r})")
    live = kernel.wait_for(lambda message: WIDGET in message["content"].get("data", {}))
    twin = kernel.wait_for(lambda message: "text/html" in message["content"].get("data", {}))
    return [live["content"]["data"], twin["content"]["data"]]


def test_every_view_has_a_widget_a_drawing_and_a_text(kernel):
    kernel.run("engineer.submit('square')")
    for view in widgets.VIEWS:
        live, twin = bundles(kernel, view)
        # VS Code, Colab and Notebook find the widget by its model, and what can not says what this is
        assert live[WIDGET]["version_major"] == 2
        assert live["text/plain"] == f"gnomon: live {view}"
        # the twin needs nothing from the network, and no script
        assert set(twin) == {"text/plain", "text/html"}
        assert "<script" not in twin["text/html"]
        assert "http" not in twin["text/html"].replace("http://www.w3.org/2000/svg", "")
        assert twin["text/plain"]


def test_colab_is_told_to_draw_widgets_of_others(kernel):
    assert bundles(kernel, "graph")
    kernel.run("assert enabled, 'anywidget asks Colab for its manager of custom widgets'")
