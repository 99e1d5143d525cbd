"""The complex step: derivatives exact to rounding from the imaginary part of one evaluation, with no
cancellation.

W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40
(1998).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import diffsci as ds
from diffsci.evidence.analytic import NotAnalytic
from diffsci.evidence.differences import shaped_like_arguments
from diffsci.evidence.parameters import Parameters
from diffsci.evidence.programs import analytic_function
from diffsci.tracing.complex.boundary import joined
from diffsci.trees import flatten, unflatten

__all__ = ["ComplexLine", "complex_step"]

STEP = 1e-30
SMALLEST = 1e-250  # of values, so that their changes are normal numbers


class ComplexLine:
    """Directional derivatives of a weighted output at one point by the complex step.

    Raises :class:`~diffsci.evidence.analytic.NotAnalytic` where the program has no analytic continuation.
    """

    def __init__(
        self, f: Callable, parameters: Parameters, vector: np.ndarray, weigh: Callable[[Any], complex]
    ):
        self.parameters, self.vector, self.weigh = parameters, vector, weigh
        self.function = analytic_function(f, parameters.fill(vector))

    def derivative(self, direction: np.ndarray) -> float:
        """The derivative along ``direction``; raises NotAnalytic on a branch cut or a kink."""
        step = _step(self.vector, direction)
        moved = self.vector + 1j * (step * direction)
        value = complex(self.weigh(self.function(*self.parameters.fill(moved))))
        if 0.0 < abs(value.real) < SMALLEST:
            raise NotAnalytic("the imaginary part underflows: the value is too small")
        return value.imag / step


def _step(origin: np.ndarray, direction: np.ndarray) -> float:
    """A step that is small beside every parameter that moves."""
    moves = (direction != 0.0) & (origin != 0.0)
    with np.errstate(over="ignore"):
        room = np.min(np.abs(origin[moves] / direction[moves]), initial=1.0)
    step = STEP * float(room)
    if np.any(np.abs(step * direction[direction != 0.0]) < SMALLEST):
        raise NotAnalytic("the imaginary part underflows: a parameter is too small, scale it")
    return step


def complex_step(
    f: Callable, *args: Any, argnums: int | tuple[int, ...] = 0, direction: Any = None, order: int = 1
) -> Any:
    """Differentiate ``f`` by the complex step: a gradient, a Jacobian, a directional derivative, or a Hessian
    times a vector.

    The traced program runs at ``x + 1e-30 i v`` (nearer where ``x`` is small); the imaginary part of the
    result is the derivative along ``v`` [1]_, right to rounding: nothing is subtracted, so the step can be as
    small as that.

    Parameters
    ----------
    f : callable
        A function diffsci can trace; its program runs on complex numbers, with ``abs``, comparisons, ``max``
        and the like continued from the real line. It returns one number or array (any tree with a
        ``direction``).
    *args
        Where to differentiate; numbers, arrays, or nested containers of them. A complex number counts as its
        two parts.
    argnums : int or tuple of int
        Which arguments to differentiate with respect to.
    direction : optional
        Tangents shaped like the selected argument (a tuple of them if several are selected). With
        ``order=2``: the vector that the Hessian is multiplied by.
    order : {1, 2}
        2 takes the complex step of ``ds.grad(f)`` and needs a ``direction``: the Hessian of a scalar ``f``
        times that vector. It is a reference for forward mode over reverse mode, given a right gradient.

    Returns
    -------
    derivative
        Shaped like :func:`~diffsci.evidence.finite_difference`'s, float64.

    Raises
    ------
    NotAnalytic
        At a kink, on a branch cut, where the program runs a compiled loop on real numbers, or beside
        parameters under 1e-220, where the step underflows.
    ValueError
        For another order, or ``order=2`` without a direction.

    References
    ----------
    .. [1] W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM
       Review 40 (1998), 110-112.

    Examples
    --------
    >>> import numpy as np
    >>> complex_step(lambda x: np.sum(np.exp(x) / x), np.array([1.0, 2.0]))
    array([0.        , 1.84726402])
    >>> along = np.array([0.0, 1.0])
    >>> complex_step(lambda x: x[0] ** 2 * x[1], np.array([1.0, 3.0]), order=2, direction=along)
    array([2., 0.])
    """
    if order == 2 and direction is not None:
        return complex_step(ds.grad(f, argnums), *args, argnums=argnums, direction=direction)
    if order != 1:
        raise ValueError(f"complex_step: order={order!r}; expected 1, or 2 with a direction")
    if not callable(f):
        raise TypeError(f"complex_step: f must be a function, and is a {type(f).__name__}")
    parameters = Parameters(f, args, argnums)
    origin = parameters.vector
    function = analytic_function(f, parameters.fill(origin))

    def along(vector: np.ndarray) -> list[np.ndarray]:
        step = _step(origin, vector)
        output = function(*parameters.fill(origin + 1j * (step * vector)))
        leaves, tree = flatten(output)
        return joined([np.imag(leaf) / step for leaf in leaves], function.whole), tree

    if direction is not None:
        leaves, tree = along(parameters.gather_selected(direction, argnums))
        return unflatten(tree, leaves)
    units = np.eye(parameters.size) if parameters.size else [origin]  # without any, for the shape
    columns = [along(unit)[0] for unit in units]
    if len(columns[0]) != 1:
        raise NotAnalytic("complex_step returns one Jacobian: the function must return one number or array")
    values = np.stack([column[0] for column in columns], axis=-1)[..., : parameters.size]
    return shaped_like_arguments(parameters, values, argnums)
