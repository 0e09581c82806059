"""Bars of tasks and actors arrive where the driver is, on every engine."""

import gnomon
from gnomon.experimental import tqdm_ray
from gnomon.observe import hooks


def test_bars_of_tasks_and_actors(until):
    @gnomon.remote
    def load(number):
        for _ in tqdm_ray.tqdm(range(5), desc=f"task {number}"):
            pass

    @gnomon.remote
    class Loader:
        def load(self):
            with tqdm_ray.tqdm(total=5, desc="actor") as bar:
                bar.update(5)

    bars = hooks.Bars()
    hooks.set_output_sink(lambda lines: bars.update(lines.text) if lines.stream == "progress" else None)
    try:
        loader = Loader.remote()
        gnomon.get([load.remote(0), load.remote(1), loader.load.remote()])
        until(lambda: len(bars.lines()) == 3 and not bars.open)
        assert sorted(line.split(" [")[0] for line in bars.lines()) == [
            "actor: 100%|████████████████████| 5/5",
            "task 0: 100%|████████████████████| 5/5",
            "task 1: 100%|████████████████████| 5/5",
        ]
    finally:
        hooks.set_output_sink(None)
