"""Run the textbook's experiments: ``python -m benchmarks textbook [EXPERIMENT ...]``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.report import terminal
from benchmarks.textbook import EXPERIMENTS
from benchmarks.timing import busy, define_threads, versions

PACKAGES = ("python", "numpy", "sympy", "mpmath", "processor", "cores", "load average")


def main(arguments: list[str] | None = None) -> int:
    """Measure, print the tables, and update docs/textbook.md and its pictures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks textbook", description=__doc__)
    parser.add_argument(
        "experiments", nargs="*", metavar="EXPERIMENT", help=f"which: {', '.join(EXPERIMENTS)} (default: all)"
    )
    parser.add_argument("--no-page", action="store_true", help="print only; leave docs/ alone")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.experiments if name not in EXPERIMENTS]
    if unknown:
        parser.error(f"unknown experiment {unknown[0]!r}; expected one of {', '.join(EXPERIMENTS)}")
    define_threads(1)
    warning = busy()
    if warning:
        print(warning, file=sys.stderr)
    from benchmarks.textbook.page import text, write

    missed = []
    for name in asked.experiments or EXPERIMENTS:
        section = import_module(f"benchmarks.textbook.{name}").measure()
        section.laws.versions = {key: value for key, value in versions().items() if key in PACKAGES}
        print(text(section), terminal(section.laws), sep="\n\n", end="\n\n", flush=True)
        missed += [f"{name}: {row.what}" for row in section.laws.rows if row.met is False]
        if not asked.no_page:
            write(section)
    print("all laws hold" if not missed else "laws that do not hold:\n  " + "\n  ".join(missed))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
