"""The device of CuPy: kernels by NVRTC, memory from its pool, work on its current stream."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from diffsci.backends.cuda.library import run_step
from diffsci.backends.cuda.steps import Library, Place
from diffsci.errors import UnsupportedError
from diffsci.native import cache

__all__ = ["CupyDevice", "found_problem"]

_ADVICE = "use backend='numba' for native code on the CPU"
_CUDA = 2  # the device type of CUDA memory in DLPack


@functools.cache
def found_problem() -> str:
    """Return why programs cannot run on a device here; nothing if they can."""
    try:
        import cupy
    except ImportError as error:
        return f"CuPy is missing ({error}): pip install 'diffsci[gpu]'"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"CuPy found no CUDA driver or device ({error}): install NVIDIA's driver"
    if not count:
        return "CuPy found no CUDA device"
    try:
        import_module("cupyx.scipy.linalg")
        cupy.cuda.nvrtc.getVersion()
    except (ImportError, RuntimeError) as error:
        return f"a library of CUDA is missing ({error}): pip install 'cupy-cuda12x[ctk]'"
    return ""


def current_device() -> int:
    """Return the number of CuPy's current device.

    Raises
    ------
    UnsupportedError
        If CuPy or a device is missing.
    """
    problem = found_problem()
    if problem:
        raise UnsupportedError(f"backend='cupy' cannot run here: {problem}; or {_ADVICE}")
    import cupy

    return cupy.cuda.runtime.getDevice()


class CupyDevice:
    """The device of a number. See `diffsci.backends.cuda.device.ArrayDevice`."""

    def __init__(self, number: int) -> None:
        import cupy
        import cupyx.scipy.linalg

        self.xp, self.linalg = cupy, cupyx.scipy.linalg
        self.out_of_memory = cupy.cuda.memory.OutOfMemoryError
        self._number = number
        self._recorder: Any = None

    # kernels ----------------------------------------------------------------------------------------

    @functools.cache  # noqa: B019  one device, which lives as long as the process
    def compile(self, source: str, options: Sequence[str]) -> _Module:
        """See `Device`; what NVRTC made is kept in the disk cache.

        Not by CuPy's `RawModule`: it flushes small numbers in single precision to zero.
        """
        from cupy.cuda import compiler, nvrtc

        target = self.xp.cuda.Device().compute_capability
        parts = [source, *options, target, str(nvrtc.getVersion()), self.xp.__version__]
        key = f"cuda-{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:40]}"
        stored = cache.read(key)
        if stored is None:
            code, _ = compiler.compile_using_nvrtc(source, tuple(options))
            cache.write(key, {}, code)
        else:
            code = stored[1]
        return _Module(self.xp.cuda.Module(), code)

    def record(self, work: Callable[[], None]) -> Any:
        """See `ArrayDevice`: launches are captured on a stream of their own, which nothing else uses."""
        stream = self._recorder
        if stream is None:
            stream = self._recorder = self.xp.cuda.Stream(non_blocking=True)
        with stream:
            stream.begin_capture()
            try:
                work()
            finally:
                graph = stream.end_capture()
        return graph

    def sort(self, keys: int, order: int, count: int) -> None:
        """See `Device`."""
        found = self.xp.argsort(self.view(keys, (count,), np.dtype(np.int64)), kind="stable")
        self.view(order, (count,), np.dtype(np.int64))[...] = found

    def library(self, step: Library, address: Callable[[Place], int]) -> None:
        """See `Device`."""
        run_step(self, step, address)

    def checked(self) -> Any:
        """See `ArrayDevice`."""
        import cupyx

        return cupyx.errstate(linalg="raise")

    # memory -----------------------------------------------------------------------------------------

    def empty(self, nbytes: int) -> Any:
        """See `Device`: CuPy's pool gives memory back in the order of the stream."""
        return self.xp.cuda.alloc(max(nbytes, 1))

    def array(self, shape: tuple[int, ...], dtype: np.dtype) -> Any:
        """See `ArrayDevice`."""
        return self.xp.empty(shape, dtype)

    def view(self, address: int, shape: tuple[int, ...], dtype: np.dtype) -> Any:
        """See `ArrayDevice`."""
        cuda, size = self.xp.cuda, int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
        memory = cuda.UnownedMemory(address, size, None, cuda.runtime.getDevice())
        return self.xp.ndarray(shape, dtype, cuda.MemoryPointer(memory, 0))

    def address(self, array: Any) -> int:
        """See `ArrayDevice`."""
        return array.data.ptr

    def upload(self, target: int, array: np.ndarray) -> None:
        """See `Device`."""
        memory = self.view(target, array.shape, array.dtype).data
        memory.copy_from_host_async(array.ctypes.data, array.nbytes)  # copied from pageable memory at once

    def download(self, array: np.ndarray, source: int) -> None:
        """See `Device`."""
        self.view(source, array.shape, array.dtype).get(out=array)

    def zero(self, target: int, nbytes: int) -> None:
        """See `Device`."""
        stream = self.xp.cuda.get_current_stream()
        self.xp.cuda.runtime.memsetAsync(target, 0, nbytes, stream.ptr)

    def arriving(self, value: Any) -> Any:
        """See `ArrayDevice`: arrays of other libraries come through DLPack, which waits for their streams."""
        if not isinstance(value, self.xp.ndarray):
            if isinstance(value, np.ndarray) or not _is_cuda(value):
                return None
            value = self.xp.from_dlpack(value)
        if value.device.id != self._number:
            raise UnsupportedError(
                f"an array lies on device {value.device.id}, and the function was compiled for device "
                f"{self._number}: compile another one, with ds.jit, inside of `with cupy.cuda.Device(...)`"
            )
        return value if value.flags.c_contiguous else self.xp.ascontiguousarray(value)

    def to_device(self, array: np.ndarray) -> Any:
        """See `ArrayDevice`."""
        return self.xp.asarray(array)

    def to_host(self, array: Any) -> np.ndarray:
        """See `ArrayDevice`."""
        return self.xp.asnumpy(array)

    def csr(self, data: Any, indices: Any, indptr: Any, shape: tuple[int, int]) -> Any:
        """See `ArrayDevice`."""
        from cupyx.scipy import sparse

        return getattr(sparse, "csr_array", sparse.csr_matrix)((data, indices, indptr), shape=shape)

    def finish(self) -> None:
        """See `ArrayDevice`."""
        self.xp.cuda.get_current_stream().synchronize()

    def free_bytes(self) -> int:
        """See `ArrayDevice`: what the driver has, and what the pool keeps."""
        return self.xp.cuda.runtime.memGetInfo()[0] + self.xp.get_default_memory_pool().free_bytes()


def _is_cuda(value: Any) -> bool:
    ask = getattr(value, "__dlpack_device__", None)
    return ask is not None and int(ask()[0]) == _CUDA


class _Module:
    """A compiled source; kernels are looked up once."""

    def __init__(self, module: Any, code: bytes):
        module.load(code)
        self._module, self._kernels = module, {}

    def launch(self, name: str, grid: int, block: int, arguments: Sequence[int]) -> None:
        """See `steps.Module`: Python integers are passed as 64-bit integers."""
        kernel = self._kernels.get(name)
        if kernel is None:
            kernel = self._kernels[name] = self._module.get_function(name)
        kernel((grid,), (block,), tuple(arguments))
