"""Graph -> Plan."""

from __future__ import annotations

from diffsci.backends.plan.axes import long_axes_last
from diffsci.backends.plan.blocks import split_blocks
from diffsci.backends.plan.canonical import canonical
from diffsci.backends.plan.elements import TooLarge, plan_elements
from diffsci.backends.plan.joining import join_nests
from diffsci.backends.plan.layout import hidden_consts, is_data, plan_key
from diffsci.backends.plan.memory import allocate
from diffsci.backends.plan.program import Plan
from diffsci.backends.plan.schedule import plan_loops
from diffsci.backends.plan.sweeps import dissolve, form_sweeps
from diffsci.errors import VerificationError
from diffsci.graph import Graph

__all__ = ["build_plan"]

_MOST_GROWTH, _FREE_GROWTH = 1.25, 1 << 16  # of the workspace, by sweeps


def build_plan(graph: Graph) -> Plan:
    """Return the plan of a graph; sub-graphs with equal text share one plan."""
    return _Builder().build(graph)


class _Builder:
    def __init__(self) -> None:
        self._plans: dict[str, Plan] = {}

    def build(self, graph: Graph) -> Plan:
        key = plan_key(graph)
        plan = self._plans.get(key)
        if plan is None:
            plan = self._plans[key] = self._build(graph)
            plan.key = key
            plan.const_values = hidden_consts(graph)
        return plan

    def _build(self, graph: Graph) -> Plan:
        try:
            plan = plan_elements(graph, self.build)
            split_blocks(plan)
        except TooLarge:
            plan = self._loops(graph)
            join_nests(plan)
        allocate(plan)
        _sweep(plan)
        return plan

    def _loops(self, graph: Graph) -> Plan:
        formed, stored = canonical(*long_axes_last(graph))
        if list(filter(is_data, formed.nodes)) != list(filter(is_data, graph.nodes)):
            raise VerificationError("planning changed the order of the constants of a program")
        return plan_loops(formed, self.build, stored)


def _sweep(plan: Plan) -> None:
    """Let nests run in turn over parts of their rows, unless that takes memory: all values live at once."""
    before = plan.workspace_bytes
    if form_sweeps(plan):
        allocate(plan)
        if plan.workspace_bytes > _MOST_GROWTH * before + _FREE_GROWTH:
            dissolve(plan)
            allocate(plan)
