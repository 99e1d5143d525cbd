"""What programs and loops need of the machine that they run on, beyond starting kernels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from diffsci.backends.cuda.steps import Device

__all__ = ["ArrayDevice", "Recorded"]


class Recorded(Protocol):
    """Work that was recorded, to be started at once."""

    def launch(self) -> None:
        """Do the work again, on the memory that it was recorded with."""


class ArrayDevice(Device, Protocol):
    """A device whose memory can also be looked at as arrays, in a library like NumPy.

    Work runs in the order in which it is asked for, on the current stream of that library.

    Attributes
    ----------
    xp : module
        The library: its functions are called as NumPy's.
    linalg : module
        ``lu_factor``, ``lu_solve``, ``solve_triangular`` as SciPy's, of single matrices.
    """

    xp: Any
    linalg: Any

    def array(self, shape: tuple[int, ...], dtype: np.dtype) -> Any:
        """Return a new C-contiguous array; its elements are anything."""

    def view(self, address: int, shape: tuple[int, ...], dtype: np.dtype) -> Any:
        """Return an array over memory that somebody else keeps."""

    def address(self, array: Any) -> int:
        """Return the address of the first element of an array."""

    def arriving(self, value: Any) -> Any:
        """Return an array on this device as a C-contiguous array of `xp`, or None for any other value."""

    def to_device(self, array: np.ndarray) -> Any:
        """Return a copy on the device."""

    def to_host(self, array: Any) -> np.ndarray:
        """Return a copy of an array of the device."""

    def csr(self, data: Any, indices: Any, indptr: Any, shape: tuple[int, int]) -> Any:
        """Return a sparse matrix of arrays of the device, by rows."""

    def record(self, work: Callable[[], None]) -> Recorded | None:
        """Record kernel launches without running them; None where that cannot be done."""

    def finish(self) -> None:
        """Wait for all work on the current stream."""

    def free_bytes(self) -> int:
        """Return how much memory is left."""

    def checked(self) -> Any:
        """Return a context in which linear algebra that fails raises ``numpy.linalg.LinAlgError``."""

    @property
    def out_of_memory(self) -> type[BaseException]:
        """What is raised where memory does not suffice."""
