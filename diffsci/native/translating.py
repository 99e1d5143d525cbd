"""Loops from Python to native code, in milliseconds.

The library's own algorithms on arrays are plain functions of a small language: whole numbers, floats, truth
values and C-contiguous arrays of int64, int32, uint8, float64 or float32; assignments, `if`, `while`, `for`
over `range`, `break`, `continue`, `return` of numbers; arithmetic, comparisons, `and`, `or`, `not`; calls
of other such functions and of those in `diffsci.native.operations`; constants of modules. Everything else
is refused. Called from Python they do what native code does, except that its numbers have 64 bits (those of
float32 arrays are rounded where they are stored), that a division by zero is no error (one of whole numbers
makes zero), and that nothing checks an index: indices are not negative and within their arrays.

Numba can do the same and far more, but takes half a second to be imported and some tenths of a second for a
function.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable

from diffsci.native.expressions import Expressions, ends_with_slice, passed
from diffsci.native.writing import BOOLEAN, NUMBER, REAL, Array, Kind, Refused, Value, Writer, of_tuple

__all__ = ["build", "llvm_text", "relaxed"]


def relaxed(freedom: str) -> Callable[[Callable], Callable]:
    """Decorate a function of a loop whose sums and products need not be rounded in the order written.

    Parameters
    ----------
    freedom : {"contract", "reassoc"}
        A product and a sum may be one fused operation; or sums may be taken in any order.
    """

    def decorate(function: Callable) -> Callable:
        function.relaxed = freedom
        return function

    return decorate


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
        Its entry ``int64 f(int64 *words)``, or ``double f(int64 *words)``; the words are the address and then
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
    returned = Value(result, out.define(f"call {result} @{name}({passed(values)})"))
    if result != REAL:
        returned = out.number(returned)
    entry = [
        f"define {returned.kind} @loop_{loop.__name__}(ptr %words) {{",
        *out.lines,
        f"  ret {returned.kind} {returned.text}",
        "}",
    ]
    return "\n".join([*sorted(module.declared), *module.texts, *entry, ""]), f"loop_{loop.__name__}"


class _Module:
    """The functions that a loop is made of, each for the kinds of arguments that it is called with."""

    def __init__(self):
        self.texts: list[str] = []
        self.declared: set[str] = set()
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
            self.declared |= translated.out.declared
        return self._known[key]


class _Function(Expressions):
    """One function, translated."""

    def __init__(self, module: _Module, function: Callable, kinds: tuple[Kind, ...]):
        lines, first_line = inspect.getsourcelines(function)
        super().__init__(module, function, first_line)
        self.result = ""
        self.loops: list[tuple[str, str]] = []  # where `continue` and `break` go
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
        head = f"define internal {self.result} @{name}({passed(self.parameters)}) {{"
        return "\n".join([head, *self.out.variables, *self.out.lines, "}"])

    # Statements ---------------------------------------------------------------------------------------

    def _body(self, statements: list[ast.stmt]) -> None:
        for statement in statements:
            translate = getattr(self, f"_do_{type(statement).__name__}", None)
            if translate is None:
                self._refuse(statement, f"{type(statement).__name__} statement")
            try:
                translate(statement)
            except Refused as what:
                self._refuse(statement, str(what))

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
        elif isinstance(target, ast.Subscript) and ends_with_slice(target):
            self.out.fill(self._value(target), value)
        elif isinstance(target, ast.Subscript):
            self.out.store(self._element(target), value)
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
            old = self._value(ast.copy_location(ast.Name(node.target.id, ast.Load()), node))
            new = self.out.arithmetic(sign, old, self._value(node.value))
            self._bind(node, node.target.id, new)
            return
        place = self._element(node.target)
        old = self.out.load(place)
        self.out.store(place, self.out.arithmetic(sign, old, self._value(node.value)))

    def _do_Return(self, node: ast.Return) -> None:
        if isinstance(node.value, ast.Tuple):
            values = self._several(node.value, len(node.value.elts))
            kind, text = of_tuple(len(values)), "poison"
            for k, value in enumerate(values):
                number = self.out.number(value).text
                text = self.out.define(f"insertvalue {kind} {text}, i64 {number}, {k}")
        elif node.value is None:
            self._refuse(node, "return without a value")
        else:
            kind, text, _ = self._value(node.value)
            if kind not in (NUMBER, BOOLEAN, REAL):
                self._refuse(node, "array or tuple in place of a number")
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
            end = self._value(call.args[0])
        else:
            begin, end = self._value(call.args[0]), self._value(call.args[1])
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
