"""Results as they become ready, instead of all at the end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeVar

from gnomon._api import checks
from gnomon._api.objects import get, wait
from gnomon._api.remote_function import RemoteFunction
from gnomon._wire.object_ref import ObjectRef

__all__ = ["as_completed", "map_unordered"]

R = TypeVar("R")


def as_completed(
    refs: Sequence[ObjectRef[R]],
    *,
    chunk_size: int = 1,
    yield_obj_refs: bool = False,
    timeout: float | None = None,
    fetch_local: bool = True,
) -> Iterator[R]:
    """The values of references in the order in which they become ready.

    Args:
        refs: distinct references.
        chunk_size: how many to wait for at a time (10 in Ray, where the first result waits for nine others).
        yield_obj_refs: give the references instead of the values.
        timeout: seconds after which fewer than ``chunk_size`` are given too, if there are any.
        fetch_local: what lies on another node is ready when it has been brought to this one.

    Raises:
        ValueError: ``chunk_size`` is less than 1.
    """
    checks.whole(1)("chunk_size of as_completed()", chunk_size)
    left = list(refs)
    while left:
        number = min(chunk_size, len(left))
        ready, left = wait(left, num_returns=number, timeout=timeout, fetch_local=fetch_local)
        yield from ready if yield_obj_refs else get(ready)  # type: ignore[misc]


def map_unordered(
    fn: RemoteFunction[Any, ObjectRef[R]],
    items: Iterable[Any],
    *,
    backpressure_size: int | None = 100,
    chunk_size: int = 1,
    yield_obj_refs: bool = False,
    timeout: float | None = None,
    fetch_local: bool = True,
) -> Iterator[R]:
    """Call a remote function on each item; results in the order in which they become ready.

    Args:
        fn: a remote function of one argument.
        items: taken one by one, never further ahead than needed.
        backpressure_size: how many calls may be unfinished at a time; None for no limit.
        chunk_size: how many results to wait for at a time.
        yield_obj_refs: give references instead of values.
        timeout: seconds after which fewer than ``chunk_size`` are given too, if there are any.
        fetch_local: what lies on another node is ready when it has been brought to this one.

    Raises:
        ValueError: ``chunk_size`` or ``backpressure_size`` is out of range.
    """
    checks.whole(1)("chunk_size of map_unordered()", chunk_size)
    if backpressure_size is not None and backpressure_size < chunk_size:
        raise ValueError(f"backpressure_size must be >= chunk_size ({chunk_size}), not {backpressure_size}.")
    left: list[ObjectRef[R]] = []
    for item in items:
        while backpressure_size is not None and len(left) >= backpressure_size:
            number = min(chunk_size, len(left))
            ready, left = wait(left, num_returns=number, timeout=timeout, fetch_local=fetch_local)
            yield from ready if yield_obj_refs else get(ready)  # type: ignore[misc]
        left.append(fn.remote(item))
    yield from as_completed(
        left, chunk_size=chunk_size, yield_obj_refs=yield_obj_refs, timeout=timeout, fetch_local=fetch_local
    )
