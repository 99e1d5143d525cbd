"""Numbers that loops know: those of dynamic orders, and how many colors fit a word."""

__all__ = ["FEW", "INCIDENCE_DEGREE", "SMALLEST_LAST", "WAYS"]

SMALLEST_LAST, INCIDENCE_DEGREE, DYNAMIC_LARGEST_FIRST = 0, 1, 2
FEW = 62
WAYS = {
    "smallest_last": SMALLEST_LAST,
    "incidence_degree": INCIDENCE_DEGREE,
    "dynamic_largest_first": DYNAMIC_LARGEST_FIRST,
}
