"""What elements depend on where links are followed any number of times.

Elements of a strongly connected component depend on the same, and what is left is a graph without cycles,
whose reachability takes as many rounds of squaring as its longest path has digits.

Solutions of linear systems follow links, too. Every equation is matched to an unknown that occurs in it: that
depends on the right-hand side of the equation and on the other unknowns in it. More than this closure is not
in inverse matrices of that structure, and nothing less for almost all values (J. R. Gilbert, Predicting
structure in sparse matrix computations, SIAM J. Matrix Anal. Appl. 15, 1994).
"""

from __future__ import annotations

import math

import numpy as np

from diffsci.sparse import maps
from diffsci.sparse.detection.algebra import product, relabelled, taken, union
from diffsci.sparse.detection.forms import Dependence, Maps, finished
from diffsci.sparse.detection.pattern import Pattern

__all__ = ["reached", "solved"]


def reached(to: np.ndarray, source: np.ndarray, found: Dependence, width: int) -> Dependence:
    """Return what elements depend on that take in what others do, along links from `source` to `to`.

    Parameters
    ----------
    to, source : ndarray of int
        Places of elements, in C order: element ``to[k]`` depends on all that element ``source[k]`` does.
    found : Dependence
        What they depend on by themselves.
    width : int
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    if not to.size:
        return found
    shape, size = found.shape, math.prod(found.shape)
    edges = csr_array((np.ones(to.size, bool), (to, source)), shape=(size, size))
    count, label = connected_components(edges, directed=True, connection="strong")
    sets = product((label, np.arange(size)), found, (count,), width)
    links = Pattern.at(label[to], label[source], (count, count))
    return taken(_along(links, sets, count, width), label, shape, width)


def _along(links: Pattern, sets: Dependence, count: int, width: int) -> Dependence:
    """Hand sets on along all paths of a graph without cycles but loops."""
    apart = links.rows != links.indices
    rows, columns = links.rows[apart], links.indices[apart]
    while rows.size:
        further = product((rows, columns), sets, (count,), width)
        sets = union([sets, further], width)
        paths = Maps((maps.identity((count,), 0, maps.number_type(count)),))
        once = product((rows, columns), paths, (count,), count)
        twofold = product((rows, columns), once, (count,), count)
        twice = finished(union([once, twofold], count), count, count)
        if twice.nnz == rows.size:
            break
        rows, columns = twice.rows, twice.indices
    return sets


def solved(rows: np.ndarray, columns: np.ndarray, right: Dependence, width: int) -> Dependence:
    """Return what the solution of a system of equations depends on through its right-hand sides.

    Parameters
    ----------
    rows, columns : ndarray of int
        The equation and the unknown of every entry of the matrix that can be nonzero.
    right : Dependence
        Of the right-hand sides, one for each equation; the solution has the same shape.
    width : int
    """
    shape, n = right.shape, math.prod(right.shape)
    unknown = _matched(rows, columns, n)
    if unknown is None:
        whole = taken(right, np.arange(n), (n,), width)
        return taken(relabelled(whole, "r", "x", {"r": n, "x": n}, width), np.arange(n), shape, width)
    own = taken(right, np.argsort(unknown), shape, width)
    return reached(unknown[rows], columns, own, width)


def _matched(rows: np.ndarray, columns: np.ndarray, n: int) -> np.ndarray | None:
    """Return an unknown for every equation of a system, each another one that occurs in it.

    Parameters
    ----------
    rows, columns : ndarray of int
        The equation and the unknown of every entry of the matrix.
    n : int

    Returns
    -------
    ndarray of int or None
        None if there is no such choice: matrices with these entries are singular.
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    on_diagonal = np.zeros(n, dtype=bool)
    on_diagonal[rows[rows == columns]] = True
    if on_diagonal.all():
        return np.arange(n)
    entries = csr_array((np.ones(rows.size, bool), (rows, columns)), shape=(n, n))
    unknown = maximum_bipartite_matching(entries, perm_type="column")
    return None if np.any(unknown < 0) else unknown
