"""Separators of graphs: few columns without which a graph falls into two parts of about one size.

A graph is halved by the levels of a breadth-first search from one of its ends (A. George, J. Liu, "An
automatic nested dissection algorithm for irregular finite element problems", SIAM J. Numer. Anal. 15, 1978),
on a coarse graph first (B. Hendrickson, R. Leland, "A multilevel algorithm for partitioning graphs", 1995;
G. Karypis, V. Kumar, SIAM J. Sci. Comput. 20, 1998); the separator is then improved, level by level, by
moves that take the most from it, and back to the best seen (C. Fiduccia, R. Mattheyses, "A linear-time
heuristic for improving network partitions", 1982; for separators C. Ashcraft, J. Liu, 1997).
"""

from __future__ import annotations

# Where a column is.
LEFT, RIGHT, SEPARATOR = 0, 1, 2


def match(starts, neighbors, weights, shared, limit, mates):
    """Write for each column the neighbor it becomes one with, itself if none, and return how many there are.

    Columns take the free neighbor that they share most with, the lightest among equals. Columns of few
    neighbors come first; together they weigh no more than `limit`.
    """
    n = mates.size
    for i in range(n):
        mates[i] = -1
    count = 0
    for degree in range(1, 5):
        for i in range(n):
            size = starts[i + 1] - starts[i]
            if mates[i] >= 0 or (degree < 4 and size > 2 * degree):
                continue
            best, most, least = i, 0, limit
            for p in range(starts[i], starts[i + 1]):
                j = neighbors[p]
                total = weights[i] + weights[j]
                if mates[j] >= 0 or j == i or total > limit:
                    continue
                if shared[p] > most or (shared[p] == most and total < least):
                    best, most, least = j, shared[p], total
            mates[i] = best
            mates[best] = i
            count += 1
    return count


def contract(
    starts, neighbors, weights, shared, mates, coarse, marks, to_starts, to_neighbors, to_weights, to_shared
):
    """Write the graph in which mates are one column, told by `coarse`; return its number of neighbors."""
    n = mates.size
    count = 0
    for i in range(n):
        if mates[i] >= i:
            coarse[i] = count
            coarse[mates[i]] = count
            to_weights[count] = weights[i] + (weights[mates[i]] if mates[i] > i else 0)
            marks[count] = -1
            count += 1
    filled = 0
    to_starts[0] = 0
    for i in range(n):
        if mates[i] < i:
            continue
        k, begin = coarse[i], filled
        for side in range(2):
            if side == 1 and mates[i] == i:
                break
            member = i if side == 0 else mates[i]
            for p in range(starts[member], starts[member + 1]):
                j = coarse[neighbors[p]]
                if j == k:
                    continue
                if marks[j] < begin:
                    marks[j] = filled
                    to_neighbors[filled], to_shared[filled] = j, shared[p]
                    filled += 1
                else:
                    to_shared[marks[j]] += shared[p]
        to_starts[k + 1] = filled
    return filled


def search(starts, neighbors, root, seen, queue):
    """Write all columns as a breadth-first search from a root meets them; return the last of its part.

    Further parts of the graph follow. `seen` becomes zero.
    """
    n = queue.size
    for i in range(n):
        seen[i] = 1
    filled, following, last = 1, 0, root
    queue[0], seen[root] = root, 0
    for k in range(n):
        if k == filled:
            if last == root:
                last = queue[k - 1]
            while seen[following] == 0:
                following += 1
            queue[k], seen[following] = following, 0
            filled += 1
        i = queue[k]
        for p in range(starts[i], starts[i + 1]):
            j = neighbors[p]
            if seen[j] == 1:
                seen[j] = 0
                queue[filled] = j
                filled += 1
    return queue[n - 1] if last == root else last


def halve(starts, neighbors, weights, queue, where):
    """Put the first half of the columns in a queue left, the others right, and those between apart."""
    total, taken = 0, 0
    for i in range(queue.size):
        total += weights[i]
    for k in range(queue.size):
        i = queue[k]
        where[i] = LEFT if 2 * taken < total else RIGHT
        taken += weights[i]
    for i in range(queue.size):
        if where[i] == RIGHT:
            for p in range(starts[i], starts[i + 1]):
                if where[neighbors[p]] == LEFT:
                    where[i] = SEPARATOR
    return 0


# Rows of the work of `refine`: what a column of the separator takes from it by a move to the left or right,
# its place in the list of them, that list, whether it has moved, and what was changed, and from what.
GAIN, _PLACE, _LIST, _MOVED, _CHANGED, _FROM = 0, 2, 3, 4, 5, 6
ROWS = 7

# Moves without success after which a pass ends, and passes.
_PATIENCE, _PASSES = 80, 6


def _weigh(starts, neighbors, weights, where, work, i):
    """Write what moves of a column would take from the separator: its weight without what comes in."""
    work[GAIN + LEFT, i] = weights[i]
    work[GAIN + RIGHT, i] = weights[i]
    for p in range(starts[i], starts[i + 1]):
        j = neighbors[p]
        if where[j] != SEPARATOR:
            work[GAIN + 1 - where[j], i] -= weights[j]


def _include(starts, neighbors, weights, where, work, listed, i):
    """Put a column into the list of the separator."""
    where[i] = SEPARATOR
    work[_PLACE, i] = listed
    work[_LIST, listed] = i
    _weigh(starts, neighbors, weights, where, work, i)


def _move(starts, neighbors, weights, where, work, listed, changed, i, side):
    """Move a column of the separator to a side; what it met on the other one comes in.

    Returns how many columns are in the separator, how many changes are noted, and the weight that came in.
    """
    last = work[_LIST, listed - 1]
    work[_LIST, work[_PLACE, i]] = last
    work[_PLACE, last] = work[_PLACE, i]
    listed -= 1
    where[i] = side
    work[_MOVED, i] = 1
    work[_CHANGED, changed], work[_FROM, changed] = i, SEPARATOR
    changed += 1
    entered = 0
    for p in range(starts[i], starts[i + 1]):
        j = neighbors[p]
        if where[j] == SEPARATOR:
            work[GAIN + 1 - side, j] -= weights[i]
        elif where[j] != side:
            work[_CHANGED, changed], work[_FROM, changed] = j, where[j]
            changed += 1
            entered += weights[j]
            _include(starts, neighbors, weights, where, work, listed, j)
            listed += 1
            for q in range(starts[j], starts[j + 1]):
                if where[neighbors[q]] == SEPARATOR:
                    work[GAIN + side, neighbors[q]] += weights[j]
    return listed, changed, entered


def _best_move(weights, sums, work, listed, limit):
    """Return the column of the separator and the side whose move gains most and keeps the balance."""
    best, to, most = -1, LEFT, 0
    lighter = LEFT if sums[LEFT] < sums[RIGHT] else RIGHT
    for k in range(listed):
        i = work[_LIST, k]
        if work[_MOVED, i] == 1:
            continue
        for turn in range(2):
            side = lighter if turn == 0 else 1 - lighter
            gain = work[GAIN + side, i]
            if (best < 0 or gain > most) and sums[side] + weights[i] <= limit:
                best, to, most = i, side, gain
    return best, to


def _pass(starts, neighbors, weights, where, work, sums, limit):
    """Move columns one by one, then back to where the separator was lightest; whether that is better."""
    n = where.size
    listed, changed, kept, stalled = 0, 0, 0, 0
    for i in range(n):
        work[_MOVED, i] = 0
        if where[i] == SEPARATOR:
            _include(starts, neighbors, weights, where, work, listed, i)
            listed += 1
    first = sums[SEPARATOR]
    least, apart = first, max(sums[LEFT], sums[RIGHT])
    while stalled < _PATIENCE:
        i, side = _best_move(weights, sums, work, listed, limit)
        if i < 0 or changed + 1 + starts[i + 1] - starts[i] > n:
            break
        listed, changed, entered = _move(starts, neighbors, weights, where, work, listed, changed, i, side)
        sums[side] += weights[i]
        sums[1 - side] -= entered
        sums[SEPARATOR] += entered - weights[i]
        stalled += 1
        balance = max(sums[LEFT], sums[RIGHT])
        if sums[SEPARATOR] < least or (sums[SEPARATOR] == least and balance < apart):
            least, apart, kept, stalled = sums[SEPARATOR], balance, changed, 0
    while changed > kept:
        changed -= 1
        i = work[_CHANGED, changed]
        sums[where[i]] -= weights[i]
        where[i] = work[_FROM, changed]
        sums[where[i]] += weights[i]
    return least < first


def refine(starts, neighbors, weights, where, sums, work):
    """Improve a separator; `sums` become the weights left, right and between. Returns the last of them."""
    sums[LEFT], sums[RIGHT], sums[SEPARATOR] = 0, 0, 0
    for i in range(where.size):
        sums[where[i]] += weights[i]
    total = sums[LEFT] + sums[RIGHT] + sums[SEPARATOR]
    limit = max(total * 6 // 10, max(sums[LEFT], sums[RIGHT]))
    for _ in range(_PASSES):
        if not _pass(starts, neighbors, weights, where, work, sums, limit):
            break
    return sums[SEPARATOR]


def extract(starts, neighbors, members, local, part_starts, part_neighbors):
    """Write the graph of some columns; return its number of neighbors. `local` is -1 before and after."""
    for k in range(members.size):
        local[members[k]] = k
    filled = 0
    part_starts[0] = 0
    for k in range(members.size):
        for p in range(starts[members[k]], starts[members[k] + 1]):
            j = local[neighbors[p]]
            if j >= 0:
                part_neighbors[filled] = j
                filled += 1
        part_starts[k + 1] = filled
    for k in range(members.size):
        local[members[k]] = -1
    return filled
