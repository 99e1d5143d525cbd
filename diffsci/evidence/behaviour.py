"""What a function does when it is merely called: it may fail, return no number, or change between calls.

Nothing here traces or differentiates. A function is called twice at one point, and some more times if the
two results differ, to tell random numbers from a memory.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from diffsci.evidence.failing import described_failure
from diffsci.evidence.parameters import Parameters, is_inexact
from diffsci.evidence.verdict import FAILS, NO_NUMBER, RANDOM, UNSTABLE, Finding
from diffsci.trees import flatten

__all__ = ["Behaviour", "behaviour", "output_note"]

CALLS = 24  # enough to tell independent numbers from a drift or a cycle
LONGEST_CYCLE = 8


@dataclass(frozen=True)
class Behaviour:
    """The output of the first call; what is wrong with the function, if anything; what it raised."""

    output: Any
    finding: Finding | None = None
    error: Exception | None = None


def behaviour(f: Callable, parameters: Parameters) -> Behaviour:
    """Call ``f`` at the point that the parameters were made from, at least twice."""

    def call() -> Any:
        with np.errstate(all="ignore"):
            return f(*parameters.fill(parameters.vector, keep_dtype=True))

    generators = list(_generators(f, parameters.args))
    before = [state() for _, state in generators]
    output = None
    try:
        output = call()
        numbers = _numbers(output)
        if not numbers.size and not _holds_floats(output):
            return Behaviour(output, (NO_NUMBER, f"it returns {_described(output)}, and no float"))
        again = _numbers(call())
        if _same(numbers, again):
            return Behaviour(output)
        later = [_numbers(call()) for _ in range(CALLS - 2)]
    except Exception as error:
        return Behaviour(output, (FAILS, f"called with plain numbers, {described_failure(error)}"), error)
    drawn = [name for (name, state), old in zip(generators, before, strict=True) if not _equal(state(), old)]
    return Behaviour(output, _change([numbers, again, *later], drawn))


def output_note(output: Any) -> str | None:
    """What an output is if it is not one real number, and how it is checked all the same."""
    leaves = flatten(output)[0]
    if len(leaves) == 1 and leaves[0] is output and np.ndim(output) == 0 and not np.iscomplexobj(output):
        return None
    return (
        f"non-scalar: the function returns {_described(output)} (ds.grad wants one real number); what is "
        "checked is the sum of its numbers times random weights, which are the w of <w, J v>"
    )


def _numbers(output: Any) -> np.ndarray:
    """All float and complex numbers of an output in a row."""
    leaves = [np.ravel(leaf) for leaf in flatten(output)[0] if is_inexact(leaf)]
    return np.concatenate(leaves) if leaves else np.zeros(0)


def _holds_floats(output: Any) -> bool:
    return any(is_inexact(leaf) for leaf in flatten(output)[0])


def _same(first: np.ndarray, second: np.ndarray) -> bool:
    return first.shape == second.shape and np.array_equal(first, second, equal_nan=True)


def _described(output: Any) -> str:
    if output is None:
        return "None"
    if isinstance(output, np.ndarray) and output.ndim:
        return f"an array of shape {output.shape} and dtype {output.dtype}"
    if isinstance(output, (bool, int, str)):
        return f"the {type(output).__name__} {output!r:.40}"
    if np.isscalar(output) or isinstance(output, np.ndarray):
        return f"one number of dtype {np.asarray(output).dtype}"
    leaves = [leaf for leaf in flatten(output)[0] if is_inexact(leaf)]
    if leaves:
        return f"a {type(output).__name__} that holds {sum(map(np.size, leaves))} numbers"
    return f"a {type(output).__name__}"


# randomness and memory ------------------------------------------------------------------------------


def _change(results: list[np.ndarray], drawn: list[str]) -> Finding:
    """Random numbers, or a memory: what moved, and if nothing known did, how the values go on."""
    if len({result.shape for result in results}) > 1:
        return UNSTABLE, "the shape of the result changes from call to call at the same point"
    moving = int(np.argmax(np.any(np.stack(results) != results[0], axis=0)))
    values = np.array([result[moving] for result in results])
    values = values.real if np.any(values.real != values[0].real) else values.imag
    seen = f"calls at the same point return {', '.join(f'{value:.10g}' for value in values[:3])}, ..."
    if drawn:
        return RANDOM, f"it draws from {' and '.join(drawn)}; {seen}; seed the generator inside the function"
    pattern = _pattern(values)
    if pattern is None:
        scatter = np.std(values - np.mean(values))
        return RANDOM, f"{seen}: independent of each other, standard deviation {scatter:.2g}"
    return UNSTABLE, f"{seen}: {pattern}"


def _pattern(values: np.ndarray) -> str | None:
    """How a sequence that is not random goes on, or None if it looks random."""
    steps = np.diff(values)
    for cycle in range(1, LONGEST_CYCLE + 1):
        settled = values[2:] if cycle == 1 else values
        if np.array_equal(settled[cycle:], settled[:-cycle], equal_nan=True):
            return "constant after the first calls" if cycle == 1 else f"a cycle of {cycle} calls"
    if np.all(steps >= 0.0) or np.all(steps <= 0.0):
        return f"a drift of {np.mean(steps):.2g} a call, as of a counter or a clock"
    # Turning points of n independent numbers: mean 2 (n - 2) / 3, variance (16 n - 29) / 90
    # (M. Kendall, Time-Series, 1973, section 2.3).
    n = values.size
    turns = int(np.sum(steps[1:] * steps[:-1] < 0.0))
    if abs(turns - 2.0 * (n - 2) / 3.0) > 3.0 * np.sqrt((16.0 * n - 29.0) / 90.0):
        return f"{turns} turns in {n} calls, which independent numbers do not have"
    return None


def _generators(f: Callable, args: tuple) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every generator of random numbers that the function can be seen to hold: its name, how to read it."""
    yield "NumPy's global random numbers (np.random)", np.random.get_state
    yield "Python's global random numbers (random)", random.getstate
    for name, value in _held(f, args):
        if isinstance(value, np.random.Generator):
            yield f"the generator {name}", lambda value=value: value.bit_generator.state
        elif isinstance(value, np.random.RandomState):
            yield f"the generator {name}", value.get_state
        elif isinstance(value, random.Random):
            yield f"the generator {name}", value.getstate


def _held(f: Callable, args: tuple) -> Iterator[tuple[str, Any]]:
    """Arguments, closure variables, globals in use, defaults, and attributes of the object of a method."""
    for number, argument in enumerate(args):
        yield f"in argument {number}", argument
    owner = getattr(f, "__self__", f)
    for name, value in getattr(owner, "__dict__", {}).items():
        yield f"self.{name}", value
    function = getattr(f, "__func__", f)
    if not hasattr(function, "__code__"):
        function = type(f).__call__
    code = getattr(function, "__code__", None)
    if code is None:
        return
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=False):
        try:
            yield name, cell.cell_contents
        except ValueError:  # not assigned yet
            continue
    for name in code.co_names:
        if name in function.__globals__:
            yield name, function.__globals__[name]
    for value in function.__defaults__ or ():
        yield "in a default", value


def _equal(first: Any, second: Any) -> bool:
    return repr(first) == repr(second)
