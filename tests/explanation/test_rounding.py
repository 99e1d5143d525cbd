"""Error bars, condition numbers, and operations that lose digits, against evaluations with 60 digits."""

import mpmath as mp
import numpy as np
import pytest
from scipy import special

import diffsci as ds
from benchmarks.rounding import compare
from benchmarks.rounding.exactly import exactly
from benchmarks.rounding.programs import random_program
from diffsci.calling import Call
from diffsci.control.flattening import flatten_program
from diffsci.explanation.rounding import analyse
from diffsci.graph.interpreter import run
from diffsci.transforms import vjp_graph

HILBERT = 1.0 / (np.arange(6)[:, None] + np.arange(6) + 1.0)


def value_analysis(f, *args):
    call = Call(f, args)
    return analyse(flatten_program(call.traced.graph, call.inputs))


def gradient_analysis(f, *args):
    call = Call(f, args)
    return analyse(flatten_program(vjp_graph(call.traced.graph), [*call.inputs, np.ones(())]))


def test_bars_of_random_gradients_hold_and_are_near():
    found = [compare(random_program(seed)) for seed in range(60)]
    assert np.mean([comparison.bounded for comparison in found]) >= 0.95
    assert np.median([comparison.ratio for comparison in found]) <= 100


SHARP = [
    ("difference of exponentials", lambda x: np.exp(x) - 1, 1e-9, "sub"),
    ("one minus cosine", lambda x: 1 - np.cos(x), 1e-6, "sub"),
    ("mean of squares", lambda x: np.mean(x**2) - np.mean(x) ** 2, 1e6 + np.arange(4.0), "sub"),
    (
        "alternating sum",
        lambda x: np.sum(np.sin(x) * np.array([1.0, -1.0])),
        np.array([1.0, 1.0 + 1e-10]),
        "sum",
    ),
    ("logarithm near one", lambda x: np.log(1 + x), 1e-11, "log"),
    ("tangent of a large angle", lambda x: np.sin(x * 1.1), 1e12, "sin"),
]


@pytest.mark.parametrize(("f", "x", "guilty"), [row[1:] for row in SHARP], ids=[row[0] for row in SHARP])
def test_the_operation_that_lost_digits_is_named_and_the_bar_holds(f, x, guilty):
    analysis = value_analysis(f, x)
    (exact,) = exactly(analysis.graph, [x])
    error = abs(float(analysis.values[analysis.graph.outputs[0]] - float(exact[()])))
    assert error <= analysis.bars[0] + 1e-16 * abs(float(exact[()]))
    assert analysis.bars[0] > 1e-12 * abs(float(exact[()]))
    assert analysis.amplifiers[0].node.name == guilty
    assert analysis.amplifiers[0].loss > 4
    assert analysis.amplifiers[0].share > 0.9


def test_subtraction_of_exact_numbers_loses_nothing():
    analysis = value_analysis(lambda x: x[0] - x[1], np.array([1.0, 1.0 - 1e-12]))
    assert analysis.amplifiers == []
    assert analysis.bars[0] < 1e-27


def test_errors_that_cancel_are_seen_to_cancel():
    """An error propagated operation by operation would count that of exp twice."""
    analysis = value_analysis(lambda x: np.exp(x) / (1 + np.exp(x)) - 0.0, 40.0)
    assert analysis.bars[0] < 1e-15


def test_condition_numbers_of_operations_and_of_the_map():
    analysis = value_analysis(lambda x: np.exp(x) * 1.0, 30.0)
    assert analysis.condition == pytest.approx(30.0)
    (node,) = [node for node in analysis.graph.nodes if node.name == "exp"]
    assert analysis.conditions[node] == pytest.approx(30.0)
    analysis = value_analysis(lambda x: x[0] - x[1], np.array([3.0, 2.0]))
    assert analysis.condition == pytest.approx(5.0)


def test_an_ill_conditioned_system_has_wide_bars():
    def f(x):
        return np.linalg.solve(HILBERT * x, np.ones(6))[0]

    analysis = value_analysis(f, 1.1)
    (exact,) = exactly(analysis.graph, [1.1, *Call(f, (1.1,)).inputs[1:]])
    error = abs(float(analysis.values[analysis.graph.outputs[0]]) - float(exact[()]))
    assert error <= analysis.bars[0]
    assert analysis.bars[0] < 1e6 * error + 1e-6
    assert max(analysis.conditions.values()) > 1e5


def test_underflow_and_overflow_leave_no_digits():
    small = value_analysis(lambda x: np.sqrt(x[0] * x[0] + x[1] * x[1]), np.array([1e-200, 1e-200]))
    assert small.bars[0] == np.inf
    assert {amplifier.node.name for amplifier in small.amplifiers} == {"mul"}


def test_loops_calls_and_branches_are_written_out():
    def f(x):
        y = ds.fori_loop(0, 5, lambda k, y: np.sin(y) * x + k, x)
        z = ds.cond(x > 0, lambda x: ds.jit(np.tanh)(x), lambda x: -x, x)
        _, items = ds.scan(lambda c, a: (c + a, c * a), z, np.arange(3.0))
        return y * z + np.sum(items)

    for analysis, expected in (
        (value_analysis(f, 0.7), f(0.7)),
        (gradient_analysis(f, 0.7), f(0.7)),
    ):
        assert {node.primitive.family for node in analysis.graph.nodes}.isdisjoint({"host", "call"})
        assert float(analysis.values[analysis.graph.outputs[0]]) == pytest.approx(float(expected), rel=1e-14)
    assert float(analysis.values[analysis.graph.outputs[-1]]) == pytest.approx(ds.grad(f)(0.7), rel=1e-13)


def test_while_loops_take_the_steps_that_they_took():
    def newton(a):
        return ds.while_loop(lambda x: np.abs(x * x - a) > 1e-12, lambda x: 0.5 * (x + a / x), a)

    analysis = gradient_analysis(newton, 2.0)
    assert float(analysis.values[analysis.graph.outputs[0]]) == pytest.approx(np.sqrt(2.0), rel=1e-14)
    assert float(analysis.values[analysis.graph.outputs[1]]) == pytest.approx(0.5 / np.sqrt(2.0), rel=1e-9)
    assert np.all(analysis.bars[1] < 1e-14)


def test_many_results_have_propagated_bars():
    x = np.linspace(0.1, 1.0, 1000)
    analysis = value_analysis(lambda x: np.exp(x) - 1, x)
    assert not analysis.swept
    assert analysis.bars[0].shape == (1000,)
    assert np.all(np.abs(np.exp(x) - 1 - np.expm1(x)) <= analysis.bars[0])


def test_comparisons_that_rounding_decides_are_pointed_out():
    analysis = value_analysis(lambda x: np.where(x * 10 > 1.0, x, 2 * x), 0.1)
    assert [node.name for node in analysis.undecided] == ["gt"]
    assert value_analysis(lambda x: np.where(x > 0.1, x, 2 * x), 0.1).undecided == []


def test_single_precision_has_its_own_unit():
    analysis = value_analysis(lambda x: x * x, np.float32(1.1))
    assert 1e-8 < analysis.bars[0] < 1e-6


def test_nothing_to_analyse():
    analysis = value_analysis(lambda x: x[:0] * 2, np.ones(3))
    assert analysis.bars[0].shape == (0,)
    assert analysis.condition == 0.0
    assert value_analysis(lambda x: x, np.ones(3)).bars[0].tolist() == [0.0, 0.0, 0.0]


def test_flat_programs_compute_what_the_program_computes():
    for seed in range(20):
        program = random_program(seed)
        call = Call(program, (program.point,))
        pulled = vjp_graph(call.traced.graph)
        inputs = [*call.inputs, np.ones(())]
        analysis = analyse(flatten_program(pulled, inputs))
        for y, expected in zip(analysis.graph.outputs, run(pulled, inputs), strict=True):
            np.testing.assert_array_equal(analysis.values[y], expected)


def test_the_largest_of_numbers_apart_is_not_decided_by_rounding():
    found = ds.explain(lambda x: np.max(x * 2.0) + np.arctan2(x[0], x[1]), np.array([1.0, 3.0]))
    assert not found.remarks


def test_infinite_values_that_are_masked_away_leave_bars_finite():
    def f(x):
        return np.max((x * 1.1) / np.array([1.0, 0.0])) + np.max(np.sqrt(x * np.array([1.0, 0.0])))

    found = ds.explain(f, np.array([3.0, -1.0]))
    assert all(np.isfinite(errors).all() for bars in found.bars for errors in bars.errors)


def test_exact_zeros_have_no_error():
    for f in (np.arctan, np.linalg.norm, lambda x: np.hypot(x, x)):
        assert value_analysis(f, np.zeros(2)).bars[0].max() == 0
    assert value_analysis(np.sum, np.array([1.0, -1.0])).bars[0] == 0


def test_small_shares_of_a_softmax_have_their_digits():
    x = np.array([-200.0, -1.0, 3.0])
    for f in (ds.stable.softmax, lambda x: np.exp(ds.stable.log_softmax(x))):
        analysis = value_analysis(f, x)
        assert np.all(analysis.bars[0] < 1e-12 * analysis.values[analysis.graph.outputs[0]])


def test_sums_of_zeros_have_lost_nothing():
    rng = np.random.default_rng(1)
    a = rng.normal(size=(5, 5))
    assert ds.explain(lambda s: np.linalg.eigvalsh(s)[0], a @ a.T + 5 * np.eye(5)).ok


def test_running_products_are_rounded_at_every_factor():
    x = 1.0 + 0.01 * np.random.default_rng(5).normal(size=(2, 40))
    analysis = value_analysis(lambda x: np.cumprod(x, axis=1), x)
    (exact,) = exactly(analysis.graph, [x])
    errors = np.abs(analysis.values[analysis.graph.outputs[0]] - exact).astype(float)
    assert np.all(errors <= analysis.bars[0])
    assert np.all(analysis.bars[0][:, -1] < 45 * 1.2e-16 * np.abs(exact[:, -1].astype(float)))


def test_bessel_functions_near_their_zeros():
    x = np.array([2.4048255577, 5.52007811, 11.79153444, 38.0, 1e3 * 1.0001])
    for f, exact in ((special.j0, mp.j0), (special.j1, mp.j1), (special.y0, lambda x: mp.bessely(0, x))):
        analysis = value_analysis(f, x)
        with mp.workdps(40):
            errors = [
                abs(float(mp.mpf(float(y)) - exact(mp.mpf(float(t))))) for y, t in zip(f(x), x, strict=True)
            ]
        assert np.all(errors <= analysis.bars[0])


def test_eigenvalues_have_bars_where_their_vectors_are_hardly_known():
    rng = np.random.default_rng(3)
    turned = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    s = turned @ np.diag([-0.023, -2e-8, 4e-8, 0.06]) @ turned.T
    found = ds.explain(lambda a: np.linalg.eigvalsh(a), (s + s.T) / 2)
    assert found.bars[0].phase == "forward"
    assert found.bars[0].errors[0].max() < 1e-15


@pytest.mark.parametrize("f", [np.var, np.std, lambda x: np.linalg.norm(x - 1e6)])
def test_operations_on_vectors_that_keep_their_digits_lose_none(f):
    analysis = gradient_analysis(f, 1e6 + np.array([0.3, -1.2, 0.7, 2.1]))
    assert analysis.amplifiers == []
    assert np.all(analysis.bars[1] < 1e-14 * np.abs(analysis.values[analysis.graph.outputs[1]]))
