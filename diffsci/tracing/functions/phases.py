"""Functions about complex numbers, on real arguments too."""

from __future__ import annotations

import numpy as np

from diffsci.tracing import operations as ops
from diffsci.tracing.complex.functions import COMPLEX_FUNCTIONS
from diffsci.tracing.protocols import implements

implements(np.angle)(COMPLEX_FUNCTIONS[np.angle])
implements(np.real_if_close)(lambda x, tol=100: ops.traced(x))


@implements(np.isreal)
def isreal(x):
    return ops.traced(np.ones(ops.shape_of(x), bool))


@implements(np.iscomplex)
def iscomplex(x):
    return ops.traced(np.zeros(ops.shape_of(x), bool))
