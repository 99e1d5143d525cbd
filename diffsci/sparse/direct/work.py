"""The terms of all arrays of one program, from its inputs to its outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from diffsci.graph import Builder, Graph, Node
from diffsci.graph.interpreter import evaluate
from diffsci.graph.ir import remembered
from diffsci.graph.naming import spoken
from diffsci.sparse.direct.emitting import emit, is_nothing
from diffsci.sparse.direct.terms import Columns, Maps, Term
from diffsci.transforms.masks import boxed

__all__ = ["Stop", "Work"]

Rule = Callable[["Work", Node], list[Term]]

MOST_TERMS = 128
MOST_ENTRIES = 1 << 26
_DENSER, _FEW_ENTRIES = 4, 4096
MOST_KNOWN = 1 << 24  # elements of indices and factors that are looked at


class Stop(Exception):
    """An operation has no structure that terms can follow."""

    def __init__(self, reason: str, node: Node):
        super().__init__(reason)
        self.reason, self.location = reason, node.location


class Work:
    """Terms of the nodes of one program, and what emits their coefficients.

    Parameters
    ----------
    b : Builder
    rules : mapping
        See `linear`.
    known : dict
        Values of inputs, None for those that are not known.
    width : int
        Number of columns.
    """

    def __init__(
        self, b: Builder, rules: Mapping[str, Rule], known: dict[Node, np.ndarray | None], width: int
    ):
        self.b, self.rules, self.width = b, rules, width
        self.maps = Maps()
        self.terms: dict[Node, list[Term]] = {}
        self._known: dict[Node, np.ndarray | None] = dict(known)

    def of(self, node: Node) -> list[Term]:
        """Return the terms of a node; those of what does not depend on the inputs are none."""
        return self.terms.get(node, [])

    def known(self, node: Node) -> np.ndarray | None:
        """Return the value of a node that depends on constants and integer inputs alone."""
        return remembered(self._known, node, lambda x: x.inputs, self._evaluated)

    def _evaluated(self, node: Node) -> np.ndarray | None:
        if node.is_const:
            return node.params["value"]
        operands = [self._known[x] for x in node.inputs]
        if not operands or isinstance(node.type, tuple) or node.type.size > MOST_KNOWN:
            return None
        if any(value is None for value in operands) or node.primitive.family in ("host", "call", "implicit"):
            return None
        with np.errstate(all="ignore"):
            return evaluate(node, operands)

    def follow(self, roots: Sequence[Node]) -> None:
        """Find the terms of nodes and of all that they are made of."""
        for node in Graph((), roots).nodes:
            if node not in self.terms:
                self.enter(node)

    def enter(self, node: Node) -> None:
        """Find the terms of a node whose operands have theirs."""
        if not any(self.of(x) for x in node.inputs):
            return
        rule = self.rules.get(node.name)
        if rule is None:
            raise Stop(f"{spoken(node)} has entries that follow no fixed pattern of few terms", node)
        self.b.location = node.location
        found = [t for t in rule(self, node) if not (t.columns.is_empty or is_nothing(t.value))]
        if len(found) > MOST_TERMS:
            raise Stop(f"{spoken(node)} depends on more than {MOST_TERMS} elements by element", node)
        self.check_size(node, sum(term.columns.index.size for term in found))
        self.terms[node] = found

    def check_size(self, node: Node, entries: int) -> None:
        """Stop where terms of a node have too many entries: in all, or beside a dense matrix.

        Entries that add up are kept apart, so that there may be more of them than places.
        """
        dense = _DENSER * node.type.size * self.width + _FEW_ENTRIES
        if entries > min(MOST_ENTRIES, dense):
            raise Stop(f"{spoken(node)} collects {entries} entries", node)

    def cleaned(self, term: Term) -> Node:
        """Return coefficients that are zero where there is nothing."""
        if term.clean or term.columns.is_full:
            return term.value
        mask = boxed(self.b, term.columns.index > 0)
        return emit(self.b, "select", mask, term.value, self.b.zeros(term.value.type))

    def merged(self, terms: Sequence[Term]) -> list[Term]:
        """Add terms up that belong to one diagonal."""
        found: list[Term] = []
        for term in terms:
            for k, other in enumerate(found):
                columns = None if term.rows is not other.rows else self._common(term, other)
                if columns is not None:
                    if columns is term.columns is other.columns:
                        parts, clean = (other.value, term.value), other.clean and term.clean
                    else:
                        parts, clean = (self.cleaned(other), self.cleaned(term)), True
                    found[k] = Term(emit(self.b, "add", *parts), columns, term.rows, clean)
                    break
            else:
                found.append(term)
        return found

    def _common(self, one: Term, other: Term) -> Columns | None:
        if one.rows is not None:
            return one.columns if one.columns is other.columns else None
        return self.maps.joined(one.columns, other.columns)
