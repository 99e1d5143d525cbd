"""A small picture of a sparse pattern in text."""

from __future__ import annotations

import numpy as np

from diffsci.sparse.detection import Pattern

__all__ = ["picture"]

LINES, WIDTH = 20, 40
SHADES = " ░▒▓█"


def picture(pattern: Pattern) -> list[str]:
    """Return lines of block characters; each stands for a block of the matrix, darker with more entries.

    Examples
    --------
    >>> from diffsci.sparse import Pattern
    >>> for line in picture(Pattern.of([[1, 0, 0], [0, 1, 1], [0, 0, 1]])):
    ...     print(line)
    ┌───┐
    │█  │
    │ ██│
    │  █│
    └───┘
    """
    m, n = pattern.shape
    lines, width = min(m, LINES), min(n, WIDTH)
    if m == 0 or n == 0:
        return []
    rows = pattern.rows.astype(np.int64) * lines // m
    columns = pattern.indices.astype(np.int64) * width // n
    counts = np.bincount(rows * width + columns, minlength=lines * width).reshape(lines, width)
    full = np.outer(_lengths(m, lines), _lengths(n, width))
    # The root shows thin lines in large blocks.
    shades = np.ceil((len(SHADES) - 1) * np.sqrt(counts / full)).astype(int)
    inside = ["".join(SHADES[shade] for shade in line) for line in shades]
    return [f"┌{'─' * width}┐", *(f"│{line}│" for line in inside), f"└{'─' * width}┘"]


def _lengths(size: int, parts: int) -> np.ndarray:
    return np.bincount(np.arange(size) * parts // size, minlength=parts)
