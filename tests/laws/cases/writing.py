"""In-place writes with NumPy's aliasing, arrays made of scalars, containers, closures and control flow.

Every case has a twin without any of this, which also says what the user's form has to compute.
"""

import math
from functools import partial, reduce

import numpy as np

from tests.laws.case import table
from tests.laws.domains import away, distinct, positive, real

VECTOR = real((5,))
MATRIX = real((3, 4))
CONSTANT = np.array([1.0, -2.0, 0.5])


def assemble(x):
    out = np.zeros(3)
    out[0] = x[0] * x[1]
    out[1] = -x[2]
    out[2] = np.sin(out[0]) + out[1]
    return out


def masks_in_place(x):
    mask = np.zeros(x.shape, bool)
    mask[x > 0.0] = True
    mask[0] = x[1] > 0.0
    chosen = np.ones_like(x, dtype=bool)
    chosen &= mask
    out = np.zeros_like(x)
    out[chosen] = x[mask] ** 2
    return out


def masks_twin(x):
    mask = (np.real(x) > 0.0) & (np.arange(5) > 0) | (np.arange(5) == 0) & (np.real(x[1]) > 0.0)
    return np.where(mask, x**2, 0.0)


def dot_out(x):
    out = np.empty((3, 3), x.dtype)
    np.dot(x, x.T, out)
    return out


def assemble_twin(x):
    return np.stack([x[0] * x[1], -x[2], np.sin(x[0] * x[1]) - x[2]])


def stencil(x):
    out = np.empty_like(x)
    out[1:-1] = x[2:] * x[1:-1] - x[:-2]
    out[0] = out[-1] = 0.0
    return out


def stencil_twin(x):
    inner = x[2:] * x[1:-1] - x[:-2]
    return np.concatenate([[0.0], inner, [0.0]])


def write_through_view(x):
    y = x.copy()
    view = y[1:4]
    view[1] = x[0] * x[4]
    inner = view[::2]
    inner += x[:2] ** 2
    return y * view.sum()


def write_through_view_twin(x):
    y = np.stack([x[0], x[1] + x[0] ** 2, x[0] * x[4], x[3] + x[1] ** 2, x[4]])
    return y * np.sum(y[1:4])


def add_to_view(x):
    y = x * 1.0
    tail = y[2:]
    tail += y[:3]
    y[0] *= tail[0]
    return y + tail[1]


def add_to_view_twin(x):
    tail = x[2:] + x[:3]
    return np.concatenate([[x[0] * tail[0]], x[1:2], tail]) + tail[1]


def overlapping(x):
    y = x.copy()
    y[1:] = y[:-1] * 2.0
    return y * x


def transposed_view(x):
    y = x.copy()
    t = y.T
    t[0] = x[:, 1] ** 2
    t[1:3, 0] += 1.0
    return y * x


def transposed_view_twin(x):
    bump = np.zeros((3, 4))
    bump[0, 1:3] = 1.0
    return (np.concatenate([x[:, 1:2] ** 2, x[:, 1:]], axis=1) + bump) * x


def reshaped_view(x):
    y = x.copy()
    y.reshape(-1)[2:5] = x[2, :3] ** 2
    y.ravel()[-1] *= 2.0
    return y * x


def reshaped_view_twin(x):
    flat = x.reshape(-1)
    return np.concatenate([flat[:2], x[2, :3] ** 2, flat[5:-1], 2.0 * flat[-1:]]).reshape(3, 4) * x


def rows_of_result(x):
    out = np.zeros((2, 5))
    first, second = out
    first[:] = x**2
    second[...] = np.exp(first)
    return out


def iterate_rows(x):
    out = x.copy()
    for i, row in enumerate(out):
        row *= i + 1.0
        row[0] += x[i, 1]
    return out * x


def iterate_rows_twin(x):
    scaled = x * np.arange(1.0, 4.0)[:, None]
    return np.concatenate([scaled[:, :1] + x[:, 1:2], scaled[:, 1:]], axis=1) * x


def scatter(x):
    y = x.copy()
    y[[0, 2]] = x[[4, 3]] ** 2
    y[np.array([1, 3])] += x[0]
    return y


def scatter_twin(x):
    return np.stack([x[4] ** 2, x[1] + x[0], x[3] ** 2, x[3] + x[0], x[4]])


def scatter_add(x):
    y = np.zeros(3)
    np.add.at(y, [0, 2, 2, 0, 1], x**2)
    return y


def scatter_add_twin(x):
    s = x**2
    return np.stack([s[0] + s[3], s[4], s[1] + s[2]])


def masked_write(x):
    y = x**2
    y[x > 0] = 0.5
    y[x < 0] *= x[x < 0]
    return y * x


def masked_write_twin(x):
    return np.where(np.real(x) > 0, 0.5, x**3) * x


def fill_and_out(x):
    buffer = np.zeros(5)
    np.multiply(x, x, out=buffer)
    np.add(buffer, 1.0, out=buffer)
    other = np.empty(5)
    other.fill(2.0)
    other[:2] = buffer[:2]
    return other * buffer


def fill_and_out_twin(x):
    square = x * x + 1.0
    return np.concatenate([square[:2], np.full(3, 2.0)]) * square


def loop_recurrence(x):
    y = np.empty(6)
    y[0] = 1.0
    for i in range(5):
        y[i + 1] = y[i] * x[i] + 0.1 * y[i] ** 2
    return y


def loop_recurrence_twin(x):
    y = [1.0 + 0 * x[0]]
    for i in range(5):
        y.append(y[-1] * x[i] + 0.1 * y[-1] ** 2)
    return np.stack(y)


def euler_steps(x):
    y = np.array([x[0], x[1]])
    for _ in range(4):
        dy = np.array([y[1], -math.sin(y[0])])
        y += 0.1 * dy
    return y


def euler_steps_twin(x):
    a, b = x[0], x[1]
    for _ in range(4):
        a, b = a + 0.1 * b, b - 0.1 * np.sin(a)
    return np.stack([a, b])


def newton_sqrt(x):
    r = x
    while abs(r * r - x) > 1e-13 * x:
        r = 0.5 * (r + x / r)
    return 0.5 * (r + x / r)  # one more step carries the derivatives to convergence


def newton_sqrt_twice(x):
    r = newton_sqrt(x)
    for _ in range(2):
        r = 0.5 * (r + x / r)
    return r


WRITING = table(
    ("assemble in zeros", assemble, VECTOR, assemble_twin),
    ("stencil in empty_like", stencil, VECTOR, stencil_twin),
    ("write through a view", write_through_view, VECTOR, write_through_view_twin),
    ("add to a view", add_to_view, VECTOR, add_to_view_twin),
    ("overlapping assignment", overlapping, VECTOR, lambda x: np.concatenate([x[:1], 2 * x[:-1]]) * x),
    ("transposed view", transposed_view, MATRIX, transposed_view_twin),
    ("reshaped view", reshaped_view, MATRIX, reshaped_view_twin),
    ("rows of a result", rows_of_result, VECTOR, lambda x: np.stack([x**2, np.exp(x**2)])),
    ("iterate over rows", iterate_rows, MATRIX, iterate_rows_twin),
    ("integer array write", scatter, VECTOR, scatter_twin),
    ("add.at", scatter_add, VECTOR, scatter_add_twin),
    ("masks in place", masks_in_place, away((5,)), masks_twin),
    ("out as a position", dot_out, MATRIX, lambda x: x @ x.T),
    ("mask write", masked_write, away((5,)), masked_write_twin),
    ("out= and fill", fill_and_out, VECTOR, fill_and_out_twin),
    ("recurrence in a loop", loop_recurrence, VECTOR, loop_recurrence_twin),
    ("+= on an array of scalars", euler_steps, VECTOR, euler_steps_twin),
)

MAKING = table(
    (
        "array of scalars",
        lambda x: np.array([x[0] * x[1], 2.0, x[2]]),
        VECTOR,
        lambda x: np.stack([x[0] * x[1], 2.0 + 0 * x[0], x[2]]),
    ),
    (
        "array of lists",
        lambda x: np.array([[x[0], 1.0], [x[1], x[2]]]) @ x[:2],
        VECTOR,
        lambda x: np.stack([x[0] * x[0] + x[1], x[1] * x[0] + x[2] * x[1]]),
    ),
    ("array of rows", lambda x: np.array([x, x**2]) * x, VECTOR, lambda x: np.stack([x, x**2]) * x),
    ("list result", lambda x: [x[0] * x[1], -x[2]], VECTOR),
    ("tuple and dict result", lambda x: {"a": x**2, "b": (x[0], [x[1] * x[2]])}, VECTOR),
    ("full", lambda x: np.full(3, x[0] ** 2) * x[:3], VECTOR, lambda x: x[0] ** 2 * x[:3]),
    ("linspace of a traced end", lambda x: np.linspace(0.0, 1.0, 5) * x[0] * x, VECTOR),
    ("float()", lambda x: float(x[0]) * x[1], VECTOR, lambda x: x[0] * x[1]),
    ("item()", lambda x: x[0].item() * x.item(1), VECTOR, lambda x: x[0] * x[1]),
    ("tolist", lambda x: np.array([v * v for v in x.tolist()]), VECTOR, lambda x: x * x),
    ("shape and size in arithmetic", lambda x: x * x.shape[0] / x.size * len(x), VECTOR, lambda x: 5.0 * x),
)

CONTROL = table(
    (
        "if on a value",
        lambda x: x[0] ** 2 if x[0] > 0 else np.sin(x[0]),
        away((2,)),
        lambda x: np.where(np.real(x[0]) > 0, x[0] ** 2, np.sin(x[0])),
    ),
    ("while on a value", newton_sqrt_twice, positive(()), np.sqrt),
    (
        "and, or, not",
        lambda x: x[0] if (x[0] > 0 and not x[1] > 5) or x[1] > 7 else 2 * x[1],
        away((2,)),
        lambda x: np.where(np.real(x[0]) > 0, x[0], 2 * x[1]),
    ),
    (
        "sorted by value",
        lambda x: sorted(x)[0] * x[1],
        distinct((3,)),
        lambda x: x[np.argmin(np.real(x))] * x[1],
    ),
    ("reduce", lambda x: reduce(lambda a, b: a * b, x), VECTOR, np.prod),
    ("partial", partial(lambda k, x: k * x**2, 3.0), VECTOR),
    ("closed-over constant", lambda x: CONSTANT * x[:3] ** 2, VECTOR),
    ("inner function over traced values", lambda x: (lambda scale: scale * x)(x[0] ** 2), VECTOR),
    (
        "zip and enumerate",
        lambda x: sum(i * a * b for i, (a, b) in enumerate(zip(x, x[::-1], strict=True))),
        VECTOR,
    ),
    (
        "any and all of comparisons",
        lambda x: x**2 if np.any(x > 0) or np.all(x < 0) else x,
        away((3,)),
        lambda x: x**2,
    ),
)

CASES = WRITING + MAKING + CONTROL
