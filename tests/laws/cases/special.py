"""Functions of scipy.special whose complex versions keep tiny imaginary parts; the others meet mpmath
(tests/special).
"""

import math

import numpy as np
from scipy import special

from tests.laws.case import table
from tests.laws.domains import positive, real

FEW = (3,)
ANY = real(FEW)
POSITIVE = positive(FEW)


def log_of_sum(x, weights=1.0, axis=None, keepdims=False):
    return np.log(np.sum(weights * np.exp(x), axis=axis, keepdims=keepdims))


def bessel_in_terms_of_i(x):
    """J_0 by the series, which is analytic to the last digit."""
    return sum((-(x**2) / 4) ** k / math.factorial(k) ** 2 for k in range(30))


def into(x):
    y = np.empty(3)
    special.erf(x, out=y)
    return y * x


def signed(x):
    return special.logsumexp(x, b=[1.0, -9.0, 0.5], return_sign=True)[0]


UFUNCS = table(
    ("gamma", special.gamma, POSITIVE),
    ("gammaln", special.gammaln, POSITIVE, special.loggamma),
    ("digamma", special.digamma, POSITIVE),
    ("erf", special.erf, ANY),
    ("erfcx", special.erfcx, ANY),
    ("dawsn", special.dawsn, ANY),
    ("ndtr", special.ndtr, ANY),
    ("log_ndtr", special.log_ndtr, ANY),
    ("iv", lambda x: special.iv(1.5, x), POSITIVE),
    ("orders as data", lambda x: special.kv(np.arange(2)[:, None], x), POSITIVE),
    ("j0", special.j0, ANY, bessel_in_terms_of_i),
    ("hyp2f1", lambda x: special.hyp2f1(0.5, 1.5, 2.5, x), real(FEW, low=-0.8, high=0.8)),
    ("eval_legendre", lambda x: special.eval_legendre(4, x), ANY),
    ("xlogy", special.xlogy, (POSITIVE, positive(FEW))),
    ("airy", lambda x: special.airy(x)[2], POSITIVE),
    ("logit", special.logit, real(FEW, low=0.1, high=0.9), lambda x: np.log(x / (1 - x))),
    ("log_expit", special.log_expit, ANY, lambda x: -np.log(1 + np.exp(-x))),
    ("out", into, ANY, lambda x: special.erf(x) * x),
)

SUMS = table(
    ("logsumexp", special.logsumexp, ANY, log_of_sum),
    (
        "logsumexp over axes",
        lambda x: special.logsumexp(x, axis=(0, 2), keepdims=True),
        real((2, 1, 2)),
        lambda x: log_of_sum(x, axis=(0, 2), keepdims=True),
    ),
    (
        "logsumexp with weights",
        lambda x, b: special.logsumexp(x, b=b),
        (POSITIVE, positive(FEW, low=1.0)),
        lambda x, b: log_of_sum(x, b),
    ),
    (
        "logsumexp with signs",
        signed,
        real(FEW, low=-0.5, high=0.5),
        lambda x: np.log(-np.sum(np.array([1.0, -9.0, 0.5]) * np.exp(x))),
    ),
    ("softmax", lambda x: special.softmax(x, axis=1), real((2, 3)), lambda x: np.exp(x) / summed(x)),
    (
        "log_softmax",
        lambda x: special.log_softmax(x, axis=1),
        real((2, 3)),
        lambda x: x - np.log(summed(x)),
    ),
    ("logaddexp2", np.logaddexp2, (ANY, real(FEW)), lambda x, y: np.log2(2**x + 2**y)),
    ("sinc", np.sinc, positive(FEW), lambda x: np.sin(np.pi * x) / (np.pi * x)),
)


def summed(x):
    return np.sum(np.exp(x), axis=1, keepdims=True)


SCALARS = table(
    ("math.gamma", lambda x: math.gamma(x), positive(()), special.gamma),
    ("math.lgamma", lambda x: math.lgamma(x), positive(()), special.loggamma),
    (
        "math.erf",
        lambda x: math.erf(x) + math.erfc(x) * x,
        real(()),
        lambda x: special.erf(x) + special.erfc(x) * x,
    ),
)

CASES = UFUNCS + SUMS + SCALARS
