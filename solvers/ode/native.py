"""What the compiled loops of integrations are made of: programs and states.

A program is a native function ``int64 f(void **slots)``. Loops receive its address and the addresses of its
slots as integers, so a loop is compiled once and drives any program.
"""

from __future__ import annotations

from diffsci.native.memory import call_address, start_of
from diffsci.native.translating import relaxed


def accumulate(total, added):
    """Add an array to another one of the same size."""
    for i in range(total.size):
        total[i] += added[i]


@relaxed("reassoc")
def is_finite(values):
    """Whether all elements of an array are finite, without a branch for each."""
    spoiled = 0.0
    for i in range(values.size):
        spoiled += values[i] - values[i]
    return spoiled == 0.0


def run_program(addresses, slots):
    """Run the first variant whose guards hold; the status of the first variant if none does.

    A program is specialised on the path that its model took; variants are the other paths seen so far. A
    positive status says that a guard failed before anything behind it was computed.
    """
    status = call_address(addresses[0], start_of(slots))
    if status <= 0:
        return status
    for variant in range(1, addresses.size):
        other = call_address(addresses[variant], start_of(slots) + variant * slots.shape[1] * 8)
        if other <= 0:
            return other
    return status


def redirect(slots, slot, address, count, stride):
    """Point ``count`` slots of every variant to consecutive blocks of ``stride`` bytes."""
    for variant in range(slots.shape[0]):
        for k in range(count):
            slots[variant, slot + k] = address + k * stride
