"""The file in which a recording keeps what has happened: frames one after the other, bounded, read by its writer.

A frame is the length of its payload (4 bytes, little endian), its kind (1 byte) and its payload. The file lies in
the session's directory and goes with it; since it stays open, its writer can read it after that too.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from typing import IO

HISTORY_BYTES_MAX = 128 * 1024 * 1024
"""Some 1.5 million tasks: what comes later is counted, and not kept."""

_LENGTH_BYTES = 4
_HEAD_BYTES = _LENGTH_BYTES + 1


class HistoryFile:
    """Frames on disk.

    Args:
        directory: where the file is made; None takes one without a name in the system's directory for such.
        bytes_max: it never gets longer.

    Attributes:
        trouble: why nothing is kept any more, a sentence; "" while all is well.

    Raises:
        OSError: the file can not be made.
    """

    def __init__(self, directory: str | None, bytes_max: int = HISTORY_BYTES_MAX) -> None:
        self.trouble = ""
        self._bytes_max = bytes_max
        self._length = 0
        self._file: IO[bytes]
        if directory is None:
            self._file = tempfile.TemporaryFile(prefix="gnomon-history-")
        else:
            self._file = open(os.path.join(directory, f"history-{os.getpid()}.bin"), "w+b")

    def append(self, kind: bytes, payload: bytes) -> bool:
        """Write one frame; False when it was not kept, and from then on none is.

        Args:
            kind: one byte.
            payload: at most 4 GB.
        """
        if self.trouble:
            return False
        if self._length + _HEAD_BYTES + len(payload) > self._bytes_max:
            self.trouble = f"the history is full ({self._bytes_max // 1_000_000} MB)"
            return False
        try:
            self._file.seek(self._length)
            self._file.write(len(payload).to_bytes(_LENGTH_BYTES, "little") + kind + payload)
            self._file.flush()
        except OSError as error:
            self.trouble = f"the history could not be written: {error.strerror or error}"
            return False
        self._length += _HEAD_BYTES + len(payload)
        return True

    def frames(self) -> Iterator[tuple[bytes, bytes]]:
        """Kind and payload of all frames, the oldest first; what is appended meanwhile is left out."""
        position, end = 0, self._length
        while position < end:
            self._file.seek(position)
            head = self._file.read(_HEAD_BYTES)
            size = int.from_bytes(head[:_LENGTH_BYTES], "little")
            yield head[_LENGTH_BYTES:], self._file.read(size)
            position += _HEAD_BYTES + size

    def close(self) -> None:
        """Nothing can be read any more; idempotent."""
        self._file.close()
