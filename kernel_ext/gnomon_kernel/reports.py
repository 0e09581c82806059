"""``%remote report``: the run as one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from IPython.core.error import UsageError

from gnomon import exceptions, observe
from gnomon.resources import size_words
from gnomon_kernel.display import say


def write(options: argparse.Namespace) -> None:
    """Write a report and say what it is.

    Raises:
        UsageError: there is no session to tell of, or the file can not be written.
    """
    try:
        target = observe.report(Path(options.file).expanduser(), replace=options.replace)
    except (exceptions.NotInitializedError, ValueError, OSError) as error:
        raise UsageError(f"%remote report: {error}") from None
    if target.suffix.lower() == ".json":
        what = "a Chrome trace: open it in ui.perfetto.dev or chrome://tracing"
    else:
        what = "one page that needs no network: open it in a browser, and move the slider"
    say(f"gnomon: wrote {target} ({size_words(target.stat().st_size)}), {what}")
