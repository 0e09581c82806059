"""gnomon: Ray Core's programming model on one machine, started from a notebook and watched live in it.

    import gnomon                                 # or: import gnomon as ray

    @gnomon.remote                                # a function becomes a task
    def square(x):
        return x * x

    refs = [square.remote(i) for i in range(4)]   # submitted; returns references at once
    print(gnomon.get(refs))                       # [0, 1, 4, 9]

    @gnomon.remote                                # a class becomes an actor: state in a process of its own
    class Counter:
        def __init__(self):
            self.value = 0
        def add(self, amount=1):
            self.value += amount
            return self.value

    counter = Counter.remote()
    print(gnomon.get(counter.add.remote(5)))      # 5

    big = gnomon.put(list(range(10**6)))          # stored once, passed by reference
    ready, others = gnomon.wait(refs, num_returns=2)

In a notebook: ``%load_ext gnomon``, then ``%remote start`` and ``%remote dashboard``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gnomon import exceptions
from gnomon._api import absent_modules
from gnomon._api.actor import method
from gnomon._api.cluster import available_resources, cluster_resources, nodes, timeline
from gnomon._api.context import get_gpu_ids, get_runtime_context
from gnomon._api.decorator import remote
from gnomon._api.explaining import why
from gnomon._api.objects import cancel, get, get_actor, kill, put, wait
from gnomon._api.session import init, is_initialized, shutdown
from gnomon._wire.generators import DynamicObjectRefGenerator, ObjectRefGenerator
from gnomon._wire.object_ref import ObjectRef

if TYPE_CHECKING:
    from gnomon import actor, control, dag, experimental, runtime_context, util

__version__ = "0.1.0"

__all__ = [
    "DynamicObjectRefGenerator",
    "ObjectRef",
    "ObjectRefGenerator",
    "__version__",
    "actor",
    "available_resources",
    "cancel",
    "cloudpickle",
    "cluster_resources",
    "control",
    "dag",
    "exceptions",
    "experimental",
    "get",
    "get_actor",
    "get_gpu_ids",
    "get_runtime_context",
    "init",
    "is_initialized",
    "kill",
    "load_ipython_extension",
    "method",
    "nodes",
    "put",
    "remote",
    "runtime_context",
    "shutdown",
    "timeline",
    "unload_ipython_extension",
    "util",
    "wait",
    "why",
]

absent_modules.install()

_LAZY = {
    "actor": "gnomon.actor",
    "cloudpickle": "cloudpickle",
    "control": "gnomon.control",
    "dag": "gnomon.dag",
    "experimental": "gnomon.experimental",
    "runtime_context": "gnomon.runtime_context",
    "util": "gnomon.util",
}


def __getattr__(name: str) -> Any:
    """Modules that most programs do not need, imported on first use."""
    if name in _LAZY:
        import importlib

        return importlib.import_module(_LAZY[name])
    from gnomon._api.absent import no_name

    raise no_name("gnomon", name, __all__)


def load_ipython_extension(ipython: Any) -> None:
    """``%load_ext gnomon``: magics, live views, output in the right cell."""
    import gnomon_kernel

    gnomon_kernel.load_ipython_extension(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """``%unload_ext gnomon``."""
    import gnomon_kernel

    gnomon_kernel.unload_ipython_extension(ipython)
