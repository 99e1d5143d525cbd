"""Faults planted in small models: digits that are lost, in the value or in the gradient.

The line that is to be found carries the comment ``# here``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import hilbert

import diffsci as ds
from tests.explanation.planted import marked_line

__all__ = ["PLANTED_DIGITS", "PlantedLoss"]


@dataclass(frozen=True)
class PlantedLoss:
    """A model that loses digits.

    Attributes
    ----------
    name : str
    function : callable
    args : tuple
    phase : str
        The first sweep whose results are short of them.
    operations : tuple of str
        Primitives that may be blamed.
    instead : str
        Part of the form to write instead; nothing where there is none.
    line : int
    """

    name: str
    function: Callable
    args: tuple
    phase: str
    operations: tuple[str, ...]
    instead: str
    line: int


PLANTED_DIGITS: list[PlantedLoss] = []


def planted(*args: Any, operations: str, instead: str = "", phase: str = "forward", source=None, wrap=None):
    """Enter a function into the table; `wrap` makes of it what is explained."""

    def enter(f: Callable) -> Callable:
        _, line = marked_line(source or f)
        function = wrap(f) if wrap else f
        PLANTED_DIGITS.append(
            PlantedLoss(f.__name__, function, args, phase, tuple(operations.split()), instead, line)
        )
        return f

    return enter


@planted(1e-12, operations="sub", instead="expm1")
def exponential_minus_one(x):
    grown = np.exp(x)
    return grown - 1.0  # here


@planted(np.array([1e-7, 1.0]), operations="sub", instead="np.sin(x / 2)")
def one_minus_cosine(x):
    c = np.cos(x)
    return np.sum((1.0 - c) / x**2)  # here


@planted(1e-13, operations="log", instead="log1p")
def logarithm_of_nearly_one(x):
    return np.log(1.0 + x) * 2.0  # here


@planted(-40.0, operations="log", instead="softplus")
def softplus(x):
    return np.log(1.0 + np.exp(x))  # here


@planted(np.array([-40.0, -41.0]), operations="log", instead="log1p")
def logarithm_of_one_and_a_small_sum(x):
    small = np.sum(np.exp(x))
    return np.log(1.0 + small)  # here


@planted(1e-200, 1e-200, operations="mul integer_pow add", instead="hypot")
def hypotenuse_that_underflows(x, y):
    return np.sqrt(x * x + y * y)  # here


@planted(1e6 + np.arange(5.0), operations="sub", instead="np.var")
def variance_by_mean_of_squares(x):
    return np.mean(x**2) - np.mean(x) ** 2  # here


@planted(1.0, 1e6, 1.0, operations="add", instead="quadratic_roots")
def quadratic_formula(a, b, c):
    root = np.sqrt(b * b - 4.0 * a * c)
    return (-b + root) / (2.0 * a)  # here


@planted(np.array([0.1, 0.2, 0.3, 1e-9]), operations="sub")
def difference_of_nearly_equal_sums(x):
    everything = np.sum(x * 3.0)
    most = np.sum(x[:3] * 3.0)
    return everything - most  # here


@planted(np.pi * 1.0000001, np.pi, operations="sub", instead="(x - y) * (x + y)")
def difference_of_squares(x, y):
    return x**2 - y**2  # here


@planted(hilbert(8), np.ones(8), operations="solve")
def ill_conditioned_solve(a, b):
    x = np.linalg.solve(a, b)  # here
    return x[0] - x[1]


@planted(hilbert(7), operations="solve")
def inverse_of_hilbert(a):
    inverse = np.linalg.inv(a)  # here
    return inverse[3, 3]


@planted(-20.0, operations="add")
def alternating_series(x):
    total, term = 0.0, 1.0
    for k in range(1, 80):
        total = total + term  # here
        term = term * x / k
    return total


@planted(1e14, operations="sin")
def sine_of_a_huge_angle(x):
    angle = 3.0 * x
    return np.sin(angle)  # here


@planted(30.0, operations="sub", instead="sigmoid(-x)")
def derivative_of_sigmoid(x):
    s = 1.0 / (1.0 + np.exp(-x))
    return s * (1.0 - s)  # here


@planted(1e-5, operations="sub", instead="sinh")
def hyperbolic_sine(x):
    up, down = np.exp(x), np.exp(-x)
    return 0.5 * (up - down) / x**2  # here


@planted(1e9, operations="sub", instead="(np.sqrt(x) + np.sqrt(y))")
def difference_of_roots(x):
    return np.sqrt(x + 1.0) - np.sqrt(x)  # here


@planted(1e-9, operations="sub", instead="cosm1")
def cosine_minus_one(x):
    return np.cos(x) - 1.0  # here


@planted(np.array([1e8, 1.0, -1e8]), operations="sum", instead="ds.stable.sum")
def sum_that_cancels(x):
    scaled = x * 1.1
    return np.sum(scaled)  # here


@planted(1e-8, operations="sub", instead="ds.stable.exprel", phase="forward")
def growth_rate(x):
    return (np.exp(x) - 1.0) / x  # here


@planted(1.0, operations="sub")
def inside_a_scan(x):
    def body(c, k):
        big = c + 1e9 * k
        return (big - 1e9 * k) * 1.1, c  # here

    return ds.scan(body, x, np.arange(1.0, 4.0))[0]


@ds.jit
def _difference(x, y):
    return np.exp(x) - np.exp(y)  # here


@planted(1.0, 1.0 + 1e-11, operations="sub", instead="expm1(x - y)", source=_difference.function)
def inside_a_jitted_helper(x, y):
    return 3.0 * _difference(x, y)


@planted(1e-9, operations="sub", instead="expm1", wrap=ds.jit)
def compiled(x):
    y = 2.0 * x
    return np.exp(y) - 1.0  # here


@planted(1e-6, operations="sub", instead="np.sin(x / 2)", phase="forward", wrap=lambda f: ds.jit(ds.grad(f)))
def compiled_gradient(x):
    c = 1.0 - np.cos(x)  # here
    return c * c


@planted(1e-9, operations="sub", phase="tangent")
def gradient_alone(x):
    e = np.exp(x)
    return 1.0 + e - x  # here


@planted(np.arctan(1e9), operations="tan")
def tangent_near_its_pole(x):
    half = 0.5 * x
    return np.tan(2.0 * half + 1e-12)  # here


@planted(np.float32(1e-4), operations="sub", instead="expm1")
def single_precision(x):
    return np.exp(x) - np.float32(1.0)  # here
