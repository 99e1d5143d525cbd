"""What compiled programs are chosen by: the shapes, dtypes and static values of a call's arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from diffsci.device_arrays import arriving
from diffsci.tracing.complex.boundary import entering, parts_of
from diffsci.tracing.containers import digest, is_sparse
from diffsci.tracing.function import concrete, is_dynamic
from diffsci.tracing.identity import Identity
from diffsci.tracing.standard import refuse_foreign, standard
from diffsci.trees import flatten

__all__ = ["DOUBLE", "quick_signature", "signature_of"]

DOUBLE = np.dtype(np.float64)
COMPLEX = np.dtype(np.complex128)


def signature_of(args: tuple, kwargs: dict, backend: str = "numba") -> tuple[list[np.ndarray], Any]:
    """Return the dynamic leaves as arrays, and the signature of the call."""
    leaves, tree = flatten((args, kwargs))
    inputs, signature = [], []
    for leaf in leaves:
        value = concrete(leaf) if is_dynamic(leaf) else arriving(leaf, backend)
        if value is None:
            signature.append(_static_key(leaf))
            continue
        value = standard(value)
        inputs.append(entering(value))
        is_number = isinstance(leaf, (np.generic, float, complex))
        signature.append((value.shape, value.dtype.char, type(leaf) in (float, complex), not is_number))
    return inputs, (tree, tuple(signature))


def quick_signature(args: tuple, kwargs: dict) -> tuple[list | None, Any]:
    """Return the same for calls with positional arrays of doubles, real or complex, and floats; else None."""
    if kwargs:
        return None, None
    inputs: list = []
    key: list = []
    for x in args:
        kind = type(x)
        if kind is np.ndarray:
            if x.dtype is DOUBLE:
                key.append(x.shape)
                inputs.append(x)
            elif x.dtype is COMPLEX:
                key.append((complex, x.shape))
                inputs.append(parts_of(x))
            else:
                return None, None
        elif kind is float:
            key.append(float)
            inputs.append(np.array(x))
        else:
            return None, None
    return inputs, tuple(key)


def _static_key(leaf: Any) -> Any:
    refuse_foreign(leaf)
    if is_sparse(leaf):
        return digest(leaf)
    try:
        hash(leaf)
    except TypeError:
        return Identity(leaf)
    return (type(leaf), leaf)
