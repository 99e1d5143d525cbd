"""Contractions and linear algebra."""

import numpy as np
from scipy.sparse import csc_array
from scipy.sparse.linalg import splu

from tests.kernel.samples.make import uniform, well_conditioned


def positive_definite(*shape):
    """Return symmetric matrices with eigenvalues well apart."""
    x = 0.3 * (uniform(*shape) - 0.5)
    return x + np.swapaxes(x, -1, -2) + np.diag(np.arange(1.0, shape[-1] + 1))


def tall(*shape):
    """Return matrices of full rank with singular values well apart."""
    return uniform(*shape) + np.eye(*shape[-2:]) * np.arange(1.0, shape[-1] + 1)


# [[4, 1, 0], [0, 3, 1], [2, 0, 5]] by columns
DATA, ROWS, STARTS = (
    np.array([4.0, 2.0, 1.0, 3.0, 1.0, 5.0]),
    np.array([0, 2, 0, 1, 1, 2]),
    np.array([0, 2, 4, 6]),
)
FACTORS = splu(csc_array((DATA, ROWS, STARTS), shape=(3, 3)))
LOWER = {"lower": True, "transposed": False, "unit": False}
UPPER = {"lower": False, "transposed": True, "unit": True}
TRIDIAGONAL = {"lower": 1, "upper": 1, "transposed": False}
BANDED = {"lower": 1, "upper": 2, "transposed": True}
EIGH = {"of": "eigh"}
COLUMNS = {"rows": ROWS, "starts": STARTS}
TURNING = np.array([[1.0, -2.0, 0.3], [1.5, 0.8, -0.4], [0.2, 0.1, 3.0]])  # a pair of complex eigenvalues

SAMPLES = [
    ("contract", [uniform(2, 3), uniform(3, 4)], {"spec": ("ik", "kj", "ij")}),
    ("contract", [uniform(2, 3), uniform(2)], {"spec": ("bi", "b", "b")}),
    ("contract", [uniform(5, 2, 3), uniform(5, 3)], {"spec": ("bij", "bj", "jb")}),
    ("solve", [well_conditioned(3, 3), uniform(3)], {"transposed": False}),
    ("solve", [well_conditioned(3, 3), uniform(3, 2)], {"transposed": True}),
    ("solve", [well_conditioned(2, 3, 3), uniform(2, 3)], {"transposed": True}),
    ("det", [well_conditioned(3, 3)], {}),
    ("det", [well_conditioned(2, 3, 3)], {}),
    ("cofactors", [uniform(4, 4)], {}),
    ("cofactors", [well_conditioned(2, 4, 4), uniform(2, 4, 4)], {}),
    ("slogdet", [well_conditioned(3, 3)], {}),
    (
        "solve_triangular",
        [well_conditioned(3, 3), uniform(3, 2)],
        {"lower": True, "transposed": False, "unit": False},
    ),
    (
        "solve_triangular",
        [well_conditioned(2, 3, 3), uniform(2, 3, 1)],
        {"lower": False, "transposed": True, "unit": True},
    ),
    (
        "solve_sylvester",
        [well_conditioned(3, 3), well_conditioned(2, 2), uniform(3, 2)],
        {"transposed": False},
    ),
    (
        "solve_sylvester",
        [well_conditioned(2, 2, 2), well_conditioned(2, 2, 2), uniform(2, 2, 2)],
        {"transposed": True},
    ),
    (
        "solve_banded",
        [uniform(3, 4) + 5 * np.array([0, 1, 0])[:, None], uniform(4, 2)],
        {"lower": 1, "upper": 1, "transposed": False},
    ),
    (
        "solve_banded",
        [uniform(2, 4, 5) + 5 * np.array([0, 0, 1, 0])[:, None], uniform(2, 5, 1)],
        {"lower": 1, "upper": 2, "transposed": True},
    ),
    ("cholesky", [positive_definite(3, 3)], {}),
    ("cholesky", [positive_definite(2, 2, 2)], {}),
    ("qr", [tall(4, 3)], {}),
    ("qr", [tall(2, 2, 2)], {}),
    ("lu", [uniform(3, 3)], {}),
    ("lu", [uniform(4, 2)], {}),
    ("lu", [uniform(2, 2, 3)], {}),
    ("eigh", [positive_definite(3, 3)], {"driver": "evd"}),
    ("eigh", [positive_definite(2, 2, 2)], {"driver": "evr"}),
    ("polar_factor", [tall(4, 3)], {}),
    ("polar_factor", [tall(2, 3, 3)], {}),
    ("svd", [tall(4, 3)], {}),
    ("svd", [tall(2, 3, 3)], {}),
    ("svd", [np.swapaxes(tall(3, 2), 0, 1)], {}),
    ("eig", [TURNING], {}),
    ("eig", [np.stack([TURNING, well_conditioned(3, 3)])], {}),
    (
        "gap_quotient",
        [uniform(2, 3, 3), 1.0 + uniform(2, 3, 3), np.full((2, 3, 3), 0.1)],
        {"of": "eigh", "where": None},
    ),
    ("values_moved", [uniform(2, 3), np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 2.0]])], EIGH | {"where": None}),
    ("shared_by_equals", [uniform(2, 3), np.array([[1.0, 1.0, 3.0], [0.0, 2.0, 2.0]])], EIGH),
    ("values_moved", [uniform(3), np.array([0.0, 1.0, 2.0])], EIGH | {"where": None}),
    ("shared_by_equals", [uniform(3), np.array([0.0, 2.0, 2.0])], EIGH),
    ("values_alone", [np.array([0.0, 1.0, 2.0])], EIGH),
    ("divisor_triangle", [np.triu(well_conditioned(2, 3, 3))], EIGH | {"where": None}),
    ("values_alone", [np.array([[1.0, 2.0, 3.0], [0.0, 1.0, 2.0]])], EIGH),
    ("pinv", [tall(4, 3)], {"rcond": 1e-15}),
    ("pinv", [tall(2, 3, 3)], {"rcond": 1e-15}),
    ("lstsq", [tall(4, 3), uniform(4, 2)], {"rcond": 1e-15}),
    ("lstsq", [np.swapaxes(tall(2, 4, 3), 1, 2), uniform(2, 3, 1)], {"rcond": 1e-15}),
    ("matrix_function", [uniform(3, 3)], {"function": "expm"}),
    ("matrix_function", [uniform(2, 2, 2), uniform(2, 2, 2)], {"function": "expm"}),
    ("matrix_function", [well_conditioned(3, 3)], {"function": "logm"}),
    ("matrix_function", [well_conditioned(3, 3)], {"function": "sqrtm"}),
    ("sparse_solve", [DATA, uniform(3, 2)], COLUMNS | {"transposed": False}),
    (
        "sparse_solve",
        [np.stack([DATA, 2 * DATA]), uniform(2, 3, 1)],
        COLUMNS | {"transposed": True},
    ),
    ("factored_solve", [uniform(3, 2)], {"factors": FACTORS, "transposed": True}),
]

SAMPLES += [
    ("complex_det", [uniform(3, 3, 2)], {}),
    ("complex_det", [uniform(2, 2, 2, 2)], {}),
    ("hermitian_eigh", [uniform(3, 3), uniform(3, 3)], {}),
    ("hermitian_eigh", [uniform(2, 2, 2), uniform(2, 2, 2)], {}),
]

FLAT = [
    ("qr_pivots", [uniform(3, 3)], {}),
    ("row_order", [np.array([2, 1, 2])], {"rows": 3}),
]
