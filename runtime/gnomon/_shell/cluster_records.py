"""Records of the clusters that live by themselves, so that ``init(address="auto")`` finds them.

One file per cluster in a directory of this user alone, beside the sessions' own. A record is true while the
process it names lives: whoever finds one whose keeper is gone (a cluster killed by ``kill -9``) removes it.
"""

from __future__ import annotations

import os
import time

import msgspec

from gnomon._shell import reaping, session_directory


class ClusterRecord(msgspec.Struct, frozen=True):
    """One cluster.

    Attributes:
        pid: of its keeper; with ``started`` this names one process for good.
        began: seconds since 1970.
    """

    session: str
    directory: str
    pid: int
    started: int
    began: float


def write(session: str, directory: str) -> str:
    """Record the cluster that this process keeps; returns the file's path."""
    pid = os.getpid()
    record = ClusterRecord(session, directory, pid, reaping.start_time(pid), time.time())
    while True:
        folder = _folder(make=True)
        path, fresh = os.path.join(folder, f"{session}.json"), os.path.join(folder, f".{session}")
        try:
            fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(fd, "wb") as file:
                file.write(msgspec.json.encode(record))
            os.rename(fresh, path)
        except FileNotFoundError:  # the last of the others has just removed the folder
            continue
        return path


def remove(path: str) -> None:
    """The cluster ends; the last one takes the folder with it."""
    try:
        os.unlink(path)
        os.rmdir(os.path.dirname(path))
    except OSError:  # removed by another, or others are there
        return


def living() -> list[ClusterRecord]:
    """The clusters of this user that live, the newest first. Records of others are removed."""
    folder = _folder(make=False)
    found = []
    try:
        names = sorted(os.listdir(folder))
    except OSError:
        return []
    for name in names:
        path = os.path.join(folder, name)
        record = _read(path) if name.endswith(".json") else None
        if record is not None and reaping.start_time(record.pid) == record.started:
            found.append(record)
        elif name.endswith(".json"):
            remove(path)
    return sorted(found, key=lambda record: record.began, reverse=True)


def _read(path: str) -> ClusterRecord | None:
    try:
        with open(path, "rb") as file:
            return msgspec.json.decode(file.read(), type=ClusterRecord)
    except (OSError, msgspec.MsgspecError):
        return None


def _folder(make: bool) -> str:
    """Where the records are: readable by this user alone.

    Raises:
        PermissionError: somebody else has made a directory of that name.
    """
    folder = os.path.join(session_directory.base(), f"gnomon-clusters-{os.getuid()}")
    if make:
        try:
            os.mkdir(folder, 0o700)
        except FileExistsError:
            pass
    try:
        session_directory.must_be_private(folder)
    except FileNotFoundError:
        if make:
            return _folder(make)
    return folder
