"""What to tell who asks a remote thing for an attribute that it does not have."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def no_attribute(thing: str, name: str, offered: Iterable[str], instead: str) -> AttributeError:
    """The error for an attribute that is not there.

    Args:
        thing: what was asked, as people read it.
        name: the attribute.
        offered: public names that it has.
        instead: a sentence on what to write.
    """
    if name.startswith("__"):  # asked by a library, not by a person
        return AttributeError(f"{thing} has no attribute {name!r}")
    near = difflib.get_close_matches(name, sorted(offered), 1)
    hint = f" Did you mean {near[0]!r}?" if near else ""
    return AttributeError(f"{thing} has no attribute {name!r}.{hint} {instead}")


def public(cls: type) -> list[str]:
    """The public names of a class."""
    return [each for each in dir(cls) if not each.startswith("_")]
