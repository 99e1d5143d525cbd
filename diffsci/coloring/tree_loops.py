"""Greedy star and acyclic colorings of graphs, after Gebremedhin, Tarafdar, Manne and Pothen (2007).

In a star coloring no path of four vertices has two colors only; in an acyclic one no cycle has. Both are
found first fit: every vertex takes the smallest color that keeps the property. What decides is kept by vertex
and color, not by edge: the *slot* of a vertex and a color stands for all neighbors of that color. A vertex
has no more slots than there are colors around it, so one with a million neighbors costs no more than they do.

Vertices below `split` take colors 0, step, 2 step, ..., the others start at 1: columns and rows of a
rectangular matrix have colors of their own. A color of -2 is none: such a vertex is never read, so that all
its neighbors need different colors.
"""

from __future__ import annotations

OPEN, NONE = -1, -2
# Rows of `slots`, `sizes` and `marks`.
_COLOR, _COUNT, _FIRST, _HUB = 0, 1, 2, 3
_PARENT, _SEEN = 1, 2
_SLOTS, _HUBS = 0, 1
_FORBIDDEN, _MET, _WHO = 0, 1, 2


def _slot(starts, slots, sizes, v, color):
    """Where the slot of a vertex and a color is, or would be next."""
    end = starts[v] + sizes[_SLOTS, v]
    for s in range(starts[v], end):
        if slots[_COLOR, s] == color:
            return s
    return end


def _slot_of_neighbor(starts, slots, sizes, w, c, color):
    """Where a neighbor of color c notes a color: always in a new slot if it has none itself."""
    if c == NONE:
        return starts[w] + sizes[_SLOTS, w]
    return _slot(starts, slots, sizes, w, color)


def _forbid_slots(starts, slots, sizes, marks, v, mark):
    """Forbid the colors of all neighbors of a vertex."""
    for s in range(starts[v], starts[v] + sizes[_SLOTS, v]):
        marks[_FORBIDDEN, slots[_COLOR, s]] = mark


def _add_hub(starts, slots, sizes, v, color):
    """Note that a vertex is in a star around a neighbor of this color."""
    slots[_HUB, starts[v] + sizes[_HUBS, v]] = color
    sizes[_HUBS, v] += 1


def _free_color(marks, mark, color, step):
    while marks[_FORBIDDEN, color] == mark:
        color += step
    return color


def _too_many(tops, v, color, split, step, limit):
    """Whether a new color of a vertex makes more colors than the limit; `tops` counts those of both sides."""
    side = 0 if v < split else 1
    tops[side] = max(tops[side], color // step + 1)
    return tops[0] + tops[1] > limit


def color_star(
    starts, indices, order, colors, treated, split, slots, sizes, marks, tops, step, limit, begin, end
):
    """Color vertices that are `OPEN` so that two-colored paths have at most three vertices.

    Returns 0; 1 as soon as there are more colors than the limit.
    """
    for k in range(begin, end):
        v, mark = order[k], k + 1
        for p in range(starts[v], starts[v + 1]):
            w = indices[p]
            c = colors[w]
            if w == v or c == OPEN:
                continue
            if c == NONE:
                _forbid_slots(starts, slots, sizes, marks, w, mark)
                continue
            marks[_FORBIDDEN, c] = mark
            for s in range(starts[w], starts[w] + sizes[_HUBS, w]):  # at the end of a path
                marks[_FORBIDDEN, slots[_HUB, s]] = mark
            if marks[_MET, c] == mark:  # in the middle of a path
                first = marks[_WHO, c]
                if treated[first] != mark:
                    treated[first] = mark
                    _forbid_slots(starts, slots, sizes, marks, first, mark)
                _forbid_slots(starts, slots, sizes, marks, w, mark)
            else:
                marks[_MET, c], marks[_WHO, c] = mark, w
        color = _free_color(marks, mark, 0 if v < split else 1, step)
        if _too_many(tops, v, color, split, step, limit):
            return 1
        colors[v] = color
        _tell_star(starts, indices, colors, slots, sizes, v, color)
    return 0


def _tell_star(starts, indices, colors, slots, sizes, v, color):
    """Tell the neighbors of a vertex its color, and who is in a star now."""
    for p in range(starts[v], starts[v + 1]):
        w = indices[p]
        c = colors[w]
        if w == v:
            continue
        s = _slot_of_neighbor(starts, slots, sizes, w, c, color)
        if s == starts[w] + sizes[_SLOTS, w]:
            slots[_COLOR, s], slots[_COUNT, s], slots[_FIRST, s] = color, 1, v
            sizes[_SLOTS, w] += 1
        else:
            slots[_COUNT, s] += 1
            if c >= 0:
                if slots[_COUNT, s] == 2:
                    _add_hub(starts, slots, sizes, slots[_FIRST, s], c)
                _add_hub(starts, slots, sizes, v, c)
        if c >= 0:
            t = _slot(starts, slots, sizes, v, c)
            if slots[_COUNT, t] > 1:
                _add_hub(starts, slots, sizes, w, color)


def _root(slots, s):
    """The tree of a slot: slots are joined where an edge connects them."""
    while slots[_PARENT, s] != s:
        slots[_PARENT, s] = slots[_PARENT, slots[_PARENT, s]]
        s = slots[_PARENT, s]
    return s


def color_acyclic(
    starts, indices, order, colors, treated, split, slots, sizes, marks, tops, step, limit, begin, end
):
    """Color vertices that are `OPEN` so that any two colors make trees only.

    Returns 0; 1 as soon as there are more colors than the limit. `treated` is not used.
    """
    for k in range(begin, end):
        v, mark = order[k], k + 1
        for p in range(starts[v], starts[v + 1]):
            w = indices[p]
            c = colors[w]
            if w == v or c == OPEN:
                continue
            if c == NONE:
                _forbid_slots(starts, slots, sizes, marks, w, mark)
                continue
            marks[_FORBIDDEN, c] = mark
            for s in range(starts[w], starts[w] + sizes[_SLOTS, w]):
                root = _root(slots, s)
                if slots[_SEEN, root] == mark:  # a second edge to this tree would close a cycle
                    marks[_FORBIDDEN, slots[_COLOR, s]] = mark
                slots[_SEEN, root] = mark
        color = _free_color(marks, mark, 0 if v < split else 1, step)
        if _too_many(tops, v, color, split, step, limit):
            return 1
        colors[v] = color
        _tell_acyclic(starts, indices, colors, slots, sizes, v, color)
    return 0


def _tell_acyclic(starts, indices, colors, slots, sizes, v, color):
    """Tell the neighbors of a vertex its color, and join the trees that its edges connect."""
    for p in range(starts[v], starts[v + 1]):
        w = indices[p]
        c = colors[w]
        if w == v:
            continue
        s = _slot_of_neighbor(starts, slots, sizes, w, c, color)
        if s == starts[w] + sizes[_SLOTS, w]:
            slots[_COLOR, s], slots[_PARENT, s], slots[_SEEN, s] = color, s, 0
            sizes[_SLOTS, w] += 1
        if c >= 0:
            a, b = _root(slots, s), _root(slots, _slot(starts, slots, sizes, v, c))
            slots[_PARENT, max(a, b)] = min(a, b)
