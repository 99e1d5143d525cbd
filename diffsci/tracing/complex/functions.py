"""NumPy functions of complex arguments that mean something else than for real ones.

Those in the tables of `carried` carry over as they are written; every other one is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.complex.array import ComplexArray, is_complex, make_complex
from diffsci.tracing.complex.carried import CARRIED_LIBRARY
from diffsci.tracing.complex.operations import as_complex, imag, real
from diffsci.tracing.trace import bind

__all__ = [
    "COMPLEX_FUNCTIONS",
    "complex_implementation",
    "holds_complex",
    "library_implementation",
]

COMPLEX_FUNCTIONS: dict[Callable, Callable] = {}
COMPLEX_LIBRARY: dict[str, Callable] = {}


def holds_complex(values: Any) -> bool:
    """Tell whether a complex value stands among operands, in lists of them too."""
    return any(holds_complex(x) if isinstance(x, (list, tuple)) else is_complex(x) for x in values)


def complex_implementation(function: Callable) -> Callable:
    """Return what a NumPy function does with complex arguments, where that is something of its own."""
    found = COMPLEX_FUNCTIONS.get(function)
    if found is None:
        raise _refusal(f"numpy.{getattr(function, '__name__', function)}")
    return found


def library_implementation(name: str, general: Callable, args: Any) -> Callable:
    """Return what a library function does; complex arguments are refused where that is not known."""
    if name in CARRIED_LIBRARY or not holds_complex(args):
        return general
    found = COMPLEX_LIBRARY.get(name)
    if found is None:
        raise _refusal(name)
    return found


def _refusal(name: str) -> Exception:
    return ops.unsupported(
        f"{name} of complex values", "apply it to .real and .imag, or express it by supported functions"
    )


def _implements(*functions: Callable) -> Callable:
    def enter(rule: Callable) -> Callable:
        for function in functions:
            COMPLEX_FUNCTIONS[function] = rule
        return rule

    return enter


def _general(function: Callable) -> Callable:
    """What the function does with real arguments; what it calls may be complex."""
    from diffsci.tracing.protocols import FUNCTIONS

    return FUNCTIONS[function]


def conjugate(x: Any) -> ComplexArray:
    x = as_complex(x) if not isinstance(x, ComplexArray) else x
    made = ComplexArray(ops.copy(x.re), -x.im, x.scalar)
    made.weak = x.weak
    return made.laid_out_like((x,))


@_implements(np.vdot)
def vdot(x, y):
    return _general(np.dot)(ops.reshape(conjugate(x), -1), ops.reshape(ops.traced(y), -1))


@_implements(np.sinc)
def sinc(z):
    """Near 0 a series, whose next term is below rounding: sin(z)/z loses the digits of its derivatives."""
    z = as_complex(z) * np.pi
    small = ops.compare("lt", abs(z), 0.1)
    square = z * z
    series = 1 - square / 6 * (1 - square / 20 * (1 - square / 42 * (1 - square / 72 * (1 - square / 110))))
    safe = ops.where(small, 1.0, z)
    return ops.where(small, series, ops.float_elementwise("sin", safe) / safe)


@_implements(np.angle)
def angle(z, deg=False):
    z = as_complex(z)
    found = ops.float_elementwise("arctan2", z.im, z.re)
    return found * (180 / np.pi) if deg else found


_implements(np.real)(lambda z: ops.traced(z).real)
_implements(np.imag)(lambda z: ops.traced(z).imag)
_implements(np.iscomplexobj)(lambda z: True)
_implements(np.isrealobj)(lambda z: False)
_implements(np.iscomplex)(lambda z: ops.compare("ne", ops.traced(z).imag, 0))
_implements(np.isreal)(lambda z: ops.compare("eq", ops.traced(z).imag, 0))


@_implements(np.real_if_close)
def real_if_close(z, tol=100):
    """A guard: the program holds where the imaginary part is negligible, or where it is not."""
    z = ops.traced(z)
    if tol > 1:
        tol *= np.finfo(z.dtype).eps
    return z.real if bool(ops.reduce("all", ops.compare("lt", abs(z.imag), tol))) else z


@_implements(np.var)
def var(z, axis=None, dtype=None, ddof=0, keepdims=False, **options):
    """The sum of the variances of the parts."""
    rule = _general(np.var)
    return rule(real(z), axis, ddof=ddof, keepdims=keepdims) + rule(
        imag(z), axis, ddof=ddof, keepdims=keepdims
    )


@_implements(np.std)
def std(z, axis=None, dtype=None, ddof=0, keepdims=False, **options):
    rule = _general(np.std)
    parts = (rule(part(z), axis, ddof=ddof, keepdims=keepdims) for part in (real, imag))
    return ops.float_elementwise("hypot", *parts)


@_implements(np.linalg.norm)
def norm(z, ord=None, axis=None, keepdims=False):
    """The Euclidean norms see two real numbers for each complex one; the others see sizes."""
    z = as_complex(z)
    chosen = ops.normal_axes(axis, z.ndim)
    if ord in (2, -2, "nuc") and len(chosen) == 2:
        raise ops.unsupported(
            f"numpy.linalg.norm of order {ord!r} of complex matrices", "use 'fro', 1 or inf"
        )
    euclidean = ord in (None, "fro") or (ord == 2 and len(chosen) == 1)
    if not euclidean:
        return _general(np.linalg.norm)(abs(z), ord, axis, keepdims)
    from diffsci.tracing.functions.linalg.norms import euclidean_norm

    both = ops.stack([z.re, z.im], 0)
    found = euclidean_norm(both, (0, *(a + 1 for a in chosen)), keepdims)
    if keepdims:
        return ops.copy(ops.reshape(found, found.shape[1:]))
    found.scalar = found.shape == ()
    return found


def _part_by_part(function: Callable) -> Callable:
    def apply(z, *args, **kwargs):
        rule = _general(function)
        return make_complex(rule(real(z), *args, **kwargs), rule(imag(z), *args, **kwargs))

    return apply


for _function in (np.round, np.around, np.nan_to_num):
    _implements(_function)(_part_by_part(_function))


@_implements(np.interp)
def interp(x, xp, fp, left=None, right=None, period=None):
    rule = _general(np.interp)
    ends = [[None if v is None else part(v) for v in (left, right)] for part in (real, imag)]
    return make_complex(
        *(rule(x, xp, part(fp), *end, period) for part, end in zip((real, imag), ends, strict=True))
    )


@_implements(np.linalg.vector_norm)
def vector_norm(x, /, *, axis=None, keepdims=False, ord=2):
    z = as_complex(x)
    if axis is None and ord == 2 and not keepdims:
        return norm(ops.reshape(z, -1))
    return _general(np.linalg.vector_norm)(abs(z), axis=axis, keepdims=keepdims, ord=ord)


@_implements(np.linalg.matrix_norm)
def matrix_norm(x, /, *, keepdims=False, ord="fro"):
    return norm(x, ord, (-2, -1), keepdims)


@_implements(np.linalg.eigh)
def eigh(a, UPLO="L"):
    from diffsci.tracing.functions.linalg.common import RESULTS, as_square

    if str(UPLO).upper() not in ("L", "U"):
        raise ValueError("UPLO argument must be 'L' or 'U'")
    a = as_square(as_complex(a))
    a = a if str(UPLO).upper() == "L" else a.mT.conj()
    w, re, im = bind("hermitian_eigh", a.re, a.im)
    return RESULTS["eigh"](w, ComplexArray(re, im))


@_implements(np.linalg.eigvalsh)
def eigvalsh(a, UPLO="L"):
    return bind("values_alone", eigh(a, UPLO)[0], of="hermitian_eigh")


def _scipy_eigh(a, b=None, *, lower=True, eigvals_only=False, **options):
    if b is not None or any(value is not None for key, value in options.items() if key not in UNSEEN):
        raise _refusal("scipy.linalg.eigh with these options")
    w, v = eigh(a, "L" if lower else "U")
    return bind("values_alone", w, of="hermitian_eigh") if eigvals_only else (w, v)


def _scipy_eigvalsh(a, b=None, *, lower=True, **options):
    return _scipy_eigh(a, b, lower=lower, eigvals_only=True, **options)


def _scipy_norm(a, ord=None, axis=None, keepdims=False, check_finite=True):
    return norm(a, ord, axis, keepdims)


def _scipy_solve(a, b, **options):
    """The options tell of a structure, which for complex matrices is another than for real ones."""
    options = {name: value for name, value in options.items() if name not in UNSEEN}
    if any(value not in (None, False, "gen", "general") for value in options.values()):
        raise _refusal(f"scipy.linalg.solve with {', '.join(sorted(options))}")
    return _general(np.linalg.solve)(a, b)


UNSEEN = frozenset({"check_finite", "overwrite_a", "overwrite_b", "driver"})  # options that change no number


def _scipy_solve_triangular(
    a, b, trans=0, lower=False, unit_diagonal=False, overwrite_b=False, check_finite=True
):
    a = ops.traced(a)
    a = _general(np.tril if lower else np.triu)(a, (-1 if lower else 1) if unit_diagonal else 0)
    a = a + np.eye(a.shape[-1], dtype=a.dtype) if unit_diagonal else a
    if trans not in (0, "N"):
        a = a.mT.conj() if trans in (2, "C") else a.mT
    return _general(np.linalg.solve)(a, b)


def _scipy_toeplitz(c, r=None):
    from diffsci.tracing.protocols import SCIPY

    return SCIPY["scipy.linalg.toeplitz"](c, ops.traced(c).conj() if r is None else r)


COMPLEX_LIBRARY["scipy.linalg.solve_triangular"] = _scipy_solve_triangular
COMPLEX_LIBRARY["scipy.linalg.toeplitz"] = _scipy_toeplitz
COMPLEX_LIBRARY["scipy.linalg.eigh"] = _scipy_eigh
COMPLEX_LIBRARY["scipy.linalg.eigvalsh"] = _scipy_eigvalsh
COMPLEX_LIBRARY["scipy.linalg.norm"] = _scipy_norm
COMPLEX_LIBRARY["scipy.linalg.solve"] = _scipy_solve
