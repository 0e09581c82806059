from __future__ import annotations

import select

from gnomon._messages.session import SessionConfig
from gnomon._shell import lifeline


def main(config: SessionConfig) -> None:
    poller = select.poll()
    poller.register(lifeline.watch(config.lifeline_fd), select.POLLIN)
    poller.poll()
