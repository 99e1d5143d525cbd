"""Functions with sparse Jacobians, and how a directly evaluated one is compared with a dense one."""

import numpy as np
import scipy.sparse

import diffsci as ds
from diffsci.graph import interpreter
from diffsci.sparse.direct import Direct, direct
from diffsci.tracing import trace_function
from diffsci.tracing.trace import apply_graph

__all__ = ["check", "dense", "made", "values"]


def made(f, *args, active=None):
    """Return the direct evaluation of a function's Jacobian, integer inputs known."""
    traced = trace_function(f, args)
    inputs = [traced.values[x] for x in traced.graph.inputs]
    known = {k: value for k, value in enumerate(inputs) if np.asarray(value).dtype.kind in "ib"}
    flags = active or [k < len(args) for k in range(len(inputs))]
    return direct(traced.graph, flags, known), inputs


def values(found: Direct, inputs):
    """Return the entries by the interpreter and by compiled code, the same to rounding."""
    (data,) = interpreter.run(found.graph, inputs)
    compiled = ds.jit(lambda *inputs: apply_graph(found.graph, inputs)[0])(*inputs)
    assert compiled.dtype == data.dtype
    rounding = 16 * np.finfo(data.dtype).eps
    size = float(np.max(np.abs(data[np.isfinite(data)]), initial=1.0))
    np.testing.assert_allclose(compiled, data, rtol=rounding, atol=rounding * size)
    return data


def dense(found: Direct, data):
    """Return the matrix, its index arrays checked."""
    where = found.pattern
    matrix = scipy.sparse.csr_array((data, where.indices, where.indptr), shape=where.shape)
    matrix.check_format(full_check=True)
    assert matrix.has_canonical_format
    return matrix.toarray()


def check(f, *args, rtol=1e-13):
    """Compare with `ds.jacobian`, at the arguments and somewhere else; return what was compared."""
    found, inputs = made(f, *args)
    assert isinstance(found, Direct), found
    for scale in (1.0, 1.25):
        moved = [x * x.dtype.type(scale) for x in args] + inputs[len(args) :]
        data = values(found, moved)
        jacobian = ds.jacobian(f, argnums=tuple(range(len(args))))(*moved[: len(args)])
        blocks = [
            block.reshape(found.pattern.shape[0], x.size) for block, x in zip(jacobian, args, strict=True)
        ]
        wanted = np.concatenate(blocks, axis=1)
        size = max(1.0, float(np.max(np.abs(wanted), initial=0.0)))
        np.testing.assert_allclose(dense(found, data), wanted, rtol=rtol, atol=rtol * size)
    return found
