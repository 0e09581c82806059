"""Static twin of the task graph: single tasks while they are few, one box a function beyond that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gnomon import observe
from gnomon_kernel.display import state_words
from gnomon_kernel.widgets.static import (
    STATE_COLOURS,
    STATE_MARKS,
    Picture,
    Twin,
    bar,
    label,
    link,
    rectangle,
    section,
    shortened,
    svg,
    table,
)

TASKS_DRAWN_MAX = 60
_TASKS_IN_COLUMN_MAX = 14
_FUNCTIONS_DRAWN_MAX = 40
_FUNCTIONS_IN_TEXT_MAX = 12

_BOX_WIDTH, _BOX_HEIGHT, _BOX_GAP_X, _BOX_GAP_Y = 170, 52, 60, 18
_TASK_STEP_X, _TASK_STEP_Y, _TASK_RADIUS = 100, 42, 9
_MARGIN = 12

_STATES = tuple(STATE_MARKS)


def twin(picture: Picture) -> Twin:
    """The graph as text and as HTML."""
    words = describe(picture)
    functions: Mapping[str, Mapping[str, int]] = picture.summary["functions"]
    lines = [
        f"  {shortened(name, 40)}: {state_words(counts)}"
        for name, counts in list(functions.items())[:_FUNCTIONS_IN_TEXT_MAX]
    ]
    if len(functions) > _FUNCTIONS_IN_TEXT_MAX:
        lines.append(f"  … and {len(functions) - _FUNCTIONS_IN_TEXT_MAX:,} more functions")
    drawing = draw(picture.graph, words) if picture.graph.states else ""
    listing = _counts_table(functions) if functions else ""
    return Twin("\n".join([words, *lines]), section(words, drawing + listing))


def describe(picture: Picture) -> str:
    """The counts in words, as the live view has them for screen readers."""
    counts: Mapping[str, int] = picture.summary["tasks"]
    return "task graph: " + ", ".join(f"{count} {state}" for state, count in counts.items())


def draw(graph: observe.Graph, words: str) -> str:
    """A picture from left to right: what takes a result stands right of what makes it."""
    depths = _depths(graph.deps)
    columns = _columns(depths)
    if len(depths) == graph.tasks_total <= TASKS_DRAWN_MAX and _tallest(columns) <= _TASKS_IN_COLUMN_MAX:
        return _draw_tasks(graph, columns, words)
    return _draw_functions(graph, words)


def _draw_tasks(graph: observe.Graph, columns: list[list[int]], words: str) -> str:
    height = 2 * _MARGIN + _TASK_STEP_Y * _tallest(columns)
    places: dict[int, tuple[float, float]] = {}
    for depth, column in enumerate(columns):
        top = (height - _TASK_STEP_Y * (len(column) - 1)) / 2
        for position, task in enumerate(column):
            places[task] = (_MARGIN + _TASK_STEP_X * (depth + 0.5), top + _TASK_STEP_Y * position - 6)
    parts: list[str] = []
    for task, deps in enumerate(graph.deps):
        x, y = places[task]
        for dep in deps:
            from_x, from_y = places[dep]
            parts.append(link(from_x + _TASK_RADIUS, from_y, x - _TASK_RADIUS, y))
    for task, (x, y) in places.items():
        state = _STATES[graph.states[task]]
        name = shortened(graph.names[graph.groups[task]], 12)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{_TASK_RADIUS}" fill="{STATE_COLOURS[state]}"/>')
        parts.append(label(x, y + 4, STATE_MARKS[state], 'fill="#fff" text-anchor="middle"'))
        parts.append(label(x, y + _TASK_RADIUS + 11, name, 'font-size="11" text-anchor="middle"'))
    return svg(2 * _MARGIN + _TASK_STEP_X * len(columns), height, words, parts)


def _draw_functions(graph: observe.Graph, words: str) -> str:
    edges = {
        (maker, taker): count
        for (maker, taker), count in graph.group_edges().items()
        if maker != taker and max(maker, taker) < _FUNCTIONS_DRAWN_MAX
    }
    size = min(len(graph.counts), _FUNCTIONS_DRAWN_MAX)
    # functions that take results of each other (a loop) are ordered by first use: earlier makes, later takes
    deps = [tuple(maker for maker in range(taker) if (maker, taker) in edges) for taker in range(size)]
    columns = _columns(_depths(deps))
    height = 2.0 * _MARGIN + (_BOX_HEIGHT + _BOX_GAP_Y) * _tallest(columns) - _BOX_GAP_Y
    places: dict[int, tuple[float, float]] = {}
    for depth, column in enumerate(columns):
        top = (height - (_BOX_HEIGHT + _BOX_GAP_Y) * len(column) + _BOX_GAP_Y) / 2
        for position, group in enumerate(column):
            x = _MARGIN + float(_BOX_WIDTH + _BOX_GAP_X) * depth
            places[group] = (x, top + (_BOX_HEIGHT + _BOX_GAP_Y) * position)
    parts: list[str] = []
    for (maker, taker), count in sorted(edges.items()):
        (x1, y1), (x2, y2) = places[maker], places[taker]
        weight = min(6.0, 1 + count.bit_length() / 3)
        parts.append(link(x1 + _BOX_WIDTH, y1 + _BOX_HEIGHT / 2, x2, y2 + _BOX_HEIGHT / 2, weight))
    for group, (x, y) in places.items():
        parts += _box(x, y, graph.names[group], dict(zip(_STATES, graph.counts[group], strict=True)))
    width = 2 * _MARGIN + (_BOX_WIDTH + _BOX_GAP_X) * len(columns) - _BOX_GAP_X
    return svg(width, height, words, parts)


def _box(x: float, y: float, name: str, counts: Mapping[str, int]) -> list[str]:
    total = sum(counts.values())
    failed = counts["failed"]
    words = f"{counts['done']:,} of {total:,} done" + (f", {failed:,} failed" if failed else "")
    frame = 'fill-opacity="0.06" stroke="#8a8f98" stroke-opacity="0.7" rx="4"'
    return [
        rectangle(x, y, _BOX_WIDTH, _BOX_HEIGHT, "#8a8f98", frame),
        label(x + 8, y + 16, shortened(name, 24), 'font-weight="bold"'),
        *bar(x + 8, y + 22, _BOX_WIDTH - 16, 8, counts),
        label(x + 8, y + 44, words, 'font-size="11"'),
    ]


def _counts_table(functions: Mapping[str, Mapping[str, int]]) -> str:
    shown = list(functions.items())[:_FUNCTIONS_DRAWN_MAX]
    rows = [(name, *(f"{counts[state]:,}" for state in _STATES)) for name, counts in shown]
    return table(["function", *_STATES], rows, len(functions) - len(shown))


def _depths(deps: Sequence[Sequence[int]]) -> list[int]:
    """One more than the deepest dependency; every task comes after what it depends on."""
    depths: list[int] = []
    for number, needed in enumerate(deps):
        depths.append(1 + max((depths[dep] for dep in needed if dep < number), default=-1))
    return depths


def _columns(depths: Sequence[int]) -> list[list[int]]:
    columns: list[list[int]] = [[] for _ in range(1 + max(depths, default=-1))]
    for number, depth in enumerate(depths):
        columns[depth].append(number)
    return columns


def _tallest(columns: Sequence[Sequence[int]]) -> int:
    return max((len(column) for column in columns), default=0)
