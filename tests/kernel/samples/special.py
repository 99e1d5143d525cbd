"""Special functions: each where it is smooth; orders, degrees and parameters are whole numbers here."""

import numpy as np

from tests.kernel.samples.make import RNG, uniform

ORDERS = np.array([0, 1, 2])


def plus(n, low=0.2, high=0.9):
    """`n` arrays of positive numbers."""
    return [uniform(3, low=low, high=high) for _ in range(n)]


POSITIVE = (
    "gammaln gamma rgamma psi erf erfc erfcx erfi erfinv erfcinv dawsn fresnel_s fresnel_c ndtr log_ndtr "
    "inverse_mills ndtri j0 j1 y0 y1 i0 i1 k0 k1 i0e i1e k0e k1e airy_ai airy_aip airy_bi airy_bip ellipkm1 "
    "ellipe exp1 expi sine_integral cosine_integral sinh_integral cosh_integral "
    "spence logit log_expit exp10 entr wrightomega sindg cosdg tandg cotdg"
).split()
PAIRS = (
    "poch beta betaln beta_density gamma_density owens_t ellipkinc ellipeinc ellipj_sn ellipj_cn ellipj_dn "
    "ellipj_ph elliprc xlogy xlog1py rel_entr kl_div pseudo_huber boxcox boxcox1p inv_boxcox inv_boxcox1p "
    "logaddexp2 difference"
).split()
BY_ORDER = (
    "polygamma jv yv iv kv ive kve spherical_jn spherical_yn spherical_in spherical_kn struve modstruve expn "
    "eval_legendre eval_chebyt eval_chebyu eval_laguerre eval_hermite eval_hermitenorm"
).split()
PARAMETER = np.array([2, 3, 1])

SAMPLES = [
    *[(name, plus(1), {}) for name in POSITIVE],
    *[(name, plus(3 if name == "beta_density" else 2), {}) for name in PAIRS],
    *[(name, [ORDERS, *plus(1)], {}) for name in BY_ORDER],
    ("ndtri_exp", [-uniform(3)], {}),
    ("binom", [uniform(3, low=3.0, high=5.0), uniform(3, low=1.0, high=2.0)], {}),
    ("zeta", [uniform(3, low=1.5, high=4.0), uniform(3)], {}),
    ("zeta_derivative", [uniform(3, low=1.5, high=4.0), uniform(3)], {"order": 2}),
    ("riemann_zeta", [np.array([2.5, 0.5, -2.3])], {}),
    ("zetac", [np.array([2.5, 0.5, -2.3])], {}),
    ("lambertw", [np.array([0, 0, -1]), np.array([0.5, -0.2, -0.2])], {}),
    *[(name, plus(2), {}) for name in ("gammainc", "gammaincc", "gammaincinv", "gammainccinv")],
    ("gammainc_in_a", plus(2), {"order": 1}),
    ("betainc_in_ab", plus(3), {"orders": (1, 1)}),
    *[(name, plus(3), {}) for name in ("betainc", "betaincc", "betaincinv", "betainccinv")],
    *[(name, plus(2), {}) for name in ("stdtr", "stdtrit", "student_density")],
    *[(name, plus(1), {"order": 2}) for name in ("erfcx_derivative", "dawsn_derivative")],
    ("log1p_ratio", plus(1), {"order": 1}),
    ("power_integral", plus(2), {"order": 1}),
    ("polygamma_difference", plus(2), {"order": 1}),
    *[(name, [ORDERS, *plus(1)], {"order": 2}) for name in ("ive_derivative", "kve_derivative")],
    ("carlson", plus(3), {"powers": (0, 0, 0)}),
    ("carlson", plus(3), {"powers": (0, 2, 1)}),
    ("eval_gegenbauer", [ORDERS, PARAMETER, *plus(1)], {}),
    ("eval_genlaguerre", [ORDERS, PARAMETER, *plus(1)], {}),
    ("eval_jacobi", [ORDERS, PARAMETER, PARAMETER, *plus(1)], {}),
    ("hyp0f1", [PARAMETER, *plus(1)], {}),
    ("hyp1f1", [ORDERS, PARAMETER, *plus(1)], {}),
    ("hyp2f1", [ORDERS, PARAMETER, PARAMETER + 1, *plus(1)], {}),
    ("hyperu", [ORDERS, PARAMETER, *plus(1)], {}),
]

FLAT = [("gammasgn", [RNG.normal(size=4)], {})]
