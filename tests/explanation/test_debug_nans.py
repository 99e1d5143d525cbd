"""`debug_nans`: every entrance raises at the first offender, and only inside."""

import threading

import numpy as np
import pytest

import diffsci as ds
from diffsci import watching
from solvers import solve_ivp
from tests.explanation.healthy import HEALTHY
from tests.explanation.planted import PLANTED

X = np.array([1.0, 0.0])


def roots(x):
    return np.sum(np.sqrt(x))


def drain(t, y):
    return -np.sqrt(y)


ENTRANCES = {
    "grad": lambda: ds.grad(roots)(X),
    "value_and_grad": lambda: ds.value_and_grad(roots)(X),
    "jvp": lambda: ds.jvp(roots, (X,), (np.ones(2),)),
    "pullback": lambda: ds.vjp(roots, X)[1](1.0),
    "pushforward": lambda: ds.linearize(roots, X)[1](np.ones(2)),
    "jacobian": lambda: ds.jacobian(roots)(X),
    "hessian": lambda: ds.hessian(roots)(X),
    "hvp": lambda: ds.hvp(roots, (X,), (np.ones(2),)),
    "taylor": lambda: ds.taylor(roots, (X,), (np.ones(2),), 2),
    "vmap": lambda: ds.vmap(np.log)(X),
    "jit": lambda: ds.jit(np.log)(X),
    "jit of grad": lambda: ds.jit(ds.grad(roots))(X),
    "grad of jit": lambda: ds.grad(ds.jit(roots))(X),
    "compile": lambda: ds.compile(np.log, X)(X),
    "fori_loop": lambda: ds.fori_loop(0, 3, lambda i, y: np.log(y), X),
    "scan": lambda: ds.scan(lambda c, x: (c / x, c), 1.0, X),
    "while_loop": lambda: ds.while_loop(lambda y: y[0] < 1.5, lambda y: 0.3 + y + np.log(X), X),
    "root": lambda: ds.root(lambda x: np.log(x), -1.0),
    "solve_ivp": lambda: solve_ivp(drain, (0.0, 3.0), [1.0]),
    "solve_ivp at times": lambda: solve_ivp(drain, (0.0, 3.0), [1.0], t_eval=[1.0, 3.0]),
}


@pytest.mark.parametrize("name", ENTRANCES)
def test_every_entrance_raises(name):
    with pytest.raises(ds.NonFiniteError, match="not finite") as caught, ds.debug_nans():
        ENTRANCES[name]()
    assert caught.value.fault.location is not None
    assert watching.contexts == 0


@pytest.mark.parametrize("name", sorted(ENTRANCES.keys() - {"root"}))  # which has an error of its own
def test_nothing_is_raised_outside(name):
    ENTRANCES[name]()


@pytest.mark.parametrize(("name", "function", "args"), HEALTHY, ids=[name for name, _, _ in HEALTHY])
def test_healthy_models_pass(name, function, args):
    with ds.debug_nans():
        ds.jvp(function, args, tuple(map(_ones, args)))
        ds.vjp(function, *args)


def _ones(value):
    if isinstance(value, dict):
        return {key: _ones(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_ones(part) for part in value]
    return np.ones_like(value)


def both_modes(case):
    ds.jvp(case.function, case.args, tuple(map(np.ones_like, case.args)))
    out, pullback = ds.vjp(case.function, *case.args)
    pullback(np.ones_like(out))


@pytest.mark.parametrize("case", PLANTED, ids=lambda case: case.name)
def test_planted_faults_are_raised_with_their_line(case):
    with pytest.raises(ds.NonFiniteError) as caught, ds.debug_nans():
        both_modes(case)
    assert caught.value.fault.line == case.line


def test_inputs_are_reported_as_such():
    with pytest.raises(ds.NonFiniteError, match=r"the input x\[1\] is nan"), ds.debug_nans():
        ds.grad(lambda x: np.sum(x * x))(np.array([1.0, np.nan]))


def test_infinities_on_request_only():
    with ds.debug_nans(infs=False):
        assert np.isinf(ds.grad(roots)(X)[1])
    with pytest.raises(ds.NonFiniteError), ds.debug_nans(infs=False):
        ds.grad(lambda x: np.sqrt(x) * x)(0.0)


def test_contexts_nest_and_end_with_an_exception():
    with ds.debug_nans():
        with pytest.raises(RuntimeError), ds.debug_nans(infs=False):
            raise RuntimeError
        with pytest.raises(ds.NonFiniteError):
            ds.grad(roots)(X)
    assert np.isinf(ds.grad(roots)(X)[1])
    assert watching.contexts == 0


def test_other_threads_are_left_alone():
    found = []
    with ds.debug_nans():
        thread = threading.Thread(target=lambda: found.append(ds.grad(roots)(X)))
        thread.start()
        thread.join()
    assert np.isinf(found[0][1])


def test_as_a_decorator():
    @ds.debug_nans()
    def slope(x):
        return ds.grad(roots)(x)

    with pytest.raises(ds.NonFiniteError):
        slope(X)
    assert slope(X + 1.0).shape == (2,)
