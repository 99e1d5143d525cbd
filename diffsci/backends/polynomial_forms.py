"""Native forms of polynomials: the compensated rule of `diffsci.primitives.polynomial`."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from diffsci.backends.again import computed_again
from diffsci.primitives.polynomial import SMALLEST_PRODUCT, weights
from diffsci.primitives.special.terms import Term, f

__all__ = ["POLYNOMIAL_FORMS"]

MOST = 40  # coefficients that are written out


def _columns(p: Term, x: Term, order: int) -> Iterator[tuple[Term, float]]:
    """The coefficients of all elements of x, and their weights."""
    shape = p.node.shape
    axes = tuple(range(len(shape) - 1))
    for k, weight in enumerate(weights(shape[-1], order)):
        start, stop = (*(0,) * len(axes), k), (*shape[:-1], k + 1)
        column = f.slice(p, start=start, stop=stop, step=(1,) * len(shape))
        column = f.reshape(column, shape=shape[:-1])
        yield f.broadcast(column, shape=x.node.shape, axes=axes), float(weight)


def _polyval(p: Term, x: Term, order: int) -> Term:
    n = p.node.shape[-1]
    if n > MOST:
        return f.polyval(p, x, order=order)
    size, total, correction, bound = f.abs(x), f.like(x, 0.0), f.like(x, 0.0), f.like(x, 0.0)
    for coefficient, weight in _columns(p, x, order):
        weighted, missing = coefficient * weight, f.product_error(coefficient, f.like(x, weight))
        product, error = total * x, f.fma_error(total, x, weighted)
        tiny = f.logical_and(f.abs(product) < SMALLEST_PRODUCT, f.ne(product, 0.0))
        total = f.fma(total, x, weighted)
        correction = correction * x + (error + missing)
        bound = bound * size + f.where(tiny, f.like(x, float("inf")), f.abs(error) + f.abs(missing))
    value = total + correction
    sure = f.le((2 * n + 5) * bound, f.abs(value))
    return computed_again("polyval", (p, x), value, f.logical_not(sure), order=order)


def _transposed(ct: Term, x: Term, size: int, order: int, lead: int) -> Term:
    if size > MOST or size == 0:
        return f.polyval_transposed(ct, x, size=size, order=order, lead=lead)
    shape = x.node.shape
    axes, column = tuple(range(lead, len(shape))), (*shape[:lead], 1)
    sums = []
    for power, weight in zip(range(size - 1, order - 1, -1), weights(size, order), strict=True):
        raised = ct * (weight * x ** (power - order)) if power > order else ct * float(weight)
        sums.append(f.reshape(f.sum(raised, axes=axes) if axes else raised, shape=column))
    nothing = f.like(sums[0] if sums else f.reshape(f.sum(ct, axes=axes), shape=column), 0.0)
    return f.concatenate(*sums, *[nothing] * (size - len(sums)), axis=lead)


POLYNOMIAL_FORMS: dict[str, Callable[..., Term]] = {
    "polyval": _polyval,
    "polyval_transposed": _transposed,
}
