"""Kernels beyond one block: shared sums, columns, chunks, sorted writes, arguments, lines of scans."""

import math

import numpy as np
import pytest

from diffsci.backends.cuda.module import cuda_program
from diffsci.backends.cuda.shapes import loops_of, shape_of
from diffsci.backends.cuda.steps import Launch, Sort, all_steps
from diffsci.backends.plan import build_plan
from diffsci.backends.plan.program import Nest
from diffsci.graph import Builder, Graph
from tests.backends.common import B1, F4, F8, I8, one_op, random_array, type_of
from tests.cuda.recorded import Case
from tests.cuda.running import compare, interpret, prepared, run

SUMMED = [
    ((100_003,), (0,)),  # chunks of the plan
    ((3, 5000), (1,)),  # a block per row
    ((2, 100_001), (1,)),  # several blocks per row
    ((300, 17), (1,)),  # a thread per row
    ((5000, 40), (0,)),  # columns, the last block with idle threads
    ((100_000, 3), (0,)),  # several blocks per column
    ((6, 900, 70), (1,)),  # columns of stacked arrays
    ((70, 6, 90), (0, 2)),  # rows in pieces
    ((40_000, 70), (1,)),  # so many rows that a thread each is enough
    ((70, 40_000), (0,)),
]


def rng():
    return np.random.default_rng(3)


def checked(cases, exact=False):
    for case, program in zip(cases, prepared(case.graph for case in cases), strict=True):
        if not exact:
            compare(case.graph, case.arrays, case.tolerance, program)
            continue
        status, outputs = run(program, case.arrays)
        assert status == 0
        for got, want in zip(outputs, interpret(case.graph, case.arrays), strict=True):
            np.testing.assert_array_equal(got.reshape(want.shape), want, err_msg=case.name)


@pytest.mark.parametrize("dtype", [F8, F4, I8])
def test_reductions(dtype):
    cases = []
    for shape, axes in SUMMED:
        b = Builder()
        x = b.input(type_of(shape, dtype))
        outputs = [b.sum(x, axes=axes), b.max(x, axes=axes), b.min(x, axes=axes)]
        cases.append(Case(f"{shape}{axes}", Graph([x], outputs), [random_array(rng(), shape, dtype)]))
    checked(cases)


def test_products_and_logic():
    cases = []
    for shape, axes in SUMMED:
        near_one = 1 + random_array(rng(), shape, F8) / 1000
        cases.append(Case(f"{shape}", one_op("prod", [type_of(shape)], axes=axes), [near_one], 1e-11))
        for name, often in (("any", 0.9999), ("all", 0.0001)):
            flags = rng().random(shape) > often
            cases.append(Case(f"{name}{shape}", one_op(name, [type_of(shape, B1)], axes=axes), [flags]))
    checked(cases)


def test_sums_beside_stores():
    """A full sum in the loop that also writes what it adds up."""
    b = Builder()
    x = b.input(type_of((90, 200)))
    y = b.sub(b.roll(x, shift=(1, 3)), x)
    checked(
        [
            Case(
                "rolled",
                Graph([x], [y, b.sum(b.mul(y, y), axes=(0, 1))]),
                [random_array(rng(), (90, 200), F8)],
            )
        ]
    )


@pytest.mark.parametrize("stored", [False, True])
def test_sums_over_rows_beside_sums_over_everything(stored):
    """Threads share rows in one way and all elements in another."""
    cases = []
    for shape in ((300, 400), (17, 2310), (50_000, 20), (3, 40_000)):
        b = Builder()
        x = b.input(type_of(shape))
        y = b.mul(x, x)
        rows, best = b.sum(y, axes=(1,)), b.max(x, axes=(1,))
        outputs = [rows, best, b.sum(y, axes=(0, 1)), b.sum(x, axes=(0,))]
        if stored:
            outputs.append(y)
        cases.append(Case(f"{shape}", Graph([x], outputs), [random_array(rng(), shape, F8)]))
    nests = [step for case in cases for step in build_plan(case.graph).steps if isinstance(step, Nest)]
    assert any(len({r.loops for r in nest.reductions}) > 1 for nest in nests)
    checked(cases)


@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_places(name):
    cases = []
    for shape, axis in [((100_000,), 0), ((3, 30_000), 1), ((3000, 40), 0), ((40_000, 20), 1)]:
        for dtype in (F8, F4, I8):
            graph = one_op(name, [type_of(shape, dtype)], axis=axis)
            x = np.round(random_array(rng(), shape, dtype))  # many are equal: the first one counts
            cases.append(Case(f"{shape}", graph, [x]))
        x = random_array(rng(), shape, F8)
        x.ravel()[[17, x.size // 2, x.size - 1]] = np.nan
        graph = one_op(name, [type_of(shape)], axis=axis)
        cases += [Case("nan", graph, [x]), Case("empty", graph, [np.full(shape, -np.inf)])]
    checked(cases, exact=True)


@pytest.mark.parametrize("dtype", [F8, I8, B1])
def test_writes_by_index(dtype):
    """Later writes win and sums are added in order: equal to the bit, however many there are."""
    cases = []
    for shape, axis, where in [
        ((50, 7), 0, (1000,)),
        ((7, 50), 1, (1000,)),
        ((40,), 0, (500,)),
        ((3, 40, 5), 1, (30, 20)),
        ((40, 20_000), 0, (60,)),
        ((9, 4), 0, (5,)),
    ]:
        index = rng().integers(0, shape[axis], where)
        values = random_array(rng(), (*shape[:axis], *where, *shape[axis + 1 :]), dtype)
        x = random_array(rng(), shape, dtype)
        for name in ("put", "put_add"):
            if name == "put_add" and dtype == B1:
                continue
            graph = one_op(name, [type_of(a.shape, a.dtype) for a in (x, index, values)], axis=axis)
            cases.append(Case(f"{name}{shape}", graph, [x, index, values]))
    checked(cases, exact=True)
    sorts = [any(isinstance(s, Sort) for s in all_steps(cuda_program(c.graph).steps)) for c in cases]
    assert 0 < sum(sorts) < len(cases)


def test_values_that_move_with_the_index():
    """What is written is computed in the kernel that writes it."""
    b = Builder()
    x, index = b.input(type_of((40, 3))), b.input(type_of((600,), I8))
    rows = b.take(b.mul(x, x), index, axis=0)
    graph = Graph([x, index], [b.put_add(x, index, b.sin(rows), axis=0)])
    checked([Case("moved", graph, [random_array(rng(), (40, 3), F8), rng().integers(0, 40, 600)])])


@pytest.mark.parametrize("shape", [(20_000,), (2, 9000), (9000, 2), (300, 40)])
def test_scans(shape):
    cases = []
    for axis in range(len(shape)):
        x = random_array(rng(), shape, F8)
        for reverse in (False, True):
            graph = one_op("cumsum", [type_of(shape)], axis=axis, reverse=reverse)
            cases.append(Case(f"{axis}{reverse}", graph, [x], 1e-12))
        integers = rng().integers(-(2**60), 2**60, shape)
        cases.append(
            Case("wrapping", one_op("cumsum", [type_of(shape, I8)], axis=axis, reverse=False), [integers])
        )
        near_one = 1 + x / 1000
        cases.append(Case("product", one_op("cumprod", [type_of(shape)], axis=axis), [near_one], 1e-10))
    checked(cases)


def long_scan(shape, axis, reverse):
    """Running sums of two things that are computed on the way, one of which is stored, too."""
    b = Builder()
    x = b.input(type_of(shape))
    y = b.mul(x, x)
    outputs = [b.cumsum(y, axis=axis, reverse=reverse), b.cumsum(b.neg(x), axis=axis, reverse=reverse), y]
    return Case(f"{shape}{reverse}", Graph([x], outputs), [random_array(rng(), shape, F8)], 1e-12)


LONG = [((100_003,), 0), ((3, 30_001), 1), ((20_000, 5), 0), ((2, 5000, 3), 1), ((1030, 70), 0)]


@pytest.mark.parametrize("reverse", [False, True])
def test_long_scans(reverse):
    """Blocks share lines, and several of them the longest; columns that a block does not fill."""
    cases = [long_scan(shape, axis, reverse) for shape, axis in LONG]
    checked(cases)
    for case in cases:
        program = cuda_program(case.graph)
        launches = [step for step in program.steps if isinstance(step, Launch)]
        assert max(step.grid * step.block for step in launches if step.kernel.startswith("scan_")) > 256


def test_long_scans_are_as_accurate_as_sums():
    """A number goes through some seventy additions, not through as many as there are elements."""
    x = random_array(rng(), (50_000,), F8)
    case = Case("accurate", one_op("cumsum", [type_of(x.shape)], axis=0, reverse=False), [x])
    (program,) = prepared([case.graph])
    (got,) = run(program, [x])[1]
    for k in (0, 1, 255, 256, 257, 4095, 4096, 4097, 12_499, 12_500, 12_501, 49_999):
        assert abs(got[k] - math.fsum(x[: k + 1])) <= 70 * 2.0**-53 * np.sum(np.abs(x[: k + 1]))


def test_what_is_no_number_stays_in_running_sums():
    x = random_array(rng(), (30_000,), F8)
    x[7001], x[12_345], x[20_000] = np.inf, np.inf, -np.inf
    case = Case("infinite", one_op("cumsum", [type_of(x.shape)], axis=0, reverse=False), [x], 1e-11)
    checked([case])


def test_long_products_do_not_overflow_on_the_way():
    """Factors that would overflow, or vanish, without all those before them."""
    x = np.concatenate([np.full(1000, 0.5), np.full(1800, 2.0), np.full(1800, 0.5), np.full(10_000, 1.0)])
    checked([Case("product", one_op("cumprod", [type_of(x.shape)], axis=0), [x])], exact=True)


def test_large_addresses_are_computed_in_64_bits():
    def kernels(n):
        x = type_of((n, 40_000))
        b = Builder()
        a = b.input(x)
        graph = Graph([a], [b.add(b.roll(a, shift=(1, 0)), b.full(x, 2.0)), b.sum(a, axes=(1,))])
        program = cuda_program(graph)
        assert any(isinstance(step, Launch) for step in program.steps)
        return "".join(program.texts)

    assert "const int i0" in kernels(1000)
    assert "const long long i0" not in kernels(1000)
    assert "const long long i0" in kernels(100_000)
    assert "40000LL * i0" in kernels(100_000)


def test_shapes_fill_the_device():
    """Long sums are shared by many blocks, short ones by none; the last loop runs along memory."""

    def shape(extents, axes):
        plan = build_plan(one_op("sum", [type_of(extents)], axes=axes))
        nests = [step for step in plan.steps if isinstance(step, Nest)]
        return shape_of(loops_of(nests[0]))

    tall = shape((1_000_000, 64), (0,))
    assert (tall.width, tall.depth) == (32, 8)
    assert tall.grid >= 256
    long = shape((4, 1_000_000), (1,))
    assert (long.width, long.depth, long.grid) == (1, 256, 512)
    plan = build_plan(one_op("argmax", [type_of((1_000_000,))], axis=0))
    assert max(shape_of(loops_of(step)).grid for step in plan.steps if isinstance(step, Nest)) >= 128
    many = shape((1_000_000, 8), (1,))
    assert (many.depth, many.chunks) == (1, 1)


def test_equal_nests_have_equal_names():
    texts = {"".join(cuda_program(one_op("sin", [type_of((n,))])).texts) for n in (70, 70)}
    assert len(texts) == 1


def test_constants_do_not_enter_the_source():
    b = Builder()
    x = b.input(type_of((5000,)))
    program = cuda_program(Graph([x], [b.mul(x, b.const(rng().normal(size=5000)))]))
    assert len(program.source) < 6000
    assert [slot.nbytes for slot in program.consts] == [40_000]
