"""The numbers that loops know dynamic orders by."""

__all__ = ["INCIDENCE_DEGREE", "SMALLEST_LAST", "WAYS"]

SMALLEST_LAST, INCIDENCE_DEGREE, DYNAMIC_LARGEST_FIRST = 0, 1, 2
WAYS = {
    "smallest_last": SMALLEST_LAST,
    "incidence_degree": INCIDENCE_DEGREE,
    "dynamic_largest_first": DYNAMIC_LARGEST_FIRST,
}
