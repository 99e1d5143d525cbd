"""Random array programs: views of views, writes through them, gathers and scatters in NumPy's order.

The same Python code runs on plain arrays, on complex arrays (for the reference derivative) and traced.
"""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import diffsci as ds
from tests.laws.judges import close, first_derivative, second_derivative

SETTINGS = settings(
    max_examples=150, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck)
)
SHORT = settings(SETTINGS, max_examples=25)
PROGRAMS = st.lists(st.integers(0, 2**24), min_size=12, max_size=120).map(tuple)


def basic_index(shape, pick):
    """A random basic index of a shape, with steps of both signs and now and then an integer."""
    index = []
    for size in shape:
        kind = pick(6)
        if kind == 0 and size > 0 and len(shape) > 1:
            index.append(pick(2 * size) - size)
        elif kind == 1:
            index.append(slice(None))
        elif kind == 2:
            index.append(slice(None, None, -1 - pick(2)))
        else:
            start = pick(size + 1)
            index.append(slice(start, start + pick(size - start + 1), 1 + pick(2)))
    if pick(8) == 0:
        index.append(Ellipsis)
    if pick(8) == 0:
        index.insert(0, None)
    return tuple(index)


def integer_index(size, pick):
    return np.array([pick(2 * size) - size for _ in range(1 + pick(4))])


def operand_like(target, arrays, pick):
    """Something that broadcasts to a target: another array of its shape, a number, or its own flip."""
    fitting = [a for a in arrays if a.shape == target.shape]
    kind = pick(4)
    if kind == 0 and fitting:
        return fitting[pick(len(fitting))]
    if kind == 1 and target.size:
        return target[tuple(pick(n) for n in target.shape)] + 0.25
    if kind == 2 and target.ndim:
        return np.flip(target, axis=pick(target.ndim)) * 0.5
    return 0.5 + pick(3)


def write(a, arrays, pick):
    place = basic_index(a.shape, pick)
    value = operand_like(a[place], arrays, pick)
    kind = pick(4)
    if kind == 0:
        a[place] = value
    elif kind == 1:
        a[place] += value
    elif kind == 2:
        a[place] *= 0.5
    else:
        a[place] -= value


def scatter(a, arrays, pick):
    axis_size = a.shape[0]
    if axis_size == 0:
        return
    kind = pick(4)
    rows = integer_index(axis_size, pick)
    if kind == 0:
        a[rows] = a[::-1][rows] * 0.75
    elif kind == 1:
        a[rows] += 0.5
    elif kind == 2:
        np.add.at(a, rows, a[rows] * 0.5)
    else:
        mask = (np.arange(axis_size) + pick(2)) % 2 == 0
        a[mask] = a[mask] * 0.5 + 1.0


def view(a, pick):
    kind = pick(5)
    if kind == 0:
        return a.T
    if kind == 1:
        return a.reshape(-1)
    if kind == 2 and a.ndim == 2:
        return np.swapaxes(a, 0, 1)
    return a[basic_index(a.shape, pick)]


def fresh(a, arrays, pick):
    """A new array. Elementwise ones keep the memory order of their operands; the others are copied to C."""
    kind = pick(7)
    if kind == 0:
        return a * operand_like(a, arrays, pick)
    elif kind == 1:
        return np.sin(a)
    elif kind == 2 and a.ndim:
        made = np.roll(a, pick(3), axis=pick(a.ndim))
    elif kind == 3 and a.ndim and a.shape[0]:
        made = a[integer_index(a.shape[0], pick)]
    elif kind == 4 and a.ndim:
        made = np.concatenate([a, a[:1] * 2.0])
    elif kind == 5:
        made = np.pad(a, 1)
    else:
        made = a
    return made.copy()


def run(choices, x):
    """The program that ``choices`` encode, on ``x``; every array it makes counts in the result."""
    position = 0

    def pick(n):
        nonlocal position
        position += 1
        return choices[position % len(choices)] // (1 + position // len(choices)) % n

    arrays = [x.copy(), (x * 0.5).reshape(-1)]
    for _ in range(len(choices) // 4):
        a = arrays[pick(len(arrays))]
        kind = pick(6)
        if a.size > 60:
            continue
        if kind <= 1:
            arrays.append(view(a, pick))
        elif kind == 2:
            arrays.append(fresh(a, arrays, pick))
        elif kind == 3 and a.ndim:
            scatter(a, arrays, pick)
        elif a.ndim:
            write(a, arrays, pick)
    return [np.tanh(0.1 * a) for a in arrays]


def point(choices):
    rng = np.random.default_rng(len(choices))
    return rng.uniform(0.5, 1.5, [(4,), (2, 3), (3, 2)][choices[0] % 3])


@SETTINGS
@given(PROGRAMS)
def test_value_and_derivatives(choices):
    x = point(choices)
    v = np.cos(np.arange(x.size)).reshape(x.shape)

    def program(x):
        return run(choices, x)

    expected = program(x)
    value, tangent = ds.jvp(program, (x,), (v,))
    assert [np.shape(a) for a in value] == [a.shape for a in expected]
    assert close(value, expected, 1e-14)
    reference = first_derivative(program, (x,), (v,))
    assert close(tangent, reference, 1e-12, scale=1e-3)
    value, pullback = ds.vjp(program, x)
    assert close(value, expected, 1e-14)
    gradient = pullback([np.ones(np.shape(a)) for a in value])[0]
    assert abs(np.sum(gradient * v) - np.sum(reference)) <= 1e-11 * (1 + np.sum(np.abs(reference)))
    bend = np.sum(second_derivative(program, (x,), (v,)))
    both = ds.hvp(lambda x: sum(np.sum(a) for a in run(choices, x)), (x,), (v,))
    assert abs(np.sum(both * v) - bend) <= 1e-8 * (1 + abs(bend) + np.sum(np.abs(reference)))


@SHORT
@given(PROGRAMS)
def test_compiled(choices):
    x = point(choices)

    def everything(x):
        value, pullback = ds.vjp(lambda y: run(choices, y), x)
        return value, pullback([np.ones(np.shape(a)) for a in value])[0]

    compiled = ds.jit(everything)
    for at in (x, 1.5 - 0.5 * x, x):
        for found, expected in zip(compiled(at), everything(at), strict=True):
            assert close(found, expected, 1e-13, scale=1e-3)
