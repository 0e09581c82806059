"""Where the live views' JavaScript is."""

from __future__ import annotations

from pathlib import Path

PATH = Path(__file__).parent.parent / "static" / "widget.js"
"""Built from ``labextension/src``; part of every wheel, absent in a Python-only installation."""
