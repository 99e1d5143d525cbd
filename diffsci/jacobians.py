"""Dense Jacobians and Hessians: all columns or all rows in one vectorised sweep."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from diffsci.calling import Call, chosen_arguments, per_argument, refuse_matrices, refuse_nothing
from diffsci.choices import check_choice
from diffsci.differentiation import checked, gradient_of
from diffsci.source import at, user_location
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.wirtinger import complex_block
from diffsci.transforms import jacobian_graph
from diffsci.trees import flatten, unflatten

__all__ = ["hessian", "jacobian"]


def jacobian(
    f: Callable, argnums: int | Sequence[int] = 0, mode: str = "auto", *, strict: bool = False
) -> Callable:
    """Return a function that computes the Jacobian of a function.

    Parameters
    ----------
    f : callable
        Returns arrays, or containers of them.
    argnums : int or sequence of int
        Positional arguments to differentiate with respect to.
    mode : {"auto", "forward", "reverse"}
        ``auto`` takes forward where the inputs are at most twice as many as the outputs: a reverse
        sweep costs about two forward ones.
    strict : bool
        Raise KinkError at kinks and jumps: see `grad`.

    Returns
    -------
    callable
        Of each output with respect to each input an array of shape ``output.shape + input.shape``,
        arranged like the result, and inside it like the argument. Of a complex result with respect to a
        complex argument it is the complex derivative; of a real result, the derivative with respect to
        the real part plus i times that with respect to the imaginary part.

    Raises
    ------
    TypeError
        If a complex result is no analytic function of a complex argument, or the function returns None.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> ds.jacobian(lambda x: np.array([x[0] * x[1], x[1] ** 2]))(np.array([2.0, 3.0]))
    array([[3., 2.],
           [0., 6.]])
    """
    check_choice("jacobian: mode", mode, ("auto", "forward", "reverse"))

    @functools.wraps(f, updated=())
    def jacobian_of(*args: Any, **kwargs: Any) -> Any:
        chosen = chosen_arguments(argnums, len(args), "jacobian")
        call = Call(f, args, kwargs)
        refuse_nothing("jacobian", f, call.traced.out_tree)
        refuse_matrices("jacobian", f, call.traced.out_tree)
        flags, trees, whole = call.active(chosen, "jacobian")
        what = ("jacobian", tuple(flags), mode, strict)
        program = call.derive(
            what, lambda graph: checked(jacobian_graph(graph, flags, mode), graph, flags, 0, strict)
        )
        blocks = iter(call.evaluate(program))
        rows = []
        for y, y_whole in zip(call.traced.graph.outputs, call.traced.whole, strict=True):
            axis = len(y.shape)
            row = [complex_block(next(blocks), axis, y_whole, x_whole) for x_whole in whole]
            rows.append(per_argument(argnums, trees, row))
        return unflatten(call.traced.out_tree, rows)

    return jacobian_of


def hessian(f: Callable, argnums: int | Sequence[int] = 0, *, strict: bool = False) -> Callable:
    """Return a function that computes the Hessian of a scalar function (forward over reverse).

    Parameters
    ----------
    f : callable
        Returns one real number.
    argnums : int or sequence of int
        Positional arguments to differentiate with respect to.
    strict : bool
        Raise KinkError at kinks and jumps of the function, and where the two sides of a choice differ in
        their second derivatives: see `grad`.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> ds.hessian(lambda x: x[0] ** 2 * x[1])(np.array([2.0, 3.0]))
    array([[6., 4.],
           [4., 0.]])
    """
    derivative = jacobian(gradient_of("hessian", f, argnums, 2 * strict), argnums, mode="forward")

    @functools.wraps(f, updated=())
    def hessian_of(*args: Any, **kwargs: Any) -> Any:
        for number in chosen_arguments(argnums, len(args), "hessian"):
            if any(map(is_complex, flatten(args[number])[0])):
                raise TypeError(
                    f"hessian: argument {number} is complex{at(user_location())}: the second derivative of a "
                    "real function is no complex matrix; use hvp, or real and imaginary parts as arguments"
                )
        return derivative(*args, **kwargs)

    return hessian_of
