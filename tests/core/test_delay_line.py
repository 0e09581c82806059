"""A node that is late: what is held and for how long, in one process and between several."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.node_roles import CPU, Roles, process_of
from gnomon._core.delay_line import DelayLine
from gnomon._core.effects import Effects
from gnomon._core.events import Received
from gnomon._core.links import LinkMachine
from gnomon._core.station import Station
from gnomon._messages.cluster import NodeDelayed, ProcessWatched
from gnomon._messages.envelope import Envelope
from gnomon.ids import WorkerID

ME, HERE, THERE = WorkerID(b"n1.me..."), WorkerID(b"n1.here."), WorkerID(b"n2.there")


class Echo:
    """A role that answers each sender with what it has heard, and keeps a list of it."""

    def __init__(self) -> None:
        self.links = LinkMachine(ME)
        self.heard: list[WorkerID] = []

    def handle(self, events: Iterable[Any], now: float) -> Effects:
        effects = Effects()
        for event in events:
            assert isinstance(event, Received)
            for message in event.messages:
                if isinstance(message, NodeDelayed):
                    self.links.on_delayed(message, now)
                else:
                    self.heard.append(event.sender)
                    effects.send(event.sender, message)
        return effects

    def next_wakeup(self) -> float | None:
        return None

    def check(self) -> None:
        self.links.check()


def said(sender: WorkerID, number: int, message: Any = None) -> Envelope:
    return Envelope(sender, number, 0, [message or ProcessWatched(ME)])


def targets(outgoing: Iterable[tuple[WorkerID, Envelope]]) -> list[WorkerID]:
    return [target for target, envelope in outgoing if envelope.messages]


def turn(station: Station, now: float, *envelopes: Envelope) -> list[WorkerID]:
    """One round of the shell: whom it sends something to."""
    return targets(station.handle(station.receive(list(envelopes), now), now)[0])


def test_what_comes_from_other_nodes_is_late_and_so_is_the_answer() -> None:
    echo = Echo()
    station = Station(echo)
    assert turn(station, 1.0, said(THERE, 1)) == [THERE]
    turn(station, 1.0, said(HERE, 1, NodeDelayed(by_s=0.5, for_s=3.0)))
    assert turn(station, 1.1, said(THERE, 2), said(HERE, 2)) == [HERE]
    wakeup = station.next_wakeup()
    assert wakeup is not None
    assert wakeup <= 1.6
    assert turn(station, 1.5) == []
    assert echo.heard == [THERE, HERE]
    assert turn(station, 1.6) == []  # heard now; the answer is late too
    assert echo.heard == [THERE, HERE, THERE]
    assert THERE in turn(station, 2.1)


def test_nothing_passes_until_the_end_and_then_all_in_order() -> None:
    echo = Echo()
    station = Station(echo)
    turn(station, 1.0, said(HERE, 1, NodeDelayed(by_s=2.0, for_s=2.0)))
    for number in range(1, 6):
        assert turn(station, 1.0 + number / 10, said(THERE, number)) == []
    assert turn(station, 2.9) == []
    assert turn(station, 3.0) == [THERE]
    assert echo.heard == [THERE] * 5
    assert echo.links.delay is None
    assert turn(station, 3.1, said(THERE, 6)) == [THERE]


def test_it_ends_even_if_nothing_was_said() -> None:
    station = Station(Echo())
    turn(station, 1.0, said(HERE, 1, NodeDelayed(by_s=1.0, for_s=1.0)))
    turn(station, 1.2)  # its acknowledgement has gone
    assert station.next_wakeup() == 2.0
    turn(station, 2.0)
    assert station.links.delay is None
    assert station.next_wakeup() is None


def test_a_second_delay_takes_the_place_of_the_first() -> None:
    line = DelayLine(ME, 5.0, 6.0)
    assert line.arrive([said(THERE, 1)], 1.0) == []
    line.change(0.1, 2.0)
    assert line.arrive([], 1.9) == []
    assert [each.sequence for each in line.arrive([said(THERE, 2)], 2.0)] == [1, 2]
    assert line.is_over(2.0)


def test_a_node_tells_its_workers_also_those_to_come() -> None:
    roles = Roles({"CPU": 10_000}, {"CPU": 40_000, "there": 10_000})
    node = roles.nodes[1]
    asked = {**CPU, "there": 1}
    roles.submit(1, asked)
    roles.run()
    old = set(node.pool.pids)
    roles.post(node.me, Received(process_of(1), [NodeDelayed(0.2, 1000.0)]))
    roles.submit(2, asked, key=7)
    roles.run()
    new = set(node.pool.pids) - old
    assert old
    assert new
    told = {target: message for _, target, message in roles.told if isinstance(message, NodeDelayed)}
    assert told.keys() == old | new
    assert all(message.by_s == 0.2 and message.for_s <= 1000.0 for message in told.values())
    assert all(told[worker].for_s < 1000.0 for worker in new)
