"""ADBench's mixture of Gaussians in PyTensor, compiled in its default mode.

Its compilation may take minutes. It is timed in a process of its own with nothing cached, which is ended
after a limit; this process compiles only what keeps within it.
"""

from __future__ import annotations

import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytensor
import pytensor.tensor as pt

from benchmarks.adbench import gmm

LIMIT = 180.0  # seconds
ROOT = Path(__file__).resolve().parents[2]


def _mixture(alphas, means, icf, point):
    (n, d), k = point.x.shape, len(point.alphas)
    columns, rows = np.triu_indices(d, 1)
    lower = pt.zeros((k, d, d))[:, rows, columns].set(icf[:, d:])
    centred = point.x[:, None, :] - means
    scaled = pt.exp(icf[:, :d]) * centred + pt.einsum("kij,nkj->nki", lower, centred)
    inner = alphas + icf[:, :d].sum(axis=1) - 0.5 * (scaled**2).sum(axis=2)
    likelihood = pt.logsumexp(inner, axis=1).sum() - n * pt.logsumexp(alphas)
    dof = d + point.m + 1
    logs = math.log(point.gamma) - 0.5 * math.log(2)
    constant = dof * d * logs - gmm.log_multivariate_gamma(0.5 * dof, d)
    squares = (pt.exp(icf[:, :d]) ** 2).sum() + (icf[:, d:] ** 2).sum()
    prior = 0.5 * point.gamma**2 * squares - point.m * icf[:, :d].sum() - k * constant
    return -n * d * 0.5 * math.log(2 * math.pi) + likelihood + prior


def functions(problem: str, point: tuple[Any, ...]) -> tuple[Callable, Callable, float]:
    """The objective of a problem, its gradient at a point, and the seconds to compile and call both.

    Raises
    ------
    TimeoutError
        If they are not compiled within `LIMIT` seconds.
    """
    if problem != "GMM":
        raise ValueError(f"{problem}: only the GMM is written in PyTensor")
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {"PYTENSOR_FLAGS": f"base_compiledir={folder}"}
        command = [sys.executable, "-m", __name__]
        try:
            subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=LIMIT)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"not compiled within {LIMIT:.0f} s") from None
    seconds = time.perf_counter() - start
    return *_compiled(gmm.Mixture(*point)), seconds


def _compiled(point: gmm.Mixture) -> tuple[Callable, Callable]:
    given = [np.asarray(x) for x in point[:3]]
    inputs = [pt.TensorType("float64", x.shape)() for x in given]
    value = _mixture(*inputs, point)
    objective = pytensor.function(inputs, value)
    gradient = pytensor.function(inputs, [value, *pytensor.grad(value, inputs)])
    return lambda: objective(*given), lambda: gradient(*given)


if __name__ == "__main__":
    from benchmarks.adbench.contest import DATA

    for function in _compiled(gmm.read(DATA / "gmm_d10_K25.txt")):
        function()
