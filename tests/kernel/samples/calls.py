"""Calls of sub-graphs."""

from diffsci.graph import Builder, Graph, Type
from tests.kernel.samples.make import FLOAT, uniform


def callee() -> Graph:
    b = Builder()
    x, y = b.input(Type((3,), FLOAT)), b.input(Type((), FLOAT))
    spread = b.broadcast(y, shape=(3,), axes=())
    return Graph([x, y], [b.mul(b.sin(x), spread), b.sum(b.mul(x, x), axes=(0,))])


SAMPLES = [("call", [uniform(3), uniform()], {"graph": callee()})]
