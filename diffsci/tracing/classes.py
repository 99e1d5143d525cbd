"""Classes of NumPy and SciPy whose objects compute: what they are inside a traced function."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.polynomial import polyutils

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.functions.assembly import matrix_class
from diffsci.tracing.functions.interpolation import PiecewisePolynomial
from diffsci.tracing.functions.sparse import Factors, is_factors
from diffsci.tracing.numbers import STAND_INS
from diffsci.tracing.protocols import call_function
from diffsci.tracing.trace import current_trace

__all__ = ["stand_in", "tracing_object"]


class Vectorized:
    """np.vectorize: the function at every element, one after the other."""

    def __init__(
        self, pyfunc: Callable, otypes=None, doc=None, excluded=None, cache=False, signature=None
    ) -> None:
        if signature is not None:
            raise ops.unsupported("numpy.vectorize with a signature", "write the loop out")
        self.pyfunc = pyfunc
        self.otypes = otypes
        self.excluded = set(excluded or ())

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Broadcast the arguments and call the function with each of their elements."""
        places: list[Any] = [*range(len(args)), *kwargs]
        given = dict(zip(places, [*args, *kwargs.values()], strict=True))
        arrays = {
            k: x if isinstance(x, TracedArray) else ops.traced(np.asarray(x))
            for k, x in given.items()
            if k not in self.excluded
        }
        shape = np.broadcast_shapes(*(x.shape for x in arrays.values()))
        spread = {k: ops.broadcast_to(x, shape) for k, x in arrays.items()}
        results = []
        for place in np.ndindex(shape):
            entry = {**given, **{k: x[place] for k, x in spread.items()}}
            named = {k: x for k, x in entry.items() if isinstance(k, str)}
            results.append(self.pyfunc(*(entry[k] for k in range(len(args))), **named))
        if not results:
            raise ValueError("cannot call `vectorize` on size 0 inputs unless `otypes` is set")
        if not isinstance(results[0], tuple):
            return self._joined(results, shape, 0)
        return tuple(self._joined(parts, shape, k) for k, parts in enumerate(zip(*results, strict=True)))

    def _joined(self, results: list[Any], shape: tuple[int, ...], k: int) -> TracedArray:
        joined = ops.reshape(ops.as_array(results), shape)
        if self.otypes is not None:
            return ops.convert(joined, np.dtype(self.otypes[k]))
        first = ops.promoted(ops.as_operand(results[0]))
        if first.kind in "ib" and joined.dtype.kind == "f":
            raise ops.unsupported(
                "numpy.vectorize of a function whose first result is an integer and others are floats",
                "NumPy would cut them off: return floats (0.0 in place of 0), or give otypes=[float]",
            )
        return joined


class TracedPolynomial:
    """A series of numpy.polynomial with coefficients or points that are traced."""

    def __init__(self, kind: type, coef: Any, domain: Any = None, window: Any = None):
        self.kind = kind
        self.coef = coef
        self.domain = kind.domain if domain is None else domain
        self.window = kind.window if window is None else window

    def __call__(self, x: Any) -> Any:
        """Evaluate the series."""
        offset, scale = polyutils.mapparms(self.domain, self.window)
        return call_function(self.kind._val, (offset + scale * ops.traced(x), self.coef), {})

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or isinstance(self.coef, TracedArray):
            raise AttributeError(f"{self.kind.__name__}.{name} of traced coefficients is not supported")
        found = getattr(self.kind(self.coef, self.domain, self.window), name)
        if not callable(found):
            return found
        return lambda *args, **kwargs: _object_or_itself(found(*args, **kwargs))


def _object_or_itself(value: Any) -> Any:
    made = tracing_object(value)
    return value if made is None else made


def _enumerated(arr: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """np.ndenumerate."""
    arr = ops.traced(arr)
    return ((place, arr[place]) for place in np.ndindex(arr.shape))


def _polynomial(kind: type) -> Callable:
    def make(coef: Any, domain: Any = None, window: Any = None, symbol: str = "x") -> TracedPolynomial:
        coef = ops.as_array(coef) if ops.contains_traced(coef) else np.asarray(coef, float)
        return TracedPolynomial(kind, coef, domain, window)

    return make


SERIES = tuple(
    getattr(np.polynomial, name) for name in "Polynomial Chebyshev Legendre Hermite HermiteE Laguerre".split()
)
CLASSES: dict[type, Any] = {
    **STAND_INS,
    **{kind: _polynomial(kind) for kind in SERIES},
    np.vectorize: Vectorized,
    np.ndenumerate: _enumerated,
}


def stand_in(cls: type) -> Any:
    """Return what a class of a library is inside a traced function, or None."""
    if current_trace() is None:
        return None
    return matrix_class(cls) if _is_matrix_class(cls) else CLASSES.get(cls)


def _is_matrix_class(cls: type) -> bool:
    """Tell whether a class is one of scipy.sparse's matrices and arrays."""
    inside = (cls.__module__ or "").startswith("scipy.sparse")
    return inside and (hasattr(cls, "tocoo") or cls.__name__ in ("sparray", "spmatrix"))


def tracing_object(value: Any) -> Any:
    """Return what an object of a library is inside a traced function, or None."""
    cls = type(value)
    if is_factors(value):
        return Factors(value)
    if is_factors(getattr(value, "__self__", None)):
        return getattr(Factors(value.__self__), value.__name__)
    if cls is np.vectorize:
        from diffsci.tracing.copies import private_copy

        options = (value.otypes, None, value.excluded, False, value.signature)
        return Vectorized(private_copy(value.pyfunc), *options)
    if cls in SERIES:
        return TracedPolynomial(cls, value.coef, value.domain, value.window)
    if (cls.__module__ or "").startswith("scipy.interpolate"):
        return PiecewisePolynomial(value) if PiecewisePolynomial.fits(value) else None
    return None
