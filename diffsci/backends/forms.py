"""Native forms of operations, in others that have one, family by family.

A form gets the operands as `Term`s of double precision and the parameters of the operation.
"""

from __future__ import annotations

from collections.abc import Callable

from diffsci.backends.cardinal_forms import CARDINAL_FORMS
from diffsci.backends.error_forms import ERROR_FORMS
from diffsci.backends.gamma_forms import GAMMA_FORMS
from diffsci.backends.logistic_forms import LOGISTIC_FORMS
from diffsci.backends.logsum_forms import LOGSUM_FORMS
from diffsci.backends.polynomial_forms import POLYNOMIAL_FORMS
from diffsci.primitives.special.formulas import FORMULAS
from diffsci.primitives.special.terms import Term

__all__ = ["FORMS"]

FORMS: dict[str, Callable[..., Term]] = {
    **ERROR_FORMS,
    **GAMMA_FORMS,
    **POLYNOMIAL_FORMS,
    **CARDINAL_FORMS,
    **FORMULAS,
    **LOGISTIC_FORMS,
    **LOGSUM_FORMS,
}
