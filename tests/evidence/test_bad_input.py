"""check_grad says which kind of misbehaviour it has met, and never fails with the function under test."""

import itertools
import random
import time

import numpy as np
import pytest
from scipy.integrate import quad

import diffsci as ds
from diffsci.evidence import check_grad
from solvers import solve_ivp
from tests.evidence.common import POINT, verdict

# functions that fail --------------------------------------------------------------------------------


def fails_at_once(x):
    raise RuntimeError("no data")


def fails_when_traced(x):
    return quad(lambda t: np.exp(-x[0] * t), 0.0, 1.0)[0]


def fails_when_moved(x):
    if x[0] != 0.5:
        raise KeyError("not tabulated")
    return np.sum(x**2)


def fails_second_time(calls=itertools.count()):  # noqa: B008
    return lambda x: np.sum(x) if next(calls) == 0 else {}["gone"]


@pytest.mark.parametrize(
    ("f", "stage", "error"),
    [
        (fails_at_once, "called with plain numbers", RuntimeError),
        (fails_when_traced, "in reverse mode at the given point", ds.TraceError),
        (fails_when_moved, "at all nearby points", KeyError),
        (fails_second_time(), "called with plain numbers", KeyError),
        (lambda x: x[9] ** 2, "called with plain numbers", IndexError),
        (lambda x: x.no_such_method(), "called with plain numbers", AttributeError),
        (lambda: 1.0, "called with plain numbers", TypeError),
    ],
)
def test_failing(f, stage, error):
    result = check_grad(f, POINT)
    assert (result.passed, result.verdict) == (False, "fails")
    assert isinstance(result.error, error)
    assert stage in str(result)
    assert error.__name__ in str(result) or error is ds.TraceError
    if not isinstance(result.error, TypeError):
        assert "test_bad_input.py:" in str(result)
    if result.points:
        result.plot()
    else:
        with pytest.raises(ValueError, match="no V-curve"):
            result.plot()


def test_failing_derivative_rule_names_its_line():
    @ds.custom_jvp
    def f(x):
        return x**2

    @f.defjvp
    def rule(primals, tangents):
        raise ZeroDivisionError("in the rule")

    result = check_grad(f, 2.0)
    assert result.verdict == "fails"
    assert "ZeroDivisionError: in the rule" in str(result)
    assert "in rule" in str(result)


def test_writes_into_arguments_are_failures_that_say_what_to_write():
    def f(x):
        x[0] = 1.0
        return np.sum(x**2)

    what, text = verdict(f, POINT)
    assert what == "fails"
    assert "copy" in text
    np.testing.assert_array_equal(POINT, [0.5, 2.0, -1.0])


# functions that change between calls -----------------------------------------------------------------

RNG = np.random.default_rng(3)
OLD = np.random.RandomState(3)
PYTHON = random.Random(3)


class Noisy:
    def __init__(self):
        self.rng = np.random.default_rng(0)

    def __call__(self, x):
        return np.sum(x**2) + 1e-9 * self.rng.normal()


@pytest.mark.parametrize(
    ("f", "source"),
    [
        (lambda x: np.sum(x) + 1e-3 * np.random.rand(), "np.random"),
        (lambda x: np.sum(x) + 1e-3 * random.random(), "Python's global"),
        (lambda x: np.sum(x) + RNG.integers(2), "generator RNG"),
        (lambda x: np.sum(x) + 1e-12 * OLD.normal(), "generator OLD"),
        (lambda x: np.sum(x) * PYTHON.uniform(1, 2), "generator PYTHON"),
        (lambda x, rng=np.random.default_rng(1): np.sum(x) + rng.normal(), "generator in a default"),  # noqa: B008
        (lambda x: {"a": x, "b": np.sum(x) + np.random.default_rng().normal()}, "independent"),
        (Noisy(), "generator self.rng"),
    ],
)
def test_random(f, source):
    what, text = verdict(f, POINT)
    assert what == "random"
    assert source in text


def counter(calls=itertools.count()):  # noqa: B008
    return lambda x: np.sum(x**2) + 1e-9 * next(calls)


def toggle(state=[0]):  # noqa: B006
    def f(x):
        state[0] ^= 1
        return np.sum(x**2) + 1e-3 * state[0]

    return f


def warm_start(known={}):  # noqa: B006
    """A solver that goes on where the last call ended: same point, another answer after another point."""

    def f(x):
        start = known.get("root", 1.0)
        known["root"] = float(0.5 * (start + float(np.asarray(x[1]).tolist()) / start))
        return np.sum(x**2) + 1e-3 * known["root"]

    return f


def growing(seen=[]):  # noqa: B006
    def f(x):
        seen.append(0.0)
        return np.concatenate([x, np.zeros(len(seen))])

    return f


@pytest.mark.parametrize(
    ("f", "pattern"),
    [
        (counter(), "drift"),
        (lambda x: np.sum(x) + time.perf_counter(), "drift"),
        (toggle(), "cycle of 2"),
        (warm_start(), "calls at the same point"),
        (growing(), "shape"),
    ],
)
def test_memory(f, pattern):
    what, text = verdict(f, POINT)
    assert what == "changes between calls"
    assert "non-deterministic" in text
    assert pattern in text


def test_memory_of_points_is_noticed_after_the_second_point():
    last = {}

    def f(x):
        key = tuple(np.asarray(x).tolist())
        moved = last.setdefault("key", key) != key
        last["moved"] = last.get("moved", False) or moved
        return np.sum(x**2) * (1.0 if not last["moved"] else 1.1)

    assert verdict(f, POINT)[0] in ("changes between calls", "wrong derivative", "jump")


# results that are not one number --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (lambda x: 3, "the int 3"),
        (lambda x: True, "the bool True"),
        (lambda x: None, "None"),
        (lambda x: "text", "'text'"),
        (lambda x: np.argmax(x), "int64"),
        (lambda x: x > 0, "dtype bool"),
        (lambda x: {"n": 3}, "a dict"),
        (lambda x: object(), "a object"),
    ],
)
def test_no_number(f, what):
    found, text = verdict(f, POINT)
    assert found == "no number"
    assert what in text


@pytest.mark.parametrize(
    ("f", "what"),
    [
        (lambda x: np.sin(x), "an array of shape (3,)"),
        (lambda x: np.array([np.sum(x**2)]), "an array of shape (1,)"),
        (lambda x: {"a": np.sin(x), "b": x[0] ** 2}, "a dict that holds 4 numbers"),
        (lambda x: (x[0], [x[1] * x[2]]), "a tuple that holds 2 numbers"),
        (lambda x: np.sum(np.exp(1j * x)), "one number of dtype complex128"),
        (lambda x: np.exp(1j * x), "dtype complex128"),
    ],
)
def test_non_scalar_results_are_checked_and_pointed_out(f, what):
    result = check_grad(f, POINT)
    assert result.passed, str(result)
    assert len(result.notes) == 1
    assert result.notes[0].startswith("non-scalar")
    assert what in str(result)


def test_a_number_is_not_pointed_out():
    for f in (lambda x: np.sum(x), lambda x: x[0] * 1.0, lambda x: float(3)):
        assert check_grad(f, POINT).notes == ()


def test_not_finite():
    with np.errstate(all="ignore"):
        assert verdict(lambda x: np.nan * np.sum(x), POINT)[0] == "not finite"
        assert verdict(lambda x: np.sum(np.log(x)), POINT)[0] == "not finite"
        result = check_grad(lambda p: p["a"] * np.sum(np.sqrt(p["b"])), {"a": 2.0, "b": np.array([1.0, 0.0])})
    assert (result.verdict, result.offender) == ("not finite", "p['b'][1]")


# wrong rules ----------------------------------------------------------------------------------------


def wrong_in_one_leaf():
    @ds.custom_jvp
    def f(model):
        return np.sin(model["a"]) * np.sum(model["b"] ** 2)

    @f.defjvp
    def rule(primals, tangents):
        (m,), (t,) = primals, tangents
        wrong = t["b"] * np.array([1.0, 1.0, 1.01, 1.0])
        return f(m), np.cos(m["a"]) * np.sum(m["b"] ** 2) * t["a"] + 2.0 * np.sin(m["a"]) * np.sum(
            m["b"] * wrong
        )

    return f


def wrong_transposed():
    @ds.custom_vjp
    def f(model):
        return np.sin(model["a"]) * np.sum(model["b"] ** 2)

    def backward(m, ct):
        slope = 2.0 * m["b"] * np.sin(m["a"]) * np.array([1.0, 1.0, 0.98, 1.0])
        return ({"a": ct * np.cos(m["a"]) * np.sum(m["b"] ** 2), "b": ct * slope, "name": None},)

    f.defvjp(lambda m: (f(m), m), backward)
    return f


@pytest.mark.parametrize("make", [wrong_in_one_leaf, wrong_transposed])
@pytest.mark.parametrize("exact", [True, False])
def test_one_wrong_parameter_of_a_dict_is_named(make, exact):
    model = {"a": 0.3, "b": np.array([1.0, 2.0, 3.0, 4.0]), "name": "m"}
    result = check_grad(make(), model, complex_step=exact)
    assert (result.verdict, result.offender) == ("wrong derivative", "model['b'][2]"), str(result)


def test_wrong_second_derivative():
    @ds.custom_jvp
    def slope(x):
        return np.cos(x)

    slope.defjvp(lambda p, t: (slope(*p), -1.1 * np.sin(p[0]) * t[0]))

    @ds.custom_jvp
    def f(x):
        return np.sin(x)

    f.defjvp(lambda p, t: (f(*p), slope(p[0]) * t[0]))
    result = check_grad(lambda x: f(x) ** 2, 0.7)
    assert result.verdict == "wrong second derivative", str(result)
    assert check_grad(lambda x: f(x) ** 2, 0.7, order=1).passed


def test_a_value_that_tracing_does_not_see_move():
    """Numbers that leave the program are constants of it: the plain function moves, the traced one stays."""

    @ds.custom_jvp
    def f(x):
        return x * x

    f.defjvp(lambda p, t: (f(*p), 0.0 * t[0]))
    assert check_grad(lambda x: f(x) + np.sin(x), 1.3).verdict == "wrong derivative"


# what must stay good --------------------------------------------------------------------------------


def scan_objective(p):
    final, rows = ds.scan(lambda c, x: (c * np.cos(p[0] * x) + p[1], c), 1.0, np.linspace(0.0, 1.0, 20))
    return final + np.sum(rows**2)


def test_loops_float32_complex_and_empty():
    assert check_grad(scan_objective, np.array([0.3, 0.1])).passed
    result = check_grad(lambda x: np.sum(np.sin(x) * np.exp(x)), POINT.astype(np.float32))
    assert result.passed
    assert result.notes == ()
    result = check_grad(lambda z: np.sum(np.abs(np.exp(z)) ** 2), np.array([1.0 + 2.0j, 0.3j]))
    assert result.passed
    assert "z[0].imag" in str(result)
    assert check_grad(lambda x, y: np.sum(x) + y**2, np.zeros(0), 2.0).passed
    assert check_grad(lambda x: np.sum(x), np.zeros(0)).passed


def final_state(k, **options):
    return solve_ivp(lambda t, y, k: -k * y**2, (0.0, 3.0), [1.0], args=(k,), method="Tsit5", **options).y[
        0, -1
    ]


def test_differences_repeat_adaptive_steps():
    result = check_grad(final_state, 0.5)
    assert result.passed
    assert result.points[0].finite.digits > 8
    assert "with steps chosen anew the slope is" in str(result)
    assert check_grad(lambda k: final_state(k, n_steps=20), 0.5).passed
    assert check_grad(lambda k: final_state(k, rtol=1e-10, atol=1e-12), 0.5, order=1).passed

    @ds.custom_jvp
    def rate(k):
        return k * k

    rate.defjvp(lambda p, t: (rate(*p), 1.5 * p[0] * t[0]))
    assert check_grad(lambda k: final_state(rate(k)), 0.5, order=1).verdict == "wrong derivative"


# misuse of check_grad itself -------------------------------------------------------------------------


def test_misuse():
    with pytest.raises(TypeError, match="must be a function"):
        check_grad(3.0, POINT)
    with pytest.raises(ValueError, match="order=3"):
        check_grad(np.sum, POINT, order=3)
    with pytest.raises(ValueError, match="argnums"):
        check_grad(np.sum, POINT, argnums=2)
    with pytest.raises(ValueError, match="no float"):
        check_grad(np.sum, np.arange(3))


def test_error_state_and_random_numbers_are_left_alone():
    before, state = np.geterr(), np.random.get_state()[1].copy()
    check_grad(lambda x: np.sum(np.log(x)), POINT)
    check_grad(fails_at_once, POINT)
    assert np.geterr() == before
    np.testing.assert_array_equal(state, np.random.get_state()[1])


# pictures -------------------------------------------------------------------------------------------


def test_pictures(tmp_path):
    result = check_grad(lambda x: np.exp(x[0]) * np.sin(x[1]) + x[2] ** 3, POINT)
    figure = result.plot(tmp_path / "v.png")
    assert (tmp_path / "v.png").stat().st_size > 10_000
    assert len(figure.axes) == 4
    rows = result.v_curve().splitlines()
    assert len(rows) == 11
    errors = [float(row.split()[2]) for row in rows[1:]]
    assert min(errors) < 1e-9 < errors[0]  # truncation falls
    assert errors[-1] > 1e-9  # and rounding rises
