"""Steps that are not loop nests: guards, calls, final sums, products and factorizations."""

from __future__ import annotations

from diffsci.backends.callbacks import DONE, FAILED
from diffsci.backends.cpu.banded import write_band_factor, write_band_solve
from diffsci.backends.cpu.calls import CALLS, leave_unless, table
from diffsci.backends.cpu.function import MEMORY, Function, cell, copy, element, literal
from diffsci.backends.cpu.lu import LIBRARY_ORDER, write_det, write_factor, write_solve
from diffsci.backends.cpu.operations import Operations, combine
from diffsci.backends.cpu.sparse_factor import write_sparse_factor
from diffsci.backends.cpu.sparse_solve import write_sparse_solve
from diffsci.backends.cpu.symbols import CALLBACK
from diffsci.backends.cpu.triangular import write_cholesky, write_triangular
from diffsci.backends.plan.banded import BandFactorStep, BandSolveStep
from diffsci.backends.plan.codes import code_of, identity_of
from diffsci.backends.plan.program import (
    CallbackStep,
    CholeskyStep,
    CombineStep,
    DetStep,
    FillStep,
    GemmStep,
    GuardStep,
    IndexCheckStep,
    LuSolveStep,
    LuStep,
    TriangularStep,
)
from diffsci.backends.plan.sparse import SparseFactorStep, SparseSolveStep

__all__ = ["WRITERS", "write_integer_power"]


def write_integer_power() -> str:
    """Return ``integer_power(x, n)`` by repeated squaring, wrapping like NumPy."""
    f = Function("internal i64 @integer_power(i64 %x, i64 %n)")

    def body(k: str, values: list[str]) -> list[str]:
        result, square = values
        bit = f.set(f"and i64 1, {f.set(f'lshr i64 %n, {k}')}")
        odd = f.set(f"icmp ne i64 {bit}, 0")
        product = f.set(f"mul i64 {result}, {square}")
        return [f.set(f"select i1 {odd}, i64 {product}, i64 {result}"), f.set(f"mul i64 {square}, {square}")]

    result, _ = f.loop("0", "63", 1, [("i64", "1"), ("i64", "%x")], body, True)
    return f.finish(f"ret i64 {result}")


def _write_combine(module, op: str, code: str, name: str) -> str:
    """Return a function that combines n values in place: halves with halves, result first."""
    f = Function(f"internal void @{name}(ptr %p, i64 %n, i64 %levels)")
    operations = Operations(module)
    kind = MEMORY[code]

    def load(pointer: str) -> str:
        value = f.set(f"load {kind}, ptr {pointer}")
        return f.set(f"icmp ne i8 {value}, 0") if code == "b1" else value

    def halve(_, values: list[str]) -> list[str]:
        n = values[0]
        half = f.set(f"lshr i64 {f.set(f'add i64 {n}, 1')}, 1")
        pairs = f.set(f"sub i64 {n}, {half}")

        def join(i: str, _) -> list[str]:
            left = element(f, code, "%p", i)
            right = element(f, code, left, half)
            value = combine(operations, f, op, code, load(left), load(right), False)
            if code == "b1":
                value = f.set(f"zext i1 {value} to i8")
            f.do(f"store {kind} {value}, ptr {left}")
            return []

        f.loop("0", pairs, 1, [], join)
        return [half]

    f.loop("0", "%levels", 1, [("i64", "%n")], halve, True)
    return f.finish()


def _combine(module, f: Function, step: CombineStep, failed: str) -> None:
    code = code_of(step.partials.dtype)
    name = f"combine_{step.op}_{code}"
    module.define(name, lambda: _write_combine(module, step.op, code, name))
    base = module.base(f, step.partials)
    f.do(f"call void @{name}(ptr {base}, i64 {step.count}, i64 {(step.count - 1).bit_length()})")
    f.do(f"store {MEMORY[code]} {f.set(f'load {MEMORY[code]}, ptr {base}')}, ptr {module.place(f, step.out)}")


def _fill(module, f: Function, step: FillStep, failed: str) -> None:
    code = code_of(step.out.buffer.dtype)
    base = module.place(f, step.out)
    value = identity_of(step.op, code)
    text = str(int(value)) if code == "b1" else literal(value, code)

    def body(i: str, _) -> list[str]:
        f.do(f"store {MEMORY[code]} {text}, ptr {element(f, code, base, i)}")
        return []

    f.loop("0", str(step.size), 1, [], body)


def _guard(module, f: Function, step: GuardStep, failed: str) -> None:
    value = f.set(f"load i8, ptr {module.place(f, step.predicate)}")
    leave_unless(f, f.set(f"icmp {'ne' if step.outcome else 'eq'} i8 {value}, 0"), str(step.status))


def _index_check(module, f: Function, step: IndexCheckStep, failed: str) -> None:
    value = f.set(f"load i8, ptr {module.place(f, step.flag)}")
    bad = f.set(f"icmp ne i8 {value}, 0")

    def mark() -> list[str]:
        f.do(f"store i64 -1, ptr {failed}")
        return []

    f.when(bad, [], mark)


def _callback(module, f: Function, step: CallbackStep, failed: str) -> None:
    module.declare(f"declare i64 @{CALLBACK}(ptr, ptr)")
    handle = f.set(f"load ptr, ptr {module.base(f, step.handle.buffer)}")
    addresses = table(f, [module.place(f, view) for view in (*step.inputs, *step.outputs)])
    status = f.set(f"call i64 @{CALLBACK}(ptr {handle}, ptr {addresses})")
    leave_unless(f, f.set(f"icmp eq i64 {status}, {DONE}"), str(FAILED))


def _gemm(module, f: Function, step: GemmStep, failed: str) -> None:
    """Row-major ``C = A B`` is column-major ``C' = B' A'``."""
    code = code_of(step.out.buffer.dtype)
    routine = "dgemm" if code == "f8" else "sgemm"
    kind = MEMORY[code]
    module.declare(f"declare void @{routine}({', '.join(['ptr'] * 13)})")
    a, b, c = (module.place(f, view) for view in (step.a, step.b, step.out))
    sizes = {"m": step.m, "n": step.n, "k": step.k}
    sizes["lda"] = step.m if step.a_transposed else step.k
    sizes["ldb"] = step.k if step.b_transposed else step.n
    places = {name: cell(f, "i32", str(size)) for name, size in sizes.items()}
    ta, tb = (
        cell(f, "i8", str(ord("T" if flag else "N"))) for flag in (step.a_transposed, step.b_transposed)
    )
    one, zero = cell(f, kind, literal(1.0, code)), cell(f, kind, literal(0.0, code))

    def product(i: str, _) -> list[str]:
        at = [
            element(f, code, base, f.set(f"mul i64 {i}, {size}"))
            for base, size in ((a, step.m * step.k), (b, step.k * step.n), (c, step.m * step.n))
        ]
        order = [
            tb,
            ta,
            places["n"],
            places["m"],
            places["k"],
            one,
            at[1],
            places["ldb"],
            at[0],
            places["lda"],
        ]
        order += [zero, at[2], places["n"]]
        f.do(f"call void @{routine}({', '.join(f'ptr {p}' for p in order)})")
        return []

    f.loop("0", str(step.batch), 1, [], product)


def _factor(module, f: Function, step: LuStep, failed: str) -> None:
    code = code_of(step.lu.dtype)
    source, target = module.place(f, step.a), module.base(f, step.lu)
    size = step.batch * step.n * step.n * (8 if code == "f8" else 4)
    copy(module, f, target, source, size)
    name = write_factor(module, code, step.n)
    pivots = module.base(f, step.pivots)

    def one(i: str, _) -> list[str]:
        matrix = element(f, code, target, f.set(f"mul i64 {i}, {step.n * step.n}"))
        pivot = element(f, "i8", pivots, f.set(f"mul i64 {i}, {step.n}"))
        f.do(f"call void @{name}(ptr {matrix}, ptr {pivot}, i64 {step.n})")
        return []

    f.loop("0", str(step.batch), 1, [], one)


def _solve(module, f: Function, step: LuSolveStep, failed: str) -> None:
    code = code_of(step.x.buffer.dtype)
    lu, pivots = module.base(f, step.lu), module.base(f, step.pivots)
    b, x = module.place(f, step.b), module.place(f, step.x)
    wide = step.n * step.columns
    size = step.batch * wide * (8 if code == "f8" else 4)
    copy(module, f, x, b, size)
    name = write_solve(module, code, step.n, step.transposed)
    scratch = module.base(f, step.scratch) if step.scratch is not None else "null"

    def one(i: str, _) -> list[str]:
        matrix = element(f, code, lu, f.set(f"mul i64 {i}, {step.n * step.n}"))
        pivot = element(f, "i8", pivots, f.set(f"mul i64 {i}, {step.n}"))
        rows = element(f, code, x, f.set(f"mul i64 {i}, {wide}"))
        arguments = f"ptr {matrix}, ptr {pivot}, ptr {rows}, i64 {step.n}, i64 {step.columns}, ptr {scratch}"
        f.do(f"call void @{name}({arguments})")
        return []

    f.loop("0", str(step.batch), 1, [], one)


def _det(module, f: Function, step: DetStep, failed: str) -> None:
    code = code_of(step.out.buffer.dtype)
    name = write_det(module, code, step.n > LIBRARY_ORDER)
    lu, pivots, out = module.base(f, step.lu), module.base(f, step.pivots), module.place(f, step.out)

    def one(i: str, _) -> list[str]:
        matrix = element(f, code, lu, f.set(f"mul i64 {i}, {step.n * step.n}"))
        pivot = element(f, "i8", pivots, f.set(f"mul i64 {i}, {step.n}"))
        value = f.set(f"call {MEMORY[code]} @{name}(ptr {matrix}, ptr {pivot}, i64 {step.n})")
        f.do(f"store {MEMORY[code]} {value}, ptr {element(f, code, out, i)}")
        return []

    f.loop("0", str(step.batch), 1, [], one)


WRITERS = CALLS | {
    CombineStep: _combine,
    FillStep: _fill,
    GuardStep: _guard,
    IndexCheckStep: _index_check,
    CallbackStep: _callback,
    GemmStep: _gemm,
    LuStep: _factor,
    LuSolveStep: _solve,
    DetStep: _det,
    TriangularStep: write_triangular,
    CholeskyStep: write_cholesky,
    BandFactorStep: write_band_factor,
    BandSolveStep: write_band_solve,
    SparseFactorStep: write_sparse_factor,
    SparseSolveStep: write_sparse_solve,
}
