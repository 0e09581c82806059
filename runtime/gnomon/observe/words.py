"""The words for states, one list for each kind of thing: those of rows, filters, twins, and of the views in the browser.

``docs/views.md`` says what each means, and which is Ray's word for it. The views have the same lists in
``labextension/src/views/model/states.ts``; a test compares them.
"""

from __future__ import annotations

from typing import Final

from gnomon._core.ledger import TaskState

TASK_STATES: Final = tuple(state.name.lower() for state in TaskState)
"""In the order of the feed's counts."""

OBJECT_STATES: Final = ("pending", "memory", "store", "spilled", "reconstructing", "lost", "error")

ACTOR_STATES: Final = ("pending", "alive", "restarting", "dead")

NODE_STATES: Final = ("alive", "dead")
