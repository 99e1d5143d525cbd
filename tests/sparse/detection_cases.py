"""Functions of random steps, and what to compare their patterns with."""

import numpy as np
from hypothesis import settings

import diffsci as ds
from diffsci.graph import Builder, Graph, interpreter
from diffsci.sparse.detection import Pattern, jacobian_pattern
from diffsci.tracing import trace_function
from diffsci.transforms import inline, jvp_graph, simplify, vjp_graph

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


def graph_of(f, *args):
    """The graph, and which of its inputs are arguments: others are read from outside."""
    traced = trace_function(f, args)
    count = len(traced.graph.inputs) - len(traced.captures)
    return traced.graph, [k < count for k in range(len(traced.graph.inputs))]


def detected(f, *args):
    return jacobian_pattern(*graph_of(f, *args))


def hessian_detected(f, *args):
    return Pattern.of(ds.sparse_hessian(f).pattern(*args))


def gradient_graph(graph):
    """The gradient of a program with one result of one element."""
    pulled = vjp_graph(graph)
    b = Builder()
    inputs = [b.input(x.type) for x in graph.inputs]
    outputs, guards = inline(b, pulled, [*inputs, b.full(graph.outputs[0].type, 1.0)])
    return simplify(Graph(inputs, outputs[1:], guards))


def jacobian_at(f, x):
    return np.asarray(ds.jacobian(f)(x)).reshape(-1, x.size)


def dense(pattern):
    return pattern.csr().toarray()


def point(n, seed=0):
    return np.random.default_rng(seed).uniform(0.3, 1.7, n)


def covers(f, n, exact=True):
    """The pattern has all nonzeros at two points; where it is exact, no others."""
    found = dense(detected(f, point(n)))
    seen = np.zeros_like(found)
    for seed in (1, 2):
        true = jacobian_at(f, point(n, seed)) != 0
        assert not np.any(true & ~found)
        seen |= true
    if exact:
        assert np.array_equal(seen, found)
    return found


# the steps of random programs --------------------------------------------------------------------------

MIX = np.array([[1.0, 0, 2, 0, 0, 0], [0, 3, 0, 0, 1, 0], [0, 0, 0, 1, 0, 0], [2, 0, 0, 0, 0, 1],
                [0, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 2]])  # fmt: skip
PICK = np.array([4, 0, 0, 5, 2, 3])
ORDER = [3, 0, 5, 1, 4, 2]

STEPS = {
    "sin": np.sin,
    "square": lambda x: x * x,
    "roll": lambda x: np.roll(x, 2),
    "flip": lambda x: x[::-1],
    "difference": lambda x: np.concatenate([x[1:] - x[:-1], x[:1]]),
    "pad": lambda x: np.pad(x[1:4], (1, 2)),
    "gather": lambda x: x[PICK],
    "mix": lambda x: MIX @ x,
    "outer": lambda x: (x[:2, None] * x[None, 3:]).ravel(),
    "transpose": lambda x: x.reshape(2, 3).T.ravel(),
    "sum": lambda x: x * np.sum(x[:2]),
    "rows": lambda x: x + np.repeat(np.sum(x.reshape(3, 2), axis=1), 2),
    "cumsum": np.cumsum,
    "where": lambda x: np.where(x > 0.5, x, np.roll(x, 1)),
    "maximum": lambda x: np.maximum(x, 0.3),
    "store": lambda x: stored(x),
    "cond": lambda x: ds.cond(x[1] > 0.4, lambda y: y[::-1] * 2, lambda y: np.cos(y), x),
    "scan": lambda x: ds.scan(lambda c, z: (c * z, c + z), x[0], x)[1],
    "while": lambda x: ds.while_loop(lambda y: np.sum(y * y) < 4, lambda y: 2 * y + 0.5, x),
    "loop": lambda x: ds.fori_loop(0, 2, lambda k, y: y + 0.2 * np.roll(y, 1), x),
    "detach": lambda x: x + np.floor(x),
    "pads": lambda x: np.pad(np.tanh(x[:3]), (0, 3)) * np.roll(x, 1) + np.pad(x[3:], (3, 0)) / (2 + x * x),
    "blocks": lambda x: blocks(x),
    "triangle": lambda x: np.linalg.solve(4 * np.eye(6) + np.tril(np.outer(np.sin(x), np.cos(x)), -1), x),
    "root": lambda x: ds.root(cubic, np.zeros(6), x),
    "products": lambda x: ds.linear_solve(lambda v: (3 + x**2) * v + np.pad(v[1:], (0, 1)), np.tanh(x)),
}


def cubic(z, a):
    return z**3 + 3 * z - np.tanh(a) - 0.1 * np.pad(z[:4], (2, 0))


def blocks(x):
    matrix = np.zeros((6, 6))
    for k in range(6):
        matrix[k, ORDER[k]] = 2 + np.tanh(x[k])
    matrix[0, 0] = x[1]
    return np.linalg.solve(matrix, np.cos(x))


def stored(x):
    out = np.zeros(6)
    out[::2] = x[:3] ** 2
    out[1] = x[5]
    return out


def chained(names):
    def f(x):
        for name in names:
            x = STEPS[name](x)
        return x

    return f


def dense_jacobian(graph, operands):
    """All outputs over all float inputs, by a tangent for each element."""
    pushed, skip = jvp_graph(graph), len(graph.outputs)
    types = [x.type for x in graph.inputs if x.type.is_float]
    columns = []
    for k, type_ in enumerate(types):
        for place in range(type_.size):
            steps = [np.zeros(t.shape, t.dtype) for t in types]
            steps[k].flat[place] = 1.0
            moved = interpreter.run(pushed, [*operands, *steps])[skip:]
            columns.append(np.concatenate([np.zeros(0), *(np.ravel(x) for x in moved)]))
    size = sum(y.type.size for y in graph.outputs)
    return np.stack(columns, axis=1) if columns else np.zeros((size, 0))
