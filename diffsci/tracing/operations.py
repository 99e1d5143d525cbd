"""NumPy's conventions over primitives: promotion, broadcasting, axes. Operands may be anything."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import lookup
from diffsci.source import at, user_location
from diffsci.tracing.array import TracedArray
from diffsci.tracing.quick import quick
from diffsci.tracing.selection import Selected, boxed, reduced
from diffsci.tracing.standard import standard
from diffsci.tracing.trace import Trace, bind, innermost

FLOAT = np.dtype(float)
INT = np.dtype(np.int64)
BOOL = np.dtype(bool)

# What arithmetic means on booleans.
LOGIC = {"add": "logical_or", "mul": "logical_and", "maximum": "logical_or", "minimum": "logical_and"}


def unsupported(what: str, instead: str) -> UnsupportedError:
    """Return the error for an idiom that cannot be traced."""
    return UnsupportedError(f"{what} is not supported on traced values{at(user_location())}: {instead}")


def is_python_scalar(x: Any) -> bool:
    return type(x) in (int, float, complex, bool)


def as_operand(x: Any) -> Any:
    """Return traced values and Python scalars as they are, everything else as an array."""
    if isinstance(x, TracedArray) or is_python_scalar(x):
        return x
    if isinstance(x, (list, tuple)):
        return as_array(x)
    return standard(x)


def _dtype_of(x: Any) -> Any:
    if isinstance(x, TracedArray):
        return x.weak_scalar() if x.weak else x.dtype
    return x if is_python_scalar(x) else x.dtype


def promoted(*operands: Any) -> np.dtype:
    """Return NumPy's result dtype; Python numbers are weak."""
    found = [_dtype_of(x) for x in operands]
    dtype = np.result_type(*found)
    return INT if dtype.kind in "iu" else dtype


def shape_of(x: Any) -> tuple[int, ...]:
    return x.shape if isinstance(x, TracedArray) else np.shape(x)


def node_as(trace: Trace, x: Any, dtype: np.dtype, shape: tuple[int, ...]):
    """Return the node of an operand, converted and broadcast."""
    node = trace.node(x, dtype if is_python_scalar(x) else None)
    if node.dtype != dtype:
        node = trace.bind(lookup("convert"), (node,), {"dtype": np.dtype(dtype)})
    if node.shape != shape:
        axes = tuple(range(len(shape) - len(node.shape), len(shape)))
        node = trace.bind(lookup("broadcast"), (node,), {"shape": shape, "axes": axes})
    return node


def _broadcast_shape(operands) -> tuple[int, ...]:
    shapes = [shape_of(x) for x in operands]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        listed = " ".join(map(str, shapes))
        raise ValueError(f"operands could not be broadcast together with shapes {listed}") from None


def _is_scalar(x: Any) -> bool:
    return x.scalar if isinstance(x, TracedArray) else np.ndim(x) == 0


def elementwise(name: str, *operands: Any, dtype: np.dtype | None = None, weak: bool = False) -> TracedArray:
    """Apply an elementwise primitive with NumPy's promotion and broadcasting.

    Parameters
    ----------
    dtype : dtype, optional
        Common dtype of the operands; by default NumPy's.
    weak : bool
        A Python operator: the result of weak operands is weak.
    """
    operands = tuple(as_operand(x) for x in operands)
    common = promoted(*operands) if dtype is None else dtype
    box = boxed(lambda *full: elementwise(name, *full, dtype=common), operands)
    if box is not None:
        return box
    trace = innermost(operands)
    shape = _broadcast_shape(operands)
    if common.kind == "c":
        result = _complex().elementwise(name, operands, common, shape)
    else:
        nodes = tuple(node_as(trace, x, common, shape) for x in operands)
        result = TracedArray(trace, trace.bind(lookup(name), nodes, {}))
    result.scalar = shape == () and all(_is_scalar(x) or shape_of(x) == () for x in operands)
    result.weak = weak and result.scalar and all(is_python_scalar(x) or _weak(x) for x in operands)
    return result.laid_out_like(operands)


def _complex():
    from diffsci.tracing.complex import operations

    return operations


def _weak(x: Any) -> bool:
    return isinstance(x, TracedArray) and x.weak


def float_dtype(*operands: Any) -> np.dtype:
    """Return the common dtype for functions that take integers to floats."""
    common = promoted(*(as_operand(x) for x in operands))
    return common if common.kind in "fc" else FLOAT


def float_elementwise(name: str, *operands: Any, weak: bool = False) -> TracedArray:
    """Apply a primitive of floats; integers become float64."""
    result = quick(name, operands, weak)
    if result is not None:
        return result
    operands = tuple(as_operand(x) for x in operands)
    return elementwise(name, *operands, dtype=float_dtype(*operands), weak=weak)


def arithmetic(name: str, x: Any, y: Any, weak: bool = False) -> TracedArray:
    """add, sub, mul and the like. On booleans some are logic, as in NumPy; elsewhere they are integers."""
    result = quick(name, (x, y), weak)
    if result is not None:
        return result
    x, y = as_operand(x), as_operand(y)
    common = promoted(x, y)
    if common == BOOL:
        if name == "sub":
            raise TypeError(
                f"numpy boolean subtract is not supported{at(user_location())}: use ^ or logical_xor"
            )
        if name in LOGIC:
            return logical(LOGIC[name], x, y)
        common = INT
    return elementwise(name, x, y, dtype=common, weak=weak)


def compare(name: str, x: Any, y: Any) -> TracedArray:
    return elementwise(name, x, y)


def logical(name: str, *operands: Any) -> TracedArray:
    return elementwise(name, *(truth(x) for x in operands), dtype=BOOL)


def truth(x: Any) -> Any:
    """Return x != 0, elementwise."""
    x = as_operand(x)
    if isinstance(x, TracedArray):
        return x if x.dtype == BOOL else compare("ne", x, 0)
    return np.asarray(x) != 0


def literal_number(x: Any) -> float | None:
    """Return the value of a real number known while tracing (0-d, not traced), else None."""
    if type(x) in (int, float):
        return x
    if isinstance(x, TracedArray):
        return x.constant().item() if x.is_const and x.shape == () and x.dtype.kind in "if" else None
    if isinstance(x, (np.floating, np.integer)):
        return x.item()
    return None


def unary(name: str, x: TracedArray, weak: bool = False, **params: Any) -> TracedArray:
    """Apply an elementwise primitive of one operand."""
    done = None if params else quick(name, (x,), weak)
    if done is not None:
        return done
    box = boxed(lambda full: unary(name, full, **params), (x,))
    if box is not None:
        return box
    result = bind(name, x, **params)
    result.scalar = x.scalar
    result.weak = weak and x.weak
    return result.laid_out_like((x,))


def convert(x: Any, dtype: Any) -> TracedArray:
    """Astype."""
    target = standard_dtype(dtype)
    x = traced(x)
    if x.dtype == target:
        return copy(x).laid_out_like((x,))
    if "c" in (target.kind, x.dtype.kind):
        return _complex().converted(x, target)
    box = boxed(lambda full: convert(full, target), (x,))
    if box is not None:
        return box
    result = bind("convert", x, dtype=target)
    result.scalar = x.scalar
    return result.laid_out_like((x,))


def standard_dtype(dtype: Any) -> np.dtype:
    """Return the dtype that programs use for a requested one."""
    target = np.dtype(dtype)
    if target.kind in "iu":
        return INT
    return standard(np.empty(0, target)).dtype


def traced(x: Any) -> TracedArray:
    """Return a traced value: a constant of the current trace if it is none yet."""
    if isinstance(x, TracedArray):
        return x
    if isinstance(x, (list, tuple)):
        return as_array(x)
    value = standard(x)
    if value.dtype.kind == "c":
        return _complex().as_complex(value)
    trace = innermost(())
    return TracedArray(trace, trace.const(value))


def copy(x: TracedArray) -> TracedArray:
    """Return a new array with the same elements."""
    return x.fresh()


def as_array(x: Any, dtype: Any = None) -> TracedArray:
    """np.array: nested sequences of numbers, arrays and traced values."""
    if isinstance(x, (list, tuple)):
        found = _from_sequence(x)
    elif isinstance(x, TracedArray):
        found = copy(x).laid_out_like((x,))
    else:
        found = traced(x)
    return found if dtype is None or found.dtype == np.dtype(dtype) else convert(found, dtype)


def contains_traced(x: Any) -> bool:
    """Tell whether a traced value stands in a nested sequence."""
    if isinstance(x, TracedArray):
        return True
    return isinstance(x, (list, tuple)) and any(contains_traced(item) for item in x)


def _from_sequence(items) -> TracedArray:
    if not contains_traced(items):
        return traced(np.asarray(items))
    # In np.array a Python number counts as its full dtype: it is not weak there.
    parts = [
        as_array(x)
        if isinstance(x, (list, tuple))
        else as_operand(np.asarray(x) if is_python_scalar(x) else x)
        for x in items
    ]
    shapes = {shape_of(x) for x in parts}
    if len(shapes) > 1:
        raise ValueError(
            f"np.array of entries of different shapes {sorted(shapes)}{at(user_location())}: "
            "the entries of a row must have one shape"
        )
    return stack(parts, 0)


def expand(x: Any, axis: int) -> TracedArray:
    """np.expand_dims for one axis."""
    x = traced(x)
    axis = normal_axis(axis, x.ndim + 1)
    return reshape(x, (*x.shape[:axis], 1, *x.shape[axis:]))


def stack(parts, axis: int = 0) -> TracedArray:
    return concatenate([expand(x, axis) for x in common(parts)], axis)


def common(parts) -> list[TracedArray]:
    """Convert parts to their common dtype (Python numbers are weak)."""
    parts = [as_operand(x) for x in parts]
    dtype = promoted(*parts)
    if dtype.kind == "c":
        return [_complex().as_complex(x, dtype) for x in parts]
    trace = innermost(parts)
    return [TracedArray(trace, node_as(trace, x, dtype, shape_of(x))) for x in parts]


def concatenate(parts, axis: int | None = 0) -> TracedArray:
    parts = common(parts)
    if axis is None:
        parts, axis = [reshape(x, (x.size,)) for x in parts], 0
    return bind("concatenate", *parts, axis=normal_axis(axis, parts[0].ndim))


def normal_axis(axis: Any, ndim: int) -> int:
    """Return an axis in [0, ndim)."""
    number = operator.index(axis)
    if not -ndim <= number < ndim:
        raise np.exceptions.AxisError(number, ndim)
    return number % ndim


def or_all(axis: Any, ndim: int) -> Any:
    """Return an axis; None, for all, in place of 0 and -1 of an array without axes, as NumPy's reductions."""
    return None if ndim == 0 and isinstance(axis, int | np.integer) and axis in (0, -1) else axis


def normal_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """Return sorted axes; None means all."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    found = sorted({normal_axis(a, ndim) for a in axes})
    if len(found) != len(axes):
        raise ValueError(f"repeated axis in {axis}")
    return tuple(found)


def normal_shape(shape: Any, size: int) -> tuple[int, ...]:
    """Resolve a requested shape with at most one -1."""
    if isinstance(shape, (TracedArray, np.ndarray)) and np.ndim(shape) == 1:
        shape = tuple(shape.tolist())
    wanted = [operator.index(n) for n in (shape if isinstance(shape, (tuple, list)) else (shape,))]
    if wanted.count(-1) > 1:
        raise ValueError("can only specify one unknown dimension")
    if -1 in wanted:
        known = int(np.prod([n for n in wanted if n != -1], dtype=np.int64))
        wanted[wanted.index(-1)] = size // known if known else 0
    if int(np.prod(wanted, dtype=np.int64)) != size:
        raise ValueError(
            f"cannot reshape array of size {size} into shape {tuple(wanted)}{at(user_location())}"
        )
    return tuple(wanted)


def reshape(x: Any, shape: Any) -> TracedArray:
    """A view where NumPy would give a view, a copy where it would copy."""
    x = traced(x)
    shape = normal_shape(shape, x.size)
    return x.reshaped(shape)


def transpose(x: Any, perm: Any = None) -> TracedArray:
    from diffsci.tracing.lenses import TransposeLens

    x = traced(x)
    perm = tuple(reversed(range(x.ndim))) if perm is None else tuple(normal_axis(a, x.ndim) for a in perm)
    if sorted(perm) != list(range(x.ndim)):
        raise ValueError("axes don't match array")
    return x.view(TransposeLens(perm))


def broadcast_to(x: Any, shape: Any) -> TracedArray:
    x = traced(x)
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if _broadcast_shape([x, np.broadcast_to(0, shape)]) != shape:
        raise ValueError(f"cannot broadcast {x.shape} to {shape}{at(user_location())}")
    if x.dtype.kind == "c":
        return x.map(lambda part: broadcast_to(part, shape))
    trace = x.owner
    return TracedArray(trace, node_as(trace, x, x.dtype, shape))


def flip(x: Any, axis: Any = None) -> TracedArray:
    from diffsci.tracing.lenses import FlipLens

    x = traced(x)
    return x.view(FlipLens(normal_axes(axis, x.ndim)))


def restore_axes(x: TracedArray, axes: tuple[int, ...], shape: tuple[int, ...]) -> TracedArray:
    """keepdims: put reduced axes back as axes of one."""
    return x.reshaped(tuple(1 if axis in axes else n for axis, n in enumerate(shape)))


def reduce(
    name: str, x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None, **params: Any
) -> TracedArray:
    """Apply a reduction over axes with NumPy's conventions."""
    x = traced(x)
    if dtype is not None:
        x = convert(x, dtype)
    elif x.dtype == BOOL and name in ("sum", "prod"):
        x = convert(x, INT)
    elif x.dtype != BOOL and name in ("any", "all"):
        x = truth(x)
    if x.dtype == BOOL and name in ("max", "min"):
        name = "any" if name == "max" else "all"
    total = reduced(name, x, axis, keepdims) if type(x) is Selected else None
    if total is not None:
        return total
    axes = normal_axes(axis, x.ndim)
    if name in ("max", "min") and any(x.shape[a] == 0 for a in axes):
        raise ValueError(
            f"zero-size array to reduction operation {name} which has no identity{at(user_location())}"
        )
    result = bind(name, x, axes=axes, **params)
    if keepdims:
        return restore_axes(result, axes, x.shape)
    result.scalar = result.shape == ()
    return result


def contract(x: Any, y: Any, spec: tuple[str, str, str]) -> TracedArray:
    """Contract two operands of one dtype."""
    x, y = common([x, y])
    if x.dtype == BOOL:
        x, y = convert(x, INT), convert(y, INT)
    result = bind("contract", x, y, spec=spec)
    result.scalar = result.shape == ()
    return result


def where(condition: Any, x: Any, y: Any) -> TracedArray:
    condition = truth(condition)
    x, y = as_operand(x), as_operand(y)
    operands = (condition, x, y)
    box = boxed(where, operands)
    if box is not None:
        return box
    trace = innermost(operands)
    shape = _broadcast_shape(operands)
    dtype = promoted(x, y)
    if dtype.kind == "c":
        return _complex().where(condition, x, y)
    return bind(
        "select",
        TracedArray(trace, node_as(trace, condition, BOOL, shape)),
        TracedArray(trace, node_as(trace, x, dtype, shape)),
        TracedArray(trace, node_as(trace, y, dtype, shape)),
    ).laid_out_like(operands)
