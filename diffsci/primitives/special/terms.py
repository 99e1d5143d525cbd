"""Rows of a table of special functions: a name, its value, and one derivative per argument.

Derivatives are formulas in other functions of the table, so derivatives of every order exist::

    row("erf", special.erf, lambda x, y: TWO_OVER_ROOT_PI * f.exp(-x * x))

A derivative gets the arguments and the result ``y`` as `Term`s. Arguments that are data, like the order
of a Bessel function, are marked by `Data`: asking for a derivative in one of them is an error.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import Builder, Node, Primitive, Type, register
from diffsci.primitives.shared import INT, add_tangents, batch_elementwise, same_types
from diffsci.source import at

__all__ = ["REAL_ONLY", "Data", "Term", "f", "row", "series"]

# Functions whose value on complex numbers keeps even the tiniest imaginary part; SciPy's complex versions
# of many others take real numbers only, or lose it.
COMPLEX = frozenset(
    """
    erf erfi fresnel_s fresnel_c kv kve exp1
    spence wrightomega elliprc xlogy xlog1py logaddexp2 eval_legendre eval_chebyt eval_chebyu
    eval_laguerre eval_gegenbauer eval_genlaguerre eval_jacobi
    """.split()
)
REAL_ONLY: set[str] = set()  # the others, filled by `row`


class Term:
    """A node that is written down with operators; numbers take its type."""

    __slots__ = ("b", "node")

    def __init__(self, b: Builder, node: Node):
        self.b, self.node = b, node

    def _operand(self, x: Term | float) -> Node:
        return x.node if isinstance(x, Term) else self.b.full(self.node.type, x)

    def apply(self, name: str, *operands: Term | float, **params: Any) -> Term:
        """Return the operation of that name on these operands."""
        return Term(self.b, self.b.emit(name, *map(self._operand, operands), **params))

    def __neg__(self):
        return self.apply("neg", self)

    def __add__(self, other):
        return self.apply("add", self, other)

    def __radd__(self, other):
        return self.apply("add", other, self)

    def __sub__(self, other):
        return self.apply("sub", self, other)

    def __rsub__(self, other):
        return self.apply("sub", other, self)

    def __mul__(self, other):
        return self.apply("mul", self, other)

    def __rmul__(self, other):
        return self.apply("mul", other, self)

    def __truediv__(self, other):
        return self.apply("div", self, other)

    def __rtruediv__(self, other):
        return self.apply("div", other, self)

    def __pow__(self, exponent: int):
        return self.apply("integer_pow", self, exponent=exponent)

    def __lt__(self, other):
        return self.apply("lt", self, other)

    def __gt__(self, other):
        return self.apply("gt", self, other)


class _Functions:
    """``f.sin(x)``: every primitive as a function of terms."""

    def __getattr__(self, name: str) -> Callable[..., Term]:
        def apply(*operands: Term | float, **params: Any) -> Term:
            return next(x for x in operands if isinstance(x, Term)).apply(name, *operands, **params)

        self.__dict__[name] = apply
        return apply

    @staticmethod
    def like(x: Term, value: float) -> Term:
        """Return a constant of the type of x."""
        return Term(x.b, x._operand(value))

    @staticmethod
    def defined(value: Term, slope: Term) -> Term:
        """Return a slope where the function has a value, and NaN where it has none."""
        return _Functions.where(Term(value.b, value.b.isnan(value.node)), math.nan, slope)

    @staticmethod
    def where(condition: Term, x: Term | float, y: Term | float) -> Term:
        """Return x where the condition holds, y elsewhere; the other side never enters a derivative."""
        values = next(term for term in (x, y) if isinstance(term, Term))
        nodes = (values._operand(x), values._operand(y))
        return Term(values.b, values.b.select(condition.node, *nodes))


f = _Functions()


def series(x: Term, coefficients: Sequence[float]) -> Term:
    """Return a polynomial by Horner's rule, lowest coefficient first."""
    total = f.like(x, coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        total = total * x + coefficient
    return total


@dataclass(frozen=True)
class Data:
    """Stands for the derivative in an argument that is data, with what the argument is called."""

    name: str


Slope = Callable[..., Term] | Data | None


def row(name: str, value: Callable, *slopes: Slope, continued: Callable | None = None, params=()) -> None:
    """Register an elementwise function.

    Parameters
    ----------
    name : str
    value : callable
        On float arrays of one shape; the result is converted to their dtype.
    *slopes : callable, Data or None
        One per argument: ``slope(*arguments, y, **params) -> Term``; None where it is zero.
    continued : callable, optional
        The value on complex numbers, where it is not `value` (see `COMPLEX`).
    params : sequence of str
        Names of static parameters.
    """
    data = tuple(isinstance(slope, Data) for slope in slopes)
    first = data.index(False)

    def type_(*operands: Type, **given: Any) -> Type:
        if len(operands) != len(slopes) or set(given) != set(params):
            raise TypeError(f"{name} takes {len(slopes)} arguments and parameters {params}")
        common = same_types(*(x for x, is_data in zip(operands, data, strict=True) if not is_data))
        if not common.is_float:
            raise TypeError(f"expected floats, got {common}")
        for x in operands:  # orders and the like may be integers
            if x != common and x != Type(common.shape, INT):
                raise TypeError(f"operands differ: {common} and {x}")
        return common

    if continued is None and name not in COMPLEX:
        REAL_ONLY.add(name)

    def evaluate(*operands: np.ndarray, **given: Any) -> np.ndarray:
        if any(np.iscomplexobj(x) for x in operands):
            if name in REAL_ONLY:
                raise TypeError(f"{name} takes real numbers only")
            seen = [np.real(x) if is_data else x for x, is_data in zip(operands, data, strict=True)]
            return (continued or value)(*seen, **given)
        return np.asarray(value(*operands, **given)).astype(operands[first].dtype, copy=False)

    evaluate.__wrapped__ = value
    register(
        Primitive(
            name=name,
            type=type_,
            value=evaluate,
            family="elementwise",
            jvp=_tangent_rule(name, slopes) if any(slopes) else "zero",
            batch=batch_elementwise,
        )
    )


def _tangent_rule(name: str, slopes: tuple[Slope, ...]) -> Callable:
    def jvp(b: Builder, node: Node, tangents: list[Node | None]) -> Node | None:
        inputs = [x if x.type.is_float else b.convert(x, dtype=node.dtype) for x in node.inputs]
        arguments = [Term(b, x) for x in (*inputs, node)]
        moved = []
        for slope, tangent in zip(slopes, tangents, strict=True):
            if tangent is None or slope is None:
                continue
            if isinstance(slope, Data):
                raise UnsupportedError(
                    f"the derivative of {name} in {slope.name} is not known{at(node.location)}: "
                    f"keep {slope.name} constant, or pass it through diffsci.stop_gradient"
                )
            moved.append(b.mul(slope(*arguments, **node.params).node, tangent))
        return add_tangents(b, *moved)

    return jvp
