"""Writing CUDA C: types, literals, affine expressions, blocks of lines, names that follow from the text."""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from diffsci.backends.plan.affine import Affine

__all__ = ["MEMORY", "SCALARS", "SIZES", "Lines", "affine", "literal", "named", "unravel"]

SCALARS = {"f8": "double", "f4": "float", "i8": "long long", "b1": "bool"}
MEMORY = {"f8": "double", "f4": "float", "i8": "long long", "b1": "unsigned char"}
SIZES = {"f8": 8, "f4": 4, "i8": 8, "b1": 1}


def literal(value, code: str) -> str:
    """Return the text of a constant: what is read back is the same to the bit."""
    if code == "b1":
        return "true" if value else "false"
    if code == "i8":
        return "(-9223372036854775807LL - 1)" if value == -(2**63) else f"{int(value)}LL"
    value = float(value)
    if math.isfinite(value):
        return f"{value!r}{'f' if code == 'f4' else ''}"
    if code == "f4":
        return f"__int_as_float(0x{struct.unpack('>I', struct.pack('>f', value))[0]:08x})"
    return f"__longlong_as_double(0x{struct.unpack('>Q', struct.pack('>d', value))[0]:016x}LL)"


def affine(e: Affine, counters: Sequence[str], wide: bool) -> str:
    """Return the text of an affine expression; `wide`: in 64-bit integers."""
    end = "LL" if wide else ""
    terms = [
        counter if term == 1 else f"{term}{end} * {counter}"
        for term, counter in zip(e[1:], counters, strict=True)
        if term
    ]
    if e[0] or not terms:
        terms.append(f"{e[0]}{end}")
    return " + ".join(terms).replace("+ -", "- ")


def unravel(lines: Lines, index: str, loops: Sequence[int], extents: Sequence[int], wide: bool) -> None:
    """Write the counters of `loops` (the last one runs fastest) that belong to a number of their box."""
    kind, end = ("long long", "LL") if wide else ("int", "")
    rest = index
    for position in range(len(loops) - 1, 0, -1):
        loop = loops[position]
        n = f"{extents[loop]}{'ULL' if wide else 'U'}"
        quotient = f"q{loop}"
        lines.add(f"const unsigned {kind} {quotient} = (unsigned {kind})({rest}) / {n};")
        lines.add(f"const {kind} i{loop} = ({kind})({rest}) - ({kind}){quotient} * {extents[loop]}{end};")
        rest = quotient
    if loops:
        lines.add(f"const {kind} i{loops[0]} = ({kind})({rest});")


class Lines:
    """Lines of C with their indentation."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._depth = 0

    def add(self, *texts: str) -> None:
        """Add lines."""
        self._lines += ["  " * self._depth + text for text in texts]

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write what is added inside in braces behind `head`."""
        self.add(f"{head} {{")
        self._depth += 1
        yield
        self._depth -= 1
        self.add("}")

    def text(self) -> str:
        """Return the whole text."""
        return "\n".join(self._lines) + "\n"


def named(stem: str, head: str, body: str) -> tuple[str, str]:
    """Return the name and the text of a function; equal texts have equal names.

    `head` has ``{name}`` where the name belongs.
    """
    digest = hashlib.sha256(f"{head}\0{body}".encode()).hexdigest()[:16]
    name = f"{stem}_{digest}"
    return name, f"{head.replace('{name}', name)} {{\n{body}}}\n"
