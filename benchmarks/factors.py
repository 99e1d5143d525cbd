"""Factors of sparse matrices and solves with them, against SuperLU and dense LAPACK."""

from __future__ import annotations

import time

import numpy as np
import scipy.sparse as sp
from scipy.linalg import lu_factor, lu_solve
from scipy.sparse.linalg import splu

from benchmarks import patterns
from benchmarks.report import Table
from benchmarks.timing import interleaved

SOLVES = 8  # with the same factors, as in a step of Rodas5P
DENSE = 2100  # up to this order LAPACK takes part
LIMIT = 1.0  # of the time of SuperLU with the better of two orders


def scattered(n: int, per_row: int) -> sp.csr_array:
    """Entries anywhere."""
    i, j = np.repeat(np.arange(n), per_row), np.random.default_rng(0).integers(0, n, n * per_row)
    return sp.csr_array((np.ones(i.size), (i, j)), shape=(n, n))


def circuit(n: int) -> sp.csr_array:
    """Couplings with columns near by, and three that a fifth of all are coupled with."""
    rng = np.random.default_rng(0)
    near = np.arange(2 * n) % n, (np.arange(2 * n) + rng.integers(1, 6, 2 * n)) % n
    hubs = np.repeat(rng.integers(0, n, 3), n // 5), rng.integers(0, n, 3 * (n // 5))
    i, j = np.concatenate([near, hubs], axis=1)
    return sp.csr_array((np.ones(2 * i.size), (np.append(i, j), np.append(j, i))), shape=(n, n))


PROBLEMS = {
    "5-point 32 x 32": patterns.laplace(32, 32),
    "5-point 128 x 128": patterns.laplace(128, 128),
    "Brusselator 17 x 17": patterns.brusselator(17),
    "Brusselator 64 x 64": patterns.brusselator(64),
    "7-point 10 x 10 x 10": patterns.laplace(10, 10, 10),
    "7-point 20 x 20 x 20": patterns.laplace(20, 20, 20),
    "7-point 24 x 24 x 24": patterns.laplace(24, 24, 24),
    "random, 1000, 3 per row": scattered(1000, 3),
    "arrow, 2000": patterns.arrow(2000),
    "blocks of 6 with a border, 1801": patterns.bordered_blocks(300, 6),
    "circuit, 10000": circuit(10_000),
    "band of half-width 5, 2000": patterns.band(2000, 5, 5),
}


def measure(threads: int) -> Table:
    """Plan, factor and solve; the right answer is part of it."""
    table = Table("factors", f"Factors of sparse matrices, float64, {threads} threads")
    for name, pattern in PROBLEMS.items():
        _compare(table, name, _valued(pattern))
    return table


def _valued(pattern: sp.csr_array) -> sp.csc_array:
    """Random numbers with a diagonal that outweighs them."""
    a = sp.csc_array(pattern, dtype=float)
    a.data = np.random.default_rng(1).standard_normal(a.nnz)
    a = sp.csc_array(a + sp.diags_array(1.0 + abs(a).sum(axis=0)))
    a.sort_indices()
    return a


def _compare(table: Table, name: str, a: sp.csc_array) -> None:
    import diffsci as ds
    from diffsci.backends.factoring import factoring_of

    n = a.shape[0]
    b = np.cos(np.arange(n))
    start = time.perf_counter()
    form = factoring_of(a.indices, a.indptr).form
    table.add(f"{name}: plan", time.perf_counter() - start, note=f"{n} columns, {a.nnz} entries: {form}")

    @ds.jit
    def ours(data):
        factors, x = splu(sp.csc_array((data, a.indices, a.indptr), shape=(n, n))), b
        for _ in range(SOLVES):
            x = factors.solve(x)
        return x

    def superlu(**options):
        factors, x = splu(a, **options), b
        for _ in range(SOLVES):
            x = factors.solve(x)
        return x

    def lapack():
        factors, x = lu_factor(dense, check_finite=False), b
        for _ in range(SOLVES):
            x = lu_solve(factors, x, check_finite=False)
        return x

    if not np.allclose(ours(a.data), superlu(), rtol=1e-10, atol=0.0):
        raise RuntimeError(f"{name}: another solution than SuperLU's")
    symmetric = {"permc_spec": "MMD_AT_PLUS_A", "diag_pivot_thresh": 0.01, "options": {"SymmetricMode": True}}
    contestants = {
        "diffsci": lambda: ours(a.data),
        "COLAMD": superlu,
        "MMD": lambda: superlu(**symmetric),
    }
    if n <= DENSE:
        dense = a.toarray(order="F")
        contestants["dense LAPACK"] = lapack
    seconds = interleaved(contestants, sample=0.02, repeats=5)
    mine = seconds.pop("diffsci")
    table.add(f"{name}: factors and {SOLVES} solves", mine)
    note = ", ".join(f"{order} {1e3 * value:.3g} ms" for order, value in seconds.items())
    least = min(seconds["COLAMD"], seconds["MMD"])
    table.add(f"{name}: diffsci / SuperLU", mine / least, "", target=LIMIT, note=note)
