"""Native forms of log|Gamma| and the digamma function: SciPy's functions where they are right."""

from __future__ import annotations

from collections.abc import Callable

from diffsci.backends.again import computed_again
from diffsci.primitives.special.gamma_values import SERIES, cancels, log_gamma_by_series
from diffsci.primitives.special.terms import Term, f

__all__ = ["GAMMA_FORMS"]

SUBNORMAL = 1e-300


def _gammaln(x: Term) -> Term:
    usable = f.where(f.abs(x) < SUBNORMAL, SUBNORMAL, x)
    value = f.where(f.abs(x) < SUBNORMAL, -f.log(f.abs(x)), f.gammaln_of_scipy(usable))
    near = f.logical_and(x > SERIES[0], x < SERIES[1])
    value = f.where(near, log_gamma_by_series(f, x), value)
    return computed_again("gammaln", (x,), value, cancels(f, x, value))


def _psi(x: Term) -> Term:
    return computed_again("psi", (x,), f.psi_of_scipy(x), x < 0.0)


GAMMA_FORMS: dict[str, Callable[..., Term]] = {"gammaln": _gammaln, "psi": _psi}
