"""What a user asks of a sparse derivative, and which ways there are to compute one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.choices import check_choice
from diffsci.sparse.detection import Pattern
from diffsci.tracing.identity import Identity

__all__ = ["HESSIAN", "JACOBIAN", "Kind", "Options", "user_pattern"]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of sparse derivative.

    Attributes
    ----------
    name : str
        Of the public function.
    what, unit, dense : str
        In sentences: itself, what its cost is counted in, the public function for dense ones.
    colorings : dict
        Ways that evaluate few directions: their name and the kind of coloring that each needs.
    symmetric : bool
    """

    name: str
    what: str
    unit: str
    dense: str
    colorings: dict[str, str]
    symmetric: bool

    @property
    def modes(self) -> tuple[str, ...]:
        """The names a user may give."""
        return ("auto", "direct", *self.colorings, "dense")


JACOBIAN = Kind(
    "sparse_jacobian",
    "Jacobian",
    "the function",
    "jacobian",
    {"forward": "column", "reverse": "row", "bidirectional": "bidirectional"},
    symmetric=False,
)
HESSIAN = Kind(
    "sparse_hessian",
    "Hessian",
    "the gradient",
    "hessian",
    {"star": "star", "acyclic": "acyclic", "forward": "column"},
    symmetric=True,
)


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for.

    Attributes
    ----------
    kind : Kind
    mode : str
    pattern : Pattern or None
        The user's pattern.
    coloring : Coloring or None
        The user's coloring.
    strict : bool
        Whether entries raise at kinks.
    """

    kind: Kind
    mode: str = "auto"
    pattern: Pattern | None = None
    coloring: Any = None
    strict: bool = False

    def __post_init__(self) -> None:
        check_choice(f"{self.kind.name}: mode", self.mode, self.kind.modes)
        if self.coloring is not None:
            _check_coloring(self.kind, self.coloring)
            if self.mode != "auto" and self.kind.colorings.get(self.mode) != self.coloring.kind:
                raise ValueError(
                    f"{self.kind.name}: mode={self.mode!r} does not use a {self.coloring.kind} "
                    "coloring: leave one of the two out"
                )

    def key(self) -> tuple:
        """Return what tells these options from others."""
        return self.kind.name, self.mode, Identity(self.pattern), Identity(self.coloring), self.strict


def _check_coloring(kind: Kind, coloring: Any) -> None:
    known = tuple(kind.colorings.values())
    if getattr(coloring, "kind", None) not in known or not hasattr(coloring, "decompression"):
        raise TypeError(
            f"{kind.name}: coloring= is a diffsci.coloring.Coloring of kind {' or '.join(map(repr, known))}, "
            f"got {coloring!r}"
        )


def user_pattern(kind: Kind, pattern: Any) -> Pattern | None:
    """Return the pattern that a user gives; TypeError or ValueError for what is none."""
    if pattern is None:
        return None
    if not hasattr(pattern, "tocoo"):
        pattern = np.asarray(pattern)
        if pattern.dtype.kind not in "biuf":
            raise TypeError(
                f"{kind.name}: pattern= must be a matrix of scipy.sparse or an array of booleans, "
                f"not of {pattern.dtype}"
            )
    if pattern.ndim != 2:
        raise ValueError(f"{kind.name}: pattern= must have two dimensions, not {pattern.ndim}")
    if hasattr(pattern, "check_format"):
        pattern.check_format(full_check=True)  # SciPy's conversions trust index arrays
    elif getattr(pattern, "format", None) == "coo":
        pattern = type(pattern)((pattern.data, pattern.coords), shape=pattern.shape)  # which looks at them
    found = Pattern.of(pattern)
    if kind.symmetric and (found.shape[0] != found.shape[1] or found.symmetric() != found):
        raise ValueError(f"{kind.name}: pattern= must be symmetric: add its transpose to it")
    return found
