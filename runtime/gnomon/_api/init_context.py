"""What ``init`` returns: a few facts about the session, in Ray's shape."""

from __future__ import annotations

import html
import platform
from collections.abc import Callable
from types import TracebackType
from typing import Any

from gnomon._engine.base import SessionInfo
from gnomon.resources import describe, size_words, to_amounts


class InitContext:
    """A running session. As a context manager it shuts the session down at the end.

    Attributes:
        address_info: facts about the session by name; indexing the context reads it too.
        python_version: of this process.
        ray_version: the version of Ray whose API gnomon follows.
        dashboard_url: always "": the views are in the notebook.
    """

    ray_version = "2.60.0"
    dashboard_url = ""

    def __init__(self, info: SessionInfo, disconnect: Callable[[], object]) -> None:
        self._info = info
        self._disconnect = disconnect
        self.python_version = platform.python_version()
        self.address_info: dict[str, Any] = {
            "engine": info.engine,
            "session": info.session,
            "session_dir": info.directory,
            "address": info.directory,
            "node_id": info.node_id.hex(),
            "namespace": info.namespace,
            "resources": to_amounts(info.resources),
            "object_store_bytes": info.store_capacity_bytes,
            "webui_url": "",
        }

    def disconnect(self) -> None:
        """End the session."""
        self._disconnect()

    def __getitem__(self, key: str) -> Any:
        return self.address_info[key]

    def __len__(self) -> int:
        return len(self.address_info)

    def __contains__(self, key: object) -> bool:
        return key in self.address_info

    def keys(self) -> list[str]:
        """Names of the facts."""
        return list(self.address_info)

    def get(self, key: str, default: Any = None) -> Any:
        """One fact, or ``default``."""
        return self.address_info.get(key, default)

    def __enter__(self) -> InitContext:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.disconnect()

    def __repr__(self) -> str:
        info = self._info
        has = {name: units for name, units in info.resources.items() if name != "memory"}
        return (
            f"gnomon session {info.session}: engine {info.engine}, {describe(has)}, "
            f"{size_words(info.store_capacity_bytes)} object store"
        )

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"
