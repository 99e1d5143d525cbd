"""The elimination tree of a symmetric pattern and the sizes of its fronts, without the fill itself."""

from __future__ import annotations

from diffsci.native.building import native

# What a front costs, in units of a floating-point operation within one (measured: some 0.2 ns): the calls of
# its factorization and of a few solves, an entry that is moved and read by them, and an operation.
_CALLS, _ENTRY = 8000.0, 8.0

# Rows of the work of `count_below`.
_FIRST, _GREATEST, _LEAF, _ANCESTOR = range(4)


@native
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


@native
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
    # From the lightest to the heaviest, each becomes the first child: the heaviest is taken first, from the end.
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


@native
def _root(ancestors, node):
    """Return the end of a path and shorten it."""
    end = node
    while ancestors[end] != end:
        end = ancestors[end]
    while ancestors[node] != end:
        ancestors[node], node = end, ancestors[node]
    return end


@native
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


@native
def front_flops(own, rest):
    """Operations of the factorization of a front."""
    return 2 / 3 * own**3 + 2 * own * own * rest + 2 * own * rest * rest


@native
def front_cost(own, rest):
    """The cost of the factorization of a front and a few solves, in operations."""
    return _CALLS + _ENTRY * (own * (own + 2 * rest) + rest * rest) + front_flops(own, rest)


@native
def _joined(own, rest, above_own, above_rest):
    """Tell whether a front and the next one cost less as one."""
    apart = front_cost(own, rest) + front_cost(above_own, above_rest)
    return front_cost(own + above_own, above_rest) <= apart


@native
def group(parents, counts, first, own, rest):
    """Write the fronts: first column, number of columns, and of rows below them. Returns how many.

    Columns with one structure are one front; it is joined with the parent that follows it where that pays.
    """
    n = parents.size
    count, k = 0, 0
    while k < n:
        begin = k
        while k + 1 < n and parents[k] == k + 1 and counts[k] == counts[k + 1] + 1:
            k += 1
        here, start, below = float(k + 1 - begin), begin, float(counts[k])
        k += 1
        while count > 0 and parents[start - 1] < k and _joined(own[count - 1], rest[count - 1], here, below):
            count -= 1
            here += own[count]
            start = first[count]
        first[count], own[count], rest[count] = start, int(here), int(below)
        count += 1
    return count


@native
def cost_of(own, rest, sizes):
    """Return the cost of fronts; `sizes` becomes their operations and the numbers in their factors."""
    total = sizes[0] = sizes[1] = 0.0
    for k in range(own.size):
        columns, rows = float(own[k]), float(rest[k])
        total += front_cost(columns, rows)
        sizes[0] += front_flops(columns, rows)
        sizes[1] += columns * (columns + 2 * rows)
    return total
