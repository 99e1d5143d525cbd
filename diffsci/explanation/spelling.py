"""What stands in the user's source at a place: the line, the expression, its operands."""

from __future__ import annotations

import ast
import functools
import linecache
from dataclasses import dataclass

from diffsci.source import Location

__all__ = ["Spelled", "element", "is_number", "source_line", "spelled"]

OPERATORS = {
    ast.Add: ("add",),
    ast.Sub: ("sub", "add"),
    ast.Mult: ("mul",),
    ast.Div: ("div",),
    ast.Pow: ("pow", "integer_pow", "sqrt"),
    ast.MatMult: ("contract",),
    ast.USub: ("neg",),
    ast.Mod: ("mod",),
    ast.FloorDiv: ("floor_divide",),
}

SYNONYMS = {
    "divide": "div", "true_divide": "div", "reciprocal": "div", "subtract": "sub", "multiply": "mul",
    "negative": "neg", "power": "pow", "float_power": "pow", "square": "integer_pow", "absolute": "abs",
    "fabs": "abs", "dot": "contract", "matmul": "contract", "einsum": "contract", "inner": "contract",
    "where": "select", "amax": "max", "amin": "min", "digamma": "psi", "inv": "solve",
}  # fmt: skip


@dataclass(frozen=True)
class Spelled:
    """An expression of the user's.

    Attributes
    ----------
    text : str
        On one line.
    operands : tuple of str
        Texts of its operands; empty if it has none that can be told apart.
    names : tuple of str
        Primitives that it may stand for; empty for calls of functions made of several.
    """

    text: str
    operands: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def element(text: str, index: tuple[int, ...] | None) -> str:
    """Return the text of an element of an expression.

    Examples
    --------
    >>> element("x - 1", (2, 0)), element("np.log(x)", (1,)), element("x", ())
    ('(x - 1)[2, 0]', 'np.log(x)[1]', 'x')
    """
    if not index or is_number(text):
        return text
    return f"{text if _binds(text) else f'({text})'}[{', '.join(map(str, index))}]"


def is_number(text: str) -> bool:
    """Tell whether an expression is a number written out."""
    try:
        float(text)
    except ValueError:
        return False
    return True


@functools.lru_cache(maxsize=1024)
def _binds(text: str) -> bool:
    """Tell whether an index behind an expression belongs to all of it."""
    try:
        body = ast.parse(text, mode="eval").body
    except (SyntaxError, ValueError):
        return " " not in text
    return isinstance(body, (ast.Name, ast.Call, ast.Attribute, ast.Subscript))


def source_line(location: Location | None) -> str:
    """Return the text of a line, empty where there is no source."""
    return "" if location is None else linecache.getline(location.file, location.line).strip()


def spelled(location: Location | None) -> Spelled | None:
    """Return the expression at a place, None where there is no source for it."""
    if location is None or location.span is None:
        return None
    text = _segment(location)
    return _parsed(text) if text else None


def _segment(location: Location) -> str:
    last, first_column, last_column = location.span
    lines = [
        linecache.getline(location.file, k).rstrip("\n").encode() for k in range(location.line, last + 1)
    ]
    if not lines or not any(lines):
        return ""
    lines[-1] = lines[-1][:last_column]
    lines[0] = lines[0][first_column:]
    return " ".join(line.decode(errors="replace").strip() for line in lines)


@functools.lru_cache(maxsize=1024)
def _parsed(text: str) -> Spelled:
    try:
        (statement,) = ast.parse(text).body
    except (SyntaxError, ValueError):
        return Spelled(text)

    def part(node: ast.AST) -> str:
        return ast.get_source_segment(text, node) or ""

    if isinstance(statement, ast.AugAssign):
        names = OPERATORS.get(type(statement.op), ())
        return Spelled(text, (part(statement.target), part(statement.value)), names)
    node = getattr(statement, "value", None)
    if isinstance(node, ast.BinOp):
        return Spelled(text, (part(node.left), part(node.right)), OPERATORS.get(type(node.op), ()))
    if isinstance(node, ast.UnaryOp):
        return Spelled(text, (part(node.operand),), OPERATORS.get(type(node.op), ()))
    if isinstance(node, ast.Call):
        return _called(text, node, part)
    return Spelled(text)


def _called(text: str, node: ast.Call, part) -> Spelled:
    """A call: a method's object is its first operand, a module's is not."""
    arguments = tuple(part(argument) for argument in node.args)
    if isinstance(node.func, ast.Attribute):
        name, owner = node.func.attr, node.func.value
        if not isinstance(owner, (ast.Name, ast.Attribute)) or not arguments:
            arguments = (part(owner), *arguments)
    else:
        name = getattr(node.func, "id", "")
    return Spelled(text, arguments, (SYNONYMS.get(name, name),))
