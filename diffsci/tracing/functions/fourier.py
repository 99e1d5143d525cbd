"""numpy.fft and scipy.fft. Results that are complex are traced complex arrays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.array import ComplexArray, is_complex
from diffsci.tracing.complex.boundary import packed, unpacked
from diffsci.tracing.complex.operations import as_complex
from diffsci.tracing.functions.shapes import roll
from diffsci.tracing.protocols import implements, implements_scipy
from diffsci.tracing.trace import bind

OPPOSITE = {None: "forward", "backward": "forward", "ortho": "ortho", "forward": "backward"}


def _factor(norm: str | None, count: float, inverse: bool) -> float:
    """What an unnormalised transform is multiplied by."""
    if norm not in OPPOSITE:
        raise ValueError(f'Invalid norm value {norm}; should be "backward", "ortho" or "forward".')
    if norm == "ortho":
        return 1.0 / np.sqrt(count)
    return 1.0 / count if (norm == "forward") != inverse else 1.0


def _scaled(x: TracedArray, factor: float) -> TracedArray:
    return x if factor == 1.0 else x * float(factor)


def _floats(x: Any) -> TracedArray:
    x = ops.traced(x)
    return x if x.dtype.kind in "fc" else ops.convert(x, float)


def _real(x: Any, name: str) -> TracedArray:
    x = _floats(x)
    if is_complex(x):
        raise TypeError(f"{name} transforms real values{at(user_location())}: use fft, or take .real")
    return x


def _fitted(x: TracedArray, sizes: list[int], axes: list[int]) -> TracedArray:
    """Crop, or pad with zeros at the end."""
    for n, axis in zip(sizes, axes, strict=True):
        if n < 1:
            raise ValueError(f"Invalid number of FFT data points ({n}) specified.")
        if x.shape[axis] > n:
            x = x[(slice(None),) * axis + (slice(None, n),)]
        elif x.shape[axis] < n:
            missing = (*x.shape[:axis], n - x.shape[axis], *x.shape[axis + 1 :])
            x = ops.concatenate([x, np.zeros(missing, x.dtype)], axis)
    return x


def _axes(x: TracedArray, s: Any, axes: Any) -> tuple[list[int], list[int] | None]:
    """Return the axes to transform, and the sizes asked for."""
    sizes = None if s is None else [int(n) for n in np.atleast_1d(s)]
    if axes is None:
        chosen = list(range(x.ndim)) if sizes is None else list(range(x.ndim - len(sizes), x.ndim))
    else:
        chosen = [ops.normal_axis(a, x.ndim) for a in np.atleast_1d(axes)]
    if len(set(chosen)) != len(chosen):
        raise ops.unsupported("a transform along one axis twice", "call it twice")
    if sizes is not None and len(sizes) != len(chosen):
        raise ValueError("Shape and axes have different lengths.")
    if sizes is not None:
        sizes = [x.shape[a] if n == -1 else n for n, a in zip(sizes, chosen, strict=True)]
    return chosen, sizes


def _count(sizes: list[int]) -> int:
    return int(np.prod(sizes, dtype=np.int64))


# the three kinds of transforms -----------------------------------------------------------------------


def _complex_to_complex(x: Any, s: Any, axes: Any, norm: str | None, inverse: bool) -> ComplexArray:
    x = as_complex(_floats(x))
    chosen, sizes = _axes(x, s, axes)
    if not chosen:
        return x
    x = _fitted(x, sizes or [x.shape[a] for a in chosen], chosen)
    count = _count([x.shape[a] for a in chosen])
    found = unpacked(bind("fft", packed(x), axes=tuple(chosen), inverse=inverse))
    return _scaled(found, _factor(norm, count, inverse))


def _real_to_complex(x: Any, s: Any, axes: Any, norm: str | None, name: str) -> ComplexArray:
    x = _real(x, name)
    chosen, sizes = _axes(x, s, axes)
    x = _fitted(x, sizes or [x.shape[a] for a in chosen], chosen)
    count = _count([x.shape[a] for a in chosen])
    return _scaled(unpacked(bind("rfft", x, axes=tuple(chosen))), _factor(norm, count, False))


def _complex_to_real(x: Any, s: Any, axes: Any, norm: str | None) -> TracedArray:
    x = as_complex(_floats(x))
    chosen, sizes = _axes(x, s, axes)
    sizes = sizes or [*(x.shape[a] for a in chosen[:-1]), 2 * (x.shape[chosen[-1]] - 1)]
    n = sizes[-1]
    x = _fitted(x, [*sizes[:-1], n // 2 + 1 if n > 0 else n], chosen)
    found = bind("irfft", packed(x), axes=tuple(chosen), n=n)
    return _scaled(found, _factor(norm, _count(sizes), True))


def _one(n: Any) -> Any:
    return None if n is None else (n,)


def fft(a, n=None, axis=-1, norm=None):
    return _complex_to_complex(a, _one(n), (axis,), norm, False)


def ifft(a, n=None, axis=-1, norm=None):
    return _complex_to_complex(a, _one(n), (axis,), norm, True)


def rfft(a, n=None, axis=-1, norm=None):
    return _real_to_complex(a, _one(n), (axis,), norm, "rfft")


def irfft(a, n=None, axis=-1, norm=None):
    return _complex_to_real(a, _one(n), (axis,), norm)


def hfft(a, n=None, axis=-1, norm=None):
    return irfft(ops.traced(a).conj(), n, axis, OPPOSITE.get(norm, norm))


def ihfft(a, n=None, axis=-1, norm=None):
    return rfft(a, n, axis, OPPOSITE.get(norm, norm)).conj()


def fftn(a, s=None, axes=None, norm=None):
    return _complex_to_complex(a, s, axes, norm, False)


def ifftn(a, s=None, axes=None, norm=None):
    return _complex_to_complex(a, s, axes, norm, True)


def rfftn(a, s=None, axes=None, norm=None):
    return _real_to_complex(a, s, axes, norm, "rfftn")


def irfftn(a, s=None, axes=None, norm=None):
    return _complex_to_real(a, s, axes, norm)


def hfftn(a, s=None, axes=None, norm=None):
    return irfftn(ops.traced(a).conj(), s, axes, OPPOSITE.get(norm, norm))


def ihfftn(a, s=None, axes=None, norm=None):
    return rfftn(a, s, axes, OPPOSITE.get(norm, norm)).conj()


def _plane(transform: Callable) -> Callable:
    def planar(a, s=None, axes=(-2, -1), norm=None):
        return transform(a, s, axes, norm)

    return planar


def fftshift(x, axes=None):
    x = ops.traced(x)
    chosen = ops.normal_axes(axis=axes, ndim=x.ndim)
    return roll(x, [x.shape[a] // 2 for a in chosen], chosen) if chosen else ops.copy(x)


def ifftshift(x, axes=None):
    x = ops.traced(x)
    chosen = ops.normal_axes(axis=axes, ndim=x.ndim)
    return roll(x, [-(x.shape[a] // 2) for a in chosen], chosen) if chosen else ops.copy(x)


def fftfreq(n, d=1.0):
    return ops.float_elementwise("div", np.fft.fftfreq(int(n)), d)


def rfftfreq(n, d=1.0):
    return ops.float_elementwise("div", np.fft.rfftfreq(int(n)), d)


SHARED = {
    "fft": fft,
    "ifft": ifft,
    "rfft": rfft,
    "irfft": irfft,
    "hfft": hfft,
    "ihfft": ihfft,
    "fftn": fftn,
    "ifftn": ifftn,
    "rfftn": rfftn,
    "irfftn": irfftn,
    "fft2": _plane(fftn),
    "ifft2": _plane(ifftn),
    "rfft2": _plane(rfftn),
    "irfft2": _plane(irfftn),
    "fftshift": fftshift,
    "ifftshift": ifftshift,
    "fftfreq": fftfreq,
    "rfftfreq": rfftfreq,
}


# scipy.fft -------------------------------------------------------------------------------------------


def _of_scipy(transform: Callable) -> Callable:
    """The options about memory and threads change no number."""

    def called(x, *args, overwrite_x=False, workers=None, plan=None, **kwargs):
        return transform(x, *args, **kwargs)

    return called


# Made orthogonal, these count their first or last terms with sqrt(2): type 2 after, type 3 before, 1 both.
ENDS = {("dct", 1): (0, -1), ("dct", 2): (0,), ("dct", 3): (0,), ("dst", 2): (-1,), ("dst", 3): (-1,)}


def _weighted_end(x: TracedArray, axis: int, ends: tuple[int, ...], factor: float) -> TracedArray:
    weights = np.ones(x.shape[axis], x.dtype)
    weights[list(ends)] *= factor
    return x * weights.reshape([-1 if a == axis else 1 for a in range(x.ndim)])


def _one_axis(name: str, x: TracedArray, kind: int, axis: int, norm: Any, ortho: bool, inverse: bool):
    """A cosine or sine transform; the inverse of type 2 is type 3, types 1 and 4 are their own."""
    kind = {2: 3, 3: 2}.get(kind, kind) if inverse else kind
    count = 2.0 * (x.shape[axis] + {("dct", 1): -1, ("dst", 1): 1}.get((name, kind), 0))
    ends = ENDS.get((name, kind), ()) if ortho else ()
    if ends and kind in (1, 3):
        x = _weighted_end(x, axis, ends, np.sqrt(2.0))
    x = bind(name, x, kind=kind, axis=axis)
    if ends and kind in (1, 2):
        x = _weighted_end(x, axis, ends, 1.0 / np.sqrt(2.0))
    return _scaled(x, _factor(norm, count, inverse))


def _trigonometric(name: str, inverse: bool, several: bool) -> Callable:
    def along(x, kind, sizes, chosen, norm, orthogonalize):
        if kind not in (1, 2, 3, 4):
            raise ValueError(f"{name}: type {kind!r}, expected 1, 2, 3 or 4")
        if is_complex(x):
            parts = (along(part, kind, sizes, chosen, norm, orthogonalize) for part in (x.re, x.im))
            return ComplexArray(*parts)
        x = _fitted(x, sizes or [x.shape[a] for a in chosen], chosen)
        ortho = norm == "ortho" if orthogonalize is None else bool(orthogonalize)
        for axis in chosen:
            x = _one_axis(name, x, kind, axis, norm, ortho, inverse)
        return x

    def one(x, type=2, n=None, axis=-1, norm=None, overwrite_x=False, workers=None, orthogonalize=None):
        x = _floats(x)
        chosen, sizes = _axes(x, _one(n), (axis,))
        return along(x, type, sizes, chosen, norm, orthogonalize)

    def many(x, type=2, s=None, axes=None, norm=None, overwrite_x=False, workers=None, *, orthogonalize=None):
        x = _floats(x)
        chosen, sizes = _axes(x, s, axes)
        return along(x, type, sizes, chosen, norm, orthogonalize)

    return many if several else one


for _name, _transform in SHARED.items():
    implements(getattr(np.fft, _name))(_transform)
    implements_scipy(f"scipy.fft.{_name}")(_of_scipy(_transform))

for _name, _transform in {"hfftn": hfftn, "ihfftn": ihfftn}.items():
    implements_scipy(f"scipy.fft.{_name}")(_of_scipy(_transform))
    implements_scipy(f"scipy.fft.{_name[:-1]}2")(_of_scipy(_plane(_transform)))

for _name in ("dct", "dst"):
    for _inverse in (False, True):
        for _several in (False, True):
            _public = f"{'i' if _inverse else ''}{_name}{'n' if _several else ''}"
            implements_scipy(f"scipy.fft.{_public}")(_trigonometric(_name, _inverse, _several))
