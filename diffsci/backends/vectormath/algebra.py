"""What a formula of an elementary function may use.

A formula is a function of `Value`s. Each operator writes one operation to a `Writer`, of which there is
one per machine language; what is written is what runs. Nothing is contracted or reassociated, so a
formula gives the same bits wherever it runs.

Values have a `Format`, double or single precision: formulas take it into account with ``x.format``.
Python numbers stand for constants and are rounded to the format.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

__all__ = [
    "DOUBLE",
    "FORMATS",
    "SINGLE",
    "Bits",
    "Format",
    "Mask",
    "Value",
    "Writer",
    "absolute",
    "bits",
    "constant",
    "copysign",
    "float_from",
    "fma",
    "isnan",
    "lookup",
    "nearest",
    "polynomial",
    "rarely",
    "rint",
    "select",
    "shift_right",
    "sqrt",
    "to_float",
]


@dataclass(frozen=True)
class Format:
    """A binary floating-point format of IEEE 754.

    Attributes
    ----------
    code : str
        The dtype code of plans, "f8" or "f4".
    width, fraction, bias : int
        Bits of a number, bits of its fraction, and what is added to exponents.
    """

    code: str
    width: int
    fraction: int
    bias: int

    @property
    def epsilon(self) -> float:
        """The distance from 1 to the next number."""
        return 2.0**-self.fraction

    @property
    def smallest_normal(self) -> float:
        """The smallest positive number with all its bits."""
        return 2.0 ** (1 - self.bias)

    @property
    def rounder(self) -> float:
        """What rounds a small number to an integer when it is added and taken away again."""
        return 1.5 * 2.0**self.fraction

    @property
    def rounder_bits(self) -> int:
        """The bits of `rounder`."""
        return (self.bias + self.fraction << self.fraction) + (1 << self.fraction - 1)

    @property
    def sign_bit(self) -> int:
        """The bit of the sign, as a signed integer."""
        return -(1 << self.width - 1)

    @property
    def one_bits(self) -> int:
        """The bits of 1."""
        return self.bias << self.fraction


DOUBLE = Format("f8", 64, 52, 1023)
SINGLE = Format("f4", 32, 23, 127)
FORMATS = {f.code: f for f in (DOUBLE, SINGLE)}


class Writer(Protocol):
    """Writes operations in a machine language; handles are names or texts of its own.

    Operations of values: add sub mul div neg fma abs sqrt copysign rint; comparisons lt le gt ge eq (false
    for NaN) and ne (true for NaN); bits (the same bits as an integer). Of integers as wide as the
    format: iadd isub iand ior ixor; ishl isar ishr (the second operand is a constant); ilt ile igt ige
    ieq ine; float (the same bits as a value). Of masks: mand mor mxor mnot; select (of values) and iselect.
    """

    format: Format

    def constant(self, kind: str, number: float) -> str:
        """Return the handle of a constant "value" or "bits"."""

    def operation(self, name: str, args: list[str]) -> str:
        """Write an operation and return the handle of its result."""

    def lookup(self, table: tuple[float, ...], index: str) -> str:
        """Write the reading of a table of constants at an index that is known to lie in it."""

    def rarely(
        self, mask: str, kinds: list[str], values: list[str], slow: Callable[[], list[str]]
    ) -> list[str]:
        """Write a block that runs where the mask holds anywhere, and replaces the values there."""


@dataclass(frozen=True, eq=False)
class _Operand:
    writer: Writer
    handle: str

    kind = ""

    @property
    def format(self) -> Format:
        return self.writer.format

    def lift(self, number):
        """Return an operand of the same kind: constants are written."""
        if isinstance(number, type(self)):
            return number.handle
        return self.writer.constant(self.kind, number)


def _method(kind: Callable[[], type], name: str, swapped: bool = False):
    def method(self, *others):
        args = [self.handle, *(self.lift(other) for other in others)]
        return kind()(self.writer, self.writer.operation(name, args[::-1] if swapped else args))

    return method


class Value(_Operand):
    """A floating-point number; `+ - * /`, and comparisons, which give a `Mask`."""

    kind = "value"

    __add__ = _method(lambda: Value, "add")
    __radd__ = _method(lambda: Value, "add", swapped=True)
    __sub__ = _method(lambda: Value, "sub")
    __rsub__ = _method(lambda: Value, "sub", swapped=True)
    __mul__ = _method(lambda: Value, "mul")
    __rmul__ = _method(lambda: Value, "mul", swapped=True)
    __truediv__ = _method(lambda: Value, "div")
    __rtruediv__ = _method(lambda: Value, "div", swapped=True)
    __neg__ = _method(lambda: Value, "neg")
    __lt__ = _method(lambda: Mask, "lt")
    __le__ = _method(lambda: Mask, "le")
    __gt__ = _method(lambda: Mask, "gt")
    __ge__ = _method(lambda: Mask, "ge")
    __eq__ = _method(lambda: Mask, "eq")
    __ne__ = _method(lambda: Mask, "ne")
    __hash__ = None


class Bits(_Operand):
    """A signed integer as wide as the format; `>>` keeps the sign (see `shift_right`)."""

    kind = "bits"

    __add__ = _method(lambda: Bits, "iadd")
    __radd__ = _method(lambda: Bits, "iadd", swapped=True)
    __sub__ = _method(lambda: Bits, "isub")
    __rsub__ = _method(lambda: Bits, "isub", swapped=True)
    __and__ = _method(lambda: Bits, "iand")
    __or__ = _method(lambda: Bits, "ior")
    __xor__ = _method(lambda: Bits, "ixor")
    __lshift__ = _method(lambda: Bits, "ishl")
    __rshift__ = _method(lambda: Bits, "isar")
    __lt__ = _method(lambda: Mask, "ilt")
    __le__ = _method(lambda: Mask, "ile")
    __gt__ = _method(lambda: Mask, "igt")
    __ge__ = _method(lambda: Mask, "ige")
    __eq__ = _method(lambda: Mask, "ieq")
    __ne__ = _method(lambda: Mask, "ine")
    __hash__ = None


class Mask(_Operand):
    """A truth value; `& | ^ ~`."""

    kind = "mask"

    __and__ = _method(lambda: Mask, "mand")
    __or__ = _method(lambda: Mask, "mor")
    __xor__ = _method(lambda: Mask, "mxor")
    __invert__ = _method(lambda: Mask, "mnot")


def _written(kind: type, name: str, args: Sequence) -> Value | Bits:
    """Write an operation whose operands may be constants, of the kind of the first that is none."""
    model = next(arg for arg in args if isinstance(arg, Value | Bits))
    return kind(model.writer, model.writer.operation(name, [model.lift(arg) for arg in args]))


def fma(a: Value | float, b: Value | float, c: Value | float) -> Value:
    """Return a * b + c, rounded once."""
    return _written(Value, "fma", (a, b, c))


def absolute(x: Value) -> Value:
    """Return x without its sign."""
    return _written(Value, "abs", (x,))


def sqrt(x: Value) -> Value:
    """Return the square root, rounded correctly."""
    return _written(Value, "sqrt", (x,))


def copysign(x: Value | float, sign: Value) -> Value:
    """Return x with the sign of the other."""
    return _written(Value, "copysign", (x, sign))


def rint(x: Value) -> Value:
    """Return the nearest integer (ties to even) of any size."""
    return _written(Value, "rint", (x,))


def constant(number: float, like: Value | Bits) -> Value | Bits:
    """Return a constant of the same kind as another operand."""
    return type(like)(like.writer, like.lift(number))


def isnan(x: Value) -> Mask:
    """Tell whether x is not a number."""
    return x != x


def bits(x: Value) -> Bits:
    """Return the bits of a number as an integer."""
    return Bits(x.writer, x.writer.operation("bits", [x.handle]))


def float_from(b: Bits) -> Value:
    """Return the number that has these bits."""
    return Value(b.writer, b.writer.operation("float", [b.handle]))


def shift_right(b: Bits, count: int) -> Bits:
    """Return the bits moved to the right, with zeros behind them."""
    return Bits(b.writer, b.writer.operation("ishr", [b.handle, b.lift(count)]))


def nearest(x: Value) -> tuple[Value, Bits]:
    """Return the nearest integer (ties to even) as a value and as an integer.

    For ``|x| < 2**(fraction - 1)``; whatever x is otherwise, the two are of no use.
    """
    shifted = x + x.format.rounder
    return shifted - x.format.rounder, bits(shifted) - x.format.rounder_bits


def to_float(b: Bits) -> Value:
    """Return an integer as a value, for ``|b| < 2**(fraction - 1)``."""
    return float_from(b + b.format.rounder_bits) - b.format.rounder


def select(mask: Mask, yes, no) -> Value | Bits:
    """Return `yes` where the mask holds, else `no`; two constants are values."""
    kind = Bits if isinstance(yes, Bits) or isinstance(no, Bits) else Value
    sides = (
        side.handle if isinstance(side, kind) else mask.writer.constant(kind.kind, side) for side in (yes, no)
    )
    name = "select" if kind is Value else "iselect"
    return kind(mask.writer, mask.writer.operation(name, [mask.handle, *sides]))


def lookup(table: Sequence[float], index: Bits) -> Value:
    """Return the number of a table of constants at an index, which must lie in it."""
    return Value(index.writer, index.writer.lookup(tuple(table), index.handle))


def rarely(mask: Mask, slow: Callable[[], object], *values):
    """Return the values, replaced where the mask holds by those of a block that runs only then.

    Parameters
    ----------
    slow : callable
        Writes the block; returns as many values as are given, one as itself.
    values : Value or Bits

    Returns
    -------
    Value, Bits or tuple of them
        As many as are given, one as itself.
    """

    def block() -> list[str]:
        results = slow()
        results = results if isinstance(results, tuple) else (results,)
        return [value.lift(result) for value, result in zip(values, results, strict=True)]

    kinds = [value.kind for value in values]
    handles = mask.writer.rarely(mask.handle, kinds, [value.handle for value in values], block)
    after = [type(value)(mask.writer, handle) for value, handle in zip(values, handles, strict=True)]
    return after[0] if len(after) == 1 else tuple(after)


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """Return the sum of ``coefficients[k] * x**k`` by Horner's rule in fused operations.

    The fewest operations are the fastest: several evaluations overlap in the processor, so the
    latency of one does not count.
    """
    result = Value(x.writer, x.lift(coefficients[-1]))
    for coefficient in reversed(coefficients[:-1]):
        result = fma(result, x, coefficient)
    return result
