"""Which library the arrays of a computation belong to: NumPy, or that of a device."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from typing import Any

import numpy as np

__all__ = ["as_array", "is_on_device", "namespace"]


def is_on_device(value: Any) -> bool:
    """Tell whether a value is an array in the memory of a CUDA device, whichever library made it."""
    kind = type(value)
    if kind is np.ndarray or not hasattr(kind, "__cuda_array_interface__"):
        return False
    # The types of PyTorch and JAX have it wherever their arrays lie; to ask an array of CuPy takes time.
    return kind.__module__ == "cupy" or hasattr(value, "__cuda_array_interface__")


def namespace(arrays: Iterable[Any]) -> Any:
    """Return the module whose functions take these arrays: that of the first array on a device, else NumPy.

    Examples
    --------
    >>> import numpy as np
    >>> namespace([np.ones(2), 1.0]) is np
    True
    """
    for array in arrays:
        if is_on_device(array):
            own = getattr(array, "__array_namespace__", None)
            return own() if own is not None else import_module(type(array).__module__.partition(".")[0])
    return np


def as_array(value: Any) -> Any:
    """Return a value as an array; one that lies on a device stays there."""
    return value if is_on_device(value) else np.asarray(value)
