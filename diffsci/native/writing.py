"""LLVM text of one function of a loop: registers, labels, memory, and arithmetic as Python does it."""

from __future__ import annotations

import struct
from typing import NamedTuple

__all__ = ["BOOLEAN", "NUMBER", "REAL", "Array", "Kind", "Refused", "Value", "Writer", "constant", "of_tuple"]

NUMBER, BOOLEAN, REAL = "i64", "i1", "double"


class _Element(NamedTuple):
    """The type of an element in memory and its bytes; that of its value, and how it becomes one and back."""

    stored: str
    size: int
    value: str
    read: str = ""
    write: str = ""


_ELEMENTS = {
    "int64": _Element("i64", 8, NUMBER),
    "int32": _Element("i32", 4, NUMBER, "sext", "trunc"),
    "uint8": _Element("i8", 1, NUMBER, "zext", "trunc"),
    "float64": _Element("double", 8, REAL),
    "float32": _Element("float", 4, REAL, "fpext", "fptrunc"),
}
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
_REALS = {"+": "fadd", "-": "fsub", "*": "fmul", "/": "fdiv"}
_ORDERS = {"==": "eq", "!=": "ne", "<": "slt", "<=": "sle", ">": "sgt", ">=": "sge"}
_REAL_ORDERS = {"==": "oeq", "!=": "une", "<": "olt", "<=": "ole", ">": "ogt", ">=": "oge"}


class Refused(Exception):
    """The language has no such thing."""


class Array(NamedTuple):
    """The type of a C-contiguous array."""

    element: str
    ndim: int


Kind = str | Array


class Value(NamedTuple):
    """A register or a constant; of an array the address of its first element and its sizes."""

    kind: Kind
    text: str
    sizes: tuple[str, ...] = ()


def of_tuple(count: int) -> str:
    """The type of so many numbers returned together."""
    return "{" + ", ".join([NUMBER] * count) + "}"


def constant(value: float) -> Value:
    """A float, every bit of it."""
    return Value(REAL, "0x" + struct.pack(">d", value).hex().upper())


class Writer:
    """The text of one function as it grows.

    Parameters
    ----------
    relaxed : str, optional
        What LLVM may do to sums and products of floats, in its words: "contract", "reassoc".
    """

    def __init__(self, relaxed: str = ""):
        self._relaxed = f"{relaxed} " if relaxed else ""
        self.declared: set[str] = set()  # functions that are called and not defined here
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
            text = self.define(f"getelementptr {self.element(array).stored}, ptr {text}, i64 {place.text}")
        rest = array.sizes[len(places) :]
        return Value(Array(array.kind.element, len(rest)), text, rest)

    def slice(self, array: Value, places: list[Value], begin: Value | None, end: Value | None) -> Value:
        """The part of an array at places along its first axes, from one place to another along the next."""
        part = self.part(array, places)
        begin = begin or Value(NUMBER, "0")
        count = self.arithmetic("-", end or Value(NUMBER, part.sizes[0]), begin)
        return Value(part.kind, self.part(part, [begin]).text, (count.text, *part.sizes[1:]))

    def count(self, array: Value) -> Value:
        """How many elements an array has."""
        total = Value(NUMBER, "1")
        for size in array.sizes:
            total = self.arithmetic("*", total, Value(NUMBER, size))
        return total

    def load(self, place: Value) -> Value:
        """The element at an address."""
        element = self.element(place)
        found = self.define(f"load {element.stored}, ptr {place.text}")
        if element.read:
            found = self.define(f"{element.read} {element.stored} {found} to {element.value}")
        return Value(element.value, found)

    def store(self, place: Value, value: Value) -> None:
        """Write an element; what does not fit its type is cut off or rounded."""
        element = self.element(place)
        text = (self.real if element.value == REAL else self.number)(value).text
        if element.write:
            text = self.define(f"{element.write} {element.value} {text} to {element.stored}")
        self.put(f"store {element.stored} {text}, ptr {place.text}")

    def fill(self, array: Value, value: Value) -> None:
        """Write the same to all elements of an array."""
        end, counter = self.count(array), self.variable(NUMBER)
        test, body, after = (self.label() for _ in range(3))
        self.put(f"store i64 0, ptr {counter}")
        self.start(test)
        at = Value(NUMBER, self.define(f"load i64, ptr {counter}"))
        self.branch(self.compared("<", at, end).text, body, after)
        self.start(body)
        flat = Value(Array(array.kind.element, 1), array.text, (end.text,))
        self.store(self.part(flat, [at]), value)
        following = self.arithmetic("+", at, Value(NUMBER, "1"))
        self.put(f"store i64 {following.text}, ptr {counter}")
        self.jump(test)
        self.start(after)

    def element(self, array: Value) -> _Element:
        """The elements of an array."""
        return _ELEMENTS[array.kind.element]

    # Calls --------------------------------------------------------------------------------------------

    def call(self, result: str, name: str, arguments: list[tuple[str, str]]) -> str:
        """Call an intrinsic or a function of the C library; return the register of its result."""
        self.declared.add(f"declare {result} @{name}({', '.join(kind for kind, _ in arguments)})")
        call = f"call {result} @{name}({', '.join(f'{kind} {text}' for kind, text in arguments)})"
        if result != "void":
            return self.define(call)
        self.put(call)
        return ""

    # Numbers ------------------------------------------------------------------------------------------

    def number(self, value: Value) -> Value:
        """True and false as 1 and 0."""
        if value.kind == NUMBER:
            return value
        if value.kind != BOOLEAN:
            found = "float in place of a whole" if value.kind == REAL else "array or tuple in place of a"
            raise Refused(f"{found} number")
        return Value(NUMBER, self.define(f"zext i1 {value.text} to i64"))

    def real(self, value: Value) -> Value:
        """A number as a float."""
        if value.kind == REAL:
            return value
        return Value(REAL, self.define(f"sitofp i64 {self.number(value).text} to double"))

    def truth(self, value: Value) -> str:
        """Whether a value is not zero."""
        return value.text if value.kind == BOOLEAN else self.compared("!=", value, Value(NUMBER, "0")).text

    def negative(self, value: Value) -> Value:
        """A number with the other sign."""
        if value.kind == REAL:
            return Value(REAL, self.define(f"fneg double {value.text}"))
        return self.arithmetic("-", Value(NUMBER, "0"), value)

    def arithmetic(self, sign: str, one: Value, other: Value) -> Value:
        """The result of an operation; a divisor of zero makes zero, of floats what IEEE 754 says."""
        if sign == "/" or REAL in (one.kind, other.kind):
            return self._real_arithmetic(sign, self.real(one).text, self.real(other).text)
        a, b = self.number(one).text, self.number(other).text
        if sign in _BITS:
            return Value(NUMBER, self.define(f"{_BITS[sign]} i64 {a}, {b}"))
        if sign not in ("//", "%"):
            raise Refused(f"{sign} of whole numbers")
        quotient, remainder = self._divided(a, b)
        return Value(NUMBER, quotient if sign == "//" else remainder)

    def _real_arithmetic(self, sign: str, a: str, b: str) -> Value:
        if sign == "**":
            return Value(REAL, self.call(REAL, "llvm.pow.f64", [(REAL, a), (REAL, b)]))
        if sign not in _REALS:
            raise Refused(f"{sign} of floats")
        return Value(REAL, self.define(f"{_REALS[sign]} {self._relaxed}double {a}, {b}"))

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
        if REAL in (one.kind, other.kind):
            a, b = self.real(one).text, self.real(other).text
            return Value(BOOLEAN, self.define(f"fcmp {_REAL_ORDERS[sign]} double {a}, {b}"))
        a, b = self.number(one).text, self.number(other).text
        return Value(BOOLEAN, self.define(f"icmp {_ORDERS[sign]} i64 {a}, {b}"))

    def any(self, conditions: list[Value]) -> Value:
        """Whether one of some conditions holds."""
        text = conditions[0].text
        for other in conditions[1:]:
            text = self.define(f"or i1 {text}, {other.text}")
        return Value(BOOLEAN, text)

    def extreme(self, sign: str, values: list[Value]) -> Value:
        """The smallest (<) or the largest (>) of some numbers, chosen as Python does it."""
        whole = all(value.kind != REAL for value in values)
        best, *others = ((self.number if whole else self.real)(value) for value in values)
        for other in others:
            better = self.compared(sign, other, best).text
            kind = best.kind
            chosen = self.define(f"select i1 {better}, {kind} {other.text}, {kind} {best.text}")
            best = Value(kind, chosen)
        return best
