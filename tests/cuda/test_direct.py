"""Kernels of directly evaluated sparse Jacobians, run as C++, give what the interpreter gives."""

import numpy as np
import pytest

import diffsci as ds
from tests.cuda.running import compare
from tests.sparse.direct_cases import made
from tests.sparse.test_direct import brusselator_points, heat, three_species

RNG = np.random.default_rng(3)
I, J = RNG.integers(0, 60, 300), RNG.integers(0, 60, 300)


def forces(x):
    """Sums over pairs in any order."""
    out = np.zeros(60)
    np.add.at(out, I, np.sin(x[I] - x[J]))
    return out * x


def energy(x):
    """A sum over triples in a row."""
    return np.sum(np.cos(x[2:] - x[1:-1]) * x[:-2])


@pytest.mark.parametrize(
    ("f", "shape"),
    [
        (brusselator_points, (2 * 20 * 20,)),
        (three_species, (3 * 200,)),
        (heat, (9, 11, 40)),
        (forces, (60,)),
        (ds.grad(energy), (500,)),
    ],
)
def test_kernels_of_entries(f, shape):
    found, inputs = made(f, RNG.uniform(0.5, 2.0, shape))
    compare(found.graph, inputs)
