"""check_grad says good to right gradients only, and names what is wrong with the others."""

import numpy as np
import pytest

import diffsci as ds
from diffsci.evidence import NotAnalytic, check_all, check_grad, verdict

POINT = np.array([0.5, 2.0, -1.0])


def smooth(p):
    return np.exp(p[0]) * np.sin(p[1]) + p[2] ** 3


class Spoiled:
    """The public derivatives with a fault put in, to see that it is found."""

    def __init__(self, monkeypatch, gradient=lambda g: g, tangent=lambda t: t, value=lambda y: y):
        vjp, jvp = ds.vjp, ds.jvp

        def spoiled_vjp(f, *args):
            out, pullback = vjp(f, *args)
            return value(out), lambda ct: tuple(gradient(g) for g in pullback(ct))

        def spoiled_jvp(f, args, tangents):
            out, moved = jvp(f, args, tangents)
            return value(out), tangent(moved)

        monkeypatch.setattr(ds, "vjp", spoiled_vjp)
        monkeypatch.setattr(ds, "jvp", spoiled_jvp)


def test_good():
    result = check_grad(smooth, POINT)
    assert result.passed
    assert result.verdict == "good"
    assert len(result.points) == 2
    for point in result.points:
        assert point.direction.source == "complex step"
        assert point.direction.digits > 13
        assert point.finite.digits > 9
        assert [entry.name for entry in point.entries] == ["p[0]", "p[1]", "p[2]"]
    np.testing.assert_allclose(result.gradient, ds.grad(smooth)(POINT))


def test_not_accidentally_true():
    with pytest.raises(TypeError, match="passed"):
        bool(check_grad(smooth, POINT))
    with pytest.raises(TypeError, match="passed"):
        assert check_all(smooth, POINT, jit=False)


def test_report_is_readable():
    text = str(check_grad(smooth, POINT))
    for word in ("verdict: good", "p[1]", "complex step", "Taylor remainder", "nearby point", "digits"):
        assert word in text
    assert max(map(len, text.splitlines())) <= 110


def test_modes_disagree(monkeypatch):
    Spoiled(monkeypatch, gradient=lambda g: g * np.array([1.0, 1.0, 1.01]))
    result = check_grad(smooth, POINT)
    assert (result.passed, result.verdict, result.offender) == (False, "modes disagree", "p[2]")


def test_wrong_derivative_names_the_parameter(monkeypatch):
    wrong = np.array([1.0, 1.001, 1.0])
    vjp = ds.vjp

    def spoiled_vjp(f, *args):
        out, pullback = vjp(f, *args)
        return out, lambda ct: tuple(g * wrong for g in pullback(ct))

    def spoiled_jvp(f, args, tangents):
        out, pullback = spoiled_vjp(f, *args)
        return out, np.sum(pullback(1.0)[0] * tangents[0])

    monkeypatch.setattr(ds, "vjp", spoiled_vjp)
    monkeypatch.setattr(ds, "jvp", spoiled_jvp)
    result = check_grad(smooth, POINT)
    assert (result.verdict, result.offender) == ("wrong derivative", "p[1]")
    assert "<- wrong derivative" in str(result)
    differences = check_grad(smooth, POINT, complex_step=False)
    assert (differences.verdict, differences.offender) == ("wrong derivative", "p[1]")


def test_one_wrong_entry_among_many_is_found(monkeypatch):
    factor = np.ones((20, 30))
    factor[7, 11] = 1.3
    vjp = ds.vjp

    def spoiled_vjp(f, *args):
        out, pullback = vjp(f, *args)
        return out, lambda ct: tuple(g * factor for g in pullback(ct))

    def spoiled_jvp(f, args, tangents):
        out, pullback = spoiled_vjp(f, *args)
        return out, np.sum(pullback(1.0)[0] * tangents[0])

    monkeypatch.setattr(ds, "vjp", spoiled_vjp)
    monkeypatch.setattr(ds, "jvp", spoiled_jvp)
    result = check_grad(lambda field: np.sum(np.sin(field) * field), np.linspace(1, 2, 600).reshape(20, 30))
    assert (result.verdict, result.offender) == ("wrong derivative", "field[7, 11]")


def test_wrong_value(monkeypatch):
    Spoiled(monkeypatch, value=lambda y: y * (1 + 1e-9))
    assert check_grad(smooth, POINT).verdict == "wrong value"


def test_kink():
    result = check_grad(lambda x, y: np.sum(np.abs(x)) * y, np.array([1.0, 0.0, 2.0]), 3.0)
    assert (result.verdict, result.offender) == ("kink", "x[1]")
    assert not result.passed
    assert result.unused == ()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_not_finite_names_the_parameter():
    result = check_grad(lambda x: np.sum(np.sqrt(x)), np.array([1.0, 0.0]))
    assert (result.verdict, result.offender) == ("not finite", "x[1]")
    result = check_grad(lambda x: np.sum(np.log(x)), np.array([1.0, -1.0]))
    assert result.verdict == "not finite"


def test_memory_is_noticed():
    drift = [0.0]

    def f(x):
        drift[0] += 1e-6
        return np.sum(x**2) + drift[0]

    assert check_grad(f, POINT).verdict == "changes between calls"


def test_stale_tape_is_noticed(monkeypatch):
    vjp, latest = ds.vjp, {}

    def stale_vjp(f, *args):
        out, pullback = vjp(f, *args)
        latest["pullback"] = pullback
        return out, lambda ct: latest["pullback"](ct)

    monkeypatch.setattr(ds, "vjp", stale_vjp)
    assert check_grad(smooth, POINT).verdict == "changes between calls"


def test_unused_parameters_are_pointed_out():
    result = check_grad(lambda model: model["a"] ** 2, {"a": 3.0, "b": np.array([1.0, 2.0])})
    assert result.passed
    assert result.unused == ("model['b'][0]", "model['b'][1]")
    assert "not used by the objective" in str(result)


def test_a_stationary_parameter_is_not_called_unused():
    result = check_grad(lambda x: np.cos(x[0]) + x[1], np.array([0.0, 1.0]))
    assert result.passed
    assert result.unused == ()


def test_noise_floor():
    """A function with fine structure that differences cannot resolve and the complex step may not see."""

    def rough(x):
        return x**2 + 1e-3 * np.sin(1e11 * x)

    result = check_grad(rough, 1.1, complex_step=False)
    assert result.verdict in ("noise floor", "wrong derivative")
    assert not result.passed


def test_array_outputs_and_containers():
    def f(state, rate):
        u, v = state["fields"]
        return {"du": u * v * rate, "dv": (v**2, u - rate)}

    state = {"fields": (np.array([1.0, 2.0]), np.array([0.5, 0.1])), "name": "pair", "steps": 3}
    result = check_grad(f, state, 2.5)
    assert result.passed, str(result)
    assert result.parameters == 5
    assert check_grad(f, state, 2.5, argnums=1).parameters == 1


def test_integer_data_and_single_precision():
    def f(x, index):
        return np.sum(x[index] ** 2)

    result = check_grad(f, np.array([1.0, 2.0, 3.0], dtype=np.float32), np.array([0, 2]))
    assert result.passed, str(result)
    assert result.unused == ("x[1]",)


def test_no_float_to_differentiate():
    assert check_grad(lambda x: int(x > 0), 1.0).verdict == "no number"
    with pytest.raises(TypeError, match="no float"):
        check_all(lambda x: int(x > 0), 1.0)
    with pytest.raises(ValueError, match="no float"):
        check_grad(lambda n: n * 1.0, 3)


def test_verdicts_have_meanings():
    assert set(verdict.VERDICTS) == set(verdict.MEANING)


def test_check_all_names_the_broken_law(monkeypatch):
    assert check_all(smooth, POINT, jit=False).passed
    Spoiled(monkeypatch, gradient=lambda g: 1.001 * g)
    result = check_all(smooth, POINT, jit=False)
    assert "transpose: <w, J v> = <J' w, v>" in result.failed
    assert "FAILED" in str(result)


def test_check_all_hands_out_copies():
    def f(x):
        y = np.asarray(x)
        y = y * 2.0
        y += 1.0
        return np.sum(y**2)

    x = np.array([1.0, 2.0])
    assert check_all(f, x, jit=False).passed
    np.testing.assert_array_equal(x, [1.0, 2.0])


def test_gradients_that_cancel_at_an_optimum_are_good():
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(30, 3)), rng.normal(size=30)
    best = np.linalg.lstsq(x, y, rcond=None)[0]
    result = ds.check_grad(lambda p: np.sum((x @ p - y) ** 2), best)
    assert result.passed, result


def test_steep_ripples_are_no_wrong_derivative():
    x = np.random.default_rng(3).normal(size=20)[16:]
    result = ds.check_grad(lambda x: np.sum(x) + 1e-6 * np.sin(1e9 * np.sum(x)), x)
    assert result.verdict != "wrong derivative", result


def test_tiny_parameters_have_their_own_complex_step():
    assert ds.check_grad(np.log, 1e-300).passed
    assert ds.complex_step(np.log, 1e-100) == pytest.approx(1e100, rel=1e-15)
    assert ds.complex_step(np.log, 1e-28) == pytest.approx(1e28, rel=1e-15)
    with pytest.raises(NotAnalytic, match="too small"):
        ds.complex_step(np.log, 1e-300)
