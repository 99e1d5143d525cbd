"""The loop that finds where each entry is read, and in which order: trees are peeled from their leaves."""

from __future__ import annotations

# Rows of `slots`, one column for every entry: the slot of an entry; of a slot the number of entries left, the
# exclusive or of their places, the vertex, and the entry that was read there.
SLOT, LEFT, PLACES, OWNER, READ = 0, 1, 2, 3, 4
# Rows of `entries`: where an entry was read (-1: not), the slot it counts into, and the round.
FROM, INTO, ROUND = 0, 1, 2


def _make_slots(starts, indices, colors, slots, where):
    """Give the entries of a vertex that have one color a slot; `where` (two rows) is zero."""
    for v in range(starts.size - 1):
        for p in range(starts[v], starts[v + 1]):
            c = colors[indices[p]]
            slots[SLOT, p], slots[LEFT, p], slots[PLACES, p], slots[READ, p] = -1, 0, 0, -1
            slots[OWNER, p] = v
            if c < 0 or indices[p] == v:
                continue
            if where[0, c] != v + 1:
                where[0, c], where[1, c] = v + 1, p
            s = where[1, c]
            slots[SLOT, p] = s
            slots[LEFT, s] += 1
            slots[PLACES, s] ^= p


def _read(indices, mates, slots, entries, queue, filled, s, step):
    """Read the entry that is left in a slot; return how many slots wait now."""
    p = slots[PLACES, s]
    q = mates[p]
    t = slots[SLOT, q]
    entries[FROM, p], entries[INTO, p], entries[ROUND, p] = p, t, step
    entries[FROM, q], entries[INTO, q], entries[ROUND, q] = p, t, step
    slots[READ, s] = p
    slots[LEFT, s] = 0
    if t >= 0:
        slots[LEFT, t] -= 1
        slots[PLACES, t] ^= q
        if slots[LEFT, t] == 1:
            queue[0, filled] = t
            queue[1, filled] = step + 1
            filled += 1
    return filled


def peel(starts, indices, mates, colors, needed, where, slots, entries):
    """Find for every entry of a graph off its diagonal the slot that it is read from.

    Entries of single edges are read from the side whose color is needed anyway; colors that are read become
    needed. Returns the number of entries that no slot gives: zero if the coloring is good. The last two rows
    of `entries` are the queue.
    """
    for p in range(indices.size):
        entries[FROM, p] = -1
        entries[INTO, p] = -1
        entries[ROUND, p] = 0
    _make_slots(starts, indices, colors, slots, where)
    queue = entries[3:5]
    filled = 0
    for s in range(indices.size):  # the leaves
        if slots[LEFT, s] == 1:
            p = slots[PLACES, s]
            t = slots[SLOT, mates[p]]
            if t < 0 or slots[LEFT, t] != 1:
                queue[0, filled], queue[1, filled] = s, 0
                filled += 1
    done = 0
    while done < filled:
        s, step = queue[0, done], queue[1, done]
        done += 1
        if slots[LEFT, s] == 1:
            needed[colors[indices[slots[PLACES, s]]]] = 1
            filled = _read(indices, mates, slots, entries, queue, filled, s, step)
    _read_singles(starts, indices, mates, colors, needed, slots, entries, queue, filled)
    missing = 0
    for p in range(indices.size):
        if entries[FROM, p] < 0 and indices[p] != slots[OWNER, p]:
            missing += 1
    return missing


def _read_singles(starts, indices, mates, colors, needed, slots, entries, queue, filled):
    """Read edges that are trees of their own: first those with a side that is needed, then the others."""
    for last in range(2):
        for s in range(indices.size):
            if slots[LEFT, s] != 1 or slots[SLOT, s] != s:
                continue
            p = slots[PLACES, s]
            c = colors[indices[p]]
            if needed[c] == 0:
                if not last:
                    continue
                needed[c] = 1
            filled = _read(indices, mates, slots, entries, queue, filled, s, 0)
