"""Derivatives at equal eigenvalues and singular values: limits where the question has one, else an error.

The judges: polynomials of a symmetric matrix, whose derivatives are sums of products; scipy.linalg's Frechet
derivatives; and closed forms.
"""

import numpy as np
import pytest
import scipy.linalg as sl

import diffsci as ds
from diffsci.errors import DegenerateError

la = np.linalg
RNG = np.random.default_rng(11)
TURN = la.qr(RNG.normal(size=(4, 4)))[0]
WEIGHTS = RNG.normal(size=(4, 4))
STEP = (lambda x: x + x.T)(RNG.normal(size=(4, 4)))
SPECTRA = ([1, 1, 1, 1], [0, 0, 0, 0], [1, 1, 2, 3], [0, 0, 0, 3], [2, 2, 5, 5], [-1, 0, 0, 1])
TURNS = {"diagonal": np.eye(4), "turned": TURN}


def symmetric(values, turn=TURN):
    a = (turn * np.array(values, float)) @ turn.T
    return (a + a.T) / 2


def of_matrix(f):
    def applied(a):
        w, v = la.eigh(a)
        return (v * f(w)) @ v.T

    return applied


def cube(x):
    return np.sum(WEIGHTS * of_matrix(lambda w: w**3)(x))


def of_lower(x):
    """The gradient with respect to the lower triangle, which is what eigh reads."""
    return np.tril(x + x.T) - np.diag(np.diag(x))


FUNCTIONS = {
    "itself": (lambda w: w, lambda a, e: e),
    "cube": (lambda w: w**3, lambda a, e: e @ a @ a + a @ e @ a + a @ a @ e),
    "exp": (np.exp, lambda a, e: sl.expm_frechet(a, e)[1]),
    "inverse": (lambda w: 1 / (w + 2), lambda a, e: -la.solve(b := a + 2 * np.eye(4), la.solve(b, e).T).T),
}


# functions of symmetric matrices --------------------------------------------------------------------


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("values", SPECTRA, ids=str)
@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_of_matrices_in_every_mode(name, values, turn):
    f, truth = FUNCTIONS[name]
    a, f = symmetric(values, TURNS[turn]), of_matrix(f)
    expected = truth(a, STEP)
    size = 1 + np.abs(expected).max()
    lower = np.tril(STEP)

    def question(x):
        return np.sum(WEIGHTS * f(x))

    along = ds.jvp(f, (a,), (lower,))[1]
    np.testing.assert_allclose(along, expected, atol=2e-14 * size)
    np.testing.assert_allclose(ds.linearize(f, a)[1](lower), expected, atol=2e-14 * size)
    for gradient in (ds.grad(question)(a), ds.jit(ds.grad(question))(a), ds.vjp(f, a)[1](WEIGHTS)[0]):
        assert np.sum(gradient * lower) == pytest.approx(np.sum(WEIGHTS * expected), abs=1e-13 * size)
    for mode in ("forward", "reverse"):
        jacobian = ds.jacobian(f, mode=mode)(a)
        np.testing.assert_allclose(np.sum(jacobian * lower, axis=(2, 3)), expected, atol=4e-14 * size)


@pytest.mark.parametrize("values", SPECTRA, ids=str)
def test_second_derivatives_in_every_nesting(values):
    a = symmetric(values)

    m, e = WEIGHTS, STEP
    bend = m @ (e @ a + a @ e) + e @ m @ a + a @ m @ e + (e @ a + a @ e) @ m  # of m a a + a m a + a a m
    expected = of_lower(bend.T)
    lower = np.tril(e)
    found = [
        ds.hvp(cube, (a,), (lower,)),
        ds.jit(lambda x: ds.hvp(cube, (x,), (lower,)))(a),
        np.sum(ds.hessian(cube)(a) * lower, axis=(2, 3)),
        ds.grad(lambda x: np.sum(lower * ds.grad(cube)(x)))(a),
        ds.grad(lambda x: ds.jvp(cube, (x,), (lower,))[1])(a),
    ]
    for hessian in found:
        np.testing.assert_allclose(hessian, expected, atol=1e-12)
    second = ds.jvp(lambda x: ds.jvp(cube, (x,), (lower,))[1], (a,), (lower,))[1]
    assert second == pytest.approx(np.sum(expected * lower), abs=1e-12)
    assert 2 * ds.taylor(cube, (a,), (lower,), 2)[2] == pytest.approx(second, abs=1e-12)


def test_one_decomposition_behind_another():
    root = of_matrix(np.sqrt)
    a = symmetric([16, 16, 16, 81])
    expected = sl.fractional_matrix_power

    def fourth(x):
        return root(root(x))

    found = ds.jvp(fourth, (a,), (np.tril(STEP),))[1]
    w, v = la.eigh(a)
    powers = w**0.25
    gap = w[:, None] - w
    table = np.where(np.abs(gap) > 1, (powers[:, None] - powers) / np.where(gap == 0, 1, gap), 0)
    table[:3, :3], table[3, 3] = 0.25 * 16**-0.75, 0.25 * 81**-0.75
    np.testing.assert_allclose(found, v @ (table * (v.T @ STEP @ v)) @ v.T, atol=1e-14)
    np.testing.assert_allclose(fourth(a), expected(a, 0.25), atol=1e-13)
    gradient = ds.grad(lambda x: np.sum(WEIGHTS * fourth(x)))(a)
    assert np.sum(gradient * np.tril(STEP)) == pytest.approx(np.sum(WEIGHTS * found), abs=1e-13)


def test_stacks_and_vmap():
    stack = np.stack([symmetric(values) for values in SPECTRA] + [symmetric([1, 2, 3, 4])])
    exp = of_matrix(np.exp)

    def question(x):
        return np.sum(WEIGHTS * exp(x))

    def stacked(x):
        w, v = la.eigh(x)
        return np.sum(WEIGHTS * ((v * np.exp(w)[:, None, :]) @ np.swapaxes(v, 1, 2)))

    expected = np.stack([ds.grad(question)(x) for x in stack])
    for gradient in (ds.vmap(ds.grad(question)), ds.jit(ds.vmap(ds.grad(question))), ds.grad(stacked)):
        np.testing.assert_allclose(gradient(stack), expected, rtol=1e-12, atol=1e-12)


def test_single_precision():
    a = symmetric([1, 1, 1, 2]).astype(np.float32)
    gradient = ds.grad(lambda x: np.sum(WEIGHTS.astype(np.float32) * of_matrix(np.exp)(x)))(a)
    assert gradient.dtype == np.float32
    expected = np.sum(WEIGHTS * sl.expm_frechet(a.astype(float), STEP)[1])
    assert np.sum(gradient * np.tril(STEP)) == pytest.approx(expected, rel=1e-4)


def test_hermitian_matrices():
    turn = la.qr(RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3)))[0]
    weights = RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3))
    step = (lambda x: x + x.conj().T)(RNG.normal(size=(3, 3)) + 1j * RNG.normal(size=(3, 3)))
    lower = np.tril(step)
    for values in ([2, 2, 2], [1, 1, 3], [0, 0, 3]):
        a = (turn * np.array(values, float)) @ turn.conj().T
        a = (a + a.conj().T) / 2
        a[np.diag_indices(3)] = np.real(np.diag(a))

        def cube(x):
            w, v = la.eigh(x)
            return (v * w**3) @ np.conj(v).T

        expected = step @ a @ a + a @ step @ a + a @ a @ step
        np.testing.assert_allclose(ds.jvp(cube, (a,), (lower,))[1], expected, atol=1e-12)
        gradient = ds.grad(lambda x: np.real(np.sum(np.conj(weights) * cube(x))))(a)
        found = np.real(np.sum(np.conj(gradient) * lower))
        assert found == pytest.approx(np.real(np.sum(np.conj(weights) * expected)), abs=1e-11)


# values and spaces ----------------------------------------------------------------------------------


def test_equal_values_share_their_slope():
    a = symmetric([1, 1, 4, 4])
    first, second = TURN[:, :2] @ TURN[:, :2].T, TURN[:, 2:] @ TURN[:, 2:].T
    for values in (la.eigvalsh, sl.eigvalsh, lambda x: la.eigh(x)[0], lambda x: sl.eigh(x)[0]):
        for k, space in enumerate((first, first, second, second)):
            for g in (ds.grad(lambda x: values(x)[k]), ds.jit(ds.grad(lambda x: values(x)[k]))):  # noqa: B023
                np.testing.assert_allclose(g(a), of_lower(space) / 2, atol=1e-14)
        along = ds.jvp(values, (a,), (np.tril(STEP),))[1]
        shares = [np.sum(space * STEP) / 2 for space in (first, first, second, second)]
        np.testing.assert_allclose(along, shares, atol=1e-13)


def test_a_kink_beside_a_smooth_function():
    """w[0] shares its slope, and what is smooth keeps its own: the mean over bases is linear."""
    a = symmetric([1, 1, 4, 5])

    def both(x):
        w, v = la.eigh(x)
        return w[0] + np.sum(WEIGHTS * ((v * w**3) @ v.T))

    cube = a @ a
    expected = of_lower((WEIGHTS @ cube + a @ WEIGHTS @ a + cube @ WEIGHTS).T)
    expected += of_lower(TURN[:, :2] @ TURN[:, :2].T) / 2
    np.testing.assert_allclose(ds.grad(both)(a), expected, atol=1e-12)


def test_projectors_and_single_vectors():
    a = symmetric([1, 1, 1, 3])
    leading = TURN[:, 3]

    def projector(x):
        v = la.eigh(x)[1]
        return v[:, :3] @ v[:, :3].T

    expected = -(np.outer(leading, m := (np.eye(4) - np.outer(leading, leading)) @ STEP @ leading / 2))
    expected -= np.outer(m, leading)
    for f in (projector, lambda x: -np.outer(v := la.eigh(x)[1][:, 3], v)):
        np.testing.assert_allclose(ds.jvp(f, (a,), (np.tril(STEP),))[1], expected, atol=1e-14)
        gradient = ds.grad(lambda x: np.sum(WEIGHTS * f(x)))(a)  # noqa: B023
        assert np.sum(gradient * np.tril(STEP)) == pytest.approx(np.sum(WEIGHTS * expected), abs=1e-13)


def test_values_alone_inside_loops():
    def body(x, _):
        return x + 0.1 * np.sum(la.eigvalsh(x) ** 2) * np.eye(2), la.eigvalsh(x)

    def total(x):
        return np.sum(ds.scan(body, x, np.zeros(3))[0])

    a, e = np.eye(2), np.array([[0.3, 0.0], [0.2, -0.1]])
    forward = ds.jvp(total, (a,), (e,))[1]
    assert np.sum(ds.jit(ds.grad(total))(a) * e) == pytest.approx(forward, rel=1e-13)


# singular values ------------------------------------------------------------------------------------

LEFT, RIGHT = la.qr(RNG.normal(size=(5, 3)))[0], la.qr(RNG.normal(size=(3, 3)))[0]
ACROSS, MOVE = RNG.normal(size=(2, 5, 3))


@pytest.mark.parametrize(
    "values", [[2, 2, 2], [3, 3, 1], [2, 0, 0], [2, 1, 0], [0, 0, 0], [1, 1, 0]], ids=str
)
@pytest.mark.parametrize("shape", ["tall", "wide"])
def test_singular_values(values, shape):
    a = (LEFT * np.array(values, float)) @ RIGHT.T
    turned = (lambda x: x) if shape == "tall" else np.transpose
    x, step, weights = turned(a), turned(MOVE), turned(ACROSS)

    def cube(y):
        u, s, vt = la.svd(y, full_matrices=False)
        return (u * s**3) @ vt

    expected = step @ x.T @ x + x @ step.T @ x + x @ x.T @ step
    np.testing.assert_allclose(ds.jvp(cube, (x,), (step,))[1], expected, atol=3e-13)
    for g in (ds.grad, lambda f: ds.jit(ds.grad(f))):
        gradient = g(lambda y: np.sum(weights * cube(y)))(x)
        assert np.sum(gradient * step) == pytest.approx(np.sum(weights * expected), abs=1e-12)
        gradient = g(lambda y: np.sum(la.svd(y, full_matrices=False)[1] ** 2))(x)
        np.testing.assert_allclose(gradient, 2 * x, atol=1e-14)
    positive = np.array(values) > 0
    polar = turned(LEFT[:, positive] @ RIGHT[:, positive].T)  # the derivative of |s| at 0 is 0
    for f in (
        lambda y: la.norm(y, "nuc"),
        lambda y: np.sum(la.svdvals(y)),
        lambda y: np.sum(la.svd(y, full_matrices=False)[1]),
    ):
        np.testing.assert_allclose(ds.grad(f)(x), polar, atol=1e-14)
    np.testing.assert_allclose(
        ds.jacobian(lambda y: (lambda u, s, vt: (u * s) @ vt)(*la.svd(y, full_matrices=False)))(x),
        np.eye(15).reshape(*x.shape, *x.shape),
        atol=1e-14,
    )


@pytest.mark.parametrize(("values", "slopes"), [([2, 2, 3], [6, 6, 4]), ([2, 2, 0], [0, 0, 0])])
def test_the_size_of_a_determinant(values, slopes):
    """|det| is a kink where it vanishes: the slopes on both sides are opposite, and their mean is 0."""
    gradient = ds.grad(lambda x: np.prod(la.svd(x)[1]))(np.diag(np.array(values, float)))
    np.testing.assert_allclose(gradient, np.diag(slopes), atol=1e-14)


# dependent columns ----------------------------------------------------------------------------------

COLUMNS = RNG.normal(size=(3, 5))
DEPENDENT = {
    "parallel": np.stack([COLUMNS[0], 2 * COLUMNS[0], COLUMNS[1]], axis=1),
    "one of them zero": np.stack([0 * COLUMNS[0], COLUMNS[0], COLUMNS[1]], axis=1),
    "a sum": np.stack([COLUMNS[0], COLUMNS[1], COLUMNS[0] + COLUMNS[1]], axis=1),
    "rank one": np.stack([COLUMNS[0], 2 * COLUMNS[0], -COLUMNS[0]], axis=1),
    "zero": np.zeros((5, 3)),
}


@pytest.mark.parametrize("name", DEPENDENT)
def test_qr_of_dependent_columns(name):
    a, weights = DEPENDENT[name], WEIGHTS[:3, :3]

    def product(x):
        q, r = la.qr(x)
        return q @ r

    def gram(x):
        r = la.qr(x)[1]
        return np.sum(weights * (r.T @ r))

    identity = np.eye(15).reshape(5, 3, 5, 3)
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ds.jacobian(product, mode=mode)(a), identity, atol=1e-13)
    both = weights + weights.T
    for gradient in (ds.grad(gram), ds.jit(ds.grad(gram)), lambda x: ds.vmap(ds.grad(gram))(x[None])[0]):
        np.testing.assert_allclose(gradient(a), a @ both, atol=1e-13)
    np.testing.assert_allclose(ds.hvp(gram, (a,), (MOVE,)), MOVE @ both, atol=1e-12)
    with pytest.raises(DegenerateError, match=r"columns? [012, ]+ depend.*ask for"):
        ds.grad(lambda x: np.sum(ACROSS * la.qr(x)[0]))(a)


def test_determinants_by_qr_of_singular_matrices():
    """All columns of Q but those at zeros are smooth, and so is the last one of a square matrix."""
    a = RNG.normal(size=(3, 3))
    a[:, 2] = a[:, 0] - a[:, 1]
    gradient = ds.grad(lambda x: np.prod(np.diag(la.qr(x)[1])))(a)
    cofactors = ds.grad(la.det)(a)
    np.testing.assert_allclose(np.abs(gradient), np.abs(cofactors), atol=1e-14)


@pytest.mark.parametrize("name", DEPENDENT)
def test_least_squares_of_constant_rank(name):
    """Along exp(t M) A exp(t N), of one rank, the solution of least norm is smooth: differences agree."""
    a, b = DEPENDENT[name], ACROSS[:, :1]
    m, n = RNG.normal(size=(5, 5)) / 3, RNG.normal(size=(3, 3)) / 3
    e = m @ a + a @ n  # tangent to the matrices of this rank

    def path(t):
        return sl.expm(t * m) @ a @ sl.expm(t * n)

    for f in (lambda x: la.pinv(x, rcond=1e-10), lambda x: la.lstsq(x, b, rcond=1e-10)[0]):
        h = 1e-3
        samples = {k: f(path(k * h)) for k in (-3, -2, -1, 1, 2, 3)}
        slope = 45 * (samples[1] - samples[-1]) - 9 * (samples[2] - samples[-2]) + samples[3] - samples[-3]
        found = ds.jvp(f, (a,), (e,))[1]
        np.testing.assert_allclose(found, slope / (60 * h), atol=1e-9 * (1 + np.abs(found).max()))


# close values ---------------------------------------------------------------------------------------


GAPS = {1e-16: 2e-12, 1e-14: 2e-12, 1e-12: 2e-13, 1e-8: 2e-13, 1e-6: 5e-11, 2e-5: 5e-9, 1e-3: 5e-11}


@pytest.mark.parametrize("gap", GAPS)
def test_close_values_lose_no_more_than_six_digits(gap):
    """By rounding eps / gap, by the limit gap^2: they meet at the cube root of eps."""
    a = symmetric([1, 1 + gap, 2, 3])
    expected = sl.expm_frechet(a, STEP)[1]
    found = ds.jvp(of_matrix(np.exp), (a,), (np.tril(STEP),))[1]
    np.testing.assert_allclose(found, expected, atol=GAPS[gap] * np.abs(expected).max())
    gradient = ds.jit(ds.grad(lambda x: np.sum(WEIGHTS * of_matrix(np.exp)(x))))(a)
    atol = GAPS[gap] * np.abs(expected).max() * 10
    assert np.sum(gradient * np.tril(STEP)) == pytest.approx(np.sum(WEIGHTS * expected), abs=atol)


@pytest.mark.parametrize("gap", [1e-10, 1e-6])
def test_close_values_are_no_tie(gap):
    """w[0] belongs to one vector as long as there is a gap, also beside a smooth function."""
    a = np.diag([1.0, 1.0 + gap, 2.0])

    def both(x):
        w, v = la.eigh(x)
        return w[0] + np.sum(WEIGHTS[:3, :3] * ((v * w) @ v.T))

    expected = np.diag([1.0, 0, 0]) + of_lower(WEIGHTS[:3, :3])
    np.testing.assert_allclose(ds.grad(both)(a), expected, atol=1e-5)


@pytest.mark.parametrize("gap", [1e-12, 1e-9, 1e-6])
def test_close_columns_and_small_singular_values(gap):
    a = DEPENDENT["parallel"] + gap * np.outer(COLUMNS[2], [0, 1, 0])
    for f in (
        lambda x: (lambda q, r: q @ r)(*la.qr(x)),
        lambda x: (lambda u, s, vt: (u * s) @ vt)(*la.svd(x, full_matrices=False)),
    ):
        for mode in ("forward", "reverse"):
            identity = np.eye(15).reshape(5, 3, 5, 3)
            np.testing.assert_allclose(ds.jacobian(f, mode=mode)(a), identity, atol=1e-9)


@pytest.mark.parametrize("gap", [1e-9, 1e-7])
def test_vectors_of_close_values_keep_their_derivative(gap):
    """A question about the basis has an answer while the values differ: of [[1, o], [o, 1 + g]] in o."""
    off = gap / 3
    a = np.array([[1.0, off], [off, 1.0 + gap]])
    found = ds.grad(lambda x: la.eigh(x)[1][0, 0] ** 2)(a)[1, 0]
    assert found == pytest.approx(-2 * gap * off / np.hypot(gap, 2 * off) ** 3, rel=1e-16 / gap * 30)


# questions without an answer ------------------------------------------------------------------------


def first_vector(a):
    return np.sum(np.arange(4.0) * la.eigh(a)[1][:, 0] ** 2)


def angle(a):
    v = la.eigh(a)[1]
    return np.arctan2(v[1, 0], v[0, 0])


def weighted_vectors(a):
    return np.sum(WEIGHTS * la.eigh(a)[1])


def first_left_vector(a):
    return la.svd(a)[0][0, 0] ** 2


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("f", [first_vector, angle, weighted_vectors, first_left_vector])
def test_questions_about_the_basis_are_explained(f, turn):
    a = symmetric([1, 1, 1, 1] if f is first_left_vector else [1, 1, 2, 3], TURNS[turn])
    calls = [
        lambda: ds.grad(f)(a),
        lambda: ds.jit(ds.grad(f))(a),
        lambda: ds.jvp(f, (a,), (np.tril(STEP),)),
        lambda: ds.vjp(f, a)[1](1.0),
        lambda: ds.linearize(f, a)[1](np.tril(STEP)),
        lambda: ds.vmap(ds.grad(f))(a[None]),
    ]
    for call in calls:
        with pytest.raises(DegenerateError, match=r"test_degenerate\.py:\d+ in \w+.*coincide.*ask for"):
            call()


def test_a_cotangent_that_happens_to_fit_is_no_answer():
    """With the cotangent of V diag(w) V^T held fixed, the question depends on the basis."""
    a = symmetric([1, 1, 2, 3])
    (w, v), pullback = ds.vjp(lambda x: tuple(la.eigh(x)), a)
    with pytest.raises(DegenerateError, match="coincide"):
        pullback((np.ones(4), 2 * v * w))


def test_low_rank_approximations_that_cut_a_group():
    a = (LEFT * np.array([2.0, 2.0, 1.0])) @ RIGHT.T

    def cut(y):
        u, s, vt = la.svd(y, full_matrices=False)
        return np.sum(ACROSS * (s[0] * np.outer(u[:, 0], vt[0])))

    with pytest.raises(DegenerateError, match=r"singular values 0, 1 coincide \(2\)"):
        ds.grad(cut)(a)


def test_vectors_of_general_matrices_may_be_missing():
    def squared(x):
        w, v = la.eig(x)
        return np.sum((v * w**2) @ la.inv(v))

    a = np.diag([1.0, 1.0, 2.0])
    for call in (lambda: ds.grad(squared)(a), lambda: ds.jvp(squared, (a,), (np.ones((3, 3)),))):
        with pytest.raises(DegenerateError, match=r"eig .*test_degenerate\.py:\d+ in squared.*use numpy"):
            call()
    np.testing.assert_allclose(ds.grad(lambda x: np.sum(la.eigvals(x) ** 2))(a), 2 * a, atol=1e-14)
