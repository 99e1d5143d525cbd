"""Random graphs, compiled as straight-line code and as loops, against the interpreter."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from diffsci.backends.plan import axes
from diffsci.graph import Builder, Graph, Node, Primitive
from tests.backends.common import B1, F8, compare, loops_only, random_array, type_of

BINARY = ["add", "sub", "mul", "maximum", "minimum"]
UNARY = ["neg", "abs", "sin", "tanh", "sigmoid", "rint", "stop_gradient"]
LARGEST = 400  # elements
SHAPES = [(6,), (9,), (17,), (3, 5), (4, 9), (9, 4), (2, 3, 8), (7, 2, 3), (8, 8), (1, 7), ()]

RANKED = Primitive("test_ranked", lambda t: t, lambda x: np.sort(x, axis=None).reshape(x.shape), "linalg")
SPLIT = Primitive(
    "test_split", lambda t: (t, type_of(t.shape[1:])), lambda x: (x[::-1].copy(), np.sum(x, axis=0)), "linalg"
)


class Grower:
    """Grows a graph by random operations on random earlier nodes."""

    def __init__(self, data):
        self.draw = lambda strategy: data.draw(strategy)
        self.b = Builder()
        self.inputs = [self.b.input(type_of(self.pick(SHAPES))) for _ in range(self.whole(1, 3))]
        self.nodes: list[Node] = list(self.inputs)

    def pick(self, options):
        return self.draw(st.sampled_from(options))

    def whole(self, low, high):
        return self.draw(st.integers(low, high))

    def grow(self):
        moves = [
            self.unary,
            self.binary,
            self.binary,
            self.slice,
            self.pad,
            self.roll,
            self.concatenate,
            self.reshape,
            self.transpose,
            self.broadcast,
            self.flip,
            self.set_slice,
            self.reduce,
            self.select,
            self.contract,
            self.scan,
            self.take,
            self.put_add,
            self.ranked,
            self.split,
            self.cond,
        ]
        node = self.pick(moves)(self.pick(self.nodes))
        if node is not None and node.type.size <= LARGEST:
            self.nodes.append(node)

    def like(self, x):
        """Return a node of the same shape."""
        same = [y for y in self.nodes if y.shape == x.shape]
        return self.pick(same)

    def unary(self, x):
        return self.b.emit(self.pick(UNARY), x)

    def binary(self, x):
        return self.b.emit(self.pick(BINARY), x, self.like(x))

    def select(self, x):
        y = self.like(x)
        return self.b.select(self.b.lt(x, y), y, self.b.mul(x, y))

    def slice(self, x):
        start, stop, step = [], [], []
        for n in x.shape:
            first = self.whole(0, max(n - 1, 0))
            start.append(first)
            stop.append(self.whole(min(first + 1, n), n))
            step.append(self.whole(1, 2))
        return self.b.slice(x, start=tuple(start), stop=tuple(stop), step=tuple(step))

    def pad(self, x):
        low, high = (tuple(self.whole(0, 2) for _ in x.shape) for _ in range(2))
        return self.b.pad(x, low=low, high=high, interior=tuple(self.whole(0, 1) for _ in x.shape))

    def roll(self, x):
        return self.b.roll(x, shift=tuple(self.whole(0, max(n - 1, 0)) for n in x.shape))

    def flip(self, x):
        return self.b.flip(x, axes=tuple(a for a in range(len(x.shape)) if self.whole(0, 1)))

    def concatenate(self, x):
        if not x.shape:
            return None
        return self.b.concatenate(x, self.like(x), axis=self.whole(0, len(x.shape) - 1))

    def reshape(self, x):
        n = x.type.size
        divisors = [d for d in range(1, n + 1) if n % d == 0] or [1]
        d = self.pick(divisors)
        shape = self.pick([(n,), (d, n // d), (1, n), (n // d, 1, d)]) if n else x.shape
        return self.b.reshape(x, shape=shape)

    def transpose(self, x):
        return self.b.transpose(x, perm=tuple(self.draw(st.permutations(range(len(x.shape))))))

    def broadcast(self, x):
        if len(x.shape) > 2:
            return None
        return self.b.broadcast(x, shape=(self.whole(1, 4), *x.shape), axes=tuple(range(1, len(x.shape) + 1)))

    def set_slice(self, x):
        start = tuple(self.whole(0, n - 1) if n else 0 for n in x.shape)
        value = self.b.slice(x, start=start, stop=x.shape, step=(1,) * len(x.shape))
        return self.b.set_slice(self.b.neg(x), value, start=start, step=(1,) * len(x.shape))

    def reduce(self, x):
        axes = tuple(a for a in range(len(x.shape)) if self.whole(0, 1))
        name = self.pick(["sum", "sum", "max", "min"])
        if name != "sum" and 0 in x.shape:
            return None
        return self.b.emit(name, x, axes=axes)

    def scan(self, x):
        if not x.shape:
            return None
        axis = self.whole(0, len(x.shape) - 1)
        return self.b.cumsum(x, axis=axis, reverse=bool(self.whole(0, 1)))

    def contract(self, x):
        partners = [y for y in self.nodes if y.shape and x.shape and y.shape[0] == x.shape[-1]]
        if not partners or len(x.shape) > 2:
            return None
        y = self.pick(partners)
        left, right = "ij"[: len(x.shape)], "xklmn"[: len(y.shape)]
        right = left[-1] + right[1:]
        return self.b.contract(x, y, spec=(left, right, left[:-1] + right[1:]))

    def _index(self, x):
        n = x.shape[0]
        count = self.whole(1, 5)
        limit = self.b.full(type_of((count,), np.int64), n - 1)
        source = self.b.const(np.arange(count) * 7 % n)
        return self.b.minimum(source, limit)

    def take(self, x):
        return self.b.take(x, self._index(x), axis=0) if x.shape and x.shape[0] else None

    def put_add(self, x):
        if not x.shape or not x.shape[0]:
            return None
        index = self._index(x)
        return self.b.put_add(x, index, self.b.take(x, index, axis=0), axis=0)

    def ranked(self, x):
        return self.b.emit(RANKED, x)

    def split(self, x):
        return self.b.project(self.b.emit(SPLIT, x), index=self.whole(0, 1)) if x.shape else None

    def cond(self, x):
        graphs = [self._branch(x) for _ in range(2)]
        total = self.b.sum(x, axes=tuple(range(len(x.shape))))
        above = self.b.gt(total, self.b.const(0.5))
        return self.b.project(self.b.cond(above, x, self.like(x), true=graphs[0], false=graphs[1]), index=0)

    def _branch(self, x):
        b = Builder()
        first, second = b.input(x.type), b.input(x.type)
        y = b.emit(self.pick(BINARY), first, second)
        return Graph([first, second], [b.emit(RANKED, y) if self.whole(0, 1) else b.sin(y)])

    def finish(self):
        outputs = [self.pick(self.nodes[len(self.inputs) :] or self.nodes) for _ in range(self.whole(1, 3))]
        outputs.append(self.nodes[-1])
        return Graph(self.inputs, outputs)


@pytest.fixture
def turned_always(monkeypatch):
    """Turn every array whose last axis is not the longest."""
    for name, value in (("_LONG", 2), ("_RATIO", 1.01), ("_gain", lambda graph, candidates: 1.0)):
        monkeypatch.setattr(axes, name, value)
    axes._order.cache_clear()
    yield
    axes._order.cache_clear()


@pytest.mark.parametrize("mode", ["small", "loops", "turned"])
def test_random_graphs(mode, monkeypatch, request):
    if mode != "small":
        loops_only(monkeypatch)
    if mode == "turned":
        request.getfixturevalue("turned_always")

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.data())
    def check(data):
        grower = Grower(data)
        for _ in range(grower.whole(1, 14)):
            grower.grow()
        graph = grower.finish()
        rng = np.random.default_rng(len(graph.nodes))
        arrays = [random_array(rng, x.shape, F8) for x in graph.inputs]
        compare(graph, arrays, 1e-9)

    check()


def test_boolean_pieces():
    b = Builder()
    x = b.input(type_of((9, 4)))
    mask = b.gt(x, b.zeros(x.type))
    wide = b.pad(mask, low=(1, 0), high=(0, 2), interior=(0, 1))
    graph = Graph([x], [wide, b.any(wide, axes=(0,)), b.all(mask, axes=(0, 1)), b.convert(mask, dtype=F8)])
    assert wide.dtype == B1
    compare(graph, [random_array(np.random.default_rng(0), (9, 4), F8)])
