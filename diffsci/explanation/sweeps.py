"""The programs that an explanation looks at: the function, its tangent, its pullback."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from diffsci.calling import Call
from diffsci.derived import Derived
from diffsci.errors import DegenerateError, UnsupportedError
from diffsci.evidence.parameters import argument_names
from diffsci.explanation.blame import Blame, Origin, not_finite, values_of
from diffsci.explanation.faults import Fault, fault_of, input_fault
from diffsci.explanation.inside import look_inside
from diffsci.explanation.spelling import is_number, spelled
from diffsci.graph import Graph, Node
from diffsci.tracing.function import is_dynamic
from diffsci.transforms import jvp_graph, vjp_graph
from diffsci.trees import flatten, leaf_paths

__all__ = ["COTANGENT", "FORWARD", "TANGENT", "Sweep", "faults_of", "sweeps_of"]

FORWARD, TANGENT, COTANGENT = "forward", "tangent", "cotangent"


@dataclass
class Sweep:
    """One program at one point.

    Attributes
    ----------
    phase : str
    graph : Graph
        Its outputs are those of this phase only.
    inputs : list of ndarray
    inputs_named, outputs_named : list of str
        Names for the reader; those of inputs that are seeds are empty.
    primal : set of Node
        The nodes of the function itself.
    values : dict
        Node -> value.
    """

    phase: str
    graph: Graph
    inputs: list[np.ndarray]
    inputs_named: list[str]
    outputs_named: list[str]
    primal: set[Node]
    values: dict[Node, Any] = field(default_factory=dict)

    @property
    def outputs(self) -> list[np.ndarray]:
        """Values of the outputs."""
        return [np.asarray(self.values[y]) for y in self.graph.outputs]

    def is_derivative(self, origin: Origin) -> bool:
        """Tell whether an operation belongs to the derivative of what is written at its place."""
        written = spelled(origin.node.location)
        names = written.names if written else ()
        if self.phase != FORWARD:
            outer = origin.frames[0].node if origin.frames else origin.node
            if outer in self.primal:
                return False
            return not origin.frames or origin.node.name not in names
        here = (x for x in origin.graph.nodes if x.location is origin.node.location)
        own = origin.node.name in names and not _another_power(origin.node, written.operands)
        return not own and any(x.name in names for x in here)


def _another_power(node: Node, operands: Sequence[str]) -> bool:
    """Tell whether an operation is a power, but not the one that is written: x**0.5 of x**1.5."""
    if len(operands) != 2 or not is_number(operands[1]):
        return False
    if node.name == "integer_pow":
        return node.params["exponent"] != float(operands[1])
    exponent = node.inputs[-1]
    return node.name == "pow" and exponent.is_const and np.all(exponent.params["value"] != float(operands[1]))


def sweeps_of(call: Call, active: Sequence[bool]) -> tuple[list[Sweep], list[str]]:
    """Return the sweeps of a call, run, and remarks on those that cannot be run.

    Parameters
    ----------
    call : Call
    active : sequence of bool
        Which inputs are differentiated. The direction and the cotangents are ones.
    """
    graph, names = call.traced.graph, input_names(call)
    nodes = set(graph.nodes)
    results = leaf_paths(call.traced.out_tree, "result")
    forward = Sweep(FORWARD, graph, call.inputs, names, results, nodes)
    forward.values = values_of(graph, call.inputs)
    sweeps, remarks = [forward], []
    moving = [x for x, flag in zip(graph.inputs, active, strict=True) if flag and x.type.is_float]
    real = [k for k, y in enumerate(graph.outputs) if y.type.is_float]
    if not moving or not real:
        return sweeps, ["there is nothing to differentiate: no float among the arguments or results"]
    wrt = [name for name, x in zip(names, graph.inputs, strict=True) if x in moving]
    for phase, transform, seeds, outputs in (
        (TANGENT, jvp_graph, moving, [f"d {results[k]}" for k in real]),
        (COTANGENT, vjp_graph, [graph.outputs[k] for k in real], [f"d/d{name}" for name in wrt]),
    ):
        inputs = [*call.inputs, *(np.ones(x.shape, x.dtype) for x in seeds)]
        named = [*names, *("" for _ in seeds)]
        try:
            whole = transform(graph, active)
            own = Graph(whole.inputs, whole.outputs[len(graph.outputs) :])
            sweep = Sweep(phase, own, inputs, named, outputs, nodes, values_of(own, inputs, forward.values))
            sweeps.append(sweep)
        except DegenerateError:
            remarks.append(_limit(phase, own, inputs))
        except UnsupportedError as error:
            remarks.append(f"no {phase} sweep: {error}")
    return sweeps, remarks


def _limit(phase: str, graph: Graph, inputs: Sequence[Any]) -> str:
    """Tell of a derivative at equal eigenvalues: a limit of the whole program, which no operation shows."""
    try:
        outputs = Derived(graph).run(inputs)
    except DegenerateError as error:
        return f"no {phase} sweep: {error}"
    state = "finite" if all(np.isfinite(y).all() for y in outputs) else "not finite"
    return f"the {phase} sweep is a limit at equal eigenvalues or singular values: it is {state}"


def input_names(call: Call) -> list[str]:
    """Return what the user calls each input of a call's program."""
    names = []
    for name, argument in zip(argument_names(call.function, len(call.args)), call.args, strict=True):
        leaves, tree = flatten(argument)
        names += [path for path, leaf in zip(leaf_paths(tree, name), leaves, strict=True) if is_dynamic(leaf)]
    more = len(call.inputs) - len(names)
    return names + ["a value read from outside the function"] * more


def faults_of(sweeps: Sequence[Sweep], infs: bool) -> list[Fault]:
    """Return what began not to be finite in each sweep, in the order in which it ran; each place once."""
    found: dict[Any, Fault] = {}
    for sweep in sweeps:
        masks = [not_finite(y, infs) for y in sweep.outputs]
        if all(mask is None for mask in masks):
            continue
        blame = Blame(sweep.graph, sweep.values, look_inside).back(masks)
        for origin in sorted(blame.origins, key=lambda origin: origin.order):
            _enter(found, fault_of(origin, sweep.phase, sweep.is_derivative), origin.node)
        for x, mask in blame.inputs.items():
            name = sweep.inputs_named[sweep.graph.inputs.index(x)]
            _enter(found, input_fault(name, sweep.values[x], mask, sweep.phase), x)
    return list(found.values())


def _enter(found: dict[Any, Fault], fault: Fault, node: Node) -> None:
    """Enter a fault; one that an earlier sweep has met already gets this one's phase."""
    key = (fault.location or node, fault.inside) if fault.kind != "input" else node
    known = found.get(key)
    if known is None:
        found[key] = fault
    elif fault.phase != known.phase and fault.phase not in known.also:
        found[key] = known.with_phase(fault.phase)
