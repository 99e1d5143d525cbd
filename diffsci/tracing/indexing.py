"""x[key] and x[key] = value, with NumPy's rules for views and copies.

Basic keys (integers, slices, None, Ellipsis) give views. Integer arrays and masks known while
tracing go through the flat positions that NumPy itself selects; integer indices that depend on
inputs become gathers and scatters; a mask that depends on inputs is a `select` where it is only
written with one value, and otherwise holds the program to the mask seen.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from diffsci.graph import lookup
from diffsci.source import at, user_location
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.lenses import FlipLens, ReshapeLens, SliceLens
from diffsci.tracing.runs import take_known
from diffsci.tracing.selection import Selected
from diffsci.tracing.trace import bind, escaped

_ALL = slice(None)
SLICE, RESHAPE, SET_SLICE = lookup("slice"), lookup("reshape"), lookup("set_slice")

__all__ = ["get", "places", "put", "put_add"]


def get(x: TracedArray, key: Any) -> TracedArray:
    """Return x[key]."""
    if x.owner.closed:
        raise escaped()
    place = _place(x, key)
    if place is not None:
        return _element(x, place)
    parts = _parts(x, key)
    if _is_basic(parts):
        return _basic(x, parts, as_view=_has_ellipsis(key))
    if _is_own_mask(x, parts) and isinstance(parts[0], TracedArray):
        return Selected(x.fresh(), parts[0].fresh())
    dynamic = _dynamic(parts)
    if dynamic is None:
        along = _one_axis(parts)
        if along is not None:
            return _taken_along(x, parts, along)
        positions = _positions(x, tuple(parts))
        return _taken(_flat(x), positions)
    x, index, axis = _dynamic_index(x, parts, dynamic)
    result = bind("take", x, index, axis=axis)
    result.scalar = result.shape == ()
    return result


def put(x: TracedArray, key: Any, value: Any) -> None:
    """x[key] = value; the value is read before anything is written."""
    if x.owner.closed:
        raise escaped()
    place = _place(x, key)
    if place is not None:
        _put_element(x, place, ops.as_operand(value))
        return
    parts = _parts(x, key)
    value = ops.as_operand(value)
    if _is_basic(parts):
        view = _basic(x, parts, as_view=True)
        view.write(_fitted(x, value, view.shape))
        return
    if _is_own_mask(x, parts) and (_is_under(parts[0], value) or ops.shape_of(value) == ()):
        value = value.full if _is_under(parts[0], value) else value
        fitted = TracedArray(x.owner, _fitted(x, value, x.shape))
        x.write(_in_trace(x, ops.where(parts[0], fitted, x)))
        return
    _scatter(x, parts, value, "put")


def _place(x: TracedArray, key: Any) -> tuple[int, ...] | None:
    """Return the place of a single element, None for any other key: the commonest key needs no view."""
    keys = key if type(key) is tuple else (key,)
    shape = x.shape
    if len(keys) != len(shape):
        return None
    for k, n in zip(keys, shape, strict=True):
        if type(k) is not int or not -n <= k < n:
            return None
    return tuple([k % n for k, n in zip(keys, shape, strict=True)])


def _element(x: TracedArray, place: tuple[int, ...]) -> TracedArray:
    trace, ones = x.owner, (1,) * len(place)
    params = {"start": place, "stop": tuple([k + 1 for k in place]), "step": ones}
    piece = trace.bind(SLICE, (x.read(),), params)
    return TracedArray(trace, trace.bind(RESHAPE, (piece,), {"shape": ()}), True)


def _put_element(x: TracedArray, place: tuple[int, ...], value: Any) -> None:
    trace, ones = x.owner, (1,) * len(place)
    piece = trace.bind(RESHAPE, (_fitted(x, value, ()),), {"shape": ones})
    x.write(trace.bind(SET_SLICE, (x.read(), piece), {"start": place, "step": ones}))


def put_add(x: TracedArray, key: Any, value: Any) -> None:
    """np.add.at(x, key, value): repeated indices accumulate."""
    if x.in_parts:
        x.put_add(key, value)
        return
    parts = _parts(x, key)
    if _is_basic(parts):
        view = _basic(x, parts, as_view=True)
        view.write(_fitted(x, ops.arithmetic("add", view, value), view.shape))
        return
    _scatter(x, parts, ops.as_operand(value), "put_add")


def places(x: TracedArray, key: Any) -> np.ndarray:
    """Return the flat positions that x[key] selects, held to those seen."""
    parts = [part.pinned() if isinstance(part, TracedArray) else part for part in _parts(x, key)]
    return _positions(x, tuple(parts))


def _parts(x: TracedArray, key: Any) -> list:
    """Return the key as a list, Ellipsis written out, sequences as arrays."""
    if type(key) is int and x.ndim:
        return [key, *[_ALL] * (x.ndim - 1)]
    parts = list(key) if isinstance(key, tuple) else [key]
    parts = [_part(part) for part in parts]
    used = sum(_axes_used(part) for part in parts)
    if used > x.ndim:
        raise IndexError(
            f"too many indices: array is {x.ndim}-dimensional, but {used} were indexed{at(user_location())}"
        )
    dots = [k for k, part in enumerate(parts) if part is Ellipsis]
    if len(dots) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    fill = [_ALL] * (x.ndim - used)
    position = dots[0] if dots else len(parts)
    return parts[:position] + fill + parts[position + 1 :]


def _part(part: Any) -> Any:
    if part is None or part is Ellipsis or isinstance(part, slice):
        return part
    if isinstance(part, TracedArray):
        return _settled(part)
    if isinstance(part, (list, tuple)):
        part = ops.as_array(part) if ops.contains_traced(part) else np.asarray(part)
        return _settled(part) if isinstance(part, TracedArray) else _index_array(part)
    if isinstance(part, np.ndarray):
        return _index_array(part)
    if isinstance(part, (bool, np.bool_)):
        return np.asarray(part)
    try:
        return operator.index(part)
    except TypeError:
        raise IndexError(
            f"arrays are indexed by integers, slices, ellipsis, None, integer or boolean arrays, "
            f"not {type(part).__name__}{at(user_location())}"
        ) from None


def _index_array(part: np.ndarray) -> Any:
    if part.size == 0 and part.dtype.kind == "f":
        part = part.astype(np.int64)
    if part.dtype.kind not in "iub":
        raise IndexError(f"arrays used as indices must be of integer or boolean type{at(user_location())}")
    return int(part) if part.ndim == 0 and part.dtype.kind in "iu" else part


def _settled(part: TracedArray) -> Any:
    """Return a traced index, or its value if it is constant."""
    if part.dtype.kind not in "ib":
        raise IndexError(f"arrays used as indices must be of integer or boolean type{at(user_location())}")
    return _index_array(part.constant()) if part.is_const else part


def _axes_used(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    if isinstance(part, (TracedArray, np.ndarray)) and part.dtype.kind == "b":
        return part.ndim
    return 1


def _is_basic(parts: list) -> bool:
    return all(part is None or isinstance(part, (int, slice)) for part in parts)


def _is_own_mask(x: TracedArray, parts: list) -> bool:
    return (
        len(parts) == 1
        and isinstance(parts[0], (TracedArray, np.ndarray))
        and parts[0].dtype.kind == "b"
        and parts[0].shape == x.shape
    )


def _is_under(mask: Any, value: Any) -> bool:
    """Tell whether a value is a selection under this very mask."""
    if not (type(value) is Selected and value.is_open and isinstance(mask, TracedArray)):
        return False
    return value.mask.read() is mask.read()


def _has_ellipsis(key: Any) -> bool:
    """Tell whether a key has an Ellipsis: then a single element is a 0-d view, not a number."""
    return any(part is Ellipsis for part in (key if isinstance(key, tuple) else (key,)))


def _basic(x: TracedArray, parts: list, as_view: bool = False) -> TracedArray:
    start, stop, step, flips, shape = [], [], [], [], []
    extents, axis = x.shape, 0
    for part in parts:
        if part is None:
            shape.append(1)
            continue
        first, last, stride, backwards, length = _bounds(part, extents[axis], axis)
        start.append(first)
        stop.append(last)
        step.append(stride)
        if backwards:
            flips.append(axis)
        if length is not None:
            shape.append(length)
        axis += 1
    view = x
    if tuple(stop) != extents or any(start) or step.count(1) != len(step):
        view = view.view(SliceLens(tuple(start), tuple(stop), tuple(step)))
    if flips:
        view = view.view(FlipLens(tuple(flips)))
    if tuple(shape) != view.shape:  # axes of one element come or go: a view, whatever lies below
        view = view.view(ReshapeLens(tuple(shape)))
    elif view is x:
        view = view.reshaped(extents)
    if not as_view and shape == [] and x.ndim > 0:
        return TracedArray(x.owner, view.read(), scalar=True)
    return view


def _bounds(part: Any, n: int, axis: int):
    """Return (start, stop, step, backwards, length) with a positive step; no length for an integer."""
    if isinstance(part, int):
        if not -n <= part < n:
            raise IndexError(
                f"index {part} is out of bounds for axis {axis} with size {n}{at(user_location())}"
            )
        return part % n, part % n + 1, 1, False, None
    if part.start is None and part.stop is None and part.step is None:
        return 0, n, 1, False, n
    indices = range(*slice(*(_bound(b) for b in (part.start, part.stop, part.step))).indices(n))
    length = len(indices)
    if length == 0:
        return 0, 0, 1, False, 0
    low, high = min(indices[0], indices[-1]), max(indices[0], indices[-1])
    return low, high + 1, abs(indices.step), indices.step < 0, length


def _bound(bound: Any) -> int | None:
    return None if bound is None else operator.index(bound)


def _dynamic(parts: list) -> int | None:
    """Return the place of the first index that depends on inputs, or None if all are known."""
    traced = [k for k, part in enumerate(parts) if isinstance(part, TracedArray)]
    if not traced:
        return None
    if len(traced) == 1 and parts[traced[0]].dtype.kind == "b":
        parts[traced[0]] = parts[traced[0]].pinned()
        return None
    return traced[0]


def _positions(x: TracedArray, key: tuple) -> np.ndarray:
    """Return the flat positions that NumPy selects, as an array of the result's shape."""
    return np.arange(x.size).reshape(x.shape)[key]


def _flat(x: TracedArray) -> TracedArray:
    return TracedArray(x.owner, ops.reshape(x, (x.size,)).read())


def _taken(flat: TracedArray, positions: Any) -> TracedArray:
    result = bind("take", flat, positions, axis=0)
    result.scalar = result.shape == ()
    return result


def _one_axis(parts: list) -> int | None:
    """Return the axis that one known list of integers indexes, all others being indexed by slices."""
    arrays = [axis for axis, part in enumerate(parts) if isinstance(part, np.ndarray)]
    if len(arrays) != 1 or any(isinstance(part, TracedArray) or part is None for part in parts):
        return None
    index = parts[arrays[0]]
    slices = all(isinstance(part, slice) for axis, part in enumerate(parts) if axis != arrays[0])
    return arrays[0] if slices and index.ndim == 1 and index.dtype.kind in "iu" else None


def _taken_along(x: TracedArray, parts: list, axis: int) -> TracedArray:
    index = _wrapped(parts[axis], x.shape[axis])
    outer = [slice(None) if k == axis else part for k, part in enumerate(parts)]
    return take_known(_basic(x, outer), index, axis)


def _dynamic_index(x: TracedArray, parts: list, first: int):
    """Return (array, non-negative index, axis) for indices that depend on inputs."""
    advanced = [k for k, part in enumerate(parts) if not (part is None or isinstance(part, slice))]
    if any(part is None for part in parts) or any(
        not isinstance(parts[k], int) and parts[k].dtype.kind == "b" for k in advanced
    ):
        raise ops.unsupported("mixing traced indices with masks or None", "index in two steps")
    if advanced != list(range(advanced[0], advanced[-1] + 1)):
        raise ops.unsupported("traced indices separated by slices", "transpose first")
    axis, last = advanced[0], advanced[-1]
    outer = [slice(None) if k in advanced else part for k, part in enumerate(parts)]
    x = _basic(x, outer)
    merged = int(np.prod(x.shape[axis : last + 1], dtype=np.int64))
    index: Any = 0
    for k in advanced:
        n = x.shape[k]
        index = ops.arithmetic("add", ops.arithmetic("mul", index, n), _wrapped(parts[k], n))
    return ops.reshape(x, (*x.shape[:axis], merged, *x.shape[last + 1 :])), ops.traced(index), axis


def _wrapped(index: Any, n: int) -> Any:
    """Negative indices count from the end; the program holds while all are in range."""
    if not isinstance(index, TracedArray):
        known = np.asarray(index)
        if known.size and not (-n <= known.min() and known.max() < n):
            raise _out_of_bounds(n)
        return np.where(known < 0, known + n, known)
    below = ops.compare("lt", index, 0)
    outside = ops.logical("logical_or", ops.compare("lt", index, -n), ops.compare("ge", index, n)).any()
    error = _out_of_bounds(n)
    if outside.owner.guard(outside.read(), error):
        raise error
    return ops.where(below, ops.arithmetic("add", index, n), index)


def _out_of_bounds(n: int) -> IndexError:
    return IndexError(f"index out of bounds for axis with size {n}{at(user_location())}")


def _fitted(x: TracedArray, value: Any, shape: tuple[int, ...]):
    """Return the node of a value cast to x's dtype and broadcast to a shape."""
    given = ops.shape_of(value)
    if len(given) > len(shape) and all(n == 1 for n in given[: len(given) - len(shape)]):
        value = ops.reshape(value, given[len(given) - len(shape) :])
        given = value.shape
    fits = len(given) <= len(shape) and all(
        n in (1, m) for n, m in zip(given[::-1], shape[::-1], strict=False)
    )
    if not fits:
        raise ValueError(
            f"could not broadcast input array from shape {given} into shape {shape}{at(user_location())}"
        )
    if is_complex(value):
        raise TypeError(
            f"cannot write complex values into a {x.dtype} array{at(user_location())}: write .real, or "
            "create the array with dtype=complex"
        )
    if isinstance(value, TracedArray):
        if value.owner is not x.owner and value.owner.level > x.owner.level:
            raise ops.unsupported(
                "writing a value of an inner function into an array of an outer one",
                "write into a copy (x = x.copy()), or return the value and write it outside",
            )
        if value.dtype.kind in "fc" and x.dtype.kind in "ib" and not value.is_const:
            raise ops.unsupported(
                f"writing a traced float into an array of {x.dtype}",
                "it would lose its derivative; create the array with dtype=float",
            )
    return ops.node_as(x.owner, value, x.dtype, shape)


def _in_trace(x: TracedArray, value: TracedArray):
    if value.owner is not x.owner:
        raise ops.unsupported(
            "writing a value of an inner function into an array of an outer one",
            "write into a copy (x = x.copy()), or return the value and write it outside",
        )
    return value.read()


def _scatter(x: TracedArray, parts: list, value: Any, how: str) -> None:
    dynamic = _dynamic(parts)
    if dynamic is None:
        positions = _positions(x, tuple(parts))
        base, index, axis = _flat(x), ops.traced(positions), 0
    else:
        base, index, axis = _dynamic_index(x, parts, dynamic)
        if base.size != x.size:
            raise ops.unsupported("writing at traced indices within a slice", "write to the whole axis")
    shape = base.shape[:axis] + index.shape + base.shape[axis + 1 :]
    fitted = TracedArray(x.owner, _fitted(x, value, shape))
    written = bind(how, base, index, fitted, axis=axis)
    x.write(_in_trace(x, ops.reshape(written, x.shape)))
