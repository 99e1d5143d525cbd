"""Simulation code as scientists write it: functions and points. Nothing in these files knows of diffsci."""

from tests.idioms.models import (
    chemistry,
    circuits,
    epidemiology,
    fields,
    ivp_test_set,
    mechanics,
    medicine,
    optimisation,
    orbits,
    python,
    signals,
    statistics,
    tutorials,
)
from tests.idioms.models.registry import MODELS

__all__ = [
    "MODELS",
    "chemistry",
    "circuits",
    "epidemiology",
    "fields",
    "ivp_test_set",
    "mechanics",
    "medicine",
    "optimisation",
    "orbits",
    "python",
    "signals",
    "statistics",
    "tutorials",
]
