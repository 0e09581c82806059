"""What of this process does not fit a cluster, before it is joined: one row for each, with what comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gnomon._shell.facts import PACKAGES, Facts, facts
from gnomon.exceptions import UnsupportedOptionError

__all__ = ["Mismatch", "check_address", "mismatches"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One thing that is not the same here and there.

    Attributes:
        what: "Python", "gnomon", "machine", the name of a package, or of something of gnomon's API.
        here: in this process; "" for not at all.
        there: in the cluster; "" for not at all.
        means: what comes of it.
        fatal: nothing works before it is mended.
    """

    what: str
    here: str
    there: str
    means: str
    fatal: bool = False


def check_address(address: str = "auto") -> list[Mismatch]:
    """Compare this process with a cluster, without joining it.

    Args:
        address: "auto" for the newest cluster of this user, or its directory.

    Returns:
        What differs, the gravest first; empty when all fits.

    Raises:
        ClusterNotFoundError: there is no cluster at that address.
        UnsupportedOptionError: it is an address of another kind of cluster.
    """
    from gnomon._engine.local_start import find_cluster
    from gnomon._shell.cluster_door import ask_facts

    if "://" in address:
        raise UnsupportedOptionError(
            "the address",
            f"{address!r} is no address of a cluster on this machine",
            "Give 'auto', or the session directory that `gnomon start --head` prints.",
        )
    there = ask_facts(find_cluster(address))
    if there is None:
        told = "the cluster's gnomon is too old to be asked; restart the cluster with the one of this process"
        return [Mismatch("gnomon", facts().gnomon, "", told, fatal=True)]
    return mismatches(facts(), there)


def mismatches(here: Facts, there: Facts) -> list[Mismatch]:
    """What differs between two processes, the gravest first."""
    found = [*_fatal(here, there), *_of_packages(here, there), *_of_names(here, there)]
    return sorted(found, key=lambda each: not each.fatal)


def _fatal(here: Facts, there: Facts) -> Iterator[Mismatch]:
    if _minor(here.python) != _minor(there.python) or here.implementation != there.implementation:
        means = "functions travel as bytecode, which is not the same: use the same Python for both"
        yield Mismatch("Python", _python(here), _python(there), means, fatal=True)
    if here.gnomon != there.gnomon:
        means = "their messages may not be the same: install the same gnomon for both"
        yield Mismatch("gnomon", here.gnomon, there.gnomon, means, fatal=True)
    if here.machine != there.machine:
        means = "what is compiled for one does not run on the other"
        yield Mismatch("machine", here.machine, there.machine, means, fatal=True)


def _of_packages(here: Facts, there: Facts) -> Iterator[Mismatch]:
    for name in PACKAGES:
        mine, theirs = here.packages.get(name, ""), there.packages.get(name, "")
        if mine == theirs or not mine:
            continue
        if not theirs:
            yield Mismatch(name, mine, "", "tasks that import it fail, and its values can not be read there")
        elif _major(mine) != _major(theirs):
            yield Mismatch(name, mine, theirs, "values of one version may not be readable by the other")


def _of_names(here: Facts, there: Facts) -> Iterator[Mismatch]:
    for name in sorted({*here.names} - {*there.names}):
        yield Mismatch(f"gnomon.{name}", "there", "", "tasks that use it fail")


def _python(of: Facts) -> str:
    return of.python if of.implementation == "CPython" else f"{of.implementation} {of.python}"


def _minor(version: str) -> list[str]:
    return version.split(".")[:2]


def _major(version: str) -> str:
    return version.partition(".")[0]
