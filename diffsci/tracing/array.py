"""TracedArray: what a user's function sees in place of an array or a float.

It is a buffer that holds the current node, or a view of one through a lens. Reading a view reads
its parent through the lens (cached by the buffer's version); writing changes the parent. Whether
NumPy would make a view or a copy is asked of NumPy, on a dummy without memory.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterable
from typing import Any

import numpy as np

from diffsci.errors import UnsupportedError
from diffsci.graph import Node
from diffsci.source import at, user_location
from diffsci.tracing.lenses import ReshapeLens
from diffsci.tracing.trace import Trace, current_trace, escaped

__all__ = ["TracedArray"]


class TracedArray:
    """A value under trace. It behaves like ``numpy.ndarray`` (0-d scalars like ``numpy.float64``).

    Attributes
    ----------
    owner : Trace
    scalar : bool
        It stands for a number, not for a 0-d array: ``x += 1`` makes a new one.
    weak : bool
        It stands for a Python number: it does not promote float32 arrays.
    given : bool
        It belongs to the caller of the function under trace, who would see what is written to it.
    """

    __array_priority__ = 1000.0

    in_parts = False  # whether it is complex: a pair of traced arrays
    weak = False
    given = False
    _version = 0
    _parent: TracedArray | None = None
    _lens: Any = None
    _order: tuple[int, ...] | None = None  # axes from slow to fast in memory; None: in order
    _seen = 0

    def __init__(self, trace: Trace, node: Node, scalar: bool = False):
        self.owner = trace
        self.scalar = scalar
        self._node = node

    # the buffer and its views ---------------------------------------------------------------------

    def _root(self) -> TracedArray:
        root = self
        while root._parent is not None:
            root = root._parent
        return root

    def read(self) -> Node:
        """Return the node that holds the current elements."""
        if self._parent is not None:
            version = self._root()._version
            if self._seen != version:
                self._node = self._lens.read(self.owner, self._parent.read())
                self._seen = version
        return self._node

    def write(self, node: Node) -> None:
        """Replace all elements, in the parent too."""
        if self._parent is None:
            if self.owner.dormant:
                raise self._needs(
                    "a write into an array of the surrounding function", "carry the array through the loop"
                )
            if self.given:
                raise UnsupportedError(
                    "a write into an argument of the function, or an array from outside it"
                    f"{at(user_location())}: its owner's array would change; write into a copy (x = x.copy())"
                )
            self._node = node
            self._version += 1
        else:
            self._parent.write(self._lens.write(self.owner, self._parent.read(), node))

    def fresh(self) -> TracedArray:
        """Return a new array of the same elements; it belongs to the function that makes it."""
        trace = current_trace()
        if trace is None or trace.level <= self.owner.level:
            return TracedArray(self.owner, self.read())
        return TracedArray(trace, trace.node(self))

    def view(self, lens: Any = None) -> TracedArray:
        """Return a view of this array through a lens, or of all of it."""
        if self.owner.closed:
            raise escaped()
        lens = ReshapeLens(self.shape) if lens is None else lens
        if not hasattr(lens, "read"):
            return self._as_type(np.dtype(lens))
        made = TracedArray(self.owner, lens.read(self.owner, self.read()))
        made._parent, made._lens = self, lens
        made._seen = self._root()._version
        return made

    def _as_type(self, dtype: np.dtype) -> TracedArray:
        """Return x.view(dtype): the same memory as numbers of another type."""
        if dtype == self.dtype:
            return self.view()
        if dtype.kind == "c" and self.dtype.kind == "f" and dtype.itemsize == 2 * self.dtype.itemsize:
            from diffsci.tracing.complex.views import paired

            return paired(self)
        raise self._needs(f"view() of {self.dtype} as {dtype}", "use astype()")

    def reshaped(self, shape: tuple[int, ...]) -> TracedArray:
        """Return a view of another shape, or a copy where NumPy would copy."""
        if shape == self.shape and self.scalar:
            return self
        lens = ReshapeLens(shape)
        if self._parent is not None or self._order is not None:
            try:
                lens.of(self._dummy())
            except ValueError:
                return TracedArray(self.owner, lens.read(self.owner, self.read()))
        return self.view(lens)

    def _dummy(self) -> np.ndarray:
        """Return an array of this one's shape and strides; its memory must not be touched."""
        if self._parent is not None:
            return self._lens.of(self._parent._dummy())
        return _without_memory(self.shape, self._order)

    def laid_out_like(self, operands: Iterable[Any]) -> TracedArray:
        """Lay out this new array in memory as NumPy does for a result of these operands (order K)."""
        if self.ndim < 2:
            return self
        arrays = [x for x in operands if isinstance(x, TracedArray) and x.ndim > 1]
        if all(x._parent is None and x._order is None for x in arrays):
            return self
        dummies = [x._dummy() for x in arrays]
        flags = [["readonly"]] * len(dummies) + [["writeonly", "allocate"]]
        shape = np.nditer([*dummies, None], ["zerosize_ok"], flags, order="K", itershape=self.shape)
        strides = shape.operands[-1].strides
        order = tuple(sorted(range(self.ndim), key=lambda axis: -abs(strides[axis])))
        self._order = None if order == tuple(range(self.ndim)) else order
        return self

    # attributes -----------------------------------------------------------------------------------

    @property
    def shape(self) -> tuple[int, ...]:
        return self._node.type.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        raise self._needs("setting the shape in place", "use x = x.reshape(...)")

    @property
    def dtype(self) -> np.dtype:
        return self._node.type.dtype

    @property
    def ndim(self) -> int:
        return len(self._node.type.shape)

    @property
    def size(self) -> int:
        return self._node.type.size

    @property
    def itemsize(self) -> int:
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def is_const(self) -> bool:
        return self.read().is_known

    def constant(self) -> np.ndarray:
        """Return the value of an array that does not depend on any input."""
        return self.owner.values[self.read()]

    def concrete(self) -> np.ndarray:
        """Return the value at the point where the function is traced, for messages and branches."""
        return self.owner.values[self.read()]

    def weak_scalar(self) -> float | int | complex | bool:
        """Return a Python number of this kind, for NumPy's promotion."""
        return {"b": False, "i": 0, "f": 0.0, "c": 0j}[self.dtype.kind]

    def __repr__(self) -> str:
        kind = "constant" if self.is_const else "traced"
        return f"{kind}({np.array2string(np.asarray(self.concrete()), threshold=8)}, {self._node.type})"

    def __str__(self) -> str:
        if self.scalar and self.dtype.kind == "i":  # it may become a key: the program holds to it
            return str(self.__index__())
        return repr(self)

    def __format__(self, spec: str) -> str:
        if self.scalar and self.dtype.kind == "i":
            return format(self.__index__(), spec)
        value = self.concrete()
        return format(value.item() if value.ndim == 0 else value, spec)

    # conversions ----------------------------------------------------------------------------------

    def _needs(self, what: str, instead: str) -> UnsupportedError:
        return UnsupportedError(f"{what} of a traced value{at(user_location())}: {instead}")

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        if _asked_by_sparse():
            wrapped = np.empty((), object)
            wrapped[()] = self
            return wrapped  # no numbers: scipy.sparse leaves the operator to our side
        if not self.is_const:
            method = _method_of_sparse()
            if method is not None:
                raise self._needs(
                    f"the method {method!r} of a matrix of scipy.sparse asked for the numbers",
                    "use an operator (A @ x, A * x, A + x), or scipy.sparse.lil_array(A), made inside of the "
                    "function",
                )
            raise self._needs(
                "a plain NumPy array was asked for in place",
                "this call is not supported on traced values; write it with numpy functions that are, "
                "build the array with np.array([...]) inside the traced function, or, where this is an index "
                "of a constant array of integers or booleans, take its elements by np.take(array, index)",
            )
        return np.array(self.constant(), dtype=dtype)

    def __float__(self) -> float:
        if self.is_const and self.size == 1:
            return float(self.constant().item())
        raise self._needs(
            "float()", "use the value as it is, or numpy functions instead of functions of plain floats"
        )

    def __complex__(self) -> complex:
        if self.is_const and self.size == 1:
            return complex(self.constant().item())
        raise self._needs("complex()", "use the value as it is")

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. "
                f"Use a.any() or a.all(){at(user_location())}"
            )
        node = self.read()
        if node.dtype.kind != "b":
            return bool(self != 0)
        if node.shape != ():
            node = self.reshaped(()).read()
        return self.owner.guard(node)

    def pinned(self) -> np.ndarray:
        """Return the value and record that the traced program holds only for it."""
        node = self.read()
        if not node.is_known:
            if self.owner.paths is not None:
                self.owner.paths.refuse_to_pin(node)
            (self == self.owner.values[node]).all().__bool__()
        return self.owner.values[node]

    def __int__(self) -> int:
        if self.size != 1:
            raise TypeError("only length-1 arrays can be converted to Python scalars")
        return int(self.pinned().item()) if self.dtype.kind != "f" else int(_truncated(self).pinned().item())

    def __index__(self) -> int:
        if self.dtype.kind not in "ib" or self.size != 1:
            raise TypeError(
                f"only integer scalar arrays can be converted to a scalar index{at(user_location())}: "
                "use int(), which holds the program to the integer seen"
            )
        return int(self.pinned().item())

    def __hash__(self) -> int:
        if self.scalar and self.dtype.kind == "i":
            return hash(self.__index__())
        raise TypeError(
            f"a traced value cannot be a key or stand in a set{at(user_location())}: use an int or a string"
        )

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # asked by NumPy and copy, often
            raise AttributeError(name)
        raise AttributeError(f"traced arrays have no attribute {name!r}{at(user_location())}")

    def __len__(self) -> int:
        if self.ndim == 0:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self):
        if self.ndim == 0:
            raise TypeError("iteration over a 0-d array")
        return (self[k] for k in range(self.shape[0]))

    def __copy__(self) -> TracedArray:
        return self.copy()

    def __deepcopy__(self, memo) -> TracedArray:
        return self.copy()

    # the NumPy protocols (filled in by tracing.protocols) -----------------------------------------

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        from diffsci.tracing.protocols import call_ufunc

        return call_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function, types, args, kwargs):
        from diffsci.tracing.protocols import call_function

        return call_function(function, args, kwargs)


@functools.lru_cache(maxsize=4096)
def _without_memory(shape: tuple[int, ...], order: tuple[int, ...] | None) -> np.ndarray:
    """Return an array of bytes of that shape, its axes from slow to fast in that order, over no memory."""
    strides, step = [0] * len(shape), 1
    for axis in reversed(order or range(len(shape))):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return np.lib.stride_tricks.as_strided(np.empty(1, np.int8), shape, strides, writeable=False)


def _truncated(x: TracedArray) -> TracedArray:
    from diffsci.tracing.operations import unary

    return unary("trunc", x)


_OPERATORS = frozenset(f"__{r}{name}__" for name in ("matmul", "mul", "truediv") for r in ("", "r"))


def _method_of_sparse() -> str | None:
    """Return the name of the method of scipy.sparse that asks for an array, None where it is none."""
    frame, name = sys._getframe(2), None
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.startswith("scipy.sparse."):
            name = frame.f_code.co_name  # the outermost is what the user has called
        elif not module.startswith("numpy"):
            return name
        frame = frame.f_back
    return None


def _asked_by_sparse() -> bool:
    """Tell whether an operator of scipy.sparse asks for an array: it does, before it leaves it to ours."""
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("scipy.sparse."):
        if frame.f_code.co_name in _OPERATORS:
            return True
        frame = frame.f_back
    return False
