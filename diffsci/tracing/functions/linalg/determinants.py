"""Determinants."""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.functions.linalg.common import RESULTS, as_scalar, as_square, ignored, only
from diffsci.tracing.protocols import implements, implements_scipy
from diffsci.tracing.trace import bind


@implements(np.linalg.det)
def det(a):
    return as_scalar(bind("det", as_square(a)))


@implements_scipy("scipy.linalg.det")
def scipy_det(a, **options):
    """In double precision always, as SciPy's."""
    only("scipy.linalg.det", ignored(options))
    return det(ops.convert(a, float))


@implements(np.linalg.slogdet)
def slogdet(a):
    return RESULTS["slogdet"](*map(as_scalar, bind("slogdet", as_square(a))))
