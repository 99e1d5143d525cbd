"""Matrices of scipy.sparse inside a traced function: a pattern that is known, entries that may be traced.

`places` says where entries stand, `stored` holds both, `matrix` computes with them. `vector` is a row of a
matrix, `writable` is a matrix that is filled entry by entry. `moves` takes what SciPy only rearranges from
SciPy itself, and `functions` is what NumPy's functions do with sparse matrices.
"""

from diffsci.tracing.sparse.matrix import TracedSparse, as_traced_sparse, is_sparse, operate, with_pattern
from diffsci.tracing.sparse.places import Places

__all__ = ["Places", "TracedSparse", "as_traced_sparse", "is_sparse", "operate", "with_pattern"]
