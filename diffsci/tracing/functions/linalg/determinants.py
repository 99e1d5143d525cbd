"""Determinants."""

from __future__ import annotations

import numpy as np

from diffsci.tracing.functions.linalg.common import RESULTS, as_scalar, as_square, ignored, only
from diffsci.tracing.protocols import implements, implements_scipy
from diffsci.tracing.trace import bind


@implements(np.linalg.det)
def det(a):
    return as_scalar(bind("det", as_square(a)))


@implements_scipy("scipy.linalg.det")
def scipy_det(a, **options):
    only("scipy.linalg.det", ignored(options))
    return det(a)


@implements(np.linalg.slogdet)
def slogdet(a):
    return RESULTS["slogdet"](*map(as_scalar, bind("slogdet", as_square(a))))
