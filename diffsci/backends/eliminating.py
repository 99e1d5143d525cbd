"""Sparse solves of compiled programs: as banded ones, by fronts, and by SuperLU where these are of no use.

Nodes that solve with one matrix share its factors. Whether row exchanges inside of fronts were enough is only
known when the numbers are: the program branches on it, and the other branch calls SciPy.
"""

from __future__ import annotations

from diffsci.backends.factoring import narrow_band, too_large
from diffsci.backends.rewriting import Rewriter
from diffsci.elimination import fronts_of
from diffsci.elimination.bands import Diagonals
from diffsci.graph import Builder, Graph, Node, Primitive, Type

__all__ = ["ELIMINATED", "eliminating"]

ELIMINATED = frozenset({"sparse_solve"})


def eliminating(graph: Graph) -> Graph:
    """Return the graph with its sparse solves as factors and substitutions, in those it calls as well."""
    return _Eliminating().graph(graph)


class _Eliminating(Rewriter):
    def __init__(self) -> None:
        super().__init__()
        self._branches: dict[tuple, tuple[Graph, Graph]] = {}

    def concerns(self, primitive: Primitive) -> bool:
        return primitive.name in ELIMINATED

    def replaced(self, b: Builder, node: Node, new: dict[Node, Node]) -> Node:
        if not self.concerns(node.primitive) or len(node.inputs[0].shape) != 1:
            return self.moved(node, new)
        b.location = node.location
        data, rhs = (new[x] for x in node.inputs)
        pattern = node.params["rows"], node.params["starts"]
        band = narrow_band(*pattern)
        if band is not None:
            return _banded(b, band, data, rhs, node.params["transposed"])
        if too_large(*pattern):
            return b.sparse_solve_library(data, rhs, **node.params)
        fronts = fronts_of(*pattern)
        table = b.emit("const", value=fronts.table)  # the same array, so that factors are shared
        factored = b.sparse_factor(data, table, **fronts.sizes)
        factors, pivots, good = (b.project(factored, index=i) for i in range(3))
        operands = (factors, pivots, table, data, rhs)
        by_fronts, by_library = self._both(node, operands, fronts.largest)
        return b.project(b.cond(good, *operands, true=by_fronts, false=by_library), index=0)

    def _both(self, node: Node, operands: tuple[Node, ...], largest: int) -> tuple[Graph, Graph]:
        """Return the branches of a solve; the same ones for all solves that differ in numbers only."""
        types = tuple(x.type for x in operands)
        rows, starts, transposed = (node.params[name] for name in ("rows", "starts", "transposed"))
        key = (types, rows.tobytes(), starts.tobytes(), transposed)
        found = self._branches.get(key)
        if found is None:
            found = self._branches[key] = (
                _graph(types, lambda b, factors, pivots, table, data, rhs: b.sparse_backsolve(
                    factors, pivots, table, rhs, n=starts.size - 1, largest=largest, transposed=transposed
                )),
                _graph(types, lambda b, factors, pivots, table, data, rhs: b.sparse_solve_library(
                    data, rhs, rows=rows, starts=starts, transposed=transposed
                )),
            )  # fmt: skip
        return found


def _banded(b: Builder, band: Diagonals, data: Node, rhs: Node, transposed: bool) -> Node:
    """Emit the solution with the entries laid out by diagonals, rows in the order of the band."""
    width = band.lower + band.upper + 1
    flat = b.zeros(Type((width * band.n,), data.dtype))
    flat = b.put(flat, b.emit("const", value=band.places), data, axis=0)
    ab = b.reshape(flat, shape=(width, band.n))
    options = {"lower": band.lower, "upper": band.upper, "transposed": transposed}
    if band.order is None:
        return b.solve_banded(ab, rhs, **options)
    moved = b.take(rhs, b.emit("const", value=band.order), axis=0)
    solved = b.solve_banded(ab, moved, **options)
    return b.take(solved, b.emit("const", value=band.position), axis=0)


def _graph(types, emit) -> Graph:
    b = Builder()
    inputs = [b.input(type_) for type_ in types]
    return Graph(inputs, [emit(b, *inputs)])
