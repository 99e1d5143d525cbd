"""Native forms of log|Gamma| and the digamma function: our formulas, where these have their digits."""

from __future__ import annotations

from collections.abc import Callable

from diffsci.backends.again import computed_again
from diffsci.primitives.special.terms import Term, f

__all__ = ["GAMMA_FORMS"]

# Smaller results of negative arguments may have lost more than four units in the last place.
LOG_GAMMA_LEAST, DIGAMMA_LEAST = 0.25, 0.5


def _gammaln(x: Term) -> Term:
    value = f.rough_gammaln(x)
    return computed_again("gammaln", (x,), value, f.logical_and(x < -2.0, f.abs(value) < LOG_GAMMA_LEAST))


def _psi(x: Term) -> Term:
    value = f.rough_psi(x)
    return computed_again("psi", (x,), value, f.logical_and(x < 0.0, f.abs(value) < DIGAMMA_LEAST))


GAMMA_FORMS: dict[str, Callable[..., Term]] = {"gammaln": _gammaln, "psi": _psi}
