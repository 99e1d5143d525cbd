"""Quadrature for integrals of one sign over the half line: no cancellation, every digit."""

from __future__ import annotations

import functools
import math

__all__ = ["exponential_rule"]


@functools.cache
def exponential_rule(
    step: float = 0.0625, first: float = -4.6, last: float = 4.2
) -> list[tuple[float, float]]:
    """Nodes and weights for the integral of a function over t > 0 that decays like exp(-t).

    The trapezoidal rule in u with t = exp(u - exp(-u)), whose error falls exponentially with 1 / step
    (H. Takahasi and M. Mori, Publ. RIMS 9 (1974)).
    """
    rule = []
    for k in range(round((last - first) / step) + 1):
        u = first + k * step
        node = math.exp(u - math.exp(-u))
        rule.append((node, step * node * (1 + math.exp(-u))))
    return rule
