"""Scalar programs of any length: every statement uses two of the last 40 values, all between 0 and 2."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["STATES", "program"]

STATES = 20
_WINDOW = 40


def program(statements: int, seed: int = 0) -> Callable:
    """Return ``f(y)`` of that many statements, one number."""
    draw = np.random.default_rng(seed)
    names = [f"v{k}" for k in range(STATES)]
    lines = ["def f(y):", f"    {', '.join(names)} = y"]
    for k in range(statements):
        x, y = (names[-1 - j] for j in draw.integers(0, min(_WINDOW, len(names)), 2))
        forms = (f"0.5 * ({x} + {y})", f"1.0 - 0.5 * ({x} * {y})", f"{x} / (0.5 + {y})")
        lines.append(f"    w{k} = {forms[draw.integers(0, 3)]}")
        names.append(f"w{k}")
    lines.append(f"    return {' + '.join(names[-_WINDOW:])}")
    scope: dict = {}
    exec("\n".join(lines), scope)
    return scope["f"]
