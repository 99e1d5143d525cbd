"""Print the page of edges: ``python -m tests.edges.page > docs/edges.md``."""

# ruff: noqa: E501 - lines of the page

from __future__ import annotations

import math

from tests.edges.table import TOPICS, Row

HEAD = """# Edges

What derivatives are at points where a function has a kink, a jump or a pole: one convention for each, the same in
forward and reverse mode, in every nesting, outside `jit` and compiled. This page is made from a table that the tests
run (`python -m tests.edges.page > docs/edges.md`).

- At a kink the derivative is the mean of the slopes on both sides; equal entries share equally, and the shares sum
  to one. At a jump it is the slope beside it. Conventions multiply through the chain rule like derivatives.
- A choice (`np.where`, `np.select`, a mask, `if`) has the derivative of the side that it takes. What is not taken,
  not read or written over has no derivative, whatever its slope: `np.where(x > 0, np.log(x), 0)` has the derivative
  0 at 0, in every order and mode, without a safe operand. The decision is made by the structure of the program,
  never by a value that happens to be 0: `np.sqrt(x) ** 2` at 0 is 0 times infinity, NaN.
- Where the slope is infinite the derivative is, too.
- Masks reach through calls, branches, `vmap` and rolled loops; not from outside into an integration by `solvers`, an
  implicit function, or a loop whose carry mixes masked elements with others: there the mask belongs inside.
- Numbers that a program is given are taken to be finite, or slices of data would cost a mask each: with NaN among the
  data, `np.sum(((x - data) ** 2)[ok])` can be NaN. Choose first, `np.sum((x[ok] - data[ok]) ** 2)`, or choose by
  value, `np.sum((x - data) ** 2, where=ok)`.

`strict=True` (for `grad`, `value_and_grad`, `jvp`, `vjp`, `linearize`, `jacobian`, `hessian`, `hvp`,
`sparse_jacobian` and `sparse_hessian`) raises `diffsci.KinkError` instead, with the line, the value, its index, and what the derivative would have been. It raises
where the derivative is really asked for: not where the operation is masked away or nothing moves, and not where both
sides join smoothly. It looks at each operation by itself: `np.maximum(x, 0) ** 2` raises, although its slope has no
jump. It looks into calls, branches and rolled loops, but not into integrations, implicit functions,
functions with rules of the user's, Python's own `if`, interpolation tables, and eigenvalues. The column *strict*
says where it raises.

In the tables, *first* is the gradient of the sum of all results and *second* the sum of the rows of its Hessian: for
elementwise functions, the derivatives of every element.
"""


def text(value: float | list[float] | str) -> str:
    """Return numbers as they are read: 1/3, not 0.3333."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return ", ".join(map(text, value))
    if math.isfinite(value) and value != int(value) and (3 * value).is_integer():
        return f"{int(3 * value)}/3"
    return f"{value:.6g}"


def line(row: Row) -> str:
    """Return a row of a table."""
    strict = "raises" if row.kink else ""
    numbers = " | ".join(map(text, (row.point, row.value, row.first, row.second)))
    return f"| {row.name} | `{row.source}` | {numbers} | {strict} | {row.why} |"


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for topic in TOPICS:
        parts += [
            "",
            f"## {topic.title}",
            "",
            "| point | function | x | value | first | second | strict | why |",
        ]
        parts.append("|---|---|---|---|---|---|---|---|")
        parts += map(line, topic.rows)
    return "\n".join(parts).replace("\n\n\n", "\n\n") + "\n"


if __name__ == "__main__":
    print(page(), end="")
