"""Static twin of the dashboard: the graph, the objects and the actors below each other."""

from __future__ import annotations

from gnomon_kernel.widgets import actors, graph, objects
from gnomon_kernel.widgets.static import Picture, Twin


def twin(picture: Picture) -> Twin:
    """All three views as text and as HTML; what does not occur is left out."""
    parts = [graph.twin(picture)]
    if picture.objects:
        parts.append(objects.twin(picture))
    if picture.actors:
        parts.append(actors.twin(picture))
    return Twin("\n".join(part.text for part in parts), "".join(part.html for part in parts))
