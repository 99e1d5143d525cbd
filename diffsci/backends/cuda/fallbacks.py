"""Operations without a kernel: by a function of the device's library where it has the same meaning, else in
Python on the host, with copies there and back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from diffsci.backends.callbacks import Callback

if TYPE_CHECKING:
    from diffsci.backends.cuda.machine import Machine

__all__ = ["LIBRARY", "run_operation"]


def run_operation(machine: Machine, callback: Callback, operands: Sequence[Any]) -> list[Any]:
    """Return the values of an operation on arrays of the device, as arrays of it."""
    if callback.family == "host":
        return _run_loop(machine, callback, operands)
    function = LIBRARY.get(callback.name)
    if function is not None:
        with machine.device.checked():
            values = function(machine.xp, *operands, **callback.params)
        if values is not None:
            return [*values] if callback.several else [values]
    values = callback.value(*map(machine.device.to_host, operands), **callback.params)
    values = values if callback.several else (values,)
    types = callback.output_types
    return [
        machine.arrived(np.asarray(value).astype(type_.dtype, casting="same_kind", copy=False))
        for value, type_ in zip(values, types, strict=True)
    ]


def _run_loop(machine: Machine, callback: Callback, operands: Sequence[Any]) -> list[Any]:
    """Run a loop; it may keep what it is given, so it is given copies."""
    loops = {key: callback.params[key] for key in ("loop", "run") if key in callback.params}
    params = callback.params | {key: machine.loop(loop, callback.where) for key, loop in loops.items()}
    copies = [machine.xp.array(x) for x in operands]
    values = callback.value(*copies, **params)
    return [*values] if callback.several else [values]


# One row per operation: a function of the library and the operands, None where it does not apply. --------


def _whole(xp: Any, parts: Any) -> Any:
    dtype = np.complex64 if parts.dtype == np.float32 else np.complex128
    return xp.ascontiguousarray(parts).view(dtype)[..., 0]


def _parts(xp: Any, whole: Any) -> Any:
    dtype = np.float32 if whole.dtype == np.complex64 else np.float64
    return xp.ascontiguousarray(whole).reshape(*whole.shape, 1).view(dtype)


def _fft(xp, x, *, axes, inverse):
    z = _whole(xp, x)
    found = xp.fft.ifftn(z, axes=axes, norm="forward") if inverse else xp.fft.fftn(z, axes=axes)
    return _parts(xp, found)


def _rfft(xp, x, *, axes):
    return _parts(xp, xp.fft.rfftn(x, axes=axes))


def _irfft(xp, x, *, axes, n):
    z = _whole(xp, x)
    sizes = [z.shape[axis] for axis in axes[:-1]]
    return xp.fft.irfftn(z, s=(*sizes, n), axes=axes, norm="forward")


def _searchsorted(xp, table, x, *, side):
    return xp.searchsorted(table, x, side) if table.ndim == 1 else None


def _eigh(xp, matrix, *, driver):
    return _or_none(xp.linalg.eigh, matrix) if driver == "evd" else None


def _svd(xp, matrix):
    return _or_none(lambda a: xp.linalg.svd(a, full_matrices=False), matrix)


def _or_none(function: Callable, matrix: Any) -> Any:
    """Leave a matrix that the library gives up to the operation itself: it says which of a stack it is."""
    try:
        return function(matrix) if matrix.size else None
    except np.linalg.LinAlgError:
        return None


LIBRARY: dict[str, Callable] = {
    "fft": _fft,
    "rfft": _rfft,
    "irfft": _irfft,
    "sort": lambda xp, x: xp.sort(x, axis=-1),
    "argsort": lambda xp, x, *, stable: xp.argsort(x, axis=-1, kind="stable"),
    "searchsorted": _searchsorted,
    "eigh": _eigh,
    "svd": _svd,
}
