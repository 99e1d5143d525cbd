"""ADBench's objectives under ``jax.jit``, in double precision.

The sources are those of `benchmarks.adbench` wherever JAX takes them. Written anew, as its manual advises: a
loop over time as a ``scan``, branches as ``where``, writes as ``at[].set``, loops over bones as arrays.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from benchmarks.adbench import bundle, gmm, hand, lstm
from benchmarks.peers.same_source import on

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
from jax.scipy.special import gammaln, logsumexp  # noqa: E402


def _lower_triangle(icf, d):
    columns, rows = np.triu_indices(d, 1)
    return jnp.zeros((icf.shape[0], d, d)).at[:, rows, columns].set(icf[:, d:])


def _predict(main, extra, state, x):
    x = x * extra[0]
    after = []
    for k in range(0, len(main), 2):
        weight, bias = main[k].reshape(4, -1), main[k + 1].reshape(4, -1)
        x, cell = _lstm.layer(weight, bias, state[k], state[k + 1], x)
        after += [x, cell]
    return x * extra[1] + extra[2], jnp.stack(after)


def _sequence_loss(main, extra, state, sequence):
    def step(state, pair):
        now, following = pair
        y, state = _predict(main, extra, state, now)
        return state, jnp.sum(following * (y - jnp.log(2.0 + jnp.sum(jnp.exp(y)))))

    _, losses = jax.lax.scan(step, state, (sequence[:-1], sequence[1:]))
    return -jnp.sum(losses) / sequence[1:].size


def _axis_angle(rotation):
    squared = jnp.sum(rotation**2)
    tiny = squared < 1e-8
    length = jnp.sqrt(jnp.where(tiny, 1.0, squared))
    x, y, z = rotation / length
    s, c = jnp.sin(length), jnp.cos(length)
    turned = jnp.array(
        [
            [x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
            [x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s],
            [x * z * (1 - c) - y * s, z * y * (1 - c) + x * s, z * z + (1 - z * z) * c],
        ]
    )
    return jnp.where(tiny, jnp.eye(3), turned)


def _skin(theta, model):
    """Positions of the vertices: all joints turned at once, then one matrix product per bone."""
    bones = len(model.parents)
    angles = jnp.zeros((bones, 3))
    rows, columns, used = _joints()
    angles = angles.at[rows, columns].set(theta[used])
    turned = jnp.zeros((bones, 4, 4)).at[:, 3, 3].set(1.0)
    turned = turned.at[:, :3, :3].set(jax.vmap(_hand.euler)(angles))
    relatives = model.base_relatives @ turned
    absolutes = []
    for bone, parent in enumerate(model.parents):
        absolutes.append(relatives[bone] if parent < 0 else absolutes[parent] @ relatives[bone])
    transforms = jnp.stack(absolutes) @ model.inverse_base_absolutes
    positions = jnp.einsum("bij,jv,bv->iv", transforms[:, :3], model.base_positions, model.weights)
    return _axis_angle(theta[:3]) @ positions + theta[3:6][:, None]


def _joints() -> tuple[np.ndarray, ...]:
    """Bone, angle and element of theta of every joint: see `benchmarks.adbench.hand.pose_of`."""
    found, angle, row = [], 6, 2
    for _ in range(hand.FINGERS):
        for joint in range(3):
            for column in range(2 if joint == 0 else 1):
                found.append((row, column, angle))
                angle += 1
            row += 1
        row += 1
    return tuple(np.array(found).T)


def _rotated(rotation, x):
    squared = jnp.sum(rotation**2)
    still = squared == 0.0
    angle = jnp.sqrt(jnp.where(still, 1.0, squared))
    axis = rotation / angle
    turned = (
        x * jnp.cos(angle) + jnp.cross(axis, x) * jnp.sin(angle) + axis * (axis @ x) * (1.0 - jnp.cos(angle))
    )
    return jnp.where(still, x + jnp.cross(rotation, x), turned)


_gmm = on(gmm, np=jnp, gammaln=gammaln, logsumexp=logsumexp, lower_triangle=_lower_triangle)
_lstm = on(lstm, np=jnp, expit=jax.nn.sigmoid)
_hand = on(hand, np=jnp)


_complete_hand = on(hand, np=jnp, skin=_skin)
_bundle = on(bundle, np=jnp, rotated=_rotated)


def functions(problem: str, point: tuple[Any, ...]) -> tuple[Callable, Callable]:
    """The objective of a problem and its derivative at a point, compiled; data stay in JAX's own arrays."""
    return _PROBLEMS[problem](*point)


def _ready(function: Callable, *point) -> Callable:
    compiled, held = jax.jit(function), jax.device_put(point)
    return lambda: jax.block_until_ready(compiled(*held))


def _of_gmm(alphas, means, icf, x, gamma, m):
    def objective(alphas, means, icf, x):
        return _gmm.objective(alphas, means, icf, x, gamma, m)

    gradient = jax.value_and_grad(objective, argnums=(0, 1, 2))
    return tuple(_ready(f, alphas, means, icf, x) for f in (objective, gradient))


def _of_lstm(*model):
    gradient = jax.value_and_grad(_sequence_loss, argnums=(0, 1))
    return tuple(_ready(f, *model) for f in (_sequence_loss, gradient))


def _of_simple_hand(theta, model, measured):
    def objective(theta):
        return _complete_hand.simple(theta, model, measured)

    return _ready(objective, theta), _ready(jax.jacfwd(objective), theta)


def _of_complicated_hand(us, theta, model, measured):
    def objective(shift, theta):
        return _complete_hand.complicated(us + shift, theta, model, measured)

    shift = np.zeros(2)
    return tuple(_ready(f, shift, theta) for f in (objective, jax.jacfwd(objective, argnums=(0, 1))))


def _of_bundle(cameras, points, weights, features, seen):
    def observed(f):
        return lambda cameras, points, weights, features: jax.vmap(f)(
            cameras[seen[:, 0]], points[seen[:, 1]], weights, features
        )

    blocks = jax.jacrev(_bundle.reprojection_error, argnums=(0, 1, 2))
    return tuple(
        _ready(observed(f), cameras, points, weights, features) for f in (_bundle.reprojection_error, blocks)
    )


_PROBLEMS = {
    "GMM": _of_gmm,
    "LSTM": _of_lstm,
    "hand, simple": _of_simple_hand,
    "hand, complicated": _of_complicated_hand,
    "bundle adjustment": _of_bundle,
}
