"""Run benchmark groups: ``python -m benchmarks [GROUP ...]``; or ``accuracy``, or ``textbook``."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module

from benchmarks.picture import redraw
from benchmarks.report import terminal, write_page
from benchmarks.timing import busy, define_threads, versions

GROUPS = (
    "overhead", "compile", "elementwise", "eager", "stencil", "adbench", "ode", "robertson",
    "gray_scott_case", "startup", "rounding", "gpu", "coloring", "sparse", "factors", "brusselator", "line",
)  # fmt: skip
COMMANDS = ("accuracy", "textbook")  # with options and pages of their own


def main(arguments: list[str] | None = None) -> int:
    """Measure the groups asked for, print their tables, update docs/performance.md and its picture.

    ``accuracy`` and ``textbook`` are commands with options and pages of their own, see `benchmarks.accuracy`
    and `benchmarks.textbook`.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] and arguments[0] in COMMANDS:
        return import_module(f"benchmarks.{arguments[0]}.__main__").main(arguments[1:])
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "groups", nargs="*", metavar="GROUP", help=f"which to run: {', '.join(GROUPS)} (default: all)"
    )
    parser.add_argument("--threads", type=int, help="threads for every library (default: one per core)")
    parser.add_argument("--no-page", action="store_true", help="print only; leave docs/performance.md alone")
    asked = parser.parse_args(arguments)
    unknown = [group for group in asked.groups if group not in GROUPS]
    if unknown:
        parser.error(f"unknown group {unknown[0]!r}; expected one of {', '.join(GROUPS)}")
    threads = define_threads(asked.threads)
    warning = busy()
    if warning:
        print(warning, file=sys.stderr)
    tables = []
    for group in asked.groups or GROUPS:
        table = import_module(f"benchmarks.{group}").measure(threads)
        table.versions = versions()
        print(terminal(table), flush=True)
        print("; ".join(f"{name} {value}" for name, value in table.versions.items()), end="\n\n", flush=True)
        tables.append(table)
    if not asked.no_page:
        write_page(tables)
        redraw()
    rows = [(table.group, row) for table in tables for row in table.rows]
    absent = [
        f"{group}: {row.what}, {row.note}" for group, row in rows if row.value is None and row.met is None
    ]
    missed = [f"{group}: {row.what}" for group, row in rows if row.met is False]
    for heading, lines in (("not measured, nor held to their targets", absent), ("targets missed", missed)):
        if lines:
            print(f"{heading}:\n  " + "\n  ".join(lines))
    if not missed:
        print("all targets met" if not absent else "all other targets met")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
