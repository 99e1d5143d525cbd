"""The replaying loop: frozen steps forward, and backward over a checkpoint schedule.

A state may have several components of the same size: the state itself and its tangents. All of them lie
behind each other in one block, so a state is one address whatever the order of differentiation.
"""

from __future__ import annotations

from diffsci.native.memory import copy_bytes, start_of, view
from solvers.ode.codes import (
    ADVANCED,
    CURRENT,
    DONE,
    FINISH,
    HIGH,
    LAMBDA,
    NEED_PATH,
    NON_FINITE,
    POSITION,
    PROGRAM_FAILED,
    R_CHECK,
    R_COMPONENTS,
    R_DENSE_VJP_OUT,
    R_FIRST_OUT,
    R_SIZE,
    R_STATUS,
    R_STEP_OUT,
    R_VJP_OUT,
    REVERSED,
    RUNNING,
    SUBSTEP,
)
from solvers.ode.integrate import basis_weights, interpolate
from solvers.ode.native import accumulate, is_finite, redirect, run_program

# The codes of diffsci.schedules.actions, as constants that a compiled loop can see.
_FORWARD, _STORE, _LOAD, _REVERSE, _DISCARD = 0, 1, 2, 3, 4


def add_scaled(total, weight, added):
    """Add a multiple of an array to another one."""
    for i in range(total.size):
        total[i] += weight * added[i]


def _free_block(blocks, current, other):
    """Find a block that holds neither the working state nor the adjoint."""
    for k in range(blocks.size):
        if blocks[k] != current and blocks[k] != other:
            return blocks[k]
    return blocks[0]


def _emit(
    step, current, after, settings, t_h, t_new, dense, dense_slots, curve, weights, evals, first, outputs
):
    """Write the output points ``first[step]:first[step + 1]`` of one step; return the program's status."""
    n, components = settings[R_SIZE], settings[R_COMPONENTS]
    stride = n * curve.itemsize
    filled = False
    for e in range(first[step], first[step + 1]):
        if evals[e] == t_new:
            for c in range(settings[R_FIRST_OUT], components):
                target = outputs[c - settings[R_FIRST_OUT], e]
                copy_bytes(start_of(target), after + c * stride, stride)
            continue
        if not filled:
            redirect(dense_slots, 2, current, components, stride)
            status = run_program(dense, dense_slots)
            if status != 0:
                return status
            filled = True
        basis_weights((evals[e] - t_h[0]) / t_h[1], weights)
        for c in range(settings[R_FIRST_OUT], components):
            y = view(current + c * stride, n, curve)
            interpolate(y, curve[c], weights, outputs[c - settings[R_FIRST_OUT], e])
    return 0


def _add_cotangents(step, target, interior, settings, t_new, evals, first, cotangents):
    """Add the cotangents of the output points of a step, those inside it or those at its end."""
    n = settings[R_SIZE]
    stride = n * cotangents.itemsize
    for e in range(first[step], first[step + 1]):
        if (evals[e] != t_new) == interior:
            for c in range(settings[R_COMPONENTS]):
                accumulate(view(target + c * stride, n, cotangents), cotangents[c, e])


def _curve_cotangents(step, settings, t_h, t_new, evals, first, cotangents, weights, curve_bar):
    """Cotangents of the interpolation coefficients of a step; False if it has no output inside."""
    n = settings[R_SIZE]
    inside = False
    for e in range(first[step], first[step + 1]):
        if evals[e] == t_new:
            continue
        if not inside:
            curve_bar[:] = 0.0
            inside = True
        basis_weights((evals[e] - t_h[0]) / t_h[1], weights)
        for c in range(settings[R_COMPONENTS]):
            added = cotangents[c, e]
            for j in range(weights.size):
                add_scaled(curve_bar[c, j * n : (j + 1) * n], weights[j], added)
    return inside


def replay(
    actions, slots, blocks, settings, counts, times, t_h,
    step, step_slots, dense, dense_slots, vjp, vjp_slots, dense_vjp, dense_vjp_slots,
    curve, weights, evals, first, outputs, cotangents, curve_bar, parameter_step, parameter_sum, budget,
):  # fmt: skip
    """Execute actions until they are done or about ``budget`` steps have been taken.

    Parameters
    ----------
    actions : int64 array of shape (actions, 3)
        Encoded actions (see `diffsci.schedules.encode`).
    slots, blocks : int64 arrays
        Addresses of the states that the schedule keeps, and of the three blocks that hold the working state
        and the adjoint in turn. States are passed on by address, never copied.
    settings, counts : int64 arrays
        As named in `codes`.
    times : float64 array
        Ends of all steps, the initial time first.
    step, ..., dense_vjp_slots : int64 arrays
        Addresses and slot tables of the programs.
    evals, first, outputs, cotangents : arrays
        Output times, the first of them behind each step's start, the outputs and their cotangents; the last
        two of shape (components, times, n).
    parameter_step, parameter_sum : arrays
        Cotangents of all parameters for one step, and their sum.
    """
    components = settings[R_COMPONENTS]
    stride = settings[R_SIZE] * curve.itemsize
    block_bytes = components * stride
    while counts[POSITION] < actions.shape[0]:
        action = actions[counts[POSITION]]
        code, a, b = action[0], action[1], action[2]  # unpacking an array could raise
        if code in (_FORWARD, FINISH):
            last = a + 1 if code == FINISH else b
            while a + counts[SUBSTEP] < last:
                if budget <= 0:
                    return RUNNING
                k = a + counts[SUBSTEP]
                t_h[0], t_h[1] = times[k], times[k + 1] - times[k]
                current = counts[CURRENT]
                after = _free_block(blocks, current, counts[LAMBDA])
                next_one = counts[POSITION] + 1
                if k + 1 == last and next_one < actions.shape[0] and actions[next_one, 0] == _STORE:
                    after = slots[actions[next_one, 2]]
                redirect(step_slots, 2, current, components, stride)
                redirect(step_slots, settings[R_STEP_OUT], after, components, stride)
                status = run_program(step, step_slots)
                if status == 0 and settings[R_CHECK] and not is_finite(view(after, settings[R_SIZE], curve)):
                    return NON_FINITE
                if status == 0 and k == counts[HIGH]:
                    status = _emit(
                        k, current, after, settings, t_h, times[k + 1], dense, dense_slots, curve, weights,
                        evals, first, outputs,
                    )  # fmt: skip
                if status != 0:
                    counts[R_STATUS] = status
                    return NEED_PATH if status > 0 else PROGRAM_FAILED
                if k == counts[HIGH]:
                    counts[HIGH] = k + 1
                if code == _FORWARD:
                    counts[CURRENT] = after
                counts[ADVANCED] += 1
                counts[SUBSTEP] += 1
                budget -= 1
            counts[SUBSTEP] = 0
        elif code == _STORE:
            if counts[CURRENT] != slots[b]:
                copy_bytes(slots[b], counts[CURRENT], block_bytes)
        elif code == _LOAD:
            counts[CURRENT] = slots[b]
        elif code == _REVERSE:
            if budget <= 0:
                return RUNNING
            t_h[0], t_h[1] = times[a], times[a + 1] - times[a]
            current, adjoint = counts[CURRENT], counts[LAMBDA]
            before = _free_block(blocks, current, adjoint)
            if counts[SUBSTEP] == 0:  # a retried step has them already
                _add_cotangents(a, adjoint, False, settings, times[a + 1], evals, first, cotangents)
                counts[SUBSTEP] = 1
            if _curve_cotangents(
                a, settings, t_h, times[a + 1], evals, first, cotangents, weights, curve_bar
            ):
                redirect(dense_vjp_slots, 2, current, components, stride)
                redirect(dense_vjp_slots, 2 + components, adjoint, components, stride)
                redirect(dense_vjp_slots, settings[R_DENSE_VJP_OUT], before, components, stride)
                status = run_program(dense_vjp, dense_vjp_slots)
            else:
                redirect(vjp_slots, 2, current, components, stride)
                redirect(vjp_slots, 2 + components, adjoint, components, stride)
                redirect(vjp_slots, settings[R_VJP_OUT], before, components, stride)
                status = run_program(vjp, vjp_slots)
            if status != 0:
                counts[R_STATUS] = status
                return NEED_PATH if status > 0 else PROGRAM_FAILED
            _add_cotangents(a, before, True, settings, times[a + 1], evals, first, cotangents)
            accumulate(parameter_sum, parameter_step)
            counts[LAMBDA] = before
            counts[SUBSTEP] = 0
            counts[REVERSED] += 1
            budget -= 1
        counts[POSITION] += 1
    return DONE
