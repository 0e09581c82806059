"""Entry by path: ``PYTHON start.py FD`` serves the microbenchmark's requests on the inherited socket ``FD``.

Nothing but the standard library may be imported before the first request: importing the system under test is
itself one of the things that are timed.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path

PACKAGE = "gnomon_microbenchmark_child"


def load_package() -> None:
    """Make this folder importable as :data:`PACKAGE`, whatever the interpreter has installed."""
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        PACKAGE, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    if spec is None or spec.loader is None:
        raise ImportError(f"can not load the microbenchmark from {folder}; is the installation complete?")
    module = importlib.util.module_from_spec(spec)
    sys.modules[PACKAGE] = module
    spec.loader.exec_module(module)


if __name__ == "__main__":
    # The folder itself must not be searched: its files' names are no module names.
    sys.path.pop(0)
    load_package()
    importlib.import_module(f"{PACKAGE}.serve").serve(int(sys.argv[1]))
