"""Where large arrays begin: at different places within a page, so that they do not compete for the cache.

The first cache of a processor looks for a line in the few places (8 or 12) that bits 6 to 11 of its address
name. Arrays begin at the start of a page wherever `malloc` maps large blocks, so the elements of several
arrays with one index, and those of rows that are a multiple of a page apart, all compete for the same places.
Arrays of ours begin at multiples of nine lines: neither at one another's places nor at those of NumPy's
arrays, nor a row of 2^k bytes away from them.
"""

from __future__ import annotations

__all__ = ["LARGE", "LINE", "PAGE", "phase"]

LINE, PAGE = 64, 4096
LARGE = 16 * PAGE  # smaller arrays share the cache without help
_STEP, _COUNT = 9 * LINE, 6


def phase(number: int) -> int:
    """Return where array `number` begins within a page, in bytes: a multiple of 64."""
    return (number % _COUNT + 1) * _STEP
