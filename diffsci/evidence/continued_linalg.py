"""Analytic continuations of linear algebra: what LAPACK computes of real matrices, of complex ones.

LAPACK's complex routines conjugate, and iterations on eigenvalues lose a tiny imaginary part. Here
triangular factorizations are written out without conjugation, and eigenvalues and singular values follow
from those of the real part by Newton's method on the equations that define them.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from diffsci.evidence.not_analytic import NotAnalytic
from diffsci.graph import lookup
from diffsci.primitives.linalg.gaps import close

__all__ = ["CONTINUED"]

Array = np.ndarray
STEPS = 8  # of Newton's method, which doubles the digits: enough from a start with one
TINY = 1e-10


def _stacked(single: Callable) -> Callable:
    """Apply a function of single matrices to stacks of them."""

    def apply(matrix: Array, *others: Array, **params) -> Array | tuple[Array, ...]:
        if matrix.ndim == 2:
            return single(matrix, *others, **params)
        found = [apply(x, *rest, **params) for x, *rest in zip(matrix, *others, strict=True)]
        if isinstance(found[0], tuple):
            return tuple(np.stack(parts) for parts in zip(*found, strict=True))
        return np.stack(found)

    return apply


# factorizations -------------------------------------------------------------------------------------


def cholesky(a: Array) -> Array:
    """L with L L^T equal to the symmetric matrix of the lower triangle."""
    n = a.shape[0]
    factor = np.zeros_like(a)
    for j in range(n):
        done = factor[j:, :j] @ factor[j, :j]
        factor[j, j] = np.sqrt(a[j, j] - done[0])
        factor[j + 1 :, j] = (a[j + 1 :, j] - done[1:]) / factor[j, j]
    return factor


def qr(a: Array) -> tuple[Array, Array]:
    """Gram and Schmidt, twice, with LAPACK's signs."""
    n = a.shape[1]
    q, r = a.copy(), np.zeros((n, n), a.dtype)
    for j in range(n):
        for _ in range(2):
            part = q[:, :j].T @ q[:, j]
            r[:j, j] += part
            q[:, j] -= q[:, :j] @ part
        r[j, j] = np.sqrt(q[:, j] @ q[:, j])
        if abs(r[j, j]) <= close(a.real.dtype) * np.linalg.norm(a[:, j]):
            raise NotAnalytic("a QR factorization of dependent columns")
        q[:, j] /= r[j, j]
    signs = np.sign(np.diag(np.linalg.qr(a.real)[1]))
    return q * signs, r * signs[:, None]


def lu(a: Array) -> tuple[Array, Array, Array]:
    """Elimination with the rows in the order of the real part."""
    _, swaps, order = lookup("lu").value(np.ascontiguousarray(a.real))
    packed = a[order]
    for j in range(min(a.shape)):
        packed[j + 1 :, j] /= packed[j, j]
        packed[j + 1 :, j + 1 :] -= np.outer(packed[j + 1 :, j], packed[j, j + 1 :])
    return packed, swaps, order


# spectra --------------------------------------------------------------------------------------------


def _newton(residual: Callable, jacobian: Callable, x: Array) -> Array:
    x = x.astype(complex)
    for _ in range(STEPS):
        x = x - np.linalg.solve(jacobian(x), residual(x))
    return x


def eigh(a: Array, *, driver: str) -> tuple[Array, Array]:
    """Eigenpairs of the symmetric matrix of the lower triangle, with v^T v = 1."""
    whole = np.tril(a) + np.tril(a, -1).T
    n = a.shape[0]

    def residual(x):
        return np.append(whole @ x[:n] - x[n] * x[:n], 0.5 * (x[:n] @ x[:n] - 1.0))

    def jacobian(x):
        shifted = whole - x[n] * np.eye(n)
        return np.block([[shifted, -x[:n, None]], [x[None, :n], np.zeros((1, 1))]])

    w, v = lookup("eigh").value(whole.real, driver=driver)
    if _coincide(w):
        return _perturbed(w, v, whole.imag)
    found = [_newton(residual, jacobian, np.append(v[:, k], w[k])) for k in range(n)]
    both = np.array(found, dtype=complex).reshape(n, n + 1)
    return both[:, n], both[:, :n].T


def _coincide(w: Array) -> bool:
    """Tell whether neighbours are too close for Newton's method to tell them apart."""
    size = np.max(np.abs(w), initial=0.0)
    return bool(np.any(np.abs(np.diff(w)) <= close(w.dtype) * size))


def _perturbed(w: Array, v: Array, change: Array) -> tuple[Array, Array]:
    """Eigenpairs to first order in a change, in the basis of equal values that the change keeps apart
    (T. Kato, "Perturbation Theory for Linear Operators", 1966, chapter 2).
    """
    size = np.max(np.abs(w), initial=0.0)
    group = np.concatenate([[0], np.cumsum(np.abs(np.diff(w)) > close(w.dtype) * size)])
    v = v.copy()
    for k in np.unique(group):
        inside = v[:, group == k]
        block = inside.conj().T @ change @ inside
        v[:, group == k] = inside @ np.linalg.eigh(block / (np.max(np.abs(block)) or 1.0))[1]
    coupling = v.conj().T @ change @ v
    gap = np.where(group == group[:, None], np.inf, w - w[:, None])
    return w + 1j * np.diag(coupling).real, v + 1j * (v @ (coupling / gap))


def svd(a: Array) -> tuple[Array, Array, Array]:
    """Singular triples: A v = s u, A^T u = s v, u^T u + v^T v = 2."""
    m, n = a.shape

    def residual(x):
        u, v, s = x[:m], x[m:-1], x[-1]
        return np.concatenate([a @ v - s * u, a.T @ u - s * v, [0.5 * (u @ u + v @ v) - 1.0]])

    def jacobian(x):
        u, v, s = x[:m, None], x[m:-1, None], x[-1]
        return np.block([[-s * np.eye(m), a, -u], [a.T, -s * np.eye(n), -v], [u.T, v.T, np.zeros((1, 1))]])

    u, s, vt = np.linalg.svd(a.real, full_matrices=False)
    if _coincide(np.append(s, -s[-1:])):
        raise NotAnalytic("singular values that coincide, or are zero")
    found = [
        _newton(residual, jacobian, np.concatenate([u[:, k], vt[k], s[k : k + 1]])) for k in range(s.size)
    ]
    triples = np.array(found, dtype=complex).reshape(s.size, m + n + 1)
    return triples[:, :m].T, triples[:, -1], triples[:, m:-1]


def eig(a: Array) -> tuple[Array, Array, Array, Array]:
    """Real and imaginary parts of eigenpairs, of unit length, with the entry real that LAPACK makes so."""
    n = a.shape[0]
    w, v = np.linalg.eig(a.real)

    def pair(k: int) -> Array:
        real = np.flatnonzero(v[:, k].imag == 0.0)
        place = real[np.argmax(np.abs(v[real, k]))]

        def residual(x):
            p, q, c, d = x[:n], x[n : 2 * n], x[-2], x[-1]
            top, bottom = a @ p - c * p + d * q, a @ q - d * p - c * q
            return np.concatenate([top, bottom, [0.5 * (p @ p + q @ q - 1.0), q[place]]])

        def jacobian(x):
            p, q, c, d = x[:n, None], x[n : 2 * n, None], x[-2], x[-1]
            eye, none = np.eye(n), np.zeros((1, 1))
            real_entry = np.zeros((1, n))
            real_entry[0, place] = 1.0
            return np.block(
                [
                    [a - c * eye, d * eye, -p, q],
                    [-d * eye, a - c * eye, -q, -p],
                    [p.T, q.T, none, none],
                    [0 * real_entry, real_entry, none, none],
                ]
            )

        start = np.concatenate([v[:, k].real, v[:, k].imag, [w[k].real, w[k].imag]])
        return _newton(residual, jacobian, start)

    found = np.array([pair(k) for k in range(n)], dtype=complex).reshape(n, 2 * n + 2)
    return found[:, -2], found[:, -1], found[:, :n].T, found[:, n : 2 * n].T


# determinants ---------------------------------------------------------------------------------------


def slogdet(a: Array) -> tuple[Array, Array]:
    """The sign of the real part, and the logarithm of the determinant times it."""
    sign = np.linalg.slogdet(a.real)[0]
    phase, size = np.linalg.slogdet(a)
    return sign, size + 1j * np.angle(phase * sign)


def cofactors(a: Array, *directions: Array) -> Array:
    """From the inverse: the matrix must have one."""
    if len(directions) > 1 or abs(np.linalg.det(a)) < TINY:
        raise NotAnalytic("cofactors of a singular matrix, or their second derivative")
    inverse, det = np.linalg.inv(a), np.linalg.det(a)
    if not directions:
        return det * inverse.T
    moved = inverse @ directions[0]
    return det * (np.trace(moved) * inverse - moved @ inverse).T


# least squares, matrix equations, functions of matrices ----------------------------------------------


def pinv(a: Array, *, rcond: float) -> Array:
    """By QR: the matrix must have full rank."""
    if np.linalg.matrix_rank(a.real) < min(a.shape):
        raise NotAnalytic("a pseudo-inverse of deficient rank")
    if a.shape[0] < a.shape[1]:
        return pinv(a.T, rcond=rcond).T
    q, r = qr(a)
    return np.linalg.solve(r, q.T)


def polar_factor(a: Array) -> Array:
    """Newton's iteration of Higham (1986) on the triangle of QR, until the mean with its inverse stays."""
    q, x = qr(a)
    for _ in range(100):
        mean = (x + np.linalg.inv(x).T) / 2
        if np.max(np.abs(mean - x)) <= 4e-16 * np.max(np.abs(x)):
            break
        x = mean
    return q @ mean


def lstsq(a: Array, b: Array, *, rcond: float) -> Array:
    """The solution by the pseudo-inverse."""
    return pinv(a, rcond=rcond) @ b


def solve_sylvester(a: Array, b: Array, q: Array, *, transposed: bool) -> Array:
    """As a linear system for the entries of the solution."""
    if transposed:
        a, b = a.T, b.T
    m, n = q.shape
    system = np.kron(a, np.eye(n)) + np.kron(np.eye(m), b.T)
    return np.linalg.solve(system, q.ravel()).reshape(m, n)


def matrix_function(a: Array, *directions: Array, function: str) -> Array:
    """Of complex matrices by SciPy; a tiny imaginary part by the derivative in its direction."""
    value = lookup("matrix_function").value
    operands = [a, *directions]
    size = max(float(np.max(np.abs(x.imag), initial=0.0)) for x in operands)
    if function == "expm" or size > TINY:
        return value(*operands, function=function)
    real = [np.ascontiguousarray(x.real) for x in operands]
    moved = np.zeros_like(real[0])
    if size > 0.0:
        ways = [np.ascontiguousarray(x.imag) / size for x in operands]
        moved = value(*real, ways[0], function=function)
        for k, way in enumerate(ways[1:], 1):
            moved = moved + value(*real[:k], way, *real[k + 1 :], function=function)
    return value(*real, function=function) + 1j * size * moved


def hermitian_eigh(re: Array, im: Array) -> tuple[Array, Array, Array]:
    """To first order in the imaginary parts of the parts, by perturbation theory with v^H dv = 0."""

    def hermitian(re: Array, im: Array) -> Array:
        below = np.tril(re, -1) + 1j * np.tril(im, -1)
        return below + below.conj().T + np.diag(np.diag(re))

    w, v = np.linalg.eigh(hermitian(re.real, im.real))
    if _coincide(w):
        raise NotAnalytic("eigenvalues that coincide")
    coupling = v.conj().T @ hermitian(re.imag, im.imag) @ v
    gap = w - w[:, None] + np.eye(w.size)
    dv = v @ (coupling * (1.0 - np.eye(w.size)) / gap)
    return w + 1j * np.diag(coupling).real, v.real + 1j * dv.real, v.imag + 1j * dv.imag


def complex_det(x: Array) -> Array:
    """To first order in the imaginary parts of the pairs, by Jacobi's formula."""
    matrix, moved = (part[..., 0] + 1j * part[..., 1] for part in (x.real, x.imag))
    value = np.linalg.det(matrix)
    slope = value * np.trace(np.linalg.solve(matrix, moved), axis1=-2, axis2=-1)
    return np.stack([value.real + 1j * slope.real, value.imag + 1j * slope.imag], -1)


SINGLE = (
    polar_factor,
    cholesky, qr, lu, eigh, svd, eig, slogdet, cofactors, pinv, lstsq, solve_sylvester, matrix_function
)  # fmt: skip

CONTINUED: dict[str, Callable] = {
    **{function.__name__: _stacked(function) for function in SINGLE},
    "complex_det": complex_det,
    "hermitian_eigh": _stacked(hermitian_eigh),
}
