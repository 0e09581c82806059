"""The teaching controls: how fast work begins, and faults made on purpose.

    pause()  step(n)  resume()     nothing begins; n more begin; everything may begin
    slow(seconds)                  one begins every so many seconds
    order(seed)                    one at a time, in an order drawn from a seed
    tempo()                        how it is now

    kill_worker(target)            a worker crashes: of a task, of an actor, or by pid
    kill_node(node_id)             a node is gone, with its workers and its store
    delay_node(node_id, seconds)   what a node says and hears is late, or nothing passes, for a while
    drop_object(ref)               every copy of a value is lost

The tempo is about what *begins*: work that runs already is left alone. It holds for the tasks and calls of this
driver's job, also for those that tasks submit, until it is changed, or the driver ends. The notebook has the same as
``%remote pause`` and so on, and as buttons in the views, which work while a cell waits. Faults are ``%remote fault``.
"""

from __future__ import annotations

from gnomon.control._faults import FaultReceipt, delay_node, drop_object, kill_node, kill_worker
from gnomon.control._pace import TEMPO_MODES, Tempo, order, pause, resume, slow, step, tempo

__all__ = [
    "TEMPO_MODES",
    "FaultReceipt",
    "Tempo",
    "delay_node",
    "drop_object",
    "kill_node",
    "kill_worker",
    "order",
    "pause",
    "resume",
    "slow",
    "step",
    "tempo",
]
