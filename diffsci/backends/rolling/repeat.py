"""The operation ``repeat``: a program run many times, with carried values and rows of arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from diffsci.graph import Graph, Primitive, Type
from diffsci.graph.interpreter import run

__all__ = ["REPEAT"]


def _repeat_type(*types: Type, graph: Graph, count: int, carries, rows, stacked, last) -> tuple[Type, ...]:
    state, walked = len(carries), len(carries) + len(rows)
    one = [
        *types[:state],
        *(Type(t.shape[1:], t.dtype) for t in types[state:walked]),
        *types[walked:],
    ]
    results = graph.output_types
    if tuple(one) != graph.input_types or any(
        results[j] != t for j, t in zip(carries, types[:state], strict=True)
    ):
        raise TypeError(f"repetition of {graph!r} with {', '.join(map(str, types))}")
    for (first, stride), t in zip(rows, types[state:walked], strict=True):
        if not 0 <= first < t.shape[0] or not 0 <= first + stride * (count - 1) < t.shape[0]:
            raise TypeError(f"rows {first}, {first + stride}, ... of {t} in {count} repetitions")
    stacks = [Type((count, *results[j].shape), results[j].dtype) for j in stacked]
    return (*stacks, *(results[j] for j in last))


def _repeat_value(*operands, graph: Graph, count: int, carries, rows, stacked, last):
    state, walked = len(carries), len(carries) + len(rows)
    carried, arrays, fixed = list(operands[:state]), operands[state:walked], operands[walked:]
    found: list[Sequence[np.ndarray]] = []
    for k in range(count):
        now = [x[first + stride * k] for x, (first, stride) in zip(arrays, rows, strict=True)]
        found.append(run(graph, [*carried, *now, *fixed]))
        carried = [found[-1][j] for j in carries]
    return (*(np.stack([outputs[j] for outputs in found]) for j in stacked), *(found[-1][j] for j in last))


# Of compiled programs only: what is differentiated is the program as it was traced. Operands: carried values,
# arrays that are walked through, values that stay. Parameters: for every carried value the output of `graph`
# that it becomes; (first row, stride) of every array; which outputs are results as stacks of all iterations,
# and which as those of the last one. An output is a result in one way at most.
REPEAT = Primitive(name="repeat", type=_repeat_type, value=_repeat_value, family="call")
