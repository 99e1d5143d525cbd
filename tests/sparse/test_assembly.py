"""Matrices assembled of traced entries: finite elements, with solves, derivatives and sparse derivatives."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp
from scipy.sparse import linalg as sla

import diffsci as ds
from diffsci.graph import interpreter
from diffsci.tracing import trace_function


class Poisson:
    """-div(k grad u) = s on the unit square, linear triangles, u = 0 on the boundary, k by elements.

    See C. Johnson, Numerical Solution of Partial Differential Equations by the Finite Element Method, 1.8.
    """

    def __init__(self, n):
        across = np.arange(n + 1)
        self.points = np.stack(np.meshgrid(across, across, indexing="ij"), -1).reshape(-1, 2) / n
        corner = (across[:-1, None] * (n + 1) + across[:-1]).ravel()
        lower = np.stack([corner, corner + n + 1, corner + 1], 1)
        upper = np.stack([corner + n + 2, corner + 1, corner + n + 1], 1)
        self.triangles = np.concatenate([lower, upper])
        inside = np.all((self.points > 0) & (self.points < 1), axis=1)
        self.inner = np.flatnonzero(inside)
        a, b, c = (self.points[self.triangles[:, k]] for k in range(3))
        edges = np.stack([c - b, a - c, b - a], 1)
        self.area = 0.5 * np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
        self.local = np.einsum("eid,ejd->eij", edges, edges) / (4 * self.area[:, None, None])
        self.load = np.bincount(self.triangles.ravel(), np.repeat(self.area / 3, 3))
        self.rows = np.repeat(self.triangles, 3, axis=1).ravel()
        self.columns = np.tile(self.triangles, 3).ravel()

    def stiffness(self, k, assemble=sp.coo_array):
        entries = (k[:, None, None] * self.local.astype(k.dtype)).ravel()
        size = self.points.shape[0]
        return assemble((entries, (self.rows, self.columns)), shape=(size, size)).tocsr()

    def solution(self, k, source=1.0, assemble=sp.coo_array):
        A = self.stiffness(k, assemble)[self.inner][:, self.inner]
        return sla.spsolve(A.tocsc(), source * self.load[self.inner])


MESH = Poisson(6)
RNG = np.random.default_rng(0)
K = RNG.uniform(0.5, 2.0, MESH.area.size)
MOVED = RNG.normal(size=K.size)


def compliance(k):
    u = MESH.solution(k, 2.0)
    return np.sum(u**2) + u @ MESH.load[MESH.inner]


ASSEMBLIES = {
    "coo_array": sp.coo_array,
    "csr_array": sp.csr_array,
    "csc_array": sp.csc_array,
    "coo_matrix": sp.coo_matrix,
    "csr_matrix": sp.csr_matrix,
}


@pytest.mark.parametrize("name", ASSEMBLIES)
def test_solutions_and_gradients(name):
    def f(k):
        u = MESH.solution(k, 2.0, ASSEMBLIES[name])
        return np.sum(u**2) + u @ MESH.load[MESH.inner]

    slope = f(K + 1e-30j * MOVED).imag / 1e-30  # the complex step, by SciPy alone
    compiled = ds.jit(ds.value_and_grad(f))
    for k in (K, 2 * K[::-1]):
        value, gradient = compiled(k)
        np.testing.assert_allclose(value, f(k), rtol=1e-12)
        np.testing.assert_allclose(gradient, ds.grad(f)(k), rtol=1e-11, atol=1e-14)
    np.testing.assert_allclose(ds.jvp(f, (K,), (MOVED,))[1], slope, rtol=1e-12)
    np.testing.assert_allclose(ds.grad(f)(K) @ MOVED, slope, rtol=1e-12)


def test_second_derivatives():
    product = ds.hvp(compliance, (K,), (MOVED,))
    ahead, behind = (ds.grad(compliance)(K + h * MOVED) for h in (1e-5, -1e-5))
    np.testing.assert_allclose(product, (ahead - behind) / 2e-5, rtol=1e-6, atol=1e-8)


def test_the_exact_solution_is_approached():
    """-laplace u = 1: the largest value on the unit square is 0.0736713... (a Fourier series)."""
    odd = np.arange(1, 200, 2)
    i, j = np.meshgrid(odd, odd, indexing="ij")
    middle = np.sum(16 / (np.pi**4 * i * j * (i**2 + j**2)) * np.sin(i * np.pi / 2) * np.sin(j * np.pi / 2))
    errors = []
    for n in (8, 16):
        mesh = Poisson(n)
        u = ds.jit(mesh.solution)(np.ones(mesh.area.size))
        errors.append(abs(np.max(u) - middle))
    assert errors[1] < errors[0] / 3.5 < 1e-3


def test_entries_are_sparse_in_coefficients():
    """Every entry belongs to few elements: the Jacobian of the assembled entries is as sparse."""
    entries = ds.sparse_jacobian(lambda k: MESH.stiffness(k).data)
    J = entries(K)
    assert J.nnz == np.count_nonzero(MESH.local)  # right angles: some entries are zero
    np.testing.assert_allclose(J @ K, MESH.stiffness(K).data, rtol=1e-13, atol=1e-15)
    size = MESH.points.shape[0]
    residual = ds.sparse_jacobian(lambda u, k: MESH.stiffness(k) @ u - MESH.load)
    found = residual(RNG.normal(size=size), K)
    A = MESH.stiffness(K)
    assert found.nnz == np.count_nonzero(A.toarray())
    np.testing.assert_allclose(found.toarray(), A.toarray(), rtol=1e-13, atol=1e-14)


def test_nonlinear_problem_by_newton():
    """-div((1 + u^2) grad u) = s by Newton's method: each step solves with the assembled tangent."""
    rows = MESH.triangles

    def residual(u, s):
        whole = np.zeros(MESH.points.shape[0])
        whole[MESH.inner] = u
        k = 1 + np.mean(whole[rows], axis=1) ** 2
        return (MESH.stiffness(k) @ whole - s * MESH.load)[MESH.inner]

    tangent = ds.sparse_jacobian(residual)

    def peak(s):
        u = np.zeros(MESH.inner.size)
        for _ in range(6):
            u = u - sla.spsolve(tangent(u, s), residual(u, s))
        return np.max(u)

    slope = ds.jit(ds.grad(peak))(20.0)
    h = 1e-3
    expected = (peak(20 + h) - peak(20 - h)) / (2 * h)
    np.testing.assert_allclose(slope, expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtypes_and_backends(dtype):
    def f(k):
        A = MESH.stiffness(k)
        return A @ A.diagonal(), A

    k = K.astype(dtype)
    found, A = ds.jit(f)(k)
    assert found.dtype == A.dtype == dtype
    tolerance = 20 * np.finfo(dtype).eps
    np.testing.assert_allclose(A.toarray(), MESH.stiffness(k).toarray(), rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(found, f(k)[0], rtol=tolerance, atol=10 * tolerance)
    np.testing.assert_allclose(ds.jit(f, backend="numpy")(k)[0], found, rtol=tolerance, atol=10 * tolerance)
    traced = trace_function(lambda k: f(k)[0], (k,))
    values = interpreter.run(traced.graph, [traced.values[x] for x in traced.graph.inputs])
    np.testing.assert_allclose(values[0], found, rtol=tolerance, atol=10 * tolerance)


def test_complex_entries():
    def f(z):
        return sp.csr_array((z, ([0, 1, 1, 0], [0, 1, 0, 0])), shape=(2, 2)) @ np.array([1.0, 2.0])

    z = np.array([1 + 2j, 3.0, 1j, -1 + 1j])
    np.testing.assert_allclose(ds.jit(f)(z), f(z), rtol=1e-15)


def test_over_members_and_in_loops():
    many = np.stack([K, 2 * K, K[::-1]])
    found = ds.jit(ds.vmap(MESH.solution))(many)
    np.testing.assert_allclose(found, [MESH.solution(k) for k in many], rtol=1e-12)

    def relaxed(k):
        A = MESH.stiffness(k)
        return ds.fori_loop(0, 4, lambda _, u: u - 0.05 * (A @ u - MESH.load), np.zeros(A.shape[0]))

    np.testing.assert_allclose(ds.jit(relaxed)(K), relaxed(K), rtol=1e-13)
    assert ds.check_all(lambda k: np.sum(relaxed(k) ** 2), K).passed


CONSTRUCTORS = {
    "indptr": lambda x: sp.csr_array((x, [0, 2, 1, 0, 2], [0, 2, 2, 5]), shape=(3, 3)),
    "csc by indptr": lambda x: sp.csc_array((x, [0, 2, 1, 0, 2], [0, 2, 3, 5])),
    "entries of a list": lambda x: sp.coo_array(([x[0], 2.0, x[1] * x[2]], ([0, 1, 1], [2, 0, 0]))),
    "shape inferred": lambda x: sp.coo_array((x, ([0, 5, 2, 2, 1], [1, 0, 3, 3, 2]))),
    "dia_array": lambda x: sp.dia_array((np.array([x, 2 * x]), [0, -2]), shape=(5, 5)),
    "diags": lambda x: sp.diags([x, x[1:], 3.0], [0, 1, -1], shape=(5, 5)),
    "diags of rows": lambda x: sp.diags_array(x, format="csr"),
    "diags_array": lambda x: sp.diags_array([x[:3], -3 * x[:3]], offsets=[0, 1], shape=(3, 4)),
    "spdiags": lambda x: sp.spdiags(np.array([x, x**2]), [0, 1], 5, 5),
    "of another": lambda x: sp.csc_array(sp.coo_matrix((x, (np.arange(5), np.arange(5)[::-1])))),
    "with dtype": lambda x: sp.csr_array((x, (np.arange(5), np.arange(5))), dtype=np.float32),
    "with its own copy": lambda x: sp.csr_matrix(sp.csr_array((x, (np.arange(5), np.arange(5)))), copy=True),
    "no entries": lambda x: sp.csr_array((x[:0], ([], [])), shape=(2, 3)),
}


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_constructors(name):
    make = CONSTRUCTORS[name]
    x = np.array([1.5, -0.5, 2.0, 0.25, 3.0])
    for point in (x, 2 * x):
        expected, found = make(point), ds.jit(make)(point)
        assert type(found) is type(expected)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found.toarray(), expected.toarray(), rtol=1e-6)
    pulled = ds.jit(ds.grad(lambda x: np.sum(np.sin(make(x).toarray()))))
    slope = ds.complex_step(lambda t: np.sum(np.sin(make(x + t * x).toarray())), 0.0)
    if name != "with dtype":
        np.testing.assert_allclose(pulled(x) @ x, slope, rtol=1e-12, atol=1e-14)


def test_what_is_read_from_outside_is_read_again():
    entries = np.array([1.0, 2.0])
    places = np.array([0, 1])
    f = ds.jit(lambda v: sp.csr_array((entries, (places, places))) @ v)
    v = np.array([1.0, 1.0])
    np.testing.assert_array_equal(f(v), [1.0, 2.0])
    entries[1] = 5.0
    np.testing.assert_array_equal(f(v), [1.0, 5.0])
    places[:] = [1, 0]
    np.testing.assert_array_equal(f(v), [5.0, 1.0])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda x, k: sp.csr_array((x, (k, k)), shape=(3, 3)), "indices that depend on arguments"),
        (lambda x, k: sp.csr_array((x, k, [0, 1, 2, 3])), "indices that depend on arguments"),
        (lambda x, k: sp.coo_array((x, ([0, 1], [0, 1]))), "same length"),
        (lambda x, k: sp.coo_array((x, ([0, 1, 9], [0, 1, 2])), shape=(3, 3)), "exceeds"),
        (lambda x, k: sp.coo_array((x, ([0, 1, -1], [0, 1, 2])), shape=(3, 3)), "negative"),
        (lambda x, k: sp.csr_array((x, [0, 1, 2], [0, 3]), shape=(3, 3)), "index pointer"),
        (lambda x, k: sp.diags([x, x[:2]], [0, 0]), "does not agree"),
        (lambda x, k: sp.bsr_array((x.reshape(3, 1, 1), [0, 1, 2], [0, 1, 2, 3])), "csr_array"),
    ],
)
def test_bad_input_is_refused_with_the_line(make, message):
    with pytest.raises((ds.UnsupportedError, ValueError), match=message) as caught:
        ds.jit(make)(np.array([1.0, 2.0, 3.0]), np.array([0, 1, 2]))
    assert "test_assembly.py" in str(caught.value)
