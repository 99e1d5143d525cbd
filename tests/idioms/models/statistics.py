"""Likelihoods and machine learning."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.special import digamma, expit, gammaln, logsumexp, ndtr

from tests.idioms.models.registry import model

X = np.array([[0.5, -1.2], [1.5, 0.3], [-0.7, 0.8], [0.1, 0.4]])
LABELS = np.array([1, 0, 1, 1])
TARGETS = np.array([0.3, 1.2, -0.5, 0.4])


@model(np.array([0.4, -0.7]), 0.1)
def logistic_regression(w, b):
    p = expit(X @ w + b)
    return -np.mean(LABELS * np.log(p) + (1 - LABELS) * np.log(1 - p)) + 0.01 * np.dot(w, w)


@model(np.array([[0.2, -0.4, 0.1], [0.5, 0.3, -0.6]]))
def softmax_cross_entropy(W):
    scores = X @ W
    logp = scores - logsumexp(scores, axis=1, keepdims=True)
    return -logp[np.arange(len(LABELS)), LABELS].sum()


@model(0.8, 0.5, 0.1)
def gaussian_process(amplitude, length, noise):
    """Marginal likelihood by a Cholesky factor."""
    d2 = np.sum((X[:, None, :] - X[None, :, :]) ** 2, axis=2)
    K = amplitude**2 * np.exp(-0.5 * d2 / length**2) + noise**2 * np.eye(len(X))
    c, low = cho_factor(K, lower=True)
    alpha = cho_solve((c, low), TARGETS)
    return 0.5 * TARGETS @ alpha + np.sum(np.log(np.diag(c))) + 0.5 * len(X) * np.log(2 * np.pi)


@model(np.array([0.3, 0.7]), np.array([0.2, -0.1, 1.1]))
def multivariate_normal(mu, triangle):
    L = np.zeros((2, 2))
    L[np.tril_indices(2)] = triangle
    L[np.diag_indices(2)] = np.exp(np.diag(L))
    z = solve_triangular(L, (X - mu).T, lower=True)
    return -0.5 * np.sum(z**2) - len(X) * np.sum(np.log(np.diag(L)))


@model(2.3, 1.7)
def gamma_likelihood(shape, rate):
    data = np.array([0.8, 1.4, 2.2, 0.5])
    n = data.size
    value = n * (shape * np.log(rate) - gammaln(shape)) + np.sum((shape - 1) * np.log(data) - rate * data)
    return value, digamma(shape) - np.log(rate)


@model(100.0, 95.0, 0.5, 0.02, 0.25)
def black_scholes(S, K, T, r, sigma):
    d1 = (np.log(S / K) + (r + 0.5 * sigma**2) * T) / (sigma * np.sqrt(T))
    d2 = d1 - sigma * np.sqrt(T)
    return S * ndtr(d1) - K * np.exp(-r * T) * ndtr(d2)


def relu(x):
    return np.maximum(x, 0)


@model(
    [
        (np.array([[0.3, -0.2], [0.1, 0.5]]), np.array([0.1, 0.2])),
        (np.array([[0.7], [-0.3]]), np.array([0.05])),
    ]
)
def two_layer_network(params):
    """A list of (weights, bias) pairs."""
    h = X
    for W, b in params[:-1]:
        h = relu(h @ W + b)
    W, b = params[-1]
    return np.mean(((h @ W + b).ravel() - TARGETS) ** 2)


@model(np.array([0.4, 0.6]), np.array([-0.5, 0.8]), np.array([0.3, 0.5]))
def mixture_em_step(weights, means, variances):
    """One step of expectation and maximisation."""
    x = TARGETS[:, None]
    density = weights * np.exp(-0.5 * (x - means) ** 2 / variances) / np.sqrt(2 * np.pi * variances)
    r = density / density.sum(axis=1, keepdims=True)
    nk = r.sum(axis=0)
    new = (r * x).sum(axis=0) / nk
    return nk / len(TARGETS), new, (r * (x - new) ** 2).sum(axis=0) / nk


@model(np.array([0.2, 0.5, -0.1, 0.9]), np.array([0.4, 0.1, 0.8, -0.3]))
def correlation_and_regression(x, y):
    C = np.cov(x, y)
    slope = C[0, 1] / C[0, 0]
    return slope, np.corrcoef(x, y)[0, 1], np.std(y - slope * x, ddof=1)
