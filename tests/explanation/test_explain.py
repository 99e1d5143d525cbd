"""`explain` on healthy models, on bad input, and what its reports say."""

import warnings

import numpy as np
import pytest

import diffsci as ds
from tests.explanation.healthy import HEALTHY


@pytest.mark.parametrize(("name", "function", "args"), HEALTHY, ids=[name for name, _, _ in HEALTHY])
def test_no_false_alarm(name, function, args):
    found = ds.explain(function, *args)
    assert found.ok, found
    assert found.phases == ("forward", "tangent", "cotangent")


def test_input_that_is_not_finite_is_named():
    fault = ds.explain(lambda p, x: p["rates"][1] * x, {"rates": np.array([1.0, np.nan])}, 2.0).first
    assert fault.kind == "input"
    assert fault.what == "the input p['rates'][1] is nan"


def test_value_from_outside_that_is_not_finite_is_named():
    shift = np.array([0.0, np.inf])
    fault = ds.explain(lambda x: np.sum(x + shift), np.ones(2)).first
    assert fault.kind == "input"
    assert "outside" in fault.what


def test_nan_written_in_the_program():
    def f(x):
        y = np.full(2, np.nan)
        y[0] = x
        return np.sum(y)

    assert ds.explain(f, 1.0).first.kind == "constant"


def test_infinities_may_be_meant():
    def f(x):
        return np.exp(x)

    assert not ds.explain(f, 1000.0).ok
    assert ds.explain(f, 1000.0, infs=False).ok
    assert not ds.explain(lambda x: f(x) - f(x), 1000.0, infs=False).ok


def test_every_place_is_told_once_with_all_sweeps():
    found = ds.explain(lambda x, y: np.log(x) + np.sqrt(y), -1.0, 0.0)
    assert [(fault.phase, fault.also) for fault in found.faults] == [
        ("forward", ()),
        ("tangent", ("cotangent",)),
    ]


def test_comparisons_that_rounding_decides_are_told():
    def f(x):
        return np.where(x * 0.1 * 3.0 > 0.3, x, 2.0 * x)

    text = str(ds.explain(f, 1.0))
    assert "rounding decides x * 0.1 * 3.0 > 0.3" in text


def test_loops_without_bars_are_told():
    from solvers import solve_ivp

    def f(rate):
        return solve_ivp(lambda t, y: -rate * y, (0.0, 1.0), [1.0]).y[0, -1]

    found = ds.explain(f, 1.0)
    assert "rounding errors are unknown behind solve_ivp" in str(found)
    assert "± unknown" in str(found)
    assert all(np.isnan(bars.errors[0]) for bars in found.bars)


def test_exponents_are_shown():
    fault = ds.explain(lambda x: x**3, 1e200).first
    assert fault.what == "x**3: np.power(1e+200, 3) = inf"


def test_a_sweep_has_its_own_first_fault():
    found = ds.explain(lambda x, y: np.log(x) + np.sqrt(y), -1.0, 0.0)
    assert [fault.operation for fault in found.in_phase("forward")] == ["log"]
    assert found.in_phase("cotangent")[0].operation == "div"


def test_limits_at_equal_eigenvalues_are_told():
    def trace(a):
        values, vectors = np.linalg.eigh(a)
        return np.sum((vectors * values) @ vectors.T)

    assert "cotangent sweep is a limit at equal eigenvalues" in str(ds.explain(trace, np.eye(2)))


def test_compiled_programs_may_be_not_finite_alone():
    class Odd(type(ds.jit(np.sin))):
        def __call__(self, *args):
            return np.float64(np.nan)

    text = str(ds.explain(Odd(np.sin), 1.0))
    assert "the compiled program's results are not finite, those of NumPy's operations finite" in text


def test_steps_of_checkpointed_and_reversed_loops():
    def f(x):
        def body(c, k):
            return c - np.sqrt(x * k), c

        return ds.scan(body, 1.0, np.arange(10.0), reverse=True, checkpoint=3)[0]

    fault = ds.explain(f, 0.3).first
    assert fault.phase == "tangent"
    assert "step 9" in fault.inside[0]


def test_argnums_choose_what_is_differentiated():
    def f(x, y):
        return x * np.sqrt(y)

    assert ds.explain(f, 1.0, 0.0, argnums=0).ok
    assert ds.explain(f, 1.0, 0.0, argnums=1).first.operation == "div"


def test_report_shows_operand_values_and_steps():
    def f(x):
        return ds.fori_loop(0, 9, lambda i, y: y * y, x)

    text = str(ds.explain(f, 16.0))
    assert "y * y: np.multiply(1.3407807929942597e+154, 1.3407807929942597e+154) = inf" in text
    assert "with y = 1.3407807929942597e+154" in text
    assert "in step 7 of the loop ds.fori_loop(0, 9, lambda i, y: y * y, x)" in text


def test_failed_integration_says_why():
    from solvers import solve_ivp

    def f(a):
        return solve_ivp(lambda t, y: a * y * y, (0.0, 2.0), [1.0]).y[0, -1]

    fault = ds.explain(f, 1.0).first
    assert fault.kind == "solve"
    assert "step size" in fault.what


def test_bad_input():
    with pytest.raises(TypeError, match="expected a callable, got int"):
        ds.explain(3, 1.0)
    with pytest.raises(TypeError, match="derivatives need floats"):
        ds.explain(lambda x: x * x, 3, argnums=0)
    with pytest.raises(ValueError, match="argnums"):
        ds.explain(lambda x: x * x, 3.0, argnums=2)
    with pytest.raises(TypeError, match="outside of functions that are traced"):
        ds.grad(lambda x: ds.explain(np.sin, x) and x)(1.0)


def test_integers_have_a_value_only():
    found = ds.explain(lambda x: x * x, 3)
    assert found.ok
    assert found.phases == ("forward",)
    assert "nothing to differentiate" in str(found)


def test_errors_of_the_model_are_its_own():
    def f(x):
        raise RuntimeError("no data")

    with pytest.raises(RuntimeError, match="no data"):
        ds.explain(f, 1.0)


def test_global_error_state_stays():
    before = np.geterr()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ds.explain(lambda x: np.log(x), -1.0)
    assert np.geterr() == before


def test_a_power_in_a_derivative_is_not_the_one_that_is_written():
    fault = ds.explain(ds.grad(ds.grad(lambda x: x**1.5)), 0.0).first
    assert fault.derivative
    assert "in the derivative of x**1.5" in fault.what


def test_results_without_a_digit_are_never_called_healthy():
    def recurrence(x):
        a, b = 0.7651976865579666 * x, 0.44005058574493355
        for n in range(1, 15):
            a, b = b, 2 * n * b - a
        return b

    assert not ds.explain(recurrence, 1.0).ok

    def last_pivot(a):
        return np.linalg.cholesky(a)[1, 1]

    found = ds.explain(last_pivot, np.array([[4.0, 2.0], [2.0, 1.0 + 1e-12]]))
    assert found.losses[0].phase == "forward"


def test_operands_of_another_rank_than_the_result():
    found = ds.explain(lambda a, b: np.sum((a.T @ b) * 1.0), np.ones((3, 2)), np.zeros(3))
    assert found.ok


def test_long_loops_are_explained_in_a_second():
    def f(x):
        return ds.scan(lambda c, k: (c + 1e9 * k - 1e9 * k, c), x, np.ones(500))[0]

    assert ds.explain(f, 1.0 / 3.0).losses[0].runs >= 500


def test_what_was_not_looked_at_is_not_called_right():
    assert "nothing wrong in the value, the directional" in str(ds.explain(np.sin, 1.0))
    text = str(ds.explain(np.sin, 1.0, digits=False))
    assert "finite, digits not looked at: the value, the directional" in text
    assert "nothing wrong" not in text


@pytest.mark.parametrize(
    "f",
    [
        lambda a: np.linalg.slogdet(a)[1],
        lambda a: np.linalg.svd(a)[0],
        lambda a: np.linalg.eigh(a + a.T)[1],
        lambda a: np.linalg.qr(a)[0],
        lambda a: np.linalg.pinv(a),
    ],
    ids=["slogdet", "svd", "eigh", "qr", "pinv"],
)
def test_factorizations_of_ill_conditioned_matrices(f):
    rng = np.random.default_rng(2)
    for _ in range(3):
        left, right = (np.linalg.qr(rng.normal(size=(4, 4)))[0] for _ in range(2))
        assert str(ds.explain(f, left @ np.diag(10.0 ** -rng.uniform(0, 8, 4)) @ right))
