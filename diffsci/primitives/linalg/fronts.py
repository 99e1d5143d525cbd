"""Elimination of a sparse matrix planned before any number is known: order, fronts, and where entries go.

The multifrontal method (I. Duff and J. Reid, "The multifrontal solution of indefinite sparse symmetric linear
equations", ACM Trans. Math. Softw. 9, 1983; for unsymmetric values on the symmetric pattern of A + A^T as in
P. Amestoy, I. Duff, J.-Y. L'Excellent, J. Koster, SIAM J. Matrix Anal. Appl. 23, 2001): columns that are
eliminated together form a small dense matrix, the front. It is the sum of entries of A and of what its
children in the tree left over; its own columns are factored, and what is left goes to its parent. Order,
tree, sizes and places depend on the pattern only, so they are found once and kept as a table of integers.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

__all__ = ["FIELDS", "HEADER", "Fronts", "elimination_cost", "fronts_of"]

HEADER = ("n", "count", "fronts", "order", "rows", "sources", "places", "children", "maps")
"""What the table begins with: sizes, and where its parts begin."""

FIELDS = (
    "own",  # columns eliminated here
    "rest",  # rows below them that they reach
    "first",  # the first of the columns, in elimination order
    "factors",  # where its factors lie: (own + rest) x own by columns, then own x rest by rows
    "rows",  # its reached rows: `rest` numbers
    "entries",  # its entries of A: sources and places in the front, up to the next front's
    "children",  # pairs (front, where the child's rows lie in this front), up to the next front's
    "left",  # where what it leaves is stacked: rest x rest by columns
)

# What a front costs, in units of a floating-point operation within one (measured: some 0.2 ns): the calls of
# its factorization and of a few solves, an entry that is moved and read by them, and an operation.
_CALLS, _ENTRY = 8000.0, 8.0


@dataclass(frozen=True, eq=False)
class Fronts:
    """The plan of an elimination.

    Attributes
    ----------
    table : numpy.ndarray of int64
        `HEADER`, then a row of `FIELDS` for each front in elimination order and one behind them, then the
        parts that these point to.
    n, largest : int
        Order of the matrix and of its largest front.
    factors, stack : int
        Numbers in the factors, and those that wait for a parent at most.
    """

    table: np.ndarray
    n: int
    largest: int
    factors: int
    stack: int

    @property
    def sizes(self) -> dict[str, int]:
        """What programs must know of the plan; the rest they read from the table."""
        return {"n": self.n, "largest": self.largest, "factors": self.factors, "stack": self.stack}

    def part(self, name: str) -> np.ndarray:
        """Return the table from where a part of it begins."""
        return self.table[self.table[HEADER.index(name)] :]

    def heads(self) -> np.ndarray:
        """Return the rows of `FIELDS`, the one behind the last front included."""
        count = int(self.table[1]) + 1
        return self.part("fronts")[: count * len(FIELDS)].reshape(count, len(FIELDS))

    @property
    def flops(self) -> float:
        """Floating-point operations of a factorization."""
        return float(np.sum(_flops(*self.heads()[:, :2].T.astype(float))))


def fronts_of(rows: np.ndarray, starts: np.ndarray) -> Fronts:
    """Plan the elimination of a square matrix given by columns.

    Parameters
    ----------
    rows, starts : numpy.ndarray of int64
        Row of every entry, and where each column begins.
    """
    return _planned(np.ascontiguousarray(rows, np.int64).tobytes(), np.asarray(starts, np.int64).tobytes())


def elimination_cost(starts: np.ndarray, places: np.ndarray) -> float:
    """Return what factors of a square sparse matrix and a few solves with them cost.

    Parameters
    ----------
    starts, places : numpy.ndarray of int
        The pattern by rows or by columns: where each begins, and its entries.

    Returns
    -------
    float
        In floating-point operations of a dense factorization at its best.
    """
    own, rest = fronts_of(places, starts).heads()[:-1, :2].T.astype(float)
    return float(np.sum(_cost(own, rest)))


@functools.lru_cache(maxsize=64)
def _planned(rows: bytes, starts: bytes) -> Fronts:
    rows, starts = (np.frombuffer(part, np.int64) for part in (rows, starts))
    n = starts.size - 1
    columns = np.repeat(np.arange(n), np.diff(starts))
    position = _positions(rows, columns, n)
    groups = _merged(_reached(position[rows], position[columns], n))
    return _Table(groups, position, rows, columns).made()


def _positions(rows: np.ndarray, columns: np.ndarray, n: int) -> np.ndarray:
    """Return where each column is eliminated: minimum degree on A + A^T, children before parents.

    SuperLU, in SciPy, orders: it is asked to factor a matrix with this pattern and a heavy diagonal.
    """
    from scipy.sparse import csc_array, eye_array
    from scipy.sparse.linalg import splu

    if n == 0:
        return np.zeros(0, np.int64)
    ones = csc_array((np.ones(rows.size), (rows, columns)), shape=(n, n))
    both = ones + ones.T
    heavy = csc_array(both + eye_array(n) * (2.0 * both.sum(axis=0).max() + 1.0))
    options = {"SymmetricMode": True}
    order = splu(heavy, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options).perm_c
    position = np.asarray(order, np.int64)
    parents = _tree(position[rows], position[columns], n)
    return _postorder(parents)[position]


def _below(i: np.ndarray, j: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pattern of the lower triangle of A + A^T without its diagonal: rows by columns."""
    low, high = np.minimum(i, j), np.maximum(i, j)
    keys = np.unique((low * n + high)[low != high])
    starts = np.searchsorted(keys, n * np.arange(n + 1))
    return keys % n, starts


def _tree(i: np.ndarray, j: np.ndarray, n: int) -> list[int]:
    """Return each column's parent in the elimination tree, -1 for roots (J. Liu, 1990)."""
    earlier, starts = _below(n - 1 - i, n - 1 - j, n)
    earlier, bounds = (n - 1 - earlier).tolist(), starts.tolist()
    parents, ancestors = [-1] * n, [-1] * n
    for k in range(n):
        mirrored = n - 1 - k
        for start in earlier[bounds[mirrored] : bounds[mirrored + 1]]:
            node = start
            while node != -1 and node < k:
                following = ancestors[node]
                ancestors[node] = k
                if following == -1:
                    parents[node] = k
                node = following
    return parents


def _postorder(parents: list[int]) -> np.ndarray:
    """Return where each node stands if whole subtrees follow each other, children before parents."""
    children: list[list[int]] = [[] for _ in parents]
    pending = []
    for node, parent in enumerate(parents):
        (pending if parent < 0 else children[parent]).append(node)
    order = np.empty(len(parents), np.int64)
    # Seen from the end, parents come first.
    for place in range(len(parents) - 1, -1, -1):
        node = pending.pop()
        order[node] = place
        pending.extend(children[node])
    return order


def _reached(i: np.ndarray, j: np.ndarray, n: int) -> list[tuple[int, int, np.ndarray]]:
    """Return groups of columns with one structure: (first, how many, rows below), in elimination order."""
    below, starts = _below(i, j, n)
    found: list[tuple[int, int, np.ndarray]] = []
    waiting: dict[int, list[np.ndarray]] = {}
    for k in range(n):
        own = below[starts[k] : starts[k + 1]]
        children = waiting.pop(k, [])
        if children:
            own = np.unique(np.concatenate([own, *(part[1:] for part in children)]))
        if own.size:
            waiting.setdefault(int(own[0]), []).append(own)
        if found and children and children[-1].size == own.size + 1 and _ends(found[-1]) == k:
            last = found[-1]
            if last[2].size == own.size + 1:
                found[-1] = (last[0], last[1] + 1, own)
                continue
        found.append((k, 1, own))
    return found


def _ends(group: tuple[int, int, np.ndarray]) -> int:
    return group[0] + group[1]


def _is_child(group: tuple[int, int, np.ndarray], end: int) -> bool:
    """Tell whether a group's next row is eliminated before `end`, in the group that follows it."""
    return group[2].size > 0 and group[2][0] < end


def _merged(groups: list[tuple[int, int, np.ndarray]]) -> list[tuple[int, int, np.ndarray]]:
    """Join groups with the parents that follow them where one larger front costs less than two."""
    done: list[tuple[int, int, np.ndarray]] = []
    for first, count, rest in groups:
        while done and _ends(done[-1]) == first and _is_child(done[-1], first + count):
            before = done[-1]
            apart = _cost(before[1], before[2].size) + _cost(count, rest.size)
            if _cost(before[1] + count, rest.size) > apart:
                break
            first, count = before[0], before[1] + count
            done.pop()
        done.append((first, count, rest))
    return done


def _cost(own: float, rest: float) -> float:
    moved = own * (own + 2 * rest) + rest * rest
    return _CALLS + _ENTRY * moved + _flops(own, rest)


def _flops(own: float, rest: float) -> float:
    return 2 / 3 * own**3 + 2 * own * own * rest + 2 * own * rest * rest


def _ends(group: tuple[int, int, np.ndarray]) -> int:
    return group[0] + group[1]


def _is_child(group: tuple[int, int, np.ndarray], end: int) -> bool:
    """Tell whether a group's next row is eliminated before `end`, in the group that follows it."""
    return group[2].size > 0 and group[2][0] < end


class _Table:
    """Writes the table of a plan."""

    def __init__(self, groups: list, position: np.ndarray, rows: np.ndarray, columns: np.ndarray):
        self.groups = groups
        self.n = position.size
        self.order = np.empty(self.n, np.int64)
        self.order[position] = np.arange(self.n)
        self.front_of = np.repeat(np.arange(len(groups)), [count for _, count, _ in groups])
        self.i, self.j = position[rows], position[columns]
        self.heads: list[list[int]] = []

    def made(self) -> Fronts:
        groups = self.groups
        sizes = [(count, rest.size) for _, count, rest in groups]
        ends = np.cumsum([own * (own + 2 * rest) for own, rest in sizes], dtype=np.int64)
        places = np.concatenate([[0], ends]).astype(np.int64)
        children, maps, left, stack = self._family()
        sources, entry_places, entries = self._entries()
        rows = [rest for _, _, rest in groups]
        row_starts = np.concatenate([[0], np.cumsum([r.size for r in rows], dtype=np.int64)]).astype(np.int64)
        child_starts = np.concatenate([[0], np.cumsum([len(c) for c in children], dtype=np.int64)])
        heads = np.zeros((len(groups) + 1, len(FIELDS)), np.int64)
        for k, (first, count, rest) in enumerate(groups):
            heads[k] = (
                count, rest.size, first, places[k], row_starts[k], entries[k], child_starts[k], left[k]
            )  # fmt: skip
        heads[-1] = (0, 0, self.n, places[-1], row_starts[-1], entries[-1], child_starts[-1], 0)
        pairs = [number for family in children for pair in family for number in pair]
        parts = [heads.ravel(), self.order, *(_joined(p) for p in (rows, [sources], [entry_places]))]
        parts += [np.array(pairs, np.int64), _joined(maps)]
        starts = len(HEADER) + np.concatenate([[0], np.cumsum([part.size for part in parts])[:-1]])
        header = np.array([self.n, len(groups), *starts], np.int64)
        table = np.concatenate([header, *parts]).astype(np.int64)
        table.flags.writeable = False
        largest = max((own + rest for own, rest in sizes), default=0)
        return Fronts(table, self.n, largest, int(places[-1]), stack)

    def _family(self):
        """Children of each front with the places of their rows, and where left-overs are stacked."""
        count = len(self.groups)
        children: list[list[tuple[int, int]]] = [[] for _ in range(count)]
        maps: list[np.ndarray] = []
        left, taken, stack, mapped = [0] * count, 0, 0, 0
        for k, (_, _, rest) in enumerate(self.groups):
            if children[k]:
                taken = left[children[k][0][0]]
            left[k] = taken
            taken += rest.size * rest.size
            stack = max(stack, taken)
            if rest.size:
                parent = int(self.front_of[rest[0]])
                first, size, below = self.groups[parent]
                inside = rest < first + size
                places = np.where(inside, rest - first, size + np.searchsorted(below, rest))
                children[parent].append((k, mapped))
                maps.append(places.astype(np.int64))
                mapped += rest.size
        return children, maps, left, stack

    def _entries(self):
        """Which entries of the matrix each front takes, and where they go in it."""
        front = self.front_of[np.minimum(self.i, self.j)]
        order = np.argsort(front, kind="stable")
        bounds = np.searchsorted(front[order], np.arange(len(self.groups) + 1))
        places = np.empty(order.size, np.int64)
        for k, (first, own, rest) in enumerate(self.groups):
            taken = slice(bounds[k], bounds[k + 1])
            row, column = (_inside(x[order[taken]], first, own, rest) for x in (self.i, self.j))
            places[taken] = row + (own + rest.size) * column
        return order, places, bounds.astype(np.int64)


def _inside(positions: np.ndarray, first: int, own: int, rest: np.ndarray) -> np.ndarray:
    return np.where(positions < first + own, positions - first, own + np.searchsorted(rest, positions))


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.int64), *parts])
