"""Native forms of the derivatives of cardinal sines, called back where they would lose digits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from diffsci.backends.again import computed_again
from diffsci.primitives.special.cardinal import DERIVATIVES
from diffsci.primitives.special.terms import Term, f

__all__ = ["CARDINAL_FORMS"]


def _form(name: str, formula: Callable[..., Term], x: Term, order: int) -> Term:
    value = formula(x, order=order)
    hard = f.logical_and(f.isnan(value), f.logical_not(f.isnan(x)))
    return computed_again(name, (x,), value, hard, order=order)


CARDINAL_FORMS: dict[str, Callable[..., Term]] = {
    name: partial(_form, name, formula) for name, formula in DERIVATIVES.items()
}
