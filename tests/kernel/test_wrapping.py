"""Compiled functions are copied and pickled as what they were made of."""

import copy
import pickle

import numpy as np
import pytest

import diffsci as ds

X = np.arange(1.0, 5.0)


def shifted(x):
    return x**2 - np.roll(x, 1)


@ds.jit
def decorated(x):
    return 2.0 * x


@ds.sparse_jacobian
def differentiated(x):
    return 2.0 * x


class Scaled:
    def __init__(self, factor):
        self.factor = factor

    def __call__(self, x):
        return self.factor * x**2


def _pickled(f):
    return pickle.loads(pickle.dumps(f))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, _pickled])
@pytest.mark.parametrize(
    "f",
    [
        ds.jit(shifted),
        ds.jit(shifted, backend="numpy"),
        ds.sparse_jacobian(shifted, mode="forward"),
        ds.sparse_jacobian(shifted, pattern=np.eye(4) + np.eye(4, k=-1) + np.eye(4, k=3)),
    ],
)
def test_copies_give_the_same(f, copied):
    first = f(X)
    other = copied(f)
    assert other is not f
    second = other(X)
    for a, b in ((first, second), (f(X), other(X))):
        a, b = (y.toarray() if hasattr(y, "toarray") else y for y in (a, b))
        np.testing.assert_array_equal(a, b)
    assert getattr(f, "options", None) is None or other.options.mode == f.options.mode


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, _pickled])
@pytest.mark.parametrize("f", [decorated, differentiated])
def test_decorated_functions_are_found_by_name(f, copied):
    f(X)
    assert copied(f) is f


def test_deep_copies_do_not_share_the_object_that_was_compiled():
    model = Scaled(2.0)
    f = ds.jit(model)
    f(X)
    other = copy.deepcopy(f)
    model.factor = 3.0
    np.testing.assert_array_equal(other(X), 2.0 * X**2)


def test_programs_are_their_own_copies():
    program = ds.compile(shifted, X)
    assert copy.deepcopy(program) is program
    assert copy.copy(program) is program
    with pytest.raises(TypeError, match="compile the function again"):
        pickle.dumps(program)
