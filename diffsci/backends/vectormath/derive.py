"""Derive the coefficients of the elementary functions: ``python -m diffsci.backends.vectormath.derive``.

Needs mpmath. Writes the modules of `FILES`, which say what their numbers are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import mpmath as mp

from diffsci.backends.vectormath.fits import FITS, NUMBERS
from diffsci.backends.vectormath.fitting import BITS, Polynomial, even, number, parts
from diffsci.backends.vectormath.minimax import error, rounded
from diffsci.backends.vectormath.special_fits import SPECIAL_FITS, SPECIAL_NUMBERS

__all__ = ["BITS", "CONSTANTS", "FILES", "POLYNOMIALS", "coefficients", "text"]

DIGITS = 60
_WIDTH = 108


def _eighth_turn() -> mp.mpf:
    return (mp.pi / 4) ** 2 * mp.mpf("1.001")


POLYNOMIALS: dict[str, Polynomial] = (
    FITS
    | SPECIAL_FITS
    | {
        "SINE": Polynomial(
            "(sin(r) / r - 1) / z in z = r**2, |r| <= pi / 4",
            even(lambda r: mp.sin(r) / r, 1),
            number(0),
            _eighth_turn,
            lambda z: z * mp.sqrt(z) / mp.sin(mp.sqrt(z)),
            {"f8": 6, "f4": 3},
            {"f8": 0.04, "f4": 0.07},
        ),
        "COSINE": Polynomial(
            "(cos(r) - 1 + z / 2) / z**2 in z = r**2, |r| <= pi / 4",
            even(lambda r: mp.cos(r), 1, mp.mpf("-0.5")),
            number(0),
            _eighth_turn,
            lambda z: z * z / mp.cos(mp.sqrt(z)),
            {"f8": 6, "f4": 3},
            {"f8": 0.001, "f4": 0.003},
        ),
        "ARCSINE": Polynomial(
            "(arcsin(s) / s - 1) / z in z = s**2, |s| <= 1 / 2",
            even(lambda s: mp.asin(s) / s, 1),
            number(0),
            number("0.25"),
            lambda z: z,
            {"f8": 13, "f4": 5},
            {"f8": 0.01, "f4": 0.1},
        ),
        "ARCTANGENT": Polynomial(
            "(arctan(t) / t - 1) / z in z = t**2, |t| <= tan(pi / 8)",
            even(lambda t: mp.atan(t) / t, 1),
            number(0),
            lambda: (mp.sqrt(2) - 1) ** 2 * mp.mpf("1.0001"),
            lambda z: z,
            {"f8": 11, "f4": 5},
            {"f8": 0.02, "f4": 0.02},
        ),
        "AREA_TANGENT": Polynomial(
            "(2 artanh(s) / s - 2) / w in w = s**2, |s| <= 1 / 3",
            even(lambda s: 2 * mp.atanh(s) / s, 2),
            number(0),
            lambda: mp.mpf(1) / 9,
            lambda w: w / 2,
            {"f8": 10, "f4": 4},
            {"f8": 0.02, "f4": 0.1},
        ),
    }
)


def _half_pi(code: str) -> list[float]:
    return parts(mp.pi / 2, BITS[code], 3)


def _inverse_half_pi(code: str) -> list[list[float]]:
    step, last = {"f8": (32, 1024 - 52), "f4": (8, 128 - 23)}[code]
    rows = []
    with mp.workprec(1400):
        for group in range(last // step + 1):
            number = 2 / mp.pi * mp.mpf(2) ** (group * step)
            rows.append(parts(number - 4 * mp.nint(number / 4), BITS[code], 4))
    return [list(column) for column in zip(*rows, strict=True)]


CONSTANTS: dict[str, tuple[str, Callable[[str], list]]] = (
    NUMBERS
    | SPECIAL_NUMBERS
    | {
        "HALF_PI": ("pi / 2 as a sum", _half_pi),
        "INVERSE_HALF_PI": (
            "2 / pi times 2**(32 k), or 2**(8 k), modulo 4, as sums of four: first parts for k = 0, 1, ...",
            _inverse_half_pi,
        ),
    }
)


_SPECIAL = SPECIAL_FITS.keys() | SPECIAL_NUMBERS.keys()

# The modules that are written: what is in them, and the names.
FILES: dict[str, tuple[str, frozenset[str]]] = {
    "coefficients": ("the elementary functions", frozenset((CONSTANTS | POLYNOMIALS).keys() - _SPECIAL)),
    "special_coefficients": ("error and gamma functions", frozenset(_SPECIAL)),
}


def coefficients(name: str, code: str) -> tuple[list[float], float]:
    """Return the coefficients of a polynomial, and the error of the result in units of the last place."""
    p, bits = POLYNOMIALS[name], BITS[code]
    with mp.workdps(DIGITS):
        low, high = p.low(), p.high()
        found, rest = rounded(p.function, low, high, p.counts[code], p.weight, bits, p.leading, p.doubled)
        total = [a + b for a, b in zip(found, [*rest, *[0] * len(found)], strict=False)]
        reached = error(p.function, low, high, total, p.weight)
        return list(map(float, found + rest)), float(reached * 2**bits)


def text(file: str) -> str:
    """Return the text of one of the `FILES`."""
    subject, names = FILES[file]
    lines = [
        f'"""Coefficients of {subject}, lowest first, by format: written by `derive`."""',
        "",
        "# fmt: off",
        "from __future__ import annotations",
        "",
        "_h = float.fromhex",
    ]
    with mp.workdps(DIGITS):
        for name, (says, function) in CONSTANTS.items():
            if name in names:
                lines += _entry(name, says, {code: function(code) for code in BITS})
    for name in filter(names.__contains__, POLYNOMIALS):
        p = POLYNOMIALS[name]
        found = {code: coefficients(name, code) for code in p.counts}
        for code, (_, reached) in found.items():
            if reached > p.errors[code]:
                raise ValueError(f"{name}, {code}: the error is {reached} units of the last place")
        lines += _entry(name, p.says, {code: numbers for code, (numbers, _) in found.items()})
    return "\n".join([*lines, ""])


def _entry(name: str, says: str, numbers: dict[str, list]) -> Iterator[str]:
    yield from ("", f"# {says}", f"{name} = {{")
    for code, values in numbers.items():
        rows = values if isinstance(values[0], list) else [values]
        yield f'    "{code}": ('
        for row in rows:
            yield from _wrapped(row, "        ", nested=isinstance(values[0], list))
        yield "    ),"
    yield "}"


def _wrapped(numbers: list[float], margin: str, nested: bool) -> Iterator[str]:
    if nested:
        yield margin + "("
        margin += "    "
    line = margin
    for value in numbers:
        item = f'_h("{value.hex()}"), '
        if len(line) + len(item) > _WIDTH:
            yield line.rstrip()
            line = margin
        line += item
    yield line.rstrip()
    if nested:
        yield margin[4:] + "),"


if __name__ == "__main__":
    for file in FILES:
        Path(__file__).with_name(f"{file}.py").write_text(text(file))
