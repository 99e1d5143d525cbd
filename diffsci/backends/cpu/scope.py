"""What is known at one place of a loop nest that is being written."""

from __future__ import annotations

from dataclasses import dataclass, field

from diffsci.backends.cpu.function import LANES
from diffsci.backends.cpu.windows import Window

__all__ = ["Scope"]


@dataclass
class Scope:
    """Values known at one place of the nest.

    `lanes` counts the lanes of `mask`; it is None where that is only known when the program runs.
    """

    scalars: dict[int, str] = field(default_factory=dict)
    vectors: dict[int, str] = field(default_factory=dict)
    pointers: dict[tuple, str] = field(default_factory=dict)
    counters: list[str] = field(default_factory=list)
    mask: str | None = None
    lanes: int | None = LANES
    held: dict[Window, tuple[str, ...]] = field(default_factory=dict)
    loaded: dict[Window, str] = field(default_factory=dict)

    def inner(self, mask: str | None = None, lanes: int | None = LANES) -> Scope:
        """Return what is known inside of a loop, under a mask."""
        return Scope(
            dict(self.scalars),
            dict(self.vectors),
            dict(self.pointers),
            list(self.counters),
            mask or self.mask,
            lanes if mask else self.lanes,
            dict(self.held),
        )
