"""The simulator: whole sessions on a virtual clock and network, from a seed, with faults of all kinds.

    python -m gnomon.testing.simulator --seeds 0:2000

The roles are the very classes that run in production; only their surroundings are simulated. A seed
decides everything, so a failing seed is a test that fails for ever, and its trace is the same in every
process.

    Kernel      virtual clock, chance, the trace and its hash      kernel, trace
    Network     packets: delay, loss, duplication, partitions      network
    Host        one role in place of its shell                     host, processes
    Thread      the user's code, from a random program             code, programs, values
    Session     one whole session, faults and final checks         session, leftovers
"""

from gnomon.testing.simulator.kernel import Kernel
from gnomon.testing.simulator.network import Network, Weather
from gnomon.testing.simulator.programs import Budget
from gnomon.testing.simulator.session import Plan, SeedReport, medium_plan_of, plan_of, run_seed

__all__ = [
    "Budget",
    "Kernel",
    "Network",
    "Plan",
    "SeedReport",
    "Weather",
    "medium_plan_of",
    "plan_of",
    "run_seed",
]
