"""Finite differences with automatic steps: directional derivatives, gradients and Jacobians of plain
functions.

The function is only called, never traced, so this judges any program: ours, a peer's, or an external code.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.evidence.lines import EPS, Estimate, evaluate, ridders
from diffsci.evidence.parameters import Leaf, Parameters, is_inexact
from diffsci.tracing.complex.boundary import whole_of
from diffsci.trees import flatten, unflatten

__all__ = ["METHODS", "finite_difference", "shaped_like_arguments"]


def _forward(phi: Callable, step: float) -> np.ndarray:
    return (evaluate(phi, step) - evaluate(phi, 0.0)) / step


def _central(phi: Callable, step: float) -> np.ndarray:
    return (evaluate(phi, step) - evaluate(phi, -step)) / (2.0 * step)


def _central4(phi: Callable, step: float) -> np.ndarray:
    return (4.0 * _central(phi, step) - _central(phi, 2.0 * step)) / 3.0


def _central6(phi: Callable, step: float) -> np.ndarray:
    first, second, third = (_central(phi, k * step) for k in (1.0, 2.0, 3.0))
    return 1.5 * first - 0.6 * second + 0.1 * third


# name -> (quotient, order of its truncation error)
METHODS: dict[str, tuple[Callable, int]] = {
    "forward": (_forward, 1),
    "central": (_central, 2),
    "central4": (_central4, 4),
    "central6": (_central6, 6),
}


def automatic_step(order: int, noise: float = EPS) -> float:
    """The step that balances truncation against rounding, for a function smooth on the scale of one."""
    return noise ** (1.0 / (order + 1))


def along(phi: Callable, method: str = "ridders", step: float | None = None) -> Estimate:
    """The derivative at 0 of ``phi(t)`` by a named method, with an estimate of its error."""
    if method == "ridders":
        return ridders(phi) if step is None else ridders(phi, largest=step)
    if method not in METHODS:
        raise ValueError(
            f"finite_difference: unknown method {method!r}; expected one of {['ridders', *METHODS]}"
        )
    quotient, order = METHODS[method]
    used = automatic_step(order) if step is None else step
    value, coarser = quotient(phi, used), quotient(phi, 2.0 * used)
    error = np.abs(value - coarser) + EPS * np.abs(evaluate(phi, 0.0)) / used
    return Estimate(value, error, np.full(np.shape(value), used))


def finite_difference(
    f: Callable,
    *args: Any,
    argnums: int | tuple[int, ...] = 0,
    direction: Any = None,
    method: str = "ridders",
    step: float | None = None,
    return_error: bool = False,
) -> Any:
    """Differentiate ``f`` numerically: a gradient, a Jacobian, or one directional derivative.

    Parameters
    ----------
    f : callable
        Returns a number or an array.
    *args
        Where to differentiate; numbers, arrays, or nested containers of them.
    argnums : int or tuple of int
        Which arguments to differentiate with respect to.
    direction : optional
        Tangents shaped like the selected argument (a tuple of them if several are selected): the derivative
        along that direction, at the cost of one line instead of one per parameter.
    method : {"ridders", "central", "forward", "central4", "central6"}
        Ridders' extrapolation finds its own steps and is accurate to about ten digits on smooth functions;
        the others use one step.
    step : float, optional
        Step relative to the size of each parameter; by default the method chooses.
    return_error : bool
        Also return an estimate of the absolute error, in the shape of the derivative.

    Returns
    -------
    derivative
        Shaped like the selected argument, each leaf as ``output.shape + leaf.shape``; like the output if
        ``direction`` is given.

    Examples
    --------
    >>> import numpy as np
    >>> finite_difference(lambda x: np.sum(x**3), np.array([1.0, 2.0]))
    array([ 3., 12.])
    >>> float(finite_difference(lambda x: np.sum(x**3), np.array([1.0, 2.0]), direction=np.array([1.0, 1.0])))
    15.0
    """
    parameters = Parameters(f, args, argnums)
    origin = parameters.vector

    def line(vector: np.ndarray) -> Callable[[float], np.ndarray]:
        return lambda t: np.asarray(f(*parameters.fill(origin + t * vector)))

    if direction is not None:
        vector = parameters.gather_selected(direction, argnums)
        size = float(np.max(parameters.scale()) / (np.max(np.abs(vector)) or 1.0))
        found = along(line(size * vector), method, step)
        return (found.value / size, found.error / size) if return_error else found.value / size

    scale = parameters.scale()
    columns = [along(line(scale[i] * unit), method, step) for i, unit in enumerate(np.eye(parameters.size))]
    values = np.stack([column.value / scale[i] for i, column in enumerate(columns)], axis=-1)
    errors = np.stack([column.error / scale[i] for i, column in enumerate(columns)], axis=-1)
    trees = [shaped_like_arguments(parameters, array, argnums) for array in (values, errors)]
    return tuple(trees) if return_error else trees[0]


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
