"""The teaching controls as the user sees them: what they take, what they refuse, what they say."""

from __future__ import annotations

from typing import Any

import pytest

import gnomon
from gnomon import control
from gnomon.exceptions import ControlUnavailableError, NotInitializedError


@gnomon.remote
def double(number: int) -> int:
    return 2 * number


@pytest.mark.usefixtures("inline")
@pytest.mark.parametrize("ask", [control.pause, control.step, lambda: control.order(1)])
def test_what_the_inline_engine_can_not_do_is_refused(ask: Any) -> None:
    with pytest.raises(ControlUnavailableError, match=r"when it is submitted.*engine='local'"):
        ask()
    assert control.tempo() == control.Tempo()


@pytest.mark.usefixtures("inline")
def test_slow_motion_on_the_inline_engine() -> None:
    assert str(control.slow(0.001)) == "slow motion, one every 0.001 s: no tasks ready, none begun since"
    assert gnomon.get([double.remote(number) for number in range(3)]) == [0, 2, 4]
    assert control.tempo() == control.Tempo("slow", 0.001, begun=3)
    assert control.resume() == control.Tempo()
    assert gnomon.get(double.remote(1)) == 2
    assert control.tempo().begun == 0


def test_without_a_session() -> None:
    assert str(control.tempo()) == "work begins freely"
    for ask in (control.pause, control.step, control.resume):
        with pytest.raises(NotInitializedError):
            ask()


@pytest.mark.parametrize("seconds", [0, -1, 4000, float("nan"), float("inf")])
def test_bad_intervals(seconds: float) -> None:
    with pytest.raises(ValueError, match=r"more than 0 and at most 3600 seconds.*resume\(\)"):
        control.slow(seconds)


@pytest.mark.parametrize("ask", [control.step, control.order])
@pytest.mark.parametrize("value", ["1", 1.5, True])
def test_what_is_no_whole_number(ask: Any, value: Any) -> None:
    with pytest.raises(TypeError, match="a whole number"):
        ask(value)


@pytest.mark.parametrize(
    ("ask", "value"), [(control.step, 0), (control.step, 10**7), (control.order, -1), (control.order, 2**63)]
)
def test_what_is_out_of_range(ask: Any, value: int) -> None:
    with pytest.raises(ValueError, match=r"a whole number from \d+ to \d+"):
        ask(value)


def test_seconds_are_a_number() -> None:
    with pytest.raises(TypeError, match="seconds as a number, not str"):
        control.slow("1")  # type: ignore[arg-type]
