"""Loops run by a host object."""

from tests.kernel.samples.make import uniform
from tests.kernel.test_custom_loop import Iterated

SAMPLES = [("host_run", [uniform(2), uniform()], {"loop": Iterated()})]
