"""Tables of values: interpolation, integrals, differences, convolutions, polynomials, splines."""

import numpy as np
from numpy import polynomial as series
from scipy import integrate, interpolate, signal

from tests.laws.case import table
from tests.laws.domains import distinct, positive, real

VECTOR = real((5,))
APART = distinct((5,))  # no entry near -1.2, -0.4, 0.4, 1.2
MATRIX = real((3, 4))
XP = np.array([-2.5, -1.2, 0.4, 2.5])
FP = np.array([1.0, 3.0, -1.0, 0.5])
KNOTS = np.array([-2.5, -1.2, -0.4, 0.4, 1.2, 2.5])
HEIGHTS = np.array([0.0, 1.0, 0.5, 2.0, 1.0, -1.0])
SPLINE = interpolate.CubicSpline(KNOTS, HEIGHTS)
PCHIP = interpolate.PchipInterpolator(KNOTS, np.stack([HEIGHTS, HEIGHTS[::-1]], axis=1))
LINEAR = interpolate.interp1d(KNOTS, HEIGHTS)
CUBIC = interpolate.interp1d(KNOTS, HEIGHTS, kind="cubic")
BSPLINE = interpolate.make_interp_spline(KNOTS, HEIGHTS)
POLYNOMIAL = series.Polynomial([1.0, 2.0, 3.0], domain=[0, 2])
CHEBYSHEV = series.Chebyshev([1.0, -2.0, 0.5])


def linear(x, xp, fp):
    k = np.clip(np.searchsorted(np.real(xp), np.real(x), "right") - 1, 0, len(xp) - 2)
    return fp[k] + (fp[k + 1] - fp[k]) / (xp[k + 1] - xp[k]) * (x - xp[k])


def pieces(table, x):
    k = np.clip(np.searchsorted(table.x, np.real(x), "right") - 1, 0, len(table.x) - 2)
    step = x - table.x[k]
    return sum(c[k].T * step ** (len(table.c) - 1 - i) for i, c in enumerate(table.c)).T


def wrapped(x, period, start):
    return x - period * np.floor((np.real(x) - start) / period)


INTERPOLATION = table(
    ("interp", lambda x: np.interp(x, XP, FP) * x, APART, lambda x: linear(x, XP, FP) * x, False),
    (
        "interp of traced values",
        lambda x: np.interp([0.3, -2.0], XP, x[:4]) ** 2,
        APART,
        lambda x: linear(np.array([0.3, -2.0]), XP, x[:4]) ** 2,
        False,
    ),
    (
        "interp at traced points",
        lambda x: np.interp(0.8, np.cumsum(x), x**2),
        positive((5,), low=0.3, high=0.35),
        lambda x: linear(0.8, np.cumsum(x), x**2),
        False,
    ),
    (
        "interp outside",
        lambda x: np.interp(9 + x, XP, FP, right=7.0) * x + np.interp(-9 - x, XP, FP),
        APART,
        lambda x: 7 * x + 1,
        False,
    ),
    (
        "interp periodic",
        lambda x: np.interp(x + 4.8, [1.2, -1.2, 0.4], [1.0, 3.0, -1.0], period=4.8),
        APART,
        lambda x: linear(x, np.array([-3.6, -1.2, 0.4, 1.2, 3.6]), np.array([1.0, 3.0, -1.0, 1.0, 3.0])),
        False,
    ),
    ("CubicSpline", lambda x: SPLINE(x), APART, lambda x: pieces(SPLINE, x), False),
    (
        "CubicSpline derivative",
        lambda x: SPLINE(x, 1) + SPLINE.derivative()(x),
        APART,
        lambda x: 2 * pieces(SPLINE.derivative(), x),
        False,
    ),
    ("PchipInterpolator", lambda x: PCHIP(x), APART, lambda x: pieces(PCHIP, x), False),
    ("interp1d", lambda x: LINEAR(x) ** 2, APART, lambda x: linear(x, KNOTS, HEIGHTS) ** 2, False),
    (
        "interp1d cubic, BSpline",
        lambda x: CUBIC(x) + BSPLINE(x),
        APART,
        lambda x: 2 * pieces(interpolate.PPoly.from_spline(BSPLINE), x),
        False,
    ),
)


def parabola(y, x, low, high):
    """Integral of the parabola through three points."""
    a, b, c = np.linalg.solve(np.vander(x, 3), y)
    return sum(p * (high**n - low**n) / n for p, n in ((a, 3), (b, 2), (c, 1)))


def parabolas(y, x):
    total = sum(parabola(y[k : k + 3], x[k : k + 3], x[k], x[k + 2]) for k in range(0, len(x) - 2, 2))
    return total if len(x) % 2 else total + parabola(y[-3:], x[-3:], x[-2], x[-1])


INTEGRALS = table(
    ("simpson", lambda x: integrate.simpson(x**2, dx=0.3), VECTOR),
    ("simpson, even number", lambda x: integrate.simpson(x**2, axis=1), MATRIX),
    (
        "simpson over traced points",
        lambda x: integrate.simpson(x, x=np.cumsum(x)) + integrate.simpson(x[:4], x=np.cumsum(x[:4])),
        positive((5,)),
        lambda x: parabolas(x, np.cumsum(x)) + parabolas(x[:4], np.cumsum(x[:4])),
        False,
    ),
    (
        "cumulative_trapezoid",
        lambda x: integrate.cumulative_trapezoid(x**2, dx=0.1, axis=0, initial=0),
        MATRIX,
    ),
    ("cumulative_trapezoid over points", lambda x: integrate.cumulative_trapezoid(x, np.cumsum(x)), VECTOR),
    ("scipy trapezoid", lambda x: integrate.trapezoid(x**2, np.cumsum(x, axis=0), axis=0), MATRIX),
    ("gradient on a grid", lambda x: np.gradient(x**2, [0.0, 1.0, 1.5, 3.0, 4.0], edge_order=2), APART),
    ("gradient over traced points", lambda x: np.gradient(x**2, np.cumsum(x)), positive((5,))),
    ("gradient along both axes", lambda x: np.gradient(x**2, 0.5, [0.0, 1.0, 3.0, 4.0]), distinct((3, 4))),
    ("gradient of chosen axes", lambda x: np.gradient(x**2, axis=(1, 0), edge_order=2), MATRIX),
    ("diff prepend append", lambda x: np.diff(x**2, prepend=0.0, append=x[0]), VECTOR),
    ("ediff1d", lambda x: np.ediff1d(x**2, to_end=x[:1], to_begin=[0.0, 1.0]), VECTOR),
    (
        "unwrap",
        lambda x: np.unwrap(x * [1.0, 5.0, 9.0, 3.0]) ** 2,
        positive((4,), low=1.0, high=1.1),
        lambda x: (x * [1.0, 5.0, 9.0, 3.0] - 2 * np.pi * np.array([0, 1, 2, 1])) ** 2,
    ),
)

CONVOLUTIONS = table(
    ("convolve", lambda x: np.convolve(x, x[:3]), VECTOR),
    (
        "convolve same, valid",
        lambda x: np.convolve(x, x[:2], "same") * np.convolve(x[:1], x, "valid"),
        VECTOR,
    ),
    ("correlate", lambda x: np.correlate(x, [1.0, -2.0, 0.5], "same") * x, VECTOR),
    (
        "correlate, other way round",
        lambda x: np.correlate([1.0, -2.0], x, "same"),
        VECTOR,
        lambda x: np.correlate([1.0, -2.0], x.conj(), "same"),
    ),
    (
        "correlate valid, full",
        lambda x: np.correlate(x, [2.0, 1.0]) * np.correlate(x[:3], [1.0, 3.0], "full"),
        VECTOR,
    ),
    (
        "scipy convolve",
        lambda x: signal.convolve(x, x[:2], "same") + signal.fftconvolve(x[:2], x)[:5],
        VECTOR,
        lambda x: np.convolve(x, x[:2])[:5] * 2,
    ),
    (
        "scipy correlate",
        lambda x: signal.correlate(x, x[:2], "valid"),
        VECTOR,
        lambda x: np.convolve(x, x[1::-1], "valid"),
    ),
    (
        "sliding windows",
        lambda x: np.lib.stride_tricks.sliding_window_view(x, 3) @ x[:3],
        VECTOR,
        lambda x: np.stack([x[k : k + 3] @ x[:3] for k in range(3)]),
    ),
    (
        "sliding windows of two axes",
        lambda x: np.lib.stride_tricks.sliding_window_view(x, (2, 2)).max(axis=(2, 3)) * x[1:, 1:],
        distinct((3, 4)),
        lambda x: (
            np.stack(
                [
                    [
                        x[i : i + 2, j : j + 2].ravel()[np.argmax(np.real(x[i : i + 2, j : j + 2]))]
                        for j in range(3)
                    ]
                    for i in range(2)
                ]
            )
            * x[1:, 1:]
        ),
    ),
)

POLYNOMIALS = table(
    ("polyval", lambda x: np.polyval(x[:3], x), VECTOR),
    ("polyval at a matrix", lambda x: np.polyval(x[:3], np.stack([x, 0.5 * x])), VECTOR),
    ("polyadd polysub polymul", lambda x: np.polymul(np.polyadd(x, x[:2]), np.polysub(x[:2], x[:3])), VECTOR),
    ("polyder polyint", lambda x: np.polyder(x, 2)[0] * np.polyint(x, 2, k=[1.0, 2.0]), VECTOR),
    ("poly of roots", lambda x: np.poly(x[:3]) * series.polynomial.polyfromroots(x[:3])[::-1], VECTOR),
    ("polyfit", lambda x: np.polyfit(np.arange(5.0), x**2, 2), VECTOR),
    ("vander", lambda x: np.vander(x, 3) @ x[:3] + np.vander(x, increasing=True) @ x, VECTOR),
    ("poly1d", lambda x: np.poly1d([1.0, 2.0, 3.0])(x) ** 2, VECTOR),
    ("Polynomial", lambda x: POLYNOMIAL(x) * POLYNOMIAL.deriv()(x) + CHEBYSHEV(x), VECTOR),
    (
        "Polynomial of traced coefficients",
        lambda x: series.Polynomial([x[0], 1.0, x[1] ** 2])(x),
        VECTOR,
        lambda x: x[0] + x + x[1] ** 2 * x**2,
    ),
    *(
        (f"{name}", lambda x, function=function: function(x, x[:4]), VECTOR)
        for name, function in {
            "polynomial.polyval": series.polynomial.polyval,
            "chebval": series.chebyshev.chebval,
            "legval": series.legendre.legval,
            "hermval": series.hermite.hermval,
            "hermeval": series.hermite_e.hermeval,
            "lagval": series.laguerre.lagval,
        }.items()
    ),
    ("polynomial.polyder", lambda x: series.polynomial.polyder(x**2), VECTOR),
)

CASES = INTERPOLATION + INTEGRALS + CONVOLUTIONS + POLYNOMIALS
