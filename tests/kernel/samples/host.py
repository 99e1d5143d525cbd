"""Loops run by a host object."""

import numpy as np

from diffsci.control.body import CARRY, CONST, ITEM, Body
from diffsci.control.rolled import RolledLoop
from diffsci.tracing import trace_function
from tests.kernel.samples.make import uniform
from tests.kernel.test_custom_loop import Iterated


def rolled() -> RolledLoop:
    """Three steps: (k, constant, carry, row) -> (carry, row)."""

    def step(k, p, c, x):
        return np.sin(c * p) + x, c * x

    traced = trace_function(step, (np.array(0), np.array(0.5), np.ones(2), np.ones(2)))
    return RolledLoop(Body(traced.graph, (CONST, CARRY, ITEM), (CARRY, ITEM)), 3)


SAMPLES = [
    ("host_run", [uniform(2), uniform()], {"loop": Iterated()}),
    ("host_run", [uniform(), uniform(2), uniform(3, 2)], {"loop": rolled()}),
]
