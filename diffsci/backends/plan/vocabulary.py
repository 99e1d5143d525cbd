"""Which operations a plan knows, by what becomes of them."""

from __future__ import annotations

from diffsci.backends.plan.rules import STATEMENTS
from diffsci.graph import Graph, Node, Primitive
from diffsci.graph.callees import CALLERS

__all__ = [
    "INDEXING",
    "MOVES",
    "REDUCTIONS",
    "_LIBRARY",
    "is_callback",
    "is_library",
    "is_statement",
    "owners",
]

MOVES = frozenset(
    {"broadcast", "reshape", "transpose", "slice", "pad", "set_slice", "flip", "roll", "concatenate"}
)
INDEXING = frozenset({"take", "put", "put_add"})
REDUCTIONS = frozenset({"sum", "prod", "max", "min", "any", "all"})
_SPARSE = frozenset({"sparse_factor", "sparse_backsolve"})
_DENSE = frozenset({"solve", "det", "solve_triangular", "cholesky"})
_LIBRARY = _SPARSE | _DENSE | {"call", "cond", "repeat", "solve_banded"}
_OTHERS = frozenset(
    {"place", "input", "const", "project", "contract", "cumsum", "cumprod", "argmax", "argmin"}
)
_NATIVE = STATEMENTS | MOVES | INDEXING | REDUCTIONS | _LIBRARY | _OTHERS


def is_statement(node: Node) -> bool:
    """Tell whether an operation is done element by element, by a statement in the bodies of loops."""
    return node.name in STATEMENTS


def is_callback(node: Node | Primitive) -> bool:
    """Tell whether an operation has no native form: compiled programs call its `value`."""
    return node.name not in _NATIVE


def is_library(node: Node | Primitive) -> bool:
    """Tell whether an operation is a step of its own, on arrays in memory."""
    return node.name in _LIBRARY or is_callback(node)


def owners(graph: Graph) -> list[Node]:
    """Return the nodes that need constants of their own: those that call Python or other programs."""
    if not any(primitive.name in CALLERS or primitive.name not in _NATIVE for primitive in graph.primitives):
        return []
    return [node for node in graph.nodes if node.name in CALLERS or node.name not in _NATIVE]
