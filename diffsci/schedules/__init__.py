"""Checkpoint schedules: which states of a long loop to keep, and in which order to reverse its steps."""

from diffsci.schedules.actions import Action, Discard, Forward, Load, Reverse, Store, encode
from diffsci.schedules.binomial import Binomial, beta, optimal_extra_steps
from diffsci.schedules.schedule import Schedule, StoreAll, for_slots

__all__ = [
    "Action",
    "Binomial",
    "Discard",
    "Forward",
    "Load",
    "Reverse",
    "Schedule",
    "Store",
    "StoreAll",
    "beta",
    "encode",
    "for_slots",
    "optimal_extra_steps",
]
