"""Faults planted in small models: a value that stops being finite, in every phase and kind of program.

The line that is to be found carries the comment ``# here``.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.special

import diffsci as ds
from solvers import solve_ivp
from tests.explanation import helpers

__all__ = ["PLANTED", "Planted", "marked_line"]


@dataclass(frozen=True)
class Planted:
    """A model with a fault.

    Attributes
    ----------
    function : callable
    args : tuple
    phase : str
        The first sweep that it spoils.
    operations : tuple of str
        Primitives that may be blamed.
    file, line : str, int
        Where it stands.
    advice : str
        Part of what is said to write instead.
    """

    name: str
    function: Callable
    args: tuple
    phase: str
    operations: tuple[str, ...]
    file: str
    line: int
    advice: str


PLANTED: list[Planted] = []


def marked_line(source: Any) -> tuple[str, int]:
    """Return file and line of the comment that marks a fault."""
    lines, first = inspect.getsourcelines(source)
    (place,) = [k for k, line in enumerate(lines) if "# here" in line]
    return inspect.getsourcefile(source), max(first, 1) + place


def planted(
    *args: Any,
    operations: str,
    phase: str = "forward",
    advice: str = "",
    source: Any = None,
    wrap: Any = None,
):
    """Enter a function into the table; `wrap` makes of it what is explained."""

    def enter(f: Callable) -> Callable:
        file, line = marked_line(source or f)
        function = wrap(f) if wrap else f
        names = tuple(operations.split())
        PLANTED.append(Planted(f.__name__, function, args, phase, names, file, line, advice))
        return f

    return enter


ONES = np.ones(3)


# ---- values --------------------------------------------------------------------------------------------


@planted(np.array([1.0, -2.0]), operations="log")
def log_of_a_negative_number(x):
    y = x * 2.0
    z = np.log(y)  # here
    return np.sum(z) + 1.0


@planted(0.0, 0.0, operations="div")
def zero_over_zero(x, y):
    total = x + y
    return x / total  # here


@planted(np.array([1.0, 800.0]), operations="exp")
def overflow(x):
    return np.sum(np.exp(x))  # here


@planted(800.0, operations="exp", advice="ds.stable.sigmoid(x)")
def inf_over_inf(x):
    e = np.exp(x)  # here
    return e / (1.0 + e)


@planted(np.array([1.0, 800.0]), operations="exp", advice="ds.stable.softmax(x)")
def softmax(x):
    e = np.exp(x)  # here
    return (e / np.sum(e))[1]


@planted(np.array([-1000.0, -1001.0]), operations="log", advice="ds.stable.logsumexp(x)")
def logarithm_of_a_sum_of_exponentials(x):
    total = np.sum(np.exp(x))
    return np.log(total)  # here


@planted(np.full(400, 0.1), operations="log", advice="np.sum(np.log(x))")
def likelihood_that_underflows(p):
    likelihood = np.prod(p)
    return np.log(likelihood)  # here


@planted(1e-200, 1e-200, operations="div")
def tiny_over_tiny(x, y):
    return (x * x) / (y * y)  # here


@planted(1e200, 1.0, operations="mul integer_pow", advice="np.hypot(x, y)")
def overflow_of_a_square(x, y):
    s = x * x  # here
    return np.sqrt(s + y * y)


@planted(np.array([0.5, 2.0]), operations="arcsin")
def arcsin_of_two(x):
    return np.arcsin(x).sum()  # here


@planted(np.full((2, 2), 1e160), np.ones(2), operations="contract")
def product_of_matrices(a, b):
    power = a @ a  # here
    return np.sum(power @ b)


@planted(-8.0, operations="pow")
def power_of_a_negative_number(x):
    third = 1.0 / 3.0
    return x**third  # here


@planted(np.array([1.0, 0.0, 2.0]), operations="div")
def written_in_place(x):
    y = np.zeros(3)
    y[1:] = x[:2]
    y[0] = 1.0
    y /= x  # here
    return y[1] + y[2]


@planted(np.array([3.0, -1.0]), operations="sqrt")
def comprehension(x):
    roots = [np.sqrt(v) for v in x]  # here
    return sum(roots)


@planted(np.array([0.2, 0.0, 0.8]), operations="log", source=helpers.entropy)
def helper_in_another_module(p):
    return helpers.entropy(p) * 2.0


@planted(-1.0, 2.0, operations="sqrt", source=helpers.Gas.sound)
def method_of_a_class(pressure, density):
    return helpers.Gas(1.4).sound(pressure, density) + 1.0


@planted(np.array([1.0, 200.0]), operations="gamma")
def library_function(x):
    return np.sum(scipy.special.gamma(x)) - 1.0  # here


@ds.jit
def _radius(x):
    inside = 1.0 - np.sum(x * x)
    return np.sqrt(inside)  # here


@planted(np.array([1.0, 2.0]), operations="sqrt", source=_radius.function)
def jitted_helper(x):
    return 3.0 * _radius(x)


@planted(2.0, operations="log")
def branch_of_cond(x):
    def low(x):
        return x * x

    def high(x):
        return np.log(1.0 - x)  # here

    return ds.cond(x > 1.0, high, low, x)


@planted(2.0, operations="mul integer_pow")
def scan_that_overflows(x):
    def body(c, k):
        c = c * c  # here
        return c, c - k

    c, rows = ds.scan(body, x, np.arange(12.0))
    return c / c + rows[0]


@planted(3.0, operations="log")
def while_loop_that_leaves_the_domain(x):
    def body(state):
        k, y = state
        return k + 1.0, np.log(y)  # here

    return ds.while_loop(lambda state: state[0] < 5.0, body, (0.0, x))[1]


@planted(np.array([1.0, 2.0]), operations="div")
def fori_loop_that_divides_by_zero(x):
    def body(i, y):
        return y / (x - i)  # here

    return np.sum(ds.fori_loop(0, 4, body, x))


@planted(1.0, operations="sqrt")
def scan_inside_scan(x):
    def inner(c, k):
        d = c - 0.3 * k
        return np.sqrt(d), d  # here

    def outer(c, k):
        c, rows = ds.scan(inner, c, np.arange(3.0))
        return c, rows[0]

    return ds.scan(outer, x, np.arange(4.0))[0]


def _drain(t, y, a):
    flow = a * np.sqrt(y[0])  # here
    return np.array([-flow])


@planted(1.0, operations="sqrt", source=_drain)
def right_hand_side(a):
    return solve_ivp(_drain, (0.0, 3.0), [1.0], args=(a,)).y[0, -1]


def _growing(t, y, a):
    rate = np.log(2.0 - a * t)  # here
    return rate * y


@planted(1.0, operations="log", source=_growing)
def right_hand_side_at_a_time(a):
    sol = solve_ivp(_growing, (0.0, 4.0), np.ones(2), args=(a,), method="RK4", n_steps=16)
    return np.sum(sol.y[:, -1])


@planted(2.0, operations="log")
def equations(a):
    def residual(x):
        return np.log(x) - a  # here

    return ds.root(residual, -1.0) ** 2


# ---- derivatives only ----------------------------------------------------------------------------------


@planted(np.zeros(2), phase="tangent", operations="div", advice="np.linalg.norm(x)")
def slope_of_sqrt_at_zero(x):
    squared = np.sum(x * x)
    return np.sqrt(squared)  # here


@planted(np.array([1.0, 0.0]), phase="tangent", operations="div pow")
def slope_of_a_power_at_zero(x):
    return np.sum(x**0.5)  # here


@planted(800.0, phase="tangent", operations="exp")
def sigmoid(x):
    e = np.exp(x)  # here
    return 1.0 - 1.0 / (1.0 + e)


@planted(1.0, phase="tangent", operations="div")
def slope_of_arccos_at_one(x):
    return np.arccos(x) * 2.0  # here


@planted(np.array([4.0, 0.0]), phase="tangent", operations="div mul")
def root_inside_a_call(x):
    @ds.checkpoint
    def speed(x):
        return np.sqrt(x)  # here

    return np.sum(speed(x))


@planted(0.0, phase="tangent", operations="div mul")
def root_inside_a_scan(x):
    def body(c, k):
        return c + np.sqrt(x) * k, c  # here

    return ds.scan(body, 1.0, np.arange(1.0, 4.0))[0]


def _torricelli(t, y, a):
    outflow = np.sqrt(y[1])  # here
    return [-a * y[0] - outflow, 0.0 * y[1]]


@planted(np.array([1.0, 0.0]), phase="tangent", operations="div mul", source=_torricelli)
def gradient_of_right_hand_side(y0):
    return solve_ivp(_torricelli, (0.0, 1.0), y0, args=(0.5,)).y[0, -1]


@planted(np.zeros(2), phase="tangent", operations="select div mul")
def masked_too_late(x):
    r = np.sqrt(x + 0.0)  # here
    y = r * 3.0
    return np.sum(np.where(y > 1.0, y, 2.0 * y))


@planted(np.array([0.0, 2.0]), phase="cotangent", operations="div")
def slope_of_what_was_not_taken(x):
    roots = np.sqrt(x)  # here
    return np.sort(roots)[-1]


# ---- derivatives as functions --------------------------------------------------------------------------


@planted(np.zeros(2), operations="div mul", wrap=lambda f: ds.jit(ds.grad(f)))
def compiled_gradient(x):
    squared = np.sum(x * x)
    return np.sqrt(squared) * 3.0  # here


@planted(np.array([1.0, 0.0]), operations="div log mul", wrap=ds.grad)
def gradient(x):
    logs = np.log(x)  # here
    return np.sum(logs)


@planted(0.0, phase="tangent", operations="pow mul div", wrap=ds.grad)
def second_derivative(x):
    return np.sin(x) + x**1.5  # here


@planted(-2.0, operations="log", wrap=ds.jit)
def compiled(x):
    y = 3.0 * x
    return np.log(y)  # here
