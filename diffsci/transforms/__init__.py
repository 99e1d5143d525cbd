"""Graph to graph: tangents, transposes, batches, simplification. They compose in any order."""

from diffsci.transforms import calls, conditional, custom
from diffsci.transforms.batch import batch_graph
from diffsci.transforms.checks import checked_like, without_checks
from diffsci.transforms.forward import jvp_graph, tangent_graph
from diffsci.transforms.inline import inline, inline_directions
from diffsci.transforms.jacobian import jacobian_graph
from diffsci.transforms.reverse import transpose_graph, vjp_graph
from diffsci.transforms.simplify import simplify
from diffsci.transforms.split import split_graph
from diffsci.transforms.strict import strictly
from diffsci.transforms.taylor import taylor_graph

__all__ = [
    "batch_graph",
    "calls",
    "checked_like",
    "conditional",
    "custom",
    "inline",
    "inline_directions",
    "jacobian_graph",
    "jvp_graph",
    "simplify",
    "split_graph",
    "strictly",
    "tangent_graph",
    "taylor_graph",
    "transpose_graph",
    "vjp_graph",
    "without_checks",
]
