"""Random programs of moves, sums and products: entries evaluated directly equal the dense Jacobian."""

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import diffsci as ds
from diffsci.graph import interpreter
from tests.sparse.direct_cases import dense, made

SHAPES = [(6,), (3, 4), (2, 3, 4)]


def _index(rng, n):
    return rng.integers(0, n, n)


def _cut(x, rng):
    axis = int(rng.integers(x.ndim))
    start, step = int(rng.integers(2)), int(rng.integers(1, 3))
    return x[(slice(None),) * axis + (slice(start, None, step),)]


def _written(x, rng):
    out = np.zeros_like(x)
    k = max(1, x.shape[0] // 2)
    out[:k] = x[-k:] * 2.0
    out[k:] = np.sin(x[k:])
    return out


def _added(x, rng):
    out = np.zeros_like(x)
    np.add.at(out, _index(rng, x.shape[0]), x)
    return out


STEPS = [
    lambda x, y, rng: x * y,
    lambda x, y, rng: x + np.roll(y, 1, int(rng.integers(y.ndim))),
    lambda x, y, rng: x - y[::-1],
    lambda x, y, rng: np.sin(x) * 2.0,
    lambda x, y, rng: np.where(x > y, x**2, y),
    lambda x, y, rng: x / (1.0 + y**2),
    lambda x, y, rng: np.maximum(x, y),
    lambda x, y, rng: _cut(x, rng),
    lambda x, y, rng: np.pad(x, 1),
    lambda x, y, rng: x.T,
    lambda x, y, rng: np.concatenate([x, y], axis=int(rng.integers(x.ndim))),
    lambda x, y, rng: np.stack([x, y], axis=-1).reshape(-1),
    lambda x, y, rng: x[_index(rng, x.shape[0])],
    lambda x, y, rng: _written(x, rng),
    lambda x, y, rng: _added(x, rng),
    lambda x, y, rng: x + np.sum(y, axis=-1, keepdims=True),
    lambda x, y, rng: x * rng.integers(0, 2, x.shape),
    lambda x, y, rng: np.tensordot(x, rng.integers(-1, 2, (x.shape[-1], 3)).astype(float), 1),
    lambda x, y, rng: x.reshape(-1),
]


@given(
    shape=st.sampled_from(SHAPES),
    steps=st.lists(st.tuples(st.integers(0, len(STEPS) - 1), st.integers(0, 99)), min_size=1, max_size=7),
    seed=st.integers(0, 2**16),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_random_programs(shape, steps, seed):
    def f(x):
        rng = np.random.default_rng(seed)
        values = [x]
        for step, which in steps:
            last = values[-1]
            alike = [value for value in values if value.shape == last.shape]
            if last.size > 200:
                break
            values.append(STEPS[step](last, alike[which % len(alike)], rng))
        return values[-1]

    x = np.random.default_rng(seed).uniform(-1.5, 1.5, shape)
    found, inputs = made(f, x)
    (data,) = interpreter.run(found.graph, inputs)
    wanted = ds.jacobian(f)(x).reshape(found.pattern.shape)
    size = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
    np.testing.assert_allclose(dense(found, data), wanted, rtol=1e-12, atol=1e-13 * size)
