"""The accuracy command: its units, its references, its samplers, its table."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import mpmath as mp
import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks.accuracy import reference, table
from benchmarks.accuracy.errors import derivative_error, relative, ulps, value_error
from benchmarks.accuracy.measure import Errors, Measured, points_of
from benchmarks.accuracy.points import around, between, each, everywhere, extremes, listed, mapped, mix
from benchmarks.accuracy.reference import References, nearest
from benchmarks.accuracy.row import Function, families, rows_of

DOUBLE = np.finfo(np.float64)
ROWS = [(family, row) for family in families() for row in rows_of(family)]
SQUARE = Function(
    name="square",
    arguments="x",
    ours="x * x",
    value=lambda x: x * x,
    first=(lambda x: 2 * x,),
    second=(lambda x: mp.mpf(2),),
    points=everywhere(),
)


def off(computed, true, info=DOUBLE):
    """The error of one number, in units of the last place."""
    with mp.workdps(800):
        found = nearest(mp.mpf(true), info)
    return float(ulps(np.array([computed], info.dtype), np.array([found]))[0])


@pytest.mark.parametrize("x", [1.0, 0.1, 1e300, 5e-324, 3e-310, 2.0**-1022, -7.25, DOUBLE.max])
def test_a_unit_in_the_last_place(x):
    assert off(x, x) == 0.0
    assert off(np.nextafter(x, 0.0), x) in (1.0, 0.5)  # half below a power of two
    with mp.workdps(60):
        farther = mp.mpf(x) + (mp.mpf(np.nextafter(x, 0.0).item()) - x) / -4
    assert off(x, farther) in (0.25, 0.125)


def test_overflow_counts_as_the_next_power_of_two():
    assert off(math.inf, mp.mpf(2) ** 1024) == 0.0
    assert off(math.inf, mp.mpf(10) ** 400) == 0.0
    assert off(math.inf, DOUBLE.max) == 1.0
    assert off(DOUBLE.max, mp.mpf(2) ** 1024) == 1.0
    assert off(DOUBLE.max, mp.inf) == math.inf
    assert off(-math.inf, mp.inf) == math.inf
    assert off(1.0, mp.mpf(10) ** 400) == math.inf
    assert off(math.inf, 1.0) == math.inf


def test_single_precision_has_its_own_unit():
    single = np.finfo(np.float32)
    assert off(np.float32(1) + single.eps, 1.0, single) == 1.0
    assert off(single.smallest_subnormal, 0.0, single) == 1.0
    assert off(math.inf, float(single.max), single) == 1.0


@pytest.mark.parametrize("seed", range(3))
def test_nearest_numbers(seed):
    random = np.random.default_rng(seed)
    for x in everywhere()(random, 50, DOUBLE).ravel():
        true = Fraction(x) * Fraction(random.integers(1, 10**9).item(), 10**9 - 1)
        with mp.workdps(400):
            near, rest = nearest(mp.mpf(true.numerator) / true.denominator, DOUBLE)
        assert near == float(true)
        assert abs(rest) <= 0.5
        assert abs(Fraction(near) + Fraction(rest) * Fraction(float(np.spacing(abs(near)))) - true) < abs(
            true
        ) * Fraction(1, 10**15) + Fraction(1, 10**330)


def test_derivatives_are_relative_down_to_the_smallest_normal_number():
    reference = np.array([[1.0, 0.0], [0.0, 0.0], [1e-320, 0.0], [math.inf, math.inf], [2.0, 0.0]])
    computed = np.array([1 + 1e-10, 5e-324, 1e-320, math.inf, math.nan])
    found = relative(computed, reference)
    np.testing.assert_allclose(found[:4], [1e-10, 2.0**-52, 0.0, 0.0], rtol=1e-5)
    assert math.isnan(found[4])
    scaled = relative(np.array([1e-8]), np.array([[0.0, 0.0]]), np.array([1e8]))
    np.testing.assert_allclose(scaled, 1e-16)


def test_missing_numbers():
    points = np.array([[1.0], [2.0], [3.0]])
    reference = np.array([[1.0, 0.0], [math.nan, math.nan], [math.nan, math.nan]])
    wrong = value_error(np.array([math.nan, 5.0, math.nan]), reference, points, "plain")
    assert (wrong.nans, wrong.worst) == (1, math.inf)
    unjudged = derivative_error(np.array([1.0, 5.0, math.nan]), reference, points, "plain", "dx")
    assert (unjudged.nans, unjudged.worst) == (0, 0.0)
    assert (unjudged | replace(wrong, worst=0.5)).where == (1.0,)


def test_samplers():
    random = np.random.default_rng(1)
    drawn = mix(
        each(everywhere(), between(2.0, 3.0)),
        mapped(each(around(1.0), listed(4.0, 5.0)), lambda x, y: (x + y, y)),
        each(extremes(1), extremes(-1, infinite=False)),
        where=lambda x, y: y != 0,
    )(random, 999, np.finfo(np.float32))
    assert drawn.shape == (999, 2)
    assert drawn.dtype == np.float32
    first, second, third = drawn[:333], drawn[333:666], drawn[666:]
    assert np.abs(first[:, 0]).min() < 1e-38
    assert np.isin(second[:, 1], [4.0, 5.0]).all()
    assert np.isinf(third[:, 0]).any()
    assert (third[:, 1] < 0).all()
    with pytest.raises(ValueError, match="fewer than 10 points"):
        mix(between(0.0, 1.0), where=lambda x: x > 1)(random, 10, DOUBLE)
    points = points_of(SQUARE, 20, np.float64)
    assert points.shape == (21, 1)
    assert np.isnan(points[-1, 0])


def test_rows_of_wrong_length_are_refused():
    with pytest.raises(ValueError, match="2 arguments need 2 first and 3 second derivatives, not 1 and 1"):
        replace(SQUARE, arguments="x y")


def inside(row):
    """A few points of a row where differences are safe."""
    points = row.points(np.random.default_rng(0), 8000, DOUBLE).astype(float)
    size = np.abs(points)
    usable = np.all((size > 1e-2) & (size < 20.0), axis=1)
    return points[usable][:8]


def difference(f, x, index, step):
    """The central difference of fourth order, at doubles: a reference may be exact only there."""

    def at(k):
        return f(*(v + k * step if i == index else v for i, v in enumerate(x)))

    return (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)


@pytest.mark.parametrize("row", [row for _, row in ROWS], ids=lambda row: row.name)
def test_references_of_derivatives_are_derivatives(row):
    judged = 0
    with mp.workdps(60):
        for point in inside(row):
            x = [mp.mpf(float(v)) for v in point]
            pairs = [(first, row.value, i) for i, first in enumerate(row.first)]
            pairs += [(d, row.first[i], j) for (i, j), d in zip(row.pairs, row.second, strict=True)]
            for claimed, function, index in pairs:
                found = claimed(*x)
                rough, fine = (difference(function, x, index, mp.mpf(2) ** -k) for k in (12, 13))
                if mp.isnan(found) or not abs(rough - fine) < 1e-8 * (1 + abs(fine)):
                    continue  # next to a singularity
                judged += 1
                assert abs(found - fine) < 1e-7 * (1 + abs(found)), (point, index)
    assert judged > row.arity


def test_references_are_kept_and_know_their_code(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    family, row = next(pair for pair in ROWS if pair[1].name == "hypot")
    points = np.array([[3.0, 4.0], [math.nan, 1.0]])
    with References(1) as references:
        found = references(family, row, points)
    np.testing.assert_allclose(found[:, 0, 0], [5, 0.6, 0.8, 0.128, -0.096, 0.072])
    assert np.isnan(found[:, 1, 0]).all()
    monkeypatch.setattr(reference, "evaluate", None)  # the second time, nothing is evaluated
    np.testing.assert_array_equal(References(1)(family, row, points), found)
    keys = {
        reference._key(replace(row, digits=digits, value=value), points, 1)
        for digits in (60, 70)
        for value in (row.value, lambda x, y: mp.sqrt(x * x + y * y), lambda x, y: mp.sqrt(x * x + 2 * y * y))
    }
    assert len(keys) == 6


def test_too_few_digits_are_refused():
    row = replace(SQUARE, value=lambda x: (x + mp.mpf(10) ** 70) - mp.mpf(10) ** 70)
    with pytest.raises(ValueError, match="60 digits are too few for the reference"):
        reference._probe(row, row.value, np.array([0.1]), np.array([0.0, 0.0]), DOUBLE)


def test_the_command(monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    options = ["--points", "60", "--functions", "hypot", "--peers", "autograd", "--processes", "1"]
    assert command.main(["accuracy", *options]) == 0
    printed = capsys.readouterr().out
    assert "all targets met" in printed
    assert "hypot" in printed
    with pytest.raises(SystemExit):
        command.main(["accuracy", "--functions", "hypo"])
    assert "unknown name 'hypo'" in capsys.readouterr().err


def test_the_page_marks_what_is_missed():
    ours, peer, absent = Errors(), Errors(), Errors(note="no such function")
    point = np.array([[1.0]])
    good, bad = (np.array([[x, 0.0]]) for x in (1.0, 1.5))
    ours.add("value", value_error(np.ones(1), bad, point, "plain"))
    ours.add("first", derivative_error(np.ones(1), good, point, "forward", "dx"))
    peer.add("value", value_error(np.full(1, math.nan), good, point, ""))
    measured = Measured(SQUARE, ours, {"jax": peer, "torch": absent})
    assert list(measured.missed) == ["value"]
    other = replace(SQUARE, name="other", second_scale=abs)
    old = table.markdown([replace(measured, row=other)], [other], 100_000, {"mpmath": "1.2"})
    page = table.markdown([measured], [SQUARE, other], 100_000, {"mpmath": "1.3"}, old)
    assert page.index("| square |") < page.index("| other |")
    assert page.count("| other |") == page.count("| square |") == 2
    assert "Of `other`, second derivatives" in page
    assert "| square | 2.3e+15 (!) |  | 1e-16 |  | 0 | inf ulp, 1 NaN | no such function |" in page
    assert "100 000" in page
    assert "square: value 2.25e+15 (value; plain) at (1.0,)" in table.explained(measured)[0]
