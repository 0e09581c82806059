"""Static twin of the dashboard: all views below each other."""

from __future__ import annotations

from gnomon_kernel.widgets import actors, graph, nodes, objects, timeline
from gnomon_kernel.widgets.static import Picture, Twin


def twin(picture: Picture) -> Twin:
    """All views as text and as HTML; what does not occur is left out."""
    parts = [graph.twin(picture)]
    if any(picture.spans.rows):
        parts.append(timeline.twin(picture))
    if picture.objects:
        parts.append(objects.twin(picture))
    if picture.actors:
        parts.append(actors.twin(picture))
    if len(picture.nodes) > 1:  # of one alone the others tell all
        parts.append(nodes.twin(picture))
    return Twin("\n".join(part.text for part in parts), "".join(part.html for part in parts))
