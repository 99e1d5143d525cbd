"""Matrices of scipy.sparse inside a traced function: a pattern that is known, entries that may be traced.

`places` says where entries stand, `stored` holds both, `matrix` computes with them. `vector` is a row of a
matrix, `writable` is a matrix that is filled entry by entry. `moves` takes what SciPy only rearranges from
SciPy itself. `operators` is what traced arrays do with them, `functions` what NumPy does.
"""

from diffsci.tracing.sparse.matrix import TracedSparse, as_traced_sparse, is_sparse, with_pattern
from diffsci.tracing.sparse.operators import operate
from diffsci.tracing.sparse.places import Places

__all__ = ["Places", "TracedSparse", "as_traced_sparse", "is_sparse", "operate", "with_pattern"]
