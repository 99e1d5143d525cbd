"""Expressions of compiled loops: from a tree of Python's syntax to registers of LLVM text."""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Protocol

from diffsci.native.operations import OPERATIONS
from diffsci.native.writing import BOOLEAN, NUMBER, Array, Kind, Value, Writer, constant, of_tuple

__all__ = ["Expressions", "ends_with_slice", "passed"]

_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.BitAnd: "&",
    ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.Eq: "==", ast.NotEq: "!=",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Div: "/", ast.Pow: "**",
}  # fmt: skip


def passed(values: list[Value]) -> str:
    """Arguments of a call: an array is its address and its sizes."""
    parts = []
    for value in values:
        kind = "ptr" if isinstance(value.kind, Array) else value.kind
        parts += [f"{kind} {value.text}", *(f"i64 {size}" for size in value.sizes)]
    return ", ".join(parts)


def ends_with_slice(node: ast.Subscript) -> bool:
    """Tell whether a subscript ends with a slice."""
    last = node.slice.elts[-1] if isinstance(node.slice, ast.Tuple) else node.slice
    return isinstance(last, ast.Slice)


class _Functions(Protocol):
    """Where the functions of a loop are kept."""

    def function(self, function: Callable, kinds: tuple[Kind, ...]) -> tuple[str, str]:
        """Return the name of a function for arguments of these kinds, and the kind of its result."""


class Expressions:
    """The expressions of one function.

    Parameters
    ----------
    module : _Functions
    function : function
        Whose names are meant.
    first_line : int
        Of the function in its file.
    """

    def __init__(self, module: _Functions, function: Callable, first_line: int):
        self.module, self.function, self.first_line = module, function, first_line
        self.out = Writer(getattr(function, "relaxed", ""))
        self.names: dict[str, Value] = {}  # arrays, and addresses of variables

    def _refuse(self, node: ast.AST, what: str):
        line = self.first_line + getattr(node, "lineno", 1) - 1
        file = inspect.getsourcefile(self.function)
        raise NotImplementedError(f"{file}:{line}: a compiled loop has no {what}")

    def _branch(self, node: ast.expr, yes: str, no: str, strict: bool = False) -> None:
        """Go one way or the other; what is behind `and` and `or` is looked at only if it must be.

        Where the condition is a value as well (`strict`), `and` and `or` take truth values only: of numbers
        Python makes one of the numbers.
        """
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self._branch(node.operand, no, yes)
        elif isinstance(node, ast.BoolOp):
            for part in node.values[:-1]:
                further = self.out.label()
                if isinstance(node.op, ast.And):
                    self._branch(part, further, no, strict)
                else:
                    self._branch(part, yes, further, strict)
                self.out.start(further)
            self._branch(node.values[-1], yes, no, strict)
        else:
            value = self._value(node)
            if strict and value.kind != BOOLEAN:
                self._refuse(node, "choice by `and` or `or` between numbers")
            self.out.branch(self.out.truth(value), yes, no)

    def _several(self, node: ast.expr, count: int) -> list[Value]:
        """The values of a tuple, or of a call that returns one; all before anything is assigned."""
        if isinstance(node, ast.Tuple):
            if len(node.elts) != count:
                self._refuse(node, "tuple of another length")
            return [self._value(each) for each in node.elts]
        kind, text, _ = self._value(node)
        if kind != of_tuple(count):
            self._refuse(node, f"{count} values in one")
        return [Value(NUMBER, self.out.define(f"extractvalue {kind} {text}, {k}")) for k in range(count)]

    def _value(self, node: ast.expr) -> Value:
        translate = getattr(self, f"_of_{type(node).__name__}", None)
        if translate is None:
            self._refuse(node, f"{type(node).__name__} expression")
        return translate(node)

    def _of_Constant(self, node: ast.Constant) -> Value:
        return self._known(node, node.value)

    def _known(self, node: ast.expr, value: object) -> Value:
        if type(value) is bool:
            return Value(BOOLEAN, str(value).lower())
        if type(value) is float:
            return constant(value)
        if type(value) is not int:
            self._refuse(node, f"constant like {value!r}")
        return Value(NUMBER, str(value))

    def _of_Name(self, node: ast.Name) -> Value:
        if node.id not in self.names:
            return self._known(node, self.function.__globals__.get(node.id))
        found = self.names[node.id]
        if isinstance(found.kind, Array):
            return found
        return Value(found.kind, self.out.define(f"load {found.kind}, ptr {found.text}"))

    def _of_UnaryOp(self, node: ast.UnaryOp) -> Value:
        if isinstance(node.op, ast.Not):
            return self._chosen(node)
        if isinstance(node.op, ast.USub):
            if isinstance(node.operand, ast.Constant):
                return self._known(node, -node.operand.value)
            return self.out.negative(self._value(node.operand))
        return self._refuse(node, f"{type(node.op).__name__}")

    def _of_BoolOp(self, node: ast.BoolOp) -> Value:
        return self._chosen(node)

    def _chosen(self, condition: ast.expr) -> Value:
        """A condition as a truth value."""
        true, false = (ast.copy_location(ast.Constant(x), condition) for x in (True, False))
        return self._choice(ast.copy_location(ast.IfExp(condition, true, false), condition), strict=True)

    def _of_IfExp(self, node: ast.IfExp) -> Value:
        return self._choice(node)

    def _choice(self, node: ast.IfExp, strict: bool = False) -> Value:
        yes, no, after = (self.out.label() for _ in range(3))
        self._branch(node.test, yes, no, strict)
        self.out.start(yes)
        value = self._value(node.body)
        place = self.out.variable(value.kind)
        self.out.put(f"store {value.kind} {value.text}, ptr {place}")
        self.out.jump(after)
        self.out.start(no)
        other = self._value(node.orelse)
        if other.kind != value.kind or isinstance(value.kind, Array):
            self._refuse(node, "choice between two kinds, or between arrays")
        self.out.put(f"store {value.kind} {other.text}, ptr {place}")
        self.out.start(after)
        return Value(value.kind, self.out.define(f"load {value.kind}, ptr {place}"))

    def _sign(self, node: ast.AST) -> str:
        sign = _SIGNS.get(type(node))
        return sign or self._refuse(node, f"{type(node).__name__}")

    def _of_BinOp(self, node: ast.BinOp) -> Value:
        sign = self._sign(node.op)
        return self.out.arithmetic(sign, self._value(node.left), self._value(node.right))

    def _of_Compare(self, node: ast.Compare) -> Value:
        if len(node.ops) > 1:
            self._refuse(node, "chain of comparisons")
        value, other = self._value(node.left), node.comparators[0]
        if isinstance(node.ops[0], ast.In) and isinstance(other, ast.Tuple):
            return self.out.any([self.out.compared("==", value, self._value(each)) for each in other.elts])
        return self.out.compared(self._sign(node.ops[0]), value, self._value(other))

    def _array(self, node: ast.expr) -> Value:
        value = self._value(node)
        return value if isinstance(value.kind, Array) else self._refuse(node, "element of a number")

    def _of_Attribute(self, node: ast.Attribute) -> Value:
        known, value = self._of_module(node)
        if known:
            return self._known(node, value)
        if node.attr == "size":
            return self.out.count(self._array(node.value))
        if node.attr == "itemsize":
            return Value(NUMBER, str(self.out.element(self._array(node.value)).size))
        return self._refuse(node, f"attribute like {node.attr!r}")

    def _of_module(self, node: ast.Attribute) -> tuple[bool, object]:
        """Whether an attribute is one of a module, and its value."""
        name = node.value.id if isinstance(node.value, ast.Name) else ""
        module = None if name in self.names else self.function.__globals__.get(name)
        if not isinstance(module, ModuleType):
            return False, None
        return True, getattr(module, node.attr)

    def _of_Subscript(self, node: ast.Subscript) -> Value:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            axis = self._constant_axis(node.slice)
            return Value(NUMBER, self._array(node.value.value).sizes[axis])
        if ends_with_slice(node):
            return self._sliced(node)
        part = self._part(node)
        return part if part.kind.ndim else self.out.load(part)

    def _constant_axis(self, node: ast.expr) -> int:
        axis = getattr(node, "value", None)
        return axis if type(axis) is int else self._refuse(node, "axis that is no constant")

    def _part(self, node: ast.Subscript) -> Value:
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return self.out.part(*self._places(node, places))

    def _places(self, node: ast.Subscript, places: list[ast.expr]) -> tuple[Value, list[Value]]:
        array = self._array(node.value)
        if len(places) > array.kind.ndim:
            self._refuse(node, f"{len(places)} indices of {array.kind.ndim} axes")
        values = [self._value(place) for place in places]
        if any(value.text.startswith("-") for value in values):
            self._refuse(node, "negative index")
        return array, [self.out.number(value) for value in values]

    def _element(self, node: ast.Subscript) -> Value:
        part = self._part(node)
        return part if not part.kind.ndim else self._refuse(node, "assignment to a part of an array")

    def _sliced(self, node: ast.Subscript) -> Value:
        """Neighboring rows of an array, or of a part of it."""
        *places, each = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        array, values = self._places(node, places)
        if each.step or len(places) == array.kind.ndim:
            self._refuse(node, "slice with a step, or behind the last axis")
        bounds = [bound and self.out.number(self._value(bound)) for bound in (each.lower, each.upper)]
        return self.out.slice(array, values, *bounds)

    def _of_Call(self, node: ast.Call) -> Value:
        value = self._call(node)
        return value if value.kind != "void" else self._refuse(node, "value of a function without return")

    def _call(self, node: ast.Call) -> Value:
        function, values = self._callee(node.func), [self._value(each) for each in node.args]
        if node.keywords:
            self._refuse(node, "argument by name")
        if function in OPERATIONS:
            return OPERATIONS[function](self.out, *values)
        if not isinstance(function, FunctionType):
            self._refuse(node, f"call of {ast.unparse(node.func)!r}")
        known, result = self.module.function(function, tuple(value.kind for value in values))
        if not result:
            self._refuse(node, "function that calls itself")
        call = f"call {result} @{known}({passed(values)})"
        if result == "void":
            self.out.put(call)
            return Value(result, "")
        return Value(result, self.out.define(call))

    def _callee(self, node: ast.expr) -> object:
        if isinstance(node, ast.Attribute):
            return self._of_module(node)[1]
        if not isinstance(node, ast.Name):
            self._refuse(node, "call of anything but a function of a module")
        return self.function.__globals__.get(node.id, getattr(builtins, node.id, None))
