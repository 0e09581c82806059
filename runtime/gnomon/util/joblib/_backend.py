"""The backend that joblib drives: a pool per ``joblib.Parallel``, made when the first batch is submitted.

joblib calls the methods; those without a docstring of ours are explained by its ``ParallelBackendBase``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from joblib.parallel import AutoBatchingMixin, ParallelBackendBase

from gnomon._api.cluster import cluster_resources
from gnomon._api.session import engine
from gnomon.util.multiprocessing.pool import AsyncResult, Pool


class JoblibBackend(AutoBatchingMixin, ParallelBackendBase):
    """See the module.

    Args:
        ray_remote_args: options of the workers, as for ``.options()`` of an actor class.
        keywords: what joblib gives to every backend.
    """

    default_n_jobs = -1
    supports_retrieve_callback = True
    supports_sharedmem = False
    uses_threads = False

    def __init__(self, *args: Any, ray_remote_args: Mapping[str, Any] | None = None, **keywords: Any) -> None:
        super().__init__(*args, **keywords)
        self._options = ray_remote_args
        self._jobs = 1
        self._pool: Pool | None = None

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """How many workers: at most one for each CPU of the session; -1 for all, -2 for all but one.

        Raises:
            ValueError: ``n_jobs`` is 0.
        """
        if n_jobs == 0:
            raise ValueError("n_jobs of joblib.Parallel may not be 0: use a number >= 1, or -1 for all CPUs.")
        engine()  # the first use starts a session
        cpus = max(1, int(cluster_resources().get("CPU", 1)))
        if n_jobs is None:
            return 1
        return min(n_jobs, cpus) if n_jobs > 0 else max(1, cpus + 1 + n_jobs)

    def configure(
        self, n_jobs: int = 1, parallel: Any = None, prefer: Any = None, require: Any = None, **keywords: Any
    ) -> int:
        """A ``Parallel`` begins; how many workers it has."""
        self.parallel = parallel
        if "ray_remote_args" in keywords:
            self._options = keywords["ray_remote_args"]
        self._jobs = self.effective_n_jobs(n_jobs)
        return self._jobs

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], object] | None = None) -> AsyncResult:
        """Have a batch done; ``callback`` gets its values or its exception."""
        if self._pool is None:
            self._pool = Pool(self._jobs, ray_remote_args=self._options)
        return self._pool.apply_async(func, callback=callback, error_callback=callback)

    def retrieve_result_callback(self, out: Any) -> Any:
        """What a callback was given, as a value or by raising."""
        if isinstance(out, BaseException):
            raise out
        return out

    def terminate(self) -> None:
        """A ``Parallel`` is over."""
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.terminate()
            pool.join()
        self.reset_batch_stats()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """A batch failed: end the others; the next batch makes a new pool."""
        self.terminate()
