"""The head's process."""

from __future__ import annotations

import os

from gnomon._core.effects import Command, DropPeer, KillNode, WatchNode
from gnomon._core.events import NodeExited
from gnomon._core.head import Head
from gnomon._core.links import LinkMachine
from gnomon._core.station import Station
from gnomon._messages.session import SessionConfig
from gnomon._shell import lifeline, no_unpickling, reaping, session_directory
from gnomon._shell.loop import Loop

PATIENCE_S = 5.0
"""A node of which nothing has been heard for so long is killed. Deaths are noticed at once, by watching the process."""


def main(config: SessionConfig) -> None:
    """Serve until the driver or the node has ended."""
    no_unpickling.refuse("head")
    head = Head(
        config.head_process,
        LinkMachine(config.head_process),
        patience_s=PATIENCE_S,
        grows=config.grows,
    )
    watch = lifeline.watch(config.lifeline_fd)

    def perform(command: Command) -> None:
        if isinstance(command, WatchNode):
            watch_node(command)
        elif isinstance(command, KillNode):
            reaping.kill_processes([reaping.ProcessEntry(command.pid, 0, command.started)], wait=False)
        else:
            assert isinstance(command, DropPeer), f"head has no way to {command}"
            loop.disconnect(command.peer)

    def watch_node(command: WatchNode) -> None:
        sentinel = lifeline.watch_process(command.pid, command.started)

        def ended() -> None:
            """Before anybody hears of it, nothing of the node may be left that could still do something (MB3)."""
            reaping.sweep(command.name.hex(), own=False, marker=reaping.NODE_MARKER)
            session_directory.remove_sockets_of_node(config.directory, command.node)
            if sentinel is not None:
                loop.unwatch(sentinel)
                os.close(sentinel)
            loop.post(NodeExited(command.node, f"(pid {command.pid}) has ended"))

        if sentinel is None:
            ended()
        else:
            loop.watch(sentinel, ended)

    loop = Loop(
        Station(head),
        config.head_process,
        config.directory,
        perform,
        {watch.fileno(): lambda: loop.stop()},
        (config.node_process,),
    )
    loop.run()
