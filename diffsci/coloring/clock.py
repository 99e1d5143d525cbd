"""A limit of time that algorithms keep: long loops run in pieces, and ask between them."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

__all__ = ["UNLIMITED", "Clock", "OutOfTime"]

_FIRST_PIECE = 256
# Pieces grow until one takes this part of what is left.
_PART = 0.02


class OutOfTime(Exception):
    """The limit has passed; nothing has been found."""


class Clock:
    """Seconds that are left, from now on."""

    def __init__(self, seconds: float = math.inf):
        self._end = time.perf_counter() + seconds

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self._end - time.perf_counter()

    def check(self) -> None:
        """Raise `OutOfTime` if nothing is left."""
        if self.left < 0:
            raise OutOfTime

    def pieces(self, size: int) -> Iterator[tuple[int, int]]:
        """Yield parts of ``range(size)`` as begin and end, all of it if there is no limit."""
        if self._end == math.inf:
            yield 0, size
            return
        begin, step = 0, _FIRST_PIECE
        while begin < size:
            left = self.left
            if left < 0:
                raise OutOfTime
            end = min(begin + step, size)
            yield begin, end
            spent = max(left - self.left, 1e-9)
            step = max(int(step * min(2.0, _PART * left / spent)), 1)
            begin = end


UNLIMITED = Clock()
