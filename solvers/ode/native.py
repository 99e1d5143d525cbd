"""What compiled loops are made of: calls and memory by address, in native code that needs no Numba to run.

A program is a native function ``int64 f(void **slots)``. Loops receive its address and the addresses of its
slots as integers, so a loop is compiled once and drives any program. Nothing checks an address: whoever
passes one keeps the program and its buffers alive during the call.
"""

from __future__ import annotations

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from diffsci.native.building import array_at, native

# Numba's own np.nextafter calls its helper library, which a stored loop cannot reach.
nextafter = types.ExternalFunction("nextafter", types.float64(types.float64, types.float64))


@intrinsic
def call_address(typingctx, address, slots):
    """Call the program at ``address`` with the slot table at address ``slots``; return its status."""
    signature = types.int64(types.int64, types.int64)

    def codegen(context, builder, signature, arguments):
        pointer = ir.IntType(8).as_pointer()
        function = ir.FunctionType(ir.IntType(64), [pointer.as_pointer()])
        callee = builder.inttoptr(arguments[0], function.as_pointer())
        table = builder.inttoptr(arguments[1], pointer.as_pointer())
        return builder.call(callee, [table])

    return signature, codegen


@intrinsic
def copy_bytes(typingctx, target, source, size):
    """Copy ``size`` bytes between two addresses that do not overlap."""
    signature = types.void(types.int64, types.int64, types.int64)

    def codegen(context, builder, signature, arguments):
        pointer = ir.IntType(8).as_pointer()
        target, source = (builder.inttoptr(address, pointer) for address in arguments[:2])
        cgutils.raw_memcpy(builder, target, source, arguments[2], 1)
        return context.get_dummy_value()

    return signature, codegen


@intrinsic
def view(typingctx, address, size, like):
    """The ``size`` elements at an address as an array of the element type of ``like``."""
    kind = types.Array(like.dtype, 1, "C")

    def codegen(context, builder, signature, arguments):
        return array_at(context, builder, kind, iter(arguments[:2]).__next__)

    return kind(types.int64, types.int64, like), codegen


@native
def start_of(array):
    """The address of the first element of an array."""
    return array.ctypes.data


@native
def accumulate(total, added):
    """Add an array to another one of the same size."""
    for i in range(total.size):
        total[i] += added[i]


@native(fastmath={"reassoc"})
def is_finite(values):
    """Whether all elements of an array are finite, without a branch for each."""
    spoiled = 0.0
    for i in range(values.size):
        spoiled += values[i] - values[i]
    return spoiled == 0.0


@native
def run_program(addresses, slots):
    """Run the first variant whose guards hold; the status of the first variant if none does.

    A program is specialised on the path that its model took; variants are the other paths seen so far. A
    positive status says that a guard failed before anything behind it was computed.
    """
    status = call_address(addresses[0], slots.ctypes.data)
    if status <= 0:
        return status
    for variant in range(1, addresses.size):
        other = call_address(addresses[variant], slots.ctypes.data + variant * slots.shape[1] * 8)
        if other <= 0:
            return other
    return status


@native
def redirect(slots, slot, address, count, stride):
    """Point ``count`` slots of every variant to consecutive blocks of ``stride`` bytes."""
    for variant in range(slots.shape[0]):
        for k in range(count):
            slots[variant, slot + k] = address + k * stride
