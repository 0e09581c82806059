"""A zygote alone: its workers execute the program in their environment's CODE.

Usage: zygote_host.py CONNECTION_FD LIFELINE_FD
"""

from __future__ import annotations

import os
import sys
import traceback

from gnomon._shell import lifeline, reaping
from gnomon._shell.zygote import Zygote


def main() -> None:
    connection, lifeline_fd = int(sys.argv[1]), int(sys.argv[2])
    reaping.adopt_orphans()
    zygote = os.getpid()
    spec = Zygote(connection, lifeline_fd).run()
    if spec is None:
        return
    code = 1
    try:
        assert lifeline.die_with_parent(zygote)
        reaping.adopt_orphans()
        os.environ.update(spec.environment)
        exec(spec.environment["CODE"], {"os": os})
        code = 0
    except BaseException:
        traceback.print_exc()
    os._exit(code)


if __name__ == "__main__":
    main()
