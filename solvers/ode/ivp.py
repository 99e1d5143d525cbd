"""`solve_ivp`: SciPy's interface on compiled, differentiable integrators."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

import diffsci as ds
from diffsci.low_level import (
    concrete,
    examine_loop,
    fingerprint,
    flatten,
    is_dynamic,
    is_traced,
    original,
    split_complex,
)
from diffsci.schedules import Checkpoints
from solvers.ode import options
from solvers.ode.complex_states import (
    is_complex_state,
    names_in_parts,
    state_in_parts,
    tolerance_in_parts,
    with_complex_states,
)
from solvers.ode.failures import FAILED
from solvers.ode.loop import IvpLoop, integrate_once
from solvers.ode.methods import Method, find_method
from solvers.ode.programs import Programs
from solvers.ode.result import DenseSolution, LazyFields, OdeResult, Trajectory
from solvers.ode.rhs import Rhs, real_flags_of
from solvers.ode.tape import Controls, Tape

_DONE_MESSAGE = "The solver successfully reached the end of the integration interval."


def solve_ivp(
    fun: Callable,
    t_span: Sequence[float],
    y0: Any,
    method: str = "Tsit5",
    t_eval: Any = None,
    dense_output: bool = False,
    events: Any = None,
    vectorized: bool = False,
    args: tuple = (),
    *,
    rtol: float = 1e-3,
    atol: Any = 1e-6,
    first_step: float | None = None,
    max_step: float = np.inf,
    step: Any = None,
    n_steps: int | None = None,
    max_steps: int | None = None,
    checkpoints: Checkpoints = None,
    quadrature: Callable | None = None,
    names: Sequence[str] | None = None,
    progress: Callable[[float], None] | None = None,
) -> OdeResult:
    """Integrate ``dy/dt = fun(t, y, *args)`` from ``y(t0) = y0``.

    Names, order and results are those of ``scipy.integrate.solve_ivp``. The right-hand side is compiled,
    and the whole integration is an ordinary differentiable function of `y0`, `args` and the values that
    `fun` closes over: ``ds.grad``, ``ds.jvp``, ``ds.hvp`` and their nests give the exact derivatives of the
    computed solution with its accepted steps held fixed (the discrete adjoint, and discrete forward
    sensitivities).

    Parameters
    ----------
    fun : callable
        ``fun(t, y, *args)`` returns the derivative: an array of the shape of `y`, or a list of components.
    t_span : (float, float)
        Initial and final time; the final one may be the smaller.
    y0 : array_like
        Initial state, of any shape, real or complex (the parts of a complex state count as components in
        the norm of the error).
    method : {"Tsit5", "DOP853", "Rodas5P", "RK4"}
        Explicit of order 5 (the default) or 8; implicit of order 5, for stiff problems; explicit of order 4
        with fixed steps.
    t_eval : array_like, optional
        Times at which to return the solution, by the method's own interpolant. By default every step.
    dense_output : bool
        Return the solution as a function of time in ``sol`` (not under differentiation).
    events
        Not available: an error says so.
    vectorized : bool
        Not available: an error says so.
    args : tuple
        Further arguments of `fun`; nested containers are welcome. Floats and arrays may be differentiated.
    rtol, atol : float, float or array_like
        Relative and absolute tolerance of each step.
    first_step, max_step : float
        First step size (chosen by default) and the largest.
    step, n_steps : float or array_like, int
        Fixed steps, by size or by number. An array holds the initial time and the ends of all steps: the
        ``t`` of an earlier run takes its very steps again.
    max_steps : int, optional
        Give up after this many steps (default one million).
    checkpoints : int or callable, optional
        States kept for the reverse sweep, the initial one included; the others are recomputed by an optimal
        schedule. Or a rule of `diffsci.schedules`: ``Uniform`` or ``RecomputeAll``. By default all states
        are kept.
    quadrature : callable, optional
        ``quadrature(t, y, *args)``, a number or an array: its integral over time is returned in ``q``.
    names : sequence of str, optional
        Names of the components of `y`, for messages.
    progress : callable, optional
        Called with the time reached, a few times a second.

    Returns
    -------
    OdeResult
        SciPy's fields, and more; ``y`` has shape ``(*y0.shape, len(t))``. A failed integration has
        ``success=False`` and says in ``message`` when, where and why; under differentiation its values and
        derivatives are NaN.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> from solvers import solve_ivp
    >>> def decay(t, y, rate):
    ...     return -rate * y
    >>> sol = solve_ivp(decay, (0, 1), [1.0], args=(2.0,), rtol=1e-8, atol=1e-8)
    >>> bool(abs(sol.y[0, -1] - np.exp(-2)) < 1e-7)
    True
    >>> def final(rate):
    ...     return solve_ivp(decay, (0, 1), [1.0], args=(rate,), rtol=1e-8, atol=1e-8).y[0, -1]
    >>> bool(abs(ds.grad(final)(2.0) + np.exp(-2)) < 1e-7)
    True
    """
    chosen = find_method(method)
    _refuse_unavailable(events, vectorized)
    times, traced_times = options.all_times(t_span, t_eval)
    t0, t1, evals = float(times[0]), float(times[1]), None if t_eval is None else times[2:]
    if not isinstance(args, tuple):
        raise TypeError(
            f"args must be a tuple, got {type(args).__name__}: write args=(p,) for a single argument"
        )
    whole = is_complex_state(y0)
    if whole:
        y0, names, atol = state_in_parts(y0), names_in_parts(names), tolerance_in_parts(atol)
    y0 = options.initial_state(y0)
    problem, values = _problem(fun, quadrature, split_complex(args), chosen, t0, y0, whole)
    rhs = problem.rhs
    shape = rhs.shape
    n_integrals = 0 if rhs.integral_shape is None else problem.programs.size - rhs.size
    rtol, atol, first_step, max_step, step = options.fixed([rtol, atol, first_step, max_step, step])
    atol = options.tolerance(atol, shape, n_integrals)
    controls = options.controls_of(
        chosen, t0, t1, rtol, atol, first_step, max_step, max_steps, step, n_steps, checkpoints
    )
    names = _checked_names(names, rhs.size)
    state = problem.extended(y0)
    inputs = [state, *values] if traced_times is None else [state, *values, traced_times]
    if any(map(is_traced, inputs)):
        if dense_output:
            raise ds.UnsupportedError("dense_output is not available under differentiation: use t_eval")
        found = _traced_result(problem, controls, inputs, evals, traced_times, names, progress)
    else:
        found = _plain_result(problem, controls, state, values, evals, dense_output, names, progress)
    return with_complex_states(found, len(shape) - 1) if whole else found


def _refuse_unavailable(events: Any, vectorized: bool) -> None:
    if events is not None:
        raise ds.UnsupportedError(
            "solve_ivp: events are not available yet: integrate with dense_output=True and look for the "
            "event in sol"
        )
    if vectorized:
        raise ds.UnsupportedError(
            "solve_ivp: vectorized=True is not available: Jacobians come from the kernel, so pass a plain "
            "fun(t, y)"
        )


def _checked_names(names: Sequence[str] | None, size: int) -> list[str] | None:
    if names is None:
        return None
    if len(names) != size:
        raise ValueError(f"{len(names)} names for {size} components of y")
    return list(names)


class _Problem:
    """A traced right-hand side with its compiled programs."""

    def __init__(self, rhs: Rhs, programs: Programs):
        self.rhs, self.programs = rhs, programs

    def extended(self, y0: Any) -> Any:
        """The integrated state: y0, with zero integrals appended if there are any."""
        if self.rhs.integral_shape is None:
            return y0
        zeros = np.zeros(self.programs.size - self.rhs.size, self.rhs.dtype)
        return np.concatenate([np.reshape(y0, (-1,)), zeros])


class _Recent:
    """The most recently used entries of a table, safe for threads."""

    def __init__(self, most: int):
        self._most = most
        self._table: OrderedDict = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Any) -> Any:
        with self._lock:
            if key in self._table:
                self._table.move_to_end(key)
                return self._table[key]
            return None

    def put(self, key: Any, value: Any) -> None:
        with self._lock:
            self._table[key] = value
            while len(self._table) > self._most:
                self._table.popitem(last=False)


_problems = _Recent(32)  # by the identity of the functions: nothing is traced again
_programs = _Recent(64)  # by the text of the right-hand side: nothing is compiled again


def _problem(
    fun: Callable,
    quadrature: Callable | None,
    args: tuple,
    method: Method,
    t0: float,
    y0: Any,
    whole: bool,
) -> tuple[_Problem, list]:
    """The problem, from the tables where it is known, and the present values of its parameters."""
    if not callable(fun):
        raise TypeError(f"fun must be callable, got {type(fun).__name__}")
    fun, quadrature = original(fun), None if quadrature is None else original(quadrature)
    leaves, tree = flatten(args)
    data = [leaf for leaf in leaves if is_dynamic(leaf)]
    value = concrete(y0)
    key = _problem_key(fun, quadrature, leaves, tree, method, value, whole)
    problem = None if key is None else _problems.get(key)
    if problem is None or not problem.rhs.is_current():
        rhs = Rhs(fun, quadrature, args, t0, value, whole)
        parameters = [*data, *rhs.outside]
        problem = _Problem(rhs, _programs_of(rhs, method, parameters))
        if key is not None and not rhs.reads_traced:
            _problems.put(key, problem)
        return problem, _as_arrays(parameters)
    return problem, _as_arrays([*data, *problem.rhs.outside])


def _problem_key(fun, quadrature, leaves, tree, method: Method, y0: np.ndarray, whole: bool) -> Any:
    signature = tuple(
        (concrete(leaf).shape, concrete(leaf).dtype, type(leaf) is float) if is_dynamic(leaf) else leaf
        for leaf in leaves
    )
    functions = (fingerprint(fun), None if quadrature is None else fingerprint(quadrature))
    key = (functions, method.name, tree, signature, y0.shape, y0.dtype, whole)
    try:
        hash(key)
    except TypeError:  # a static argument that cannot be compared: trace anew every time
        return None
    return key


def _programs_of(rhs: Rhs, method: Method, parameters: list) -> Programs:
    flags = real_flags_of(parameters)
    text = rhs.text
    key = None if text is None else (text, method.name, rhs.state_shape, rhs.dtype, tuple(flags))
    programs = None if key is None else _programs.get(key)
    if programs is None:
        programs = Programs(method, rhs, rhs.state_shape, rhs.dtype, flags)
        if key is not None:
            _programs.put(key, programs)
    return programs


def _as_arrays(values: list) -> list:
    return [v if is_traced(v) else np.ascontiguousarray(v).reshape(np.shape(v)) for v in values]


def _statistics(method: Method, controls: Controls, tape: Tape, problem: _Problem, names) -> dict[str, Any]:
    """The fields that describe the run itself."""
    failed = tape.failure is not None
    message = tape.failure.message(problem.rhs.shape, names) if failed else _DONE_MESSAGE
    adaptive = controls.n_steps is None
    evaluations = tape.attempts * method.evaluations + (2 if adaptive and controls.t0 != controls.t1 else 0)
    jacobians = tape.attempts if method.implicit else 0
    steps = np.diff(tape.times)
    if failed and not adaptive:
        steps = steps[: tape.failure.step]
    return {
        "nfev": evaluations,
        "njev": jacobians,
        "nlu": jacobians,
        "systems": problem.programs.systems,
        "status": FAILED if failed else 0,
        "message": message,
        "success": not failed,
        "nsteps": len(steps),
        "nrejected": tape.rejected,
        "h": steps,
        "t_last": float(tape.failure.t if failed else tape.times[-1]),
    }


def _plain_result(
    problem: _Problem,
    controls: Controls,
    y0: np.ndarray,
    values: list,
    evals,
    dense_output: bool,
    names,
    progress,
) -> OdeResult:
    """Integrate plain numbers."""
    every_step = evals is None
    fixed = controls.n_steps is not None
    points = controls.grid() if every_step and fixed else np.empty(0) if every_step else evals
    if dense_output and fixed:
        raise ds.UnsupportedError("dense_output is available with adaptive steps; use t_eval with fixed ones")
    record = (every_step and not fixed) or dense_output
    outputs, tape = integrate_once(
        problem.programs, controls, y0, values, points, record=record, curves=dense_output, report=progress
    )
    _examine(problem, controls, [y0, *values], points, outputs, tape)
    states = None
    if record:
        states = np.concatenate([y0.reshape(1, -1), *tape.states])
    if every_step and not fixed:
        times, outputs = tape.times, states
    else:
        times = points
    if tape.failure is not None:  # what was reached, as SciPy returns it
        reached = int(np.count_nonzero((times - tape.failure.t) * np.sign(controls.t1 - controls.t0) <= 0))
        times, outputs = times[:reached], outputs[:reached]
    y, q = _split(problem, outputs.reshape(len(times), *problem.programs.shape))
    sol = None
    if dense_output and tape.n_steps:
        curves = np.concatenate(tape.curves).reshape(tape.n_steps, problem.programs.method.n_dense, -1)
        n = problem.rhs.size
        sol = DenseSolution(tape.times, states[:-1, :n], curves[:, :, :n], problem.rhs.shape)
    statistics = _statistics(problem.programs.method, controls, tape, problem, names)
    return OdeResult(t=times, y=y, q=q, sol=sol, t_events=None, y_events=None, **statistics)


def _examine(
    problem: _Problem, controls: Controls, inputs: list, points: np.ndarray, outputs: np.ndarray, tape: Tape
) -> None:
    """Show the results to `diffsci.debug_nans`: those of a failed integration are not there."""
    missing = tape.failure is not None
    loop = IvpLoop(problem.programs, controls, len(points), points, model=problem.rhs)
    if len(points) == 0:
        loop = IvpLoop(problem.programs, controls, 1, np.array([controls.t1]), model=problem.rhs)
        outputs = tape.states[-1][-1:] if tape.states else outputs
    examine_loop(loop, inputs, [np.full(1, np.nan) if missing else outputs])


def _split(problem: _Problem, outputs: Any) -> tuple[Any, Any]:
    """States and integrals with time as the last axis."""
    rhs = problem.rhs
    if rhs.integral_shape is None:
        return _time_last(outputs), None
    count = outputs.shape[0]
    y = np.reshape(outputs[:, : rhs.size], (count, *rhs.shape))
    q = np.reshape(outputs[:, rhs.size :], (count, *rhs.integral_shape))
    return _time_last(y), _time_last(q)


def _time_last(values: Any) -> Any:
    return np.transpose(values, (*range(1, len(values.shape)), 0))


def _traced_result(
    problem: _Problem, controls: Controls, inputs: list, evals, traced_times: Any, names, progress
) -> OdeResult:
    """Record the integration in the surrounding trace."""
    at_end = evals is None
    points = np.array([controls.t1]) if at_end else evals
    if traced_times is not None and at_end:
        inputs = [*inputs[:-1], np.concatenate([traced_times, traced_times[1:2]])]
    known = points if traced_times is None else None
    loop = IvpLoop(problem.programs, controls, len(points), known, 0, progress, problem.rhs)
    (outputs,) = ds.custom_loop(loop, *inputs)

    def latest() -> Tape:
        if loop.last is None:
            concrete(outputs)  # a trace computes values when they are asked for
        return loop.last

    def statistics() -> dict[str, Any]:
        found = _statistics(problem.programs.method, controls, latest(), problem, names)
        return {"t": latest().times, **found}

    y, q = _split(problem, outputs)
    fields = {"y": y, "q": q, "sol": None, "t_events": None, "y_events": None}
    if not at_end:
        return LazyFields({"t": evals if traced_times is None else traced_times[2:], **fields}, statistics)

    full: list = []

    def at_all_steps(which: int) -> Any:
        if not full:
            ends = latest().times
            every = IvpLoop(problem.programs, controls, len(ends), ends, 0, progress, problem.rhs)
            plain = inputs if traced_times is None else inputs[:-1]
            full.extend(_split(problem, ds.custom_loop(every, *plain)[0]))
        return full[which]

    fields["y"] = Trajectory(y[..., -1], lambda: at_all_steps(0))
    fields["q"] = None if q is None else Trajectory(q[..., -1], lambda: at_all_steps(1))
    return LazyFields(fields, statistics)
