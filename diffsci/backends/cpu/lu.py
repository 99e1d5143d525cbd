"""LU with partial pivoting: own routines for small matrices, LAPACK for large ones.

Matrices are row-major. LAPACK sees their transposes: it factors A', so a plain solve with A is
its transposed solve. Own pivots are 0-based int64; LAPACK's are 1-based int32 in the same memory.
"""

from __future__ import annotations

from diffsci.backends.cpu.function import MEMORY, Function, literal
from diffsci.backends.cpu.pivoting import write_pivot

__all__ = ["LIBRARY_ORDER", "write_det", "write_factor", "write_solve"]

LIBRARY_ORDER = 32


class _Matrix:
    """Element access in the function being written."""

    def __init__(self, f: Function, code: str):
        self.f, self.kind = f, MEMORY[code]

    def at(self, base: str, row: str, column: str, width: str = "%n") -> str:
        f = self.f
        flat = f.set(f"add i64 {f.set(f'mul i64 {row}, {width}')}, {column}")
        return f.set(f"getelementptr {self.kind}, ptr {base}, i64 {flat}")

    def load(self, pointer: str) -> str:
        return self.f.set(f"load {self.kind}, ptr {pointer}")

    def store(self, value: str, pointer: str) -> None:
        self.f.do(f"store {self.kind} {value}, ptr {pointer}")

    def subtract_product(self, target: str, a: str, b: str) -> None:
        product = self.f.set(f"fmul contract {self.kind} {a}, {b}")
        self.store(self.f.set(f"fsub contract {self.kind} {self.load(target)}, {product}"), target)

    def swap(self, p: str, q: str) -> None:
        a, b = self.load(p), self.load(q)
        self.store(b, p)
        self.store(a, q)


def _each(f: Function, low: str, high: str, body) -> None:
    def run(i: str, _) -> list[str]:
        body(i)
        return []

    f.loop(low, high, 1, [], run)


def _plus_one(f: Function, i: str) -> str:
    return f.set(f"add i64 {i}, 1")


def _mirror(f: Function, i: str, n: str = "%n") -> str:
    return f.set(f"sub i64 {f.set(f'sub i64 {n}, 1')}, {i}")


def write_factor(module, code: str, n: int) -> str:
    """Define ``factor(matrix, pivots, n)`` and return its name."""
    if n > LIBRARY_ORDER:
        name = f"library_factor_{code}"
        module.define(name, lambda: _library_factor(module, code, name))
    else:
        name = f"factor_{code}"
        module.define(name, lambda: _own_factor(module, code, name))
    return name


def write_solve(module, code: str, n: int, transposed: bool) -> str:
    """Define ``solve(lu, pivots, x, n, columns, scratch)``, in place on x, and return its name."""
    tail = "_transposed" if transposed else ""
    if n > LIBRARY_ORDER:
        name = f"library_solve_{code}{tail}"
        module.define(name, lambda: _library_solve(module, code, name, transposed))
    else:
        name = f"solve_{code}{tail}"
        module.define(name, lambda: _own_solve(code, name, transposed))
    return name


def write_det(module, code: str, library: bool) -> str:
    """Define ``det(lu, pivots, n)`` and return its name."""
    name = f"det_{code}{'_library' if library else ''}"
    module.define(name, lambda: _det(code, name, library))
    return name


def _own_factor(module, code: str, name: str) -> str:
    f = Function(f"internal void @{name}(ptr %a, ptr %pivots, i64 %n)")
    m = _Matrix(f, code)
    kind = m.kind

    def column(k: str) -> None:
        below = _plus_one(f, k)
        pivot = write_pivot(module, f, code, k, "%n", lambda i: m.at("%a", i, k))

        def exchange() -> list[str]:
            _each(f, "0", "%n", lambda j: m.swap(m.at("%a", k, j), m.at("%a", pivot, j)))
            return []

        f.when(f.set(f"icmp ne i64 {pivot}, {k}"), [], exchange)
        diagonal = m.load(m.at("%a", k, k))

        def eliminate(i: str) -> None:
            place = m.at("%a", i, k)
            factor = f.set(f"fdiv {kind} {m.load(place)}, {diagonal}")
            m.store(factor, place)
            _each(
                f,
                below,
                "%n",
                lambda j: m.subtract_product(m.at("%a", i, j), factor, m.load(m.at("%a", k, j))),
            )

        _each(f, below, "%n", eliminate)

    _each(f, "0", "%n", column)
    return f.finish()


def _own_solve(code: str, name: str, transposed: bool) -> str:
    f = Function(f"internal void @{name}(ptr %a, ptr %pivots, ptr %x, i64 %n, i64 %columns, ptr %scratch)")
    m = _Matrix(f, code)
    kind = m.kind

    def x(i: str, c: str) -> str:
        return m.at("%x", i, c, "%columns")

    def exchange(k: str) -> None:
        pivot = f.set(f"load i64, ptr {f.set(f'getelementptr i64, ptr %pivots, i64 {k}')}")
        _each(f, "0", "%columns", lambda c: m.swap(x(k, c), x(pivot, c)))

    def sweep(i: str, low: str, high: str, divide: bool) -> None:
        """Subtract from row i of x the rows low..high times the entries of the (transposed) factor."""

        def one(c: str) -> None:
            def term(j: str, values: list[str]) -> list[str]:
                entry = m.load(m.at("%a", j, i) if transposed else m.at("%a", i, j))
                product = f.set(f"fmul contract {kind} {entry}, {m.load(x(j, c))}")
                return [f.set(f"fsub contract {kind} {values[0]}, {product}")]

            (rest,) = f.loop(low, high, 1, [(kind, m.load(x(i, c)))], term)
            if divide:
                rest = f.set(f"fdiv {kind} {rest}, {m.load(m.at('%a', i, i))}")
            m.store(rest, x(i, c))

        _each(f, "0", "%columns", one)

    def upward(k: str, divide: bool) -> None:
        i = _mirror(f, k)
        sweep(i, _plus_one(f, i), "%n", divide)

    if not transposed:
        _each(f, "0", "%n", exchange)
    _each(f, "0", "%n", lambda i: sweep(i, "0", i, transposed))
    _each(f, "0", "%n", lambda k: upward(k, not transposed))
    if transposed:
        _each(f, "0", "%n", lambda k: exchange(_mirror(f, k)))
    return f.finish()


def _det(code: str, name: str, library: bool) -> str:
    f = Function(f"internal {MEMORY[code]} @{name}(ptr %a, ptr %pivots, i64 %n)")
    m = _Matrix(f, code)
    kind = m.kind

    def term(k: str, values: list[str]) -> list[str]:
        before, singular = values
        if library:
            place = f.set(f"getelementptr i32, ptr %pivots, i64 {k}")
            short = f.set(f"load i32, ptr {place}")
            pivot = f.set(f"sub i64 {f.set(f'sext i32 {short} to i64')}, 1")
        else:
            pivot = f.set(f"load i64, ptr {f.set(f'getelementptr i64, ptr %pivots, i64 {k}')}")
        diagonal = m.load(m.at("%a", k, k))
        product = f.set(f"fmul {kind} {before}, {diagonal}")
        moved = f.set(f"icmp ne i64 {pivot}, {k}")
        negative = f.set(f"fneg {kind} {product}")
        signed = f.set(f"select i1 {moved}, {kind} {negative}, {kind} {product}")
        return [signed, f.set(f"or i1 {singular}, {f.set(f'fcmp oeq {kind} {diagonal}, 0.0')}")]

    product, singular = f.loop("0", "%n", 1, [(kind, literal(1.0, code)), ("i1", "false")], term)
    result = f.set(f"select i1 {singular}, {kind} 0.0, {kind} {product}")  # elimination divided by zero
    return f.finish(f"ret {kind} {result}")


def _cell(f: Function, value: str) -> str:
    cell = f.set("alloca i32")
    f.do(f"store i32 {value}, ptr {cell}")
    return cell


def _library_factor(module, code: str, name: str) -> str:
    routine = "dgetrf" if code == "f8" else "sgetrf"
    module.declare(f"declare void @{routine}({', '.join(['ptr'] * 6)})")
    f = Function(f"internal void @{name}(ptr %a, ptr %pivots, i64 %n)")
    order = _cell(f, f.set("trunc i64 %n to i32"))
    info = f.set("alloca i32")
    f.do(f"call void @{routine}(ptr {order}, ptr {order}, ptr %a, ptr {order}, ptr %pivots, ptr {info})")
    return f.finish()


def _library_solve(module, code: str, name: str, transposed: bool) -> str:
    routine = "dgetrs" if code == "f8" else "sgetrs"
    module.declare(f"declare void @{routine}({', '.join(['ptr'] * 9)})")
    f = Function(f"internal void @{name}(ptr %a, ptr %pivots, ptr %x, i64 %n, i64 %columns, ptr %scratch)")
    m = _Matrix(f, code)
    order = _cell(f, f.set("trunc i64 %n to i32"))
    count = _cell(f, f.set("trunc i64 %columns to i32"))
    info = f.set("alloca i32")
    form = f.set("alloca i8")
    f.do(f"store i8 {ord('N' if transposed else 'T')}, ptr {form}")
    several = f.set("icmp sgt i64 %columns, 1")
    work = f.set(f"select i1 {several}, ptr %scratch, ptr %x")

    def transpose(forth: bool) -> list[str]:
        def row(i: str) -> None:
            def entry(c: str) -> None:
                wide, tall = m.at("%x", i, c, "%columns"), m.at("%scratch", c, i)
                m.store(m.load(wide if forth else tall), tall if forth else wide)

            _each(f, "0", "%columns", entry)

        _each(f, "0", "%n", row)
        return []

    f.when(several, [], lambda: transpose(True))
    arguments = [form, order, count, "%a", order, "%pivots", work, order, info]
    f.do(f"call void @{routine}({', '.join(f'ptr {p}' for p in arguments)})")
    f.when(several, [], lambda: transpose(False))
    return f.finish()
