"""Bad bodies: the message names the user's line, what was expected, and what to do."""

import numpy as np
import pytest

import diffsci as ds

XS = np.linspace(0.1, 0.9, 4)

BAD = {
    "structure": (
        lambda: ds.scan(lambda c, x: ((c, c), x), 1.0, XS),
        "structure.*return the carry as it came",
    ),
    "shape": (lambda: ds.scan(lambda c, x: (np.stack([c, c]), x), 1.0, XS), r"shape .* \(\) to \(2,\)"),
    "dtype": (lambda: ds.scan(lambda c, x: (c * 1.5, x), np.arange(3), XS), "int64 to float64.*astype"),
    "no pair": (lambda: ds.scan(lambda c, x: c, 1.0, XS), r"return a tuple \(carry, y\)"),
    "pair in while": (
        lambda: ds.while_loop(lambda c: c < 3, lambda c: (c, None), 1.0),
        "structure.*return the carry as it came",
    ),
    "condition": (
        lambda: ds.while_loop(lambda c: c < 3, lambda c: c + 1, np.ones(3)),
        "one number or truth value",
    ),
    "range of a value": (
        lambda: ds.fori_loop(0, 3, lambda i, c: c + sum(k for k in range(i)), 0.0),
        "fori_loop",
    ),
    "loop on a value": (lambda: ds.scan(_looping, 1.0, XS), "while_loop"),
    "branches that differ": (lambda: ds.scan(_uneven, np.ones(2), XS), "shape"),
    "branch of a derivative": (
        lambda: ds.fori_loop(0, 3, lambda i, c: c + ds.grad(_kinked)(c), 0.5),
        r"an if on a value .*test_errors.py:\d+ in _kinked.*numpy.where or diffsci.cond",
    ),
    "a string": (lambda: ds.fori_loop(0, 3, lambda i, c: c, "text"), "closure"),
}


def _looping(c, x):
    while c * x > 0.1:
        c = c / 2
    return c, x


def _kinked(x):
    return x**2 if x > 0.7 else x**3


def _uneven(c, x):
    if x > 0.5:
        return c[:1], x
    return c, x


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("wrap", [lambda f: f(), lambda f: ds.jit(f)()], ids=["eager", "jit"])
def test_message(name, wrap):
    call, message = BAD[name]
    with pytest.raises((ds.TraceError, TypeError), match=f"(?s){message}") as caught:
        wrap(call)
    assert "test_errors.py" in str(caught.value)


def test_arguments():
    with pytest.raises(ValueError, match="needs length"):
        ds.scan(lambda c, x: (c, x), 1.0)
    with pytest.raises(ValueError, match="number of steps"):
        ds.scan(lambda c, x: (c, x), 1.0, (XS, XS[:2]))
    with pytest.raises(ValueError, match="first axis"):
        ds.scan(lambda c, x: (c, x), 1.0, 2.0)
    with pytest.raises(ValueError, match="at least 1"):
        ds.scan(lambda c, x: (c, x), 1.0, XS, checkpoint=0)
    with pytest.raises(TypeError, match="no integer"):
        ds.fori_loop(0, 2.5, lambda i, c: c, 1.0)


def test_a_loop_that_does_not_end():
    def endless(x):
        return ds.while_loop(lambda c: c > 0, lambda c: c * x, 1.0, max_steps=50)

    for wrap in (lambda f: f, ds.jit, lambda f: ds.grad(f)):
        with pytest.raises(ds.EvaluationError, match=r"test_errors\.py.*max_steps=50"):
            wrap(endless)(0.9)
    assert ds.while_loop(lambda c: c < 5, lambda c: c + 1, 0, max_steps=5) == 5


def test_outer_arrays_are_not_written_in_a_body():
    def f(x):
        log = np.zeros(3)

        def body(i, c):
            log[i] = c
            return c * x

        return ds.fori_loop(0, 3, body, 1.0) + np.sum(log)

    with pytest.raises(ds.TraceError, match=r"test_errors\.py"):
        ds.grad(f)(2.0)
