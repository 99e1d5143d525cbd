"""The parts of a plan's table that have a row, an entry or a child for every number: where all of it lies.

Fronts are columns that follow each other; their sizes are known (`diffsci.elimination.tree_loops`).
"""

from __future__ import annotations

# Columns of a row of the table, the same as `diffsci.primitives.linalg.fronts.FIELDS`.
OWN, REST, FIRST, FACTORS, ROWS, ENTRIES, CHILDREN, LEFT = range(8)


def lay_out(first, own, rest, parents, heads, front_of, above, filled):
    """Write the rows of fronts but their entries, and the front above each; the numbers that wait at most.

    The row behind the last front tells where all ends. `filled` is for `list_children`.
    """
    n, count = front_of.size, own.size
    for k in range(count):
        for column in range(first[k], first[k] + own[k]):
            front_of[column] = k
        filled[k] = 0
    for k in range(count + 1):
        for field in range(8):
            heads[k, field] = 0
    heads[count, FIRST] = n
    for k in range(count):
        heads[k, OWN], heads[k, REST], heads[k, FIRST] = own[k], rest[k], first[k]
        heads[k + 1, FACTORS] = heads[k, FACTORS] + own[k] * (own[k] + 2 * rest[k])
        heads[k + 1, ROWS] = heads[k, ROWS] + rest[k]
        parent = parents[first[k] + own[k] - 1]
        above[k] = front_of[parent] if parent < n else count
        if above[k] < count:
            filled[above[k]] += 1
    for k in range(count):
        heads[k + 1, CHILDREN] = heads[k, CHILDREN] + filled[k]
        filled[k] = 0
    return 0


def list_children(heads, above, filled, children):
    """Write the children of every front and where their maps begin; return the numbers that wait at most."""
    count = above.size
    taken, most, mapped = 0, 0, 0
    for k in range(count):
        if heads[k + 1, CHILDREN] > heads[k, CHILDREN]:
            taken = heads[children[2 * heads[k, CHILDREN]], LEFT]
        heads[k, LEFT] = taken
        taken += heads[k, REST] * heads[k, REST]
        most = max(most, taken)
        parent = above[k]
        if parent < count:
            pair = 2 * (heads[parent, CHILDREN] + filled[parent])
            children[pair], children[pair + 1] = k, mapped
            filled[parent] += 1
            mapped += heads[k, REST]
    return most


def list_rows(starts, neighbors, order, position, heads, front_of, above, marks, filled, rows):
    """Write the rows that every front reaches, in order: rows climb the tree from their entries."""
    for k in range(above.size):
        marks[k], filled[k] = -1, heads[k, ROWS]
    for i in range(order.size):
        end = front_of[i]
        for p in range(starts[order[i]], starts[order[i] + 1]):
            j = position[neighbors[p]]
            if j >= i:
                continue
            k = front_of[j]
            while k != end and marks[k] != i:
                marks[k] = i
                rows[filled[k]] = i
                filled[k] += 1
                k = above[k]
    return 0


def map_children(heads, rows, children, places, maps):
    """Write where the rows of each front's children lie in it; `places` is work."""
    for k in range(heads.shape[0] - 1):
        own, first, begin = heads[k, OWN], heads[k, FIRST], heads[k, ROWS]
        for r in range(heads[k, REST]):
            places[rows[begin + r]] = own + r
        for c in range(heads[k, CHILDREN], heads[k + 1, CHILDREN]):
            child, start = children[2 * c], children[2 * c + 1]
            for r in range(heads[child, REST]):
                row = rows[heads[child, ROWS] + r]
                maps[start + r] = row - first if row < first + own else places[row]
    return 0


def _front_of_entry(position, front_of, i, j):
    return front_of[min(position[i], position[j])]


def place_entries(starts, indices, position, front_of, heads, rows, places, sources, targets, filled):
    """Write which entries of the matrix each front takes, and where they go in it; `places` is work.

    The matrix is given by columns; fronts are kept by columns as well.
    """
    count = heads.shape[0] - 1
    for k in range(count + 1):
        heads[k, ENTRIES] = 0
    for j in range(position.size):
        for p in range(starts[j], starts[j + 1]):
            heads[_front_of_entry(position, front_of, indices[p], j) + 1, ENTRIES] += 1
    for k in range(count):
        heads[k + 1, ENTRIES] += heads[k, ENTRIES]
        filled[k] = heads[k, ENTRIES]
    for j in range(position.size):
        for p in range(starts[j], starts[j + 1]):
            k = _front_of_entry(position, front_of, indices[p], j)
            # Until the front's turn comes the target is the entry's two positions.
            sources[filled[k]] = p
            targets[filled[k]] = position[indices[p]] * position.size + position[j]
            filled[k] += 1
    for k in range(count):
        own, first, begin = heads[k, OWN], heads[k, FIRST], heads[k, ROWS]
        size = own + heads[k, REST]
        for c in range(own):
            places[first + c] = c
        for r in range(heads[k, REST]):
            places[rows[begin + r]] = own + r
        for e in range(heads[k, ENTRIES], heads[k + 1, ENTRIES]):
            i, j = targets[e] // position.size, targets[e] % position.size
            targets[e] = places[i] + size * places[j]
    return 0
