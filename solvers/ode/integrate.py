"""The adaptive loop: one compiled function that drives any one-step method with an error estimate."""

from __future__ import annotations

import numpy as np

from diffsci.native.memory import copy_bytes, start_of, view
from diffsci.native.translating import relaxed
from solvers.ode.codes import (
    ALPHA,
    ATTEMPTS,
    BETA,
    DENSE_OUT,
    DIRECTION,
    DONE,
    ERROR_BEFORE,
    GROW,
    LAST_REJECTED,
    MAX_FACTOR,
    MAX_STEP,
    MAX_STEPS,
    MIN_FACTOR,
    N_DENSE,
    N_ERRORS,
    NEED_PATH,
    NEXT_EVAL,
    NON_FINITE,
    PROGRAM_FAILED,
    RECORD,
    RECORD_DENSE,
    REJECTED,
    ROW,
    ROW_STEP,
    RTOL,
    RUNNING,
    SAFETY,
    SHRINK,
    SIZE,
    STATUS,
    STEP_OUT,
    STEP_SIZE,
    STEPS,
    T_END,
    TIME,
    TOO_MANY_STEPS,
    TRIED,
    UNDERFLOW,
    Y_ADDRESS,
)
from solvers.ode.native import is_finite, redirect, run_program

# The least tolerance of a component: one that stays at zero without an absolute tolerance has no error.
_TINY = float(np.finfo(float).tiny)


@relaxed("contract")
def _scaled_square(error, y, y_new, atol, rtol):
    """Sum of squares of the error over its tolerance; NaN if the result is not finite."""
    total = 0.0
    spoiled = 0.0
    if atol.size == 1:
        a = atol[0]
        for i in range(y.size):
            ratio = error[i] / max(a + rtol * max(abs(y[i]), abs(y_new[i])), _TINY)
            total += ratio * ratio
            spoiled += y_new[i] - y_new[i]
    else:
        for i in range(y.size):
            ratio = error[i] / max(atol[i] + rtol * max(abs(y[i]), abs(y_new[i])), _TINY)
            total += ratio * ratio
            spoiled += y_new[i] - y_new[i]
    return total + spoiled


def error_norm(errors, n_errors, y, y_new, atol, rtol):
    """Root mean square of the scaled error; two estimates are combined as in Hairer's DOP853."""
    n = y.size
    first = _scaled_square(errors[:n], y, y_new, atol, rtol)
    if n_errors == 1:
        return np.sqrt(first / n)
    second = _scaled_square(errors[n : 2 * n], y, y_new, atol, rtol)
    denominator = first + 0.01 * second
    if denominator == 0.0:
        return 0.0
    return first / np.sqrt(denominator * n)


def basis_weights(theta, weights):
    """Values of the nested basis of the interpolants (see `tableaus.records.basis`)."""
    factor = 1.0
    for j in range(weights.size):
        factor *= theta if j % 2 == 0 else 1.0 - theta
        weights[j] = factor


def interpolate(y, coefficients, weights, out):
    """Write y + sum_j weights[j] coefficients[j] to ``out``."""
    n = y.size
    for i in range(n):
        out[i] = y[i]
    for j in range(weights.size):
        w = weights[j]
        c = coefficients[j * n : (j + 1) * n]
        for i in range(n):
            out[i] += w * c[i]


def euler(out, y, h, slope):
    """Write y + h slope to ``out``."""
    for i in range(out.size):
        out[i] = y[i] + h * slope[i]


def subtract(total, other):
    """Subtract an array from another one of the same size."""
    for i in range(total.size):
        total[i] -= other[i]


def rms(values, scale_of, atol, rtol):
    """Root mean square of values over the tolerances of a state."""
    total = 0.0
    for i in range(values.size):
        a = atol[0] if atol.size == 1 else atol[i]
        ratio = values[i] / max(a + rtol * abs(scale_of[i]), _TINY)
        total += ratio * ratio
    return np.sqrt(total / values.size)


def initial_step(addresses, slots, y, work, t_h, reals, atol, order, counts):
    """Starting step size of Hairer, Norsett and Wanner (section II.4), as SciPy uses it.

    ``slots`` are those of the right-hand side with inputs t, y and the output behind all inputs at
    ``counts[1]``; ``work`` has three rows: f0, y1, f1. Returns NaN if the right-hand side is not finite at
    the start, and writes the program's status to ``counts[0]``.
    """
    t0, direction, rtol = t_h[0], reals[DIRECTION], reals[RTOL]
    out = counts[1]
    stride = work.shape[1] * work.itemsize
    base = start_of(work)
    redirect(slots, 1, start_of(y), 1, stride)
    redirect(slots, out, base, 1, stride)
    counts[0] = run_program(addresses, slots)
    if counts[0] != 0:
        return 0.0
    f0, y1, f1 = work[0], work[1], work[2]
    if not is_finite(f0):
        return np.nan
    interval = abs(reals[T_END] - t0)
    d0 = rms(y, y, atol, rtol)
    d1 = rms(f0, y, atol, rtol)
    h0 = 1e-6 if d0 < 1e-5 or d1 < 1e-5 else 0.01 * d0 / d1
    h0 = min(h0, interval, reals[MAX_STEP])
    if h0 == 0.0 or not np.isfinite(h0):  # a component that starts at zero with no absolute tolerance
        h0 = min(1e-6, interval, reals[MAX_STEP])
    euler(y1, y, h0 * direction, f0)
    t_h[0] = t0 + h0 * direction
    redirect(slots, 1, base + stride, 1, stride)
    redirect(slots, out, base + 2 * stride, 1, stride)
    status = run_program(addresses, slots)
    t_h[0] = t0
    if status != 0:  # the first steps will find their way; a short one is a safe start
        return h0 * 1e-2
    subtract(f1, f0)
    d2 = rms(f1, y, atol, rtol) / h0
    if d1 <= 1e-15 and d2 <= 1e-15:
        h1 = max(1e-6, h0 * 1e-3)
    else:
        h1 = (0.01 / max(d1, d2)) ** (1.0 / (order + 1.0))
    if not np.isfinite(h1) or h1 == 0.0:
        h1 = h0 * 1e-2
    return min(100.0 * h0, h1, interval, reals[MAX_STEP])


def integrate(
    step, step_slots, dense, dense_slots, settings, reals, atol, counts, state, t_h, errors, coefficients,
    weights, rows, dense_rows, times, evals, outputs, chunk,
):  # fmt: skip
    """Take up to ``chunk`` steps and say why they ended (see `codes`); everything is kept for the next call.

    Parameters
    ----------
    step, step_slots, dense, dense_slots : int64 arrays
        Addresses and slot tables of the programs (t, h, y, ...) -> (y_new, errors) and -> coefficients.
    settings, reals, counts, state : arrays
        As named in `codes`.
    t_h : float64 array
        The two numbers that the programs read as t and h.
    rows : array of shape (rows, n)
        Where states go: every accepted one with RECORD, else two rows that take turns.
    dense_rows : array
        With RECORD_DENSE, a row of interpolation coefficients for every row of `rows`.
    times : float64 array
        Ends of the accepted steps.
    evals, outputs : arrays
        Output times in order of integration and the states there.
    """
    n = settings[SIZE]
    item = rows.itemsize
    row_bytes = n * item
    direction, t_end, rtol = reals[DIRECTION], reals[T_END], reals[RTOL]
    record = settings[RECORD]
    for _ in range(chunk):
        t = state[TIME]
        if t == t_end:
            return DONE
        if counts[STEPS] >= settings[MAX_STEPS]:
            return TOO_MANY_STEPS
        if counts[ROW_STEP] == times.size or (record and counts[ROW] == rows.shape[0]):
            return GROW
        if counts[ROW] == rows.shape[0]:
            counts[ROW] = 0
        smallest = 10.0 * abs(np.nextafter(t, direction * np.inf) - t)
        size = min(max(state[STEP_SIZE], smallest), reals[MAX_STEP])
        if size * 1.01 >= abs(t_end - t):
            t_new = t_end
        else:
            t_new = t + direction * size
        h = t_new - t
        t_h[0] = t
        t_h[1] = h
        state[TRIED] = h
        new_address = start_of(rows) + counts[ROW] * row_bytes
        redirect(step_slots, 2, counts[Y_ADDRESS], 1, row_bytes)
        redirect(step_slots, settings[STEP_OUT], new_address, 1, row_bytes)
        status = run_program(step, step_slots)
        if status > 0:
            counts[STATUS] = status
            return NEED_PATH
        counts[ATTEMPTS] += 1
        y = view(counts[Y_ADDRESS], n, rows)
        y_new = rows[counts[ROW]]
        if status < 0:
            counts[STATUS] = status
            return PROGRAM_FAILED
        error = error_norm(errors, settings[N_ERRORS], y, y_new, atol, rtol)
        if not error <= 1.0:
            counts[REJECTED] += 1
            counts[LAST_REJECTED] = 1
            finite = np.isfinite(error)
            if size <= smallest:
                return UNDERFLOW if finite else NON_FINITE
            factor = reals[MIN_FACTOR]
            if finite:
                factor = max(factor, reals[SAFETY] * error ** reals[SHRINK])
            state[STEP_SIZE] = max(abs(h) * factor, smallest)
            continue

        if error == 0.0:
            factor = reals[MAX_FACTOR]
        else:
            factor = reals[SAFETY] * error ** reals[ALPHA] * state[ERROR_BEFORE] ** reals[BETA]
            factor = min(reals[MAX_FACTOR], max(reals[MIN_FACTOR], factor))
        if counts[LAST_REJECTED]:
            factor = min(1.0, factor)
        next_eval = counts[NEXT_EVAL]
        inside = next_eval < evals.size and direction * (evals[next_eval] - t_new) < 0.0
        if inside or settings[RECORD_DENSE]:
            redirect(dense_slots, 2, counts[Y_ADDRESS], 1, row_bytes)
            target = start_of(coefficients)
            if settings[RECORD_DENSE]:
                target = start_of(dense_rows) + counts[ROW] * row_bytes * settings[N_DENSE]
            redirect(dense_slots, settings[DENSE_OUT], target, 1, 0)
            status = run_program(dense, dense_slots)
            if status != 0:
                counts[STATUS] = status
                return NEED_PATH if status > 0 else PROGRAM_FAILED
            curve = view(target, n * settings[N_DENSE], rows)
            while next_eval < evals.size and direction * (evals[next_eval] - t_new) < 0.0:
                basis_weights((evals[next_eval] - t) / h, weights)
                interpolate(y, curve, weights, outputs[next_eval])
                next_eval += 1
        while next_eval < evals.size and evals[next_eval] == t_new:
            copy_bytes(start_of(outputs) + next_eval * row_bytes, new_address, row_bytes)
            next_eval += 1
        counts[NEXT_EVAL] = next_eval
        times[counts[ROW_STEP]] = t_new
        counts[ROW_STEP] += 1
        state[STEP_SIZE] = abs(h) * factor
        state[ERROR_BEFORE] = max(error, 1e-4)
        state[TIME] = t_new
        counts[LAST_REJECTED] = 0
        counts[Y_ADDRESS] = new_address
        counts[STEPS] += 1
        counts[ROW] += 1
    return DONE if state[TIME] == t_end else RUNNING
