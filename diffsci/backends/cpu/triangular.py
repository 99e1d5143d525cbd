"""Triangular solves and Cholesky factors, by BLAS and LAPACK.

Matrices are row-major, so a lower triangle is the upper one of what the routines see. Right-hand sides
(n, columns) are seen as (columns, n): ``A X = B`` is asked for as ``X' A' = B'``.
"""

from __future__ import annotations

from diffsci.backends.cpu.function import MEMORY, SIZES, Function, cell, copy, element, literal
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import CholeskyStep, TriangularStep

__all__ = ["write_cholesky", "write_triangular"]


def write_triangular(module, f: Function, step: TriangularStep, failed: str) -> None:
    """Write the solution of triangular systems."""
    code = code_of(step.x.buffer.dtype)
    matrix, b, x = (module.place(f, view) for view in (step.matrix, step.b, step.x))
    wide, square = step.n * step.columns, step.n * step.n
    copy(module, f, x, b, step.batch * wide * SIZES[code])
    routine = "dtrsm" if code == "f8" else "strsm"
    module.declare(f"declare void @{routine}({', '.join(['ptr'] * 11)})")
    flags = ("R", "U" if step.lower else "L", "T" if step.transposed else "N", "U" if step.unit else "N")
    side, triangle, transposed, diagonal = (cell(f, "i8", str(ord(flag))) for flag in flags)
    columns, n = (cell(f, "i32", str(size)) for size in (step.columns, step.n))
    one = cell(f, MEMORY[code], literal(1.0, code))

    def solve(i: str, _) -> list[str]:
        a = element(f, code, matrix, f.set(f"mul i64 {i}, {square}"))
        rows = element(f, code, x, f.set(f"mul i64 {i}, {wide}"))
        order = [side, triangle, transposed, diagonal, columns, n, one, a, n, rows, columns]
        f.do(f"call void @{routine}({', '.join(f'ptr {p}' for p in order)})")
        return []

    f.loop("0", str(step.batch), 1, [], solve)


def write_cholesky(module, f: Function, step: CholeskyStep, failed: str) -> None:
    """Write lower triangular factors; NaN where a matrix is not positive definite."""
    code = code_of(step.out.buffer.dtype)
    source, target = module.place(f, step.a), module.place(f, step.out)
    square = step.n * step.n
    copy(module, f, target, source, step.batch * square * SIZES[code])
    name = f"cholesky_{code}"
    module.define(name, lambda: _cholesky(module, code, name))

    def factor(i: str, _) -> list[str]:
        matrix = element(f, code, target, f.set(f"mul i64 {i}, {square}"))
        f.do(f"call void @{name}(ptr {matrix}, i64 {step.n})")
        return []

    f.loop("0", str(step.batch), 1, [], factor)


def _cholesky(module, code: str, name: str) -> str:
    """``cholesky(matrix, n)`` in place."""
    f = Function(f"internal void @{name}(ptr %a, i64 %n)")
    kind = MEMORY[code]
    routine = "dpotrf" if code == "f8" else "spotrf"
    module.declare(f"declare void @{routine}(ptr, ptr, ptr, ptr, ptr)")
    triangle, info = cell(f, "i8", str(ord("U"))), cell(f, "i32", "0")
    n = cell(f, "i32", f.set("trunc i64 %n to i32"))
    f.do(f"call void @{routine}(ptr {triangle}, ptr {n}, ptr %a, ptr {n}, ptr {info})")
    good = f.set(f"icmp eq i32 {f.set(f'load i32, ptr {info}')}, 0")
    nan, nothing = (literal(value, code) for value in (float("nan"), 0.0))
    fill = f.set(f"select i1 {good}, {kind} {nothing}, {kind} {nan}")

    def row(i: str, _) -> list[str]:
        behind = f.set(f"add i64 {i}, 1")
        first = f.set(f"select i1 {good}, i64 {behind}, i64 0")

        def clear(j: str, _) -> list[str]:
            flat = f.set(f"add i64 {f.set(f'mul i64 {i}, %n')}, {j}")
            f.do(f"store {kind} {fill}, ptr {element(f, code, '%a', flat)}")
            return []

        f.loop(first, "%n", 1, [], clear)
        return []

    f.loop("0", "%n", 1, [], row)
    return f.finish()
