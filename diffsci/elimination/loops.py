"""The compiled loops of planning an elimination, see `diffsci.native`."""

from __future__ import annotations

from diffsci.native import LoopFamily

__all__ = ["LOOPS"]

LOOPS = LoopFamily(
    "diffsci.elimination",
    {
        "minimum_degree": ("degree_loops", "i", "i1 i1 i1 i2 i1 i1 i0"),
        "match": ("dissection_loops", "i", "i1 i1 i1 i1 i0 i1"),
        "contract": ("dissection_loops", "i", "i1 i1 i1 i1 i1 i1 i1 i1 i1 i1 i1"),
        "search": ("dissection_loops", "i", "i1 i1 i0 i1 i1"),
        "halve": ("dissection_loops", "i", "i1 i1 i1 i1 i1"),
        "refine": ("dissection_loops", "i", "i1 i1 i1 i1 i1 i2"),
        "extract": ("dissection_loops", "i", "i1 i1 i1 i1 i1 i1"),
        "link": ("tree_loops", "i", "i1 i1 i1 i1 i1 i1"),
        "follow": ("tree_loops", "i", "i1 i1 i1 i2 i1"),
        "count_below": ("tree_loops", "i", "i1 i1 i1 i1 i1 i1 i2"),
        "group": ("tree_loops", "i", "i1 i1 i1 i1 i1 i1 i2"),
        "lay_out": ("front_loops", "i", "i1 i1 i1 i1 i2 i1 i1 i1"),
        "list_children": ("front_loops", "i", "i2 i1 i1 i1"),
        "list_rows": ("front_loops", "i", "i1 i1 i1 i1 i2 i1 i1 i1 i1 i1"),
        "map_children": ("front_loops", "i", "i2 i1 i1 i1 i1"),
        "place_entries": ("front_loops", "i", "i1 i1 i1 i1 i2 i1 i1 i1 i1 i1"),
    },
)
