"""The loop that looks for two entries of a row with one color."""

from __future__ import annotations


def find_clash(member_starts, members, colors, stamps, found):
    """Look for a group with two members of one color, or with one of none.

    Returns 0 if there is none, 1 for a color twice, 2 for no color; `found` gets the group and the members.
    `stamps` (two rows) is zero.
    """
    for g in range(member_starts.size - 1):
        for q in range(member_starts[g], member_starts[g + 1]):
            v = members[q]
            c = colors[v]
            if c < 0:
                found[0], found[1], found[2] = g, v, v
                return 2
            if stamps[0, c] == g + 1:
                found[0], found[1], found[2] = g, stamps[1, c], v
                return 1
            stamps[0, c], stamps[1, c] = g + 1, v
    return 0
