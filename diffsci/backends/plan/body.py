"""A table of scalar statements: shared by hashing, folded where a structural constant allows it."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.rules import COMPARISONS, RULES

__all__ = ["Body"]

COMMUTATIVE = frozenset({"add", "mul", "maximum", "minimum", "logical_and", "logical_or", "logical_xor"})
_PREDICATES = COMPARISONS | {
    "logical_and",
    "logical_or",
    "logical_xor",
    "logical_not",
    "isnan",
    "isinf",
    "isfinite",
}

_LOOSE = "loose"  # attr of products that sums take in


class Body:
    """Statements in SSA form; a statement is known by its number.

    Attributes
    ----------
    ops, args, codes, attrs : list
        Operation, operand numbers, dtype code and attribute of each statement. Leaves are
        ``lit`` (attr: value), ``load`` (attr: buffer, affine address), ``gather`` (args: index;
        attr: buffer, affine address, stride) and ``iota`` (attr: affine value).
    deps : list of int
        Bit mask of the loops that the statement depends on.
    exactly : bool
        Round every operation that is written now, as those are that decide something.
    """

    def __init__(self) -> None:
        self.ops: list[str] = []
        self.args: list[tuple[int, ...]] = []
        self.codes: list[str] = []
        self.attrs: list[Any] = []
        self.deps: list[int] = []
        self.exactly = False
        self._memo: dict[Any, int] = {}

    def __len__(self) -> int:
        return len(self.ops)

    def _emit(self, op: str, code: str, args: tuple[int, ...] = (), attr: Any = None, deps: int = 0) -> int:
        key = (op, code, args, attr)
        number = self._memo.get(key)
        if number is None:
            number = self._memo[key] = len(self.ops)
            for arg in args:
                deps |= self.deps[arg]
            self.ops.append(op)
            self.args.append(args)
            self.codes.append(code)
            self.attrs.append(attr)
            self.deps.append(deps)
        return number

    def again(self, other: Body, s: int, args: list[int]) -> int:
        """Return the statement that a statement of another table is on these operands."""
        code, attr, deps = other.codes[s], other.attrs[s], other.deps[s]
        return self._emit(other.ops[s], code, tuple(args), attr, deps)

    def lit(self, value: Any, code: str) -> int:
        """Return the statement of a literal."""
        if code == "b1":
            value = bool(value)
        elif code == "i8":
            value = int(value)
        else:
            value = float(np.float32(value)) if code == "f4" else float(value)
            key = struct.pack("<d", value)
            number = self._memo.get((code, key))
            if number is None:
                number = self._memo[(code, key)] = self._emit("lit", code, attr=_Literal(value, key))
            return number
        return self._emit("lit", code, attr=_Literal(value, value))

    def zero(self, code: str) -> int:
        """Return the structural zero: nothing is there, and products with it vanish."""
        if code not in ("f8", "f4"):
            return self.lit(0, code)
        return self._emit("lit", code, attr=_Literal(0.0, "structural"))

    def is_absent(self, number: int) -> bool:
        """Tell the structural zero from the number 0."""
        return self.ops[number] == "lit" and self.attrs[number].bits == "structural"

    def load(self, buffer: Any, address: tuple[int, ...]) -> int:
        """Return the statement that reads a buffer at an affine address."""
        return self._emit("load", code_of(buffer.dtype), attr=(buffer, address), deps=_mask(address))

    def gather(self, buffer: Any, address: tuple[int, ...], stride: int, index: int) -> int:
        """Return the statement that reads at ``address + stride * index``."""
        return self._emit(
            "gather", code_of(buffer.dtype), (index,), attr=(buffer, address, stride), deps=_mask(address)
        )

    def iota(self, value: tuple[int, ...]) -> int:
        """Return the statement of an affine integer."""
        if not any(value[1:]):
            return self.lit(value[0], "i8")
        return self._emit("iota", "i8", attr=value, deps=_mask(value))

    def buffer_of(self, number: int) -> Any:
        """Return the buffer that a statement reads, or None."""
        return self.attrs[number][0] if self.ops[number] in ("load", "gather") else None

    def value_of(self, number: int) -> Any:
        """Return the Python value of a literal, None for anything else."""
        return self.attrs[number].value if self.ops[number] == "lit" else None

    def op(self, name: str, *args: int, params: dict[str, Any] | None = None) -> int:
        """Return the statement of an elementwise primitive on scalars."""
        rule = RULES.get(name)
        if rule is None:
            return self._plain(name, args)
        return rule(self, *args, **params) if params else rule(self, *args)

    def _plain(self, name: str, args: tuple[int, ...]) -> int:
        code = "b1" if name in _PREDICATES else self.codes[args[-1]]
        if name in COMMUTATIVE and args[0] > args[1]:
            args = args[::-1]
        return self._emit(name, code, args)

    def is_loose(self, number: int) -> bool:
        """Tell whether a statement is a product that nobody sees but the sums that it is a term of."""
        return self.attrs[number] is _LOOSE

    def takes_in(self, number: int) -> bool:
        """Tell whether a sum rounds once for a product that is one of its terms and for itself."""
        return self.attrs[number] is _LOOSE and not self.exactly

    def let_go(self, number: int) -> int:
        """Return a statement as the sums see it: a product as one that they take in.

        That is a statement of its own, as others may see the same product of the same numbers.
        """
        code = self.codes[number]
        if self.ops[number] != "mul" or code not in ("f8", "f4"):
            return number
        return self._emit("mul", code, self.args[number], _LOOSE)

    def add_product(self, x: int, y: int, summand: int) -> int:
        """Return the statement of ``x * y + summand``, rounded once."""
        product = self.op("mul", x, y)
        absent = self.is_absent(product) or self.is_absent(summand)
        if self.exactly or absent or self.ops[product] != "mul" or self.codes[product] not in ("f8", "f4"):
            return self.op("add", product, summand)
        return self._plain("muladd", (*self.args[product], summand))


class _Literal:
    """Value of a literal, compared by its bits (0.0 is not -0.0, nan equals itself)."""

    __slots__ = ("bits", "value")

    def __init__(self, value: Any, bits: Any):
        self.value, self.bits = value, bits

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Literal) and self.bits == other.bits

    def __hash__(self) -> int:
        return hash(self.bits)

    def __repr__(self) -> str:
        return repr(self.value)


def _mask(address: tuple[int, ...]) -> int:
    mask = 0
    for loop, term in enumerate(address[1:]):
        if term:
            mask |= 1 << loop
    return mask
