"""The error of the complex step where it does not apply."""

from __future__ import annotations

from diffsci.errors import DiffsciError

__all__ = ["AtKink", "NotAnalytic"]


class NotAnalytic(DiffsciError):
    """The complex step does not apply: the program has no analytic continuation at this point."""


class AtKink(NotAnalytic):
    """The function has a kink at this point."""
