"""ADBench's objectives in PyTorch, eager, as most of its users run it."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch

from benchmarks.adbench import gmm

torch.set_default_dtype(torch.float64)


def _mixture(alphas, means, icf, x, gamma, m):
    (n, d), k = x.shape, len(alphas)
    columns, rows = np.triu_indices(d, 1)
    lower = torch.zeros(k, d, d)
    lower[:, rows, columns] = icf[:, d:]
    centred = x[:, None, :] - means
    scaled = torch.exp(icf[:, :d]) * centred + torch.einsum("kij,nkj->nki", lower, centred)
    inner = alphas + icf[:, :d].sum(1) - 0.5 * (scaled**2).sum(2)
    likelihood = torch.logsumexp(inner, 1).sum() - n * torch.logsumexp(alphas, 0)
    dof = d + m + 1
    constant = dof * d * (math.log(gamma) - 0.5 * math.log(2)) - gmm.log_multivariate_gamma(0.5 * dof, d)
    squares = (torch.exp(icf[:, :d]) ** 2).sum() + (icf[:, d:] ** 2).sum()
    prior = 0.5 * gamma**2 * squares - m * icf[:, :d].sum() - k * constant
    return -n * d * 0.5 * math.log(2 * math.pi) + likelihood + prior


def _sequence_loss(main, extra, state, sequence):
    states, total = list(state), 0.0
    for now, following in pairwise(sequence):
        x = now * extra[0]
        for k in range(0, len(main), 2):
            weight, bias = main[k].reshape(4, -1), main[k + 1].reshape(4, -1)
            hidden, cell = states[k], states[k + 1]
            forget = torch.sigmoid(x * weight[0] + bias[0])
            ingate = torch.sigmoid(hidden * weight[1] + bias[1])
            outgate = torch.sigmoid(x * weight[2] + bias[2])
            change = torch.tanh(hidden * weight[3] + bias[3])
            states[k + 1] = cell * forget + ingate * change
            x = states[k] = outgate * torch.tanh(states[k + 1])
        y = x * extra[1] + extra[2]
        total = total + (following * (y - torch.log(2.0 + torch.exp(y).sum()))).sum()
    return -total / sequence[1:].numel()


def functions(problem: str, point: tuple[Any, ...]) -> tuple[Callable, Callable]:
    """The objective of a problem and its gradient at a point."""
    objective = {"GMM": _mixture, "LSTM": _sequence_loss}[problem]
    count = {"GMM": 3, "LSTM": 2}[problem]
    held = [torch.from_numpy(x) if isinstance(x, np.ndarray) else x for x in point]

    def gradient():
        leaves = [x.detach().clone().requires_grad_() for x in held[:count]]
        value = objective(*leaves, *held[count:])
        value.backward()
        return value.item(), tuple(leaf.grad.numpy() for leaf in leaves)

    return lambda: objective(*held).item(), gradient
