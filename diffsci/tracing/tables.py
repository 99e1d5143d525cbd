"""Arrays of integers and booleans that a function knows: plain NumPy, until a traced value indexes them."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.tracing.array import TracedArray

__all__ = ["Table", "as_table"]


class Table(np.ndarray):
    """An array of known numbers, such as the connectivity of a mesh.

    It shapes programs, so it stays an ordinary array. A traced index makes the entry traced: a gather.
    """

    def __getitem__(self, key: Any) -> Any:
        parts = key if type(key) is tuple else (key,)
        if any(isinstance(part, TracedArray) for part in parts):
            from diffsci.tracing import operations as ops

            return ops.traced(np.asarray(self))[key]
        return super().__getitem__(key)

    def __repr__(self) -> str:
        return repr(np.asarray(self))


def as_table(value: np.ndarray) -> np.ndarray:
    """Return a view of a plain array of integers or booleans as a table, anything else as it is."""
    return value.view(Table) if type(value) is np.ndarray and value.dtype.kind in "iub" else value
