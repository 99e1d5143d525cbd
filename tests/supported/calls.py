"""Sample calls of functions that no table of laws calls: each as (function, arguments)."""

import cmath
import math

import numpy as np
from scipy import fft, linalg, signal, sparse, special

from diffsci.tracing.functions.special import SPECIAL
from diffsci.tracing.protocols import UFUNCS

X = np.array([0.3, -0.7, 1.2, 0.6])
M = np.array([[2.0, 0.3, -0.1], [0.2, 3.0, 0.5], [0.4, -0.2, 2.5]])
Z = 0.3 + 0.4j
CSC = sparse.csc_array(M)

OF_ONE = {
    cmath: "acos acosh asin asinh atan atanh cos cosh exp isfinite isinf isnan log log10 phase polar "
    "sin sinh sqrt tan tanh",
    math: "cbrt degrees exp2 isfinite isinf isnan radians trunc",
    np: "asanyarray ascontiguousarray iscomplex iscomplexobj isfinite isinf "
    "isnan isneginf isreal isrealobj isscalar iterable amax amin unique_values real imag "
    "real_if_close conjugate angle fix round around degrees radians logical_not shape size i0",
    np.fft: "fft hfft ifft ihfft irfft rfft fftshift ifftshift",
    fft: "fft hfft ifft ihfft irfft rfft fftshift ifftshift dct dst idct idst",
}
OF_TWO = {
    np: "allclose isclose array_equal equal not_equal less less_equal greater greater_equal logical_and "
    "logical_or logical_xor floor_divide union1d matmul",
    math: "copysign fmod isclose",
    signal: "oaconvolve",
    linalg: "khatri_rao kron",
}
OF_A_MATRIX = {
    np: "tril_indices_from triu_indices_from diag_indices_from row_stack",
    np.linalg: "svdvals",
    np.fft: "fft2 fftn ifft2 ifftn irfft2 irfftn rfft2 rfftn",
    fft: "fft2 fftn ifft2 ifftn irfft2 irfftn rfft2 rfftn hfft2 hfftn ihfft2 ihfftn dctn dstn idctn idstn",
    linalg: "coshm sinhm tanhm tanm pinv svd eig",
}
METHODS = {
    "argmax": (), "argmin": (), "argpartition": (1,), "astype": (float,), "conjugate": (), "cumprod": (),
    "prod": (), "repeat": (2,), "round": (1,), "squeeze": (), "std": (), "swapaxes": (0, 0), "var": (),
}  # fmt: skip
OTHERS = [
    (lambda z: cmath.rect(z, z), (0.3,)),
    (lambda z: cmath.isclose(z, z), (Z,)),
    (lambda x: math.sumprod(x, x) if hasattr(math, "sumprod") else sum(v * v for v in x), (list(X),)),
    (lambda x: math.acosh(x), (1.5,)),
    (lambda x: np.ravel_multi_index((np.argmax(x), 0), (4, 2)) * x, (X,)),
    (lambda x: np.astype(x, float), (X,)),
    (lambda x: ~(x > 0) & (x < 1) | (x < 2) ^ (x > 3), (X,)),
    (lambda x: np.invert(x > 0), (X,)),
    (
        lambda x: (np.bitwise_and(x > 0, x > 1), np.bitwise_or(x > 0, x > 1), np.bitwise_xor(x > 0, x > 1)),
        (X,),
    ),
    (
        lambda x: (divmod(3.0, x), math.floor(x), math.ceil(x), math.trunc(x), x.is_integer()),
        (np.float64(1.2),),
    ),
    (lambda x: (x.__floor__(), x.__ceil__(), x.__trunc__()), (0.3,)),
    (lambda m: (m.diagonal(), m.trace()), (M,)),
    (lambda x: np.argmax(x).choose([x, x, x, x]), (X,)),
    (lambda x: linalg.companion(x), (X,)),
    (lambda m, x: linalg.matmul_toeplitz(x[:3], m), (M, X)),
    (lambda x: linalg.solve_circulant(x, x), (X,)),
    (lambda m: (linalg.solve_lyapunov(m, m), linalg.solve_discrete_lyapunov(m / 9, m)), (M,)),
    (lambda x: sparse.diags_array(x) @ x, (X,)),
    (lambda x: sparse.spdiags(x, 0, 4, 4) @ x, (X,)),
    (lambda x: sparse.kron(sparse.diags(x), CSC).toarray(), (X,)),
    (lambda x: (sparse.tril(x[0] * CSC).toarray(), sparse.triu(x[1] * CSC).toarray()), (X,)),
    (lambda x: sparse.vstack([x[0] * CSC, CSC]).toarray(), (X,)),
    (lambda x: sparse.hstack([x[0] * CSC, CSC]).toarray(), (X,)),
    (lambda x: sparse.block_diag([x[0] * CSC, CSC]).toarray(), (X,)),
    (lambda x: sparse.block_array([[x[0] * CSC, None], [None, CSC]]).toarray(), (X,)),
    (lambda x: sparse.bmat([[x[0] * CSC, None], [None, CSC]]).toarray(), (X,)),
    (lambda x: sparse.linalg.norm(x[0] * CSC), (X,)),
    (lambda x: sparse.linalg.splu(CSC).solve(x[:3]), (X,)),
    (lambda x: sparse.linalg.factorized(CSC)(x[:3]), (X,)),
    (lambda x: x * (sparse.issparse(x) + sparse.isspmatrix(x)), (X,)),
    (lambda x: x * (len(np.array2string(x) + np.array_repr(x) + np.array_str(x)) > 9), (X,)),
    (lambda x: np.zeros(2, np.result_type(x, 1)) + x[0], (X,)),
    (lambda x: x[0] * np.fft.fftfreq(4, x[1]) + np.fft.rfftfreq(7, x[1]), (X,)),
    (lambda x: x[0] * fft.fftfreq(4, x[1]) + fft.rfftfreq(7, x[1]), (X,)),
]
# Arguments of special functions: those in a list are constants.
SPECIAL_ARGUMENTS = {
    "kn": ([2], 0.3), "yn": ([2], 0.3), "expn": ([2], 0.3), "polygamma": ([2], 0.3),
    "multigammaln": (1.5, [2]),
    "spherical_jn": ([1], 0.3), "spherical_yn": ([1], 0.3), "spherical_in": ([1], 0.3),
    "spherical_kn": ([1], 0.3), "jvp": ([1], 0.3), "yvp": ([1], 0.3), "ivp": ([1], 0.3), "kvp": ([1], 0.3),
    "comb": (5.5, 2.3), "perm": (5.5, 2.3), "factorial": (2.3,), "lambertw": (0.3,), "zeta": (2.5,),
    "eval_legendre": ([3], 0.3), "eval_chebyt": ([3], 0.3), "eval_chebyu": ([3], 0.3),
    "eval_laguerre": ([3], 0.3),
    "eval_hermite": ([3], 0.3), "eval_hermitenorm": ([3], 0.3), "eval_genlaguerre": ([3], 0.5, 0.3),
    "eval_gegenbauer": ([3], 0.5, 0.3), "eval_jacobi": ([3], 0.5, 0.6, 0.3), "hankel1": ([1], 0.3),
    "hankel2": ([1], 0.3), "softplus": (0.3,), "log_softmax": (X,), "softmax": (X,), "logsumexp": (X,),
}  # fmt: skip


def _applying(function, *rest):
    return lambda *args: function(*args, *rest)


def _method(name, args):
    return lambda x: getattr(x, name)(*args)


def _with_constants(function, given):
    """The function of those arguments that are no constants."""

    def call(*free):
        pending = iter(free)
        return function(*(x[0] if isinstance(x, list) else next(pending) for x in given))

    return call, tuple(x for x in given if not isinstance(x, list))


def _special():
    for name in (*UFUNCS, *SPECIAL):
        function = getattr(special, name, None)
        if function is not None and not isinstance(getattr(np, name, None), np.ufunc):
            count = getattr(function, "nin", 1)
            yield _with_constants(
                function, SPECIAL_ARGUMENTS.get(name, tuple(0.3 + 0.1 * k for k in range(count)))
            )


def _named(table):
    for module, names in table.items():
        for name in names.split():
            if hasattr(module, name):  # not in every version
                yield module, _applying(getattr(module, name))


def calls():
    """Every sample call."""
    for module, call in _named(OF_ONE):
        yield call, (Z if module is cmath else 0.3 if module is math else X,)
    for module, call in _named(OF_TWO):
        yield call, (0.3, 0.7) if module is math else (M, M) if module is linalg else (X, X[::-1] * 1.1)
    for _, call in _named(OF_A_MATRIX):
        yield call, (M,)
    for name, args in METHODS.items():
        yield _method(name, args), (X,)
    yield from OTHERS
    yield from _special()
