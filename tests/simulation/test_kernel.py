from __future__ import annotations

from typing import Any

from gnomon.testing.simulator import Kernel, Network, Weather


def test_actions_happen_in_the_order_of_time_and_then_of_asking() -> None:
    kernel = Kernel(0)
    happened: list[Any] = []
    kernel.after(2.0, happened.append, "late")
    kernel.after(1.0, happened.append, "first")
    kernel.after(1.0, happened.append, "second")
    kernel.after(0.5, lambda: kernel.after(0.5, happened.append, "third"))
    assert kernel.run(lambda: False, 100.0, 100)
    assert happened == ["first", "second", "third", "late"]
    assert kernel.now == 3.0


def test_a_cancelled_timer_does_nothing() -> None:
    kernel = Kernel(0)
    happened: list[int] = []
    kernel.after(1.0, happened.append, 1).cancel()
    kernel.run(lambda: False, 100.0, 100)
    assert happened == []


def test_deadline_and_limit_stop_what_never_ends() -> None:
    def again() -> None:
        kernel.after(1.0, again)

    kernel = Kernel(0)
    again()
    assert not kernel.run(lambda: False, 10.0, 1_000)
    assert kernel.now <= 10.0
    assert not kernel.run(lambda: False, 1e9, 50)
    assert kernel.steps == 50


def sent(weather: Weather, count: int = 400) -> tuple[Network, list[int]]:
    kernel = Kernel(7)
    network = Network(kernel, weather)
    arrived: list[int] = []
    network.join("b", arrived.append)
    for number in range(count):
        network.send("a", "b", number)
    kernel.run(lambda: False, 1e9, 10_000)
    return network, arrived


def test_fair_weather_delivers_each_packet_once() -> None:
    _, arrived = sent(Weather())
    assert sorted(arrived) == list(range(400))
    assert arrived != sorted(arrived), "delays differ, so packets overtake each other"


def test_loss_and_duplication() -> None:
    network, arrived = sent(Weather(loss=0.3, duplication=0.2))
    assert 50 < network.lost < 200
    assert network.duplicated > 20
    assert len(arrived) == 400 - network.lost + network.duplicated


def test_faults_end() -> None:
    network, arrived = sent(Weather(loss=1.0, until_s=0.5))
    assert network.lost == 0
    assert len(arrived) == 400


def test_partitions_and_absent_processes() -> None:
    kernel = Kernel(1)
    network = Network(kernel, Weather())
    arrived: list[str] = []
    network.join("b", arrived.append)
    network.cut("b", "a", kernel.now + 5.0)
    network.send("a", "b", "cut off")
    network.send("c", "b", "not cut off")
    network.send("a", "nobody", "lost")
    kernel.run(lambda: False, kernel.now + 6.0, 100)
    kernel.after(6.0, network.send, "a", "b", "healed")
    kernel.run(lambda: False, 100.0, 100)
    assert arrived == ["not cut off", "healed"]
    network.leave("b")
    network.send("c", "b", "gone")
    kernel.run(lambda: False, 200.0, 100)
    assert len(arrived) == 2


def test_the_trace_depends_on_everything_that_is_added() -> None:
    def traced(*things: Any) -> str:
        kernel = Kernel(0)
        for thing in things:
            kernel.trace.add(1.0, "a", "hears", thing)
        return kernel.trace.hexdigest()

    assert traced(1, (2, b"x")) == traced(1, (2, b"x"))
    assert len({traced(1), traced(2), traced(1, 1), traced("1"), traced()}) == 5
