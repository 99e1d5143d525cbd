"""A device in the memory of the host, for tests of everything around kernels without a GPU.

Its arrays are as strict as CuPy's: they refuse to become NumPy arrays, to be mixed with them, and to call a
function that CuPy does not have. `InterpretedMachine` runs programs by the interpreter; a machine of a
`KernelDevice` runs the kernels of its programs.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import importlib.util
import operator
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import scipy.linalg

from diffsci.backends.cuda.library import run_step
from diffsci.backends.cuda.machine import Machine
from diffsci.backends.split import Split, has_loops
from diffsci.backends.statuses import explained
from diffsci.graph import Graph, interpreter
from diffsci.graph.callees import all_guards
from tests.cuda.shim import ShimModule

CUPY = importlib.util.find_spec("cupy")  # looked at, never imported: its libraries need a driver


@functools.cache
def _source(module: str) -> str:
    return (Path(CUPY.origin).parents[1] / module.replace(".", "/") / "__init__.py").read_text()


class OutOfMemoryError(Exception):
    """What the device raises when its memory is full."""


class HostArray:
    """An array of the device."""

    __slots__ = ("host",)

    def __init__(self, host):
        assert isinstance(host, np.ndarray)
        self.host = host

    def __array__(self, *args, **kwargs):
        raise TypeError("implicit conversion of an array of the device to a NumPy array")

    __array_ufunc__ = None

    def __array_namespace__(self, api_version=None):
        return XP

    def __dlpack_device__(self):
        return (2, 0)

    @property
    def __cuda_array_interface__(self):
        return {"shape": self.shape, "typestr": self.dtype.str, "data": (self.data.ptr, False), "version": 3}

    shape = property(lambda self: self.host.shape)
    dtype = property(lambda self: self.host.dtype)
    ndim = property(lambda self: self.host.ndim)
    size = property(lambda self: self.host.size)
    nbytes = property(lambda self: self.host.nbytes)
    itemsize = property(lambda self: self.host.itemsize)
    strides = property(lambda self: self.host.strides)
    flags = property(lambda self: self.host.flags)
    T = property(lambda self: HostArray(self.host.T))
    data = property(lambda self: SimpleNamespace(ptr=self.host.ctypes.data))

    def get(self):
        return self.host.copy()

    def __getitem__(self, key):
        return HostArray(np.asarray(self.host[_plain(key)]))

    def __setitem__(self, key, value):
        self.host[_plain(key)] = _plain(value)

    def __len__(self):
        return len(self.host)

    def __iter__(self):
        return (self[k] for k in range(len(self)))

    def __bool__(self):
        return bool(self.host)

    def __float__(self):
        return float(self.host)

    def __int__(self):
        return int(self.host)

    def __index__(self):
        raise TypeError("an array of the device is no index")

    def __repr__(self):
        return f"HostArray({self.host!r})"


class HostMatrix:
    """A sparse matrix of the device."""

    format = "csr"

    def __init__(self, data, indices, indptr, shape):
        self.data, self.indices, self.indptr, self.shape = data, indices, indptr, shape


def _operator(name):
    function = getattr(operator, name)

    def forward(self, other):
        return _wrapped(function(self.host, _plain(other)))

    def backward(self, other):
        return _wrapped(function(_plain(other), self.host))

    return forward, backward


for _name in "add sub mul truediv pow eq ne lt le gt ge mod floordiv and_ or_".split():
    _forward, _backward = _operator(_name)
    _stem = _name.rstrip("_")
    setattr(HostArray, f"__{_stem}__", _forward)
    if _name not in ("eq", "ne", "lt", "le", "gt", "ge"):
        setattr(HostArray, f"__r{_stem}__", _backward)


def _method(name):
    def method(self, *args, **kwargs):
        return _wrapped(getattr(self.host, name)(*map(_plain, args), **kwargs))

    return method


for _name in "reshape swapaxes astype copy view ravel transpose sum all any min max fill".split():
    setattr(HostArray, _name, _method(_name))


def _plain(value):
    """Unwrap; a NumPy array that is no scalar has no business on the device."""
    if isinstance(value, HostArray):
        return value.host
    if isinstance(value, np.ndarray) and value.ndim and value.dtype != object:
        raise TypeError("a NumPy array among arrays of the device")
    if isinstance(value, (tuple, list)):
        return type(value)(map(_plain, value))
    return value


def _wrapped(value):
    if isinstance(value, (np.ndarray, np.generic)):
        return HostArray(np.asarray(value))
    if isinstance(value, tuple):
        return tuple(map(_wrapped, value))
    return value


class _Library:
    """The functions of NumPy, or SciPy, that CuPy has too."""

    def __init__(self, module, peer: str):
        self._module, self._peer = module, peer

    def __getattr__(self, name):
        found = getattr(self._module, name)
        if CUPY is not None:
            text = _source(self._peer)
            assert re.search(rf"\b{name}\b", text), f"{self._peer} has no {name}"
        if name in ("linalg", "fft"):
            return _Library(found, f"{self._peer}.{name}")
        if name in ("array", "asarray"):
            return lambda value, *rest: HostArray(found(getattr(value, "host", value), *rest))
        if not callable(found) or isinstance(found, type):
            return found

        def call(*args, **kwargs):
            kwargs = {key: _plain(value) for key, value in kwargs.items()}
            return _wrapped(found(*map(_plain, args), **kwargs))

        return call


XP = _Library(np, "cupy")


class HostDevice:
    """See `diffsci.backends.cuda.device.ArrayDevice`; `capacity` limits one allocation."""

    xp = XP
    linalg = _Library(scipy.linalg, "cupyx.scipy.linalg")
    out_of_memory = OutOfMemoryError

    def __init__(self, capacity: int = 1 << 30):
        self.capacity = capacity
        self.copies_to_host = 0
        self.under_way = 0  # uploads that nobody has waited for
        self.recording = None

    def compile(self, source, options):
        raise AssertionError("programs of this device are interpreted: nothing asks it for kernels")

    def record(self, work):
        self.recording = []
        work()
        launches, self.recording = self.recording, None
        return SimpleNamespace(launch=lambda: [launch() for launch in launches])

    def sort(self, keys, order, count):
        self.view(order, (count,), np.int64)[...] = XP.argsort(
            self.view(keys, (count,), np.int64), kind="stable"
        )

    def library(self, step, address):
        run_step(self, step, address)

    def checked(self):
        return contextlib.nullcontext()

    def _room(self, nbytes):
        if nbytes > self.capacity:
            raise OutOfMemoryError(nbytes)

    def empty(self, nbytes):
        self._room(nbytes)
        memory = np.empty(nbytes + 256, np.uint8)
        return SimpleNamespace(ptr=memory.ctypes.data + -memory.ctypes.data % 256, memory=memory)

    def array(self, shape, dtype):
        self._room(int(np.prod(shape)) * np.dtype(dtype).itemsize)
        return HostArray(np.full(shape, 77, dtype))

    def view(self, address, shape, dtype):
        dtype = np.dtype(dtype)
        count = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        return HostArray(np.ndarray(shape, dtype, (ctypes.c_char * count).from_address(address)))

    def address(self, array):
        return array.host.ctypes.data

    def upload(self, target, array):
        ctypes.memmove(target, array.ctypes.data, array.nbytes)

    def download(self, array, source):
        self.copies_to_host += 1
        ctypes.memmove(array.ctypes.data, source, array.nbytes)

    def zero(self, target, nbytes):
        ctypes.memset(target, 0, nbytes)

    def arriving(self, value):
        if not isinstance(value, HostArray):
            return None
        return value if value.flags.c_contiguous else XP.ascontiguousarray(value)

    def to_device(self, array):
        self._room(array.nbytes)
        self.under_way += 1
        return HostArray(np.array(array, order="C"))

    def to_host(self, array):
        self.copies_to_host += 1
        return array.get()

    def csr(self, data, indices, indptr, shape):
        return HostMatrix(data, indices, indptr, shape)

    def finish(self):
        self.under_way = 0

    def free_bytes(self):
        return self.capacity


class KernelDevice(HostDevice):
    """A device with kernels, which are compiled as C++."""

    def __init__(self, capacity: int = 1 << 30):
        super().__init__(capacity)
        self.launched = 0

    def compile(self, source, options):
        return _Kernels(self, ShimModule(source)) if source else None


class _Kernels:
    def __init__(self, device, module):
        self._device, self._module = device, module

    def launch(self, name, grid, block, arguments):
        arguments = list(arguments)

        def start():
            self._device.launched += 1
            self._module.launch(name, grid, block, arguments)

        recording = self._device.recording
        start() if recording is None else recording.append(start)


class InterpretedMachine(Machine):
    """A machine whose programs are run by the interpreter."""

    def __init__(self, device=None):
        super().__init__(device or HostDevice())

    def program(self, graph):
        with self._lock:
            found = self._programs.get(graph)
            if found is None:
                found = self._programs[graph] = _InterpretedProgram(graph, self)
            return found

    def executable(self, graph):
        return Split(graph, self) if has_loops(graph) else self.program(graph)


class _InterpretedProgram:
    """The face of `diffsci.backends.cuda.program.Program`."""

    text = "; interpreted"
    report = None
    workspace_bytes = 0

    def __init__(self, graph: Graph, machine: Machine):
        self._machine, self.guards = machine, all_guards(graph)
        self._graph = Graph(graph.inputs, graph.outputs, graph.guards)
        self.input_types, self.output_types = graph.input_types, graph.output_types
        self.slot_count = len(self.input_types) + len(self.output_types) + 2

    def message(self, status):
        return explained(status, self._graph.nodes, self.guards)

    def _values(self, arrays):
        inputs = [self._machine.arrived(x).host for x in arrays]
        for array, type_ in zip(inputs, self.input_types, strict=True):
            assert (array.shape, array.dtype) == (type_.shape, type_.dtype), (array, type_)
        broken = interpreter.first_broken_guard(self._graph, inputs)
        if broken is not None:
            return broken + 1, []
        return 0, [HostArray(np.array(y)) for y in interpreter.run(self._graph, inputs)]

    def run_there(self, arrays):
        return self._values(arrays)

    def run(self, arrays):
        status, outputs = self._values(arrays)
        if not any(isinstance(x, HostArray) for x in arrays):
            outputs = [self._machine.device.to_host(y) for y in outputs]
        return status, outputs

    def run_at(self, slots):
        view, types = self._machine.device.view, [*self.input_types, *self.output_types]
        arrays = [view(int(where), t.shape, t.dtype) for where, t in zip(slots, types, strict=False)]
        first = len(self.input_types)
        status, outputs = self._values(arrays[:first])
        for target, value in zip(arrays[first:], outputs, strict=False):
            target[...] = value
        return status

    def check(self, status):
        assert status == 0, self.message(status)
