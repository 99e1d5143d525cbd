"""The elimination tree of a symmetric pattern and the sizes of its fronts, without the fill itself."""

from __future__ import annotations

from diffsci.primitives.linalg.fronts import front_flops

# What a front costs, in units of a floating-point operation within one (some 0.1 to 0.3 ns): the loops of
# its factorization and of a few solves, an entry that is moved and read by them, and an operation. Measured
# by times of factors and eight solves, for plans made with 500 to 8000 and 4 to 16.
_CALLS, _ENTRY = 1000, 8

# More than anything costs.
_MOST = 1 << 62

# Rows of the work of `count_below`.
_FIRST, _GREATEST, _LEAF, _ANCESTOR = range(4)


def link(starts, neighbors, order, position, parents, ancestors):
    """Write the parent of each column in the elimination tree, n for roots, by positions in the order.

    J. Liu, "The role of elimination trees in sparse factorization", SIAM J. Matrix Anal. Appl. 11, 1990:
    paths to the roots found so far are shortened. Writes `position`, the inverse of the order.
    """
    n = order.size
    for k in range(n):
        position[order[k]] = k
    for k in range(n):
        parents[k] = ancestors[k] = n
        for p in range(starts[order[k]], starts[order[k] + 1]):
            node = position[neighbors[p]]
            while node < k:
                following = ancestors[node]
                ancestors[node] = k
                if following == n:
                    parents[node] = k
                node = following
    return 0


def follow(parents, weights, order, lists, moved):
    """Rearrange an order so that whole subtrees follow each other, children by weight, the heaviest last.

    Weights are up to n. Writes `moved`, the new place of each column, and renames `parents`.
    """
    n = parents.size
    head, after, bucket = lists[0], lists[1], lists[2]
    for k in range(n + 1):
        head[k] = bucket[k] = -1
    for k in range(n):
        after[k], bucket[weights[k]] = bucket[weights[k]], k
    # From the lightest to the heaviest, each becomes the first child: taken first, from the end.
    for weight in range(n + 1):
        node = bucket[weight]
        while node >= 0:
            following = after[node]
            after[node], head[parents[node]] = head[parents[node]], node
            node = following
    place, node = n, n
    while place > 0:
        child = head[node]
        if child < 0:
            node = parents[node]
            continue
        head[node] = after[child]
        place -= 1
        moved[child] = place
        node = child
    for k in range(n):
        after[moved[k]] = order[k]
        bucket[moved[k]] = n if parents[k] == n else moved[parents[k]]
    for k in range(n):
        order[k], parents[k] = after[k], bucket[k]
    return 0


def _root(ancestors, node):
    """Return the end of a path and shorten it."""
    end = node
    while ancestors[end] != end:
        end = ancestors[end]
    while ancestors[node] != end:
        ancestors[node], node = end, ancestors[node]
    return end


def count_below(starts, neighbors, order, position, parents, counts, work):
    """Write the number of entries below the diagonal of each column of L; the order follows the tree.

    J. Gilbert, E. Ng, B. Peyton, "An efficient algorithm to compute row and column counts for sparse Cholesky
    factorization", SIAM J. Matrix Anal. Appl. 15, 1994: leaves of row subtrees, and where their paths meet.
    """
    n = order.size
    first, greatest, leaf, ancestors = work[_FIRST], work[_GREATEST], work[_LEAF], work[_ANCESTOR]
    for k in range(n):
        position[order[k]] = k
        first[k], greatest[k], leaf[k], ancestors[k], counts[k] = k, -1, -1, k, 1
    for k in range(n):
        if parents[k] < n:
            first[parents[k]] = min(first[parents[k]], first[k])
            counts[parents[k]] = 0  # not a leaf
    for k in range(n):
        if parents[k] < n:
            counts[parents[k]] -= 1
        for p in range(starts[order[k]], starts[order[k] + 1]):
            i = position[neighbors[p]]
            if i > k and first[k] > greatest[i]:
                greatest[i] = first[k]
                counts[k] += 1
                if leaf[i] >= 0:
                    counts[_root(ancestors, leaf[i])] -= 1
                leaf[i] = k
        if parents[k] < n:
            ancestors[k] = parents[k]
    for k in range(n):
        if parents[k] < n:
            counts[parents[k]] += counts[k]
    for k in range(n):
        counts[k] -= 1
    return 0


def front_cost(own, rest):
    """The cost of the factorization of a front and a few solves, in operations; of arrays of them as well."""
    return _CALLS + _ENTRY * (own * (own + 2 * rest) + rest * rest) + front_flops(own, rest)


def _supernodes(parents, counts, first, own, rest, group_of, lowest):
    """Write groups of columns with one structure that follow each other, and the first group below each."""
    n = parents.size
    count, k = 0, 0
    while k < n:
        first[count] = k
        while k + 1 < n and parents[k] == k + 1 and counts[k] == counts[k + 1] + 1:
            k += 1
        own[count], rest[count] = k + 1 - first[count], counts[k]
        for column in range(first[count], k + 1):
            group_of[column] = count
        lowest[count] = count
        count += 1
        k += 1
    for k in range(count):
        parent = parents[first[k] + own[k] - 1]
        if parent < n:
            lowest[group_of[parent]] = min(lowest[group_of[parent]], lowest[k])
    return count


def _cut(first, own, rest, begins, count):
    """Make fronts of groups that are one from ``begins[k]`` to k, from the last one on; return how many."""
    end = count - 1
    while end >= 0:
        begin = begins[end]
        begins[begin], end = end, begin - 1
    k, made = 0, 0
    while k < count:
        end = begins[k]
        columns = first[end] + own[end] - first[k]
        first[made], own[made], rest[made] = first[k], columns, rest[end]
        made += 1
        k = end + 1
    return made


def _parent(parents, first, own, k):
    """The column above a group."""
    return parents[first[k] + own[k] - 1]


def _twins(parents, counts, first, own, rest, j, k):
    """Tell whether two groups reach the same rows: one column above them, and all that it reaches."""
    parent = _parent(parents, first, own, k)
    if parent == parents.size or parent != _parent(parents, first, own, j):
        return False
    return rest[j] == rest[k] and rest[k] == counts[parent] + 1


def group(parents, counts, first, own, rest, least, work):
    """Write the fronts: first column, number of columns, and of rows below them. Returns how many.

    Columns with one structure belong to one front. Groups of them may share a front, at the cost of zeros, if
    they follow each other and the last one is above all, or reaches the same rows. Where to cut the order
    into such fronts is found by dynamic programming, over fronts that end with a group; longer ones are not
    looked at where they cost more than the best by what the group alone would cost.
    """
    lowest, begins = work[0], work[1]
    count = _supernodes(parents, counts, first, own, rest, begins, lowest)
    for k in range(count):
        least[k], columns, begin, low = _MOST, 0, k, lowest[k]
        while True:
            below = least[low - 1] if low > 0 else 0
            columns += own[begin]
            cost = front_cost(columns, rest[k])
            if below + cost >= least[k] + front_cost(own[k], rest[k]):
                break
            before = least[begin - 1] if begin > 0 else 0
            if before + cost < least[k]:
                least[k], begins[k] = before + cost, begin
            if begin == 0:
                break
            begin -= 1
            if begin < low:
                if not _twins(parents, counts, first, own, rest, begin, k):
                    break
                low = lowest[begin]
    return _cut(first, own, rest, begins, count)
