"""Laws of colorings, on patterns of any shape."""

import itertools
import re

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import patterns as samples
from diffsci.coloring import (
    Coloring,
    ColoringError,
    Greedy,
    Lattice,
    Portfolio,
    Problem,
    as_pattern,
    check,
    color,
    is_valid,
    load,
)
from diffsci.coloring.clock import Clock, OutOfTime
from diffsci.coloring.groups import of_columns
from diffsci.coloring.loops import LOOPS
from diffsci.coloring.orders import ORDERS
from diffsci.coloring.trees import color_graph, drop_neutral, graph_of, graph_of_both

PROBLEMS = [("column", ""), ("row", ""), ("bidirectional", "direct"), ("bidirectional", "substitution")]
SYMMETRIC = [("star", ""), ("acyclic", "")]


@st.composite
def patterns(draw, symmetric=False):
    rows = draw(st.integers(0, 12))
    columns = rows if symmetric else draw(st.integers(0, 12))
    dense = np.zeros((rows, columns), bool)
    if dense.size:
        filling = draw(st.sampled_from([0.05, 0.15, 0.3, 0.6, 1.0]))
        dense = np.random.default_rng(draw(st.integers(0, 10**6))).random(dense.shape) < filling
        for i in draw(st.lists(st.integers(0, rows - 1), max_size=2)):
            dense[i] = draw(st.booleans())
        for j in draw(st.lists(st.integers(0, columns - 1), max_size=2)):
            dense[:, j] = draw(st.booleans())
    return sp.csr_array(dense | dense.T if symmetric else dense)


def matrix_on(pattern, symmetric, dtype=float):
    rng = np.random.default_rng(1)
    values = rng.integers(-9, 10, pattern.shape) + (
        1j * rng.integers(-9, 10, pattern.shape) if dtype is complex else 0
    )
    values = values + values.T if symmetric else values
    where = as_pattern(pattern)
    entries = values[where.rows, where.indices].astype(dtype)
    return sp.csr_array((entries, where.indices, where.indptr), shape=pattern.shape)


def recovers(coloring, dtype=float):
    """Integers are recovered without an error, by substitution too."""
    matrix = matrix_on(coloring.problem.pattern, coloring.problem.symmetric, dtype)
    entries = coloring.decompress(*coloring.compress(matrix))
    assert entries.dtype == np.dtype(dtype)
    np.testing.assert_array_equal(entries, matrix.data)
    assert coloring.decompression.direct or coloring.problem.recovery == "substitution"


def judge(coloring):
    coloring.check()
    recovers(coloring)
    assert coloring.lower_bound <= coloring.ncolors
    for colors, count in (
        (coloring.row_colors, coloring.row_count),
        (coloring.column_colors, coloring.column_count),
    ):
        assert colors.dtype == np.int32
        assert set(colors[colors >= 0]) == set(range(count))


@settings(max_examples=60, deadline=None)
@given(patterns(), st.sampled_from(PROBLEMS), st.sampled_from(ORDERS))
def test_every_order_recovers_the_matrix(pattern, problem, order):
    judge(color(Problem(pattern, *problem), algorithm=Greedy(order)))


@settings(max_examples=60, deadline=None)
@given(patterns(symmetric=True), st.sampled_from(SYMMETRIC), st.sampled_from(ORDERS))
def test_every_order_recovers_the_symmetric_matrix(pattern, problem, order):
    judge(color(Problem(pattern, *problem), algorithm=Greedy(order)))


@settings(max_examples=60, deadline=None)
@given(patterns(), st.sampled_from(PROBLEMS), st.sampled_from([1.0, 3.0]))
def test_the_portfolio_recovers_and_repeats_itself(pattern, problem, reverse_cost):
    problem = Problem(pattern, *problem, reverse_cost=reverse_cost)
    coloring, again = color(problem), color(problem)
    judge(coloring)
    np.testing.assert_array_equal(coloring.row_colors, again.row_colors)
    np.testing.assert_array_equal(coloring.column_colors, again.column_colors)
    assert coloring.cost == min(each.cost for each in coloring.candidates if each.cost is not None)
    everything = color(problem, algorithm=Portfolio(exhaustive=True))
    judge(everything)
    assert everything.cost <= coloring.cost


@settings(max_examples=40, deadline=None)
@given(patterns(symmetric=True), st.sampled_from(SYMMETRIC))
def test_the_portfolio_of_symmetric_matrices(pattern, problem):
    judge(color(Problem(pattern, *problem)))


@settings(max_examples=40, deadline=None)
@given(patterns(), st.booleans(), st.booleans())
def test_dropping_neutral_colors_keeps_colorings_good(pattern, acyclic, mirrored):
    if mirrored:
        dense = pattern.toarray()[: min(pattern.shape), : min(pattern.shape)]
        pattern = sp.csr_array(dense | dense.T)
    where = as_pattern(pattern)
    graph = graph_of(where) if mirrored else graph_of_both(where)
    order = np.arange(graph.pattern.shape[0], dtype=np.int32)
    before = color_graph(graph, order, acyclic)
    after = drop_neutral(graph, before)
    assert np.unique(after[after >= 0]).size <= np.unique(before).size
    for colors in (before, after):
        if mirrored:
            check(Problem(where, "acyclic" if acyclic else "star"), column_colors=colors)
            continue
        columns, rows = np.where(colors < 0, -1, colors // 2)[: graph.split], colors[graph.split :]
        rows = np.where(rows < 0, -1, rows // 2)
        check(Problem(where, "bidirectional", "substitution" if acyclic else "direct"), rows, columns)


@settings(max_examples=40, deadline=None)
@given(
    patterns(symmetric=True), st.integers(0, 100), st.sampled_from([kind for kind, _ in PROBLEMS + SYMMETRIC])
)
def test_bounds_do_not_depend_on_numbering(pattern, seed, kind):
    order = np.random.default_rng(seed).permutation(pattern.shape[0])
    moved = sp.csr_array(pattern[order][:, order])
    assert Problem(moved, kind).lower_bound == Problem(pattern, kind).lower_bound


def recoverable(kind, recovery, dense, rows, columns):
    """Whether entries follow from the products one by one, by the definition."""
    m, n = dense.shape
    products = [
        [(i, j) for j in range(n) if dense[i, j] and columns[j] == c]
        for i in range(m)
        for c in set(columns) - {-1}
    ]
    products += [
        [(i, j) for i in range(m) if dense[i, j] and rows[i] == r] for j in range(n) for r in set(rows) - {-1}
    ]
    if kind in ("star", "acyclic"):
        products = [[tuple(sorted(entry)) for entry in product] for product in products]
    known: set = set()
    while True:
        new = {e for product in products for e in product if not set(product) - known - {e}} - known
        if recovery == "direct":
            new = {product[0] for product in products if len(product) == 1} - known
        if not new:
            break
        known |= new
    entries = {(i, j) for i in range(m) for j in range(n) if dense[i, j]}
    if kind in ("star", "acyclic"):
        entries = {tuple(sorted(e)) for e in entries}
    return entries <= known


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(PROBLEMS + SYMMETRIC))
def test_checkers_agree_with_the_definition(data, problem):
    kind, recovery = problem
    symmetric = kind in ("star", "acyclic")
    shape = (data.draw(st.integers(1, 5)), data.draw(st.integers(1, 5)))
    shape = (shape[0], shape[0]) if symmetric else shape
    dense = np.random.default_rng(data.draw(st.integers(0, 10**6))).random(shape) < 0.4
    if symmetric:  # as theory has it, with all of the diagonal
        dense = dense | dense.T | np.eye(shape[0], dtype=bool)
    least = 0 if symmetric else -1
    rows = np.array(data.draw(st.lists(st.integers(-1, 2), min_size=shape[0], max_size=shape[0])))
    columns = np.array(data.draw(st.lists(st.integers(least, 2), min_size=shape[1], max_size=shape[1])))
    rows = np.full_like(rows, -1) if symmetric or kind == "column" else rows
    columns = np.full_like(columns, -1) if kind == "row" else columns
    asked = Problem(dense, kind, recovery)
    good = is_valid(asked, rows, columns)
    assert good == recoverable(kind, asked.recovery, dense, rows.tolist(), columns.tolist())
    if good and not kind.startswith(("star", "acyclic")):
        recovers(Coloring(asked, rows.astype(np.int32), columns.astype(np.int32)))


@settings(max_examples=150, deadline=None)
@given(st.data(), st.sampled_from(PROBLEMS + SYMMETRIC))
def test_errors_name_entries_that_are_there(data, problem):
    """Also where diagonal entries are missing; one that cannot be read is alone of its color nowhere."""
    kind, recovery = problem
    symmetric = kind in ("star", "acyclic")
    rows = data.draw(st.integers(1, 6))
    columns = rows if symmetric else data.draw(st.integers(1, 6))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    dense = rng.random((rows, columns)) < 0.5
    dense = dense | dense.T if symmetric else dense
    r, c = rng.integers(-1, 3, rows), rng.integers(-1, 3, columns)
    try:
        check(Problem(dense, kind, recovery), r, c)
    except ColoringError as error:
        named = [(int(i), int(j)) for i, j in re.findall(r"\((\d+), (\d+)\)", str(error))]
        assert named
        assert all(dense[entry] for entry in named)
        if "by direct" in str(error):
            i, j = named[0]
            in_row = c[j] >= 0 and np.sum(dense[i] & (c == c[j])) == 1
            other, colors, color_ = (dense[j], c, c[i]) if symmetric else (dense[:, j], r, r[i])
            assert not in_row
            assert not (color_ >= 0 and np.sum(other & (colors == color_)) == 1)


@pytest.mark.parametrize(("kind", "recovery"), PROBLEMS + SYMMETRIC)
def test_complex_values(kind, recovery):
    recovers(color(Problem(samples.laplace(7, 9), kind, recovery)), complex)


@settings(max_examples=40, deadline=None)
@given(patterns(), st.integers(0, 100))
def test_colors_as_bits_of_words_are_the_same(pattern, seed):
    rng = np.random.default_rng(seed)
    groups = of_columns(as_pattern(pattern))
    order = rng.permutation(groups.size).astype(np.int32)
    active = rng.integers(0, 2, pattern.shape[0]).astype(np.uint8)
    few, many = (np.full(groups.size, -1, np.int32) for _ in range(2))
    filling, stamps = np.zeros((2, pattern.shape[0]), np.int32), np.zeros(groups.size + 1, np.int32)
    taken, limit = np.zeros(pattern.shape[0], np.int64), int(rng.integers(0, 13))
    counts = (
        LOOPS.run("color_few", *groups[:2], order, active, few, taken, limit, 0, 0, order.size),
        LOOPS.run("color_partially", *groups, order, active, many, filling, stamps, limit, 0, 0, order.size),
    )
    assert counts[0] == counts[1]
    np.testing.assert_array_equal(few, many)


def test_more_colors_than_a_word_has_bits():
    # Rows of two entries, but every pair of columns meets in one.
    one, other = np.triu_indices(90, 1)
    rows = np.arange(one.size)
    pattern = sp.csr_array((np.ones(2 * one.size), (np.tile(rows, 2), np.concatenate([one, other]))))
    for order in ORDERS:
        coloring = color(pattern, algorithm=Greedy(order))
        coloring.check()
        assert coloring.ncolors == 90
    np.testing.assert_array_equal(color(pattern).column_colors, np.arange(90))


@settings(max_examples=20, deadline=None)
@given(patterns())
def test_columns_of_the_transpose_are_rows(pattern):
    for order in ORDERS:
        rows = color(pattern, "row", Greedy(order))
        columns = color(pattern.T.tocsr(), "column", Greedy(order))
        np.testing.assert_array_equal(rows.row_colors, columns.column_colors)


@pytest.mark.parametrize("kind", ["column", "star", "acyclic", "bidirectional"])
def test_no_single_recoloring_of_an_optimal_one_is_missed(kind):
    """Every change of one color is judged as the definition does."""
    dense = samples.laplace(3, 3).toarray()
    coloring = color(dense, kind)
    for v, c in itertools.product(range(9), range(-1, coloring.column_count)):
        columns = coloring.column_colors.copy()
        columns[v] = c
        expected = recoverable(
            kind, coloring.problem.recovery, dense, coloring.row_colors.tolist(), columns.tolist()
        )
        if (
            kind in ("star", "acyclic")
            and c >= 0
            and any(columns[w] == c for w in np.flatnonzero(dense[v]) if w != v)
        ):
            expected = False
        assert is_valid(coloring.problem, coloring.row_colors, columns) == expected, (v, c)


@pytest.mark.parametrize(("kind", "recovery"), PROBLEMS + SYMMETRIC)
def test_saved_and_read_again(tmp_path, kind, recovery):
    coloring = color(Problem(samples.arrow(9), kind, recovery, 1.5, 2.0))
    coloring.save(tmp_path / "coloring.npz")
    again = load(tmp_path / "coloring.npz")
    assert (again.kind, again.ncolors, again.cost, again.algorithm) == (
        coloring.kind, coloring.ncolors, coloring.cost, coloring.algorithm,
    )  # fmt: skip
    np.testing.assert_array_equal(again.row_colors, coloring.row_colors)
    np.testing.assert_array_equal(again.column_colors, coloring.column_colors)
    recovers(again)


def test_members_are_tried_in_turn_until_the_bound():
    tried = color(samples.band(20, 1, 1), algorithm=Portfolio((Greedy("random"), Greedy(), Lattice())))
    assert [each.algorithm for each in tried.candidates] == ["random (0)", "natural"]
    assert tried.algorithm == "natural"
    assert "natural" in str(tried)
    limited = color(samples.laplace(6, 6), algorithm=Portfolio((Greedy(), Lattice()), time_limit=0.0))
    assert [each.note for each in limited.candidates] == ["", "left out: time limit"]
    fallback = color(samples.arrow(300), algorithm=Portfolio((Lattice(),)))
    assert fallback.algorithm == "natural"


class _Pieces(Clock):
    """A clock that never runs out but cuts loops to pieces, or runs out after some."""

    def __init__(self, size, most=10**9):
        super().__init__()
        self.size, self.most = size, most

    def pieces(self, size):
        for begin in range(0, size, self.size):
            self.most -= 1
            if self.most < 0:
                raise OutOfTime
            yield begin, min(begin + self.size, size)


@settings(max_examples=40, deadline=None)
@given(patterns(symmetric=True), st.sampled_from(ORDERS), st.integers(1, 5))
def test_loops_in_pieces_color_as_whole_ones(pattern, order, size):
    for kind, recovery in PROBLEMS + SYMMETRIC:
        problem = Problem(pattern, kind, recovery)
        one, other = (Greedy(order).solve(problem, clock=clock) for clock in (Clock(), _Pieces(size)))
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("kind", "recovery"), PROBLEMS + SYMMETRIC)
@pytest.mark.parametrize("order", ORDERS)
def test_a_clock_stops_a_coloring_in_the_middle(kind, recovery, order):
    problem = Problem(samples.constrained(6), kind, recovery)
    with pytest.raises(OutOfTime):
        Greedy(order).solve(problem, clock=_Pieces(4, 3))


def test_a_time_limit_keeps_the_best_so_far(monkeypatch):
    """The third loop that asks runs out of time: the first coloring is made, the second one too."""
    members = tuple(Greedy(order) for order in ORDERS)
    clock = _Pieces(50, 5)
    monkeypatch.setattr("diffsci.coloring.solving.Clock", lambda seconds: clock)
    found = color(samples.laplace(12, 12), algorithm=Portfolio(members, time_limit=1.0))
    found.check()
    stopped = [each.algorithm for each in found.candidates if each.note == "stopped: time limit"]
    assert found.candidates[0].ncolors is not None
    assert "natural" not in stopped
    assert stopped
    assert found.ncolors == min(each.ncolors for each in found.candidates if each.ncolors)


@pytest.mark.parametrize(
    ("pattern", "bound"),
    [(np.ones((4, 4)), 4), (samples.arrow(10), 3), (samples.frame(10, 20), 4), (np.zeros((3, 2)), 0)],
)
def test_what_products_can_tell_bounds_bidirectional_colorings(pattern, bound):
    """An arrow of 10: one product of either kind tells 20 numbers, there are 28 entries."""
    assert Problem(pattern, "bidirectional").lower_bound == bound
    for recovery in ("direct", "substitution"):
        assert color(pattern, "bidirectional", recovery=recovery, reverse_cost=2.5).ncolors >= bound


def test_a_dense_row_is_cheap():
    pattern = samples.band(3, 1, 1)
    n = 200_000
    rows = np.concatenate([np.zeros(n, int), np.arange(1, n), np.arange(1, n)])
    columns = np.concatenate([np.arange(n), np.arange(1, n), np.zeros(n - 1, int)])
    pattern = sp.csr_array((np.ones(rows.size, bool), (rows, columns)), shape=(n, n))
    assert color(pattern, "bidirectional").ncolors == 3
    assert color(pattern, "star").ncolors == 2
    assert color(pattern, algorithm=Greedy()).ncolors == n


def test_errors_name_entries():
    with pytest.raises(
        ColoringError, match=r"entries \(2, 1\) and \(2, 2\) are in one row, and their columns"
    ):
        check(Problem(np.tri(3)), column_colors=[0, 1, 1])
    with pytest.raises(
        ColoringError, match=r"entries \(1, 0\) and \(2, 0\) are in one column, and their rows"
    ):
        check(Problem(np.tri(3), "row"), row_colors=[0, 1, 1])
    with pytest.raises(ColoringError, match=r"entry \(1, 1\) cannot be recovered: column 1 has no color"):
        check(Problem(np.eye(3)), column_colors=[0, -1, 0])
    with pytest.raises(ColoringError, match=r"entry \(0, 0\) cannot .* neither its row nor its column"):
        check(Problem(np.eye(2), "bidirectional"), [-1, 0], [-1, 0])
    with pytest.raises(ColoringError, match=r"entry \(2, 1\) cannot .* entry \(2, 3\) has the same color"):
        check(Problem(samples.band(4, 1, 1), "star"), column_colors=[0, 1, 0, 1])
    with pytest.raises(ColoringError, match=r"entries \(0, 1\) and \(1, 0\) join columns 0 and 1"):
        check(Problem(samples.band(4, 1, 1), "star"), column_colors=[0, 0, 1, 2])
    with pytest.raises(ColoringError, match="by substitution"):
        check(Problem(samples.laplace(4, periodic=True), "acyclic"), column_colors=[0, 1, 0, 1])
