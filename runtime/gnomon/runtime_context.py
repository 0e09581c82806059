"""Where the calling code runs, under Ray's module name."""

from __future__ import annotations

from gnomon._api.context import RuntimeContext, get_runtime_context

__all__ = ["RuntimeContext", "get_runtime_context"]
