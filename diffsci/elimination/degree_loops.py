"""Approximate minimum degree: the order in which columns of a symmetric pattern are eliminated.

P. Amestoy, T. Davis, I. Duff, "An approximate minimum degree ordering algorithm", SIAM J. Matrix Anal. Appl.
17, 1996. What elimination has made of the graph so far is kept as a quotient graph, which never takes more
memory than the graph itself: an eliminated column is an element, a list of the columns that it connects.
A column has a list of its elements, then one of the neighbors that no element accounts for. Columns that
cannot be told apart are one, the principal of a chain, with their number as its weight.
"""

from __future__ import annotations

# Rows of `columns`: where the list of a column or element begins, its length, how many elements come first in
# it; the weight (0: gone; negative: in the element that is being made) and a bound of the degree; lists of
# columns of one degree, or of one hash; marks; the chain; whether the column is not to be eliminated.
BEGIN, LENGTH, ELEMENTS, WEIGHT, DEGREE, HEAD, NEXT, BEFORE, MARK, HASH, KIN, LAST, LATER = range(13)
ROWS = 13


def _unlist(columns, i):
    """Take a column out of the list of its degree."""
    after, before = columns[NEXT, i], columns[BEFORE, i]
    if after >= 0:
        columns[BEFORE, after] = before
    if before >= 0:
        columns[NEXT, before] = after
    else:
        columns[HEAD, columns[DEGREE, i]] = after


def _enlist(columns, i):
    """Put a column first in the list of its degree."""
    first = columns[HEAD, columns[DEGREE, i]]
    columns[NEXT, i], columns[BEFORE, i] = first, -1
    if first >= 0:
        columns[BEFORE, first] = i
    columns[HEAD, columns[DEGREE, i]] = i


def _chain(columns, i, j):
    """Append the chain of column j to that of i; j is no longer a column of its own."""
    columns[KIN, columns[LAST, i]] = j
    columns[LAST, i] = columns[LAST, j]
    columns[WEIGHT, j] = 0
    columns[LENGTH, j] = 0


def _compact(columns, space, used):
    """Move all lists to the front of the space; return where it is free."""
    n = columns.shape[1]
    for i in range(n):
        if columns[LENGTH, i] > 0:  # the list names its owner; what stood there is kept with the owner
            begin = columns[BEGIN, i]
            columns[BEGIN, i] = space[begin]
            space[begin] = -1 - i
    free, p = 0, 0
    while p < used:
        if space[p] >= 0:
            p += 1
            continue
        i = -1 - space[p]
        space[free] = columns[BEGIN, i]
        columns[BEGIN, i] = free
        for k in range(1, columns[LENGTH, i]):
            space[free + k] = space[p + k]
        free += columns[LENGTH, i]
        p += columns[LENGTH, i]
    return free


def _gather(columns, space, begin, count, target):
    """Move the columns of a list that are in no element being made yet to `target`; return its end."""
    for p in range(begin, begin + count):
        j = space[p]
        if columns[WEIGHT, j] > 0:
            columns[WEIGHT, j] = -columns[WEIGHT, j]
            if columns[LATER, j] == 0:
                _unlist(columns, j)
            space[target] = j
            target += 1
    return target


def _make_element(columns, space, pivot, free):
    """Replace the lists of a pivot by that of the columns that it reaches; return where the space is free."""
    begin, elements = columns[BEGIN, pivot], columns[ELEMENTS, pivot]
    end = begin + columns[LENGTH, pivot]
    columns[WEIGHT, pivot] = -columns[WEIGHT, pivot]
    if elements == 0:
        made = begin
        last = _gather(columns, space, begin, end - begin, made)
    else:
        made = last = free
        for p in range(begin, begin + elements):
            e = space[p]
            last = _gather(columns, space, columns[BEGIN, e], columns[LENGTH, e], last)
            columns[WEIGHT, e], columns[LENGTH, e] = 0, 0
        last = _gather(columns, space, begin + elements, end - begin - elements, last)
        free = last
    columns[BEGIN, pivot], columns[LENGTH, pivot], columns[ELEMENTS, pivot] = made, last - made, -1
    return free


def _subtract(columns, space, pivot, stamp):
    """Mark elements by the weight of what they connect outside of the one that was made, from `stamp` on."""
    begin = columns[BEGIN, pivot]
    for p in range(begin, begin + columns[LENGTH, pivot]):
        i = space[p]
        weight = -columns[WEIGHT, i]
        first = columns[BEGIN, i]
        for q in range(first, first + columns[ELEMENTS, i]):
            e = space[q]
            if columns[WEIGHT, e] == 0:
                continue
            if columns[MARK, e] < stamp:
                columns[MARK, e] = stamp + columns[DEGREE, e]
            columns[MARK, e] -= weight


def _renew(columns, space, pivot, i, stamp):
    """Write the lists of a column that the pivot reaches anew; return the weight of what is outside of it."""
    begin = columns[BEGIN, i]
    elements, end = begin + columns[ELEMENTS, i], begin + columns[LENGTH, i]
    kept, outside, hashed = begin, 0, pivot
    for q in range(begin, elements):
        e = space[q]
        if columns[WEIGHT, e] == 0:
            continue
        beyond = columns[MARK, e] - stamp
        if beyond > 0:
            outside += beyond
            space[kept] = e
            kept += 1
            hashed += e
        else:  # the new element connects all that this one does
            columns[WEIGHT, e], columns[LENGTH, e] = 0, 0
    last = kept
    for q in range(elements, end):
        j = space[q]
        if columns[WEIGHT, j] > 0:
            outside += columns[WEIGHT, j]
            hashed += j
            space[last] = j
            last += 1
    # An element or the pivot itself is gone, so there is room for one more: the pivot, last of the elements.
    space[last] = space[kept]
    space[kept] = pivot
    columns[ELEMENTS, i], columns[LENGTH, i] = kept + 1 - begin, last + 1 - begin
    columns[HASH, i] = hashed % columns.shape[1]
    return outside


def _same(columns, space, i, j, stamp):
    """Tell whether the lists of j are those of i, whose members are marked."""
    if columns[LENGTH, i] != columns[LENGTH, j] or columns[ELEMENTS, i] != columns[ELEMENTS, j]:
        return False
    if columns[LATER, i] != columns[LATER, j]:
        return False
    begin = columns[BEGIN, j]
    for q in range(begin, begin + columns[LENGTH, j]):  # noqa: SIM110 -- a compiled loop
        if columns[MARK, space[q]] != stamp:
            return False
    return True


def _join_equals(columns, space, pivot, buckets, stamp):
    """Join columns that the pivot reaches and that cannot be told apart; return the next free stamp."""
    begin = columns[BEGIN, pivot]
    for p in range(begin, begin + columns[LENGTH, pivot]):
        i = space[p]
        if columns[WEIGHT, i] == 0:
            continue
        first = buckets[columns[HASH, i]]
        buckets[columns[HASH, i]] = -1
        while first >= 0:
            following = columns[NEXT, first]
            if following >= 0:
                start = columns[BEGIN, first]
                for q in range(start, start + columns[LENGTH, first]):
                    columns[MARK, space[q]] = stamp
                before, j = first, following
                while j >= 0:
                    after = columns[NEXT, j]
                    if _same(columns, space, first, j, stamp):
                        columns[WEIGHT, first] += columns[WEIGHT, j]
                        _chain(columns, first, j)
                        columns[NEXT, before] = after
                    else:
                        before = j
                    j = after
                stamp += 1
            first = columns[NEXT, first]
    return stamp


def _reach(columns, space, pivot, buckets, stamp):
    """Bring the columns that a pivot reaches up to date; return the weight that was eliminated with it."""
    taken = 0
    begin = columns[BEGIN, pivot]
    for p in range(begin, begin + columns[LENGTH, pivot]):
        i = space[p]
        outside = _renew(columns, space, pivot, i, stamp)
        if columns[LENGTH, i] == 1 and columns[LATER, i] == 0:  # the pivot is all that it knows
            taken -= columns[WEIGHT, i]
            _chain(columns, pivot, i)
            continue
        columns[DEGREE, i] = min(columns[DEGREE, i], outside)
        columns[NEXT, i] = buckets[columns[HASH, i]]
        buckets[columns[HASH, i]] = i
    return taken


def _close(columns, space, pivot, left):
    """Put columns that a pivot reaches back into lists of degrees; return the least degree."""
    begin = columns[BEGIN, pivot]
    total = 0
    for p in range(begin, begin + columns[LENGTH, pivot]):
        total -= columns[WEIGHT, space[p]]
    kept, least = begin, columns.shape[1]
    for p in range(begin, begin + columns[LENGTH, pivot]):
        i = space[p]
        if columns[WEIGHT, i] == 0:
            continue
        weight = columns[WEIGHT, i] = -columns[WEIGHT, i]
        columns[DEGREE, i] = min(columns[DEGREE, i] + total - weight, left - weight)
        if columns[LATER, i] == 0:
            _enlist(columns, i)
            least = min(least, columns[DEGREE, i])
        space[kept] = i
        kept += 1
    columns[LENGTH, pivot], columns[DEGREE, pivot] = kept - begin, total
    columns[WEIGHT, pivot] = 1 if kept > begin else 0  # an element that connects nothing is no element
    return least


def _begin(starts, columns, space, later, dense):
    """Lists of neighbors; columns of high degree are left out. Returns where the space is free."""
    n = columns.shape[1]
    for i in range(n):
        columns[HEAD, i], columns[KIN, i], columns[LAST, i] = -1, -1, i
        columns[MARK, i], columns[LATER, i] = 0, later[i]
        columns[WEIGHT, i] = 0 if starts[i + 1] - starts[i] > dense else 1
    free = 0
    for i in range(n):
        begin = free
        if columns[WEIGHT, i] == 1:
            for p in range(starts[i], starts[i + 1]):
                if columns[WEIGHT, space[p]] == 1:
                    space[free] = space[p]
                    free += 1
        columns[BEGIN, i], columns[LENGTH, i] = begin, free - begin
        columns[ELEMENTS, i], columns[DEGREE, i] = 0, free - begin
    for i in range(n - 1, -1, -1):
        if columns[WEIGHT, i] == 1 and later[i] == 0:
            _enlist(columns, i)
    return free


def minimum_degree(starts, space, later, columns, buckets, order, dense):
    """Write the columns of a graph in the order of their elimination; return how many were ordered.

    Columns marked in `later`, and those with more than `dense` neighbors, are not: the first still count as
    neighbors, the others do not. `space` begins with the neighbors of each column and has room for another n
    numbers, `buckets` are n times -1.
    """
    n = order.size
    free = _begin(starts, columns, space, later, dense)
    left, waiting = 0, 0
    for i in range(n):
        left += columns[WEIGHT, i]
        waiting += columns[WEIGHT, i] if later[i] == 0 else 0
    stamp, least, count = 1, 0, 0
    while count < waiting:
        while columns[HEAD, least] < 0:
            least += 1
        pivot = columns[HEAD, least]
        _unlist(columns, pivot)
        if free + min(columns[DEGREE, pivot], n) > space.size:
            free = _compact(columns, space, free)
        free = _make_element(columns, space, pivot, free)
        _subtract(columns, space, pivot, stamp)
        taken = _reach(columns, space, pivot, buckets, stamp) - columns[WEIGHT, pivot]
        left -= taken
        stamp = _join_equals(columns, space, pivot, buckets, stamp + n + 1)
        least = min(least, _close(columns, space, pivot, left))
        i = pivot
        while i >= 0:
            order[count] = i
            count += 1
            i = columns[KIN, i]
    return count
