"""Native forms of the error functions: the formulas of `error_values` and `gaussian` on statements."""

from __future__ import annotations

import functools
from collections.abc import Callable

from diffsci.primitives.special import error_values
from diffsci.primitives.special.gaussian import gaussian
from diffsci.primitives.special.terms import Term, f

__all__ = ["ERROR_FORMS"]

_FORMULAS = ("erfc", "erfcx", "ndtr", "log_ndtr", "inverse_mills")

ERROR_FORMS: dict[str, Callable[..., Term]] = {
    "gaussian": lambda x, rate, order: gaussian(f, x, rate, order),
    **{name: functools.partial(getattr(error_values, name), f) for name in _FORMULAS},
}
