"""Small functions that shown programs use: their source is copied in front of the program."""

import numpy as np


def broadcast(x, shape, axes):
    """Repeat x, whose axes become these axes of the shape."""
    full = [1] * len(shape)
    for n, axis in zip(np.shape(x), axes, strict=True):
        full[axis] = n
    return np.broadcast_to(np.reshape(x, full), shape)


def pad(x, low, high, interior):
    """Surround x with zeros, and put zeros between its elements."""
    spans = [n + (n - 1) * gap if n else 0 for n, gap in zip(x.shape, interior, strict=True)]
    out = np.zeros([a + s + b for a, s, b in zip(low, spans, high, strict=True)], x.dtype)
    ends = [a + s for a, s in zip(low, spans, strict=True)]
    out[tuple(slice(a, e, gap + 1) for a, e, gap in zip(low, ends, interior, strict=True))] = x
    return out


def set_slice(base, value, start, step):
    """Write value into a copy of base, at every step-th element from the start."""
    out = np.array(base)
    ends = [a + (n - 1) * s + 1 if n else a for a, s, n in zip(start, step, value.shape, strict=True)]
    out[tuple(slice(*bounds) for bounds in zip(start, ends, step, strict=True))] = value
    return out


def place(*boxes, shape, starts, strides):
    """Fill an array of this shape: each box goes to its start and on by strides, counted in elements."""
    out = np.zeros(int(np.prod(shape)), boxes[0].dtype)
    for box, start, steps in zip(boxes, starts, strides, strict=True):
        memory = tuple(step * out.itemsize for step in steps)
        np.lib.stride_tricks.as_strided(out[start:], box.shape, memory)[...] = box
    return out.reshape(shape)


def put(base, index, value, axis):
    """Write value into a copy of base, at these places of the axis."""
    out = np.array(base)
    out[(slice(None),) * axis + (index,)] = value
    return out


def put_add(base, index, value, axis):
    """Add value to a copy of base, at these places of the axis."""
    out = np.array(base)
    np.add.at(out, (slice(None),) * axis + (index,), value)
    return out


def cumsum(x, axis, reverse):
    """Sum up, from the end if reverse."""
    return np.flip(np.cumsum(np.flip(x, axis), axis), axis) if reverse else np.cumsum(x, axis)


def run_loop(step, goes_on, x, roles, out_roles, length, reverse):
    """Repeat a step: (k, inputs) -> outputs. Return the outputs, and the number of steps at the end.

    An input is the same in every step ("const"), handed on ("carry"), or a row of an array ("item"); an
    output is handed on or becomes a row.
    """
    current, rows, k = list(x), [[] for role in out_roles if role == "item"], 0
    while k < length if goes_on is None else goes_on(np.int64(k), *current)[0]:
        row = length - 1 - k if reverse else k
        out = step(np.int64(k), *of_step(current, roles, row))
        carried = iter(having("carry", out, out_roles))
        current = [next(carried) if role == "carry" else v for v, role in zip(current, roles, strict=True)]
        for found, value in zip(rows, having("item", out, out_roles), strict=True):
            found.append(value)
        k += 1
    carried = iter(having("carry", current, roles))
    stacked = iter([np.array(found[::-1] if reverse else found) for found in rows])
    return (*(next(carried if role == "carry" else stacked) for role in out_roles), k)


def pull_loop(step, adjoint, x, cotangents, roles, out_roles, length, reverse):
    """Go back through a loop: return the cotangents of its real inputs.

    `cotangents` has one entry per output, None for integers. `adjoint` is the step backward: (k, inputs,
    cotangents of carries, of rows, sums of those of what is the same in every step) -> the same before it.
    """
    current, states = list(x), []
    for k in range(length):
        states.append(of_step(current, roles, length - 1 - k if reverse else k))
        carried = iter(having("carry", step(np.int64(k), *states[-1]), out_roles))
        current = [next(carried) if role == "carry" else v for v, role in zip(current, roles, strict=True)]
    real = [np.asarray(value).dtype.kind == "f" for value in x]
    back = {
        role: [np.zeros_like(v) for v, r, flag in zip(x, roles, real, strict=True) if r == role and flag]
        for role in ("const", "item")
    }
    back["carry"] = [ct for ct in having("carry", cotangents, out_roles) if ct is not None]
    above = [ct for ct in having("item", cotangents, out_roles) if ct is not None]
    for k in reversed(range(length)):
        row = length - 1 - k if reverse else k
        given = [ct[row] for ct in above]
        found = list(adjoint(np.int64(k), *states[k], *back["carry"], *given, *back["const"]))
        carries, sums = len(back["carry"]), len(back["const"])
        back["carry"], back["const"] = found[:carries], found[carries : carries + sums]
        for target, value in zip(back["item"], found[carries + sums :], strict=True):
            target[row] = value
    pending = {role: iter(values) for role, values in back.items()}
    return tuple(next(pending[role]) for role, flag in zip(roles, real, strict=True) if flag)


def of_step(x, roles, row):
    """What a step sees of the inputs of its loop."""
    return [value[row] if role == "item" else value for value, role in zip(x, roles, strict=True)]


def having(role, values, roles):
    """The values that have this role."""
    return [value for value, found in zip(values, roles, strict=True) if found == role]
