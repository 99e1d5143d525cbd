"""LLVM text of one function of whole numbers: registers, labels, memory, and arithmetic as Python does it."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["BOOLEAN", "NUMBER", "Array", "Value", "Writer", "of_tuple"]

NUMBER, BOOLEAN = "i64", "i1"

# The type of an element in memory, and how it becomes an int64.
_ELEMENTS = {"int64": ("i64", ""), "int32": ("i32", "sext"), "uint8": ("i8", "zext")}
_BITS = {
    "+": "add nsw",
    "-": "sub nsw",
    "*": "mul nsw",
    "&": "and",
    "|": "or",
    "^": "xor",
    "<<": "shl",
    ">>": "ashr",
}
_ORDERS = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}


class Array(NamedTuple):
    """The type of a C-contiguous array."""

    element: str
    ndim: int


class Value(NamedTuple):
    """A register or a constant; of an array the address of its first element and its sizes."""

    kind: str | Array
    text: str
    sizes: tuple[str, ...] = ()


def of_tuple(count: int) -> str:
    """The type of so many numbers returned together."""
    return "{" + ", ".join([NUMBER] * count) + "}"


class Writer:
    """The text of one function as it grows."""

    def __init__(self):
        self.lines: list[str] = []
        self.variables: list[str] = []  # where they live, in front of everything else
        self.open = True  # whether the block that is written has no end yet
        self._count = 0

    # Lines --------------------------------------------------------------------------------------------

    def put(self, line: str) -> None:
        """Write an instruction; what follows a jump can never run, but must stand in a block."""
        if not self.open:
            self.start(self.label())
        self.lines.append("  " + line)

    def define(self, instruction: str) -> str:
        """Write an instruction with a result; return its register."""
        register = self._name("%v")
        self.put(f"{register} = {instruction}")
        return register

    def label(self) -> str:
        """Return a new label."""
        return self._name("at")

    def start(self, label: str) -> None:
        """Begin the block of a label; the block before it goes on there."""
        if self.open:
            self.lines.append(f"  br label %{label}")
        self.lines.append(f"{label}:")
        self.open = True

    def jump(self, label: str) -> None:
        """End the block."""
        self.put(f"br label %{label}")
        self.open = False

    def branch(self, condition: str, yes: str, no: str) -> None:
        """End the block one way or the other."""
        self.put(f"br i1 {condition}, label %{yes}, label %{no}")
        self.open = False

    def variable(self, kind: str) -> str:
        """Return the address of a new variable."""
        register = self._name("%x")
        self.variables.append(f"  {register} = alloca {kind}")
        return register

    def _name(self, prefix: str) -> str:
        self._count += 1
        return f"{prefix}{self._count}"

    # Memory -------------------------------------------------------------------------------------------

    def part(self, array: Value, places: list[Value]) -> Value:
        """The part of an array at places along its first axes: an array, or the address of an element."""
        text = array.text
        for k, place in enumerate(places):
            for size in array.sizes[k + 1 :]:
                place = self.arithmetic("*", place, Value(NUMBER, size))
            text = self.define(f"getelementptr {self._element(array)}, ptr {text}, i64 {place.text}")
        rest = array.sizes[len(places) :]
        return Value(Array(array.kind.element, len(rest)), text, rest)

    def load(self, place: Value) -> Value:
        """The element at an address."""
        kind, widened = _ELEMENTS[place.kind.element]
        found = self.define(f"load {kind}, ptr {place.text}")
        return Value(NUMBER, self.define(f"{widened} {kind} {found} to i64") if widened else found)

    def store(self, place: Value, value: Value) -> None:
        """Write an element; what does not fit its type is cut off."""
        kind, text = self._element(place), self.number(value).text
        if kind != NUMBER:
            text = self.define(f"trunc i64 {text} to {kind}")
        self.put(f"store {kind} {text}, ptr {place.text}")

    def _element(self, array: Value) -> str:
        return _ELEMENTS[array.kind.element][0]

    # Numbers ------------------------------------------------------------------------------------------

    def number(self, value: Value) -> Value:
        """True and false as 1 and 0."""
        if value.kind != BOOLEAN:
            return value
        return Value(NUMBER, self.define(f"zext i1 {value.text} to i64"))

    def truth(self, value: Value) -> str:
        """Whether a value is not zero."""
        return value.text if value.kind == BOOLEAN else self.define(f"icmp ne i64 {value.text}, 0")

    def arithmetic(self, sign: str, one: Value, other: Value) -> Value:
        """The result of an operation of whole numbers; a divisor of zero makes zero."""
        a, b = self.number(one).text, self.number(other).text
        if sign in _BITS:
            return Value(NUMBER, self.define(f"{_BITS[sign]} i64 {a}, {b}"))
        quotient, remainder = self._divided(a, b)
        return Value(NUMBER, quotient if sign == "//" else remainder)

    def _divided(self, a: str, b: str) -> tuple[str, str]:
        """Quotient and remainder; the remainder has the sign of the divisor."""
        zero = self.define(f"icmp eq i64 {b}, 0")
        by = self.define(f"select i1 {zero}, i64 1, i64 {b}")
        quotient, remainder = (self.define(f"{name} i64 {a}, {by}") for name in ("sdiv", "srem"))
        signs = self.define(f"xor i64 {remainder}, {by}")
        other_sign = self.define(f"icmp slt i64 {signs}, 0")
        left = self.define(f"icmp ne i64 {remainder}, 0")
        off = self.define(f"and i1 {other_sign}, {left}")
        lower = self.define(f"zext i1 {off} to i64")
        down = self.define(f"sub i64 {quotient}, {lower}")
        added = self.define(f"select i1 {off}, i64 {by}, i64 0")
        up = self.define(f"add i64 {remainder}, {added}")
        return tuple(self.define(f"select i1 {zero}, i64 0, i64 {x}") for x in (down, up))

    def compared(self, sign: str, one: Value, other: Value) -> Value:
        """Whether a comparison holds."""
        a, b = self.number(one).text, self.number(other).text
        return Value(BOOLEAN, self.define(f"icmp {_ORDERS[sign]} i64 {a}, {b}"))

    def extreme(self, name: str, values: list[Value]) -> Value:
        """The smallest or the largest (smin or smax) of some numbers."""
        best = self.number(values[0]).text
        for value in values[1:]:
            other = self.number(value).text
            best = self.define(f"call i64 @llvm.{name}.i64(i64 {best}, i64 {other})")
        return Value(NUMBER, best)
