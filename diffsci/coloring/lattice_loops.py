"""Loops that recognise lattices of cells and look for linear colorings of them.

A lattice has cells of several species: row ``r`` is species ``r % species`` of cell ``r // species``
(interleaved), or species ``r // cells`` of cell ``r % cells`` (blocked); columns likewise. Cells have
coordinates along axes, the last one running fastest.
"""

from __future__ import annotations

# The numbers of `layout`.
ROW_SPECIES, COLUMN_SPECIES, CELLS, BLOCKED = 0, 1, 2, 3


def _split(index, species, cells, blocked):
    """Species and cell of a row or a column."""
    if blocked:
        return index // cells, index % cells
    return index % species, index // species


def fit_offsets(rows, columns, layout, extents, found):
    """Collect the different offsets of entries: row species, column species, and steps along the axes.

    Steps are the short way around. Returns the number of different ones, or -1 if `found` has no room; its
    last row gets, from the third place on, 1 for axes that an entry goes around.
    """
    axes = extents.size
    cells, blocked = layout[CELLS], layout[BLOCKED]
    last = found.shape[0] - 1
    count = 0
    for p in range(rows.size):
        rs, r = _split(rows[p], layout[ROW_SPECIES], cells, blocked)
        cs, c = _split(columns[p], layout[COLUMN_SPECIES], cells, blocked)
        if count == last:
            return -1
        found[count, 0], found[count, 1] = rs, cs
        for k in range(axes - 1, -1, -1):
            n = extents[k]
            step = c % n - r % n
            r, c = r // n, c // n
            short = step
            if 2 * step > n:
                short = step - n
            elif 2 * step <= -n:
                short = step + n
            if short != step:
                found[last, 2 + k] = 1
            found[count, 2 + k] = short
        known = False
        for q in range(count):
            same = True
            for k in range(axes + 2):
                if found[q, k] != found[count, k]:
                    same = False
                    break
            if same:
                known = True
                break
        if not known:
            count += 1
    return count


def _vanishes(form, unknowns, size, modulus):
    total = 0
    for k in range(size):
        total += form[k] * unknowns[k]
    return total % modulus == 0


def _allowed(first, second, begin, end, unknowns, size, modulus):
    """Whether no pair of forms of one level vanishes."""
    for q in range(begin, end):
        if _vanishes(first[q], unknowns, size, modulus) and _vanishes(second[q], unknowns, size, modulus):
            return False
    return True


def search(first, second, levels, periods, unknowns, spent, least, most):
    """Look for the smallest modulus with numbers for which no pair of forms vanishes together.

    ``first[levels[k]:levels[k + 1]]`` and the same rows of `second` are the forms that need unknowns up to k
    only. ``periods[k]`` times unknown k must vanish. Returns the modulus, 0 if there is none up to `most`, -1
    if ``spent[0]`` steps are not enough.
    """
    size = unknowns.size
    for modulus in range(least, most + 1):
        k = 0
        unknowns[0] = -1
        while k >= 0:
            unknowns[k] += 1
            if unknowns[k] >= modulus:
                k -= 1
                continue
            if (unknowns[k] * periods[k]) % modulus != 0:
                continue
            spent[0] -= levels[k + 1] - levels[k] + 1
            if spent[0] < 0:
                return -1
            if not _allowed(first, second, levels[k], levels[k + 1], unknowns, k + 1, modulus):
                continue
            k += 1
            if k == size:
                return modulus
            unknowns[k] = -1
    return 0


def fill(layout, numbers, modulus, colors):
    """Write the color of every column.

    `numbers` are the extents of the axes, their factors, and the shifts of the species.
    """
    species, cells, blocked = layout[COLUMN_SPECIES], layout[CELLS], layout[BLOCKED]
    axes = (numbers.size - species) // 2
    for j in range(colors.size):
        s, c = _split(j, species, cells, blocked)
        color = numbers[2 * axes + s]
        for k in range(axes - 1, -1, -1):
            color += numbers[axes + k] * (c % numbers[k])
            c = c // numbers[k]
        colors[j] = color % modulus
    return 0
