"""Calls of sub-graphs, and choices between two."""

import numpy as np

from diffsci.graph import Builder, Graph, Type
from tests.kernel.samples.make import FLOAT, uniform


def callee() -> Graph:
    b = Builder()
    x, y = b.input(Type((3,), FLOAT)), b.input(Type((), FLOAT))
    spread = b.broadcast(y, shape=(3,), axes=())
    return Graph([x, y], [b.mul(b.sin(x), spread), b.sum(b.mul(x, x), axes=(0,))])


def other() -> Graph:
    b = Builder()
    x, y = b.input(Type((3,), FLOAT)), b.input(Type((), FLOAT))
    return Graph([x, y], [b.exp(x), b.full(Type((), FLOAT), 2.0)])


SAMPLES = [
    ("call", [uniform(3), uniform()], {"graph": callee()}),
    ("cond", [np.array(True), uniform(3), uniform()], {"true": callee(), "false": other()}),
    ("cond", [np.array(False), uniform(3), uniform()], {"true": callee(), "false": other()}),
]
