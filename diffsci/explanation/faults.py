"""A value that stopped being finite, described for the user."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from diffsci.explanation.advice import advice_for
from diffsci.explanation.blame import CONSTANT, OPERATION, SOLVE, Frame, Origin, dependences
from diffsci.explanation.spelling import Spelled, element, source_line, spelled
from diffsci.graph import Node
from diffsci.graph.naming import numpy_name
from diffsci.source import Location

__all__ = ["Fault", "Operand", "fault_of", "input_fault", "place_of"]

MOST_ELEMENTS = 6  # of an operand that are shown


@dataclass(frozen=True)
class Operand:
    """An operand of an operation, at the offending element.

    Attributes
    ----------
    name : str
        As the user wrote it, or what it is.
    index : tuple of int or None
        Which element; None where the result depends on several.
    value : ndarray or scalar
        That element, or the elements that the result depends on.
    """

    name: str
    index: tuple[int, ...] | None
    value: Any

    def __str__(self) -> str:
        return f"{element(self.name, self.index)} = {_number(self.value)}"


@dataclass(frozen=True)
class Fault:
    """Where a value stopped being finite.

    Attributes
    ----------
    phase : str
        ``"forward"``, ``"tangent"`` or ``"cotangent"``: the first sweep whose results it spoils.
    also : tuple of str
        Later sweeps that the same operation spoils.
    kind : str
        ``"operation"``, ``"input"`` (an argument is not finite), ``"constant"`` (a NaN in the program) or
        ``"solve"`` (a solver or a loop that cannot be looked into).
    operation : str
        The operation in the array program: ``"log"``, ``"div"``; the argument's name for an input.
    expression : str
        What the user wrote there: ``"np.log(x - 1)"``.
    derivative : bool
        Whether the operation is part of the derivative of that expression.
    location : Location or None
    source : str
        The line.
    index : tuple of int
        The first offending element of the result.
    count : int
        Number of offending elements.
    result : scalar
        What came out there: nan, inf or -inf.
    operands : tuple of Operand
        Of the operation.
    point : tuple of Operand
        Operands of the user's expression, where `operation` is part of its derivative.
    inside : tuple of str
        Loops and calls that it ran in, outermost first.
    note : str
        Why a solver found nothing.
    advice : str
        What to write instead.
    """

    phase: str
    also: tuple[str, ...]
    kind: str
    operation: str
    expression: str
    derivative: bool
    location: Location | None
    source: str
    index: tuple[int, ...]
    count: int
    result: Any
    operands: tuple[Operand, ...] = ()
    point: tuple[Operand, ...] = ()
    inside: tuple[str, ...] = ()
    note: str = ""
    advice: str = ""

    @property
    def line(self) -> int | None:
        """Line of the user's source."""
        return None if self.location is None else self.location.line

    def with_phase(self, phase: str) -> Fault:
        """Return the fault with one more sweep that it spoils."""
        return replace(self, also=(*self.also, phase))

    @property
    def what(self) -> str:
        """One sentence."""
        result = _number(self.result)
        more = f" ({self.count} elements in all)" if self.count > 1 else ""
        if self.kind == "input":
            return f"the input {element(self.operation, self.index)} is {result}{more}"
        if self.kind == "constant":
            return f"a constant in the program is {result}{more}"
        if self.kind == "solve":
            return f"{self.expression} gives {result}{more}: {self.note or 'its steps cannot be looked into'}"
        name = numpy_name(self.operation)
        called = f"{name}({', '.join(_number(x.value) for x in self.operands)}) = {result}{more}"
        if self.derivative:
            return f"in the derivative of {self.expression}: {called}"
        return f"{element(self.expression, self.index)}: {called}"


def fault_of(origin: Origin, phase: str, is_derivative: Callable[[Origin], bool]) -> Fault:
    """Describe an origin, and say what to write instead."""
    fault = place_of(origin, phase, is_derivative)
    if origin.kind != OPERATION:
        return fault
    values = [x.value for x in fault.operands]
    return replace(fault, advice=advice_for(origin, fault.derivative, values, fault.result))


def place_of(origin: Origin, phase: str, is_derivative: Callable[[Origin], bool]) -> Fault:
    """Describe an origin."""
    node, location = origin.node, _location(origin)
    written = spelled(location)
    value = _result(origin)
    index = tuple(int(i) for i in np.argwhere(origin.mask)[0])
    derivative = is_derivative(origin) and origin.kind != SOLVE
    names = () if derivative or written is None else written.operands
    operands = () if origin.kind != OPERATION else tuple(_operands(origin, index, names))
    return Fault(
        phase=phase,
        also=(),
        kind=origin.kind,
        operation=node.name,
        expression=written.text if written else numpy_name(node.name),
        derivative=derivative,
        location=location,
        source=source_line(location),
        index=index,
        count=int(origin.mask.sum()),
        result=value[index],
        operands=operands,
        point=tuple(_point(origin, index, written)) if derivative and written else (),
        inside=tuple(text for text in map(_inside, origin.frames) if text),
        note=_note(origin) if origin.kind == SOLVE else "",
    )


def input_fault(name: str, value: np.ndarray, mask: np.ndarray, phase: str) -> Fault:
    """Describe an argument that is not finite."""
    index = tuple(int(i) for i in np.argwhere(mask)[0])
    result, count = np.asarray(value)[index], int(mask.sum())
    return Fault(phase, (), "input", name, name, False, None, "", index, count, result)


def _note(origin: Origin) -> str:
    """What a loop or a solver says itself."""
    node = origin.node
    if node.name in ("root", "operator_solve"):
        return "the iteration did not converge"
    if node.name == "host_run":
        tape = origin.values[node][-1]
    else:
        tape = origin.values[node.inputs[node.params["inputs"]]]
    return node.params["loop"].failure(np.asarray(tape)[()])


def _location(origin: Origin) -> Location | None:
    """The operation's place, or that of the innermost operation around it that has one."""
    found = [origin.node, *(frame.node for frame in reversed(origin.frames))]
    if origin.kind == CONSTANT:
        found = [x for x in origin.graph.nodes if origin.node in x.inputs] + found
    return next((node.location for node in found if node.location is not None), None)


def _result(origin: Origin) -> np.ndarray:
    value = origin.values.get(origin.node)
    if isinstance(origin.node.type, tuple):
        value = value[origin.result]
    return np.asarray(value)


def _operands(origin: Origin, index: tuple[int, ...], names: tuple[str, ...]) -> list[Operand]:
    """The operands at the offending element."""
    node = origin.node
    numbers = [x for x in node.inputs if x.type.is_float or node.name == "select"]
    exponent = [node.params["exponent"]] if node.name == "integer_pow" else []
    count = len(numbers) + len(exponent)
    if len(names) != count:
        names = tuple(f"operand {k + 1}" for k in range(count)) if count > 1 else ("operand",)
    found = [_operand(origin, x, index, name) for x, name in zip(numbers, names, strict=False)]
    return found + [Operand(str(n), None, n) for n in exponent]


def _operand(origin: Origin, x: Node, index: tuple[int, ...], name: str) -> Operand:
    value = np.asarray(origin.values[x])
    if value.ndim == 0:
        return Operand(name, None, value[()])
    if x.shape == origin.mask.shape and origin.node.primitive.family == "elementwise":
        return Operand(name, index, value[index])
    reached = _reached(origin, x, index)
    return Operand(name, None, value if reached is None else value.ravel()[reached])


def _reached(origin: Origin, x: Node, index: tuple[int, ...]) -> np.ndarray | None:
    """Which elements of an operand an element of the result depends on, None for all."""
    node = origin.node
    if isinstance(node.type, tuple) or node.type.size * x.type.size > 1_000_000:
        return None
    found = dependences(node, origin.values)
    if found is None:
        return None
    places = found[node.inputs.index(x)]
    if places is None:
        return np.zeros(0, int)
    flat = int(np.ravel_multi_index(index, node.shape)) if node.shape else 0
    return np.unique(places[1][places[0] == flat])


def _point(origin: Origin, index: tuple[int, ...], written: Spelled) -> list[Operand]:
    """Operands of the user's own operation, of which the offending one is a derivative."""
    node = origin.node
    own = [x for x in origin.graph.nodes if x is not node and x.location is node.location]
    own = [x for x in own if x.name in written.names and not isinstance(x.type, tuple)]
    own = [x for x in own if x.shape == origin.mask.shape]
    own = [x for x in own if all(y.shape in ((), x.shape) for y in x.inputs)]
    if not own:
        return []
    numbers = [x for x in own[0].inputs if x.type.is_float]
    names = written.operands if len(written.operands) == len(numbers) else [written.text] * len(numbers)
    found = []
    for x, name in zip(numbers, names, strict=True):
        value = np.asarray(origin.values[x])
        found.append(Operand(name, index if value.ndim else None, value[index] if value.ndim else value[()]))
    return found


def _inside(frame: Frame) -> str:
    """Text of a program around an operation, empty for what the user did not write."""
    node, place = frame.node, f"{frame.place} of " if frame.place else ""
    if node.location is None and not place:
        return ""
    kind = {"cond": "the branch of", "root": "the equations of", "operator_solve": "the products of"}
    what = kind.get(node.name, "the loop" if node.primitive.family == "host" else "the call")
    written = spelled(node.location)
    text = f" {written.text}" if written and len(written.text) < 60 else ""
    where = f" ({node.location})" if node.location else ""
    return f"in {place}{what}{text}{where}"


def _number(value: Any) -> str:
    array = np.asarray(value)
    if array.ndim == 0 or array.size == 1:
        return str(array.reshape(())[()])
    shown = ", ".join(_number(x) for x in array.ravel()[:MOST_ELEMENTS])
    return f"[{shown}{', ...' if array.size > MOST_ELEMENTS else ''}]"
