"""``%reload_ext gnomon`` keeps what was recorded; ``%unload_ext`` ends it."""

from __future__ import annotations

from kernel.live_kernel import LiveKernel

WORK = """
import threading, time
import gnomon
from gnomon import observe
gnomon.init(engine="inline")
def objects_of(run):
    return {row[0] for change in run.changes for row in change.get("objects", {}).get("rows", [])}
kept = gnomon.put(b"x" * 1000)
gone = gnomon.put(b"y" * 1000)
wanted = {kept.hex(), gone.hex()}
deadline = time.monotonic() + 60
while not wanted <= objects_of(observe.recording().run()):
    assert time.monotonic() < deadline
    threading.Event().wait(0.05)
del gone
"""


def test_a_reload_keeps_the_recording(live_kernel: LiveKernel) -> None:
    live_kernel.run(WORK).check()
    for _ in range(2):
        live_kernel.run("%reload_ext gnomon").check()
        live_kernel.run("assert wanted <= objects_of(observe.recording().run())").check()
    live_kernel.run("%remote stop").check()
    live_kernel.run("%reload_ext gnomon").check()
    live_kernel.run("assert wanted <= objects_of(observe.recording().run())").check()


def test_unloading_ends_the_recording_with_the_cell(live_kernel: LiveKernel) -> None:
    live_kernel.run(WORK).check()
    live_kernel.run("%unload_ext gnomon").check()
    threads = live_kernel.run("print([thread.name for thread in threading.enumerate()])").check().text()
    assert "gnomon-recording" not in threads
    live_kernel.run("assert not wanted <= objects_of(observe.recording().run())").check()
