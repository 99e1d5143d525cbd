"""The ratios of docs/performance.md as a picture: how many times faster than each peer."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import PAGE

PICTURE = PAGE.parent / "images" / "performance.png"
PEERS = ("JAX", "PyTorch", "PyTensor", "autograd", "CasADi", "diffrax", "SciPy")
SECTION = re.compile(r"<!-- begin (\w+) -->\n(.*?)<!-- end \1 -->", re.DOTALL)
RATIO = re.compile(
    r"^\| (?P<what>[^|]*?)[:,]? ?diffsci / (?P<peer>[^|]+?) \| (?P<ratio>[-+.e\d]+) \|", re.MULTILINE
)


@dataclass(frozen=True)
class Ratio:
    """Our time over a peer's, of one workload."""

    group: str
    what: str
    peer: str
    value: float

    @property
    def workload(self) -> str:
        """The label of its line."""
        return f"{self.group}: {self.what}" if self.what else self.group


def ratios(page: str) -> list[Ratio]:
    """Return the rows ``... diffsci / PEER`` of all sections."""
    return [
        Ratio(group, row["what"].strip(), _peer(row["peer"]), float(row["ratio"]))
        for group, section in SECTION.findall(page)
        for row in RATIO.finditer(section)
    ]


def _peer(name: str) -> str:
    """The peer's name without what it was used with."""
    return next((peer for peer in PEERS if name.startswith(peer)), name)


def draw(found: list[Ratio], path: Path = PICTURE) -> None:
    """Draw one line per workload, one mark per peer."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    lines = list(dict.fromkeys(ratio.workload for ratio in found))
    figure = Figure(figsize=(9.0, 1.2 + 0.21 * len(lines)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    for number, peer in enumerate(dict.fromkeys(ratio.peer for ratio in found)):
        mine = [ratio for ratio in found if ratio.peer == peer]
        heights = [lines.index(ratio.workload) for ratio in mine]
        axes.plot([1 / r.value for r in mine], heights, "osDv^<>P"[number % 8], label=peer, alpha=0.8)
    axes.axvline(1.0, color="black", linewidth=0.8)
    axes.set_xscale("log")
    axes.set_xlabel("times faster than the peer (left of the line: slower)")
    axes.set_yticks(range(len(lines)), lines, fontsize=7)
    axes.invert_yaxis()
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    path.parent.mkdir(exist_ok=True)
    figure.savefig(path, dpi=130)


def redraw(page: Path = PAGE, path: Path = PICTURE) -> None:
    """Draw the picture of a page."""
    found = ratios(page.read_text(encoding="utf-8"))
    if found:
        draw(found, path)
