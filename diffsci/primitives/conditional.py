"""A choice between two sub-graphs: only the branch that the predicate names is run.

The derivative rules of `cond` need whole-graph transformations; they live in `transforms.conditional`,
which enters them into this record's table when it is imported.
"""

from __future__ import annotations

from diffsci.graph import Graph, Primitive, Type, register


def _cond_type(predicate: Type, *types: Type, true: Graph, false: Graph) -> tuple[Type, ...]:
    if predicate.shape != () or predicate.dtype.kind != "b":
        raise TypeError(f"cond by {predicate}: the predicate must be a boolean scalar")
    for graph in (true, false):
        if types != graph.input_types:
            raise TypeError(f"cond of {graph!r} with {', '.join(map(str, types))}")
        if graph.guards:
            raise TypeError("a branch of cond has guards: make them outputs")
    if true.output_types != false.output_types:
        raise TypeError(f"cond of {true!r} and {false!r}: the results differ in type")
    return true.output_types


register(Primitive(name="cond", type=_cond_type, value=None, family="call"))
