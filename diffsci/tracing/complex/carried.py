"""Which functions of libraries carry over to complex arguments as they are written for real ones.

Their implementations are made of sums, products and moves of elements. A function that is not named here,
and has no implementation of its own for complex numbers, is refused: one that squares where it means the
square of a size would be wrong without an error.
"""

from __future__ import annotations

import numpy as np

from diffsci.tracing.complex.python import CMATH

__all__ = ["CARRIED", "CARRIED_LIBRARY"]

MOVES = (
    "reshape ravel transpose matrix_transpose swapaxes moveaxis rollaxis squeeze expand_dims atleast_1d "
    "atleast_2d atleast_3d broadcast_to broadcast_arrays concatenate stack hstack vstack row_stack dstack "
    "column_stack block append split array_split hsplit vsplit dsplit unstack flip fliplr flipud roll rot90 "
    "pad tile repeat resize take take_along_axis put_along_axis delete insert diagonal fill_diagonal extract "
    "compress choose where select piecewise put place putmask copyto trim_zeros tril triu diag diagflat"
)
CREATION = (
    "array asarray ascontiguousarray asfortranarray asanyarray astype copy zeros empty ones full zeros_like "
    "empty_like ones_like full_like linspace arange meshgrid identity eye vander"
)
SUMS = (
    "sum prod mean average trace cumsum cumprod cumulative_sum cumulative_prod nansum nanprod nanmean "
    "nancumsum nancumprod diff ediff1d trapezoid gradient apply_along_axis apply_over_axes"
)
PRODUCTS = "dot inner outer tensordot kron cross einsum matmul convolve correlate"
POLYNOMIALS = "polyval polyadd polysub polymul polyder polyint"
QUESTIONS = (
    "shape ndim size result_type isscalar iterable any all count_nonzero nonzero flatnonzero argwhere "
    "isclose allclose array_equal array_equiv tril_indices_from triu_indices_from diag_indices_from "
    "array2string array_repr array_str"
)
FOURIER = "fft ifft rfft irfft hfft ihfft fftn ifftn rfftn irfftn fft2 ifft2 rfft2 irfft2 fftshift ifftshift"

CARRIED = frozenset(
    getattr(module, name)
    for module, names in {
        np: " ".join((MOVES, CREATION, SUMS, PRODUCTS, POLYNOMIALS, QUESTIONS)),
        np.fft: FOURIER,
        np.linalg: (
            "solve inv det slogdet matrix_power multi_dot tensorsolve tensorinv matmul outer trace cross "
            "tensordot diagonal matrix_transpose"
        ),
        np.lib.stride_tricks: "sliding_window_view",
        np.polynomial.polynomial: "polyval polyder polyfromroots",
        np.polynomial.chebyshev: "chebval",
        np.polynomial.legendre: "legval",
        np.polynomial.hermite: "hermval",
        np.polynomial.hermite_e: "hermeval",
        np.polynomial.laguerre: "lagval",
    }.items()
    for name in names.split()
    if hasattr(module, name)  # not every NumPy has all of them
)

CARRIED_LIBRARY = frozenset(
    f"{package}.{name}"
    for package, names in {
        "cmath": " ".join(CMATH),
        "scipy.linalg": (
            "inv det block_diag kron circulant hankel companion khatri_rao expm logm sqrtm cosm sinm tanm "
            "coshm sinhm tanhm expm_frechet"
        ),
        "scipy.fft": FOURIER + " hfftn hfft2 ihfftn ihfft2 dct idct dctn idctn dst idst dstn idstn",
        "scipy.signal": "convolve fftconvolve oaconvolve correlate",
        "scipy.integrate": "trapezoid simpson cumulative_trapezoid cumulative_simpson romb",
    }.items()
    for name in names.split()
)
