"""Taylor coefficients of a function along a curve through its arguments."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from diffsci.calling import Call, refuse_nothing
from diffsci.directions import direction_of, float_flags, with_zeros
from diffsci.transforms import taylor_graph

__all__ = ["taylor"]


def taylor(
    f: Callable, primals: Sequence[Any], directions: Sequence[Any], order: int, higher: Sequence[Any] = ()
) -> list[Any]:
    """Compute the Taylor coefficients of a function along a line, or along a polynomial curve.

    With x the primals and v the directions, ``f(x + t v) = c[0] + c[1] t + c[2] t**2 + ...``, so that
    c[0] is the value, c[1] the directional derivative and ``math.factorial(k) * c[k]`` the derivative of
    order k. The cost grows with the square of the order, where nested `jvp` doubles it with every order.

    Parameters
    ----------
    f : callable
    primals : tuple
        Positional arguments of `f`.
    directions : tuple
        First coefficients of the curve, arranged like the primals.
    order : int
        Of the last coefficient.
    higher : sequence of tuple, optional
        Further coefficients of the curve, each arranged like the primals: the curve is
        ``x + t v + t**2 higher[0] + t**3 higher[1] + ...``

    Returns
    -------
    list
        The coefficients 0 ... order, each arranged like ``f(*primals)``.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> [float(c) for c in ds.taylor(np.exp, (0.0,), (2.0,), order=3)]
    [1.0, 2.0, 2.0, 1.3333333333333333]
    """
    if not isinstance(order, (int, np.integer)) or isinstance(order, bool) or order < 0:
        raise ValueError(f"taylor: order must be a whole number 0, 1, 2, ..., got {order!r}")
    primals = tuple(primals)
    call = Call(f, primals)
    refuse_nothing("taylor", f, call.traced.out_tree)
    curve = [direction_of(primals, tuple(row), "taylor") for row in (directions, *higher)][:order]
    flags = float_flags(call, primals, "taylor")
    degree = len(curve)
    expanded = call.derive(
        ("taylor", int(order), degree, tuple(flags)),
        lambda graph: taylor_graph(graph, int(order), flags, degree),
    )
    values = call.evaluate(expanded, [coefficient for row in curve for coefficient in row])
    outputs = call.traced.graph.outputs
    count, floats = len(outputs), sum(y.type.is_float for y in outputs)
    rows = [values[start : start + floats] for start in range(count, len(values), floats or 1)]
    return [call.outputs(values[:count]), *(call.outputs(with_zeros(call, row)) for row in rows)]
