"""The compiled loops of colorings, see `diffsci.native`."""

from __future__ import annotations

from diffsci.native import LoopFamily

__all__ = ["LOOPS"]

LOOPS = LoopFamily(
    "diffsci.coloring",
    {
        "longest": ("structure_loops", "i", "j1"),
        "inspect": ("structure_loops", "i", "j1 j1 i0"),
        "transpose": ("structure_loops", "i", "j1 j1 j1 j1 j1"),
        "is_symmetric": ("structure_loops", "i", "j1 j1 j1 j1"),
        "meet": ("structure_loops", "i", "j1 j1 j1 j1 j1"),
        "count_neighbors": ("greedy_loops", "i", "j1 j1 j1 j1 j1 j1 i0 i0"),
        "list_keys": ("greedy_loops", "i", "j1 j2"),
        "order_dynamically": ("greedy_loops", "i", "j1 j1 j1 j1 j1 j2 j1 j1 j1 i0 i0 i0 i0"),
        "color_partially": ("greedy_loops", "i", "j1 j1 j1 j1 j1 b1 j1 j2 j1 i0 i0 i0 i0"),
        "color_few": ("greedy_loops", "i", "j1 j1 j1 b1 j1 i1 i0 i0 i0 i0"),
        "find_clash": ("checking_loops", "i", "j1 j1 j1 j2 j1"),
        "color_star": ("tree_loops", "i", "j1 j1 j1 j1 j1 i0 j2 j2 j2 i1 i0 i0 i0 i0"),
        "color_acyclic": ("tree_loops", "i", "j1 j1 j1 j1 j1 i0 j2 j2 j2 i1 i0 i0 i0 i0"),
        "peel": ("peeling_loops", "i", "j1 j1 j1 j1 b1 j2 j2 j2"),
        "densest": ("bound_loops", "i", "j1 j1 j1 j1 j2"),
        "fit_offsets": ("lattice_loops", "i", "j1 j1 i1 i1 i2"),
        "search": ("lattice_loops", "i", "i2 i2 i1 i1 i1 i1 i0 i0"),
        "fill": ("lattice_loops", "i", "i1 i1 i0 j1"),
    },
)
