"""gnomon's zero check, loaded from its file: the contract suite also runs where ``import gnomon`` is Ray."""

import importlib.util
from pathlib import Path

_PATH = Path(__file__).resolve().parent.parent / "runtime" / "gnomon" / "testing" / "zero_check.py"
_SPEC = importlib.util.spec_from_file_location("zero_check_of_gnomon", _PATH)
assert _SPEC is not None
assert _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)

ALL = _MODULE.ALL
children = _MODULE.children
held = _MODULE.held
nothing_is_left = _MODULE.nothing_is_left
