"""Patterns of textbooks, by construction."""

import functools
import itertools

import numpy as np
import scipy.sparse as sp


def band(n, below, above):
    i, j = np.indices((n, n))
    return sp.csr_array((i - j <= below) & (j - i <= above))


def arrow(n):
    dense = np.eye(n, dtype=bool)
    dense[0] = dense[:, 0] = True
    return sp.csr_array(dense)


def blocks(count, size):
    return sp.csr_array(sp.block_diag([np.ones((size, size), bool)] * count))


def bordered_blocks(count, size):
    n = count * size + 1
    dense = np.zeros((n, n), bool)
    dense[:-1, :-1] = blocks(count, size).toarray()
    dense[-1] = dense[:, -1] = True
    return sp.csr_array(dense)


def frame(m, n):
    dense = np.ones((m, n), bool)
    dense[1:-1, 1:-1] = False
    return sp.csr_array(dense)


def constrained(n):
    """The matrix of a constrained problem: a grid, differences along its first axis, and a block of zeros."""
    differences = grid((n, n), [(0, 0), (-1, 0)])
    return sp.csr_array(sp.block_array([[laplace(n, n), differences], [differences.T, None]]))


def grid(shape, steps, periodic=False):
    """The cells of a grid, the last axis running fastest, each with those at these steps."""
    cells = np.indices(shape).reshape(len(shape), -1)
    rows, columns = [], []
    for step in steps:
        moved = cells + np.array(step)[:, None]
        inside = np.all((moved >= 0) & (moved < np.array(shape)[:, None]), axis=0)
        if periodic:
            moved, inside = moved % np.array(shape)[:, None], inside | True
        rows.append(np.flatnonzero(inside))
        columns.append(np.ravel_multi_index(moved[:, inside], shape))
    rows, columns = np.concatenate(rows), np.concatenate(columns)
    size = cells.shape[1]
    return sp.csr_array((np.ones(rows.size, bool), (rows, columns)), shape=(size, size))


def star_steps(axes):
    return [s for s in itertools.product((-1, 0, 1), repeat=axes) if np.abs(s).sum() <= 1]


def box_steps(axes):
    return list(itertools.product((-1, 0, 1), repeat=axes))


def laplace(*shape, periodic=False):
    return grid(shape, star_steps(len(shape)), periodic)


def box(*shape, periodic=False):
    return grid(shape, box_steps(len(shape)), periodic)


@functools.cache
def brusselator(n, interleaved=False):
    """Two species that diffuse on a ring of n by n cells and react in each."""
    diffusion = laplace(n, n, periodic=True).astype(float)
    size = n * n
    both = sp.block_array([[diffusion, sp.eye_array(size)], [sp.eye_array(size), diffusion]], format="csr")
    if interleaved:
        place = np.arange(2 * size).reshape(2, size).T.ravel()
        both = both[place][:, place]
    both.sort_indices()
    return sp.csr_array(both)
