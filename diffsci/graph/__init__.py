"""The SSA array program: the one data structure that every layer shares."""

from diffsci.graph.builder import Builder
from diffsci.graph.ir import Graph, Guard, Node, Type
from diffsci.graph.registry import Primitive, lookup, register, registered
from diffsci.graph.text import graph_text
from diffsci.graph.verify import verify

__all__ = [
    "Builder",
    "Graph",
    "Guard",
    "Node",
    "Primitive",
    "Type",
    "graph_text",
    "lookup",
    "register",
    "registered",
    "verify",
]
