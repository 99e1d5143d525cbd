"""Functions with rules of their own, right at the extremes; NumPy's and SciPy's spellings reach them, too.

Each family of functions is a module of this package, imported when one of its functions is first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

# Where the functions live, family by family: module -> names.
FAMILIES = {
    "diffsci.stable.logsums": "logsumexp softmax log_softmax logaddexp logsubexp",
    "diffsci.stable.logistic": "sigmoid log_sigmoid logit softplus logcosh log1mexp",
    "diffsci.stable.small_differences": "expm1 log1p log1pmx cosm1 sqrt1pm1 xlogy xlog1py",
    "diffsci.stable.exponentials": "exprel phi2 bernoulli",
    "diffsci.stable.cardinal": "sinc sinc_unnormalized",
    "diffsci.stable.polynomials": "polyval quadratic_roots",
    "diffsci.stable.lengths": "hypot norm variance std sum",
    "diffsci.stable.orthogonal": "qr lstsq",
    "diffsci.stable.errorfunctions": "erfc erfcx ndtr log_ndtr",
    "diffsci.stable.gammafunctions": "gammaln digamma betaln",
}
_HOME = {name: module for module, names in FAMILIES.items() for name in names.split()}

__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = function
    return function


def __dir__() -> list[str]:
    return __all__
