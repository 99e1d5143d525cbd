"""Numbers of colors: published ones, and those of first-fit colorings by ColPack's definitions."""

import numpy as np
import pytest
import scipy.sparse as sp

from benchmarks import patterns as samples
from diffsci.coloring import Greedy, Lattice, LatticeOrder, Portfolio, Problem, color

# Pattern, longest row and column, colors of the natural and the largest-first order: of columns, of rows, of
# star and of acyclic colorings. Those of columns and rows equal ColPack's.
REFERENCE = {
    "band 1": (samples.band(30, 1, 1), (3, 3), (3, 3), (3, 3), (3, 3), (2, 2)),
    "band 5": (samples.band(40, 5, 5), (11, 11), (11, 11), (11, 11), (11, 11), (6, 6)),
    "band 10": (samples.band(1000, 10, 10), (21, 21), (21, 21), (21, 21), (21, 21), (11, 11)),
    "band 1 2": (samples.band(30, 1, 2), (4, 4), (4, 4), (4, 4), None, None),
    "arrow 10": (samples.arrow(10), (10, 10), (10, 10), (10, 10), (2, 2), (2, 2)),
    "arrow 500": (samples.arrow(500), (500, 500), (500, 500), (500, 500), (2, 2), (2, 2)),
    "5-point 6": (samples.laplace(6, 6), (5, 5), (7, 6), (7, 6), (5, 5), (4, 4)),
    "5-point 31 17": (samples.laplace(31, 17), (5, 5), (7, 7), (7, 7), (6, 6), (4, 4)),
    "5-point ring 6": (samples.laplace(6, 6, periodic=True), (5, 5), (8, 8), (8, 8), (7, 7), (4, 4)),
    "5-point ring 10": (samples.laplace(10, 10, periodic=True), (5, 5), (10, 10), (10, 10), (6, 6), (4, 4)),
    "9-point": (samples.box(10, 10), (9, 9), (9, 9), (9, 9), (10, 10), (6, 6)),
    "9-point ring": (samples.box(7, 7, periodic=True), (9, 9), (15, 15), (15, 15), (11, 11), (8, 8)),
    "7-point": (samples.laplace(6, 6, 6), (7, 7), (10, 11), (10, 11), (10, 10), (6, 6)),
    "Brusselator 6": (samples.brusselator(6), (6, 6), (9, 9), (9, 9), (9, 9), (6, 6)),
    "Brusselator 24": (samples.brusselator(24), (6, 6), (10, 10), (10, 10), (9, 9), (6, 6)),
    "Brusselator 32": (samples.brusselator(32, True), (6, 6), (8, 8), (8, 8), (9, 9), (6, 6)),
    "frame": (samples.frame(10, 20), (20, 10), (20, 20), (10, 10), None, None),
    "triangle": (sp.csr_array(np.triu(np.ones((10, 10)))), (10, 10), (10, 10), (10, 10), None, None),
    "blocks": (samples.blocks(8, 4), (4, 4), (4, 4), (4, 4), (4, 4), (4, 4)),
    "bordered blocks": (samples.bordered_blocks(6, 3), (19, 19), (19, 19), (19, 19), (4, 4), (4, 4)),
    # A color that no entry needs is dropped: 5 star colors in the natural order where first fit has 6.
    "constrained": (samples.constrained(6), (7, 7), (9, 8), (9, 8), (5, 6), (4, 4)),
}
# Optima, proven by exhaustive search or by the lower bound.
OPTIMA = {
    "5-point 6": {"column": 5},
    "5-point ring 6": {"column": 6, "row": 6},
    "5-point ring 10": {"column": 5, "row": 5},
    "9-point": {"column": 9, "row": 9},
    "Brusselator 6": {"column": 6, "row": 6},
    "band 1 2": {"bidirectional": 4},
    "arrow 10": {"bidirectional": 3},
    "frame": {"bidirectional": 4},
    "blocks": {"bidirectional": 4},
    "bordered blocks": {"bidirectional": 5},
}


@pytest.mark.parametrize("name", REFERENCE)
def test_greedy_counts_and_bounds(name):
    pattern, bounds, *kinds = REFERENCE[name]
    for kind, bound in zip(("column", "row"), bounds, strict=True):
        assert Problem(pattern, kind).lower_bound == bound
    for kind, counts in zip(("column", "row", "star", "acyclic"), kinds, strict=True):
        if counts is not None:
            problem = Problem(pattern, kind)
            found = [color(problem, algorithm=Greedy(order)) for order in ("natural", "largest_first")]
            assert tuple(each.ncolors for each in found) == counts, kind
            assert problem.lower_bound <= min(counts)


@pytest.mark.parametrize("name", REFERENCE)
def test_first_fit_without_dropping_colors_is_the_published_one(name):
    counts = dict(zip(("star", "acyclic"), REFERENCE[name][4:], strict=True))
    if name == "constrained":
        counts["star"] = (6, 6)
    for kind, numbers in counts.items():
        if numbers is not None:
            for order, count in zip(("natural", "largest_first"), numbers, strict=True):
                coloring = color(REFERENCE[name][0], kind, Greedy(order, drop_neutral=False))
                coloring.check()
                assert coloring.ncolors == count, (kind, order)


@pytest.mark.parametrize("name", REFERENCE)
def test_bicolorings_may_keep_neutral_colors(name):
    pattern = REFERENCE[name][0]
    for recovery in ("direct", "substitution"):
        problem = Problem(pattern, "bidirectional", recovery)
        kept, dropped = (color(problem, algorithm=Greedy(drop_neutral=drop)) for drop in (False, True))
        kept.check()
        assert dropped.ncolors <= kept.ncolors


@pytest.mark.parametrize("name", REFERENCE)
def test_the_default_is_never_worse(name):
    pattern, _, *kinds = REFERENCE[name]
    found = {}
    for kind, counts in zip(("column", "row", "star", "acyclic"), kinds, strict=True):
        if counts is not None:
            coloring = color(pattern, kind)
            coloring.check()
            found[kind] = coloring.ncolors
            assert coloring.lower_bound <= found[kind] <= min(counts), kind
    both = color(pattern, "bidirectional")
    both.check()
    found["bidirectional"] = both.ncolors
    assert both.lower_bound <= both.ncolors <= min(found["column"], found["row"])
    fewer = color(pattern, "bidirectional", recovery="substitution")
    fewer.check()
    assert fewer.ncolors <= both.ncolors
    for kind, optimum in OPTIMA.get(name, {}).items():
        assert found[kind] == optimum, kind


@pytest.mark.parametrize("half", [0, 1, 2, 7])
def test_bands(half):
    pattern = samples.band(50, half, half)
    found = [color(pattern, kind).ncolors for kind in ("column", "row", "star", "acyclic")]
    assert found == [2 * half + 1, 2 * half + 1, 2 * half + 1, half + 1]


def test_small_stencils():
    five, nine = samples.laplace(10, 10), samples.box(10, 10)
    assert [color(five, kind).ncolors for kind in ("column", "star", "acyclic")] == [5, 5, 4]
    assert color(nine, algorithm=Greedy()).ncolors == 9
    assert color(nine, "star", Greedy()).ncolors == 10
    assert [color(nine, kind).ncolors for kind in ("column", "star", "acyclic")] == [9, 9, 6]


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize(("n", "colors"), [(6, 6), (24, 6), (32, 8), (100, 10)])
def test_brusselator(n, colors, interleaved):
    pattern = samples.brusselator(n, interleaved)
    coloring = color(pattern)
    coloring.check()
    assert coloring.ncolors <= colors
    assert color(pattern, "row").ncolors <= colors


LATTICES = {
    "one axis": (samples.band(40, 1, 3), 5),
    "ring": (samples.laplace(12, periodic=True), 3),
    "upwind": (samples.grid((30, 21), [(0, 0), (-1, 0), (-2, 0), (0, -1)]), 4),
    "diagonal": (samples.grid((12, 15), [(0, 0), (1, 1), (-1, 1)]), 3),
    "5-point": (samples.laplace(13, 19), 5),
    "13-point": (samples.grid((20, 15), [*samples.box_steps(2), (2, 0), (-2, 0), (0, 2), (0, -2)]), 13),
    "9-point ring": (samples.box(9, 12, periodic=True), 9),
    "7-point": (samples.laplace(5, 6, 7), 7),
    "27-point": (samples.box(6, 5, 7), 27),
    "4 axes": (samples.laplace(4, 5, 3, 4), 9),
}


@pytest.mark.parametrize("name", LATTICES)
def test_lattices_are_recognised(name):
    pattern, colors = LATTICES[name]
    for kind in ("column", "row"):
        coloring = color(pattern, kind, Lattice())
        coloring.check()
        assert coloring.ncolors == colors
    assert color(pattern).algorithm == "lattice"


@pytest.mark.parametrize(
    ("pattern", "colors"),
    [
        (samples.laplace(11, 11, periodic=True), 7),
        (samples.laplace(17, 6, periodic=True), 7),
        (samples.laplace(7, periodic=True), 4),
        (samples.brusselator(13), 10),
        (samples.brusselator(31), 9),
    ],
    ids=["11 x 11", "17 x 6", "ring", "Brusselator 13", "Brusselator 31"],
)
def test_lattices_that_do_not_close(pattern, colors):
    for kind in ("column", "row"):
        coloring = color(pattern, kind, Portfolio((LatticeOrder(),)))
        coloring.check()
        assert coloring.ncolors <= colors
        assert color(pattern, kind).ncolors <= coloring.ncolors


@pytest.mark.parametrize(
    ("pattern", "star", "acyclic"),
    [
        (samples.laplace(6, 6, periodic=True), 5, 4),  # 5 is proven to be the least
        (samples.box(7, 7, periodic=True), 10, 7),
        (samples.brusselator(17), 8, 6),
        (samples.brusselator(32, True), 7, 5),
    ],
    ids=["5-point", "9-point", "Brusselator 17", "Brusselator 32"],
)
def test_periodic_symmetric_lattices(pattern, star, acyclic):
    assert color(pattern, "star").ncolors <= star
    assert color(pattern, "acyclic").ncolors <= acyclic


@pytest.mark.parametrize("species", [2, 3, 5])
@pytest.mark.parametrize("interleaved", [False, True])
def test_lattices_of_several_species(species, interleaved):
    # All species react in a cell, and each diffuses.
    cells = samples.laplace(7, 11)
    pattern = sp.kron(sp.csr_array(np.eye(species, dtype=bool)), cells, format="csr").astype(int)
    pattern = pattern + sp.kron(np.ones((species, species), int), sp.eye_array(77, dtype=int), format="csr")
    pattern = sp.csr_array(pattern)
    pattern.eliminate_zeros()
    if interleaved:
        place = np.arange(77 * species).reshape(species, 77).T.ravel()
        pattern = pattern[place][:, place]
    for kind in ("column", "star"):
        coloring = color(pattern, kind, Lattice())
        coloring.check()
        assert coloring.ncolors <= 2 * (species + 4)
    assert color(pattern).ncolors <= color(pattern, algorithm=Greedy("largest_first")).ncolors


def test_a_lattice_with_hints():
    # Nothing in the pattern says where the rows of cells end.
    pattern = samples.grid((6, 9), [(0, 0), (2, 0), (0, 2)])
    coloring = color(pattern, algorithm=Lattice(shape=(6, 9)))
    coloring.check()
    assert coloring.ncolors == 3
    assert color(samples.brusselator(6), algorithm=Lattice(shape=(6, 6), species=2)).ncolors == 6
    with pytest.raises(ValueError, match="no lattice"):
        color(samples.brusselator(6), algorithm=Lattice(shape=(5, 6), species=2))


def test_products_have_weights():
    arrow = samples.arrow(50)
    free = color(arrow, "bidirectional")
    assert (free.column_count, free.row_count, free.cost) in {(2, 1, 3), (1, 2, 3)}
    assert color(arrow, "bidirectional", reverse_cost=2.0).row_count == 1
    assert color(arrow, "bidirectional", forward_cost=2.0).row_count == 2
    dear = color(arrow, "bidirectional", reverse_cost=1000.0)
    assert (dear.column_count, dear.row_count, dear.cost) == (50, 0, 50)
