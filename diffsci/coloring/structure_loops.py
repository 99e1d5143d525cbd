"""Loops over the arrays of a pattern: rows are ``indices[starts[i]:starts[i + 1]]``."""

from __future__ import annotations


def longest(starts):
    """The number of entries of the longest row."""
    most = 0
    for i in range(starts.size - 1):
        most = max(most, starts[i + 1] - starts[i])
    return most


def inspect(starts, indices, bound):
    """0: sorted without duplicates; 1: not; 2: an index is out of bounds; 3: the starts are not in order."""
    if starts[0] != 0 or starts[starts.size - 1] != indices.size:
        return 3
    for i in range(starts.size - 1):
        if starts[i + 1] < starts[i]:
            return 3
    found = 0
    for i in range(starts.size - 1):
        before = -1
        for p in range(starts[i], starts[i + 1]):
            if indices[p] < 0 or indices[p] >= bound:
                return 2
            if indices[p] <= before:
                found = 1
            before = indices[p]
    return found


def transpose(starts, indices, column_starts, rows, places):
    """Columns of a pattern, rows in order; ``places[p]`` is where entry p went. `column_starts` is zero."""
    for p in range(indices.size):
        column_starts[indices[p] + 1] += 1
    for j in range(1, column_starts.size):
        column_starts[j] += column_starts[j - 1]
    # Starts move to the ends of their columns and are moved back.
    for i in range(starts.size - 1):
        for p in range(starts[i], starts[i + 1]):
            j = indices[p]
            rows[column_starts[j]] = i
            places[p] = column_starts[j]
            column_starts[j] += 1
    for j in range(column_starts.size - 1, 0, -1):
        column_starts[j] = column_starts[j - 1]
    column_starts[0] = 0
    return 0


def is_symmetric(starts, indices, column_starts, rows):
    """1 if a pattern equals its transpose."""
    for i in range(starts.size):
        if starts[i] != column_starts[i]:
            return 0
    for p in range(indices.size):
        if indices[p] != rows[p]:
            return 0
    return 1


def meet(starts, indices, order, met, most):
    """Write how many of the first k rows of this order meet in a column, for all k; `met` is zero."""
    longest = 0
    for k in range(order.size):
        most[k] = longest
        i = order[k]
        for p in range(starts[i], starts[i + 1]):
            j = indices[p]
            met[j] += 1
            longest = max(longest, met[j])
    most[order.size] = longest
    return longest
