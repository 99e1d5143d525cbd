"""Finite differences with automatic steps: directional derivatives, gradients and Jacobians of plain
functions.

The function is only called, never traced, so this judges any program: ours, a peer's, or an external code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.choices import check_choice
from diffsci.evidence.lines import (
    EPS,
    LARGEST_STEP,
    Estimate,
    central,
    evaluate,
    extrapolated,
    forward,
    ridders,
)
from diffsci.evidence.parameters import Leaf, Parameters, is_inexact
from diffsci.tracing.complex.boundary import whole_of
from diffsci.trees import flatten, unflatten

__all__ = ["METHODS", "finite_difference", "shaped_like_arguments"]


def _central4(phi: Callable, step: float) -> np.ndarray:
    return (4.0 * central(phi, step) - central(phi, 2.0 * step)) / 3.0


def _central6(phi: Callable, step: float) -> np.ndarray:
    first, second, third = (central(phi, k * step) for k in (1.0, 2.0, 3.0))
    return 1.5 * first - 0.6 * second + 0.1 * third


# name -> (quotient, order of its truncation error)
METHODS: dict[str, tuple[Callable, int]] = {
    "forward": (forward, 1),
    "central": (central, 2),
    "central4": (_central4, 4),
    "central6": (_central6, 6),
}


def automatic_step(order: int, divisions: int = 1) -> float:
    """The step that balances truncation against rounding, for a function smooth on the scale of one whose
    quotient divides so many times by the step.
    """
    return EPS ** (1.0 / (order + divisions))


def along(phi: Callable, method: str = "ridders", step: float | None = None) -> Estimate:
    """The derivative at 0 of ``phi(t)`` by a named method, with an estimate of its error."""
    if method == "ridders":
        return ridders(phi) if step is None else ridders(phi, largest=step)
    quotient, order = _known(method)
    used = automatic_step(order) if step is None else step
    return _by_two_steps(lambda h: quotient(phi, h), EPS * np.abs(evaluate(phi, 0.0)) / used, used)


def mixed(phi: Callable, method: str = "ridders", step: float | None = None) -> Estimate:
    """The mixed second derivative at (0, 0) of ``phi(s, t)``: the difference in s of differences in t."""

    def twice(quotient: Callable, h: float) -> np.ndarray:
        return quotient(lambda s: quotient(lambda t: phi(s, t), h), h)

    size = EPS * np.abs(evaluate(lambda t: phi(0.0, t), 0.0))
    if method == "ridders":
        largest = LARGEST_STEP if step is None else step
        return extrapolated(lambda h: twice(central, h), lambda h: size / h**2, largest)
    quotient, order = _known(method)
    used = automatic_step(order, divisions=2) if step is None else step
    return _by_two_steps(lambda h: twice(quotient, h), size / used**2, used)


def _known(method: str) -> tuple[Callable, int]:
    check_choice("finite_difference: method", method, ("ridders", *METHODS))
    return METHODS[method]


def _by_two_steps(quotient: Callable, rounding: np.ndarray, step: float) -> Estimate:
    """A quotient at one step; twice the step tells its truncation error."""
    value, coarser = quotient(step), quotient(2.0 * step)
    return Estimate(value, np.abs(value - coarser) + rounding, np.full(np.shape(value), step))


def finite_difference(
    f: Callable,
    *args: Any,
    argnums: int | tuple[int, ...] = 0,
    direction: Any = None,
    method: str = "ridders",
    step: float | None = None,
    order: int = 1,
    return_error: bool = False,
) -> Any:
    """Differentiate ``f`` numerically: a gradient, a Jacobian, a directional derivative, or a Hessian times a
    vector.

    ``f`` is only called, never traced, so this is a reference for any program.

    Parameters
    ----------
    f : callable
        Returns a number or an array, real or complex.
    *args
        Where to differentiate; numbers, arrays, or nested containers of them.
    argnums : int or tuple of int
        Which arguments to differentiate with respect to.
    direction : optional
        Tangents shaped like the selected argument (a tuple of them if several are selected): the derivative
        along that direction, at the cost of one line instead of one per parameter. With ``order=2``: the
        vector that the second derivative is multiplied by.
    method : {"ridders", "central", "forward", "central4", "central6"}
        Ridders' extrapolation [1]_ finds its own steps and is accurate to about ten digits on smooth
        functions; the others use one step: of first, second, fourth and sixth order.
    step : float, optional
        Step relative to the size of each parameter (for ridders, the largest); by default the method
        chooses.
    order : {1, 2}
        2 differentiates twice, and needs a ``direction``: the Hessian times that vector, from values of
        ``f`` alone, at the cost of two-dimensional differences for every parameter. Where a gradient is at
        hand, ``finite_difference(ds.grad(f), x, direction=v)`` is cheaper and more accurate.
    return_error : bool
        Also return an estimate of the absolute error, in the shape of the derivative.

    Returns
    -------
    derivative
        Shaped like the selected argument, each leaf as ``output.shape + leaf.shape``, float64; like the
        output for a directional derivative.

    Raises
    ------
    TypeError, ValueError
        For an unknown method or order, ``order=2`` without a direction, a step that is not positive,
        arguments without floats, and an ``f`` that returns no numbers. What ``f`` itself raises at the point;
        points beside it that it refuses (``ArithmeticError``, ``ValueError``) count as NaN.

    References
    ----------
    .. [1] C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software
       4 (1982), 75-76.

    Examples
    --------
    >>> import numpy as np
    >>> finite_difference(lambda x: np.sum(x**3), np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> float(finite_difference(lambda x: np.sum(x**3), np.array([1.0, 2.0]), direction=np.array([1.0, 1.0])))
    15.0
    >>> product = finite_difference(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0]), order=2,
    ...                             direction=np.array([0.0, 1.0]))
    >>> np.round(product, 6)
    array([2., 0.])
    """
    if order not in (1, 2) or (order == 2 and direction is None):
        raise ValueError(f"finite_difference: order={order!r}; expected 1, or 2 with a direction")
    if not callable(f):
        raise TypeError(f"finite_difference: f must be a function, and is a {type(f).__name__}")
    if step is not None and not 0.0 < step < np.inf:
        raise ValueError(f"finite_difference: step={step!r}; expected a positive number")
    parameters = Parameters(f, args, argnums)
    origin = parameters.vector
    shape = _shape_of_numbers(f(*parameters.fill(origin)))

    def line(vector: np.ndarray) -> Callable[[float], np.ndarray]:
        return lambda t: np.asarray(f(*parameters.fill(origin + t * vector)))

    scale = parameters.scale()
    if direction is not None:
        vector = parameters.gather_selected(direction, argnums)
        size = float(np.max(scale, initial=0.0) / (np.max(np.abs(vector), initial=0.0) or 1.0))
        if order == 1:
            found = along(line(size * vector), method, step)
            return (found.value / size, found.error / size) if return_error else found.value / size

        def plane(unit: np.ndarray) -> Callable[[float, float], np.ndarray]:
            return lambda s, t: line(s * unit + t * size * vector)(1.0)

        columns = [mixed(plane(scale[i] * unit), method, step) for i, unit in enumerate(_units(parameters))]
        scale = scale * size
    else:
        columns = [along(line(scale[i] * unit), method, step) for i, unit in enumerate(_units(parameters))]
    empty = [np.zeros((*shape, 0))]
    values, errors = (
        np.concatenate([*empty, *(part[..., None] / scale[i] for i, part in enumerate(parts))], axis=-1)
        for parts in ([column.value for column in columns], [column.error for column in columns])
    )
    trees = [shaped_like_arguments(parameters, array, argnums) for array in (values, errors)]
    return tuple(trees) if return_error else trees[0]


def _shape_of_numbers(output: Any) -> tuple[int, ...]:
    value = np.asarray(output)
    if value.dtype.kind not in "fciub":
        raise TypeError(
            f"finite_difference: f returns a {type(output).__name__}; expected a number or an array"
        )
    return value.shape


def _units(parameters: Parameters) -> np.ndarray:
    return np.eye(parameters.size)


def _shaped(columns: np.ndarray, outer: tuple[int, ...], leaf: Leaf) -> np.ndarray:
    """The derivatives with respect to one leaf; to a complex one, of a real result: d/dRe + i d/dIm."""
    if not leaf.whole:
        return columns.reshape(outer + leaf.shape)
    if np.iscomplexobj(columns):
        raise TypeError(
            f"{leaf.name} and the result are complex: differentiate real and imaginary part one by one"
        )
    return whole_of(columns.reshape(*outer, *leaf.shape, 2))


def shaped_like_arguments(parameters: Parameters, array: np.ndarray, argnums: int | tuple[int, ...]) -> Any:
    """Cut the last axis of ``array`` into leaves, in the structure of the selected arguments."""
    outer = array.shape[:-1]
    parts = iter([_shaped(array[..., leaf.start : leaf.stop], outer, leaf) for leaf in parameters.leaves])
    trees = []
    for k in parameters.argnums:
        leaves, tree = flatten(parameters.args[k])
        trees.append(unflatten(tree, [next(parts) if is_inexact(leaf) else None for leaf in leaves]))
    return trees[0] if isinstance(argnums, int) else tuple(trees)
