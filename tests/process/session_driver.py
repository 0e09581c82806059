"""A driver in a process of its own, to be killed: starts a session, says so, and waits for ever.

Usage: session_driver.py NOTES PLAN [fork]
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from process_tools import make_config

from gnomon._shell import lifeline
from gnomon._shell.session_process import start_session


def main() -> None:
    notes, plan, *options = sys.argv[1:]
    read_end, write_end = lifeline.open_lifeline()
    config = make_config(read_end, Path(notes), plan)
    process = start_session(config, write_end, roles="fake_roles")
    os.close(read_end)
    os.close(config.arena_fd)
    if "fork" in options:
        # Holds a copy of the lifeline's write end, and is not the session's to kill.
        bystander = os.fork()
        if bystander == 0:
            process.kill()  # not its creator: must do nothing
            signal.pause()
        sys.stdout.write(f"{config.session} {config.directory} {bystander}\n")
    else:
        sys.stdout.write(f"{config.session} {config.directory} 0\n")
    sys.stdout.flush()
    signal.pause()


if __name__ == "__main__":
    main()
