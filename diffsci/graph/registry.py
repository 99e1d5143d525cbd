"""One record per operation: everything diffsci knows about it stands in that record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = ["Primitive", "lookup", "register", "registered"]


@dataclass(frozen=True, slots=True, eq=False)
class Primitive:
    """An operation of the array program.

    Attributes
    ----------
    name : str
        Name in graphs and in `Builder` (``b.sin(x)``).
    type : callable
        ``type(*input_types, **params) -> Type`` (a tuple of types for several outputs). Raises
        TypeError for operands that do not fit: passes rely on it.
    value : callable or None
        ``value(*arrays, **params) -> array``: the meaning, in NumPy. None for leaves and nodes
        that an interpreter handles itself.
    jvp : callable, "zero" or None
        ``jvp(b, node, tangents) -> Node | None`` emits the tangent of the output; `tangents` has
        one entry per input, None where it is structurally zero. ``"zero"``: the derivative is
        zero wherever it exists. None: declared not differentiable.
    transpose : callable or None
        ``transpose(b, node, cotangent, linear) -> list`` for operations linear in the inputs
        marked in `linear`: one cotangent (or None) per input.
    masked_jvp, masked_transpose : callable or None
        Like `jvp` and `transpose`, for operations that hand the masks of linear values on themselves
        (see `diffsci.transforms.masks`): ``masked_jvp(b, node, tangents, masks)``, and
        ``masked_transpose(b, node, cotangent, linear, masks)``, where several outputs have None for
        an absent cotangent. They stand in for the plain rules.
    batch : callable
        ``batch(b, node, inputs, batched, size) -> Node``: the operation over a new leading axis
        of the inputs marked in `batched`; the output is batched.
    taylor : callable or None
        ``taylor(b, node, series, k) -> Node | None``: coefficient k > 0 of the output as a power
        series, `series(x, j)` being coefficient j of an operand or of the node itself. None: the
        rule of its family, or what follows from `jvp` (see `diffsci.transforms.taylor`).
    pattern : callable or None
        ``pattern(node, known) -> list``: one pair of flat index arrays (of the output, of the
        input) per input, None where nothing depends on it, covering the dependence of output
        elements on input elements for every value; a list of such lists, one per output, for
        several outputs. `known(x)` is the value of an operand that depends on no input of the
        program, or None. None: the rule of its family (see `diffsci.primitives.dependence`).
    family : str
        ``leaf``, ``elementwise``, ``structural``, ``indexing``, ``reduction``, ``contraction``,
        ``linalg``, ``call`` or ``host``.
    """

    name: str
    type: Callable[..., Any]
    value: Callable[..., Any] | None
    family: str
    jvp: Callable[..., Any] | str | None = None
    transpose: Callable[..., Any] | None = None
    masked_jvp: Callable[..., Any] | None = None
    masked_transpose: Callable[..., Any] | None = None
    batch: Callable[..., Any] | None = None
    taylor: Callable[..., Any] | None = None
    pattern: Callable[..., Any] | None = None

    def keeps_structure(self, inputs: Sequence[Any]) -> bool:
        """Tell whether the zeros of a folded constant are structural: pads make such, moves keep them."""
        if self.name == "pad":
            return True
        return self.family == "structural" and all(x.is_structural for x in inputs)

    def folds(self, inputs: Sequence[Any]) -> bool:
        """Tell whether constants may be combined: a product with nothing is nothing, not 0 * inf."""
        return self.name not in ("mul", "div") or not any(x.is_structural for x in inputs)

    def __repr__(self) -> str:
        return f"Primitive({self.name!r})"


_TABLE: dict[str, Primitive] = {}


def register(primitive: Primitive) -> Primitive:
    """Enter a primitive into the table; a name is given once."""
    if primitive.name in _TABLE:
        raise ValueError(f"primitive {primitive.name!r} is registered twice")
    _TABLE[primitive.name] = primitive
    return primitive


def lookup(name: str) -> Primitive:
    """Return the primitive of that name."""
    return _TABLE[name]


def registered() -> dict[str, Primitive]:
    """Return the table: name -> primitive."""
    return dict(_TABLE)
