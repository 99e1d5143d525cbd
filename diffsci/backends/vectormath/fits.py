"""What the polynomials of exponentials, logarithms, powers and hyperbolic functions approximate."""

from __future__ import annotations

from collections.abc import Callable

import mpmath as mp

from diffsci.backends.vectormath.fitting import BITS, Polynomial, after, even, number, parts

__all__ = ["FITS", "NUMBERS"]


def _half_octave() -> mp.mpf:
    return mp.log(2) / 2 * mp.mpf("1.0001")


def _log_argument() -> mp.mpf:
    return ((mp.sqrt(2) - 1) / (mp.sqrt(2) + 1)) ** 2 * mp.mpf("1.0001")


def _area(s: mp.mpf) -> mp.mpf:
    return mp.atanh(s) / s


def _log2_rest(w: mp.mpf) -> mp.mpf:
    with mp.extradps(40):
        w = max(w, mp.mpf("1e-30"))
        return 2 * (_area(mp.sqrt(w)) - 1 - w / 3) / (w * w * mp.log(2))


FITS: dict[str, Polynomial] = {
    "EXP": Polynomial(
        "(exp(r) - 1 - r) / r**2, |r| <= log(2) / 2",
        after(mp.exp, 1, 1),
        lambda: -_half_octave(),
        _half_octave,
        lambda r: r * r * mp.exp(-r),
        {"f8": 10, "f4": 5},
        {"f8": 0.04, "f4": 0.06},
    ),
    "EXPM1": Polynomial(
        "(exp(r) - 1 - r) / r**2, |r| <= log(2) / 2, for the relative error of exp(r) - 1",
        after(mp.exp, 1, 1),
        lambda: -_half_octave(),
        _half_octave,
        lambda r: abs(r * r / mp.expm1(r)),
        {"f8": 11, "f4": 6},
        {"f8": 0.01, "f4": 0.06},
    ),
    "EXP2": Polynomial(
        "(2**r - 1) / r, |r| <= 1 / 2",
        after(lambda r: mp.mpf(2) ** r, 1),
        number("-0.50001"),
        number("0.50001"),
        lambda r: abs(r) * mp.mpf(2) ** -r,
        {"f8": 11, "f4": 6},
        {"f8": 0.2, "f4": 0.25},
    ),
    "LOG": Polynomial(
        "(2 artanh(s) / s - 2) / w in w = s**2, |s| <= (sqrt(2) - 1)**2",
        even(lambda s: 2 * _area(s), 2),
        number(0),
        _log_argument,
        lambda w: w / (2 * _area(mp.sqrt(w))),
        {"f8": 7, "f4": 3},
        {"f8": 0.03, "f4": 0.05},
    ),
    "LOG2": Polynomial(
        "(2 artanh(s) / s - 2 - 2 w / 3) / (w**2 log(2)) in w = s**2, |s| <= (sqrt(2) - 1)**2",
        _log2_rest,
        number(0),
        _log_argument,
        lambda w: w * w * mp.log(2) / (2 * _area(mp.sqrt(w))),
        {"f8": 8, "f4": 3},
        {"f8": 2.0**-14, "f4": 2.0**-11},
    ),
    "ARCTANH": Polynomial(
        "(artanh(s) / s - 1) / w in w = s**2, |s| <= 0.2334",
        even(_area, 1),
        number(0),
        number("0.0545"),
        lambda w: w / _area(mp.sqrt(w)),
        {"f8": 8, "f4": 4},
        {"f8": 0.05, "f4": 0.05},
    ),
    "SINH": Polynomial(
        "(sinh(r) / r - 1) / w in w = r**2, |r| <= log(2) / 2",
        even(lambda r: mp.sinh(r) / r, 1),
        number(0),
        lambda: _half_octave() ** 2,
        lambda w: w * mp.sqrt(w) / mp.sinh(mp.sqrt(w)),
        {"f8": 5, "f4": 3},
        {"f8": 0.01, "f4": 0.1},
    ),
    "COSH": Polynomial(
        "(cosh(r) - 1 - w / 2) / w**2 in w = r**2, |r| <= log(2) / 2",
        even(mp.cosh, 1, mp.mpf("0.5")),
        number(0),
        lambda: _half_octave() ** 2,
        lambda w: w * w / mp.cosh(mp.sqrt(w)),
        {"f8": 4, "f4": 2},
        {"f8": 0.05, "f4": 0.01},
    ),
    "CBRT": Polynomial(
        "z**(-1 / 3), 1 <= z <= 2",
        lambda z: z ** (-mp.mpf(1) / 3),
        number(1),
        number(2),
        mp.cbrt,
        {"f8": 5, "f4": 4},
        {"f8": 2.0**53, "f4": 2.0**24},
    ),
}

_SHORTER = {"f8": 12, "f4": 9}  # bits of an exponent and its sign


def _short(name: str):
    """Return how to write a number as a sum whose first part gives exact products with exponents."""

    def both(code: str) -> list[float]:
        value = _VALUES[name]()
        first = parts(value, BITS[code] - _SHORTER[code], 1)
        return first + parts(value - first[0], BITS[code], 1)

    return both


_VALUES = {
    "ln 2": lambda: mp.log(2),
    "log10 2": lambda: mp.log10(2),
    "1 / ln 2": lambda: 1 / mp.log(2),
    "1 / ln 10": lambda: 1 / mp.log(10),
    "2 / ln 2": lambda: 2 / mp.log(2),
    "2 / (3 ln 2)": lambda: 2 / mp.log(2) / 3,
}


def _doubled(name: str):
    return f"{name} as a sum", lambda code: parts(_VALUES[name](), BITS[code], 2)


NUMBERS: dict[str, tuple[str, Callable[[str], list]]] = {
    "LN2": _doubled("ln 2"),
    "LOG10_2_SHORT": ("log10 2 as a sum, the first part short", _short("log10 2")),
    "INVERSE_LN2": _doubled("1 / ln 2"),
    "INVERSE_LN10": _doubled("1 / ln 10"),
    "TWO_BY_LN2": _doubled("2 / ln 2"),
    "TWO_THIRDS_BY_LN2": _doubled("2 / (3 ln 2)"),
}
