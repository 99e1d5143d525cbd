"""`jit(f).plan(*args)`: bytes, flops and memory against counts made by hand."""

import numpy as np
import pytest
from scipy.special import softmax

import diffsci as ds
from diffsci.backends.plan.report import Machine
from diffsci.backends.plan.traffic import touched
from diffsci.errors import UnsupportedError


def test_a_copy():
    plan = ds.jit(lambda x: x.copy()).plan(np.ones(5000))
    assert (plan.bytes, plan.flops, plan.peak_bytes, plan.bound) == (2 * 5000 * 8, 0, 0, "memory")


def test_axpy():
    plan = ds.jit(lambda a, x, y: a * x + y).plan(2.0, np.ones(5000), np.ones(5000))
    assert (plan.bytes, plan.flops) == (3 * 5000 * 8 + 8, 2 * 5000)
    single = ds.jit(lambda x, y: x + y).plan(*np.ones((2, 5000), np.float32))
    assert (single.bytes, single.flops) == (3 * 5000 * 4, 5000)


@pytest.mark.parametrize(("m", "k", "n"), [(20, 30, 40), (3, 500, 7), (200, 100, 300)])
def test_matrix_product(m, k, n):
    plan = ds.jit(lambda a, b: a @ b).plan(np.ones((m, k)), np.ones((k, n)))
    assert (plan.bytes, plan.flops) == (8 * (m * k + k * n + m * n), 2 * m * n * k)


def test_five_point_stencil():
    def laplacian(u):
        return u[2:, 1:-1] + u[:-2, 1:-1] + u[1:-1, 2:] + u[1:-1, :-2] - 4.0 * u[1:-1, 1:-1]

    plan = ds.jit(laplacian).plan(np.ones((80, 60)))
    (step,) = plan.steps
    inner = 78 * 58
    assert step.reads[0].elements == 80 * 60 - 4  # all but the corners, each once
    assert plan.bytes == 8 * (80 * 60 - 4 + inner)
    assert plan.flops == 5 * inner


def _assigned(x):
    x = x.copy()
    x[1:-1] = x[1:-1] + 0.1 * (x[2:] - 2 * x[1:-1] + x[:-2])
    return x


def _rolled(x):
    return x + 0.1 * (np.roll(x, 1) - 2 * x + np.roll(x, -1))


@pytest.mark.parametrize("step", [_assigned, _rolled])
@pytest.mark.parametrize("transform", [lambda f: f, ds.grad])
def test_every_step_of_a_chain_costs_the_same(step, transform):
    """Nothing that earlier steps have stored is evaluated again by all later ones."""

    def plan(steps):
        def energy(x):
            for _ in range(steps):
                x = step(x)
            return np.sum(x**2)

        return ds.jit(transform(energy)).plan(np.linspace(0.0, 1.0, 10_000))

    short, long = plan(8), plan(16)
    assert long.flops < 2.2 * short.flops
    assert long.bytes < 2.2 * short.bytes


def test_components_of_points_share_what_they_have_in_common():
    x, a, b = np.ones((3, 5000)), *np.ones((2, 5000))
    plan = ds.jit(lambda x, a, b: x * (a + b)).plan(x, a, b)
    assert (plan.bytes, plan.flops) == (8 * 8 * 5000, 4 * 5000)
    turned = ds.jit(lambda x, a, b: x * (a + b)[:, None]).plan(x.T.copy(), a, b)
    assert (turned.bytes, turned.flops) == (8 * 8 * 5000, 4 * 5000)


def test_an_operand_that_many_rows_read_is_turned_once():
    def spread(x, centres, factors):
        return np.sum(np.einsum("kij,nkj->nki", factors, x[:, None] - centres) ** 2, axis=2)

    plan = ds.jit(spread).plan(np.ones((1000, 10)), np.ones((25, 10)), np.ones((25, 10, 10)))
    turned = [step for step in plan.steps if any("transpose" in origin for origin in step.origins)]
    assert sum(stream.elements for stream in turned[0].writes) == 10_000
    others = [step for step in plan.steps if step not in turned]
    assert not any(stream.buffer == "in0" for step in others for stream in step.reads)


def test_softmax_reads_its_rows_three_times_and_writes_them_once():
    rows, columns = 100, 40
    plan = ds.jit(lambda x: softmax(x, axis=1)).plan(np.ones((rows, columns)))
    moved = {"in": 3 * rows * columns, "out": rows * columns}
    for role, elements in moved.items():
        streams = [s for step in plan.steps for s in (*step.reads, *step.writes) if s.buffer.startswith(role)]
        assert sum(s.elements for s in streams) == elements
    assert plan.bytes >= 8 * sum(moved.values())


def laplacian(u):
    return np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1) - 4 * u


def reaction(u, v):
    r = u * v * v
    return 0.16 * laplacian(u) - r + 0.04 * (1 - u), 0.08 * laplacian(v) + r - 0.1 * v


def test_gray_scott_vjp():
    n = 64
    plan = ds.jit(lambda u, v, a, b: ds.vjp(reaction, u, v)[1]((a, b))).plan(*np.ones((4, n, n)))
    # Every point: the fields once, five points of both cotangents, two results.
    fields = cotangents = 0
    for step in plan.steps:
        volume = int(np.prod(step.box))
        assert [s.elements for s in step.writes] == [volume, volume]
        elements = sorted(s.elements for s in step.reads)
        assert elements[:2] == [volume, volume]
        fields, cotangents = fields + volume, cotangents + sum(elements[2:])
    assert fields == n * n
    assert 2 * n * n <= cotangents <= 2.4 * n * n  # blocks and rows share their edges
    assert plan.bytes == 8 * (2 * fields + cotangents + 2 * n * n)
    assert plan.peak_bytes == 0
    inner = [step.box for step in plan.steps if len(step.box) == 2]
    assert sorted(inner) == [(n - 2, 8), (n - 2, 8), (n - 2, n - 16)]  # whole vectors, rims among them


def test_branches_count_the_cheaper_side_and_callees_once_per_call():
    inner = ds.jit(lambda x: np.sin(x) * x)
    x = np.ones(1000)
    plan = ds.jit(lambda x: inner(x) + inner(x + 1)).plan(x)
    assert len(plan.callees) == 1
    assert plan.callees[0].flops == 2000
    assert plan.flops == 2 * 2000 + 2 * 1000
    branch = ds.jit(lambda x: ds.cond(x[0] > 0, lambda x: np.exp(np.sin(x)), lambda x: 2 * x, x)).plan(x)
    assert branch.flops == 1000
    assert "else" in str(branch)


def test_host_loops_are_steps_between_programs():
    plan = ds.jit(lambda x: 3 * ds.fori_loop(0, 10, lambda i, y: y * 1.5, x + 1)).plan(np.ones(100))
    kinds = [step.kind for step in plan.steps]
    assert kinds == ["call", "loop in Python", "call"]
    assert plan.flops == 200
    assert "fori" not in kinds
    assert "rolled loop" in str(plan)


def test_guards_lead_to_the_plan_of_their_path():
    f = ds.jit(lambda x: x * 2 if x[0] > 0 else np.exp(x) + 1)
    up, down = f.plan(np.ones(1000)), f.plan(-np.ones(1000))
    assert (up.flops, down.flops) == (1000, 2000)
    assert [step.kind for step in up.steps].count("guard") == 1


def test_the_page_names_steps_buffers_lines_and_totals():
    def f(x):
        y = np.cumsum(np.exp(x))
        return np.sum(y * y) * y

    plan = ds.jit(f).plan(np.ones(3000))
    page = str(plan)
    for text in ("loop 3000", "reads in0[3000]", "cumsum float64[3000]", "test_plan_report.py", "at least"):
        assert text in page
    buffer = next(b for b in plan.buffers if b.label.startswith("cumsum") or "partial" in b.label)
    assert buffer.role == "workspace"
    assert buffer.first <= buffer.last < len(plan.steps)
    assert plan.seconds == pytest.approx(sum(step.seconds for step in plan.steps))


def test_the_interpreter_has_no_plan():
    with pytest.raises(UnsupportedError, match="numpy"):
        ds.jit(lambda x: x + 1, backend="numpy").plan(np.ones(3))


def test_bandwidth_is_that_of_the_working_set():
    machine = Machine(((1000, 5.0), (2000, 3.0)), 1.0, 1, "")
    assert [machine.bandwidth(n) for n in (10, 1000, 1001, 10**9)] == [5.0, 5.0, 3.0, 3.0]


def test_touched_elements_are_those_that_enumeration_finds():
    rng = np.random.default_rng(0)
    for _ in range(300):
        extents = tuple(int(n) for n in rng.integers(1, 6, size=rng.integers(1, 4)))
        addresses = []
        for _ in range(rng.integers(1, 6)):
            coefs = rng.choice([0, 1, -1, 2, 5, 10, 50], size=len(extents))
            addresses.append((int(rng.integers(200, 260)), *map(int, coefs)))
        found = set()
        for start, *coefs in addresses:
            places = np.full(extents, start)
            for axis, coef in enumerate(coefs):
                shape = [-1 if a == axis else 1 for a in range(len(extents))]
                places = places + coef * np.arange(extents[axis]).reshape(shape)
            found |= set(places.ravel().tolist())
        assert touched(addresses, extents, 10_000) == len(found)


def test_a_function_without_arguments_has_a_plan():
    assert ds.jit(lambda: np.ones(5) * 2.0).plan().bytes == 40


@pytest.mark.parametrize("count", [1.5, "2", None])
def test_the_number_of_threads_is_an_integer(count):
    with pytest.raises(TypeError):
        ds.set_num_threads(count)
