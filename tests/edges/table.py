"""The published table of non-smooth and singular points, as data: docs/edges.md is made from it.

A row holds the source of a function of one array ``x``, and what it has at a point. The first derivative is the
gradient of the sum of its results, the second one the sum of the rows of the Hessian: for elementwise functions
these are the derivatives of every element. Where all ways of differentiating twice need not agree, because the
derivative is infinite, a sentence stands in place of numbers.
"""

from __future__ import annotations

# ruff: noqa: E501 - a row is a line
import math
from dataclasses import dataclass

__all__ = ["ROWS", "TOPICS", "Row", "Topic"]

INF, NAN = math.inf, math.nan
Numbers = float | list[float]


@dataclass(frozen=True)
class Row:
    """One point.

    Attributes
    ----------
    name : str
    source : str
        NumPy expression in ``x``; `special` is scipy.special.
    point : list of float
    value : float or list of float
        What NumPy gives, flattened.
    first, second : list of float, or str
        The derivatives, or why there are none.
    kink : bool
        Whether ``strict=True`` raises.
    why : str
    """

    name: str
    source: str
    point: list[float]
    value: Numbers
    first: list[float] | str
    second: list[float] | str
    kink: bool
    why: str


@dataclass(frozen=True)
class Topic:
    """Rows that belong together."""

    title: str
    rows: list[Row]


TOPICS = [
    Topic(
        "Absolute values, signs and steps",
        [
            Row("abs at 0", "np.abs(x)", [0, -1.5], [0, 1.5], [0, -1], [0, 0], True, "The mean of the slopes -1 and 1."),
            Row("absolute value of complex 0", "np.abs(x[0] + 1j * x[1])", [0, 0], 0, [0, 0], [0, 0], True, "A cone: the mean of its slopes."),
            Row("sign at 0", "np.sign(x)", [0, 2], [0, 1], [0, 0], [0, 0], True, "A jump; the slope beside it is 0."),
            Row("copysign at size 0", "np.copysign(x, -1.0)", [0, 2], [0, -2], [0, -1], [0, 0], True, "Minus abs(x): a kink at 0."),
            Row("copysign at sign 0", "np.copysign(2.0, x)", [0, -3], [2, -2], [0, 0], [0, 0], True, "A jump in the sign; the slope beside it is 0."),
            Row("heaviside at 0", "np.heaviside(x, 0.5)", [0, 1], [0.5, 1], [0, 0], [0, 0], True, "A jump; the slope beside it is 0."),
            Row("Python's abs", "abs(x[0])", [0], 0, [0], [0], True, "The same as np.abs."),
            Row("floor at a whole number", "np.floor(x)", [1, 1.5], [1, 1], [0, 0], [0, 0], True, "A jump; the slope beside it is 0."),
            Row("ceil at a whole number", "np.ceil(x)", [1, 1.5], [1, 2], [0, 0], [0, 0], True, "A jump; the slope beside it is 0."),
            Row("trunc at 0", "np.trunc(x)", [0, 2], [0, 2], [0, 0], [0, 0], True, "Constant around 0; a jump at the other whole numbers."),
            Row("round at a half", "np.round(x)", [0.5, 1.5], [0, 2], [0, 0], [0, 0], True, "A jump; the slope beside it is 0."),
            Row("round to decimals", "np.round(x, 1)", [0.25, 1], [0.2, 1], [0, 0], [0, 0], True, "A staircase; the slope is 0 between its steps."),
            Row("floor_divide at a multiple", "x // 2.0", [4, 5], [2, 2], [0, 0], [0, 0], True, "A jump; the slope beside it is 0."),
            Row("mod at a multiple", "np.mod(x, 2.0)", [4, 5], [0, 1], [1, 1], [0, 0], True, "A jump between pieces of slope 1 in the dividend."),
            Row("mod in its divisor", "np.mod(5.0, x)", [2, 2.5], [1, 0], [-2, -2], [0, 0], True, "The slope is minus the whole quotient; at a jump, that of the side that the value is on."),
            Row("remainder of negative numbers", "np.remainder(x, 2.0)", [-4, -5], [0, 1], [1, 1], [0, 0], True, "A jump between pieces of slope 1."),
            Row("fmod at a multiple", "np.fmod(x, 2.0)", [4, -5], [0, -1], [1, 1], [0, 0], True, "A jump between pieces of slope 1."),
            Row("modf", "np.modf(x)[0]", [1, 1.5], [0, 0.5], [0, 1], [0, 0], True, "The fractional part: pieces of slope 1, the whole part has slope 0."),
            Row("int()", "int(x[0]) * x[0]", [2], 4, [2], [0], True, "int(x) is a step function: a number whose slope is 0."),
            Row("abs squared at 0", "np.abs(x) ** 2", [0, -1.5], [0, 2.25], [0, -3], [2, 2], False, "Even powers of abs are those of its argument: no kink, right to every order."),
        ],
    ),
    Topic(
        "Maximum, minimum and their relatives",
        [
            Row("relu: maximum", "np.maximum(x, 0.0)", [0, -1, 1], [0, 0, 1], [0.5, 0, 1], [0, 0, 0], True, "The mean of the slopes 0 and 1."),
            Row("relu: where", "np.where(x > 0, x, 0.0)", [0, -1, 1], [0, 0, 1], [0, 0, 1], [0, 0, 0], True, "A choice by a condition: at the switch the side that is taken."),
            Row("relu: product with a comparison", "x * (x > 0)", [0, -1, 1], [0, 0, 1], [0, 0, 1], [0, 0, 0], False, "The comparison is a step function with slope 0; x times its value remains."),
            Row("relu: half of x + abs(x)", "(x + np.abs(x)) / 2", [0, -1, 1], [0, 0, 1], [0.5, 0, 1], [0, 0, 0], True, "(1 + 0) / 2: the same as maximum."),
            Row("relu: clip", "np.clip(x, 0.0, None)", [0, -1, 1], [0, 0, 1], [0.5, 0, 1], [0, 0, 0], True, "The mean of the slopes 0 and 1."),
            Row("relu squared", "np.maximum(x, 0.0) ** 2", [0, -1, 1], [0, 0, 1], [0, 0, 2], [0.5, 0, 2], True, "2 max(x, 0) times 1/2 is 0; its derivative is 2 (1/2) (1/2): means multiply."),
            Row("minimum with 0", "np.minimum(x, 0.0)", [0, -1, 1], [0, -1, 0], [0.5, 1, 0], [0, 0, 0], True, "The mean of the slopes 0 and 1."),
            Row("maximum of equals", "np.maximum(x[0], x[1])", [2, 2], 2, [0.5, 0.5], [0, 0], True, "Equal operands share equally."),
            Row("minimum of equals", "np.minimum(x[0], x[1])", [2, 2], 2, [0.5, 0.5], [0, 0], True, "Equal operands share equally."),
            Row("fmax of equals", "np.fmax(x[0], x[1])", [2, 2], 2, [0.5, 0.5], [0, 0], True, "Equal operands share equally."),
            Row("fmin of equals", "np.fmin(x[0], x[1])", [2, 2], 2, [0.5, 0.5], [0, 0], True, "Equal operands share equally."),
            Row("fmax with NaN", "np.fmax(x[0], x[1])", [NAN, 2], 2, [0, 1], [0, 0], False, "The NaN is not taken."),
            Row("maximum with itself", "np.maximum(x, x)", [2, 0], [2, 0], [1, 1], [0, 0], False, "No kink: both operands have the same slope."),
            Row("Python's max of equals", "max(x[0], x[1])", [2, 2], 2, [1, 0], [0, 0], False, "Python's max is a branch: the first of equals is returned."),
            Row("max with a three-way tie", "np.max(x)", [3, 1, 3, 3], 3, [1 / 3, 0, 1 / 3, 1 / 3], [0, 0, 0, 0], True, "Equal entries share equally, and the shares sum to one."),
            Row("min with a two-way tie", "np.min(x)", [3, 1, 1], 1, [0, 0.5, 0.5], [0, 0, 0], True, "Equal entries share equally."),
            Row("max along an axis", "np.max(x.reshape(2, 2), axis=1)", [1, 1, 2, 3], [1, 3], [0.5, 0.5, 0, 1], [0, 0, 0, 0], True, "Equal entries of a row share equally."),
            Row("ptp of equals", "np.ptp(x)", [2, 2], 0, [0, 0], [0, 0], True, "The shares of max and min cancel."),
            Row("picked by argmax", "x[np.argmax(x)]", [3, 1, 3], 3, [1, 0, 0], [0, 0, 0], True, "An index has no slope: the entry that is picked."),
            Row("picked by argmin", "x[np.argmin(x)]", [3, 1, 1], 1, [0, 1, 0], [0, 0, 0], True, "An index has no slope: the entry that is picked."),
            Row("clip at its bounds", "np.clip(x, 0.0, 1.0)", [0, 0.5, 1, 2], [0, 0.5, 1, 1], [0.5, 1, 0.5, 0], [0, 0, 0, 0], True, "The mean of the slopes 0 and 1."),
            Row("clip between equal bounds", "np.clip(x, 1.0, 1.0)", [0, 1, 2], [1, 1, 1], [0, 0, 0], [0, 0, 0], False, "There is no room to move in: constant."),
            Row("clip by traced bounds", "np.clip(x[0], x[1], x[2])", [1, 1, 2], 1, [0.5, 0.5, 0], [0, 0, 0], True, "The operand and the bound share equally."),
            Row("running maximum with a tie", "np.maximum.accumulate(x)", [1, 1, 0], [1, 1, 1], [2, 1, 0], [0, 0, 0], True, "Equal operands share equally at every step."),
        ],
    ),
    Topic(
        "Order statistics",
        [
            Row("sort with a tie", "np.sort(x) @ np.array([1.0, 2.0, 6.0])", [2, 1, 2], 17, [4, 1, 4], [0, 0, 0], True, "Equal entries share the derivatives of their places equally."),
            Row("partition with a tie", "np.partition(x, 1)[1]", [2, 1, 2], 2, [0.5, 0, 0.5], [0, 0, 0], True, "As in a sort."),
            Row("median of an even number with a tie", "np.median(x)", [2, 1, 2, 3], 2, [0.5, 0, 0.5, 0], [0, 0, 0, 0], True, "As in a sort."),
            Row("median of equals", "np.median(x)", [2, 2, 2], 2, [1 / 3, 1 / 3, 1 / 3], [0, 0, 0], True, "All entries share equally."),
            Row("quantile with a tie", "np.quantile(x, 0.25)", [1, 1, 2, 3, 4], 1, [0.5, 0.5, 0, 0, 0], [0, 0, 0, 0, 0], True, "As in a sort."),
            Row("quantile on a data point", "np.quantile(x, 0.5)", [1, 2, 3], 2, [0, 1, 0], [0, 0, 0], False, "The weights of NumPy's interpolation, which belong to that point alone."),
            Row("nanmax with a tie", "np.nanmax(x)", [2, NAN, 2], 2, [0.5, 0, 0.5], [0, 0, 0], True, "Equal entries share equally; NaN is left out."),
            Row("nansum", "np.nansum(x)", [2, NAN], 2, [1, 0], [0, 0], False, "NaN is left out, and so is its derivative."),
            Row("nanmean", "np.nanmean(x)", [2, NAN, 4], 3, [0.5, 0, 0.5], [0, 0, 0], False, "NaN is left out, and so is its derivative."),
            Row("nan_to_num", "np.nan_to_num(x)", [NAN, 1], [0, 1], [0, 1], [0, 0], False, "What was replaced does not move."),
            Row("unique with repeats", "np.unique(x)", [2, 1, 2], [1, 2], [0.5, 1, 0.5], [0, 0, 0], True, "Repeated entries share equally."),
        ],
    ),
    Topic(
        "Norms and angles",
        [
            Row("hypot at (0, 0)", "np.hypot(x[0], x[1])", [0, 0], 0, [0, 0], [0, 0], True, "A cone: the mean of its slopes, in every order."),
            Row("norm at 0", "np.linalg.norm(x)", [0, 0], 0, [0, 0], [0, 0], True, "A cone: the mean of its slopes, in every order."),
            Row("1-norm with a zero", "np.linalg.norm(x, 1)", [0, -2], 2, [0, -1], [0, 0], True, "A sum of absolute values."),
            Row("inf-norm with a tie", "np.linalg.norm(x, np.inf)", [2, -2, 1], 2, [0.5, -0.5, 0], [0, 0, 0], True, "A maximum of absolute values: equal ones share equally."),
            Row("inf-norm at 0", "np.linalg.norm(x, np.inf)", [0, 0], 0, [0, 0], [0, 0], True, "Shares of abs at 0."),
            Row("Frobenius norm at 0", "np.linalg.norm(x.reshape(2, 2))", [0, 0, 0, 0], 0, [0, 0, 0, 0], [0, 0, 0, 0], True, "A cone: the mean of its slopes."),
            Row("squared norm at 0", "np.linalg.norm(x) ** 2", [0, 0], 0, [0, 0], [2, 2], False, "Even powers of lengths (norm, hypot, complex abs) are polynomials of the squares: right to every order."),
            Row("arctan2 at (0, 0)", "np.arctan2(x[0], x[1])", [0, 0], 0, [0, 0], [0, 0], True, "All directions meet: no derivative of any order; 0."),
            Row("arctan2 on the negative axis", "np.arctan2(x[0], x[1])", [0, -2], math.pi, [-0.5, 0], [-0.25, -0.25], False, "The value jumps by a turn, the slopes do not."),
            Row("angle of complex 0", "np.angle(x[0] + 1j * x[1])", [0, 0], 0, [0, 0], [0, 0], True, "As arctan2."),
            Row("var of constants", "np.var(x)", [2, 2, 2], 0, [0, 0, 0], [0, 0, 0], False, "A parabola at its minimum, constant along the direction of ones."),
            Row("std of constants", "np.std(x)", [2, 2, 2], 0, [0, 0, 0], [0, 0, 0], True, "A cone: the mean of its slopes, in every order."),
            Row("unwrap", "np.unwrap(x)", [0, 4, 8], [0, 4 - 2 * math.pi, 8 - 4 * math.pi], [1, 1, 1], [0, 0, 0], False, "Whole turns are added: slope 1."),
        ],
    ),
    Topic(
        "Roots, powers and products",
        [
            Row("sqrt at 0", "np.sqrt(x)", [0, 4], [0, 2], [INF, 0.25], [-INF, -0.03125], True, "A vertical tangent."),
            Row("sqrt(x)**2 at 0", "np.sqrt(x) ** 2", [0, 4], [0, 4], [NAN, 1], [NAN, 0], True, "2 * 0 * inf. A value that happens to be 0 masks nothing: NaN rather than a false 0 (the slope is 1)."),
            Row("sqrt(x**2) at 0", "np.sqrt(x**2)", [0, -2], [0, 2], [NAN, -1], [NAN, 0], True, "inf * 0, as above: write abs(x)."),
            Row("sqrt of a slice without the 0", "np.sqrt(x)[1:]", [0, 4], [2], [0, 0.25], [0, -0.03125], False, "What is not read has no derivative."),
            Row("cbrt at 0", "np.cbrt(x)", [0, 8], [0, 2], [INF, 1 / 12], "infinite, with both signs", True, "A vertical tangent; the second derivative has both signs."),
            Row("x**2 at 0", "x**2", [0, -3], [0, 9], [0, -6], [2, 2], False, "A polynomial."),
            Row("x**2.0 at 0", "x**2.0", [0, -3], [0, 9], [0, -6], [2, 2], False, "A polynomial: whole exponents are products."),
            Row("x**3.0 at 0", "x**3.0", [0, -3], [0, -27], [0, 27], [0, -18], False, "A polynomial: whole exponents are products."),
            Row("x**0 at 0", "x**0", [0, -3], [1, 1], [0, 0], [0, 0], False, "Constant 1."),
            Row("0**p", "0.0 ** x", [1, 2], [0, 0], [0, 0], [0, 0], False, "0 for every p > 0."),
            Row("x**y at base 0", "x[0] ** x[1]", [0, 2], 0, [0, 0], [2, 0], False, "p x**(p - 1), and 0 in the exponent."),
            Row("x**y at base 0, exponent 1", "x[0] ** x[1]", [0, 1], 0, [1, 0], "the mixed derivative x**(y - 1) (1 + y log(x)) is infinite", False, "p x**(p - 1) = 1, and 0 in the exponent."),
            Row("0**0", "x[0] ** x[1]", [0, 0], 1, [0, 0], [0, 0], False, "The slope in the base of a power with exponent 0 is 0; in the exponent a jump."),
            Row("negative base, whole exponent", "x ** np.array([2.0, 3.0, -1.0])", [-2, -2, -2], [4, -8, -0.5], [-4, 12, -0.25], [2, -12, -0.25], False, "p x**(p - 1): the logarithm of the base is not needed."),
            Row("x**1.5 at 0", "x**1.5", [0, 4], [0, 8], [0, 3], [INF, 0.375], False, "The slope 1.5 x**0.5 is 0; the second derivative has a pole."),
            Row("x**0.5 at 0", "x**0.5", [0, 4], [0, 2], [INF, 0.25], [-INF, -0.03125], True, "A vertical tangent."),
            Row("prod without a zero", "np.prod(x)", [2, 3, 4], 24, [12, 8, 6], [7, 6, 5], False, "Products of the other entries."),
            Row("prod with one zero", "np.prod(x)", [2, 0, 3], 0, [0, 6, 0], [3, 5, 2], False, "Products of the other entries: nothing is divided."),
            Row("prod with two zeros", "np.prod(x)", [0, 0, 3], 0, [0, 0, 0], [3, 3, 0], False, "Products of the other entries: nothing is divided."),
            Row("cumprod with a zero", "np.cumprod(x)", [2, 0, 3], [2, 0, 0], [1, 8, 0], [4, 6, 2], False, "Products of the other entries: nothing is divided."),
            Row("cumprod with two zeros", "np.cumprod(x)", [0, 0, 3], [0, 0, 0], [1, 0, 0], [4, 4, 0], False, "Products of the other entries: nothing is divided."),
            Row("reciprocal at 0", "1 / x", [0, 2], [INF, 0.5], [-INF, -0.25], [INF, 0.25], False, "A pole."),
        ],
    ),
    Topic(
        "Choices and masks",
        [
            Row("where at its switch", "np.where(x >= 0, 2 * x, x)", [0, -1], [0, -1], [2, 1], [0, 0], True, "A choice by a condition: at the switch the side that is taken."),
            Row("where with a smooth join", "np.where(x > 0, x**2, -(x**2))", [0, 1], [0, 1], [0, 2], [-2, 2], False, "Both sides have slope 0; the second derivative is that of the side that is taken."),
            Row("if at its switch", "(2 * x[0] if x[0] >= 0 else x[0])", [0], 0, [2], [0], False, "The branch that is taken."),
            Row("where(x > 0, log(x), 0)", "np.where(x > 0, np.log(x), 0.0)", [0, -1, 2], [0, 0, math.log(2)], [0, 0, 0.5], [0, 0, -0.25], True, "What is selected away has no derivative, though its slope is infinite."),
            Row("where(x != 0, sin(x)/x, 1)", "np.where(x != 0, np.sin(x) / x, 1.0)", [0], [1], [0], [0], False, "What is selected away has no derivative; the value 1 at 0 is a constant (np.sinc knows its own curvature)."),
            Row("log under where=", "np.log(x, out=np.zeros(2), where=x > 0)", [0, 2], [0, math.log(2)], [0, 0.5], [0, -0.25], True, "What is not computed has no derivative."),
            Row("exp(-1/x) under a mask", "np.where(x > 0, np.exp(-1 / x), 0.0)", [0, 1], [0, math.exp(-1)], [0, math.exp(-1)], [0, -math.exp(-1)], False, "What is selected away has no derivative; all derivatives of the function at 0 are 0."),
            Row("interp at a knot", "np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 5.0])", [1, 0.5], [1, 0.5], [2.5, 1], [0, 0], False, "The mean of the slopes on both sides."),
            Row("interp at its ends", "np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 5.0])", [0, 2], [0, 5], [0.5, 2], [0, 0], True, "The mean of the slope inside and 0 outside."),
            Row("interp outside", "np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 5.0])", [-1, 3], [0, 5], [0, 0], [0, 0], False, "Constant outside."),
            Row("searchsorted", "x * np.searchsorted([0.0, 1.0, 2.0], x)", [1, 0.5], [1, 0.5], [1, 1], [0, 0], False, "A position has no slope."),
            Row("digitize", "x * np.digitize(x, [0.0, 1.0])", [1, 0.5], [2, 0.5], [2, 1], [0, 0], False, "A position has no slope."),
            Row("count_nonzero", "np.sum(x) * np.count_nonzero(x)", [0, 2], 2, [1, 1], [0, 0], False, "A count has no slope."),
            Row("sum of nothing", "np.sum(x[2:])", [1, 2], 0, [0, 0], [0, 0], False, "An empty sum is the constant 0."),
        ],
    ),
    Topic(
        "Logarithms, exponentials and inverse functions",
        [
            Row("log at 0", "np.log(x)", [0, 2], [-INF, math.log(2)], [INF, 0.5], [-INF, -0.25], False, "A pole."),
            Row("x*log(x) at 0", "x * np.log(x)", [0, 1], [NAN, 0], [NAN, 1], "NaN, as the value", False, "NumPy's value is 0 * (-inf): NaN. Write scipy.special.xlogy(x, x) or a mask."),
            Row("xlogy at 0", "special.xlogy(x[0], x[1])", [0, 2], 0, [math.log(2), 0], [0.5, 0.5], False, "0 log(y) = 0; the slope in x is log(y)."),
            Row("xlogy at (0, 0)", "special.xlogy(x[0], x[1])", [0, 0], 0, [-INF, 0], "infinite", False, "The slope in x is log(0)."),
            Row("entropy at 0", "special.entr(x)", [0, 1], [0, 0], [INF, -1], [-INF, -1], False, "-x log(x) has a vertical tangent."),
            Row("sinc at 0", "np.sinc(x)", [0, 1], [1, 0], [0, -1], [-(math.pi**2) / 3, 2], False, "Smooth: 1 - (pi x)**2 / 6."),
            Row("arccos at 1", "np.arccos(x)", [1, 0], [0, math.pi / 2], [-INF, -1], "infinite", True, "A vertical tangent."),
            Row("arccosh at 1", "np.arccosh(x)", [1, 2], [0, math.acosh(2)], [INF, 3**-0.5], "infinite", True, "A vertical tangent."),
            Row("arctanh at 1", "np.arctanh(x)", [1, 0], [INF, 0], [INF, 1], "infinite", False, "A pole."),
            Row("log1p at -1", "np.log1p(x)", [-1, 0], [-INF, 0], [INF, 1], [-INF, -1], False, "A pole."),
            Row("logaddexp of equals", "np.logaddexp(x[0], x[1])", [1, 1], 1 + math.log(2), [0.5, 0.5], [0, 0], False, "Shares exp(x) / (exp(x) + exp(y))."),
            Row("logaddexp of equal infinities", "np.logaddexp(x[0], x[1])", [INF, INF], INF, [0.5, 0.5], [0, 0], False, "Equal operands share equally."),
            Row("logaddexp of negative infinities", "np.logaddexp(x[0], x[1])", [-INF, -INF], -INF, [0.5, 0.5], [0, 0], False, "Equal operands share equally."),
            Row("logaddexp with -inf", "np.logaddexp(x[0], x[1])", [-INF, 1], 1, [0, 1], [0, 0], False, "The other operand alone."),
            Row("logaddexp, far apart", "np.logaddexp(x[0], x[1])", [1000, -1000], 1000, [1, 0], [0, 0], False, "The larger operand alone."),
            Row("sigmoid, far out", "1 / (1 + np.exp(-x))", [800, -800], [1, 0], [0, NAN], [0, NAN], False, "Flat on both sides. Far on the left exp overflows, and its slope times 0 is NaN: write scipy.special.expit(x)."),
            Row("logsumexp with inf", "special.logsumexp(x)", [INF, 1], INF, [1, 0], [0, 0], False, "The infinite entry alone."),
        ],
    ),
    Topic(
        "Matrices",
        [
            Row("eigvalsh at equal values", "np.linalg.eigvalsh(np.diag(x))", [1, 1], [1, 1], [1, 1], [0, 0], False, "Equal eigenvalues share equally; their sum is the trace."),
            Row("largest eigenvalue of equals", "np.linalg.eigvalsh(np.diag(x))[1]", [1, 1], 1, [0.5, 0.5], [0, 0], False, "Equal eigenvalues share equally."),
            Row("largest singular value of equals", "np.linalg.svd(np.diag(x), compute_uv=False)[0]", [2, 2], 2, [0.5, 0.5], [0, 0], False, "Equal singular values share equally."),
            Row("singular value 0", "np.linalg.svd(np.diag(x), compute_uv=False)[1]", [2, 0], 0, [0, 0], [0, 0], False, "A kink, like abs at 0: the mean of the slopes -1 and 1."),
            Row("det of a singular matrix", "np.linalg.det(x.reshape(2, 2))", [1, 2, 2, 4], 0, [4, -2, -2, 1], [1, -1, -1, 1], False, "Cofactors: nothing is divided."),
            Row("slogdet of a singular matrix", "np.linalg.slogdet(x.reshape(2, 2))[1]", [1, 2, 2, 4], -INF, "infinite, or NaN where an infinity meets a zero", "infinite", False, "A pole."),
        ],
    ),
]  # fmt: skip

ROWS = [row for topic in TOPICS for row in topic.rows]
