"""The table, on the terminal and as docs/accuracy.md."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from benchmarks.accuracy.contestants import PEERS
from benchmarks.accuracy.errors import Error
from benchmarks.accuracy.measure import FIRST, SECOND, Errors, Measured
from benchmarks.accuracy.row import Function

PAGE = Path(__file__).resolve().parents[2] / "docs" / "accuracy.md"
KINDS = ("value", "float32", "first", "second")
HEADER = f"""# Accuracy

Worst errors of the functions of `diffsci.stable` ([what they are](stable.md)) against mpmath, at {{points}}
points per function and type: log-uniform magnitudes over all exponents, subnormal numbers, zeros and
infinities of both signs, and neighbourhoods of the zeros, cancellations and switches of each function.
Written by `python -m benchmarks accuracy` on {{day}}; run it on your machine to get your own.

- **value**: in units of the last place (ulp) of the double nearest to the true value; subnormal numbers
  count in units of the smallest subnormal number, infinity counts as 2^1024 and is right where the true
  value rounds to it. Target: 4, for the gamma family 8. **float32**: the same for float32 arguments and
  results.
- **first**, **second**: all partial derivatives, relative to the true one (to the smallest normal number
  where it underflows). Targets: {FIRST:.0e} and {SECOND:.0e}. A 1 means that no digit is right.
- **NaN**: at how many points NaN stands for a number that exists. Target: none.
- Ours is the worst of plain, traced and compiled values; forward and reverse derivatives; all four nestings
  of them; each eager and compiled. Peers are called with float64 and differentiated in reverse, and reverse
  over reverse: value, first, second, with the best spelling they have (listed below).

"""


SCALED = (
    "Of {}, second derivatives are relative to at least their typical size: they have zeros that depend on "
    "all arguments at once, where any rounding of an argument moves them by more than they are."
)


def number(x: float) -> str:
    """A number with two or three digits."""
    return f"{x:.2f}" if 0.01 <= x < 100 else f"{x:.1e}" if x else "0"


def relative(x: float) -> str:
    """A relative error: below half of the spacing of doubles it is shown as 1e-16."""
    return f"{max(x, 1e-16):.0e}".replace("e-0", "e-").replace("e+0", "e+") if x < 0.095 else f"{x:.1g}"


def cell(kind: str, error: Error | None, target: float | None = None) -> str:
    """One error as text, marked where it misses a target."""
    if error is None:
        return ""
    shown = (relative if kind in ("first", "second") else number)(error.worst)
    return shown + (" (!)" if target is not None and error.worst > target else "")


def peer_cell(errors: Errors) -> str:
    """Value, first and second of a peer in one cell."""
    parts = [cell(kind, errors.found[kind]) for kind in ("value", "first", "second") if kind in errors.found]
    if parts:
        parts[0] += " ulp"
    nans = [f"{errors.nans} NaN"] if errors.nans else []
    return ", ".join(parts + nans + [errors.note] * bool(errors.note))


def cells(measured: Measured) -> list[str]:
    """The line of one function."""
    ours = measured.ours
    return [
        measured.row.name,
        *(cell(kind, ours.found.get(kind), measured.targets[kind]) for kind in KINDS),
        str(ours.nans),
        *(peer_cell(errors) for errors in measured.peers.values()),
    ]


def headings(peers: Sequence[str]) -> list[str]:
    """The names of the columns."""
    return [
        "function",
        "value, ulp",
        "float32, ulp",
        "first",
        "second",
        "NaN",
        *(PEERS[p].title for p in peers),
    ]


def explained(measured: Measured) -> list[str]:
    """Where ours misses a target: how much, in which mode, at which point."""
    return [
        f"  {measured.row.name}: {kind} {error.worst:.3g}"
        + (f", {error.nans} NaN" if error.nans else "")
        + f" ({error.label}; {error.mode}) at {error.where!r}"
        for kind, error in measured.missed.items()
    ]


def markdown(
    table: Sequence[Measured], rows: Sequence[Function], points: int, versions: dict[str, str], old: str = ""
) -> str:
    """The page: lines of what was measured, and those of the other rows from the old page."""
    peers = list(table[0].peers)
    titles = [PEERS[peer].title for peer in peers]
    results, spellings = (
        found | {measured.row.name: line(measured) for measured in table}
        for found, line in zip(_lines(old), (_result, _spellings), strict=True)
    )
    names = [row.name for row in rows]
    scaled = [row.name for row in rows if row.second_scale]
    lines = [
        HEADER.format(points=f"{points:,}".replace(",", " "), day=date.today().isoformat()).rstrip(),
        "",
        _line(headings(peers)),
        "|---" + "|---:" * 5 + "|---" * len(peers) + "|",
        *(results[name] for name in names if name in results),
        "",
        *(SCALED.format(", ".join(f"`{name}`" for name in scaled)) for _ in scaled[:1]),
        "",
        "; ".join(f"{name} {value}" for name, value in versions.items()),
        "",
        "## Spellings",
        "",
        _line(["function", "ours", *titles]),
        "|---" * (2 + len(peers)) + "|",
        *(spellings[name] for name in names if name in spellings),
    ]
    return "\n".join(lines) + "\n"


def write_page(
    table: Sequence[Measured], rows: Sequence[Function], points: int, versions: dict[str, str]
) -> None:
    """Put what was measured into docs/accuracy.md."""
    old = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    PAGE.write_text(markdown(table, rows, points, versions, old), encoding="utf-8")


def _lines(page: str) -> tuple[dict[str, str], dict[str, str]]:
    """The lines of the two tables of a page, by function."""
    parts = page.partition("## Spellings")[::2]
    return tuple(
        {line.split(" | ")[0][2:]: line for line in part.splitlines() if line.startswith("| ")}
        for part in parts
    )


def _result(measured: Measured) -> str:
    return _line(cells(measured))


def _spellings(measured: Measured) -> str:
    row = measured.row
    spelled = [row.ours, *(getattr(row, name) for name in measured.peers)]
    return _line([row.name, *(f"`{s}`" if s else "none" for s in spelled)])


def _line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(part.replace("|", "\\|") for part in parts) + " |"
