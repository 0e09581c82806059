"""What the tests with real processes share; the tools themselves are ``gnomon.testing``'s."""

from gnomon.testing.observed_session import SETTLE_S, forget_exceptions
from gnomon.testing.observed_session import ObservedSession as Cluster
from gnomon.testing.processes import GONE_S, expect_gone, kill_process, marked, start_time, wait_until
from gnomon.testing.run_count import RunCount

__all__ = [
    "GONE_S",
    "SETTLE_S",
    "Cluster",
    "RunCount",
    "expect_gone",
    "forget_exceptions",
    "kill_process",
    "marked",
    "start_time",
    "wait_until",
]
