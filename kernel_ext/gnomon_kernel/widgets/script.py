"""Where the live views' JavaScript is: built from ``labextension/src``, absent in a Python-only installation."""

from __future__ import annotations

from pathlib import Path

PATH = Path(__file__).parent.parent / "static" / "widget.js"
"""What anywidget imports: a few lines that unpack the views' script, which lies beside it with the suffix ``.txt``."""
