"""One or more sample applications of every primitive: operands on which it is differentiable."""

from __future__ import annotations

import numpy as np

from diffsci.graph import Builder, Graph, Type

RNG = np.random.default_rng(20261122)
FLOAT = np.dtype(float)


def uniform(*shape, low=0.2, high=0.9):
    return RNG.uniform(low, high, shape)


def well_conditioned(*shape):
    return RNG.uniform(-1, 1, shape) + 4 * np.eye(shape[-1])


def callee() -> Graph:
    b = Builder()
    x, y = b.input(Type((3,), FLOAT)), b.input(Type((), FLOAT))
    spread = b.broadcast(y, shape=(3,), axes=())
    return Graph([x, y], [b.mul(b.sin(x), spread), b.sum(b.mul(x, x), axes=(0,))])


UNARY = (
    "neg abs exp expm1 log log1p log2 log10 exp2 sqrt cbrt sin cos tan arcsin arccos arctan sinh cosh tanh "
    "arcsinh arctanh sigmoid softplus"
).split()
BINARY = "add sub mul div pow arctan2 hypot maximum minimum mod fmod copysign logaddexp".split()

INDEX = np.array([2, 0, 2])

# (name, operands, params); only float operands are differentiated.
SAMPLES = [
    *[(name, [uniform(3)], {}) for name in UNARY],
    ("arccosh", [uniform(3, low=1.5, high=3.0)], {}),
    *[("integer_pow", [uniform(3) - 0.5], {"exponent": n}) for n in (-2, 0, 1, 2, 5)],
    ("convert", [uniform(3)], {"dtype": FLOAT}),
    *[(name, [uniform(2, 3), uniform(2, 3, low=1.0, high=2.0)], {}) for name in BINARY],
    ("select", [np.array([True, False, True]), uniform(3), uniform(3)], {}),
    ("broadcast", [uniform(3)], {"shape": (2, 3), "axes": (1,)}),
    ("broadcast", [uniform(1, 3)], {"shape": (4, 2, 3), "axes": (0, 2)}),
    ("reshape", [uniform(2, 3)], {"shape": (3, 2)}),
    ("transpose", [uniform(2, 3, 4)], {"perm": (2, 0, 1)}),
    ("slice", [uniform(5, 4)], {"start": (1, 0), "stop": (5, 4), "step": (2, 3)}),
    ("pad", [uniform(2, 3)], {"low": (1, 0), "high": (0, 2), "interior": (2, 0)}),
    ("set_slice", [uniform(5), uniform(2)], {"start": (1,), "step": (2,)}),
    ("flip", [uniform(2, 3)], {"axes": (1,)}),
    ("roll", [uniform(3, 4)], {"shift": (1, 3)}),
    ("concatenate", [uniform(2, 1), uniform(2, 3)], {"axis": 1}),
    ("take", [uniform(2, 4), INDEX], {"axis": 1}),
    ("take", [uniform(4, 2), np.array([[0, 3], [1, 1]])], {"axis": 0}),
    ("put", [uniform(4), np.array([1, 3]), uniform(2)], {"axis": 0}),
    ("put", [uniform(2, 4), INDEX, uniform(2, 3)], {"axis": 1}),
    ("put_add", [uniform(4), INDEX, uniform(3)], {"axis": 0}),
    ("put_add", [uniform(4, 2), INDEX, uniform(3, 2)], {"axis": 0}),
    ("sum", [uniform(2, 3, 2)], {"axes": (0, 2)}),
    ("prod", [uniform(2, 3)], {"axes": (1,)}),
    ("prod", [np.array([0.0, 2.0, 0.0, 3.0])], {"axes": (0,)}),
    ("max", [uniform(2, 3)], {"axes": (1,)}),
    ("min", [uniform(2, 3)], {"axes": (0, 1)}),
    ("cumsum", [uniform(2, 3)], {"axis": 1, "reverse": False}),
    ("cumsum", [uniform(2, 3)], {"axis": 0, "reverse": True}),
    ("cumprod", [np.array([0.5, 0.0, 2.0, 3.0, 0.0])], {"axis": 0}),
    ("contract", [uniform(2, 3), uniform(3, 4)], {"spec": ("ik", "kj", "ij")}),
    ("contract", [uniform(2, 3), uniform(2)], {"spec": ("bi", "b", "b")}),
    ("contract", [uniform(5, 2, 3), uniform(5, 3)], {"spec": ("bij", "bj", "jb")}),
    ("solve", [well_conditioned(3, 3), uniform(3)], {"transposed": False}),
    ("solve", [well_conditioned(3, 3), uniform(3, 2)], {"transposed": True}),
    ("solve", [well_conditioned(2, 3, 3), uniform(2, 3)], {"transposed": True}),
    ("det", [well_conditioned(3, 3)], {}),
    ("det", [well_conditioned(2, 3, 3)], {}),
    ("call", [uniform(3), uniform()], {"graph": callee()}),
]

# Primitives without a derivative, by declaration.
FLAT = [
    *[(name, [RNG.normal(size=4)], {}) for name in "sign floor ceil trunc rint isnan isinf isfinite".split()],
    ("stop_gradient", [uniform(3)], {}),
    *[(name, [uniform(3), uniform(3)], {}) for name in "lt le gt ge eq ne floor_divide".split()],
    *[
        (name, [np.array([True, False]), np.array([True, True])], {})
        for name in "logical_and logical_or logical_xor".split()
    ],
    ("logical_not", [np.array([True, False])], {}),
    ("any", [np.array([[True, False]])], {"axes": (1,)}),
    ("all", [np.array([[True, False]])], {"axes": (1,)}),
    ("argmax", [uniform(2, 3)], {"axis": 1}),
    ("argmin", [uniform(2, 3)], {"axis": 0}),
]


def graph_of(name, operands, params) -> Graph:
    """Return the graph of one application; all results of a call are outputs."""
    b = Builder()
    inputs = [b.input(Type.of(np.asarray(x))) for x in operands]
    node = b.emit(name, *inputs, **params)
    if isinstance(node.type, tuple):
        return Graph(inputs, [b.project(node, index=k) for k in range(len(node.type))])
    return Graph(inputs, [node])


def label(sample) -> str:
    name, operands, params = sample
    shapes = "x".join(str(np.shape(x)) for x in operands)
    return f"{name}{shapes}{'' if 'graph' in params else params or ''}"
