"""numpy.linalg, scipy.linalg and constant matrices of scipy.sparse.

LAPACK's complex routines conjugate; the twins of factorizations and spectra are the continuations that
`diffsci.evidence` has, which follow from defining equations and not from rules of derivatives.
"""

import functools

import numpy as np
import scipy.linalg as sl

from diffsci.evidence.continued_linalg import CONTINUED
from tests.laws.case import table
from tests.laws.domains import away, distinct, matrix, positive, real

la = np.linalg
VECTOR = real((4,))
SQUARE = matrix()
STACK = matrix((2, 3, 3))
SMALL = real((3, 3), low=-0.4, high=0.4)
SMALL_STACK = real((2, 3, 3), low=-0.4, high=0.4)
TALL = real((4, 3), low=-0.4, high=0.4)

chol, gram_schmidt, elimination, slogdet, pinv = (
    CONTINUED[name] for name in ("cholesky", "qr", "lu", "slogdet", "pinv")
)
eigh = functools.partial(CONTINUED["eigh"], driver="evd")
svd, eig = CONTINUED["svd"], CONTINUED["eig"]
APART = np.diag([1.0, 4.0, 8.0])
RECTANGLE = np.vstack([APART, [[0.5, -0.5, 0.2]]])
NINE = np.array([9.0, 0.0, 0.0, 0.0])
TURN = np.array([[1.0, -2.0, 0.3], [1.5, 0.8, -0.4], [0.2, 0.1, 5.0]])


def symmetric(x):
    """Symmetric, positive definite, with eigenvalues apart."""
    return x + np.swapaxes(x, -1, -2) + APART + np.eye(3)


def swapped(x):
    return np.swapaxes(x, -1, -2)


def euclidean(x):
    return np.sqrt(np.sum(x * x))


def reconstructed(w, v):
    return (v * np.exp(-w)) @ swapped(v)


def signless(w, v):
    """Eigenvectors up to their signs, which may differ from point to point."""
    return w, v * v[..., :1, :]


def signless_svd(u, s, vt):
    first = u[..., :1, :]
    return s, u * first, vt * swapped(first)


def weighed(wr, wi, vr, vi):
    """A number for each row of eigenvectors: neither their order nor their signs matter."""
    re, im = vr * vr[0] - vi * vi[0], vr * vi[0] + vi * vr[0]
    return np.sum(wr * re - wi * im, axis=1), np.sum(wi * im, axis=1), np.sum(wr**3), np.sum(wi**2)


def parts(w, v):
    return w.real, w.imag, v.real, v.imag


def lu_parts(a):
    packed, _, order = elimination(a)
    k = min(a.shape)
    lower = np.tril(packed[:, :k], -1) + np.eye(a.shape[0], k)
    return np.eye(a.shape[0])[:, order], lower, np.triu(packed[:k])


def by_singular_values(choose):
    return lambda x: choose(svd(x + RECTANGLE)[1])


def magnitude(x):
    """|x| continued from the real line."""
    return np.where(x.real < 0, -x, x)


def largest(x):
    return x.ravel()[np.argmax(x.real)]


def smallest(x):
    return x.ravel()[np.argmin(x.real)]


SYSTEMS = table(
    ("solve", lambda a, x: la.solve(a, x[:3]), (SQUARE, VECTOR)),
    ("solve with columns", lambda a: la.solve(a, a.T @ a), SQUARE),
    ("solve twice", lambda a, x: la.solve(a, la.solve(a.T, x[:3])), (SQUARE, VECTOR)),
    ("solve batch", lambda a: la.solve(a, a[..., :1] ** 2), STACK),
    ("solve one side stacked", lambda a: la.solve(a[0], swapped(a)), STACK),
    ("inv", lambda a: la.inv(a), SQUARE),
    ("inv stacked", lambda a: la.inv(a), STACK),
    ("tensorsolve", lambda a: la.tensorsolve(np.reshape(a, (3, 3, 1)), a[0]), SQUARE),
    ("tensorinv", lambda a: la.tensorinv(np.reshape(a, (3, 3, 1)), ind=1), SQUARE),
    ("scipy solve", lambda a, x: sl.solve(a, x[:3]), (SQUARE, VECTOR)),
    (
        "scipy solve pos",
        lambda a: sl.solve(symmetric(a), a[0], assume_a="pos"),
        SMALL,
        lambda a: la.solve(symmetric(a), a[0]),
    ),
    (
        "scipy solve sym lower",
        lambda a: sl.solve(symmetric(a), a, assume_a="sym", lower=True),
        SMALL,
        lambda a: la.solve(symmetric(a), a),
    ),
    (
        "scipy solve transposed",
        lambda a: sl.solve(a, a[0] ** 2, transposed=True),
        SQUARE,
        lambda a: la.solve(a.T, a[0] ** 2),
    ),
    ("scipy inv", lambda a: sl.inv(a), SQUARE),
    ("solve_triangular", lambda a, x: sl.solve_triangular(a, x[:3]), (SQUARE, VECTOR)),
    ("solve_triangular lower", lambda a: sl.solve_triangular(a, a.T, lower=True), SQUARE),
    ("solve_triangular trans", lambda a: sl.solve_triangular(a, a[1], trans="T", lower=True), SQUARE),
    ("solve_triangular unit", lambda a: sl.solve_triangular(a, a.T, trans=1, unit_diagonal=True), SMALL),
    (
        "solve_banded",
        lambda ab, x: sl.solve_banded((1, 2), ab + np.array([[0], [0], [6], [0]]), x[:, None] * np.ones(2)),
        (real((4, 4), low=-1, high=1), VECTOR),
    ),
    (
        "solveh_banded",
        lambda ab: sl.solveh_banded(ab + np.array([[0.0], [6.0]]), ab[0]),
        real((2, 4), low=-1, high=1),
        lambda ab: np.linalg.solve(
            np.diag(ab[1] + 6) + np.diag(ab[0, 1:], 1) + np.diag(ab[0, 1:], -1), ab[0]
        ),
    ),
    (
        "solve_toeplitz",
        lambda x: sl.solve_toeplitz((x + NINE, x), x),
        VECTOR,
        lambda x: la.solve(sl.toeplitz(x + NINE, x), x),
    ),
    (
        "solve_sylvester",
        lambda a: sl.solve_sylvester(a, a + 1, a**2),
        SQUARE,
        lambda a: CONTINUED["solve_sylvester"](a, a + 1, a**2, transposed=False),
    ),
    (
        "solve_continuous_lyapunov",
        lambda a: sl.solve_continuous_lyapunov(a, a**2),
        SQUARE,
        lambda a: CONTINUED["solve_sylvester"](a, a.T, a**2, transposed=False),
    ),
    (
        "toeplitz circulant hankel",
        lambda x: sl.toeplitz(x, x**2) @ sl.circulant(x) @ sl.hankel(x, x),
        VECTOR,
        lambda x: sl.toeplitz(x, x**2) @ sl.circulant(x) @ sl.hankel(x, x),
    ),
    ("block_diag", lambda a, x: sl.block_diag(a @ a, x, 2.0), (SQUARE, VECTOR)),
)

DETERMINANTS = table(
    ("det", lambda a: la.det(a), SQUARE),
    ("det of a batch", lambda a: la.det(a), matrix((2, 2, 2))),
    ("det of four rows", lambda a: la.det(a), matrix((4, 4))),
    ("det of few rows", lambda a: la.det(a[:1, :1]) * la.det(a[:2, :2]), SQUARE),
    ("scipy det", lambda a: sl.det(a), SQUARE),
    ("slogdet", lambda a: la.slogdet(a)[1], SQUARE, lambda a: slogdet(a)[1]),
    ("slogdet of a batch", lambda a: la.slogdet(-a), STACK, lambda a: slogdet(-a)),
)

FACTORIZATIONS = table(
    ("cholesky", lambda x: la.cholesky(symmetric(x)), SMALL, lambda x: chol(symmetric(x))),
    ("cholesky stacked", lambda x: la.cholesky(symmetric(x)), SMALL_STACK, lambda x: chol(symmetric(x))),
    (
        "cholesky of a triangle",
        lambda x: la.cholesky(x + APART + 1 * np.eye(3)),
        SMALL,
        lambda x: chol(x + APART + np.eye(3)),
    ),
    (
        "cholesky upper",
        lambda x: la.cholesky(symmetric(x), upper=True),
        SMALL,
        lambda x: chol(symmetric(x)).T,
    ),
    ("scipy cholesky", lambda x: sl.cholesky(symmetric(x)), SMALL, lambda x: chol(symmetric(x)).T),
    (
        "cho_solve",
        lambda x: sl.cho_solve(sl.cho_factor(symmetric(x)), x[0]),
        SMALL,
        lambda x: la.solve(symmetric(x), x[0]),
    ),
    (
        "cho_solve lower",
        lambda x: sl.cho_solve(sl.cho_factor(symmetric(x), lower=True), x),
        SMALL,
        lambda x: la.solve(symmetric(x), x),
    ),
    ("qr", lambda x: la.qr(x + RECTANGLE), TALL, lambda x: gram_schmidt(x + RECTANGLE)),
    ("qr r", lambda x: la.qr(x + APART, mode="r"), SMALL, lambda x: gram_schmidt(x + APART)[1]),
    ("qr stacked", lambda x: tuple(la.qr(x + APART)), SMALL_STACK, lambda x: gram_schmidt(x + APART)),
    (
        "qr wide",
        lambda x: la.qr((x + RECTANGLE).T)[1],
        TALL,
        lambda x: gram_schmidt((x + RECTANGLE).T[:, :3])[0].T @ (x + RECTANGLE).T,
    ),
    (
        "scipy qr economic",
        lambda x: sl.qr(x + RECTANGLE, mode="economic"),
        TALL,
        lambda x: gram_schmidt(x + RECTANGLE),
    ),
    (
        "scipy qr pivoting",
        lambda x: sl.qr(x + APART[::-1], pivoting=True)[1],
        SMALL,
        lambda x: gram_schmidt((x + APART[::-1])[:, ::-1])[1],
    ),
    ("lu", lambda x: sl.lu(x / 4 + TURN), SMALL, lambda x: lu_parts(x / 4 + TURN)),
    ("lu tall", lambda x: sl.lu(x + RECTANGLE)[1:], TALL, lambda x: lu_parts(x + RECTANGLE)[1:]),
    ("lu wide", lambda x: sl.lu((x + RECTANGLE).T)[1:], TALL, lambda x: lu_parts((x + RECTANGLE).T)[1:]),
    ("lu_solve", lambda x: sl.lu_solve(sl.lu_factor(x + TURN), x), SMALL, lambda x: la.solve(x + TURN, x)),
    (
        "lu_solve trans",
        lambda x: sl.lu_solve(sl.lu_factor(x + TURN), x[0], trans=1),
        SMALL,
        lambda x: la.solve((x + TURN).T, x[0]),
    ),
)

SPECTRA = table(
    ("eigh", lambda x: signless(*la.eigh(symmetric(x))), SMALL, lambda x: signless(*eigh(symmetric(x)))),
    (
        "eigh stacked",
        lambda x: signless(*la.eigh(symmetric(x))),
        SMALL_STACK,
        lambda x: signless(*eigh(symmetric(x))),
    ),
    ("eigh of a triangle", lambda x: la.eigh(x + APART, "U")[0], SMALL, lambda x: eigh((x + APART).T)[0]),
    ("eigvalsh", lambda x: la.eigvalsh(symmetric(x)), SMALL, lambda x: eigh(symmetric(x))[0]),
    (
        "matrix function by eigh",
        lambda x: reconstructed(*la.eigh(symmetric(x))),
        SMALL,
        lambda x: reconstructed(*eigh(symmetric(x))),
    ),
    (
        "scipy eigh",
        lambda x: signless(*sl.eigh(symmetric(x))),
        SMALL,
        lambda x: signless(*eigh(symmetric(x))),
    ),
    (
        "scipy eigh of two",
        lambda x: sl.eigvalsh(symmetric(x), np.eye(3) + x @ x.T / 4),
        SMALL,
        lambda x: generalized(symmetric(x), np.eye(3) + x @ x.T / 4),
    ),
    (
        "svd",
        lambda x: signless_svd(*la.svd(x + RECTANGLE, full_matrices=False)),
        TALL,
        lambda x: signless_svd(*svd(x + RECTANGLE)),
    ),
    (
        "svd wide",
        lambda x: signless_svd(*la.svd((x + RECTANGLE).T, full_matrices=False)),
        TALL,
        lambda x: signless_svd(*svd((x + RECTANGLE).T)),
    ),
    ("svd square", lambda x: signless_svd(*la.svd(x + TURN)), SMALL, lambda x: signless_svd(*svd(x + TURN))),
    (
        "svd values only",
        lambda x: la.svd(x + APART, compute_uv=False),
        SMALL_STACK,
        lambda x: svd(x + APART)[1],
    ),
    ("svdvals", lambda x: sl.svdvals(x + RECTANGLE), TALL, lambda x: svd(x + RECTANGLE)[1]),
    ("eig", lambda x: weighed(*parts(*la.eig(x / 4 + TURN))), SMALL, lambda x: weighed(*eig(x / 4 + TURN))),
    (
        "eig real",
        lambda x: weighed(*parts(*la.eig(x + 2 * APART))),
        SMALL,
        lambda x: weighed(*eig(x + 2 * APART)),
    ),
    (
        "eigvals",
        lambda x: np.sum(np.abs(la.eigvals(x + TURN)) ** 2),
        SMALL,
        lambda x: np.sum(eig(x + TURN)[0] ** 2 + eig(x + TURN)[1] ** 2),
    ),
    (
        "eigvals real",
        lambda x: np.sum(la.eigvals(x + 2 * APART) ** 3),
        SMALL,
        lambda x: np.sum(eig(x + 2 * APART)[0] ** 3),
    ),
    (
        "scipy eigvals",
        lambda x: np.sum(sl.eigvals(x + TURN).real ** 3),
        SMALL,
        lambda x: np.sum(eig(x + TURN)[0] ** 3),
    ),
    ("polar", lambda x: sl.polar(x + TURN), SMALL, lambda x: polar(x + TURN)),
    ("polar tall", lambda x: sl.polar(x + RECTANGLE), TALL, lambda x: polar(x + RECTANGLE)),
    (
        "polar wide",
        lambda x: sl.polar((x + RECTANGLE).T, side="left"),
        TALL,
        lambda x: tuple(part.T for part in polar(x + RECTANGLE)),
    ),
)


def generalized(a, b):
    factor = chol(b)
    half = la.solve(factor, a)
    return eigh(la.solve(factor, half.T))[0]


def polar(a):
    turned = CONTINUED["polar_factor"](a)
    return turned, turned.T @ a


LEAST_SQUARES = table(
    (
        "lstsq",
        lambda x: la.lstsq(x + RECTANGLE, x[:, 0])[:2],
        TALL,
        lambda x: least_squares(x + RECTANGLE, x[:, 0]),
    ),
    (
        "lstsq columns",
        lambda x: la.lstsq(x + RECTANGLE, x)[0],
        TALL,
        lambda x: pinv(x + RECTANGLE, rcond=0) @ x,
    ),
    (
        "lstsq wide",
        lambda x: la.lstsq((x + RECTANGLE).T, x[0])[0],
        TALL,
        lambda x: pinv((x + RECTANGLE).T, rcond=0) @ x[0],
    ),
    (
        "scipy lstsq",
        lambda x: sl.lstsq(x + RECTANGLE, x[:, 0])[0],
        TALL,
        lambda x: pinv(x + RECTANGLE, rcond=0) @ x[:, 0],
    ),
    ("pinv", lambda x: la.pinv(x + RECTANGLE), TALL, lambda x: pinv(x + RECTANGLE, rcond=0)),
    (
        "pinv wide stacked",
        lambda x: la.pinv((x + APART)[:, :2]),
        SMALL_STACK,
        lambda x: pinv((x + APART)[:, :2], rcond=0),
    ),
    (
        "pinv of rank one",
        lambda x: la.pinv(np.outer(x, x + 9)),
        VECTOR,
        lambda x: np.outer(x + 9, x) / (np.sum(x * x) * np.sum((x + 9) ** 2)),
    ),
    ("cond", lambda x: la.cond(x + RECTANGLE), TALL, by_singular_values(lambda s: s[0] / s[-1])),
    (
        "cond fro",
        lambda x: la.cond(x + APART, "fro"),
        SMALL,
        lambda x: euclidean(x + APART) * euclidean(la.inv(x + APART)),
    ),
    ("matrix_rank", lambda x: la.matrix_rank(x + APART) * x, SMALL, lambda x: 3 * x),
)


def least_squares(a, b):
    x = pinv(a, rcond=0) @ b
    return x, np.sum((a @ x - b) ** 2, keepdims=True)


FUNCTIONS = table(
    ("matrix_power", lambda a: la.matrix_power(a, 3), SQUARE),
    ("matrix_power negative", lambda a: la.matrix_power(a, -2), SQUARE),
    ("multi_dot", lambda x, a: la.multi_dot([x[:3], a, a.T, a, x[1:]]), (VECTOR, SQUARE)),
    ("expm", lambda x: sl.expm(x + TURN), SMALL),
    ("expm stacked", lambda x: sl.expm(x), SMALL_STACK),
    ("expm of a large matrix", lambda x: sl.expm(9 * x) / 10, SMALL),
    (
        "logm",
        lambda x: sl.logm(symmetric(x)[:2, :2]),
        SMALL,
        lambda x: of_matrix("logm", symmetric(x)[:2, :2]),
    ),
    ("sqrtm", lambda x: sl.sqrtm(symmetric(x)), SMALL, lambda x: of_matrix("sqrtm", symmetric(x))),
    (
        "cosm sinm",
        lambda x: sl.cosm(x) @ sl.sinm(x),
        SMALL,
        lambda x: of_matrix("cosm", x) @ of_matrix("sinm", x),
    ),
    ("expm_frechet", lambda x: sl.expm_frechet(x, x.T), SMALL, lambda x: frechet(x, x.T)),
)


def of_matrix(name, x):
    return CONTINUED["matrix_function"](x, function=name)


def frechet(a, e):
    both = sl.expm(np.block([[a, e], [np.zeros_like(a), a]]))
    return both[:3, :3], both[:3, 3:]


NORMS = table(
    ("norm", lambda x: la.norm(x), away((4,)), euclidean),
    ("norm of a matrix", lambda x: la.norm(x), away((3, 2)), euclidean),
    ("norm axis", lambda x: la.norm(x, axis=1), away((3, 2)), lambda x: np.sqrt(np.sum(x * x, axis=1))),
    ("norm 1", lambda x: la.norm(x, 1) ** 2, positive((4,)), lambda x: np.sum(x) ** 2),
    (
        "norm inf",
        lambda x: la.norm(x, np.inf) ** 2,
        distinct((4,), low=0.5, high=3.0),
        lambda x: largest(x) ** 2,
    ),
    (
        "norm -inf",
        lambda x: la.norm(x, -np.inf) ** 2,
        distinct((4,), low=0.5, high=3.0),
        lambda x: smallest(x) ** 2,
    ),
    ("norm 3", lambda x: la.norm(x, 3), positive((4,)), lambda x: np.sum(x**3) ** (1 / 3)),
    ("norm 0.5", lambda x: la.norm(x, 0.5), away((4,)), lambda x: np.sum(magnitude(x) ** 0.5) ** 2),
    (
        "norm -2",
        lambda x: la.norm(x, -2, axis=0, keepdims=True),
        away((3, 2)),
        lambda x: np.sum(magnitude(x) ** -2, axis=0, keepdims=True) ** -0.5,
    ),
    ("norm 0", lambda x: la.norm(x, 0) * x, away((4,)), lambda x: 4 * x),
    ("normalised", lambda x: x / la.norm(x), away((4,)), lambda x: x / euclidean(x)),
    (
        "norm fro",
        lambda x: la.norm(x, "fro", axis=(2, 0)),
        away((2, 3, 2)),
        lambda x: np.sqrt(np.sum(x * x, axis=(0, 2))),
    ),
    ("norm nuc", lambda x: la.norm(x + RECTANGLE, "nuc"), TALL, by_singular_values(np.sum)),
    ("norm 2 of a matrix", lambda x: la.norm(x + RECTANGLE, 2), TALL, by_singular_values(lambda s: s[0])),
    ("norm -2 of a matrix", lambda x: sl.norm(x + RECTANGLE, -2), TALL, by_singular_values(lambda s: s[-1])),
    (
        "norm 1 of a matrix",
        lambda x: la.norm(APART - x, 1) ** 2,
        positive((3, 3), high=0.6),
        lambda x: (8 + x[0, 2] + x[1, 2] - x[2, 2]) ** 2,
    ),
    (
        "norm -inf of a matrix",
        lambda x: la.norm(APART - x, -np.inf) ** 2,
        positive((3, 3), high=0.6),
        lambda x: (1 - x[0, 0] + x[0, 1] + x[0, 2]) ** 2,
    ),
    (
        "matrix_norm",
        lambda x: la.matrix_norm(x + APART, keepdims=True, ord=2),
        SMALL_STACK,
        lambda x: svd(x + APART)[1][:, :1, None],
    ),
    (
        "vector_norm",
        lambda x: la.vector_norm(x, axis=(0, 2), ord=3),
        positive((2, 3, 2)),
        lambda x: np.sum(x**3, axis=(0, 2)) ** (1 / 3),
    ),
)

NAMESPACE = table(
    ("linalg.trace", lambda a: la.trace(a @ a), STACK),
    ("linalg.diagonal", lambda a: la.diagonal(a @ a, offset=1), STACK),
    ("linalg.outer", lambda x: la.outer(x, x**2), VECTOR),
    ("linalg.cross", lambda x: la.cross(x[:3], x[1:]), VECTOR),
    ("linalg.matmul", lambda a: la.matmul(a, a[0]), STACK),
    ("linalg.tensordot", lambda a: la.tensordot(a, a, axes=1), SQUARE),
    ("linalg.vecdot", lambda a: la.vecdot(a, a**2), SQUARE, lambda a: np.sum(a**3, axis=-1)),
)

CASES = SYSTEMS + DETERMINANTS + FACTORIZATIONS + SPECTRA + LEAST_SQUARES + FUNCTIONS + NORMS + NAMESPACE
