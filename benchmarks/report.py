"""Tables of measurements: on the terminal, and as docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "performance.md"
BEGIN, END = "<!-- begin {} -->", "<!-- end {} -->"
HEADER = """# Performance

Measured, not promised. Each section below is written by the command it names; run it on your machine to get
your own numbers. Times are medians; contestants take turns in one process. "Target" is what this project asks
of itself. Errors, beside the same peers, are on a [page of their own](accuracy.md).

![How many times faster than each peer](images/performance.png)
"""


@dataclass(frozen=True)
class Row:
    """One line of a table: what was measured, the number, and the target it is held to."""

    what: str
    value: float | None
    unit: str = "s"
    target: float | None = None
    note: str = ""
    at_least: bool = False

    @property
    def shown(self) -> str:
        """The value with its unit."""
        return self.note if self.value is None else quantity(self.value, self.unit)

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None without a target."""
        if self.target is None:
            return None
        if self.value is None:
            return False
        return self.value >= self.target if self.at_least else self.value <= self.target

    @property
    def verdict(self) -> str:
        """The target and whether it is met, as text."""
        if self.met is None:
            return ""
        sign = ">=" if self.at_least else "<="
        return f"{sign} {quantity(self.target, self.unit)}: {'met' if self.met else 'MISSED'}"

    @property
    def remark(self) -> str:
        """What else there is to say."""
        return "" if self.value is None else self.note


@dataclass
class Table:
    """The measurements of one group."""

    group: str
    title: str
    rows: list[Row] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)

    def add(self, what: str, value: float | None, unit: str = "s", **options) -> None:
        """Append a row."""
        self.rows.append(Row(what, value, unit, **options))

    def missing(self, what: str, reason: str = "not installed") -> None:
        """Append a row for something that could not be measured, and say why."""
        self.rows.append(Row(what, None, note=reason))


def quantity(value: float, unit: str) -> str:
    """A number as people read it: seconds scaled to their size, ratios with three digits."""
    if unit != "s":
        return f"{value:.3g} {unit}".rstrip()
    for factor, name in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= factor:
            return f"{value / factor:.3g} {name}"
    return f"{value / 1e-9:.3g} ns"


def terminal(table: Table) -> str:
    """The table as aligned text."""
    cells = [(row.what, row.shown, row.verdict, row.remark) for row in table.rows]
    widths = [max(len(cell[k]) for cell in cells) for k in range(3)]
    lines = [table.title, "-" * len(table.title)]
    for cell in cells:
        lines.append(
            f"{cell[0]:<{widths[0]}}  {cell[1]:>{widths[1]}}  {cell[2]:<{widths[2]}}  {cell[3]}".rstrip()
        )
    return "\n".join(lines)


def markdown(table: Table) -> str:
    """The table as a section of the page."""
    lines = [
        f"## {table.title}",
        "",
        f"`python -m benchmarks {table.group}`, {date.today().isoformat()}",
        "",
        "| measurement | result | target | remark |",
        "|---|---:|---|---|",
    ]
    lines += [f"| {row.what} | {row.shown} | {row.verdict} | {row.remark} |" for row in table.rows]
    lines += ["", "; ".join(f"{name} {value}" for name, value in table.versions.items())]
    return "\n".join(lines)


def write_page(tables: Sequence[Table], page: Path = PAGE) -> None:
    """Replace the sections of the measured groups; the other sections stay."""
    text = page.read_text(encoding="utf-8") if page.exists() else HEADER
    for table in tables:
        text = put_section(text, table.group, markdown(table))
    page.parent.mkdir(exist_ok=True)
    page.write_text(text, encoding="utf-8")


def put_section(text: str, name: str, section: str | None) -> str:
    """A page with one section replaced, or put at its end; None makes an empty place if there is none yet."""
    begin, end = BEGIN.format(name), END.format(name)
    if begin not in text or end not in text:
        return f"{text.rstrip()}\n\n{begin}\n{section or ''}\n{end}\n"
    if section is None:
        return text
    head, rest = text.split(begin, 1)
    return f"{head}{begin}\n{section}\n{end}{rest.split(end, 1)[1]}"
