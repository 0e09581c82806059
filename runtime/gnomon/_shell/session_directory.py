"""The directory of a session: its ipc sockets and its logs, readable by its user alone.

It is never reused: a socket bound in a directory that somebody else could have made would be theirs. Two
locks tell the living from the dead, because the kernel drops a lock with its process, however that dies:

* everybody in the session *holds* ``logs`` (shared). A directory nobody holds is abandoned: it was left by a
  session whose processes were all killed at the same instant, and whoever next cleans up removes it.
* whoever ends the session takes the *baton* (exclusive, on the directory itself). So one process at a time
  kills the others, and two can never kill each other with the work half done.

The rule for a changer: a lock belongs to an *open*, and a fork shares its parent's. Each process that may
take the baton must therefore open it itself, after it was forked.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time

from gnomon.ids import NodeID, WorkerID, node_tag

_PATH_BYTES_MAX = 80
"""A socket's path may have 107 bytes (sun_path), and ``/<worker id in hex>.s`` takes 19 of them."""

_BATON_PERIOD_S = 0.005

_held: dict[str, int] = {}


def create() -> str:
    """Make the directory of a new session, private to this user, and hold it.

    Returns:
        Its absolute path, short enough for ipc sockets in it.

    Raises:
        OSError: no directory for temporary files can be written to.
    """
    name = f"gnomon-{os.getuid()}-{os.urandom(6).hex()}"
    where = base()
    # Hidden while nobody holds it yet, so that it can not be taken for an abandoned one.
    fresh, path = os.path.join(where, "." + name), os.path.join(where, name)
    os.mkdir(fresh, 0o700)
    must_be_private(fresh)
    os.mkdir(os.path.join(fresh, "logs"), 0o700)
    _held[path] = hold(fresh)
    os.rename(fresh, path)
    return path


def must_be_private(path: str) -> None:
    """Check that only this user can have put something into a directory.

    Raises:
        FileNotFoundError: it is not there.
        PermissionError: it is another user's, or open to others.
    """
    found = os.lstat(path)
    if found.st_uid != os.getuid() or found.st_mode & 0o077 or not stat.S_ISDIR(found.st_mode):
        raise PermissionError(f"{path} is not private to this user; set TMPDIR to a directory of your own.")


def base() -> str:
    """Where directories of sessions are made: ``TMPDIR`` if paths in it are short enough for sockets."""
    wanted = os.path.abspath(os.environ.get("TMPDIR") or "/tmp")
    name_bytes = len(f"/gnomon-{os.getuid()}-") + 12
    if len(os.fsencode(wanted)) + name_bytes > _PATH_BYTES_MAX or not os.path.isdir(wanted):
        return "/tmp"
    return wanted


def socket_path(directory: str, process: WorkerID) -> str:
    """Where ``process`` receives."""
    return f"{directory}/{process.hex()}.s"


def bulk_path(directory: str, node: WorkerID) -> str:
    """Where a node receives the chunks of values."""
    return f"{directory}/{node.hex()}.b"


def remove_socket(directory: str, process: WorkerID) -> None:
    """``process`` has ended: what it received on goes, in case it could not see to that itself."""
    for path in (socket_path(directory, process), bulk_path(directory, process)):
        try:
            os.unlink(path)
        except OSError:  # it has; and only nodes have the second
            continue


def remove_sockets_of_node(directory: str, node: WorkerID) -> None:
    """A node has ended: what its processes received on goes."""
    tag = node_tag(node).hex()
    try:
        found = [name for name in os.listdir(directory) if name.startswith(tag) and name.endswith(".s")]
    except FileNotFoundError:  # the session ends just now
        return
    for name in found:
        remove_socket(directory, WorkerID(bytes.fromhex(name[:-2])))


def is_session(directory: str) -> bool:
    """Whether that is the directory of a session, living or dead."""
    is_named_so = os.path.basename(os.path.normpath(directory)).startswith(f"gnomon-{os.getuid()}-")
    return is_named_so and os.path.isdir(os.path.join(directory, "logs"))


def log_path(directory: str, name: str, stream: str) -> str:
    """Where ``stream`` ("out" or "err") of the process called ``name`` ("node", "worker-<id>") is written."""
    return f"{directory}/logs/{name}.{stream}"


def hold(directory: str) -> int:
    """Mark the directory as in use until the returned fd is closed, here and in every process forked since.

    Raises:
        FileNotFoundError: the session has been cleaned up already.
    """
    fd = os.open(os.path.join(directory, "logs"), os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(fd, fcntl.LOCK_SH)
    return fd


def open_baton(directory: str) -> int:
    """An fd for :func:`take_baton`. Open it in the process that will take it, at its start.

    Raises:
        FileNotFoundError: the session has been cleaned up already.
    """
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY)


def take_baton(baton: int, timeout_s: float | None = None) -> bool:
    """Wait until this process alone may end the session; the kernel gives it back when the process ends.

    Args:
        baton: from :func:`open_baton`.
        timeout_s: None waits for ever, which suits processes that the holder is going to kill.

    Returns:
        Whether the baton was got in time.
    """
    if timeout_s is None:
        fcntl.flock(baton, fcntl.LOCK_EX)
        return True
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(baton, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() >= deadline:
                return False
            time.sleep(_BATON_PERIOD_S)


def remove(directory: str) -> None:
    """Delete the directory and all in it; no error if it is gone already."""
    import shutil  # 4 ms that start-up need not pay

    for spilled in _linked(directory):
        shutil.rmtree(spilled, ignore_errors=True)
    shutil.rmtree(directory, ignore_errors=True)
    held = _held.pop(directory, None)
    if held is not None:
        os.close(held)


def spill_directory(directory: str, node: NodeID) -> str:
    """Where a node keeps values on disk, or links to the directories where it does."""
    return f"{directory}/spilled/{node.hex()}"


def _linked(directory: str) -> list[str]:
    """Directories elsewhere that a session has made for values on disk."""
    found = []
    for folder, _, _ in os.walk(os.path.join(directory, "spilled")):
        links = [entry.path for entry in os.scandir(folder) if entry.is_symlink()]
        found += [os.readlink(link) for link in links]
    return [path for path in found if os.path.basename(path).startswith("gnomon-spilled-")]


def remove_abandoned() -> list[str]:
    """Delete directories of this user's sessions of which no process is left.

    Returns:
        The paths removed.
    """
    where, prefix = base(), f"gnomon-{os.getuid()}-"
    try:
        names = os.listdir(where)
    except OSError:
        return []
    paths = [os.path.join(where, name) for name in sorted(names) if name.startswith(prefix)]
    abandoned = [path for path in paths if _is_abandoned(path)]
    for path in abandoned:
        remove(path)
    return abandoned


def _is_abandoned(path: str) -> bool:
    try:
        # O_NOFOLLOW: in a shared /tmp the name may be somebody's symbolic link.
        top = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        if os.fstat(top).st_uid != os.getuid():
            return False
        logs = os.open("logs", os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=top)
    except FileNotFoundError:
        return True  # an earlier removal that was cut short
    except OSError:
        return False
    finally:
        os.close(top)
    try:
        fcntl.flock(logs, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(logs)
    return True
