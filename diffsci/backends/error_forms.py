"""Native forms of the error functions: the formulas of `error_values` and `gaussian` on statements."""

from __future__ import annotations

import functools
from collections.abc import Callable

from diffsci.primitives.special import error_values
from diffsci.primitives.special.gaussian import gaussian
from diffsci.primitives.special.terms import Term, f

__all__ = ["ERROR_FORMS"]

_FORMULAS = ("erfcx", "ndtr", "log_ndtr", "inverse_mills")


def _erfcx_derivative(x: Term, order: int) -> Term:
    if order > 2:
        return f.erfcx_derivative(x, order=order)  # which is called in Python
    return error_values.erfcx_derivative(f, x, order)


ERROR_FORMS: dict[str, Callable[..., Term]] = {
    "erfcx_derivative": _erfcx_derivative,
    "gaussian": lambda x, rate, order: gaussian(f, x, rate, order),
    **{name: functools.partial(getattr(error_values, name), f) for name in _FORMULAS},
}
