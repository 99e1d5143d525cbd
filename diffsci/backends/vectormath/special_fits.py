"""What the polynomials of error and gamma functions approximate."""

from __future__ import annotations

import mpmath as mp

from diffsci.backends.vectormath.fitting import Polynomial, even, number

__all__ = ["SPECIAL_FITS"]

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
}
