"""Special functions, judges and points: ordinary ones, and those where digits are easily lost."""

from __future__ import annotations

import mpmath as mp
import numpy as np
from scipy import special

from diffsci import stable
from tests.special.judges import (
    ROOT_TWO,
    amplitude,
    bessel_k,
    beta_integral,
    built_in,
    exact,
    gamma_integral,
    gamma_tail,
    log_normal_cdf,
    normal_cdf,
    owens_t,
    spherical,
    student,
)

DEGREE = mp.pi / 180
LOG_TWO = mp.log(2)

# name, function of one argument, judge, points
GAMMA = [
    ("gammaln", special.gammaln, exact(mp.loggamma), [1e-8, 0.9999999, 1.0, 1.5, 2.0, 2.0000001, 50.0, 1e8]),
    ("gamma", special.gamma, exact(mp.gamma), [1e-8, 1.5, -0.5, -3.7, 20.0, 170.0, -170.3, -170.7]),
    ("rgamma", special.rgamma, exact(mp.rgamma), [0.0, -1.0, -3.0, 1.5, -3.7, 20.0, 1e-9]),
    ("psi", special.psi, exact(mp.digamma), [1e-8, 1.5, -0.5, -3.7, 20.0, 1e8]),
    (
        "polygamma",
        lambda x: special.polygamma(2, x),
        exact(lambda x: mp.polygamma(2, x)),
        [1e-3, 1.5, 1e5, -0.5],
    ),
    *(
        (
            f"gammainc {a}",
            lambda x, a=a: special.gammainc(a, x),
            exact(lambda x, a=a: gamma_integral(a, x)),
            p,
        )
        for a, p in ((0.3, [1e-6, 0.5]), (2.0, [1e-6, 2.0]), (40.0, [5.0, 40.0]))
    ),
    ("gammaincc", lambda x: special.gammaincc(4.0, x), exact(lambda x: gamma_tail(4, x)), [0.5, 4.0, 12.0]),
    (
        "betainc",
        lambda x: special.betainc(2.5, 0.75, x),
        exact(lambda x: beta_integral(2.5, 0.75, x)),
        [1e-6, 0.5, 0.9],
    ),
]
ERRORS = [
    ("erf", special.erf, exact(mp.erf), [1e-9, 0.5, -3.0, 6.0]),
    ("erfc", special.erfc, exact(mp.erfc), [0.5, -3.0, 6.0, 20.0]),
    (
        "erfcx",
        special.erfcx,
        exact(lambda x: mp.exp(x * x) * mp.erfc(x)),
        [0.0, 0.3, -3.0, 2.0, 6.0, 1e3, 1e8],
    ),
    ("erfi", special.erfi, exact(mp.erfi), [0.0, 0.5, -3.0, 6.0]),
    ("erfinv", special.erfinv, exact(mp.erfinv), [1e-9, 0.5, -0.9, 0.999999]),
    ("erfcinv", special.erfcinv, exact(lambda x: mp.erfinv(1 - x)), [1e-9, 1e-30, 0.5, 1.5, 1.9]),
    (
        "dawsn",
        special.dawsn,
        exact(lambda x: mp.sqrt(mp.pi) / 2 * mp.exp(-x * x) * mp.erfi(x)),
        [1e-9, 0.5, -0.3, 0.93, 2.0, 6.0, 8.99, 9.01, 30.0],
    ),
    ("fresnel S", lambda x: special.fresnel(x)[0], exact(mp.fresnels), [1e-3, 0.5, 1.7, -3.1]),
    ("fresnel C", lambda x: special.fresnel(x)[1], exact(mp.fresnelc), [0.5, 1.7, -3.1]),
    ("ndtr", special.ndtr, exact(normal_cdf), [0.25, -1.0, 3.0, -10.0, -37.0, 8.0]),
    ("log_ndtr", special.log_ndtr, exact(log_normal_cdf), [0.0, -1.0, 3.0, -10.0, -40.0, -1e4, 8.0, 30.0]),
    ("ndtri", special.ndtri, exact(lambda p: -ROOT_TWO * mp.erfinv(1 - 2 * p)), [0.5, 0.1, 0.9, 1e-10]),
    (
        "ndtri_exp",
        special.ndtri_exp,
        exact(lambda y: -ROOT_TWO * mp.erfinv(1 - 2 * mp.exp(y))),
        [-0.5, -3.0, -1e-3],
    ),
]
WHERE = [1e-8, 0.3, 2.2, 5.1, 17.3, 50.0]
BESSEL = [
    *(
        (f"{name}{v}", getattr(special, f"{name}{v}"), built_in(getattr(mp, f"bessel{name}"), v), WHERE)
        for name in "jyi"
        for v in (0, 1)
    ),
    *((f"k{v}", getattr(special, f"k{v}"), bessel_k(v), [0.3, 2.2, 17.3]) for v in (0, 1)),
    *((f"k{v}e", getattr(special, f"k{v}e"), bessel_k(v, True), [0.3, 29.0, 31.0, 1e5]) for v in (0, 1)),
    *(
        (
            f"i{v}e",
            getattr(special, f"i{v}e"),
            exact(lambda x, v=v: mp.exp(-abs(x)) * mp.besseli(v, x)),
            [0.3, -2.0, 29.0, 31.0, 1e3, 1e5],
        )
        for v in (0, 1)
    ),
    *(
        (
            f"{name}v {v}",
            lambda x, v=v, name=name: getattr(special, name + "v")(v, x),
            judge(v),
            [0.3, 2.2, 17.3],
        )
        for name, judge in (
            ("j", lambda v: built_in(mp.besselj, v)),
            ("y", lambda v: exact(lambda x: mp.bessely(v, x))),
            ("i", lambda v: built_in(mp.besseli, v)),
            ("k", bessel_k),
        )
        for v in (2.5, 3)
    ),
    *(
        (
            f"{name} {v}",
            lambda x, v=v, name=name: getattr(special, name)(v, x),
            spherical(judge, v),
            [1e-3, 2.2, 17.3],
        )
        for name, judge in (
            ("spherical_jn", mp.besselj),
            ("spherical_yn", mp.bessely),
            ("spherical_in", mp.besseli),
            ("spherical_kn", mp.besselk),
        )
        for v in (0, 2)
    ),
    ("struve", lambda x: special.struve(1, x), exact(lambda x: mp.struveh(1, x)), [0.3, 2.2, 17.3]),
    ("modstruve", lambda x: special.modstruve(1.5, x), exact(lambda x: mp.struvel(1.5, x)), [0.3, 2.2]),
    *(
        (
            f"airy {k}",
            lambda x, k=k: special.airy(x)[k],
            exact(lambda x, f=f, d=k % 2: f(x, derivative=d)),
            [-5.3, 0.5, 4.0],
        )
        for k, f in enumerate((mp.airyai, mp.airyai, mp.airybi, mp.airybi))
    ),
]
ELLIPTIC = [
    ("ellipk", special.ellipk, exact(mp.ellipk), [0.0, 1e-9, 0.5, 0.999, 1 - 1e-12, -3.0, -1e6]),
    ("ellipkm1", special.ellipkm1, exact(lambda p: mp.ellipk(1 - p)), [1e-20, 0.5, 1.0, 2.0]),
    ("ellipe", special.ellipe, exact(mp.ellipe), [0.0, 1e-9, 0.5, 0.999, 1 - 1e-12, -3.0, -1e6]),
]
INTEGRALS = [
    ("exp1", special.exp1, exact(mp.e1), [1e-8, 0.5, 2.0, 50.0]),
    ("expi", special.expi, exact(mp.ei), [0.5, 2.0, 50.0, -1.0]),
    *(
        (
            f"expn {n}",
            lambda x, n=n: special.expn(n, x),
            exact(lambda x, n=n: mp.expint(n, x)),
            [1e-3, 0.5, 50.0],
        )
        for n in (0, 1, 2)
    ),
    ("si", lambda x: special.sici(x)[0], exact(mp.si), [1e-6, 0.5, -2.0, 50.0]),
    ("ci", lambda x: special.sici(x)[1], exact(mp.ci), [1e-6, 0.5, 50.0]),
    ("shi", lambda x: special.shichi(x)[0], exact(mp.shi), [1e-6, 0.5, -2.0, 50.0]),
    ("chi", lambda x: special.shichi(x)[1], exact(mp.chi), [1e-6, 0.5, 50.0]),
    (
        "exprel",
        special.exprel,
        exact(lambda x: mp.expm1(x) / x),
        [1e-12, 1e-5, 0.5, -0.5, 5.0, -5.0, 39.0, -39.0, 41.0, -41.0, 600.0],
    ),
    ("spence", special.spence, exact(lambda z: mp.polylog(2, 1 - z)), [1e-6, 0.3, 0.49, 0.51, 1.5]),
    ("zeta", special.zeta, exact(mp.zeta), [1.0001, 1.5, 0.5, 0.0, -0.49, -0.51, -3.3, 10.0, 40.0]),
    ("sinc", stable.sinc, exact(mp.sincpi), [1e-9, 1e-5, 0.0033, 0.31, 0.33, 1.0, 3.5]),
]
LOGARITHMS = [
    ("expit", special.expit, exact(lambda x: 1 / (1 + mp.exp(-x))), [-50.0, 50.0, 700.0, -700.0, 1.0]),
    (
        "softplus",
        lambda x: special.softplus(x),
        exact(lambda x: mp.log1p(mp.exp(x))),
        [0.0, -50.0, 50.0, 700.0],
    ),
    ("log_expit", special.log_expit, exact(lambda x: -mp.log1p(mp.exp(-x))), [0.0, -50.0, 50.0, -700.0]),
    ("logit", special.logit, exact(lambda x: mp.log(x / (1 - x))), [1e-20, 0.3, 1 - 1e-15]),
    ("entr", special.entr, exact(lambda x: -x * mp.log(x)), [1e-300, 0.3, 5.0]),
    ("exp10", special.exp10, exact(lambda x: mp.mpf(10) ** x), [0.3, -50.0, 300.0]),
    ("cosm1", special.cosm1, exact(lambda x: mp.cos(x) - 1), [1e-9, 0.3, 5.0]),
    ("lambertw", lambda x: special.lambertw(x).real, exact(mp.lambertw), [1e-9, 0.0, -0.36, 0.5, 1e5]),
    (
        "lambertw -1",
        lambda x: special.lambertw(x, -1).real,
        exact(lambda x: mp.lambertw(x, -1)),
        [-1e-9, -0.2],
    ),
    ("wrightomega", special.wrightomega, exact(lambda x: mp.lambertw(mp.exp(x))), [-3.0, 0.0, 5.0]),
    *(
        (f"{name}dg", getattr(special, f"{name}dg"), exact(lambda x, f=f: f(x * DEGREE)), [0.3, 100.0, -20.0])
        for name, f in (("sin", mp.sin), ("cos", mp.cos), ("tan", mp.tan), ("cot", mp.cot))
    ),
]
POLYNOMIALS = [
    *(
        (
            f"{name} {n}",
            lambda x, n=n, name=name: getattr(special, f"eval_{name}")(n, x),
            exact(lambda x, n=n, f=f: f(n, x)),
            [-1.0, -0.3, 0.7, 1.0],
        )
        for name, f in (
            ("legendre", mp.legendre),
            ("chebyt", mp.chebyt),
            ("chebyu", mp.chebyu),
            ("hermite", mp.hermite),
            ("laguerre", lambda n, x: mp.laguerre(n, 0, x)),
        )
        for n in (0, 2, 9)
    ),
    (
        "hyp1f1",
        lambda x: special.hyp1f1(1.5, 2.5, x),
        exact(lambda x: mp.hyp1f1(1.5, 2.5, x)),
        [-3.0, 0.2, 5.0],
    ),
    (
        "hyp2f1",
        lambda x: special.hyp2f1(1.5, 0.5, 2.5, x),
        exact(lambda x: mp.hyp2f1(1.5, 0.5, 2.5, x)),
        [-0.8, 0.2, 0.6],
    ),
    ("hyp0f1", lambda x: special.hyp0f1(1.5, x), exact(lambda x: mp.hyp0f1(1.5, x)), [-0.8, 0.6]),
    ("hyperu", lambda x: special.hyperu(1.5, 2.5, x), exact(lambda x: mp.hyperu(1.5, 2.5, x)), [0.8, 6.0]),
]
ONE = GAMMA + ERRORS + BESSEL + ELLIPTIC + INTEGRALS + LOGARITHMS + POLYNOMIALS

# name, function of two arguments, judge, points
ANGLES = [(0.5, 0.3), (1.5, 0.999), (0.5, 0.0), (0.7, 1e-9), (4.0, 0.3), (-7.0, 0.9), (1.0, -5.0)]
JACOBI = [(0.5, 0.3), (1.5, 0.9), (5.0, 0.3)]
TWO = [
    ("poch", special.poch, exact(mp.rf), [(1.5, 2.3), (1e8, 1.0), (1e6, -0.5)]),
    ("beta", special.beta, exact(mp.beta), [(1.5, 2.3), (1e-3, 1.0), (200.0, 3.0)]),
    (
        "betaln",
        special.betaln,
        exact(lambda a, b: mp.log(mp.beta(a, b))),
        [(1.5, 2.3), (1e8, 1e-2), (1e8, 1e8)],
    ),
    ("binom", special.binom, exact(mp.binomial), [(5.5, 2.3), (1e5, 3.0)]),
    ("zeta", special.zeta, exact(mp.zeta), [(1.5, 0.3), (20.0, 4.0)]),
    (
        "gammainc",
        special.gammainc,
        exact(gamma_integral),
        [(0.3, 0.5), (2.0, 1e-6), (40.0, 30.0), (1e-3, 1.0)],
    ),
    ("gammaincc", special.gammaincc, exact(gamma_tail), [(2.5, 9.0)]),
    ("stdtr", special.stdtr, exact(student), [(3.0, 0.5), (2.0, -40.0), (50.0, 1e-3)]),
    *(
        (
            f"betainc {x}",
            lambda a, b, x=x: special.betainc(a, b, x),
            exact(lambda a, b, x=x: beta_integral(a, b, x)),
            p,
        )
        for x, p in ((0.9, [(2.5, 0.75), (30.0, 4.0)]), (1e-6, [(0.3, 0.4)]), (0.999, [(2.0, 1e-2)]))
    ),
    (
        "logaddexp",
        np.logaddexp,
        exact(lambda x, y: mp.log(mp.exp(x) + mp.exp(y))),
        [(1.0, 2.0), (1.0, 50.0), (-50.0, 0.5), (1e3, 1e3)],
    ),
    (
        "logaddexp2",
        np.logaddexp2,
        exact(lambda x, y: mp.log(mp.mpf(2) ** x + mp.mpf(2) ** y) / LOG_TWO),
        [(1.0, 2.0), (1.0, 50.0), (1e3, 1e3)],
    ),
    (
        "hypot",
        np.hypot,
        exact(lambda x, y: mp.sqrt(x * x + y * y)),
        [(3.0, 4.0), (1e8, 1.0), (1e150, 2e150), (1e-150, -3e-150)],
    ),
    ("owens_t", special.owens_t, exact(owens_t), [(0.5, 0.3), (-1.0, 2.0)]),
    ("ellipkinc", special.ellipkinc, exact(mp.ellipf), ANGLES),
    ("ellipeinc", special.ellipeinc, exact(mp.ellipe), ANGLES),
    *(
        (
            f"ellipj {name}",
            lambda u, m, k=k: special.ellipj(u, m)[k],
            exact(lambda u, m, n=name: mp.ellipfun(n, u, m=m)),
            JACOBI,
        )
        for k, name in enumerate(("sn", "cn", "dn"))
    ),
    ("ellipj ph", lambda u, m: special.ellipj(u, m)[3], exact(amplitude), [(0.5, 0.3)]),
    ("elliprc", special.elliprc, exact(mp.elliprc), [(0.5, 0.3), (1.0, 2.0)]),
    (
        "elliprf",
        lambda x, y: special.elliprf(x, y, 1.0),
        exact(lambda x, y: mp.elliprf(x, y, 1)),
        [(0.5, 0.3), (5.0, 1e6)],
    ),
    (
        "elliprd",
        lambda x, y: special.elliprd(x, 1.0, y),
        exact(lambda x, y: mp.elliprd(x, 1, y)),
        [(0.5, 0.3), (5.0, 1e6)],
    ),
    ("xlogy", special.xlogy, exact(lambda x, y: x * mp.log(y)), [(0.5, 0.3), (0.0, 2.0), (2.0, 1e-100)]),
    ("xlog1py", special.xlog1py, exact(lambda x, y: x * mp.log1p(y)), [(0.5, 0.3), (0.0, 2.0), (2.0, 1e-20)]),
    ("rel_entr", special.rel_entr, exact(lambda x, y: x * mp.log(x / y)), [(0.5, 0.3), (1.0, 1.0000001)]),
    ("kl_div", special.kl_div, exact(lambda x, y: x * mp.log(x / y) - x + y), [(0.5, 0.3), (1.0, 1.0000001)]),
    (
        "pseudo_huber",
        special.pseudo_huber,
        exact(lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1)),
        [(0.5, 0.3), (1.0, 1e-6), (2.0, -3e6)],
    ),
    ("boxcox", special.boxcox, exact(lambda x, a: (x**a - 1) / a), [(0.5, 0.3), (1.2, 1e-10), (1e-5, 2.0)]),
    ("boxcox1p", special.boxcox1p, exact(lambda x, a: ((1 + x) ** a - 1) / a), [(0.5, 0.3), (1e-5, 2.0)]),
    ("inv_boxcox", special.inv_boxcox, exact(lambda y, a: (1 + a * y) ** (1 / a)), [(0.5, 0.3), (1.2, 1e-5)]),
    ("inv_boxcox1p", special.inv_boxcox1p, exact(lambda y, a: (1 + a * y) ** (1 / a) - 1), [(0.5, 0.3)]),
]
