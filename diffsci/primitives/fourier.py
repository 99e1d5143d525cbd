"""Discrete Fourier transforms, sine and cosine transforms: linear, all without normalisation.

Complex numbers stand as pairs along the last axis. With the inner product Re(conj(w) v) the adjoint of the
transform is the one with the opposite sign. The real transforms keep half of a spectrum with the symmetry
conj(X[k]) = X[-k]; their adjoints weigh the frequencies that stand for two.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.dependence import Labelled
from diffsci.primitives.series import linear
from diffsci.primitives.shared import shifted

# scipy.fft is imported when a transform runs: it takes longer than the rest of this package.


def _joined(parts: np.ndarray) -> np.ndarray:
    dtype = np.complex64 if parts.dtype == np.float32 else np.complex128
    return np.ascontiguousarray(parts).view(dtype)[..., 0]


def _parted(whole: np.ndarray) -> np.ndarray:
    whole = np.ascontiguousarray(whole).reshape(*whole.shape, 1)
    return whole.view(whole.real.dtype)


def _on_complex(value: Callable) -> Callable:
    """Let a value go analytically with complex operands: it is linear over the reals."""

    def apply(x: np.ndarray, **params) -> np.ndarray:
        if x.dtype.kind == "c":
            return value(x.real, **params) + 1j * value(x.imag, **params)
        return value(x, **params)

    return apply


# the types ------------------------------------------------------------------------------------------


def _check(x: Type, axes: tuple[int, ...], pairs: bool) -> None:
    usable = x.ndim - 1 if pairs else x.ndim
    fits = axes and len(set(axes)) == len(axes) and all(0 <= axis < usable and x.shape[axis] for axis in axes)
    if not fits or not x.is_float or (pairs and x.shape[-1] != 2):
        raise TypeError(f"cannot transform {x} along {axes}")


def _fft_type(x: Type, *, axes, inverse) -> Type:
    _check(x, axes, pairs=True)
    return x


def _rfft_type(x: Type, *, axes) -> Type:
    _check(x, axes, pairs=False)
    shape = list(x.shape)
    shape[axes[-1]] = shape[axes[-1]] // 2 + 1
    return Type((*shape, 2), x.dtype)


def _irfft_type(x: Type, *, axes, n) -> Type:
    _check(x, axes, pairs=True)
    if n < 1 or x.shape[axes[-1]] != n // 2 + 1:
        raise TypeError(f"no spectrum of {n} real numbers: {x}")
    return Type((*x.shape[: axes[-1]], n, *x.shape[axes[-1] + 1 : -1]), x.dtype)


def _real_type(smallest: int) -> Callable:
    def rule(x: Type, *, kind, axis) -> Type:
        _check(x, (axis,), pairs=False)
        if kind not in (1, 2, 3, 4) or (kind == 1 and x.shape[axis] < smallest):
            raise TypeError(f"no transform of type {kind} of {x}")
        return x

    return rule


# the values -----------------------------------------------------------------------------------------


def _fft_value(x, *, axes, inverse):
    from scipy import fft

    z = _joined(x)
    return _parted(fft.ifftn(z, axes=axes, norm="forward") if inverse else fft.fftn(z, axes=axes))


def _rfft_value(x, *, axes):
    from scipy import fft

    return _parted(fft.rfftn(x, axes=axes))


def _irfft_value(x, *, axes, n):
    from scipy import fft

    z = _joined(x)
    sizes = [z.shape[axis] for axis in axes[:-1]]
    return fft.irfftn(z, s=(*sizes, n), axes=axes, norm="forward")


def _dct_value(x, *, kind, axis):
    from scipy import fft

    return fft.dct(x, type=kind, axis=axis)


def _dst_value(x, *, kind, axis):
    from scipy import fft

    return fft.dst(x, type=kind, axis=axis)


# the adjoints ---------------------------------------------------------------------------------------


def _weighted(b: Builder, x: Node, axis: int, weights: np.ndarray) -> Node:
    if np.all(weights == 1.0):
        return x
    factors = b.broadcast(b.const(weights, x.dtype), shape=x.shape, axes=(axis,))
    return b.mul(x, factors)


def _stands_for(n: int) -> np.ndarray:
    """How many frequencies of n each one in half of the spectrum stands for."""
    counts = np.full(n // 2 + 1, 2.0)
    counts[0] = 1.0
    if n % 2 == 0:
        counts[-1] = 1.0
    return counts


def _fft_transpose(b: Builder, node: Node, ct: Node, flags: list[bool]) -> list[Node]:
    return [b.fft(ct, axes=node.params["axes"], inverse=not node.params["inverse"])]


def _rfft_transpose(b: Builder, node: Node, ct: Node, flags: list[bool]) -> list[Node]:
    axes = node.params["axes"]
    n = node.inputs[0].shape[axes[-1]]
    return [b.irfft(_weighted(b, ct, axes[-1], 1.0 / _stands_for(n)), axes=axes, n=n)]


def _irfft_transpose(b: Builder, node: Node, ct: Node, flags: list[bool]) -> list[Node]:
    axes, n = node.params["axes"], node.params["n"]
    return [_weighted(b, b.rfft(ct, axes=axes), axes[-1], _stands_for(n))]


def _end_weights(n: int, first: float, last: float) -> np.ndarray:
    weights = np.ones(n)
    weights[0] *= first
    weights[-1] *= last
    return weights


# (before, type, after): the transpose weighs the ends, transforms, and weighs the ends again. In SciPy's
# definitions these weights make up for the terms that stand outside of the sums.
ENDS = {
    "dct": {
        1: ((2.0, 2.0), 1, (0.5, 0.5)),
        2: ((2.0, 1.0), 3, (1.0, 1.0)),
        3: ((1.0, 1.0), 2, (0.5, 1.0)),
        4: ((1.0, 1.0), 4, (1.0, 1.0)),
    },
    "dst": {
        1: ((1.0, 1.0), 1, (1.0, 1.0)),
        2: ((1.0, 2.0), 3, (1.0, 1.0)),
        3: ((1.0, 1.0), 2, (1.0, 0.5)),
        4: ((1.0, 1.0), 4, (1.0, 1.0)),
    },
}


def _real_transpose(b: Builder, node: Node, ct: Node, flags: list[bool]) -> list[Node]:
    axis = node.params["axis"]
    before, kind, after = ENDS[node.name][node.params["kind"]]
    n = ct.shape[axis]
    moved = b.emit(node.primitive, _weighted(b, ct, axis, _end_weights(n, *before)), kind=kind, axis=axis)
    return [_weighted(b, moved, axis, _end_weights(n, *after))]


# the records ----------------------------------------------------------------------------------------


def _labels(node: Node) -> tuple[list, list, dict]:
    """Everything along the transformed axes, both parts included, depends on everything there."""
    x = node.inputs[0]
    axes = node.params.get("axes") or (node.params["axis"],)
    count = max(len(x.shape), len(node.shape))

    def labels(shape: tuple[int, ...], who: str) -> list:
        last = len(shape) == count and node.name in ("fft", "rfft", "irfft")
        return [(who, k) if k in axes or (last and k == count - 1) else k for k in range(len(shape))]

    out, own = labels(node.shape, "result"), labels(x.shape, "operand")
    sizes = dict(zip((*out, *own), (*node.shape, *x.shape), strict=True))
    return out, [own], sizes


def _jvp(b: Builder, node: Node, t: list[Node | None]) -> Node:
    return b.emit(node.primitive, t[0], **node.params)


def _batch(b: Builder, node: Node, inputs: list[Node], batched: list[bool], size: int) -> Node:
    params = dict(node.params)
    if "axes" in params:
        params["axes"] = shifted(params["axes"])
    else:
        params["axis"] += 1
    return b.emit(node.primitive, inputs[0], **params)


for _name, _type, _value, _transpose in (
    ("fft", _fft_type, _fft_value, _fft_transpose),
    ("rfft", _rfft_type, _rfft_value, _rfft_transpose),
    ("irfft", _irfft_type, _irfft_value, _irfft_transpose),
    ("dct", _real_type(2), _dct_value, _real_transpose),
    ("dst", _real_type(1), _dst_value, _real_transpose),
):
    register(
        Primitive(
            name=_name,
            type=_type,
            value=_on_complex(_value),
            family="contraction",
            jvp=_jvp,
            transpose=_transpose,
            batch=_batch,
            taylor=linear,
            pattern=Labelled(_labels),
        )
    )
