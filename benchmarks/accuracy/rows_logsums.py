"""Logistic functions, and logarithms of sums of exponentials and their shares."""

from __future__ import annotations

import mpmath as mp
import numpy as np

from benchmarks.accuracy.points import (
    around,
    between,
    each,
    everywhere,
    extremes,
    listed,
    magnitudes,
    mapped,
    mix,
)
from benchmarks.accuracy.row import Function

JUDGED = 1e-3  # second derivatives of softmax are judged where their terms do not cancel further than this


def _sigmoid(x):
    return 1 / (1 + mp.exp(-x)) if x > 0 else mp.exp(x) / (1 + mp.exp(x))


def _sigmoid_first(x):
    z = mp.exp(-abs(x))
    return z / (1 + z) ** 2


def _sigmoid_second(x):
    return -_sigmoid_first(x) * mp.tanh(x / 2)


def _softplus(x):
    return max(x, mp.mpf(0)) + mp.log1p(mp.exp(-abs(x)))


def _logit(p):
    if not 0 <= p <= 1:
        return mp.nan
    return -mp.inf if p == 0 else mp.inf if p == 1 else mp.log(p / (1 - p))


def _logit_first(p):
    return mp.inf if p in (0, 1) else 1 / (p * (1 - p)) if 0 < p < 1 else mp.nan


def _logit_second(p):
    if p in (0, 1):
        return mp.inf * (2 * p - 1)
    return (2 * p - 1) * _logit_first(p) ** 2


def _logcosh(x):
    if abs(x) < 1:
        return mp.log1p(2 * mp.sinh(x / 2) ** 2)
    return abs(x) + mp.log1p(mp.exp(-2 * abs(x))) - mp.log(2)


def _log1mexp(x):
    if x >= 0:
        return mp.nan if x > 0 else -mp.inf
    return mp.log(-mp.expm1(x)) if x > -1 else mp.log1p(-mp.exp(x))


def _log1mexp_first(x):
    if x >= 0:
        return mp.nan if x > 0 else -mp.inf
    return -1 / mp.expm1(-x)


def _log1mexp_second(x):
    slope = _log1mexp_first(x)
    return slope * (1 - slope)


def _logsumexp(*x):
    *others, top = sorted(x)
    if mp.isinf(top):
        return top
    if -2 < top < 0:  # the sum may be nearly one
        return mp.log1p(mp.expm1(top) + mp.fsum(map(mp.exp, others)))
    return top + mp.log1p(mp.fsum(mp.exp(v - top) for v in others))


def _share(index):
    """Not judged at infinity, where shares of infinite terms are a convention."""

    def share(*x):
        if any(mp.isinf(v) for v in x):
            return mp.nan
        return 1 / mp.fsum(mp.exp(v - x[index]) for v in x)

    return share


def _shares(*x):
    return [_share(k)(*x) for k in range(len(x))]


def _slope(s, i, j):
    """delta_ij - s_j, where 1 - s_i is the sum of the others."""
    return mp.fsum(s[k] for k in range(len(s)) if k != i) if i == j else -s[j]


def _product(i, j):
    """The derivative s_i (delta_ij - s_j) of a share."""

    def product(*x):
        s = _shares(*x)
        return s[i] * _slope(s, i, j)

    return product


def _share_second(j, k):
    """The second derivatives of the first share, s_0 ((d_0j - s_j)(d_0k - s_k) - s_j (d_jk - s_k))."""

    def second(*x):
        s = _shares(*x)
        first, rest = _slope(s, 0, j) * _slope(s, 0, k), s[j] * _slope(s, j, k)
        judged = abs(first - rest) > JUDGED * max(abs(first), abs(rest))
        return s[0] * (first - rest) if judged else mp.nan

    return second


def _log_share(*x):
    *others, top = sorted(x)
    return (x[0] - top) - mp.log1p(mp.fsum(mp.exp(v - top) for v in others))


def _log_share_first(j):
    def first(*x):
        return mp.fsum(_share(k)(*x) for k in (1, 2)) if j == 0 else -_share(j)(*x)

    return first


def _negative(function):
    return lambda *x: -function(*x)


PAIRS = [(i, j) for i in range(3) for j in range(i, 3)]
SUM = {
    "value": _logsumexp,
    "first": tuple(map(_share, range(3))),
    "second": tuple(_product(i, j) for i, j in PAIRS),
}


def _logsubexp(x, y):
    if x < y or x == y == mp.inf:
        return mp.nan
    if x in (y, mp.inf) or y == -mp.inf:
        return -mp.inf if x == y else x
    result = x + _log1mexp(y - x)
    return mp.log1p(mp.expm1(x) - mp.exp(y)) if x > 0 and abs(result) < x / 2 else result


def _subtracted(function):
    """A function of y - x, not judged where that has no meaning."""
    return lambda x, y: mp.nan if x < y or mp.isinf(x) or (x == y) else function(y - x)


ANYWHERE = (everywhere(), between(-40.0, 40.0), between(-4.0, 4.0), around(0.0), extremes())
NEAR_ONE = mapped(magnitudes(1e-16, 36.0, sign=-1), lambda x: (x, np.log(-np.expm1(x))))
HALVES = mapped(magnitudes(1e-18, 1.0), lambda d: (-np.log(2) + d, -np.log(2) - d / 3))
TWO = (
    each(between(-40.0, 40.0), between(-40.0, 40.0)),
    each(between(-2.0, 2.0), between(-2.0, 2.0)),
    each(everywhere(), everywhere()),
    mapped(each(between(-700.0, 700.0), magnitudes(1e-18, 1e3)), lambda x, d: (x, x + d)),
    NEAR_ONE,
    HALVES,
    mapped(magnitudes(1e-300, 1.0), lambda x: (x, np.log(np.abs(x)) - np.sin(1e9 * x))),
    each(extremes(), extremes()),
)
THREE = (
    each(*[between(-40.0, 40.0)] * 3),
    each(*[between(-2.0, 2.0)] * 3),
    mapped(each(between(-700.0, 700.0), *[magnitudes(1e-18, 700.0)] * 2), lambda x, d, e: (x, x + d, x - e)),
    mapped(
        each(magnitudes(1e-16, 30.0, sign=-1), between(0.0, 1.0)),
        lambda x, t: (x, np.log(-np.expm1(x)) + np.log(t), np.log(-np.expm1(x)) + np.log1p(-t)),
    ),
    mapped(each(between(-5.0, 5.0), listed(-np.inf), between(-5.0, 5.0)), lambda *x: x),
)

ROWS = [
    Function(
        name="sigmoid",
        arguments="x",
        ours="ds.stable.sigmoid(x)",
        value=_sigmoid,
        first=(_sigmoid_first,),
        second=(_sigmoid_second,),
        points=mix(*ANYWHERE, between(-746.0, -700.0)),
        jax="jax.nn.sigmoid(x)",
        torch="torch.sigmoid(x)",
        autograd="aspecial.expit(x)",
    ),
    Function(
        name="softplus",
        arguments="x",
        ours="ds.stable.softplus(x)",
        value=_softplus,
        first=(_sigmoid,),
        second=(_sigmoid_first,),
        points=mix(*ANYWHERE, between(-746.0, -700.0)),
        jax="jax.nn.softplus(x)",
        torch="torch.nn.functional.softplus(x)",
        autograd="anp.logaddexp(x, 0.0)",
    ),
    Function(
        name="log_sigmoid",
        arguments="x",
        ours="ds.stable.log_sigmoid(x)",
        value=lambda x: -_softplus(-x),
        first=(lambda x: _sigmoid(-x),),
        second=(_negative(_sigmoid_first),),
        points=mix(*ANYWHERE, between(700.0, 746.0)),
        jax="jax.nn.log_sigmoid(x)",
        torch="torch.nn.functional.logsigmoid(x)",
        autograd="-anp.logaddexp(-x, 0.0)",
    ),
    Function(
        name="logit",
        arguments="p",
        ours="ds.stable.logit(p)",
        value=_logit,
        first=(_logit_first,),
        second=(_logit_second,),
        points=mix(
            magnitudes(5e-324, 1.0, sign=1),
            between(0.0, 1.0),
            around(0.5),
            around(1.0, sign=-1),
            around(0.3),
            around(0.65),
            listed(0.0, 0.5, 1.0, -1.0, 2.0),
        ),
        jax="jax.scipy.special.logit(p)",
        torch="torch.logit(p)",
        autograd="aspecial.logit(p)",
    ),
    Function(
        name="logcosh",
        arguments="x",
        ours="ds.stable.logcosh(x)",
        value=_logcosh,
        first=(mp.tanh,),
        second=(lambda x: mp.sech(x) ** 2,),
        points=mix(*ANYWHERE, around(1.0), around(-1.0)),
        jax="jnp.logaddexp(x, -x) - jnp.log(2.0)",
        torch="torch.logaddexp(x, -x) - 0.6931471805599453",
        autograd="anp.logaddexp(x, -x) - anp.log(2.0)",
    ),
    Function(
        name="log1mexp",
        arguments="x",
        ours="ds.stable.log1mexp(x)",
        value=_log1mexp,
        first=(_log1mexp_first,),
        second=(_log1mexp_second,),
        points=mix(
            everywhere(sign=-1),
            between(-40.0, 0.0),
            between(-746.0, -700.0),
            between(-2.0, 0.0),
            around(-float(np.log(2.0))),
            extremes(sign=-1),
            listed(0.5),
        ),
        jax="jax.nn.log1mexp(-x)",
        torch="torch.log1p(-torch.exp(x))",
        autograd="anp.log1p(-anp.exp(x))",
    ),
    Function(
        name="logaddexp",
        arguments="x y",
        ours="ds.stable.logaddexp(x, y)",
        value=_logsumexp,
        first=(_share(0), _share(1)),
        second=(_product(0, 0), _product(0, 1), _product(1, 1)),
        points=mix(*TWO),
        jax="jnp.logaddexp(x, y)",
        torch="torch.logaddexp(x, y)",
        autograd="anp.logaddexp(x, y)",
    ),
    Function(
        name="logsubexp",
        arguments="x y",
        ours="ds.stable.logsubexp(x, y)",
        value=_logsubexp,
        first=(_subtracted(lambda d: -1 / mp.expm1(d)), _subtracted(_log1mexp_first)),
        second=(
            _subtracted(_log1mexp_second),
            _subtracted(_negative(_log1mexp_second)),
            _subtracted(_log1mexp_second),
        ),
        points=mix(
            *(mapped(points, lambda x, y: (np.maximum(x, y), np.minimum(x, y))) for points in TWO),
            mapped(magnitudes(1e-16, 36.0, sign=1), lambda x: (x, np.log(np.expm1(x)))),
        ),
        jax="x + jnp.log(-jnp.expm1(y - x))",
        torch="x + torch.log(-torch.expm1(y - x))",
        autograd="x + anp.log(-anp.expm1(y - x))",
    ),
    Function(
        name="logsumexp",
        arguments="x y z",
        ours="ds.stable.logsumexp(np.stack([x, y, z], -1), axis=-1)",
        **SUM,
        points=mix(*THREE),
        jax="jax.nn.logsumexp(jnp.stack([x, y, z], -1), axis=-1)",
        torch="torch.logsumexp(torch.stack([x, y, z], -1), -1)",
        autograd="aspecial.logsumexp(anp.stack([x, y, z], -1), axis=-1)",
    ),
    Function(
        name="softmax",
        arguments="x y z",
        ours="ds.stable.softmax(np.stack([x, y, z], -1), axis=-1)[..., 0]",
        value=_share(0),
        first=tuple(_product(0, j) for j in range(3)),
        second=tuple(_share_second(j, k) for j, k in PAIRS),
        points=mix(*THREE[:3]),
        jax="jax.nn.softmax(jnp.stack([x, y, z], -1), axis=-1)[..., 0]",
        torch="torch.softmax(torch.stack([x, y, z], -1), -1)[..., 0]",
    ),
    Function(
        name="log_softmax",
        arguments="x y z",
        ours="ds.stable.log_softmax(np.stack([x, y, z], -1), axis=-1)[..., 0]",
        value=_log_share,
        first=tuple(_log_share_first(j) for j in range(3)),
        second=tuple(_negative(_product(i, j)) for i, j in PAIRS),
        points=mix(*THREE[:3]),
        jax="jax.nn.log_softmax(jnp.stack([x, y, z], -1), axis=-1)[..., 0]",
        torch="torch.log_softmax(torch.stack([x, y, z], -1), -1)[..., 0]",
    ),
]
