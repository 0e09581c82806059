"""The head's process."""

from __future__ import annotations

from gnomon._core.effects import Command, DropPeer
from gnomon._core.head import Head
from gnomon._core.links import LinkMachine
from gnomon._core.station import Station
from gnomon._messages.session import SessionConfig
from gnomon._shell import lifeline, no_unpickling
from gnomon._shell.loop import Loop


def main(config: SessionConfig) -> None:
    """Serve until the driver or the node has ended."""
    no_unpickling.refuse("head")
    head = Head(config.head_process, LinkMachine(config.head_process))
    watch = lifeline.watch(config.lifeline_fd)

    def perform(command: Command) -> None:
        assert isinstance(command, DropPeer), f"head has no way to {command}"
        loop.disconnect(command.peer)

    loop = Loop(
        Station(head),
        config.head_process,
        config.directory,
        perform,
        {watch.fileno(): lambda: loop.stop()},
        (config.node_process,),
    )
    loop.run()
