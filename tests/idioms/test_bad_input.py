"""What a user may do wrong, or differently: an error that names the line and the fix, or the right number."""

import math
import threading

import numpy as np
import pytest
from scipy import integrate

import diffsci as ds
from diffsci.errors import DiffsciError
from diffsci.tracing import is_tracing

X = np.array([0.5, 1.5, -1.0])
eager_and_compiled = pytest.mark.parametrize(
    "way", [ds.grad, lambda f: ds.jit(ds.grad(f))], ids=["eager", "jit"]
)


def nothing(x):
    x * 2.0


def a_set(x):
    return {1.0, 2.0}


def a_generator(x):
    return (v for v in x)


def an_object(x):
    return threading.Lock()


def text(x):
    return "result"


@eager_and_compiled
@pytest.mark.parametrize("f", [nothing, a_set, a_generator, an_object, text])
def test_odd_results_name_the_function(f, way):
    with pytest.raises((DiffsciError, TypeError), match=rf"{f.__name__} .*test_bad_input\.py:\d+") as caught:
        way(f)(X)
    assert "return" in str(caught.value)


def leaks(kept):
    def f(x):
        kept.append(2.0 * x)
        return np.sum(x)

    return f


@pytest.mark.parametrize(
    "use",
    [
        lambda v: v + 1.0,
        lambda v: np.sin(v),
        lambda v: v[0],
        lambda v: v[1:],
        lambda v: v.sum(),
        lambda v: np.concatenate([v, v]),
        lambda v: v > 0,
        lambda v: v.T,
    ],
)
def test_a_value_that_escapes_is_refused_outside_and_in_another_function(use):
    kept = []
    ds.grad(leaks(kept))(X)
    with pytest.raises(DiffsciError, match=r"after its function returned.*test_bad_input\.py:\d+.*return it"):
        use(kept[0])
    with pytest.raises(DiffsciError, match="return it"):
        ds.grad(lambda y: np.sum(use(kept[0]) * y[0]))(X)


def writes_into_its_argument(x):
    x[0] = 7.0
    return np.sum(x**2)


@eager_and_compiled
def test_an_argument_is_never_changed(way):
    """It is refused, or happens to a copy; the caller's array stays."""
    x = X.copy()
    try:
        gradient = way(writes_into_its_argument)(x)
    except DiffsciError as error:
        assert "copy" in str(error)  # noqa: PT017  either is right
    else:
        np.testing.assert_array_equal(gradient, [0.0, 3.0, -2.0])
    np.testing.assert_array_equal(x, X)


@eager_and_compiled
@pytest.mark.parametrize(
    ("f", "words"),
    [
        (lambda x: np.trim_zeros(x).sum(), ["numpy.trim_zeros", "supported functions"]),
        (lambda x: np.sum(np.random.default_rng(0).permutation(x)), ["plain NumPy array", "numpy functions"]),
        (lambda x: integrate.quad(lambda t: t * x[0], 0.0, 1.0)[0], ["float", "numpy functions"]),
        (lambda x: math.nextafter(x[0], 2.0), ["math.nextafter", "supported functions"]),
        (lambda x: np.histogram(x, bins="auto")[1].sum(), ["histogram", "edges"]),
        (lambda x: np.quantile(x, 0.5, weights=x * x), ["weighted quantile", "cumsum"]),
        (lambda x: np.pad(x, 1, mode="linear_ramp").sum(), ["numpy.pad", "reflect"]),
        (lambda x: np.convolve(x, np.ones((2, 2))).sum(), ["several axes", "shifted slices"]),
    ],
)
def test_unsupported_calls_name_the_line_and_the_replacement(f, words, way):
    with pytest.raises(DiffsciError, match=r"test_bad_input\.py:\d+") as caught:
        way(f)(X)
    for word in words:
        assert word in str(caught.value)


def test_a_float_is_no_key():
    with pytest.raises(TypeError, match=r"key.*test_bad_input\.py:\d+.*int or a string"):
        ds.grad(lambda x: {x[0]: 1.0}[x[0]] * x[1])(X)


@pytest.mark.parametrize("failing", [lambda x: x[9], lambda x: 1 / 0, lambda x: np.trim_zeros(x)])
def test_nothing_stays_patched_after_an_exception(failing):
    before = {name: id(getattr(np, name)) for name in dir(np) if not name.startswith("__")}
    methods = dict(vars(math))
    with pytest.raises((IndexError, ZeroDivisionError, DiffsciError)):
        ds.grad(failing)(X)
    assert before == {name: id(getattr(np, name)) for name in before}
    assert methods == dict(vars(math))
    assert type(np.zeros(2) + np.sin(0.0)) is np.ndarray
    assert type(math.sin(1.0)) is float
    assert not is_tracing()
    np.testing.assert_array_equal(ds.grad(lambda x: np.sum(x**2))(X), 2 * X)


def test_threads_trace_at_the_same_time():
    """Each traces its own function while the others are in the middle of theirs; NumPy is NumPy for all."""
    meeting = threading.Barrier(4)
    found, plain = {}, {}

    def work(k):
        def f(x):
            y = np.zeros(3)
            y[0] = k * x[0]
            meeting.wait(timeout=60)
            y[1] = np.sort(x)[0] * math.exp(x[1])
            meeting.wait(timeout=60)
            return np.sum(y) + int(x[1]) * x[2]

        found[k] = ds.grad(f)(X)

    def bystander():
        meeting.wait(timeout=60)
        plain["zeros"] = type(np.zeros(2))
        plain["sin"] = type(math.sin(1.0))
        meeting.wait(timeout=60)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(3)] + [
        threading.Thread(target=bystander)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert plain == {"zeros": np.ndarray, "sin": float}
    for k in range(3):
        np.testing.assert_allclose(found[k], [k, -math.exp(1.5), 1.0 + math.exp(1.5)], rtol=1e-14)
