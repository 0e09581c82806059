"""Graphs of calls, written down first and submitted later.

    with InputNode() as number:
        graph = add.bind(double.bind(number), 1)      # nothing runs yet

    gnomon.get(graph.execute(4))                      # 9
    gnomon.get(graph.execute(5))                      # 11

``bind`` of remote functions, actor classes and actors' methods makes nodes, and each execution submits every
node that the one executed depends on once, as an ordinary call. Ray has begun to retire these graphs in favour
of compiled ones, which need channels between GPUs and are not available here.
"""

from __future__ import annotations

from gnomon.dag.inputs import DAGInputData, InputAttributeNode, InputNode
from gnomon.dag.nodes import ClassMethodNode, ClassNode, DAGNode, FunctionNode, MultiOutputNode, OutputNode

__all__ = [
    "ClassMethodNode",
    "ClassNode",
    "DAGInputData",
    "DAGNode",
    "FunctionNode",
    "InputAttributeNode",
    "InputNode",
    "MultiOutputNode",
    "OutputNode",
]
