"""One elementwise statement as LLVM instructions, on scalars or on vectors."""

from __future__ import annotations

from diffsci.backends.cpu.function import LANES, Function, literal, scalar_type, vector_type
from diffsci.backends.plan.special import SPECIAL
from diffsci.backends.vectormath.table import FORMULAS

__all__ = ["Operations", "combine", "horizontal"]

_FLOAT_BINARY = {"add": "fadd", "sub": "fsub", "mul": "fmul", "div": "fdiv"}
_INT_BINARY = {"add": "add", "sub": "sub", "mul": "mul"}
_FLOAT_COMPARE = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_INT_COMPARE = {"lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge", "eq": "eq", "ne": "ne"}
_BOOL_COMPARE = {"lt": "ult", "le": "ule", "gt": "ugt", "ge": "uge", "eq": "eq", "ne": "ne"}
_LOGIC = {"logical_and": "and", "logical_or": "or", "logical_xor": "xor"}
_INTRINSICS = {
    "abs": "fabs", "sqrt": "sqrt", "floor": "floor", "ceil": "ceil", "trunc": "trunc", "rint": "rint",
}  # fmt: skip
_SUFFIX = {"f8": "f64", "f4": "f32", "i8": "i64", "b1": "i1"}
LIBM = {
    "exp": "exp", "exp2": "exp2", "expm1": "expm1", "log": "log", "log1p": "log1p", "log2": "log2",
    "log10": "log10", "cbrt": "cbrt", "sin": "sin", "cos": "cos", "tan": "tan", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh",
    "arcsinh": "asinh", "arccosh": "acosh", "arctanh": "atanh", "pow": "pow", "arctan2": "atan2",
    "hypot": "hypot", "fmod": "fmod",
}  # fmt: skip


class Operations:
    """Writes statements; asks the module for the functions they call.

    In loops the functions are the same on numbers as on vectors.
    """

    def __init__(self, module, in_loop: bool = False):
        self.module, self.in_loop = module, in_loop

    def write(
        self,
        f: Function,
        op: str,
        code: str,
        codes: tuple[str, ...],
        args: list[str],
        wide: bool,
    ) -> str:
        """Write one operation and return its result.

        Parameters
        ----------
        code, codes : dtype codes of the result and of the operands.
        args : operand values, all scalars or all vectors.
        wide : vectors.
        """
        kind = vector_type(code) if wide else scalar_type(code)
        source = codes[-1]
        operand = vector_type(source) if wide else scalar_type(source)
        floating = source in ("f8", "f4")
        if op in _FLOAT_BINARY and floating:
            return f.set(f"{_FLOAT_BINARY[op]} {kind} {args[0]}, {args[1]}")
        if op in _INT_BINARY:
            return f.set(f"{_INT_BINARY[op]} {kind} {args[0]}, {args[1]}")
        if op in _FLOAT_COMPARE:
            if floating:
                return f.set(f"fcmp {_FLOAT_COMPARE[op]} {operand} {args[0]}, {args[1]}")
            table = _BOOL_COMPARE if source == "b1" else _INT_COMPARE
            return f.set(f"icmp {table[op]} {operand} {args[0]}, {args[1]}")
        if op in _LOGIC:
            return f.set(f"{_LOGIC[op]} {kind} {args[0]}, {args[1]}")
        if op == "select":
            condition = vector_type("b1") if wide else "i1"
            return f.set(f"select {condition} {args[0]}, {kind} {args[1]}, {kind} {args[2]}")
        if op in _INTRINSICS and floating:
            return self._intrinsic(f, _INTRINSICS[op], code, kind, args, wide)
        if op == "copysign":
            return self._intrinsic(f, "copysign", code, kind, args, wide)
        if op in LIBM or op in FORMULAS or op in SPECIAL:
            return self.module.math(f, op, code, args, wide, self.in_loop)
        return _RULES[op](self, f, code, source, operand, args, wide)

    def _intrinsic(self, f: Function, name: str, code: str, kind: str, args: list[str], wide: bool) -> str:
        suffix = f"v{LANES}{_SUFFIX[code]}" if wide else _SUFFIX[code]
        function = f"@llvm.{name}.{suffix}"
        self.module.declare(f"declare {kind} {function}({', '.join([kind] * len(args))})")
        return f.set(f"call {kind} {function}({', '.join(f'{kind} {arg}' for arg in args)})")

    def absolute(self, f: Function, code: str, value: str, wide: bool) -> str:
        """Write the absolute value of a float."""
        kind = vector_type(code) if wide else scalar_type(code)
        return self._intrinsic(f, "fabs", code, kind, [value], wide)


def _constant(value, code: str, wide: bool) -> str:
    text = literal(value, code)
    if not wide:
        return text
    return "<" + ", ".join([f"{scalar_type(code)} {text}"] * LANES) + ">"


def _neg(o, f, code, source, kind, args, wide):
    return (
        f.set(f"fneg {kind} {args[0]}")
        if code != "i8"
        else f.set(f"sub {kind} {_constant(0, code, wide)}, {args[0]}")
    )


def _int_abs(o, f, code, source, kind, args, wide):
    negative = f.set(f"icmp slt {kind} {args[0]}, {_constant(0, code, wide)}")
    flipped = f.set(f"sub {kind} {_constant(0, code, wide)}, {args[0]}")
    return _choose(f, negative, kind, flipped, args[0], wide)


def _choose(f, condition, kind, yes, no, wide):
    mask = vector_type("b1") if wide else "i1"
    return f.set(f"select {mask} {condition}, {kind} {yes}, {kind} {no}")


def _extreme(ordered: str, signed: str):
    def rule(o, f, code, source, kind, args, wide):
        a, b = args
        if code == "i8":
            return _choose(f, f.set(f"icmp {signed} {kind} {a}, {b}"), kind, a, b, wide)
        mask = vector_type("b1") if wide else "i1"
        first = f.set(f"fcmp {ordered} {kind} {a}, {b}")
        nan = f.set(f"fcmp uno {kind} {a}, {a}")
        return _choose(f, f.set(f"or {mask} {first}, {nan}"), kind, a, b, wide)

    return rule


def _not(o, f, code, source, kind, args, wide):
    return f.set(f"xor {kind} {args[0]}, {_constant(True, 'b1', wide)}")


def _isnan(o, f, code, source, kind, args, wide):
    return f.set(f"fcmp uno {kind} {args[0]}, {args[0]}")


def _against_infinity(compare: str):
    def rule(o, f, code, source, kind, args, wide):
        size = o.absolute(f, source, args[0], wide)
        return f.set(f"fcmp {compare} {kind} {size}, {_constant(float('inf'), source, wide)}")

    return rule


def _convert(o, f, code, source, kind, args, wide):
    target = vector_type(code) if wide else scalar_type(code)
    pair = (source, code)
    if pair == ("f8", "f4"):
        name = "fptrunc"
    elif pair == ("f4", "f8"):
        name = "fpext"
    elif source == "b1":
        name = "zext" if code == "i8" else "uitofp"
    elif source == "i8":
        name = "sitofp"
    else:
        name = "fptosi"
    return f.set(f"{name} {kind} {args[0]} to {target}")


def _safe_divisor(f, kind, a, b, wide):
    """Replace the divisors 0 and -1, which trap or overflow, by 1; say where they were."""
    zero = f.set(f"icmp eq {kind} {b}, {_constant(0, 'i8', wide)}")
    minus = f.set(f"icmp eq {kind} {b}, {_constant(-1, 'i8', wide)}")
    mask = vector_type("b1") if wide else "i1"
    either = f.set(f"or {mask} {zero}, {minus}")
    return zero, minus, _choose(f, either, kind, _constant(1, "i8", wide), b, wide)


def _int_remainder(o, f, code, source, kind, args, wide):
    _, _, safe = _safe_divisor(f, kind, *args, wide)
    return f.set(f"srem {kind} {args[0]}, {safe}")


def _int_mod(o, f, code, source, kind, args, wide):
    b = args[1]
    rest = _int_remainder(o, f, code, source, kind, args, wide)
    move = _is_opposed(f, kind, rest, b, wide)
    return _choose(f, move, kind, f.set(f"add {kind} {rest}, {b}"), rest, wide)


def _is_opposed(f, kind, rest, divisor, wide):
    """Whether there is a remainder, of another sign than the divisor: NumPy rounds quotients down."""
    nothing = _constant(0, "i8", wide)
    differ = f.set(f"icmp slt {kind} {f.set(f'xor {kind} {rest}, {divisor}')}, {nothing}")
    some = f.set(f"icmp ne {kind} {rest}, {nothing}")
    mask = vector_type("b1") if wide else "i1"
    return f.set(f"and {mask} {differ}, {some}")


def _int_floor_divide(o, f, code, source, kind, args, wide):
    a, b = args
    zero, minus, safe = _safe_divisor(f, kind, a, b, wide)
    quotient = f.set(f"sdiv {kind} {a}, {safe}")
    rest = f.set(f"srem {kind} {a}, {safe}")
    nothing = _constant(0, "i8", wide)
    lower = _is_opposed(f, kind, rest, safe, wide)
    down = f.set(f"sub {kind} {quotient}, {_constant(1, 'i8', wide)}")
    quotient = _choose(f, lower, kind, down, quotient, wide)
    quotient = _choose(f, minus, kind, f.set(f"sub {kind} {nothing}, {a}"), quotient, wide)
    return _choose(f, zero, kind, nothing, quotient, wide)


def _product_error(o, f, code, source, kind, args, wide):
    product = f.set(f"fneg {kind} {f.set(f'fmul {kind} {args[0]}, {args[1]}')}")
    return o._intrinsic(f, "fma", code, kind, [*args, product], wide)


def _fma(o, f, code, source, kind, args, wide):
    return o._intrinsic(f, "fma", code, kind, args, wide)


def _multiply_add(o, f, code, source, kind, args, wide):
    """One rounding where the processor has the operation, which does not depend on the place, else two."""
    return o._intrinsic(f, "fmuladd", code, kind, args, wide)


def _fma_error(o, f, code, source, kind, args, wide):
    """What the fused operation lacks: the error of the product, and that of its sum (Knuth's two-sum)."""
    a, b, c = args

    def write(name: str, x: str, y: str) -> str:
        return f.set(f"{name} {kind} {x}, {y}")

    rounded = _fma(o, f, code, source, kind, args, wide)
    product, product_error = write("fmul", a, b), _product_error(o, f, code, source, kind, [a, b], wide)
    total = write("fadd", product, c)
    part = write("fsub", total, product)
    sum_error = write("fadd", write("fsub", product, write("fsub", total, part)), write("fsub", c, part))
    return write("fadd", write("fsub", total, rounded), write("fadd", product_error, sum_error))


def _int_pow(o, f, code, source, kind, args, wide):
    return o.module.integer_power(f, args, wide)


_RULES = {
    "neg": _neg,
    "abs": _int_abs,
    "maximum": _extreme("oge", "sgt"),
    "minimum": _extreme("ole", "slt"),
    "logical_not": _not,
    "isnan": _isnan,
    "isinf": _against_infinity("oeq"),
    "isfinite": _against_infinity("olt"),
    "convert": _convert,
    "irem": _int_remainder,
    "imod": _int_mod,
    "ifloordiv": _int_floor_divide,
    "ipow": _int_pow,
    "product_error": _product_error,
    "fma": _fma,
    "muladd": _multiply_add,
    "fma_error": _fma_error,
}

_COMBINE = {
    "sum": "add", "prod": "mul", "max": "maximum", "min": "minimum",
    "any": "logical_or", "all": "logical_and",
}  # fmt: skip


def combine(operations: Operations, f: Function, op: str, code: str, a: str, b: str, wide: bool) -> str:
    """Join two partial results of a reduction."""
    name = _COMBINE[op]
    if code == "b1":
        name = {
            "add": "logical_or",
            "maximum": "logical_or",
            "mul": "logical_and",
            "minimum": "logical_and",
        }.get(name, name)
    return operations.write(f, name, code, (code, code), [a, b], wide)


def horizontal(operations: Operations, f: Function, op: str, code: str, value: str) -> str:
    """Join the lanes of a vector in a fixed order: halves with halves."""
    lanes = [f.set(f"extractelement {vector_type(code)} {value}, i64 {lane}") for lane in range(LANES)]
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [
            combine(operations, f, op, code, a, b, False)
            for a, b in zip(lanes[:half], lanes[half:], strict=True)
        ]
    return lanes[0]
