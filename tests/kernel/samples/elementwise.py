"""Elementwise functions of one and two arguments, comparisons and logic."""

import numpy as np

from tests.kernel.samples.make import FLOAT, RNG, uniform

UNARY = (
    "neg abs exp expm1 log log1p log2 log10 exp2 sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh tanh "
    "arcsinh arctanh sigmoid softplus"
).split()
BINARY = "add sub mul div pow arctan2 hypot maximum minimum mod fmod copysign logaddexp".split()

SAMPLES = [
    *[(name, [uniform(3)], {}) for name in UNARY],
    ("arccosh", [uniform(3, low=1.5, high=3.0)], {}),
    *[("integer_pow", [uniform(3) - 0.5], {"exponent": n}) for n in (-2, 0, 1, 2, 5)],
    ("convert", [uniform(3)], {"dtype": FLOAT}),
    *[(name, [uniform(2, 3), uniform(2, 3, low=1.0, high=2.0)], {}) for name in BINARY],
    ("select", [np.array([True, False, True]), uniform(3), uniform(3)], {}),
]

ANY, POSITIVE, INSIDE = (-3.0, 3.0), (1e-3, 1e3), (-0.95, 0.95)
DOMAINS = {
    **{name: [ANY] for name in "neg exp expm1 exp2 sin cos arctan sinh cosh tanh arcsinh".split()},
    **{name: [(-40.0, 40.0)] for name in "sigmoid softplus".split()},
    **{name: [POSITIVE] for name in "log log2 log10 sqrt cbrt".split()},
    **{name: [INSIDE] for name in "arcsin arccos arctanh log1p".split()},
    **{name: [ANY, ANY] for name in "add sub mul arctan2 hypot logaddexp".split()},
    "arccosh": [(1.1, 1e3)],
    "div": [ANY, POSITIVE],
    "pow": [(0.1, 5.0), ANY],
    "select": [ANY, ANY],
    "tan": [(-1.4, 1.4)],
}

FLAT = [
    *[(name, [RNG.normal(size=4)], {}) for name in "sign floor ceil trunc rint isnan isinf isfinite".split()],
    ("stop_gradient", [uniform(3)], {}),
    *[(name, [uniform(3), uniform(3)], {}) for name in "lt le gt ge eq ne floor_divide".split()],
    *[
        (name, [np.array([True, False]), np.array([True, True])], {})
        for name in "logical_and logical_or logical_xor".split()
    ],
    ("logical_not", [np.array([True, False])], {}),
]
