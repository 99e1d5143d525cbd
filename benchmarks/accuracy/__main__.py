"""Print worst errors against mpmath beside the peers': ``python -m benchmarks accuracy``."""

from __future__ import annotations

import argparse
import sys
import time

from benchmarks.accuracy import table
from benchmarks.accuracy.contestants import PEERS
from benchmarks.accuracy.measure import Measured, measure
from benchmarks.accuracy.reference import References
from benchmarks.accuracy.row import families, rows_of
from benchmarks.timing import define_threads, versions

POINTS = 100_000  # runs at fewer are for a look, and leave the page alone
WIDTHS = (18, 12, 12, 9, 9, 6, 34, 34, 34)
PACKAGES = ("python", "numpy", "scipy", "mpmath", "jax", "torch", "autograd")


def main(arguments: list[str] | None = None) -> int:
    """Measure the functions asked for, and put them into docs/accuracy.md."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks accuracy", description=__doc__)
    parser.add_argument(
        "--points", type=int, default=POINTS, help="points per function (default: %(default)s)"
    )
    parser.add_argument("--functions", default="", metavar="A,B", help="only these (default: all)")
    parser.add_argument("--peers", default=",".join(PEERS), help="which peers (default: %(default)s)")
    parser.add_argument("--processes", type=int, help="for the references (default: one per core)")
    parser.add_argument("--no-page", action="store_true", help="print only; leave docs/accuracy.md alone")
    asked = parser.parse_args(arguments)
    names = [name for name in asked.functions.split(",") if name]
    peers = tuple(name for name in asked.peers.split(",") if name)
    known = [(family, row) for family in families() for row in rows_of(family)]
    for name, choices in (
        *((n, [row.name for _, row in known]) for n in names),
        *((p, PEERS) for p in peers),
    ):
        if name not in choices:
            parser.error(f"unknown name {name!r}; expected one of {', '.join(choices)}")
    if asked.points < 1:
        parser.error(f"--points must be positive, not {asked.points}")
    define_threads()
    chosen = [(family, row) for family, row in known if not names or row.name in names]
    tools = {name: version for name, version in versions().items() if name in PACKAGES}
    kept = asked.points >= POINTS and set(peers) == set(PEERS) and not asked.no_page
    found = []
    print(_aligned(table.headings(peers)), flush=True)
    with References(asked.processes) as references:
        for family, row in chosen:
            start = time.perf_counter()
            found.append(measure(family, row, asked.points, references, peers))
            _print(found[-1], time.perf_counter() - start)
            if kept:
                table.write_page(found[-1:], [row for _, row in known], asked.points, tools)
    print("; ".join(f"{name} {version}" for name, version in tools.items()))
    missed = [line for measured in found for line in table.explained(measured)]
    print("\n".join(["targets missed:", *missed]) if missed else "all targets met")
    return 1 if missed else 0


def _print(measured: Measured, seconds: float) -> None:
    print(_aligned(table.cells(measured)), f"  {seconds:.0f} s", sep="")
    print(*table.explained(measured), sep="\n", end="\n" * bool(measured.missed), flush=True)


def _aligned(parts: list[str]) -> str:
    return "  ".join(f"{part:<{width}}" for part, width in zip(parts, WIDTHS, strict=False)).rstrip()


if __name__ == "__main__":
    sys.exit(main())
