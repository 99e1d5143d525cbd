"""root, fixed_point and linear_solve against closed forms, in every mode and structure."""

import numpy as np
import pytest
import scipy.sparse as sp

import diffsci as ds
from tests.transforms.common import MODES, agree

N = 6
A = np.array([3.0, 0.7])
B = np.linspace(1.0, 2.0, N)
TRIDIAGONAL = sp.diags([np.ones(N - 1), np.ones(N), np.ones(N - 1)], [-1, 0, 1])
MATRIX = np.array([[3.0, 0.5, 0.1], [0.2, 2.0, 0.3], [0.0, 0.4, 4.0]])
SPARSE = sp.csr_array(MATRIX)
C = np.array([1.0, 2.0, 3.0])


def circle(x, a):
    return np.array([x[0] ** 2 + x[1] ** 2 - a[0], x[0] - a[1] * x[1]])


def on_circle(a):
    y = np.sqrt(a[0] / (1.0 + a[1] ** 2))
    return np.array([a[1] * y, y])


def chain(x, a):
    """Chosen so that the solution is known: x_i**3 + x_i = a_i, written with coupled neighbours."""
    own = x + x**3 - a
    r = own.copy()
    r[1:] += 0.3 * own[:-1]
    r[:-1] -= 0.2 * own[1:]
    return r


def cardano(a):
    """The real root of x**3 + x = a."""
    s = np.sqrt(a**2 / 4.0 + 1.0 / 27.0)
    return np.cbrt(a / 2.0 + s) - np.cbrt(s - a / 2.0)


def by_chain(**options):
    return lambda a: np.sum(np.sin(ds.root(chain, np.zeros(N), a, **options)))


def container(a):
    found = ds.root(
        lambda s, p: (s["u"] - p["k"][0], s["v"] ** 2 - p["k"]), {"u": 1.0, "v": np.ones(2)}, {"k": a}
    )
    return found["u"] * np.sum(found["v"])


def branching(x, a):
    return x**3 - a if x < 1.2 else 1.2 * x**2 - a


def kepler(**options):
    return lambda e: ds.fixed_point(lambda E: 0.8 + np.sum(e) * np.sin(E), 1.0, **options)


def kepler_root(e):
    return ds.root(lambda E: E - 0.8 - np.sum(e) * np.sin(E), 1.0)


def products(c, x):
    return (MATRIX * c) @ x


def by_products(**options):
    return lambda c: np.sum(ds.linear_solve(lambda x: products(c, x), c, **options) ** 2)


def by_matrix(c):
    return np.sum(np.linalg.solve(MATRIX * c, c) ** 2)


def banded_matrix(c):
    bands = np.array([0.2 * c, c + 3.0, 0.1 * c])
    return np.sum(ds.linear_solve(bands, c, structure="banded", bands=(1, 1)) ** 2)


def banded_reference(c):
    matrix = np.diag(c + 3.0) + np.diag(0.1 * c[:-1], -1) + np.diag(0.2 * c[1:], 1)
    return np.sum(np.linalg.solve(matrix, c) ** 2)


CASES = {
    "system": (
        lambda a: np.sum(np.sin(ds.root(circle, np.ones(2), a))), lambda a: np.sum(np.sin(on_circle(a))), A,
    ),
    "closure": (
        lambda a: (lambda c: ds.root(lambda x: x**3 - c, 1.0))(a[0] * a[1]),
        lambda a: np.cbrt(a[0] * a[1]), A,
    ),
    "container": (container, lambda a: a[0] * np.sum(np.sqrt(a)), A),
    "branches": (lambda a: ds.root(branching, 0.5, a[0]), lambda a: np.sqrt(a[0] / 1.2), A),
    "dense": (by_chain(), lambda a: np.sum(np.sin(cardano(a))), B),
    "banded": (by_chain(structure="banded", bands=(1, 1)), lambda a: np.sum(np.sin(cardano(a))), B),
    "sparse": (by_chain(structure="sparse", pattern=TRIDIAGONAL), lambda a: np.sum(np.sin(cardano(a))), B),
    "sparse as traced": (by_chain(structure="sparse"), lambda a: np.sum(np.sin(cardano(a))), B),
    "matrix-free": (by_chain(structure="matrix-free"), lambda a: np.sum(np.sin(cardano(a))), B),
    "anderson": (kepler(), kepler_root, np.array([0.3, 0.2])),
    "plain iteration": (kepler(method="plain", structure="matrix-free"), kepler_root, np.array([0.3, 0.2])),
    "gmres": (by_products(), by_matrix, C),
    "bicgstab": (by_products(method="bicgstab"), by_matrix, C),
    "products as a matrix": (by_products(structure="dense"), by_matrix, C),
    "matrix": (lambda c: np.sum(ds.linear_solve(MATRIX * c, c) ** 2), by_matrix, C),
    "banded matrix": (banded_matrix, banded_reference, C),
    "sparse matrix": (
        lambda c: np.sum(ds.linear_solve(SPARSE, c) ** 3),
        lambda c: np.sum(np.linalg.solve(MATRIX, c) ** 3), C,
    ),
}  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("case", CASES)
def test_every_mode(case, mode):
    f, closed, x = CASES[case]
    agree(MODES[mode](f)(x), MODES[mode](closed)(x))


@pytest.mark.parametrize("case", CASES)
def test_compiled_at_other_points(case):
    f, closed, x = CASES[case]
    compiled = ds.jit(ds.value_and_grad(f))
    for factor in (1.0, 1.3, 0.8):
        for found, expected in zip(compiled(factor * x), ds.value_and_grad(closed)(factor * x), strict=True):
            agree(found, expected)


def test_conjugate_gradients():
    spd = MATRIX @ MATRIX.T

    def f(c):
        return np.sum(ds.linear_solve(lambda x: spd @ (x * 1.0) * c[0], c, method="cg"))

    agree(ds.hessian(f)(C), ds.hessian(lambda c: np.sum(np.linalg.solve(spd * c[0], c)))(C))


def test_many_solves_with_one_program_are_compiled():
    slope = ds.jit(ds.grad(lambda a: ds.root(lambda x: x**2 - a, 1.0)))
    for k in range(100):
        agree(slope(2.0 + k), 0.5 / np.sqrt(2.0 + k), 1e-13)


def test_the_start_has_no_derivative():
    assert ds.grad(lambda x0: ds.root(lambda x: x**3 - 8.0, x0))(1.0) == 0.0


def test_single_precision():
    a = A.astype(np.float32)
    found = ds.root(circle, np.ones(2, np.float32), a)
    assert found.dtype == np.float32
    agree(found, on_circle(A), 1e-6)
    gradient = ds.grad(lambda a: np.sum(ds.root(circle, np.ones(2, np.float32), a)))(a)
    assert gradient.dtype == np.float32
    agree(gradient, ds.grad(lambda a: np.sum(on_circle(a)))(A), 1e-5)


def test_a_hard_start_is_damped():
    """arctan diverges under Newton's full steps from here."""
    agree(1.0 + ds.root(np.arctan, 3.0), 1.0, 1e-15)


def test_inside_integrations_and_loops():
    from solvers import solve_ivp

    def final(rhs):
        return lambda p: np.sum(
            solve_ivp(rhs, (0, 1), np.array([1.0, 0.7]), args=(p,), rtol=1e-8, atol=1e-8).y[:, -1] ** 2
        )

    def implicit(t, y, p):
        return ds.root(lambda z: z**3 + z - (-p * y**3), -y)

    def explicit(t, y, p):
        return cardano(-p * y**3)

    agree(ds.value_and_grad(final(implicit))(0.8), ds.value_and_grad(final(explicit))(0.8), 1e-10)

    def iterated(a):
        return ds.fori_loop(0, 4, lambda i, x: ds.root(lambda z: z**2 - a * x, 1.0), 1.0)

    for make in (ds.grad, lambda f: ds.jit(ds.grad(f))):
        agree(make(iterated)(2.0), ds.grad(lambda a: a ** (15 / 16))(2.0))


FAILURES = {
    "no root": (lambda a: ds.root(lambda x: x**2 + a, 1.0), "did not converge"),
    "double root": (lambda a: ds.root(lambda x: x**2 * a, 1.0), "did not converge.*no derivative"),
    "constant": (lambda a: ds.root(lambda x: 0.0 * x + a, 1.0), "singular"),
    "jump": (lambda a: ds.root(lambda x: x + 2.0 if x > 0 else x - 2.0 * a, 1.0), "did not|between"),
    "no contraction": (
        lambda a: ds.fixed_point(lambda x: 2.0 * x + a, 1.0, method="plain"),
        "no contraction",
    ),
    "singular matrix": (lambda a: ds.linear_solve(lambda x: 0.0 * a * x, C), "singular"),
}


@pytest.mark.parametrize("case", FAILURES)
def test_failures_are_never_numbers(case):
    f, words = FAILURES[case]
    for make in (lambda f: f, ds.grad if "matrix" not in case else ds.jacobian):
        with pytest.raises(ds.EvaluationError, match=words):
            make(f)(1.0)


def test_compiled_failures_are_nan():
    f = ds.jit(ds.value_and_grad(lambda a: ds.root(lambda x: x**2 - a, 1.0)))
    agree(f(4.0), [2.0, 0.25])
    assert np.all(np.isnan(f(-1.0)))
    agree(f(9.0), [3.0, 1.0 / 6.0])


TOO_NARROW = {
    "root, bands": lambda a: ds.root(chain, cardano(B), a, structure="banded", bands=(0, 1)),
    "root, pattern": lambda a: ds.root(chain, cardano(B), a, structure="sparse", pattern=np.eye(N)),
    "fixed_point": lambda a: ds.fixed_point(
        lambda x, a: x - 0.1 * chain(x, a), np.ones(N), a, structure="banded", bands=(1, 0)
    ),
    "products, bands": lambda a: ds.linear_solve(
        lambda x: x + 0.1 * np.roll(x, 1), a, structure="banded", bands=(1, 1)
    ),
    "products, pattern": lambda a: ds.linear_solve(
        lambda x: MATRIX @ x, a[:3], structure="sparse", pattern=np.triu(np.ones((3, 3)))
    ),
}


@pytest.mark.parametrize("name", TOO_NARROW)
def test_bands_that_are_too_narrow_are_refused(name):
    for run in (TOO_NARROW[name], ds.jacobian(TOO_NARROW[name])):
        with pytest.raises(ValueError, match="outside the given bands or pattern"):
            run(B)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: ds.root(lambda x: np.array([x, x]), 1.0), ds.TraceError, "2 numbers for 1 unknowns"),
        (lambda: ds.root(circle, "start"), TypeError, "x0 is str"),
        (lambda: ds.root(circle, np.ones(2), A, structure="banded"), ValueError, "bands="),
        (lambda: ds.root(chain, B, B, structure="sparse", pattern=np.eye(2)), ValueError, "shape"),
        (lambda: ds.root(circle, np.ones(2), A, structure="full"), ValueError, "expected 'dense'"),
        (lambda: ds.root(circle, np.ones(2), A, method="secant"), ValueError, "expected 'newton'"),
        (lambda: ds.fixed_point(np.cos, 1.0, method="secant"), ValueError, "expected 'anderson'"),
        (lambda: ds.linear_solve(lambda x: x + 1.0, C), ds.TraceError, "not linear"),
        (
            lambda: ds.linear_solve(lambda x: x if x[0] > 0 else 2 * x, C),
            ds.TraceError,
            "on the vector",
        ),
        (lambda: ds.linear_solve(MATRIX, C, 1.0), TypeError, "callable"),
    ],
)
def test_bad_input(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize(("scale", "turn"), [(1.0, 1j), (1j, 1.0), (1 + 2j, 1 - 1j), (2.0, 3.0)])
def test_constant_sparse_matrices_solve_complex_systems(compiled, scale, turn):
    matrix = sp.csc_array(np.diag([1.0, 2.0, 3.0]) + np.eye(3, k=1)) * scale
    b = np.array([1.0, 2.0, 3.0])

    def solved(b):
        return ds.linear_solve(matrix, b * turn)

    run = ds.jit(solved) if compiled else solved
    np.testing.assert_allclose(run(b), np.linalg.solve(matrix.toarray(), b * turn), 1e-14, 1e-15)
    slope = ds.grad(lambda b: np.sum(np.abs(run(b)) ** 2))(b)
    inverse = np.linalg.inv(matrix.toarray()) * turn
    np.testing.assert_allclose(slope, 2 * (inverse.conj().T @ (inverse @ b)).real, 1e-13, 1e-14)


def test_constant_sparse_matrices_keep_single_precision():
    matrix = sp.csc_array(np.diag([1.0, 2.0, 4.0])).astype(np.float32)
    found = ds.linear_solve(matrix, np.ones(3, np.float32), structure="sparse")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, [1.0, 0.5, 0.25])
    with pytest.raises(ValueError, match="expected 'sparse'"):
        ds.linear_solve(matrix, np.ones(3), structure="banded")
