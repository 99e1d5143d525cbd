"""Arrays on a CUDA device among the arguments of compiled functions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph.namespaces import is_on_device
from diffsci.trees import tree_map

__all__ = ["arriving", "hosted", "like", "machine_of"]

_CUDA = 2  # the device type of CUDA memory in DLPack
_PLAIN = (int, str, bytes, type(None))  # static arguments that nobody needs to ask


def arriving(leaf: Any, backend: str) -> Any:
    """Return an argument that lies on a device as an array of the backend's library, None for all others.

    Raises
    ------
    UnsupportedError
        If the backend does not compute there.
    """
    if isinstance(leaf, _PLAIN) or not _is_cuda(leaf):
        return None
    if backend != "cupy":
        kind = f"{type(leaf).__module__}.{type(leaf).__qualname__}"
        raise UnsupportedError(
            f"an argument is an array on a CUDA device ({kind}): compile with jit(..., backend='cupy'), "
            "or copy it to the host (cupy.asnumpy)"
        )
    from diffsci.backends.cuda import cupy_machine

    return cupy_machine().device.arriving(leaf)


def _is_cuda(value: Any) -> bool:
    if is_on_device(value):
        return True
    return hasattr(type(value), "__dlpack_device__") and int(value.__dlpack_device__()[0]) == _CUDA


def hosted(values: Any) -> Any:
    """Return a nested container with copies on the host in place of arrays on a device."""
    return tree_map(_hosted, values)


def _hosted(value: Any) -> Any:
    if isinstance(value, (np.ndarray, *_PLAIN)) or not _is_cuda(value):
        return value
    from diffsci.backends.cuda import cupy_machine

    device = cupy_machine().device
    return device.to_host(device.arriving(value))


def like(inputs: Sequence[Any], outputs: Sequence[Any]) -> list[Any]:
    """Return outputs where the inputs lie: on the device if one of these does."""
    if not any(map(is_on_device, inputs)):
        return list(outputs)
    from diffsci.backends.cuda import cupy_machine

    return [cupy_machine().arrived(y) for y in outputs]


def machine_of(array: Any) -> Any:
    """Return the machine whose device an array lies on, None for the host."""
    if not is_on_device(array):
        return None
    from diffsci.backends.cuda import cupy_machine

    return cupy_machine()
