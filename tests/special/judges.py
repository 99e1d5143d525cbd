"""Derivatives of special functions with 40 digits, by mpmath, which shares no formula with diffsci."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp

mp.mp.dps = 40
ROOT_TWO = mp.sqrt(2)


def difference(function: Callable, x: mp.mpf, order: int) -> mp.mpf:
    """A central difference whose step, 1e-25 of x, is far below 40 digits and far above 100."""
    if order == 0:
        return function(x)
    h = (abs(x) or 1) * mp.mpf("1e-25")
    if order == 1:
        return (function(x + h) - function(x - h)) / (2 * h)
    return (function(x + h) - 2 * function(x) + function(x - h)) / h**2


def exact(function: Callable) -> Callable:
    """Return ``judge(orders, *x)``: the partial derivative of these orders."""

    def judge(orders: tuple[int, ...], *point: mp.mpf) -> mp.mpf:
        def partial(axis: int, fixed: tuple) -> mp.mpf:
            if axis == len(point):
                return function(*fixed)
            return difference(lambda t: partial(axis + 1, (*fixed, t)), point[axis], orders[axis])

        with mp.workdps(100):
            return mp.re(partial(0, ()))

    return judge


def built_in(function: Callable, order) -> Callable:
    """Return the judge of a Bessel function that mpmath differentiates itself."""
    return lambda n, x: function(order, x, derivative=n[0])


def bessel_k(order, scaled: bool = False) -> Callable:
    """Return the judge of K, differentiated under the integral over exp(-x cosh t) cosh(v t)."""

    def judge(n, x):
        rate = (lambda t: 1 - mp.cosh(t)) if scaled else (lambda t: -mp.cosh(t))
        end = mp.acosh(1 + 150 / x)
        panels = [end * k / 6 for k in range(7)]
        return mp.quad(lambda t: rate(t) ** n[0] * mp.exp(x * rate(t)) * mp.cosh(order * t), panels)

    return judge


def spherical(function: Callable, order: int) -> Callable:
    """Return the judge of a spherical Bessel function."""
    return exact(lambda x: mp.sqrt(mp.pi / (2 * x)) * function(order + mp.mpf(1) / 2, x))


def normal_cdf(x):
    """Phi of the normal distribution."""
    return mp.erfc(-x / ROOT_TWO) / 2


def log_normal_cdf(x):
    """log Phi."""
    return mp.log(normal_cdf(x)) if x < 5 else mp.log1p(-mp.erfc(x / ROOT_TWO) / 2)


def owens_t(h, a):
    """Owen's T function by its integral."""
    return mp.quad(lambda t: mp.exp(-h * h / 2 * (1 + t * t)) / (1 + t * t), [0, a]) / (2 * mp.pi)


def amplitude(u, m):
    """Jacobi's amplitude, the inverse of F(phi, m)."""
    start = mp.asin(mp.ellipfun("sn", u, m=m)) if abs(u) < 1 else u
    return mp.findroot(lambda phi: mp.ellipf(phi, m) - u, start)


def beta_integral(a, b, x):
    """The regularized incomplete beta function."""
    return mp.betainc(a, b, 0, x, regularized=True)


def gamma_integral(a, x):
    """The regularized lower incomplete gamma function."""
    return mp.gammainc(a, 0, x, regularized=True)


def gamma_tail(a, x):
    """The regularized upper incomplete gamma function."""
    return mp.gammainc(a, x, mp.inf, regularized=True)


def student(df, t):
    """Student's distribution function."""
    half = mp.betainc(mp.mpf(1) / 2, df / 2, 0, t * t / (df + t * t), regularized=True) / 2
    return mp.mpf(1) / 2 + mp.sign(t) * half
