"""Every primitive, compiled as straight-line code and as loops, against the interpreter."""

import itertools

import numpy as np
import pytest

from diffsci.graph import Builder, Graph
from tests.backends.common import B1, F4, F8, I8, compare, loops_only, one_op, random_array, type_of

SHAPES = [(), (0,), (1,), (7,), (8,), (9,), (17,), (3, 5), (2, 3, 9), (4, 0, 3), (70, 9)]
UNARY = {
    "neg": (-2, 2),
    "abs": (-2, 2),
    "sign": (-2, 2),
    "exp": (-5, 5),
    "expm1": (-2, 2),
    "log": (0.01, 5),
    "log1p": (-0.9, 5),
    "log2": (0.01, 5),
    "log10": (0.01, 5),
    "exp2": (-5, 5),
    "sqrt": (0, 4),
    "cbrt": (-3, 3),
    "sin": (-9, 9),
    "cos": (-9, 9),
    "tan": (-1.4, 1.4),
    "arcsin": (-1, 1),
    "arccos": (-1, 1),
    "arctan": (-5, 5),
    "sinh": (-3, 3),
    "cosh": (-3, 3),
    "tanh": (-3, 3),
    "arcsinh": (-3, 3),
    "arccosh": (1, 5),
    "arctanh": (-0.99, 0.99),
    "floor": (-5, 5),
    "ceil": (-5, 5),
    "trunc": (-5, 5),
    "rint": (-5, 5),
    "sigmoid": (-40, 40),
    "softplus": (-40, 40),
    "stop_gradient": (-1, 1),
    "isnan": (-1, 1),
    "isinf": (-1, 1),
    "isfinite": (-1, 1),
}
BINARY = [
    "add",
    "sub",
    "mul",
    "div",
    "pow",
    "arctan2",
    "hypot",
    "maximum",
    "minimum",
    "mod",
    "floor_divide",
    "fmod",
    "copysign",
    "logaddexp",
    "lt",
    "le",
    "gt",
    "ge",
    "eq",
    "ne",
]
SPECIAL = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, 2.5, np.inf, -np.inf, np.nan, 5e-324, -1e-310, 1e308, 7.0]
)


@pytest.fixture(params=["small", "loops"])
def mode(request, monkeypatch):
    if request.param == "loops":
        loops_only(monkeypatch)
    return request.param


def rng():
    return np.random.default_rng(5)


@pytest.mark.parametrize("name", UNARY)
def test_unary(name, mode):
    b = Builder()
    inputs, outputs, arrays = [], [], []
    for dtype in (F8, F4):
        for shape in SHAPES:
            x = b.input(type_of(shape, dtype))
            inputs.append(x)
            outputs.append(b.emit(name, x))
            arrays.append(random_array(rng(), shape, dtype, *UNARY[name]))
    compare(Graph(inputs, outputs), arrays)


@pytest.mark.parametrize("name", UNARY)
def test_unary_at_special_values(name, mode):
    values = np.concatenate([SPECIAL, -SPECIAL, [710.0, -746.0, 1e5, -1e5, 1e22]])
    compare(one_op(name, [type_of(values.shape)]), [values])


@pytest.mark.parametrize("name", BINARY)
def test_binary(name, mode):
    b = Builder()
    inputs, outputs, arrays = [], [], []
    for dtype in (F8, F4):
        for shape in SHAPES:
            pair = [b.input(type_of(shape, dtype)) for _ in range(2)]
            inputs += pair
            outputs.append(b.emit(name, *pair))
            low = 0.1 if name == "pow" else -3.0
            arrays += [
                random_array(rng(), shape, dtype, low, 3.0),
                random_array(rng(), shape, dtype, 0.5, 2.0),
            ]
    compare(Graph(inputs, outputs), arrays)


@pytest.mark.parametrize("name", BINARY)
def test_binary_at_special_values(name, mode):
    x, y = (a.ravel() for a in np.meshgrid(SPECIAL, SPECIAL))
    compare(one_op(name, [type_of(x.shape)] * 2), [x, y])


@pytest.mark.parametrize(
    "name",
    ["add", "sub", "mul", "maximum", "minimum", "mod", "floor_divide", "fmod", "lt", "le", "eq", "ne", "pow"],
)
def test_integers(name, mode):
    x, y = (a.ravel() for a in np.meshgrid(np.arange(-9, 10), np.arange(-4, 5)))
    if name == "pow":
        y = np.abs(y)
    compare(one_op(name, [type_of(x.shape, I8)] * 2), [x, y])


@pytest.mark.parametrize("name", ["neg", "abs", "sign"])
def test_integer_unary(name, mode):
    compare(one_op(name, [type_of((19,), I8)]), [np.arange(-9, 10)])


@pytest.mark.parametrize("name", ["logical_and", "logical_or", "logical_xor", "eq", "ne", "lt", "ge"])
def test_booleans(name, mode):
    for shape in ((), (9,), (40, 3)):
        arrays = [random_array(rng(), shape, B1), rng().random(shape) < 0.3]
        compare(one_op(name, [type_of(shape, B1)] * 2), [np.asarray(a) for a in arrays])
    compare(one_op("logical_not", [type_of((11,), B1)]), [random_array(rng(), (11,), B1)])


@pytest.mark.parametrize("source", [F8, F4, I8, B1])
@pytest.mark.parametrize("target", [F8, F4, I8, B1])
def test_convert(source, target, mode):
    graph = one_op("convert", [type_of((5, 9), source)], dtype=target)
    compare(graph, [random_array(rng(), (5, 9), source, -9, 9)])


@pytest.mark.parametrize("exponent", [-3, -1, 0, 1, 2, 3, 7, 10, 100])
def test_integer_pow(exponent, mode):
    for dtype in (F8, F4):
        compare(
            one_op("integer_pow", [type_of((17,), dtype)], exponent=exponent),
            [random_array(rng(), (17,), dtype, 0.5, 1.5)],
        )


def test_select(mode):
    for shape in ((), (9,), (5, 8), (33, 3)):
        for dtype in (F8, F4, I8, B1):
            graph = one_op("select", [type_of(shape, B1), type_of(shape, dtype), type_of(shape, dtype)])
            arrays = [random_array(rng(), shape, d) for d in (B1, dtype, dtype)]
            compare(graph, [np.asarray(a) for a in arrays])


STRUCTURAL = [
    ("broadcast", (), {"shape": (3, 4), "axes": ()}),
    ("broadcast", (4,), {"shape": (3, 4), "axes": (1,)}),
    ("broadcast", (3,), {"shape": (3, 9), "axes": (0,)}),
    ("broadcast", (3, 1), {"shape": (2, 3, 9), "axes": (1, 2)}),
    ("reshape", (6, 4), {"shape": (24,)}),
    ("reshape", (24,), {"shape": (2, 3, 4)}),
    ("reshape", (2, 3, 4), {"shape": (6, 1, 4)}),
    ("reshape", (4, 9), {"shape": (6, 6)}),
    ("transpose", (3, 17), {"perm": (1, 0)}),
    ("transpose", (2, 9, 10), {"perm": (2, 0, 1)}),
    ("slice", (17,), {"start": (2,), "stop": (15,), "step": (3,)}),
    ("slice", (9, 20), {"start": (1, 0), "stop": (9, 20), "step": (2, 1)}),
    ("slice", (5, 5), {"start": (2, 2), "stop": (2, 5), "step": (1, 1)}),
    ("pad", (5,), {"low": (2,), "high": (3,), "interior": (0,)}),
    ("pad", (5, 9), {"low": (0, 1), "high": (2, 0), "interior": (2, 1)}),
    ("pad", (0, 3), {"low": (1, 1), "high": (1, 1), "interior": (1, 0)}),
    ("flip", (4, 9), {"axes": (0, 1)}),
    ("flip", (10,), {"axes": (0,)}),
    ("roll", (9,), {"shift": (2,)}),
    ("roll", (8, 17), {"shift": (7, 3)}),
    ("roll", (3, 0), {"shift": (1, 0)}),
]


@pytest.mark.parametrize(("name", "shape", "params"), STRUCTURAL)
def test_structural(name, shape, params, mode):
    b = Builder()
    x = b.input(type_of(shape))
    moved = b.emit(name, x, **params)
    compare(Graph([x], [moved, b.exp(moved)]), [random_array(rng(), shape, F8)])
    for dtype in (I8, B1, F4):
        compare(
            one_op(name, [type_of(shape, dtype)], **params), [np.asarray(random_array(rng(), shape, dtype))]
        )


@pytest.mark.parametrize(
    ("shape", "region", "start", "step"),
    [
        ((9,), (4,), (1,), (2,)),
        ((8, 9), (3, 9), (2, 0), (1, 1)),
        ((8, 9), (4, 3), (0, 1), (2, 3)),
        ((5,), (0,), (5,), (1,)),
    ],
)
def test_set_slice(shape, region, start, step, mode):
    graph = one_op("set_slice", [type_of(shape), type_of(region)], start=start, step=step)
    compare(graph, [random_array(rng(), shape, F8), random_array(rng(), region, F8)])


@pytest.mark.parametrize("axis", [0, 1])
def test_concatenate(axis, mode):
    shapes = [(3, 4), (3, 4), (0, 4) if axis == 0 else (3, 0), (5, 4) if axis == 0 else (3, 9)]
    graph = one_op("concatenate", [type_of(s) for s in shapes], axis=axis)
    compare(graph, [random_array(rng(), s, F8) for s in shapes])


@pytest.mark.parametrize("index_shape", [(), (5,), (2, 3), (0,)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_take_and_put(index_shape, axis, mode):
    shape = (4, 9, 3)
    index = rng().integers(0, shape[axis], index_shape)
    taken = (*shape[:axis], *index_shape, *shape[axis + 1 :])
    x, values = random_array(rng(), shape, F8), random_array(rng(), taken, F8)
    compare(one_op("take", [type_of(shape), type_of(index_shape, I8)], axis=axis), [x, index])
    for name in ("put", "put_add"):
        graph = one_op(name, [type_of(shape), type_of(index_shape, I8), type_of(taken)], axis=axis)
        compare(graph, [x, index, values])


def test_constant_indices(mode):
    b = Builder()
    x = b.input(type_of((6, 3)))
    index = b.const(np.array([5, 0, 0, 2]))
    y = b.take(b.exp(x), index, axis=0)
    graph = Graph([x], [y, b.put_add(x, index, y, axis=0), b.put(x, index, y, axis=0)])
    compare(graph, [random_array(rng(), (6, 3), F8)])


def test_index_out_of_range_fails_and_reads_nothing_wild(mode):
    from diffsci.backends.cpu import compile_graph

    for name, types in (
        ("take", [type_of((5, 3)), type_of((2,), I8)]),
        ("put_add", [type_of((5, 3)), type_of((2,), I8), type_of((2, 3))]),
    ):
        program = compile_graph(one_op(name, types, axis=0))
        arrays = [random_array(rng(), t.shape, t.dtype) for t in types]
        for bad in (5, -1, 2**62, -(2**63)):
            arrays[1] = np.array([0, bad])
            assert program.run(arrays)[0] == -1
        assert "index" in program.message(-1)
        arrays[1] = np.array([4, 0])
        assert program.run(arrays)[0] == 0


@pytest.mark.parametrize("count", [3, 10_000])
def test_constant_indices_are_looked_at_before_the_program_runs(count, mode):
    """Programs that differ in large constants alone are one, unless an index is out of range."""
    from diffsci.backends.cpu import compile_graph

    data = random_array(rng(), (5, 3), F8)
    for last, status in ((4, 0), (5, -1), (0, 0), (-1, -1)):
        b = Builder()
        x = b.input(type_of((5, 3)))
        places = np.arange(count) % 5
        places[-1] = last
        program = compile_graph(Graph([x], [b.take(b.exp(x), b.const(places), axis=0)]))
        found, (taken,) = program.run([data]) if status == 0 else (program.run([data])[0], [None])
        assert found == status
        if status == 0:
            np.testing.assert_allclose(taken, np.exp(data)[places], rtol=1e-14)


@pytest.mark.parametrize("name", ["sum", "prod", "max", "min", "any", "all"])
def test_reductions(name, mode):
    b = Builder()
    inputs, outputs, arrays = [], [], []
    dtypes = (B1,) if name in ("any", "all") else (F8, F4, I8)
    for dtype in dtypes:
        for shape, axes in [
            ((9,), (0,)),
            ((3, 17), (0,)),
            ((3, 17), (1,)),
            ((17, 9), (0, 1)),
            ((4, 5, 9), (1,)),
            ((4, 5, 9), (0, 2)),
            ((20, 11, 3), (0, 1)),
            ((3, 5), ()),
            ((2, 2), (0,)),
            ((1, 9, 1), (0, 1)),
            ((100,), (0,)),
            ((20, 70), (0,)),
            ((3, 9, 70), (1,)),
            ((3, 9, 67), (0, 1)),
            ((3, 64, 9), (0, 2)),
        ]:
            x = b.input(type_of(shape, dtype))
            inputs.append(x)
            outputs.append(b.emit(name, x, axes=axes))
            arrays.append(random_array(rng(), shape, dtype))
    compare(Graph(inputs, outputs), arrays)


def test_empty_reductions(mode):
    for name, shape, axes in [
        ("sum", (0,), (0,)),
        ("prod", (3, 0), (1,)),
        ("sum", (0, 4), (0,)),
        ("sum", (0, 4), (1,)),
    ]:
        compare(one_op(name, [type_of(shape)], axes=axes), [np.zeros(shape)])
    compare(one_op("any", [type_of((0,), B1)], axes=(0,)), [np.zeros(0, bool)])


@pytest.mark.parametrize("name", ["max", "min"])
def test_extremes_propagate_nan(name, mode):
    x = rng().normal(size=(6, 40))
    x[2, 17] = np.nan
    x[3, 0], x[4, 39] = np.inf, -np.inf
    for axes in ((0,), (1,), (0, 1)):
        compare(one_op(name, [type_of(x.shape)], axes=axes), [x])


@pytest.mark.parametrize("name", ["argmax", "argmin"])
@pytest.mark.parametrize("shape", [(9,), (7, 20), (20, 7), (1, 5), (5, 1), (3, 9, 8)])
def test_arg_reductions(name, shape, mode):
    for axis in range(len(shape)):
        for dtype in (F8, I8):
            x = random_array(rng(), shape, dtype)
            compare(one_op(name, [type_of(shape, dtype)], axis=axis), [np.round(x)])
        x = random_array(rng(), shape, F8)
        x.ravel()[3::7] = np.nan
        compare(one_op(name, [type_of(shape)], axis=axis), [x])
        compare(one_op(name, [type_of(shape)], axis=axis), [np.full(shape, -np.inf)])


@pytest.mark.parametrize("shape", [(1,), (9,), (3, 17), (17, 3), (2, 9, 8)])
def test_scans(shape, mode):
    for axis in range(len(shape)):
        for dtype in (F8, I8):
            x = random_array(rng(), shape, dtype)
            for reverse in (False, True):
                compare(one_op("cumsum", [type_of(shape, dtype)], axis=axis, reverse=reverse), [x])
            compare(one_op("cumprod", [type_of(shape, dtype)], axis=axis), [x])


@pytest.mark.parametrize(
    ("spec", "left", "right"),
    [
        (("ij", "j", "i"), (5, 9), (9,)),
        (("ij", "i", "j"), (5, 9), (5,)),
        (("i", "i", ""), (40,), (40,)),
        (("i", "j", "ij"), (5,), (9,)),
        (("ij", "jk", "ik"), (5, 9), (9, 7)),
        (("bij", "bjk", "bik"), (2, 5, 9), (2, 9, 7)),
        (("ij", "kj", "ik"), (5, 9), (4, 9)),
        (("ij", "jk", "ki"), (5, 9), (9, 7)),
        (("ij", "k", "k"), (5, 9), (3,)),
        (("ij", "jk", "ik"), (40, 33), (33, 50)),
        (("ji", "kj", "ik"), (33, 40), (50, 33)),
        (("bij", "kbj", "ikb"), (3, 30, 40), (20, 3, 40)),
        (("ij", "ij", ""), (30, 40), (30, 40)),
        (("i", "i", "i"), (9,), (9,)),
        (("ij", "i", "j"), (20, 70), (20,)),
        (("ik", "kj", "ij"), (3, 20), (20, 70)),
        (("ij", "j", ""), (3, 4), (4,)),
        (("ij", "jk", "ik"), (3, 0), (0, 2)),
    ],
)
def test_contract(spec, left, right, mode):
    for dtype in (F8, F4):
        graph = one_op("contract", [type_of(left, dtype), type_of(right, dtype)], spec=spec)
        compare(graph, [random_array(rng(), left, dtype), random_array(rng(), right, dtype)])


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 8, 17, 32, 33, 50])
@pytest.mark.parametrize("transposed", [False, True])
def test_solve(n, transposed, mode):
    for dtype in (F8, F4):
        for rhs in ((n,), (n, 3), (n, 1)):
            a = random_array(rng(), (n, n), dtype) + 2 * np.eye(n, dtype=dtype)[::-1]
            graph = one_op("solve", [type_of((n, n), dtype), type_of(rhs, dtype)], transposed=transposed)
            compare(graph, [a, random_array(rng(), rhs, dtype)], 1e-10 if dtype == F8 else 1e-2)


def test_batched_solve_and_det(mode):
    b = Builder()
    a, v, w = b.input(type_of((2, 3, 4, 4))), b.input(type_of((2, 3, 4))), b.input(type_of((2, 3, 4, 2)))
    outputs = [b.solve(a, v, transposed=True), b.solve(a, w, transposed=False), b.det(a)]
    shapes = [x.shape for x in (a, v, w)]
    compare(Graph([a, v, w], outputs), [random_array(rng(), s, F8) for s in shapes], 1e-10)


@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 12, 40])
def test_det(n, mode):
    for seed in range(4):
        a = np.random.default_rng(seed).normal(size=(n, n))
        compare(one_op("det", [type_of((n, n))]), [a], 1e-10)


SINGULAR = {
    "zero": lambda n: np.zeros((n, n)),
    "ones": lambda n: np.ones((n, n)),
    "one entry": lambda n: np.pad([[2.0]], (0, n - 1)),
    "an empty column": lambda n: np.arange(n * n).reshape(n, n) ** 2 * (np.arange(n) != n // 2),
    "an empty row": lambda n: (np.arange(n * n).reshape(n, n) ** 2 * (np.arange(n) != n // 2)).T,
    "no number beside a zero": lambda n: np.diag([0.0, *[1.0] * (n - 2), np.nan]),
}


@pytest.mark.parametrize("stack", [(), (3,)])
@pytest.mark.parametrize("n", [2, 3, 4, 5, 40])
@pytest.mark.parametrize("name", SINGULAR)
def test_determinants_of_singular_matrices(name, n, stack, mode):
    a = np.broadcast_to(SINGULAR[name](n).astype(float), (*stack, n, n)).copy()
    compare(one_op("det", [type_of(a.shape)]), [a], 1e-12)


def test_singular_matrices_give_no_number_and_no_crash(mode):
    from diffsci.backends.cpu import compile_graph

    for n in (3, 20, 40):
        program = compile_graph(one_op("solve", [type_of((n, n)), type_of((n,))], transposed=False))
        for a in (np.zeros((n, n)), np.full((n, n), np.nan)):
            status, (x,) = program.run([a, np.ones(n)])
            assert status == 0
            assert not np.isfinite(x).any()


# ---- triangles ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [F8, F4])
@pytest.mark.parametrize("stack", [(), (3,)])
@pytest.mark.parametrize("n", [0, 1, 5, 40])
def test_triangular_solves(n, stack, dtype):
    matrix = (np.tri(n) + np.tri(n).T + random_array(rng(), (*stack, n, n), F8) / (n + 1)).astype(dtype)
    b = Builder()
    inputs = [b.input(type_of((*stack, n, columns), dtype)) for columns in (n, 0, 1, 4)]
    outputs = [
        b.solve_triangular(inputs[0], rhs, lower=lower, transposed=transposed, unit=unit)
        for rhs in inputs[1:]
        for lower, transposed, unit in itertools.product([True, False], repeat=3)
    ]
    arrays = [random_array(rng(), x.shape, dtype) for x in inputs[1:]]
    compare(Graph(inputs, outputs), [matrix, *arrays], 1e-11)


@pytest.mark.parametrize("dtype", [F8, F4])
@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (4, 4), (3, 40, 40)])
def test_cholesky(shape, dtype):
    """Only the lower triangle is read; a matrix that is not positive definite gives NaN."""
    matrix = (random_array(rng(), shape, F8) / (shape[-1] + 1) + 2 * np.eye(shape[-1])).astype(dtype)
    graph = one_op("cholesky", [type_of(shape, dtype)])
    compare(graph, [matrix], 1e-12)
    if matrix.ndim == 3:
        matrix[1, 2, 2] = -1.0
    compare(graph, [matrix], 1e-12)
    compare(graph, [-matrix], 1e-12)
