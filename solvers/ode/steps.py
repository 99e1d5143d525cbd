"""The step of each family of methods, in plain NumPy.

A step sees the right-hand side as ``f(t, y)`` and advances a state of any shape. Traced through the kernel
it becomes a program that calls ``f`` as a sub-program; its ``jvp`` is the forward sensitivity step and its
``vjp`` the discrete adjoint step, so nothing here knows of derivatives of the solution.
"""

from __future__ import annotations

import numpy as np

import diffsci as ds


def combine(weights, terms):
    """Sum of weights times terms, without those of weight zero; None if nothing is left."""
    total = None
    for weight, term in zip(weights, terms, strict=False):
        if weight != 0.0:
            scaled = float(weight) * term
            total = scaled if total is None else total + scaled
    return total


def _explicit_stages(tableau, f, t, h, y, count):
    k = []
    for i in range(count):
        increment = combine(tableau.a[i], k)
        stage = y if increment is None else y + h * increment
        k.append(f(t + float(tableau.c[i]) * h, stage))
    return k


def explicit_step(tableau, f, t, h, y):
    """One step of an explicit Runge-Kutta method: the new state and the error estimates, stacked."""
    k = _explicit_stages(tableau, f, t, h, y, tableau.stages)
    y_new = y + h * combine(tableau.b, k)
    if tableau.error.shape[1] > tableau.stages:
        k.append(f(t + h, y_new))
    errors = [h * combine(row, k) for row in tableau.error]
    return y_new, np.stack(errors) if errors else None


def explicit_dense(tableau, f, t, h, y):
    """Interpolation coefficients of the step, stacked (see `tableaus.records.basis`)."""
    k = _explicit_stages(tableau, f, t, h, y, len(tableau.a))
    return np.stack([h * combine(row, k) for row in tableau.dense])


def _rosenbrock_stages(tableau, f, t, h, y, systems):
    n = y.size
    flat = y.reshape(n)

    def rhs(t, flat):
        return f(t, flat.reshape(y.shape)).reshape(n)

    solve = systems.solver(lambda v: rhs(t, v), flat, h * tableau.gamma)
    _, in_time = ds.jvp(lambda s: rhs(s, flat), (t,), (1.0,))
    u = []
    for i in range(len(tableau.b)):
        increment = combine(tableau.a[i], u)
        right = rhs(t + float(tableau.c[i]) * h, flat if increment is None else flat + increment)
        coupling = combine(tableau.C[i], u)
        if coupling is not None:
            right = right + coupling / h
        if tableau.d[i] != 0.0:
            right = right + (h * float(tableau.d[i])) * in_time
        u.append(solve(right))
    return u


def rosenbrock_step(tableau, f, t, h, y, systems):
    """One step of a Rosenbrock method: the new state and the error estimate, stacked."""
    u = _rosenbrock_stages(tableau, f, t, h, y, systems)
    y_new = y + combine(tableau.b, u).reshape(y.shape)
    return y_new, combine(tableau.error, u).reshape((1, *y.shape))


def rosenbrock_dense(tableau, f, t, h, y, systems):
    """Interpolation coefficients of the step, stacked (see `tableaus.records.basis`)."""
    u = _rosenbrock_stages(tableau, f, t, h, y, systems)
    return np.stack([combine(row, u).reshape(y.shape) for row in tableau.dense])
