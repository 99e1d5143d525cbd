"""Checkpoint schedules: which states of a long loop to keep, and in which order to reverse its steps."""

from diffsci.schedules.actions import Action, Discard, Forward, Load, Reverse, Store, encode
from diffsci.schedules.binomial import Binomial, beta, optimal_extra_steps
from diffsci.schedules.recompute import RecomputeAll
from diffsci.schedules.schedule import Checkpoints, Schedule, StoreAll, for_slots
from diffsci.schedules.uniform import Uniform

__all__ = [
    "Action",
    "Binomial",
    "Checkpoints",
    "Discard",
    "Forward",
    "Load",
    "RecomputeAll",
    "Reverse",
    "Schedule",
    "Store",
    "StoreAll",
    "Uniform",
    "beta",
    "encode",
    "for_slots",
    "optimal_extra_steps",
]
