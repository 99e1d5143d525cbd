"""Loops in both forms: rolled by diffsci, and as the Python loop that they stand for."""

from __future__ import annotations

import numpy as np

import diffsci as ds

RNG = np.random.default_rng(7)
WEIGHTS = 0.5 * RNG.normal(size=(3, 3))
INPUTS = RNG.normal(size=(6, 3))
START = RNG.normal(size=3)


def newton(a):
    return ds.while_loop(lambda x: abs(x * x - a) > 1e-15 * a, lambda x: (x + a / x) / 2, a)


def newton_unrolled(a):
    x, steps = a, 0
    while abs(x * x - a) > 1e-15 * a and steps < 60:
        x, steps = (x + a / x) / 2, steps + 1
    return x


def logistic(r, x):
    return ds.fori_loop(0, 12, lambda i, x: r * x * (1 - x), x)


def logistic_unrolled(r, x):
    for _ in range(12):
        x = r * x * (1 - x)
    return x


def recurrent(w, h, xs):
    def body(h, x):
        h = np.tanh(w @ h + x)
        return h, {"first": h[0], "sum": np.sum(h * x)}

    return ds.scan(body, h, xs)


def recurrent_unrolled(w, h, xs):
    first, total = [], []
    for x in xs:
        h = np.tanh(w @ h + x)
        first.append(h[0])
        total.append(np.sum(h * x))
    return h, {"first": np.stack(first), "sum": np.stack(total)}


def backward(h, xs):
    return ds.scan(lambda h, x: (np.sin(h * x), h + x), h, xs, reverse=True)


def backward_unrolled(h, xs):
    ys = []
    for x in xs[::-1]:
        h, y = np.sin(h * x), h + x
        ys.append(y)
    return h, np.stack(ys[::-1])


def table(h, xs):
    """A scan in a scan: the inner one reads the carry of the outer one."""

    def outer(h, x):
        inner, ys = ds.scan(lambda c, y: (c * np.cos(y) + h[1] * x[0], c), h[0], x)
        return np.stack([inner, h[1] * 0.9]), np.sum(ys)

    return ds.scan(outer, h, xs)


def table_unrolled(h, xs):
    sums = []
    for x in xs:
        c, ys = h[0], []
        for y in x:
            ys.append(c)
            c = c * np.cos(y) + h[1] * x[0]
        h = np.stack([c, h[1] * 0.9])
        sums.append(np.sum(np.stack(ys)))
    return h, np.stack(sums)


def implicit(y, k):
    """A Newton iteration in every step of a scan: implicit Euler of y' = -k y^3."""

    def step(y, h):
        def residual(z):
            return z - y + h * k * z**3

        z = ds.while_loop(
            lambda z: abs(residual(z)) > 1e-14, lambda z: z - residual(z) / (1 + 3 * h * k * z**2), y
        )
        return z, z

    return ds.scan(step, y, np.linspace(0.1, 0.3, 5))[1]


def implicit_unrolled(y, k):
    found = []
    for h in np.linspace(0.1, 0.3, 5):
        z = y
        for _ in range(30):
            z = z - (z - y + h * k * z**3) / (1 + 3 * h * k * z**2)
        y = z
        found.append(y)
    return np.stack(found)


def switching(x, xs):
    def body(c, x):
        return ds.cond(x > 0, lambda c: c * np.sqrt(x), lambda c: c + np.exp(x), c), c

    return ds.scan(body, x, xs)


def switching_unrolled(x, xs):
    ys = []
    for k in range(xs.shape[0]):
        ys.append(x)
        x = x * np.sqrt(xs[k]) if xs[k] > 0 else x + np.exp(xs[k])
    return x, np.stack(ys)


def branching(x, xs):
    """The same with Python's own if."""

    def body(c, x):
        if x > 0:
            return c * np.sqrt(x), c
        return c + np.exp(x), c

    return ds.scan(body, x, xs)


def filled(x):
    """In-place writes on the carry, indexed by the loop's integer."""

    def body(i, state):
        state["y"][i] = state["y"][i - 1] * x[i] + state["t"]
        state["t"] += 0.5
        return state

    start = {"y": np.zeros(5), "t": 1.0}
    return ds.fori_loop(1, 5, body, start)["y"]


def filled_unrolled(x):
    y, t = [0.0 * x[0]], 1.0
    for i in range(1, 5):
        y.append(y[i - 1] * x[i] + t)
        t += 0.5
    return np.stack(y)


def counted(x):
    """An integer counter beside the value; the condition is a Python `and`."""

    def go_on(carry):
        k, value = carry
        return k < 5 and value < 1e3

    return ds.while_loop(go_on, lambda carry: (carry[0] + 1, carry[1] * x + carry[0]), (0, 1.0))[1]


def counted_unrolled(x):
    k, value = 0, 1.0
    while k < 5 and value < 1e3:
        k, value = k + 1, value * x + k
    return value


PAIRS = {
    "newton": (newton, newton_unrolled, (3.0,)),
    "logistic": (logistic, logistic_unrolled, (2.9, 0.3)),
    "recurrent": (recurrent, recurrent_unrolled, (WEIGHTS, START, INPUTS)),
    "reverse": (backward, backward_unrolled, (START, INPUTS)),
    "scan in scan": (table, table_unrolled, (START[:2], INPUTS)),
    "while in scan": (implicit, implicit_unrolled, (1.3, 0.7)),
    "cond in scan": (switching, switching_unrolled, (1.2, INPUTS[:, 0])),
    "if in scan": (branching, switching_unrolled, (1.2, INPUTS[:, 0])),
    "in place": (filled, filled_unrolled, (np.linspace(0.5, 1.5, 5),)),
    "counter": (counted, counted_unrolled, (1.7,)),
}
