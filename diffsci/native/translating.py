"""Loops of whole numbers, from Python to native code, in milliseconds.

The library's own algorithms on index arrays are plain Python functions of a small language: whole numbers,
truth values and C-contiguous arrays of int64, int32 or uint8; assignments, `if`, `while`, `for` over `range`,
`break`, `continue`, `return` of numbers; arithmetic, comparisons, `and`, `or`, `not`, `min`, `max`, `int`;
calls of other such functions; constants of the module. Everything else is refused. Called from Python they do
what their native code does, except that numbers of the latter have 64 bits, that a divisor of zero makes zero
there, and that nothing checks an index: indices are not negative and within their arrays.

Numba can do the same and far more, but takes half a second to be imported and some tenths of a second for a
function.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable
from types import FunctionType

from diffsci.native.writing import BOOLEAN, NUMBER, Array, Value, Writer, of_tuple

__all__ = ["build", "llvm_text"]

_SIGNS = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.FloorDiv: "//", ast.Mod: "%", ast.BitAnd: "&",
    ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.Eq: "==", ast.NotEq: "!=",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
}  # fmt: skip
_EXTREMES = {"min": "smin", "max": "smax"}

Kind = str | Array


def build(loop: Callable, arguments: list[tuple[str, int]]) -> tuple[str, str]:
    """Translate a loop for arguments of these types, and optimise it.

    Parameters
    ----------
    loop : function
        Of the language of this module.
    arguments : list of (str, int)
        Name of the element type and number of dimensions; 0 dimensions: an integer.

    Returns
    -------
    text : str
        An LLVM module.
    name : str
        Its entry ``int32 f(void *result, void **unused, int64 *words)``; the words are the address and then
        the sizes of each array, or the integer itself.

    Raises
    ------
    NotImplementedError
        Where the loop leaves the language; the message names file and line.
    """
    from diffsci.native.engine import optimised

    text, name = llvm_text(loop, arguments)
    return optimised(text), name


def llvm_text(loop: Callable, arguments: list[tuple[str, int]]) -> tuple[str, str]:
    """Return what `build` returns, as it was before it was optimised."""
    kinds = tuple(Array(of, ndim) if ndim else NUMBER for of, ndim in arguments)
    module = _Module()
    name, result = module.function(loop, kinds)
    out, values, place = Writer(), [], 0
    for kind in kinds:
        words = []
        for _ in range(1 + (kind.ndim if isinstance(kind, Array) else 0)):
            address = out.define(f"getelementptr i64, ptr %words, i64 {place}")
            words.append(out.define(f"load i64, ptr {address}"))
            place += 1
        if isinstance(kind, Array):
            words[0] = out.define(f"inttoptr i64 {words[0]} to ptr")
        values.append(Value(kind, words[0], tuple(words[1:])))
    returned = out.number(Value(result, out.define(f"call {result} @{name}({_passed(values)})")))
    entry = [
        f"define i32 @loop_{loop.__name__}(ptr %result, ptr %unused, ptr %words) {{",
        *out.lines,
        f"  store i64 {returned.text}, ptr %result",
        "  ret i32 0",
        "}",
    ]
    declared = [f"declare i64 @llvm.{name}.i64(i64, i64)" for name in _EXTREMES.values()]
    return "\n".join([*declared, *module.texts, *entry, ""]), f"loop_{loop.__name__}"


def _passed(values: list[Value]) -> str:
    """Arguments of a call: an array is its address and its sizes."""
    parts = []
    for value in values:
        kind = "ptr" if isinstance(value.kind, Array) else value.kind
        parts += [f"{kind} {value.text}", *(f"i64 {size}" for size in value.sizes)]
    return ", ".join(parts)


class _Module:
    """The functions that a loop is made of, each for the kinds of arguments that it is called with."""

    def __init__(self):
        self.texts: list[str] = []
        self._known: dict[tuple, tuple[str, str]] = {}

    def function(self, function: Callable, kinds: tuple[Kind, ...]) -> tuple[str, str]:
        """Return the name of a function and the kind of its result."""
        key = (function, kinds)
        if key not in self._known:
            name = f"f{len(self._known)}_{function.__name__}"
            self._known[key] = name, ""  # its result is not known: it must not call itself
            translated = _Function(self, function, kinds)
            self._known[key] = name, translated.result
            self.texts.append(translated.text(name))
        return self._known[key]


class _Function:
    """One function, translated."""

    def __init__(self, module: _Module, function: Callable, kinds: tuple[Kind, ...]):
        self.module, self.function = module, function
        self.out, self.result = Writer(), ""
        self.names: dict[str, Value] = {}  # arrays, and addresses of variables
        self.loops: list[tuple[str, str]] = []  # where `continue` and `break` go
        lines, self.first_line = inspect.getsourcelines(function)
        (self.tree,) = ast.parse(textwrap.dedent("".join(lines))).body
        self.parameters = []
        for argument, kind in zip(self.tree.args.args, kinds, strict=True):
            name, ndim = argument.arg, kind.ndim if isinstance(kind, Array) else 0
            value = Value(kind, f"%of.{name}", tuple(f"%of.{name}.{k}" for k in range(ndim)))
            self.parameters.append(value)
            self._bind(argument, name, value)
        self._body(self.tree.body)
        if self.out.open and self.result:
            self._refuse(self.tree.body[-1], "an end without return beside one with return")
        if self.out.open:
            self.result = "void"
            self.out.put("ret void")

    def text(self, name: str) -> str:
        """The LLVM text of the function."""
        head = f"define internal {self.result} @{name}({_passed(self.parameters)}) {{"
        return "\n".join([head, *self.out.variables, *self.out.lines, "}"])

    def _refuse(self, node: ast.AST, what: str):
        line = self.first_line + getattr(node, "lineno", 1) - 1
        file = inspect.getsourcefile(self.function)
        raise NotImplementedError(f"{file}:{line}: a loop of whole numbers has no {what}")

    # Statements ---------------------------------------------------------------------------------------

    def _body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            translate = getattr(self, f"_do_{type(statement).__name__}", None)
            if translate is None:
                self._refuse(statement, f"{type(statement).__name__} statement")
            translate(statement)

    def _do_Expr(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Call):
            self._call(node.value)
        elif not isinstance(node.value, ast.Constant):  # documentation
            self._refuse(node, "expression without effect")

    def _do_Continue(self, node: ast.Continue) -> None:
        self.out.jump(self.loops[-1][0])

    def _do_Break(self, node: ast.Break) -> None:
        self.out.jump(self.loops[-1][1])

    def _do_Assign(self, node: ast.Assign) -> None:
        if len(node.targets) == 1 and isinstance(node.targets[0], ast.Tuple):
            names = node.targets[0].elts
            self._assign_all(names, self._several(node.value, len(names)))
            return
        value = self._value(node.value)
        for target in node.targets:
            self._assign(target, value)

    def _assign_all(self, targets: list[ast.expr], values: list[Value]) -> None:
        for target, value in zip(targets, values, strict=True):
            self._assign(target, value)

    def _assign(self, target: ast.expr, value: Value) -> None:
        if isinstance(target, ast.Name):
            self._bind(target, target.id, value)
        elif isinstance(target, ast.Subscript):
            self.out.store(self._element(target), self._checked(target, value))
        else:
            self._refuse(target, f"assignment to {type(target).__name__}")

    def _bind(self, node: ast.AST, name: str, value: Value) -> None:
        if isinstance(value.kind, Array):
            if name in self.names:
                self._refuse(node, f"second array of the name {name!r}")
            self.names[name] = value
            return
        if name not in self.names:
            self.names[name] = Value(value.kind, self.out.variable(value.kind))
        kind = self.names[name].kind
        if kind != value.kind:
            self._refuse(node, f"variable of two kinds like {name!r}")
        self.out.put(f"store {kind} {value.text}, ptr {self.names[name].text}")

    def _do_AugAssign(self, node: ast.AugAssign) -> None:
        sign = self._sign(node.op)
        if isinstance(node.target, ast.Name):
            old = self._number(ast.copy_location(ast.Name(node.target.id, ast.Load()), node))
            new = self.out.arithmetic(sign, old, self._number(node.value))
            self._bind(node, node.target.id, new)
            return
        place = self._element(node.target)
        old = self.out.load(place)
        self.out.store(place, self.out.arithmetic(sign, old, self._number(node.value)))

    def _do_Return(self, node: ast.Return) -> None:
        if isinstance(node.value, ast.Tuple):
            values = self._several(node.value, len(node.value.elts))
            kind, text = of_tuple(len(values)), "poison"
            for k, value in enumerate(values):
                number = self.out.number(self._checked(node, value)).text
                text = self.out.define(f"insertvalue {kind} {text}, i64 {number}, {k}")
        elif node.value is None:
            self._refuse(node, "return without a value")
        else:
            kind, text, _ = self._number(node.value)
        if self.result not in ("", kind):
            self._refuse(node, "results of two kinds")
        self.result = kind
        self.out.put(f"ret {kind} {text}")
        self.out.open = False

    def _do_If(self, node: ast.If) -> None:
        yes, no, after = (self.out.label() for _ in range(3))
        self._branch(node.test, yes, no)
        reached = False
        for label, body in ((yes, node.body), (no, node.orelse)):
            self.out.start(label)
            self._body(body)
            if self.out.open:
                self.out.jump(after)
                reached = True
        if reached:
            self.out.start(after)

    def _do_While(self, node: ast.While) -> None:
        again, body, after = (self.out.label() for _ in range(3))
        self.out.start(again)
        self._branch(node.test, body, after)
        self._loop(node, body, again, after)

    def _do_For(self, node: ast.For) -> None:
        begin, end, step = self._range(node)
        counter = self.out.variable(NUMBER)
        test, body, again, after = (self.out.label() for _ in range(4))
        self.out.put(f"store i64 {begin.text}, ptr {counter}")
        self.out.start(test)
        at = Value(NUMBER, self.out.define(f"load i64, ptr {counter}"))
        self.out.branch(self.out.compared("<" if step > 0 else ">", at, end).text, body, after)
        self.out.start(again)
        old = Value(NUMBER, self.out.define(f"load i64, ptr {counter}"))
        new = self.out.arithmetic("+", old, Value(NUMBER, str(step)))
        self.out.put(f"store i64 {new.text}, ptr {counter}")
        self.out.jump(test)
        self.out.start(body)
        self._bind(node, node.target.id, at)
        self._loop(node, None, again, after)

    def _loop(self, node: ast.For | ast.While, body: str | None, again: str, after: str) -> None:
        if node.orelse:
            self._refuse(node, "else behind a loop")
        if body is not None:
            self.out.start(body)
        self.loops.append((again, after))
        self._body(node.body)
        self.loops.pop()
        if self.out.open:
            self.out.jump(again)
        self.out.start(after)

    def _range(self, node: ast.For) -> tuple[Value, Value, int]:
        call = node.iter
        named = isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "range"
        if not named or call.keywords or not isinstance(node.target, ast.Name):
            self._refuse(node, "loop over anything but a range")
        begin, end, step = Value(NUMBER, "0"), None, 1
        if len(call.args) == 1:
            end = self._number(call.args[0])
        else:
            begin, end = self._number(call.args[0]), self._number(call.args[1])
        if len(call.args) == 3:
            step = self._constant(call.args[2])
        return self.out.number(begin), self.out.number(end), step

    def _constant(self, node: ast.expr) -> int:
        try:
            step = ast.literal_eval(node)
        except ValueError:
            step = 0
        if type(step) is not int or not step:
            self._refuse(node, "step that is no constant")
        return step

    # Expressions --------------------------------------------------------------------------------------

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
            value = self._number(node)
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

    def _number(self, node: ast.expr) -> Value:
        return self._checked(node, self._value(node))

    def _checked(self, node: ast.AST, value: Value) -> Value:
        """A value that is a number or a truth value."""
        if value.kind not in (NUMBER, BOOLEAN):
            self._refuse(node, "array or tuple in place of a number")
        return value

    def _of_Constant(self, node: ast.Constant) -> Value:
        return self._known(node, node.value)

    def _known(self, node: ast.expr, value: object) -> Value:
        if type(value) is bool:
            return Value(BOOLEAN, str(value).lower())
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
            return self.out.arithmetic("-", Value(NUMBER, "0"), self._number(node.operand))
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
        return self.out.arithmetic(sign, self._number(node.left), self._number(node.right))

    def _of_Compare(self, node: ast.Compare) -> Value:
        if len(node.ops) > 1:
            self._refuse(node, "chain of comparisons")
        sign = self._sign(node.ops[0])
        return self.out.compared(sign, self._number(node.left), self._number(node.comparators[0]))

    def _array(self, node: ast.expr) -> Value:
        value = self._value(node)
        return value if isinstance(value.kind, Array) else self._refuse(node, "element of a number")

    def _of_Attribute(self, node: ast.Attribute) -> Value:
        if node.attr != "size":
            self._refuse(node, f"attribute like {node.attr!r}")
        total = Value(NUMBER, "1")
        for size in self._array(node.value).sizes:
            total = self.out.arithmetic("*", total, Value(NUMBER, size))
        return total

    def _of_Subscript(self, node: ast.Subscript) -> Value:
        if isinstance(node.value, ast.Attribute) and node.value.attr == "shape":
            axis = self._constant_axis(node.slice)
            return Value(NUMBER, self._array(node.value.value).sizes[axis])
        if isinstance(node.slice, ast.Slice):
            return self._sliced(node)
        part = self._part(node)
        return part if part.kind.ndim else self.out.load(part)

    def _constant_axis(self, node: ast.expr) -> int:
        axis = getattr(node, "value", None)
        return axis if type(axis) is int else self._refuse(node, "axis that is no constant")

    def _part(self, node: ast.Subscript) -> Value:
        array = self._array(node.value)
        places = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        if len(places) > array.kind.ndim:
            self._refuse(node, f"{len(places)} indices of {array.kind.ndim} axes")
        values = [self._number(place) for place in places]
        if any(value.text.startswith("-") for value in values):
            self._refuse(node, "negative index")
        return self.out.part(array, [self.out.number(value) for value in values])

    def _element(self, node: ast.Subscript) -> Value:
        part = self._part(node)
        return part if not part.kind.ndim else self._refuse(node, "assignment to a part of an array")

    def _sliced(self, node: ast.Subscript) -> Value:
        """Neighboring rows of an array."""
        array, each = self._array(node.value), node.slice
        if each.step or not each.lower or not each.upper:
            self._refuse(node, "slice without beginning or end, or with a step")
        begin, end = self._number(each.lower), self._number(each.upper)
        row = self.out.part(array, [begin])
        return Value(array.kind, row.text, (self.out.arithmetic("-", end, begin).text, *array.sizes[1:]))

    def _of_Call(self, node: ast.Call) -> Value:
        value = self._call(node)
        return value if value.kind != "void" else self._refuse(node, "value of a function without return")

    def _call(self, node: ast.Call) -> Value:
        if not isinstance(node.func, ast.Name) or node.keywords:
            self._refuse(node, "call of anything but a function of a module")
        values, name = [self._value(each) for each in node.args], node.func.id
        if name in _EXTREMES and len(values) > 1:
            return self.out.extreme(_EXTREMES[name], [self._checked(node, value) for value in values])
        if name == "int" and len(values) == 1:
            return self.out.number(self._checked(node, values[0]))
        function = self.function.__globals__.get(name)
        if not isinstance(function, FunctionType):
            self._refuse(node, f"call of {name!r}")
        known, result = self.module.function(function, tuple(value.kind for value in values))
        if not result:
            self._refuse(node, "function that calls itself")
        call = f"call {result} @{known}({_passed(values)})"
        if result == "void":
            self.out.put(call)
            return Value(result, "")
        return Value(result, self.out.define(call))
