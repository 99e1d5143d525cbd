"""Log-likelihood of a mixture of Gaussians with a Wishart prior."""

from __future__ import annotations

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import gammaln, logsumexp

__all__ = ["Mixture", "objective", "read"]


class Mixture(NamedTuple):
    """Weights ``alphas`` (k), ``means`` (k, d), inverse covariance factors ``icf`` (k, d (d + 1) / 2), points
    ``x`` (n, d), and the prior's ``gamma`` and ``m``.
    """

    alphas: np.ndarray
    means: np.ndarray
    icf: np.ndarray
    x: np.ndarray
    gamma: float
    m: int


def read(path: Path) -> Mixture:
    """Read an instance: ``d k n``, the parameters, the points, the prior."""
    numbers = iter(path.read_text(encoding="ascii").split())
    d, k, n = (int(next(numbers)) for _ in range(3))

    def array(*shape: int) -> np.ndarray:
        return np.array([float(next(numbers)) for _ in range(math.prod(shape))]).reshape(shape)

    parts = array(k), array(k, d), array(k, d * (d + 1) // 2), array(n, d)
    return Mixture(*parts, float(next(numbers)), int(next(numbers)))


def lower_triangle(icf, d):
    """The strict lower triangles of the factors; the file lists them column by column."""
    columns, rows = np.triu_indices(d, 1)
    lower = np.zeros((icf.shape[0], d, d))
    lower[:, rows, columns] = icf[:, d:]
    return lower


def log_multivariate_gamma(a, d):
    """Logarithm of the multivariate gamma function."""
    return d * (d - 1) / 4 * math.log(math.pi) + sum(gammaln(a + (1 - j) / 2) for j in range(1, d + 1))


def log_prior(icf, d, gamma, m):
    """The Wishart term, with the sign of its constant as ADBench has it."""
    k, n = icf.shape[0], d + m + 1
    constant = n * d * (math.log(gamma) - 0.5 * math.log(2)) - log_multivariate_gamma(0.5 * n, d)
    squares = np.sum(np.exp(icf[:, :d]) ** 2) + np.sum(icf[:, d:] ** 2)
    return 0.5 * gamma**2 * squares - m * np.sum(icf[:, :d]) - k * constant


def objective(alphas, means, icf, x, gamma, m):
    """The value that is maximised."""
    n, d = x.shape
    log_diagonal = icf[:, :d]
    centred = x[:, None, :] - means
    scaled = np.exp(log_diagonal) * centred + np.einsum("kij,nkj->nki", lower_triangle(icf, d), centred)
    inner = alphas + np.sum(log_diagonal, axis=1) - 0.5 * np.sum(scaled**2, axis=2)
    likelihood = np.sum(logsumexp(inner, axis=1)) - n * logsumexp(alphas)
    return -n * d * 0.5 * math.log(2 * math.pi) + likelihood + log_prior(icf, d, gamma, m)
