"""`sparse_jacobian`: every mode against the dense Jacobian; memory, branches, closures."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import diffsci as ds

MODES = ("auto", "direct", "forward", "reverse", "bidirectional", "dense")
SIZE = 12

STEPS = {
    "turned": lambda x, y: x * np.roll(y, 1),
    "neighbours": lambda x, y: np.concatenate([y[:1], x[1:] - y[:-1] ** 2]),
    "reversed": lambda x, y: np.sin(x) + y[::-1],
    "gathered": lambda x, y: y[np.array([3, 3, 0, 7, 1, 2, 9, 11, 5, 5, 4, 8])] * np.exp(-(x**2)),
    "chosen": lambda x, y: np.where(x > 0.2, x * y, np.roll(y, -2)),
    "padded": lambda x, y: np.pad(y[2:-3] ** 3, (2, 3)) + x,
    "folded": lambda x, y: np.repeat(y.reshape(4, 3).sum(axis=1), 3) * np.cos(x),
    "written": lambda x, y: _written(x, y),
    "dense row": lambda x, y: np.concatenate([[np.sum(y * x)], y[1:]]),
    "dense column": lambda x, y: y * x[4] + x**2,
}


def _written(x, y):
    out = np.zeros_like(y)
    out[1:-1] = y[2:] * x[:-2]
    out[3] += y[0]
    return out


def _program(names):
    def f(x):
        y = x
        for name in names:
            y = STEPS[name](x, y)
        return y

    return f


programs = st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=3).map(_program)
seeds = st.integers(0, 2**31)


def _close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13 * np.abs(expected).max(initial=1.0))


@pytest.mark.filterwarnings("ignore:.*computed as a dense matrix")
@settings(max_examples=25, deadline=None)
@given(programs, seeds, st.sampled_from(MODES))
def test_every_mode_gives_the_dense_jacobian(f, seed, mode):
    jacobian = ds.sparse_jacobian(f, mode=mode, backend="numpy")
    for x in np.random.default_rng(seed).normal(size=(2, SIZE)):
        _close(jacobian(x).toarray(), ds.jacobian(f)(x))


@pytest.mark.parametrize("mode", MODES)
def test_compiled_at_several_points(mode):
    f = _program(["turned", "neighbours", "padded"])
    jacobian = ds.sparse_jacobian(f, mode=mode)
    for x in np.random.default_rng(0).normal(size=(3, SIZE)):
        _close(jacobian(x).toarray(), ds.jacobian(f)(x))


def test_complex_step():
    f = _program(["turned", "neighbours", "gathered"])
    x = np.random.default_rng(1).normal(size=SIZE)
    J = ds.sparse_jacobian(f)(x).toarray()
    steps = [f(x + 1e-30j * unit).imag / 1e-30 for unit in np.eye(SIZE)]
    _close(J, np.stack(steps, axis=1))


def test_float32_is_kept():
    f = _program(["turned", "neighbours"])
    x = np.random.default_rng(2).normal(size=SIZE).astype(np.float32)
    J = ds.sparse_jacobian(f)(x)
    assert J.dtype == np.float32
    np.testing.assert_allclose(J.toarray(), ds.jacobian(f)(x.astype(float)), rtol=1e-5, atol=1e-6)


def test_infinite_slopes_stay_where_they_are():
    """The slope of the root at 0 is infinite; entries of other columns with its color must not meet it."""

    def f(x):
        return np.sqrt(x[:-1]) + 3.0 * x[1:]

    for mode in ("forward", "reverse", "bidirectional"):
        J = ds.sparse_jacobian(f, mode=mode)(np.zeros(6)).toarray()
        np.testing.assert_array_equal(J, np.diag([np.inf] * 6)[:5] + np.eye(5, 6, 1) * 3.0)


def test_nan_stays_in_the_rows_it_enters():
    x = np.arange(1.0, 9.0)
    x[3] = np.nan
    J = ds.sparse_jacobian(lambda x: x**2 - np.roll(x, 1) ** 3)(x).toarray()
    assert set(np.flatnonzero(np.isnan(J).any(axis=1))) <= {3, 4}
    assert np.isnan(J[3, 3])


# ---- memory ------------------------------------------------------------------------------------------


def _stencil(x):
    u = x.reshape(64, 64)
    return (
        u**2 - 4 * u + np.roll(u, 1, 0) + np.roll(u, -1, 0) + np.roll(u, 1, 1) + np.roll(u, -1, 1)
    ).ravel()


def test_results_share_their_index_arrays():
    jacobian = ds.sparse_jacobian(_stencil)
    x = np.random.default_rng(3).normal(size=64**2)
    first, second = jacobian(x), jacobian(2 * x)
    assert second.indices is first.indices
    assert second.indptr is first.indptr
    assert not np.shares_memory(first.data, second.data)
    assert first.has_canonical_format
    with pytest.raises(ValueError, match="read-only"):
        first.indices[0] = 1


def test_out_is_filled_in_place():
    jacobian = ds.sparse_jacobian(_stencil)
    x = np.random.default_rng(4).normal(size=64**2)
    J = jacobian(x)
    entries = J.data
    for scale in (2.0, 3.0, 4.0):
        assert jacobian(scale * x, out=J) is J
        assert J.data is entries
        np.testing.assert_array_equal(entries, jacobian(scale * x).data)
    assert jacobian(x, out=entries) is entries
    np.testing.assert_array_equal(entries, jacobian(x).data)


def test_out_allocates_nothing():
    jacobian = ds.sparse_jacobian(_stencil)
    x = np.random.default_rng(5).normal(size=64**2)
    J = jacobian(x)
    jacobian(x, out=J), jacobian(x, out=J)
    tracemalloc.start()
    jacobian(x, out=J)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2000 < J.data.nbytes


def test_out_with_equal_index_arrays_of_its_own():
    jacobian = ds.sparse_jacobian(_stencil)
    x = np.random.default_rng(6).normal(size=64**2)
    own = jacobian(x).copy()
    assert jacobian(2 * x, out=own) is own
    np.testing.assert_array_equal(own.data, jacobian(2 * x).data)


@pytest.mark.parametrize("shift", [0, 3])
def test_entries_may_go_where_the_argument_is(shift):
    jacobian = ds.sparse_jacobian(lambda x: x[1:] * x[:-1])
    x = np.arange(1.0, 10.0)
    wanted = jacobian(x).data
    memory = np.zeros(16 + shift)
    for _ in range(3):
        memory[shift : shift + 9] = x
        np.testing.assert_array_equal(jacobian(memory[shift : shift + 9], out=memory[:16]), wanted)


def test_out_on_the_first_call():
    x = np.random.default_rng(7).normal(size=64**2)
    J = ds.sparse_jacobian(_stencil)(x)
    assert ds.sparse_jacobian(_stencil)(2 * x, out=J) is J
    np.testing.assert_array_equal(J.data, ds.sparse_jacobian(_stencil)(2 * x).data)


@pytest.mark.parametrize("backend", ["numba", "numpy"])
def test_out_that_does_not_fit(backend):
    jacobian = ds.sparse_jacobian(lambda x: x**2 - np.roll(x, 1), backend=backend)
    x = np.arange(1.0, 9.0)
    J = jacobian(x)
    others = [
        (J.astype(np.float32), "entries of float32, the result of float64"),
        (J[:, ::-1], "16 entries, the result 16, at other places"),
        (J[:4], r"shape \(4, 8\), the result \(8, 8\)"),
        (J.tocsc(), "format 'csc', the result 'csr'"),
        (J.data[:-1], r"shape \(15,\), the result of shape \(16,\)"),
        (J.data.astype(np.float32), "float32"),
        (J.data[::-1], "do not follow each other"),
        (np.frombuffer(bytearray(8 * J.nnz + 8), np.float64, J.nnz + 1)[1:].view(np.int64), "int64"),
        (np.frombuffer(bytearray(8 * J.nnz + 3), np.uint8)[3:].view(np.float64), "misaligned"),
        (np.frombuffer(bytes(8 * J.nnz), np.float64), "read-only"),
        (J.astype(complex), "complex128"),
        (_wider(jacobian(x)), "the result"),
        (3.0, "type float"),
        (list(J.data), "type list"),
    ]
    for _ in range(2):
        for other, wrong in others:
            with pytest.raises(
                ValueError, match=f"out= .*{wrong}.*: give a matrix that this function returned"
            ):
                jacobian(x, out=other)
        jacobian(x, out=J)


def _wider(J):
    """Return the matrix with two more columns; it keeps its index arrays."""
    J.resize(J.shape[0], J.shape[1] + 2)
    return J


def test_threads_fill_memory_of_their_own():
    jacobian = ds.sparse_jacobian(lambda x: np.roll(np.sin(x), 2) * np.roll(x, 1))
    points = [np.linspace(k, k + 1, 40) for k in range(4)]
    expected = [jacobian(x) for x in points]
    wrong = []

    def work(x, wanted):
        own = wanted.copy()
        for _ in range(300):
            own.data[:] = 0
            if not np.array_equal(jacobian(x, out=own.data), wanted.data):
                wrong.append(x)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(points, expected, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# ---- programs that change ----------------------------------------------------------------------------


def test_branches_have_patterns_of_their_own():
    def f(x):
        return x**2 if x[0] > 0 else x * np.roll(x, 1)

    jacobian = ds.sparse_jacobian(f)
    x = np.arange(1.0, 9.0)
    for sign in (1, -1, 1):
        J = jacobian(sign * x)
        assert J.nnz == (8 if sign > 0 else 16)
        _close(J.toarray(), ds.jacobian(f)(sign * x))
    with pytest.raises(ValueError, match="out="):
        jacobian(-x, out=jacobian(x))


def test_closures_are_read_again():
    scale = np.ones(6)
    jacobian = ds.sparse_jacobian(lambda x: scale * x**2)
    x = np.arange(1.0, 7.0)
    J = jacobian(x)
    scale = 3 * np.ones(6)
    _close(jacobian(x).data, 6 * x)
    for factor in (4, 5):
        scale = factor * np.ones(6)
        _close(jacobian(x, out=J).data, 2 * factor * x)


def test_indices_that_change_make_another_pattern():
    jacobian = ds.sparse_jacobian(lambda x, which: x[which] ** 2)
    x = np.arange(1.0, 7.0)
    for which in (np.array([0, 2, 4]), np.array([5, 5, 1]), np.array([0, 2, 4])):
        expected = np.zeros((3, 6))
        expected[np.arange(3), which] = 2 * x[which]
        J = jacobian(x, which)
        assert J.nnz == 3
        _close(J.toarray(), expected)
        _close(ds.jit(lambda x, which: jacobian(x, which).toarray())(x, which), expected)


def test_keywords_and_static_arguments():
    jacobian = ds.sparse_jacobian(lambda x, power, factor=1.0: factor * x**power)
    x = np.arange(1.0, 5.0)
    _close(jacobian(x, 2).data, 2 * x)
    _close(jacobian(x, 3, factor=2.0).data, 6 * x**2)


# ---- containers --------------------------------------------------------------------------------------


def test_containers_are_taken_apart_in_their_order():
    def f(p, s):
        return {"a": p["u"] * p["w"][0] * s, "b": p["w"] ** 2, "n": 3}

    p = {"u": np.arange(1.0, 5.0), "w": np.arange(5.0, 8.0)}
    J = ds.sparse_jacobian(f)(p, 2.0).toarray()
    blocks = ds.jacobian(f)(p, 2.0)
    _close(J[:4], np.concatenate([blocks["a"]["u"], blocks["a"]["w"]], axis=1))
    _close(J[4:7], np.concatenate([blocks["b"]["u"], blocks["b"]["w"]], axis=1))
    assert J.shape == (8, 7)
    assert not J[7].any()


@pytest.mark.filterwarnings("ignore:.*computed as a dense matrix")
def test_several_arguments_stand_side_by_side():
    def f(x, y, z):
        return x[:, None] * y * z

    x, y, z = np.arange(1.0, 4.0), np.arange(1.0, 5.0), 2.0
    J = ds.sparse_jacobian(f, argnums=(0, 1))(x, y, z)
    over_x, over_y = ds.jacobian(f, argnums=(0, 1))(x, y, z)
    _close(J.toarray(), np.concatenate([over_x.reshape(12, 3), over_y.reshape(12, 4)], axis=1))
    _close(ds.sparse_jacobian(f, argnums=-1)(x, y, z).toarray()[:, 0], (x[:, None] * y).ravel())


# ---- colorings that are given ------------------------------------------------------------------------


def test_a_coloring_from_outside():
    f = _program(["neighbours"])
    x = np.random.default_rng(8).normal(size=SIZE)
    pattern = ds.sparse_jacobian(f).plan(x).pattern
    for kind in ("column", "row", "bidirectional"):
        coloring = ds.coloring.color(pattern, kind=kind)
        jacobian = ds.sparse_jacobian(f, coloring=coloring)
        assert jacobian.plan(x).mode != "direct"
        np.testing.assert_array_equal(jacobian.plan(x).coloring.column_colors, coloring.column_colors)
        _close(jacobian(x).toarray(), ds.jacobian(f)(x))


def test_a_coloring_that_does_not_fit():
    f = _program(["neighbours"])
    x = np.ones(SIZE)
    with pytest.raises(ValueError, match="have the same color"):
        ds.sparse_jacobian(f, coloring=ds.coloring.color(np.eye(SIZE)))(x)
    with pytest.raises(ValueError, match="shape"):
        ds.sparse_jacobian(f, coloring=ds.coloring.color(np.eye(3)))(x)
    with pytest.raises(TypeError, match="Coloring"):
        ds.sparse_jacobian(f, coloring=3)
    with pytest.raises(TypeError, match="'column'"):
        ds.sparse_jacobian(f, coloring=ds.coloring.color(np.eye(SIZE), kind="star"))
    with pytest.raises(ValueError, match="column coloring"):
        ds.sparse_jacobian(f, mode="reverse", coloring=ds.coloring.color(np.eye(SIZE)))
