"""The plan: a graph as loop nests, straight-line blocks and library steps over buffers.

It knows nothing of the machine language that is made of it.
"""

from diffsci.backends.plan.build import build_plan
from diffsci.backends.plan.layout import hidden_consts, plan_key
from diffsci.backends.plan.program import Plan

__all__ = ["Plan", "build_plan", "hidden_consts", "plan_key"]
