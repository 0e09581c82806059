"""What the live views cost, measured in a real browser: ``make bench-views``, or ``python -m lab.measure_views``.

The speed of the work is taken on a screen as people have them, the notebook and all six views beside each other in it;
the rest with the views in cells of one tall page, each as large as it gets there.

Each figure stands beside what the views promise. Nothing here is a test: on a machine that is busy with something
else the figures mean little, so its load is printed with them. Runs with and without views take turns, each in
a session of its own: of the first tasks of a session more have rows than of later ones.

The page listens (``views_probe.js``); the kernel takes the time of the work; neither knows what is promised.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import psutil

from lab.lab_driver import LabPage, lab_page, lab_server, open_browser

NOTEBOOK = "measure.ipynb"
VIEWS = ("graph", "timeline", "objects", "actors", "nodes")
PARTS = ("speed", "hidden", "frames", "actors", "memory")
MESSAGE_BYTES_MAX = 64 * 1024
HEAP_ROUNDS = 7
HEAP_GROWTH_MAX = 300_000
"""Bytes a round that the views may add to what JupyterLab itself keeps of each cell that runs."""
WAIT_S = 300.0
PROCESSES = {"browser": "chrom", "kernel": "ipykernel", "server": "jupyter"}
EXECUTE = """async code => {
  const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
  const reply = await kernel.requestExecute({ code }).done;
  if (reply.content.status !== 'ok') { throw new Error(reply.content.evalue); }
}"""
WORK = """
before, begun = processor_s(), time.perf_counter()
references = [nothing.remote() for _ in range({tasks})]
gnomon.get(references)
took, after = time.perf_counter() - begun, processor_s()
print(json.dumps([took, {{kind: after[kind] - before[kind] for kind in after}}]))
del references, before, after, begun, took
"""
SETUP = """
%load_ext gnomon
import asyncio, collections, gnomon, json, pathlib, psutil, time
import gnomon_kernel.widgets as widgets

def processor_s():
    used = collections.defaultdict(float)
    for pid, kind in json.loads(pathlib.Path("processes.json").read_text()):
        times = psutil.Process(pid).cpu_times()
        used[kind] += times.user + times.system
    return used

@gnomon.remote
def nothing(): pass
@gnomon.remote
def load(number): return number
@gnomon.remote
def parse(number): return number
@gnomon.remote
def join(*numbers): return sum(numbers)

@gnomon.remote(num_cpus=0)
class Trainer:
    watch = ("step", "loss")
    def __init__(self): self.step, self.loss = 0, 1.0
    async def train(self, steps, pause_s):
        for _ in range(steps):
            self.step += 1
            self.loss = 1 / self.step
            await asyncio.sleep(pause_s)
"""
FRESH = "%remote stop\n%remote start --cpus 2\n_ = gnomon.get([nothing.remote() for _ in range(100)])"
SCREEN = (1920, 1080)
TALL_PAGE = (1800, 3400)
ROOM = (
    ("graph", "split-right", ""),
    ("objects", "split-right", "graph"),
    ("timeline", "split-bottom", "graph"),
    ("nodes", "split-bottom", "timeline"),
    ("actors", "split-bottom", "objects"),
)
"""Tabs of the main area: the view, and on which side of what it is; "" is the notebook."""
OPEN_ROOM = """async room => {
  const { shell, commands } = window.jupyterapp;
  const ids = { '': shell.currentWidget.id };
  for (const [view, mode, beside] of room) {
    const tab = await commands.execute('gnomon:open-view', { view });
    shell.add(tab, 'main', { mode, ref: ids[beside] });
    ids[view] = tab.id;
  }
  shell.activateById(ids['']);
}"""
CLOSE_ROOM = """() => {
  const { shell } = window.jupyterapp;
  [...shell.widgets('main')].filter(tab => tab.id.startsWith('gnomon-view-')).forEach(tab => tab.dispose());
  shell.collapseLeft();
}"""
GRAPH = """
loads = [load.remote(number) for number in range(4_000)]
parsed = [parse.remote(each) for each in loads]
joined = [join.remote(*parsed[at:at + 2]) for at in range(0, 4_000, 2)]
_ = gnomon.get(joined)
"""
ACTORS = """
trainers = [Trainer.remote() for _ in range({actors})]
training = [each.train.remote({steps}, 0.01) for each in trainers]
"""


@dataclass
class Figure:
    """One line of the table. ``held`` is None for what is only told."""

    name: str
    value: str
    promised: str = ""
    held: bool | None = None


@dataclass
class Bench:
    """A page with the notebook, and what has been found so far."""

    lab: LabPage
    tasks: int
    pairs: int
    figures: list[Figure] = field(default_factory=list)

    def tell(self, name: str, value: str, promised: str = "", held: bool | None = None) -> None:
        """Add a line to the table; it is printed at once too, since the whole takes minutes."""
        self.figures.append(Figure(name, value, promised, held))
        print(f"  {name}: {value}", file=sys.stderr, flush=True)

    def run(self, cell: str) -> str:
        """Run a cell and return what it printed; an error ends the benchmark."""
        self.lab.run(cell)  # waits for the kernel's answer, and asks the page nothing meanwhile
        if failures := self.lab.failures(cell):
            raise RuntimeError(f"The cell {cell!r} failed: {failures}")
        return "".join(o.get("text", "") for o in self.lab.outputs(cell) if o["output_type"] == "stream")

    def probe(self, call: str) -> Any:
        """Ask the page."""
        return self.lab.page.evaluate(f"() => window.gnomonProbe.{call}")

    def open_views(self, *names: str) -> None:
        """Show views in cells, and the side panel; returns when all are live."""
        for name in names:
            self.run(name)
        self._open_panel(len(names))

    def open_room(self) -> None:
        """Show all views beside the notebook, in tabs and the side panel; returns when all are live."""
        self.lab.page.evaluate(OPEN_ROOM, ROOM)
        self._open_panel(len(ROOM))

    def _open_panel(self, others: int) -> None:
        self.lab.command("gnomon:open-panel")
        live = (
            "count => [...document.querySelectorAll('.jp-gnomon-status')]"
            ".filter(each => each.dataset.status === 'live').length === count"
        )
        self.lab.page.wait_for_function(live, arg=others + 1, timeout=WAIT_S * 1000)

    def close_room(self) -> None:
        """No view is left beside the notebook."""
        self.lab.page.evaluate(CLOSE_ROOM)

    def resize(self, size: tuple[int, int]) -> None:
        """Give the page another width and height, in pixels."""
        self.lab.page.set_viewport_size({"width": size[0], "height": size[1]})

    def close_views(self) -> None:
        """No view is left on the page."""
        self.run("close")
        self.lab.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
        self.lab.command("notebook:clear-all-cell-outputs")

    def work(self) -> tuple[float, dict[str, float]]:
        """Run the tasks: how long they took, and what they and the page have used of the processors meanwhile.

        Both in seconds; of the kernel, of JupyterLab's server, of the browser, and of all others of ours.
        """
        known = []
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                command = " ".join(process.cmdline())
                kind = next((kind for kind, part in PROCESSES.items() if part in command), "cluster")
                known.append((process.pid, kind))
        (self.lab.server.folder / "processes.json").write_text(json.dumps(known), encoding="utf-8")
        took, used = json.loads(self.run("work").strip().splitlines()[-1])
        return took, used

    def heap_bytes(self) -> int:
        """What the page's scripts hold, after a collection."""
        session = self.lab.page.context.new_cdp_session(self.lab.page)
        session.send("HeapProfiler.collectGarbage")
        used = int(session.send("Runtime.getHeapUsage")["usedSize"])
        session.detach()
        return used


def cells(tasks: int, actors: int, steps: int) -> dict[str, str]:
    """The notebook's cells by id. Work stands above the views, so that all of them fit into the page."""
    return {
        "setup": SETUP,
        "fresh": FRESH,
        "work": WORK.format(tasks=tasks),
        "fill": GRAPH,
        "train": ACTORS.format(actors=actors, steps=steps),
        "trained": "_ = gnomon.get(training)",
        "close": "widgets.close_all()",
        **{name: f"%remote {name}" for name in VIEWS},
        **{f"no-{name}": "print('no view')" for name in VIEWS},
        "end": "\n" * 200,
    }


# ------------------------------------------------------------------------------------- what is measured


def measure_speed(bench: Bench) -> None:
    """Empty tasks with all views and without, in turn; and what travelled meanwhile."""
    bench.resize(SCREEN)
    speeds: dict[bool, list[float]] = {False: [], True: []}
    travelled: list[dict[str, Any]] = []
    cpu_s: dict[bool, list[dict[str, float]]] = {False: [], True: []}
    for number in range(bench.pairs):
        for views in (False, True) if number % 2 == 0 else (True, False):
            bench.run("fresh")
            if views:
                bench.open_room()
            bench.probe("take()")
            took_s, used_s = bench.work()
            speeds[views].append(bench.tasks / took_s)
            cpu_s[views].append(used_s)
            if views:
                travelled += bench.probe("take()")
                bench.close_room()
    bench.resize(TALL_PAGE)
    ratios = [seen / unseen for seen, unseen in zip(speeds[True], speeds[False], strict=True)]
    ratio = statistics.median(speeds[True]) / statistics.median(speeds[False])
    for views, name in ((False, "without views"), (True, "with all views")):
        told = ", ".join(f"{speed:,.0f}" for speed in speeds[views])
        bench.tell(f"{bench.tasks:,} empty tasks {name}, tasks/s", told)
    bench.tell("  pair by pair", ", ".join(f"{each:.1%}" for each in ratios))
    bench.tell("  speed with all views, of that without", f"{ratio:.1%}", ">= 95 %", ratio >= 0.95)
    tell_cpu(bench, cpu_s)
    tell_messages(bench, travelled)


def tell_cpu(bench: Bench, cpu_s: dict[bool, list[dict[str, float]]]) -> None:
    """Processor time while the tasks ran: the steadiest figure on a machine that does other things too."""
    middle = {
        views: {kind: statistics.median(each[kind] for each in rounds) for kind in rounds[0]}
        for views, rounds in cpu_s.items()
    }
    for views, name in ((False, "without views"), (True, "with all views")):
        told = ", ".join(f"{kind} {used:.2f}" for kind, used in sorted(middle[views].items()))
        bench.tell(f"  processor time {name}, s", f"{told}; all {sum(middle[views].values()):.2f}")
    more = ", ".join(
        f"{kind} {middle[True][kind] - used:+.2f}" for kind, used in sorted(middle[False].items())
    )
    bench.tell("  processor time for the views, s", more)


def tell_messages(bench: Bench, travelled: list[dict[str, Any]]) -> None:
    """Rate and size, the worst of all rounds for each view."""
    for name in dict.fromkeys(view["name"] for view in travelled):
        rates, sizes = [], []
        for view in travelled:
            if view["name"] == name:
                times = [moment for moment, _ in view["messages"]]
                sizes += [size for _, size in view["messages"]]
                if len(times) > 1:
                    rates.append((len(times) - 1) / (times[-1] - times[0]))
        rate, largest = max(rates, default=0.0), max(sizes)
        held = rate <= 5 and largest <= MESSAGE_BYTES_MAX
        told = (
            f"{rate:.2f}/s, largest {largest / 1024:.1f} KB, middle {statistics.median(sizes) / 1024:.1f} KB"
        )
        bench.tell(f"  messages to {name}", told, "<= 5/s, <= 64 KB", held)


def measure_memory(bench: Bench) -> None:
    """What the page holds after each of several rounds; the same cells run without views, and with all of them."""
    growth: dict[bool, float] = {}
    for views in (False, True):
        heaps: list[int] = []
        for _ in range(HEAP_ROUNDS):
            bench.run("fresh")
            if views:
                bench.open_views(*VIEWS)
            else:
                for name in VIEWS:
                    bench.run(f"no-{name}")
            bench.work()
            bench.close_views()
            heaps.append(bench.heap_bytes())
        settled = heaps[2:]  # the first ones leave something behind for good
        growth[views] = (settled[-1] - settled[0]) / (len(settled) - 1)
        told = ", ".join(f"{heap / 1e6:.1f}" for heap in heaps)
        bench.tell(f"heap of the page after each round {'with all' if views else 'without'} views, MB", told)
    more = growth[True] - growth[False]
    bench.tell(
        "  growth a round with views, of that without, MB",
        f"{growth[True] / 1e6:.2f}, {growth[False] / 1e6:.2f}",
        f"<= {HEAP_GROWTH_MAX / 1e6} more",
        more <= HEAP_GROWTH_MAX,
    )


def measure_hidden(bench: Bench) -> None:
    """Messages while 10,000 tasks run and nobody can see the views."""
    hide = {
        "scrolled out of sight": "document.querySelector('.jp-WindowedPanel-outer').scrollTop = 1e6",
        "in a hidden page": (
            "Object.defineProperty(document, 'visibilityState', {value: 'hidden', configurable: true});"
            "document.dispatchEvent(new Event('visibilitychange'))"
        ),
    }
    show = {
        "scrolled out of sight": "document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0",
        "in a hidden page": (
            "delete document.visibilityState; document.dispatchEvent(new Event('visibilitychange'))"
        ),
    }
    paused = (
        "() => [...document.querySelectorAll('.jp-OutputArea .jp-gnomon-status')]"
        ".every(each => each.dataset.status === 'paused')"
    )
    bench.run("fresh")
    bench.open_views(*VIEWS)
    bench.lab.page.evaluate("() => window.jupyterapp.shell.collapseLeft()")
    for how in hide:
        bench.lab.page.evaluate(f"() => {{ {hide[how]} }}")
        bench.lab.page.wait_for_function(paused, timeout=WAIT_S * 1000)
        bench.lab.page.wait_for_timeout(1000)  # what was on its way
        bench.probe("take()")
        # not by running a cell: JupyterLab would scroll to it
        bench.lab.page.evaluate(EXECUTE, "_ = gnomon.get([nothing.remote() for _ in range(10_000)])")
        count = sum(len(view["messages"]) for view in bench.probe("take()"))
        bench.tell(f"messages to 5 views {how}, and to a closed side panel", str(count), "none", count == 0)
        bench.lab.page.evaluate(f"() => {{ {show[how]} }}")
    bench.close_views()


def measure_frames(bench: Bench) -> None:
    """Frames while a picture of 10,000 tasks is zoomed and moved."""
    bench.run("fresh")
    bench.open_views("graph", "timeline")
    bench.run("fill")
    done = r"[1-9]\d{3,} done"
    bench.lab.wait_for_label('.jp-OutputArea [aria-label^="task graph:"]', done, WAIT_S)
    for name in ("task graph", "timeline"):
        selector = f'.jp-OutputArea canvas[aria-label^="{name}:"]'
        moved = bench.probe(f"move({json.dumps(selector)}, 240)")
        tell_frames(bench, f"{name} of 10,000 tasks, zoomed and moved", moved)
    bench.lab.page.get_by_role("button", name="tasks", exact=True).first.click()
    selector = '.jp-OutputArea canvas[aria-label^="task graph:"]'
    tell_frames(
        bench,
        "task graph, its latest 300 tasks one by one",
        bench.probe(f"move({json.dumps(selector)}, 240)"),
    )
    bench.close_views()


def tell_frames(bench: Bench, name: str, moved: dict[str, list[float]]) -> None:
    """Pictures a second: the views limit themselves to 30."""
    gaps, draws = sorted(moved["gaps"]), moved["draws"]
    rate = (len(draws) - 1) / (draws[-1] - draws[0]) * 1000 if len(draws) > 1 else 0.0
    late = gaps[int(len(gaps) * 0.95)]
    told = (
        f"{rate:.1f} drawn/s; page's frames {1000 / statistics.mean(gaps):.0f}/s, 95 % within {late:.0f} ms"
    )
    bench.tell(name, told, "> 20/s", rate > 20)


def measure_actors(bench: Bench, actors: int, steps: int) -> None:
    """Watched fields that change 100 times a second."""
    bench.run("fresh")
    bench.open_views("actors")
    bench.run("train")
    label = rf"actors: {actors} alive"
    bench.lab.wait_for_label('.jp-OutputArea [aria-label^="actors:"]', label, WAIT_S)
    value = ".jp-OutputArea .jp-gnomon-watched-field:first-child .jp-gnomon-watched-value"
    many = f"() => document.querySelectorAll('{value}').length === {actors}"
    bench.lab.page.wait_for_function(many, timeout=WAIT_S * 1000)
    bench.probe("take()")
    seconds = 8
    changes = bench.probe(f"watch({json.dumps(value)}, {seconds * 1000})")
    views = bench.probe("take()")
    bench.run("trained")
    exact = f"() => [...document.querySelectorAll('{value}')].every(each => each.title === '{steps}')"
    bench.lab.page.wait_for_function(exact, timeout=WAIT_S * 1000)
    rate = max(changes) / seconds
    told = f"at most {rate:.1f}/s, middle {statistics.median(changes) / seconds:.1f}/s; last value exact"
    bench.tell(f"{actors} actors, 100 steps/s each: shown", told, "<= 5/s, exact", rate <= 5.05)
    tell_messages(bench, views)
    bench.close_views()


# ------------------------------------------------------------------------------------- the whole


@contextlib.contextmanager
def bench_page(tasks: int, pairs: int, actors: int, steps: int) -> Iterator[Bench]:
    """A page tall enough for all views in cells at once."""
    with tempfile.TemporaryDirectory() as home:
        folder = Path(home) / "notebooks"
        folder.mkdir()
        notebook = nbformat.v4.new_notebook(
            cells=[
                nbformat.v4.new_code_cell(text, id=name) for name, text in cells(tasks, actors, steps).items()
            ],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, folder / NOTEBOOK)
        with (
            lab_server(Path(home) / "jupyter", folder) as server,
            open_browser() as browser,
            lab_page(browser, server, *TALL_PAGE) as page,
        ):
            page.open(NOTEBOOK)
            page.page.evaluate((Path(__file__).parent / "views_probe.js").read_text(encoding="utf-8"))
            page.page.evaluate("() => window.gnomonProbe.listen()")
            bench = Bench(page, tasks, pairs)
            bench.run("setup")
            yield bench
            bench.lab.page.evaluate("() => window.gnomonProbe.take()")


def table(figures: list[Figure]) -> str:
    """The figures as aligned text."""
    verdict = {None: "", True: "held", False: "MISSED"}
    rows = [(each.name, each.value, each.promised, verdict[each.held]) for each in figures]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return "\n".join(
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main() -> int:
    """Measure, and print the table. Returns how many promises were missed."""
    parser = argparse.ArgumentParser(description="What the live views cost, in a real browser.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--tasks", type=int, default=100_000, help="empty tasks in each round")
    parser.add_argument("--pairs", type=int, default=5, help="rounds with views, and as many without")
    parser.add_argument("--actors", type=int, default=50)
    options = parser.parse_args()
    parts = options.parts or PARTS
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"there is no part {unknown[0]!r}; use some of: {', '.join(PARTS)}")
    steps = 2_000
    before = os.getloadavg()[0]
    measurers: dict[str, Callable[[Bench], None]] = {
        "speed": measure_speed,
        "hidden": measure_hidden,
        "frames": measure_frames,
        "actors": lambda bench: measure_actors(bench, options.actors, steps),
        "memory": measure_memory,
    }
    with bench_page(options.tasks, options.pairs, options.actors, steps) as bench:
        for part in parts:
            measurers[part](bench)
    figures = bench.figures
    print(
        f"\n{os.cpu_count()} CPUs; load {before:.1f} before, {os.getloadavg()[0]:.1f} after\n\n{table(figures)}"
    )
    return sum(each.held is False for each in figures)


if __name__ == "__main__":
    sys.exit(main())
