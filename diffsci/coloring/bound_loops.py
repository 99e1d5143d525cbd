"""The loop behind the lower bound of star and acyclic colorings."""

from __future__ import annotations

# Rows of `parts`: the parent in a tree of a component, and its numbers of vertices and edges.
_PARENT, _VERTICES, _EDGES = 0, 1, 2


def _root(parts, v):
    while parts[_PARENT, v] != v:
        parts[_PARENT, v] = parts[_PARENT, parts[_PARENT, v]]
        v = parts[_PARENT, v]
    return v


def _colors_needed(vertices, edges, least):
    """Any two of k colors make a forest, so that edges <= (k - 1) vertices - k (k - 1) / 2."""
    k = least
    while k < vertices and (k - 1) * vertices - k * (k - 1) // 2 < edges:
        k += 1
    return k


def densest(starts, indices, order, core, parts):
    """The most colors that a connected part of a core needs; `order` has the largest cores first.

    ``core[v]`` is the number of the densest core that vertex v belongs to.
    """
    bound = 1 if order.size else 0
    for v in range(order.size):
        parts[_PARENT, v] = -1
    begin = 0
    while begin < order.size:
        end = begin
        while end < order.size and core[order[end]] == core[order[begin]]:
            v = order[end]
            parts[_PARENT, v], parts[_VERTICES, v], parts[_EDGES, v] = v, 1, 0
            for p in range(starts[v], starts[v + 1]):
                w = indices[p]
                if w == v or parts[_PARENT, w] < 0:
                    continue
                a, b = _root(parts, v), _root(parts, w)
                parts[_EDGES, a] += 1
                if a != b:
                    parts[_PARENT, b] = a
                    parts[_VERTICES, a] += parts[_VERTICES, b]
                    parts[_EDGES, a] += parts[_EDGES, b]
            end += 1
        for k in range(begin, end):
            part = _root(parts, order[k])
            bound = max(bound, _colors_needed(int(parts[_VERTICES, part]), int(parts[_EDGES, part]), bound))
        begin = end
    return bound
