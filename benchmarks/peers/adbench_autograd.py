"""ADBench's objectives under HIPS autograd: its users' NumPy, without writes into arrays."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad
from autograd.builtins import tuple as joined
from autograd.scipy.special import expit, gammaln, logsumexp

from benchmarks.adbench import gmm, lstm
from benchmarks.peers.same_source import on


def _lower_triangle(icf, d):
    columns, rows = np.triu_indices(d, 1)
    place = np.full((d, d), -1)
    place[rows, columns] = np.arange(len(rows))
    flat = anp.concatenate([icf[:, d:], np.zeros((icf.shape[0], 1))], axis=1)
    return flat[:, place.ravel()].reshape(-1, d, d)


def _sequence_loss(main, extra, state, sequence):
    states, total = list(state), 0.0
    for now, following in pairwise(sequence):
        x = now * extra[0]
        for k in range(0, len(main), 2):
            weight, bias = main[k].reshape(4, -1), main[k + 1].reshape(4, -1)
            states[k], states[k + 1] = _lstm.layer(weight, bias, states[k], states[k + 1], x)
            x = states[k]
        y = x * extra[1] + extra[2]
        total = total + anp.sum(following * (y - anp.log(2.0 + anp.sum(anp.exp(y)))))
    return -total / sequence[1:].size


_gmm = on(gmm, np=anp, gammaln=gammaln, logsumexp=logsumexp, lower_triangle=_lower_triangle)
_lstm = on(lstm, np=anp, expit=expit)


def functions(problem: str, point: tuple[Any, ...]) -> tuple[Callable, Callable]:
    """The objective of a problem and its gradient at a point."""
    objective = {"GMM": _gmm.objective, "LSTM": _sequence_loss}[problem]
    count = {"GMM": 3, "LSTM": 2}[problem]
    rest = point[count:]
    gradient = value_and_grad(lambda wanted: objective(*wanted, *rest))
    return lambda: objective(*point), lambda: gradient(joined(point[:count]))
