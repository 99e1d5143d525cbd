"""Which rules each primitive has, printed by ``python -m diffsci.coverage``.

The table comes from the registry; the conformance suite tries every rule that it claims.
"""

from __future__ import annotations

from dataclasses import dataclass

import diffsci.transforms  # noqa: F401  enters the rules of calls
from diffsci.backends.eliminating import ELIMINATED
from diffsci.backends.forms import FORMS
from diffsci.backends.plan.vocabulary import is_callback
from diffsci.graph import Primitive, registered
from diffsci.sparse.detection import rule_of as _pattern_rule
from diffsci.transforms.taylor import rule_of as _taylor_rule

__all__ = ["RULES", "Coverage", "coverage", "table"]

RULES = ("jvp", "transpose", "taylor", "pattern", "batch", "native")
CARRIED = frozenset({"input", "const", "project"})  # not operations: transformations carry them themselves
LOWERED = frozenset({"sparse_factor", "sparse_backsolve", "sparse_solve_library"})  # written by backends only


@dataclass(frozen=True)
class Coverage:
    """The rules of one primitive: how each is met, ``""`` where it is missing."""

    name: str
    family: str
    jvp: str
    transpose: str
    taylor: str
    pattern: str
    batch: str
    native: str

    @property
    def differentiable(self) -> bool:
        """Whether its derivative is not zero by declaration."""
        return self.jvp != "zero"

    @property
    def missing(self) -> tuple[str, ...]:
        """The rules that it lacks; native code is an optimisation and never missing."""
        return tuple(rule for rule in RULES if rule != "native" and not getattr(self, rule))


def _of(primitive: Primitive) -> Coverage:
    if primitive.jvp == "zero":
        jvp = transpose = taylor = pattern = "zero"
    else:
        jvp = "rule" if primitive.jvp else ""
        transpose = "rule" if primitive.transpose else "not linear"
        taylor = "rule" if _taylor_rule(primitive) else "by jvp" if primitive.jvp else ""
        pattern = "" if _pattern_rule(primitive) is None else "rule"
    batch = "rule" if primitive.batch else ""
    formed = primitive.name in FORMS or primitive.name in ELIMINATED
    native = "Python" if is_callback(primitive) and not formed else "native"
    return Coverage(primitive.name, primitive.family, jvp, transpose, taylor, pattern, batch, native)


def coverage() -> list[Coverage]:
    """Return the rules of every primitive, by family and name."""
    records = (_of(p) for name, p in registered().items() if name not in CARRIED | LOWERED)
    return sorted(records, key=lambda record: (record.family, record.name))


def table(records: list[Coverage]) -> str:
    """Return the coverage as text: a line per primitive, and the percentages."""
    titles = ("primitive", "family", *RULES)
    rows = [
        titles,
        *((r.name, r.family, *(getattr(r, rule) or "MISSING" for rule in RULES)) for r in records),
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, "", *_percentages(records)])


def _percentages(records: list[Coverage]) -> list[str]:
    smooth = [record for record in records if record.differentiable]
    lines = [f"{len(records)} primitives, {len(smooth)} of them differentiable; of these have"]
    for rule in RULES:
        count = sum(bool(getattr(r, rule)) for r in smooth)
        if rule == "native":
            count = sum(r.native == "native" for r in smooth)
        lines.append(f"  {rule:10}{count:5}  {100.0 * count / len(smooth):5.1f} %")
    return lines


if __name__ == "__main__":
    print(table(coverage()))
