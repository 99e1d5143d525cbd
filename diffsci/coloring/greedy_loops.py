"""Greedy colorings and orders of vertices that share groups.

Vertices are columns and groups are rows, or the other way round: ``groups[group_starts...]`` lists the groups
of every vertex, ``members[member_starts...]`` the vertices of every group. Vertices of one group are
neighbors. With a graph every vertex has groups of one member, its neighbors.
"""

from __future__ import annotations

from diffsci.coloring.ways import FEW, INCIDENCE_DEGREE, SMALLEST_LAST

# The rows of the lists of `order_dynamically`.
_HEAD, _NEXT, _BEFORE = 0, 1, 2
_GONE = -2


def count_neighbors(group_starts, groups, member_starts, members, seen, degrees, begin, end):
    """Write the number of distinct neighbors of vertices; `seen` is zero before the first ones."""
    size = degrees.size
    for v in range(begin, end):
        seen[v] = v + 1
        found = 0
        for p in range(group_starts[v], group_starts[v + 1]):
            g = groups[p]
            if member_starts[g + 1] - member_starts[g] == size:  # everybody
                found = size - 1
                break
            for q in range(member_starts[g], member_starts[g + 1]):
                u = members[q]
                if seen[u] != v + 1:
                    seen[u] = v + 1
                    found += 1
        degrees[v] = found
    return 0


def _take(lists, keys, v):
    """Take a vertex out of the list of its key."""
    before, after = lists[_BEFORE, v], lists[_NEXT, v]
    if before < 0:
        lists[_HEAD, keys[v]] = after
    else:
        lists[_NEXT, before] = after
    if after >= 0:
        lists[_BEFORE, after] = before


def _put(lists, keys, v):
    """Put a vertex at the front of the list of its key."""
    first = lists[_HEAD, keys[v]]
    lists[_NEXT, v] = first
    lists[_BEFORE, v] = -1
    if first >= 0:
        lists[_BEFORE, first] = v
    lists[_HEAD, keys[v]] = v


def list_keys(keys, lists):
    """Make lists of the vertices of equal keys."""
    size = keys.size
    for v in range(size + 1):
        lists[_HEAD, v] = -1
    for v in range(size - 1, -1, -1):
        _put(lists, keys, v)
    return 0


def order_dynamically(
    group_starts, groups, member_starts, members, keys, lists, seen, order, taken_at, way, at, begin, end
):
    """Take vertices by a key that changes as their neighbors are taken; return where the next key is near.

    The key is the number of neighbors left (smallest-last, largest-first) or of neighbors taken (incidence).
    Lists of equal keys give the next vertex; first in them is the smallest or the one changed last. Before
    the first vertex `seen` is zero, and `at` is at most the smallest key (smallest-last) or at least the
    largest; ``taken_at[k]`` becomes the key of the k-th vertex taken.
    """
    size = order.size
    step = 1 if way == INCIDENCE_DEGREE else -1
    for k in range(begin, end):
        if way == SMALLEST_LAST:
            while lists[_HEAD, at] < 0:
                at += 1
        else:
            while lists[_HEAD, at] < 0:
                at -= 1
        v = lists[_HEAD, at]
        _take(lists, keys, v)
        taken_at[k] = keys[v]
        order[size - 1 - k if way == SMALLEST_LAST else k] = v
        keys[v] = _GONE
        for p in range(group_starts[v], group_starts[v + 1]):
            g = groups[p]
            for q in range(member_starts[g], member_starts[g + 1]):
                u = members[q]
                if seen[u] != k + 1 and keys[u] != _GONE:
                    seen[u] = k + 1
                    _take(lists, keys, u)
                    keys[u] += step
                    _put(lists, keys, u)
        if way == SMALLEST_LAST:
            at = max(at - 1, 0)
        elif way == INCIDENCE_DEGREE:
            at = min(at + 1, size - 1)
    return at


def color_partially(
    group_starts, groups, member_starts, members, order, active, colors, filling, stamps, limit, count, begin,
    end,
):  # fmt: skip
    """Give vertices in this order the smallest color that differs from all neighbors'.

    Groups that are not active do not make neighbors; a vertex without an active group keeps -1. Returns the
    number of colors; more than `limit` as soon as there are more. Before the first vertex colors are -1, and
    all else zero.

    The colors within a group differ, so it has used up exactly the smallest ones if their number equals the
    largest one plus one: then nobody needs to look at its members. That makes dense groups cheap.
    """
    used, top = filling[0], filling[1]
    for k in range(begin, end):
        v = order[k]
        color = 0
        touched = False
        for p in range(group_starts[v], group_starts[v + 1]):
            g = groups[p]
            if active[g] == 0:
                continue
            touched = True
            if used[g] == top[g]:
                color = max(color, top[g])
                continue
            for q in range(member_starts[g], member_starts[g + 1]):
                c = colors[members[q]]
                if c >= 0:
                    stamps[c] = k + 1
        if not touched:
            continue
        while color < count and stamps[color] == k + 1:
            color += 1
        colors[v] = color
        count = max(count, color + 1)
        if count > limit:
            return count
        for p in range(group_starts[v], group_starts[v + 1]):
            g = groups[p]
            used[g] += 1
            top[g] = max(top[g], color + 1)
    return count


def color_few(group_starts, groups, order, active, colors, taken, limit, count, begin, end):
    """Do what `color_partially` does while there are few colors: those of a group are the bits of a word.

    Returns -1 if the bits are not enough. Before the first vertex colors are -1, and `taken` (one word for
    each group) zero.
    """
    for k in range(begin, end):
        v = order[k]
        used = 0
        touched = False
        for p in range(group_starts[v], group_starts[v + 1]):
            if active[groups[p]] != 0:
                touched = True
                used |= taken[groups[p]]
        if not touched:
            continue
        color = 0
        while used & 1:
            used >>= 1
            color += 1
        if color == FEW:
            return -1
        colors[v] = color
        count = max(count, color + 1)
        if count > limit:
            return count
        bit = 1 << color
        for p in range(group_starts[v], group_starts[v + 1]):
            taken[groups[p]] |= bit
    return count
