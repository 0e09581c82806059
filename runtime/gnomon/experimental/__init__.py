"""Ray's experimental modules that gnomon has too."""

from __future__ import annotations

from gnomon.experimental import tqdm_ray

__all__ = ["tqdm_ray"]
