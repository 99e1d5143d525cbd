"""Calls of sub-graphs: compiled once, never inlined. `project` picks one of several outputs.

The derivative rules of `call` need whole-graph transformations; they live in `transforms.calls`,
which enters them into this record's table when it is imported.
"""

from __future__ import annotations

from diffsci.graph import Graph, Primitive, Type, register


def _call_type(*types: Type, graph: Graph) -> tuple[Type, ...]:
    if types != graph.input_types:
        raise TypeError(f"call of {graph!r} with {', '.join(map(str, types))}")
    return graph.output_types


def _project_type(source, *, index: int) -> Type:
    if not isinstance(source, tuple):
        raise TypeError(f"project of a single value {source}")
    return source[index]


register(Primitive(name="call", type=_call_type, value=None, family="call"))
register(
    Primitive(
        name="project",
        type=_project_type,
        value=lambda values, *, index: values[index],
        family="call",
    )
)
