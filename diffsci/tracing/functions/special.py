"""Functions of scipy.special on traced values.

A ufunc whose primitive has its name needs no more than its name here. `SPECIAL` holds what is a Python
function in SciPy; `UFUNCS` is shared with NumPy.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.array import make_complex
from diffsci.tracing.functions.logsums import log_softmax, logsumexp, softmax
from diffsci.tracing.protocols import UFUNCS
from diffsci.tracing.trace import bind

SINGLE = np.dtype(np.float32)

__all__ = ["SPECIAL"]


def _float(name: str):
    return lambda *operands: ops.float_elementwise(name, *operands)


def _ufunc(name: str, *primitives: str):
    """SciPy's ufunc of that name: one primitive, or one for each of its outputs."""

    def apply(*operands):
        operands = tuple(map(ops.as_operand, operands))
        dtype = ops.float_dtype(*operands)
        if dtype == SINGLE:
            dtype = _precision(name, operands)
        found = tuple(
            ops.elementwise(primitive, *operands, dtype=dtype) for primitive in primitives or (name,)
        )
        return found if primitives else found[0]

    return apply


def _precision(name: str, operands: tuple) -> np.dtype:
    """SciPy does not take every ufunc to single precision where a Python integer stands beside it."""
    from scipy import special  # only programs in single precision need it here

    ufunc = getattr(special, name)
    kinds = [_kind(x) for x in operands]
    return ufunc.resolve_dtypes((*kinds, *[None] * ufunc.nout))[-1]


def _kind(x: Any) -> Any:
    """The dtype of an array; the type of a number that is weak in promotion."""
    if ops.is_python_scalar(x):
        return type(x)
    return type(x.weak_scalar()) if isinstance(x, TracedArray) and x.weak else x.dtype


def _whole_order(name: str, primitive: str):
    """SciPy cuts orders that are no whole numbers."""
    return lambda n, x: _ufunc(name, primitive)(ops.unary("trunc", _floats(n)), x)[0]


def _complex_result(real: Any, imaginary: Any):
    return lambda *operands: make_complex(real(*operands), imaginary(*operands))


def _carlson(powers: tuple[int, int, int], *operands: Any) -> Any:
    """One of Carlson's integrals; the powers tell which (see `diffsci.primitives.special.elliptic`)."""
    dtype = ops.float_dtype(*operands)
    shape = np.broadcast_shapes(*map(ops.shape_of, operands))
    return bind("carlson", *(ops.broadcast_to(ops.convert(x, dtype), shape) for x in operands), powers=powers)


def _floats(x: Any) -> Any:
    x = ops.traced(x)
    return x if x.dtype.kind in "fc" else ops.convert(x, float)


def _array(x: Any) -> Any:
    """Python numbers become arrays, which count in promotion."""
    return np.asarray(x) if ops.is_python_scalar(x) else x


def zeta(x, q=None, out=None):
    """The Riemann or the Hurwitz zeta function."""
    return _float("riemann_zeta")(x) if q is None else _float("zeta")(x, q)


def lambertw(z, k=0, tol=1e-8):
    """The real branches of Lambert's W function, as complex numbers; NaN where W is not real."""
    value = ops.float_elementwise("lambertw", k, z)
    return make_complex(value, 0.0)


def _spherical(name: str):
    def apply(n, z, derivative=False):
        if not derivative:
            return ops.float_elementwise(name, n, z)
        below = ops.float_elementwise(name, ops.arithmetic("maximum", n, 1) - 1, z)
        above = ops.float_elementwise(name, ops.traced(n) + 1, z)
        lower, upper = SPHERICAL[name]
        n = ops.traced(n)
        return (lower * n * below + upper * (n + 1) * above) / (2 * n + 1)

    return apply


# (2n+1) f_n' = lower n f_(n-1) + upper (n+1) f_(n+1), DLMF 10.51.2 and 10.51.5.
SPHERICAL = {
    "spherical_jn": (1, -1),
    "spherical_yn": (1, -1),
    "spherical_in": (1, 1),
    "spherical_kn": (-1, -1),
}


def _bessel_derivative(name: str, sign: int, outer: int = 1):
    """The n-th derivative as a sum over orders v - n, v - n + 2, ..., v + n (DLMF 10.6.7, 10.29.5)."""

    def apply(v, z, n=1):
        if type(n) is not int or n < 0:
            raise ValueError(f"n must be a non-negative integer, got {n!r}")
        v, total = _array(v), 0.0
        for j in range(n + 1):
            weight = math.comb(n, j) * sign**j * outer**n / 2.0**n
            total = total + weight * ops.float_elementwise(name, v + (2 * j - n), z)
        return total

    return apply


def comb(N, k, *, exact=False, repetition=False):
    """Combinations of real arguments, zero outside 0 <= k <= N."""
    _no_exact("comb", exact)
    N, k = _array(N), _array(k)
    if repetition:
        value = ops.float_elementwise("binom", N + k - 1, k)
        empty = ops.logical("logical_and", ops.compare("eq", k, 0), ops.compare("ge", N, 0))
        return ops.where(empty, 1.0, value)
    return ops.where(_is_choice(N, k), ops.float_elementwise("binom", N, k), 0.0)


def perm(N, k, exact=False):
    """Permutations of real arguments, zero outside 0 <= k <= N."""
    _no_exact("perm", exact)
    N, k = _array(N), _array(k)
    return ops.where(_is_choice(N, k), ops.float_elementwise("poch", N - k + 1, k), 0.0)


def _is_choice(N, k):
    positive = ops.logical("logical_and", ops.compare("ge", N, 0), ops.compare("ge", k, 0))
    return ops.logical("logical_and", ops.compare("le", k, N), positive)


def _no_exact(name: str, exact: bool) -> None:
    if exact:
        raise ops.unsupported(f"scipy.special.{name} with exact=True", "leave the option out")


def factorial(n, exact=False, extend="zero"):
    """gamma(n + 1), zero for negative n."""
    _no_exact("factorial", exact)
    value = ops.float_elementwise("gamma", ops.convert(n, float) + 1)
    return value if extend == "complex" else ops.where(ops.compare("lt", n, 0), 0.0, value)


def multigammaln(a, d):
    """The logarithm of the multivariate gamma function of a fixed dimension."""
    a, total = ops.convert(a, float), d * (d - 1) * 0.25 * math.log(math.pi)
    for j in range(d):
        total = total + ops.float_elementwise("gammaln", a - j / 2)
    return total


def _huber(delta, r):
    """The square near 0, then the line that continues it; infinite for delta < 0."""
    size = ops.float_elementwise("abs", r)
    line = delta * (size - 0.5 * delta)
    value = ops.where(ops.compare("le", size, delta), 0.5 * (ops.traced(r) * r), line)
    return ops.where(ops.compare("lt", delta, 0), np.inf, value)


# Ufuncs whose primitive has the same name.
SAME = """
    gamma gammaln gammasgn rgamma psi poch beta betaln binom gammainc gammaincc gammaincinv gammainccinv
    betainc betaincc betaincinv betainccinv stdtr stdtrit
    erf erfc erfcx erfi erfinv erfcinv dawsn ndtr log_ndtr ndtri ndtri_exp owens_t
    jv yv iv kv ive kve j0 j1 y0 y1 i0 i0e i1 i1e k0 k0e k1 k1e struve modstruve
    ellipkm1 ellipe ellipkinc ellipeinc elliprc exp1 expi expn exprel spence zetac
    logit log_expit exp10 cosm1 xlogy xlog1py entr rel_entr kl_div pseudo_huber boxcox boxcox1p inv_boxcox
    inv_boxcox1p wrightomega sindg cosdg tandg cotdg
    eval_jacobi eval_gegenbauer eval_legendre eval_chebyt eval_chebyu eval_genlaguerre eval_laguerre
    eval_hermite eval_hermitenorm hyp0f1 hyp1f1 hyp2f1 hyperu
""".split()

UFUNCS.update({name: _ufunc(name) for name in SAME})
UFUNCS.update(
    {
        "expit": _float("sigmoid"),
        "loggamma": _float("gammaln"),
        "logaddexp2": _float("logaddexp2"),
        "yn": _whole_order("yn", "yv"),
        "kn": _whole_order("kn", "kv"),
        "hankel1": _complex_result(_float("jv"), _float("yv")),
        "hankel2": _complex_result(_float("jv"), lambda v, x: -_float("yv")(v, x)),
        "ellipk": lambda m: ops.float_elementwise("ellipkm1", 1 - ops.traced(m)),
        "elliprf": lambda x, y, z: _carlson((0, 0, 0), x, y, z),
        "elliprd": lambda x, y, z: 3.0 * _carlson((0, 0, 1), x, y, z),
        "fresnel": _ufunc("fresnel", "fresnel_s", "fresnel_c"),
        "airy": _ufunc("airy", "airy_ai", "airy_aip", "airy_bi", "airy_bip"),
        "ellipj": _ufunc("ellipj", "ellipj_sn", "ellipj_cn", "ellipj_dn", "ellipj_ph"),
        "sici": _ufunc("sici", "sine_integral", "cosine_integral"),
        "shichi": _ufunc("shichi", "sinh_integral", "cosh_integral"),
        "chdtr": lambda v, x: ops.float_elementwise("gammainc", v / 2, x / 2),
        "chdtrc": lambda v, x: ops.float_elementwise("gammaincc", v / 2, x / 2),
        "gdtr": lambda a, b, x: ops.float_elementwise("gammainc", b, a * x),
        "gdtrc": lambda a, b, x: ops.float_elementwise("gammaincc", b, a * x),
        "_riemann_zeta": _float("riemann_zeta"),
        "_zeta": _float("zeta"),
        "huber": _huber,
        "round": lambda x: ops.float_elementwise("rint", x),
    }
)

SPECIAL = {
    "logsumexp": logsumexp,
    "softmax": softmax,
    "log_softmax": log_softmax,
    "softplus": _float("softplus"),
    "polygamma": _float("polygamma"),
    "zeta": zeta,
    "lambertw": lambertw,
    **{name: _spherical(name) for name in SPHERICAL},
    "jvp": _bessel_derivative("jv", -1),
    "yvp": _bessel_derivative("yv", -1),
    "ivp": _bessel_derivative("iv", 1),
    "kvp": _bessel_derivative("kv", 1, -1),
    "comb": comb,
    "perm": perm,
    "factorial": factorial,
    "multigammaln": multigammaln,
}
