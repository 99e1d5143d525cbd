"""docs/textbook.md: one section for every experiment, with its picture, its table and its laws."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.report import Table, put_section
from benchmarks.textbook import EXPERIMENTS

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "textbook.md"
HEADER = """# The textbook, measured

What the books say about derivatives by computer, tried on this kernel. Every section is written by the
command it names, with its picture; laws (slopes, operation counts, numbers of steps) have targets and are
tested, times are the smallest of several, on one machine. [G&W] is A. Griewank and A. Walther, *Evaluating
Derivatives*, 2nd edition, SIAM 2008.
"""


@dataclass
class Section:
    """One experiment's part of the page."""

    name: str
    title: str
    theory: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    laws: Table
    caption: str
    draw: Callable[[Path], None]

    @property
    def picture(self) -> str:
        """The picture's path below docs/."""
        return f"images/textbook_{self.name}.png"


def text(section: Section) -> str:
    """The table as aligned text."""
    cells = [section.headings, *section.rows]
    widths = [max(len(row[k]) for row in cells) for k in range(len(section.headings))]
    lines = [section.title, "-" * len(section.title)]
    for row in cells:
        lines.append("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)))
    return "\n".join(lines)


def markdown(section: Section) -> str:
    """The section of the page."""
    lines = [
        f"## {section.title}",
        "",
        section.theory,
        "",
        f"![{section.caption}]({section.picture})",
        "",
        f"| {' | '.join(section.headings)} |",
        f"|{'---:|' * len(section.headings)}",
        *[f"| {' | '.join(row)} |" for row in section.rows],
        "",
        "| law | found | held to |",
        "|---|---:|---|",
        *[f"| {row.what} | {row.shown} | {row.verdict} |" for row in section.laws.rows],
        "",
        f"`python -m benchmarks textbook {section.name}`, {date.today().isoformat()}; "
        + "; ".join(f"{name} {value}" for name, value in section.laws.versions.items()),
    ]
    return "\n".join(lines)


def write(section: Section, page: Path = PAGE) -> None:
    """Draw the picture and replace the section on the page; sections stand in the order of `EXPERIMENTS`."""
    (page.parent / "images").mkdir(parents=True, exist_ok=True)
    section.draw(page.parent / section.picture)
    old = page.read_text(encoding="utf-8") if page.exists() else HEADER
    for name in EXPERIMENTS:  # a page begun out of order gets its places first
        old = put_section(old, name, None)
    page.write_text(put_section(old, section.name, markdown(section)), encoding="utf-8")
