"""Arithmetic, elementary functions, powers, and the functions with a kink, away from it."""

import math

import numpy as np
from scipy import special

from tests.laws.case import table
from tests.laws.domains import away, distinct, positive, real

UNIT = real(low=-0.85, high=0.85)


def real_abs(x):
    return np.where(np.real(x) < 0, -x, x)


def larger(x, y):
    return np.where(np.real(x) > np.real(y), x, y)


def smaller(x, y):
    return np.where(np.real(x) < np.real(y), x, y)


def clipped(x, low, high):
    return smaller(larger(x, low), high)


def log_one_plus_exp(x):
    return np.log(1.0 + np.exp(x))


def angle(y, x):
    return np.arctan(y / x) + np.where(np.real(x) < 0, np.pi, 0.0) * np.sign(np.real(y))


def calls(scalar_function):
    return lambda x: scalar_function(x)


def cube_root(x):
    return np.sign(np.real(x)) * (np.sign(np.real(x)) * x) ** (1 / 3)


ELEMENTARY = table(
    *(
        (name, getattr(np, name), real())
        for name in ["sin", "cos", "exp", "sinh", "cosh", "tanh", "arctan", "arcsinh", "expm1", "exp2"]
    ),
    *((name, getattr(np, name), positive()) for name in ["log", "log2", "log10", "log1p", "sqrt"]),
    *((name, getattr(np, name), UNIT) for name in ["arcsin", "arccos", "arctanh", "tan"]),
    ("arccosh", np.arccosh, positive(low=1.5, high=4.0)),
    ("cbrt", np.cbrt, away(), cube_root),
    ("square", np.square, real()),
    ("reciprocal", np.reciprocal, away()),
    ("negative", np.negative, real()),
    ("positive", np.positive, real()),
    ("deg2rad", np.deg2rad, real(), lambda x: x * (np.pi / 180)),
    ("rad2deg", np.rad2deg, real(), lambda x: x * (180 / np.pi)),
    ("expit", special.expit, real(), lambda x: 1 / (1 + np.exp(-x))),
    ("softplus", lambda x: np.logaddexp(x, 0.0), real(), log_one_plus_exp),
)

ARITHMETIC = table(
    ("add", lambda x, y: x + y, (real(), real())),
    ("subtract", lambda x, y: x - y, (real(), real())),
    ("multiply", lambda x, y: x * y, (real(), real())),
    ("divide", lambda x, y: x / y, (real(), away())),
    (
        "ufunc forms",
        lambda x, y: np.add(np.multiply(x, y), np.subtract(x, np.divide(x, y))),
        (real(), away()),
    ),
    ("numbers from both sides", lambda x: 2 * x + 3.5 - x / 4 + 1 / (5 + x) - (1 - x) * 2, real()),
    ("broadcast row", lambda x, y: x * y + y, (real((2, 3)), real((3,)))),
    ("broadcast column", lambda x, y: x[:, None] - y / (3 + x[:, None]), (real((2,)), real((3,)))),
    ("broadcast scalar array", lambda x, y: x * y + x / (3 + y), (real((2, 2)), real(()))),
    ("unary signs", lambda x: -(+x) * abs(-3), real()),
    ("floor division by data", lambda x: x * (np.arange(3) // 2), real((3,))),
    ("mod", lambda x: np.mod(x, 2.5) * x, real((4,), low=0.1, high=2.4), lambda x: x * x),
    (
        "mod operator, negative",
        lambda x: (x % 3.0) ** 2,
        real((4,), low=-2.9, high=-0.1),
        lambda x: (x + 3) ** 2,
    ),
    ("fmod", lambda x: np.fmod(x, 3.0) ** 2, real((4,), low=-2.9, high=-0.1), lambda x: x**2),
)

POWERS = table(
    ("x**2", lambda x: x**2, real()),
    ("x**3, negative too", lambda x: x**3, real()),
    ("x**2.0", lambda x: x**2.0, real()),
    ("x**-1", lambda x: x**-1, away()),
    ("x**-2.0", lambda x: x**-2.0, away()),
    ("x**0", lambda x: x**0 + x, real()),
    ("x**1", lambda x: x**1, real()),
    ("x**0.5", lambda x: x**0.5, positive()),
    ("x**2.5", lambda x: x**2.5, positive()),
    ("2**x", lambda x: 2.0**x, real()),
    ("x**y", lambda x, y: x**y, (positive(), real())),
    ("power with integer array", lambda x: np.power(x, np.array([0, 1, 2, 3])), away((4,))),
    ("float_power", lambda x: np.float_power(x, 1.5), positive()),
    ("zero base, integer power", lambda x: (x - x) ** 2 + x**4, real()),
)

KINKED = table(
    ("abs", np.abs, away(), real_abs),
    ("builtin abs", abs, away(), real_abs),
    ("fabs", np.fabs, away(), real_abs),
    ("sign", lambda x: np.sign(x) * x**2, away(), lambda x: np.sign(np.real(x)) * x**2),
    ("heaviside", lambda x: np.heaviside(x, 0.5) * x, away(), lambda x: (np.real(x) > 0) * x),
    ("maximum with number", lambda x: np.maximum(x, 0.0) * x, away(), lambda x: larger(x, 0) * x),
    ("minimum with number", lambda x: np.minimum(0.0, x) * x, away(), lambda x: smaller(x, 0) * x),
    ("maximum", lambda x, y: np.maximum(x, y + 5.0) * y, (real(), real()), lambda x, y: larger(x, y + 5) * y),
    (
        "fmax fmin",
        lambda x: np.fmax(x, 0.1) + np.fmin(x**2, 0.1),
        away(),
        lambda x: larger(x, 0.1) + smaller(x**2, 0.1),
    ),
    ("clip", lambda x: np.clip(x, -0.3, 0.3) * x, away(), lambda x: clipped(x, -0.3, 0.3) * x),
    ("clip method", lambda x: x.clip(-0.3, None) * x, away((3,)), lambda x: larger(x, -0.3) * x),
    (
        "where",
        lambda x: np.where(x > 0, np.sin(x), x**2),
        away(),
        lambda x: np.where(np.real(x) > 0, np.sin(x), x**2),
    ),
    (
        "where, masked log",
        lambda x: np.where(x > 0, np.log(x), 0.0),
        away(),
        lambda x: np.where(np.real(x) > 0, np.log(real_abs(x)), 0.0),
    ),
    (
        "where, masked sqrt",
        lambda x: np.sqrt(np.where(x > 0, x, 1.0)),
        away(),
        lambda x: np.sqrt(np.where(np.real(x) > 0, x, 1.0)),
    ),
    (
        "select",
        lambda x: np.select([x < -1, x > 0], [x**2, np.exp(x)], default=1.5),
        away(low=0.4, high=0.9),
        lambda x: np.where(np.real(x) > 0, np.exp(x), 1.5),
    ),
    (
        "piecewise by comparison product",
        lambda x: (x > 0) * x**2 + (x <= 0) * np.cos(x),
        away(),
        lambda x: np.where(np.real(x) > 0, x**2, np.cos(x)),
    ),
    (
        "floor ceil trunc rint",
        lambda x: x * (np.floor(x) + np.ceil(x) + np.trunc(x) + np.rint(x)),
        real((3,), low=0.55, high=0.95),
        lambda x: x * 2.0,
    ),
    (
        "copysign",
        lambda x, y: np.copysign(x, y) * y,
        (away(), away()),
        lambda x, y: real_abs(x) * np.sign(np.real(y)) * y,
    ),
    ("hypot", np.hypot, (away(), away()), lambda x, y: np.sqrt(x * x + y * y)),
    ("arctan2", np.arctan2, (away(), away()), angle),
    ("logaddexp", np.logaddexp, (real(), real()), lambda x, y: np.log(np.exp(x) + np.exp(y))),
    ("nan_to_num", lambda x: np.nan_to_num(x) ** 2, real(), lambda x: x**2),
)

SCALAR_MATH = table(
    *(
        (f"math.{name}", calls(getattr(math, name)), real((), low=0.2, high=0.9), getattr(np, name))
        for name in [
            "sin",
            "cos",
            "tan",
            "exp",
            "expm1",
            "sinh",
            "cosh",
            "tanh",
            "sqrt",
            "log",
            "log2",
            "log10",
            "log1p",
            "atan",
            "asin",
            "acos",
            "asinh",
            "atanh",
        ]
        if hasattr(np, name)
    ),
    ("math.pow", lambda x: math.pow(x, 2.5), positive(()), lambda x: x**2.5),
    (
        "math.hypot",
        lambda x, y: math.hypot(x, y),
        (positive(()), positive(())),
        lambda x, y: np.sqrt(x * x + y * y),
    ),
    (
        "math.atan2",
        lambda x, y: math.atan2(x, y),
        (positive(()), positive(())),
        lambda x, y: np.arctan(x / y),
    ),
    ("math.fabs", lambda x: math.fabs(x) * x, away(()), lambda x: real_abs(x) * x),
    (
        "math.pi in a formula",
        lambda x: math.sin(math.pi * x) / math.e,
        real(()),
        lambda x: np.sin(np.pi * x) / np.e,
    ),
)

EXTREMES = table(
    (
        "builtin max of two",
        lambda x: max(x[0], x[1]) * x[2],
        distinct((3,)),
        lambda x: larger(x[0], x[1]) * x[2],
    ),
    ("builtin min with number", lambda x: min(x[0], 9.0) * x[1], distinct((3,)), lambda x: x[0] * x[1]),
)

CASES = ELEMENTARY + ARITHMETIC + POWERS + KINKED + SCALAR_MATH + EXTREMES
