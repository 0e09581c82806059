"""Losing values on purpose, for tests of what is done about losses."""

from __future__ import annotations

from gnomon.control import drop_object

__all__ = ["drop_object"]
