"""What the polynomials of error and gamma functions approximate."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp

from diffsci.backends.vectormath.fitting import BITS, Polynomial, even, number, parts

__all__ = ["SPECIAL_FITS", "SPECIAL_NUMBERS"]

_SHIFT = mp.mpf("4")  # of the variable in which the scaled error function is a polynomial


def _scaled_complement(t: mp.mpf) -> mp.mpf:
    with mp.extradps(40):
        if t > 1 - mp.mpf("1e-30"):
            return 1 / mp.sqrt(mp.pi)
        x = _SHIFT * (1 + t) / (1 - t)
        return mp.exp(x * x) * mp.erfc(x) * (x + _SHIFT)


def _last_turn() -> mp.mpf:
    last = mp.mpf(28)
    return (last - _SHIFT) / (last + _SHIFT)


_ZERO = "1.46163214496836234126265954232572132846819620400644629513"  # of the digamma function (DLMF 5.4.20)
_FIRST = mp.mpf(6)  # from where on Stirling's series serves
_AWAY = mp.mpf("1e-15")  # from zeros, where quotients of small numbers stand for limits


def _off(y: mp.mpf, *zeros: mp.mpf) -> mp.mpf:
    for zero in zeros:
        y = y if abs(y - zero) > _AWAY else zero + _AWAY
    return y


def _log_gamma_by_zeros(t: mp.mpf) -> mp.mpf:
    with mp.extradps(40):
        y = _off(mp.mpf("1.625") + t, mp.mpf(1), mp.mpf(2))
        return mp.loggamma(y) / ((y - 1) * (y - 2))


def _digamma_by_zero(t: mp.mpf) -> mp.mpf:
    with mp.extradps(40):
        y = _off(mp.mpf("1.75") + t, mp.mpf(_ZERO))
        return mp.digamma(y) / (y - mp.mpf(_ZERO))


def _stirling(w: mp.mpf) -> mp.mpf:
    with mp.extradps(40):
        x = 1 / mp.sqrt(max(w, mp.mpf("1e-14")))
        return x * (mp.loggamma(x) - ((x - mp.mpf("0.5")) * mp.log(x) - x + mp.log(2 * mp.pi) / 2))


def _digamma_rest(w: mp.mpf) -> mp.mpf:
    with mp.extradps(40):
        x = 1 / mp.sqrt(max(w, mp.mpf("1e-14")))
        return x * x * (mp.digamma(x) - mp.log(x) + 1 / (2 * x))


def _sum(says: str, number: Callable[[], mp.mpf]) -> tuple[str, Callable[[str], list]]:
    return f"{says} as a sum", lambda code: parts(number(), BITS[code], 2)


SPECIAL_NUMBERS: dict[str, tuple[str, Callable[[str], list]]] = {
    "DIGAMMA_ZERO": _sum("the zero y0 of the digamma function", number(_ZERO)),
    "HALF_LOG_TWO_PI": _sum("log(2 pi) / 2", lambda: mp.log(2 * mp.pi) / 2),
    "HALF_LOG2_TWO_PI": _sum("log2(2 pi) / 2", lambda: mp.log(2 * mp.pi, 2) / 2),
}

SPECIAL_FITS: dict[str, Polynomial] = {
    "ERF_NEAR": Polynomial(
        "erf(x) / x - 1 in x**2, |x| <= 1",
        even(lambda x: mp.erf(x) / x - 1),
        number(0),
        number(1),
        lambda z: 1 / (1 + even(lambda x: mp.erf(x) / x - 1)(z)),
        {"f8": 13, "f4": 7},
        {"f8": 0.2, "f4": 0.1},
        leading=0,
    ),
    "ERFC_LOGARITHM": Polynomial(
        "-log(erfc(x)), 1 <= x <= 5.93",
        lambda x: -mp.log(mp.erfc(x)),
        number(1),
        number("5.93"),
        lambda x: mp.erfc(x) / mp.erf(x),
        {"f8": 18, "f4": 9},
        {"f8": 0.1, "f4": 0.1},
    ),
    "ERFC_SCALED": Polynomial(
        "exp(x**2) erfc(x) (x + 4) in t = (x - 4) / (x + 4), 0 <= x <= 28",
        _scaled_complement,
        number(-1),
        _last_turn,
        lambda t: 1 / _scaled_complement(t),
        {"f8": 23, "f4": 12},
        {"f8": 0.5, "f4": 0.1},
        leading=0,
        doubled=4,
    ),
    "LOG_GAMMA": Polynomial(
        "log Gamma(y) / ((y - 1) (y - 2)) in t = y - 1.625, 0.75 <= y <= 2.5",
        _log_gamma_by_zeros,
        number("-0.875"),
        number("0.875"),
        lambda t: 1 / _log_gamma_by_zeros(t),
        {"f8": 30, "f4": 14},
        {"f8": 0.5, "f4": 0.5},
        leading=0,
        doubled=2,
    ),
    "DIGAMMA": Polynomial(
        "digamma(y) / (y - y0) in t = y - 1.75, 1 <= y <= 2.5, where y0 is its zero",
        _digamma_by_zero,
        number("-0.75"),
        number("0.75"),
        lambda t: 1 / _digamma_by_zero(t),
        {"f8": 27, "f4": 12},
        {"f8": 0.5, "f4": 0.5},
        leading=0,
        doubled=2,
    ),
    "STIRLING": Polynomial(
        "x (log Gamma(x) - (x - 1 / 2) log(x) + x - log(2 pi) / 2) in 1 / x**2, x >= 6",
        _stirling,
        number(0),
        lambda: 1 / _FIRST**2,
        lambda w: mp.sqrt(w) / mp.loggamma(1 / mp.sqrt(w)),
        {"f8": 7, "f4": 3},
        {"f8": 0.01, "f4": 0.1},
    ),
    "DIGAMMA_REST": Polynomial(
        "x**2 (digamma(x) - log(x) + 1 / (2 x)) in 1 / x**2, x >= 6",
        _digamma_rest,
        number(0),
        lambda: 1 / _FIRST**2,
        lambda w: w / mp.digamma(1 / mp.sqrt(w)),
        {"f8": 7, "f4": 3},
        {"f8": 0.02, "f4": 0.1},
    ),
    "COTANGENT": Polynomial(
        "(1 / t - pi cot(pi t)) / t in t**2, |t| <= 1 / 2",
        even(lambda t: (1 / t - mp.pi * mp.cot(mp.pi * t)) / t),
        number(0),
        number("0.25"),
        lambda z: mp.mpf("0.25"),
        {"f8": 15, "f4": 7},
        {"f8": 0.3, "f4": 0.6},
        leading=0,
    ),
    "SINE_OF_TURN": Polynomial(
        "log(sin(pi t) / (pi t)) / t**2 in t**2, |t| <= 1 / 2",
        even(lambda t: mp.log(mp.sinpi(t) / (mp.pi * t)) / t**2),
        number(0),
        number("0.25"),
        lambda z: z,
        {"f8": 15, "f4": 7},
        {"f8": 0.3, "f4": 0.6},
        leading=0,
    ),
}
