from __future__ import annotations

import sys
from pathlib import Path

# The programs these tests start import the tools by the same names.
sys.path.insert(0, str(Path(__file__).resolve().parent))
