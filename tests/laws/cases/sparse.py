"""Constant matrices of scipy.sparse beside traced values: products, sums, solves and factors."""

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import factorized, splu, spsolve

from tests.laws.case import table
from tests.laws.domains import away, positive, real

la = np.linalg
VECTOR = real((4,))
TALL = real((4, 3), low=-0.4, high=0.4)
PATTERN = np.array([[4.0, 1.0, 0.0, 0.0], [0.0, 3.0, 0.5, 0.0], [2.0, 0.0, 5.0, 1.0], [0.0, 0.7, 0.0, 2.0]])
CSR, CSC, LIL = sp.csr_array(PATTERN), sp.csc_matrix(PATTERN), sp.lil_matrix(PATTERN)
FACTORS, SOLVE = splu(CSC), factorized(CSC)
STEP = 0.25

SPARSE = table(
    ("sparse @ x", lambda x: CSR @ x**2, VECTOR, lambda x: PATTERN @ x**2),
    ("sparse.dot", lambda x: LIL.dot(x) * x, VECTOR, lambda x: PATTERN @ x * x),
    ("x @ sparse.T", lambda x: x**2 @ CSR.T, VECTOR, lambda x: PATTERN @ x**2),
    ("spmatrix * x", lambda x: CSC * x**2, VECTOR, lambda x: PATTERN @ x**2),
    ("sparse @ columns", lambda x: CSC @ np.outer(x, x), VECTOR, lambda x: PATTERN @ np.outer(x, x)),
    (
        "sparse scaled by x",
        lambda x: ((x[0] * CSR) @ (CSR / x[1])) @ x,
        away((4,)),
        lambda x: x[0] / x[1] * PATTERN @ PATTERN @ x,
    ),
    (
        "sparse by diagonals",
        lambda x: sp.diags([x[1:], x, x[:-1]], [-1, 0, 1]).toarray(),
        VECTOR,
        lambda x: np.diag(x[1:], -1) + np.diag(x) + np.diag(x[:-1], 1),
    ),
    ("spsolve", lambda x: spsolve(CSC, x**2), VECTOR, lambda x: la.solve(PATTERN, x**2)),
    (
        "implicit step",
        lambda x: spsolve(sp.identity(4, format="csc") + STEP * CSC, x**2),
        VECTOR,
        lambda x: la.solve(np.eye(4) + STEP * PATTERN, x**2),
    ),
    (
        "spsolve of x",
        lambda x: spsolve((CSC + sp.diags([x], [0])).tocsc(), x),
        positive((4,)),
        lambda x: la.solve(PATTERN + np.diag(x), x),
    ),
    (
        "splu",
        lambda x: FACTORS.solve(x**2) + FACTORS.solve(x, "T"),
        VECTOR,
        lambda x: la.solve(PATTERN, x**2) + la.solve(PATTERN.T, x),
    ),
    (
        "splu inside",
        lambda x: splu(CSC).solve(np.outer(x, x)),
        VECTOR,
        lambda x: la.solve(PATTERN, np.outer(x, x)),
    ),
    ("factorized", lambda x: SOLVE(x**2), VECTOR, lambda x: la.solve(PATTERN, x**2)),
)

CASES = SPARSE
