"""Special functions that plans know as statements: SciPy has a C function for each.

Primitives of the same name mean the same as in ``scipy.special``, on floats and without parameters.
"""

from __future__ import annotations

__all__ = ["COMPONENTS", "SPECIAL"]

_GAMMA = (
    "gammasgn rgamma poch beta binom gammainc gammaincc gammaincinv gammainccinv "
    "betainc betaincc betaincinv betainccinv stdtr stdtrit"
)
_ERROR = "erfi erfinv erfcinv dawsn ndtri ndtri_exp owens_t exp1 expi"
_BESSEL = "j0 j1 y0 y1 i0 i0e i1 i1e k0 k0e k1 k1e jv yv iv ive kv kve struve modstruve"
_ELLIPTIC = "ellipkm1 ellipe ellipkinc ellipeinc elliprc"
_HYPERGEOMETRIC = "hyp0f1 hyp1f1 hyp2f1 hyperu spence zetac wrightomega"
_LOGARITHMS = (
    "logit log_expit exp10 xlogy xlog1py entr rel_entr kl_div pseudo_huber boxcox boxcox1p inv_boxcox "
    "inv_boxcox1p sindg cosdg tandg cotdg"
)

# One result of a function that has several: the function, how many results, which.
COMPONENTS = {
    name: (function, len(names.split()), which)
    for function, names in (
        ("airy", "airy_ai airy_aip airy_bi airy_bip"),
        ("ellipj", "ellipj_sn ellipj_cn ellipj_dn ellipj_ph"),
        ("fresnel", "fresnel_s fresnel_c"),
        ("sici", "sine_integral cosine_integral"),
        ("shichi", "sinh_integral cosh_integral"),
    )
    for which, name in enumerate(names.split())
}

_PLAIN = " ".join([_GAMMA, _ERROR, _BESSEL, _ELLIPTIC, _HYPERGEOMETRIC, _LOGARITHMS]).split()
SPECIAL = COMPONENTS.keys() | frozenset(_PLAIN)
