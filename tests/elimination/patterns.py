"""Square patterns, by columns, that elimination finds easy and hard."""

import numpy as np
import scipy.sparse as sp


def grid(*sides):
    """Nearest neighbours of a box."""
    pattern = sp.eye_array(1)
    for n in sides:
        line = sp.diags_array([1.0, 1.0, 1.0], offsets=[-1, 0, 1], shape=(n, n))
        pattern = sp.kron(pattern, sp.eye_array(n)) + sp.kron(sp.eye_array(pattern.shape[0]), line)
    return sp.csc_array(pattern)


def arrow(n, hub=0):
    """A full row and a full column."""
    i, centre = np.arange(n), np.full(n, hub)
    rows, columns = np.concatenate([i, i, centre]), np.concatenate([i, centre, i])
    return sp.csc_array((np.ones(3 * n), (rows, columns)), shape=(n, n))


def bordered(count, size, border):
    """Blocks that a few full rows and columns couple."""
    n = count * size
    blocks = sp.block_diag([np.ones((size, size))] * count)
    return sp.csc_array(
        sp.block_array([[blocks, np.ones((n, border))], [np.ones((border, n)), np.eye(border)]])
    )


def scattered(n, per_row, seed):
    """Entries anywhere, some of them twice, the diagonal not always there."""
    i, j = np.random.default_rng(seed).integers(0, n, (2, n * per_row))
    return sp.csc_array((np.ones(i.size), (i, j)), shape=(n, n))


def hubs(n, count, seed):
    """A ring with a few columns that many others are coupled with."""
    rng = np.random.default_rng(seed)
    i = np.arange(n)
    pairs = [
        (i, (i + 1) % n),
        *((np.full(n // 2, hub), rng.permutation(n)[: n // 2]) for hub in range(count)),
    ]
    rows, columns = np.concatenate(pairs, axis=1)
    return sp.csc_array((np.ones(rows.size), (rows, columns)), shape=(n, n))
