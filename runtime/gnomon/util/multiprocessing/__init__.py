"""The standard library's ``multiprocessing.Pool`` on actors: change the import, keep the program.

from gnomon.util.multiprocessing import Pool

with Pool() as pool:
    print(pool.map(str.upper, ["a", "b"]))
"""

from __future__ import annotations

from gnomon.util.multiprocessing.pool import AsyncResult, IMapIterator, Pool, TimeoutError

__all__ = ["AsyncResult", "IMapIterator", "Pool", "TimeoutError"]
