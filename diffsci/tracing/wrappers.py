"""What a library function becomes inside a traced function."""

from __future__ import annotations

import functools
import itertools
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from diffsci.tracing import classes
from diffsci.tracing import functions as _functions  # noqa: F401  fills FUNCTIONS
from diffsci.tracing import methods as _methods  # noqa: F401  fills the class
from diffsci.tracing import operations as ops
from diffsci.tracing.array import TracedArray
from diffsci.tracing.complex import methods as _complex_methods  # noqa: F401  fills its class
from diffsci.tracing.complex.functions import library_implementation
from diffsci.tracing.complex.python import CMATH
from diffsci.tracing.functions.sparse import is_factors
from diffsci.tracing.functions.special import SPECIAL
from diffsci.tracing.libraries import PROXIED, home, top_level
from diffsci.tracing.protocols import FUNCTIONS, SCIPY, UFUNCS, call_function, call_ufunc
from diffsci.tracing.python import MATH
from diffsci.tracing.sparse import TracedSparse
from diffsci.tracing.tables import as_table
from diffsci.tracing.trace import current_trace

__all__ = ["wrapper"]

_ITERATIVE = "use diffsci.linear_solve(lambda v: A @ v, b, method=...), which iterates and has derivatives"
_FACTORS = "solve with scipy.sparse.linalg.spsolve(A, b), or with splu(A).solve(b)"
_DENSE = "use the function of numpy.linalg or scipy.linalg for A.toarray()"
# What to write in place of functions that cannot be traced.
INSTEAD = {
    "scipy.integrate.solve_ivp": "use solvers.solve_ivp",
    **dict.fromkeys(
        ("scipy.integrate.odeint", "scipy.integrate.quad", "scipy.optimize.minimize", "scipy.optimize.root"),
        "call it outside",
    ),
    **{
        f"scipy.sparse.linalg.{name}": instead
        for names, instead in (
            ("cg cgs bicg bicgstab gmres lgmres minres qmr", _ITERATIVE),
            ("inv spilu spsolve_triangular", _FACTORS),
            ("eigs eigsh svds expm expm_multiply lsqr lsmr", _DENSE),
        )
        for name in names.split()
    },
}  # fmt: skip


def _fromiter(iterable: Any, dtype: Any, count: int = -1, **_: Any) -> Any:
    """np.fromiter sees through to the numbers, which may be traced: take them out first."""
    entries = list(iterable) if count < 0 else list(itertools.islice(iterable, count))
    return (
        call_function(np.array, (entries, dtype), {}) if _holds_traced(entries) else np.array(entries, dtype)
    )


class _Rows:
    """np.r_ and np.c_ of numbers, arrays and slices."""

    def __init__(self, native: Any, joined: Callable):
        self.native, self.joined = native, joined

    def __getitem__(self, key: Any) -> Any:
        parts = key if isinstance(key, tuple) else (key,)
        if not _holds_traced(parts):
            return _writable(self.native[key])
        if any(isinstance(part, str) for part in parts):
            raise ops.unsupported("a format string in numpy.r_ or numpy.c_", "use numpy.concatenate")
        parts = [self.native[part] if isinstance(part, slice) else part for part in parts]
        return call_function(self.joined, (parts,), {})


class _Grid:
    """np.mgrid and np.ogrid: the user may write into what they make."""

    def __init__(self, native: Any):
        self.native = native

    def __getitem__(self, key: Any) -> Any:
        made = self.native[key]
        return tuple(map(_writable, made)) if isinstance(made, tuple) else _writable(made)


ROWS = {
    id(np.mgrid): _Grid(np.mgrid),
    id(np.ogrid): _Grid(np.ogrid),
    id(np.r_): _Rows(np.r_, np.hstack),
    id(np.c_): _Rows(np.c_, np.column_stack),
}

FUNCTION_TYPES = (types.FunctionType, types.BuiltinFunctionType, np.ufunc, type(np.sum))
REPEATING = frozenset({np.zeros, np.empty, np.ones, np.zeros_like, np.empty_like, np.ones_like})


def _holds_traced(values) -> bool:
    for value in values:
        if isinstance(value, (TracedArray, TracedSparse)):
            return True
        if isinstance(value, (list, tuple)) and _holds_traced(value):
            return True
    return False


def wrapper(function: Any) -> Callable | None:
    """Return the tracing version of a function of NumPy, SciPy or `math`; None for others."""
    if id(function) in ROWS:
        return ROWS[id(function)]
    if isinstance(function, type):
        return classes.stand_in(function)
    bound = isinstance(function, types.BuiltinFunctionType) and is_factors(function.__self__)
    if bound or not callable(function) or not _is_function(function):
        return classes.tracing_object(function)
    try:
        return _wrapper(function)
    except TypeError:  # unhashable: no function of ours
        return None


def _is_function(value: Any) -> bool:
    return isinstance(value, FUNCTION_TYPES) or type(value).__module__ == "uarray"  # those of scipy.fft


@functools.cache
def _wrapper(function: Any) -> Callable | None:
    if isinstance(function, types.FunctionType) and top_level(home(function)) not in PROXIED:
        return None  # functools.wraps gives a derivative of numpy.sum numpy's name
    module = getattr(function, "__module__", None) or ""
    if isinstance(function, np.ufunc):
        return _ufunc_wrapper(function) if module.startswith(("numpy", "scipy")) or not module else None
    if module == "cmath":
        return _dispatching(function, CMATH.get(function.__name__), "cmath")
    if module == "math":
        return _dispatching(function, MATH.get(function.__name__), "math")
    if module.startswith("scipy."):
        return _scipy(function, module)
    if function is np.fromiter:
        return _fromiter
    if function in FUNCTIONS:
        return _numpy(function)
    if module.startswith("numpy") and isinstance(function, (types.FunctionType, types.BuiltinFunctionType)):
        return _dispatching(function, None, module)
    return None


def _scipy(function: Any, module: str) -> Callable | None:
    name = getattr(function, "__name__", "")
    if isinstance(function, type):
        return None
    if module.startswith("scipy.special"):
        return _dispatching(function, SPECIAL.get(name), "scipy.special")
    package = ".".join(module.split(".")[:2])
    if package == "scipy._lib":  # scipy._lib._sparse.issparse is scipy.sparse's
        package = f"scipy.{module.rpartition('._')[2]}"
    return _dispatching(function, SCIPY.get(f"{package}.{name}"), package)


def _dispatching(function: Callable, traced: Callable | None, module: str) -> Callable:
    """Call the tracing version if an argument is traced, the function itself otherwise."""

    def call(*args, **kwargs):
        if module == "math":
            args = tuple(list(x) if isinstance(x, Iterator) else x for x in args)
        if not _holds_traced(args) and not _holds_traced(kwargs.values()):
            return _tracing(function(*args, **kwargs))
        if traced is None:
            args, kwargs = _without_constants(args, kwargs)
            if not _holds_traced(args) and not _holds_traced(kwargs.values()):
                return _tracing(function(*args, **kwargs))
            name = f"{_public(function, module)}.{function.__name__}"
            instead = INSTEAD.get(name, "express it by supported functions")
            raise ops.unsupported(name, instead)
        rule = library_implementation(f"{module}.{function.__name__}", traced, (*args, *kwargs.values()))
        return rule(*args, **kwargs)

    return functools.update_wrapper(call, function, updated=())


def _public(function: Callable, module: str) -> str:
    """Return the name of the module that a function is imported from."""
    full = getattr(function, "__module__", None) or module
    return full.partition("._")[0] if full.startswith(f"{module}.") else module


def _without_constants(args, kwargs):
    """Replace values that do not depend on inputs by plain arrays."""

    def plain(x):
        if isinstance(x, TracedArray) and x.weak and x.dtype.kind == "i":
            return operator.index(x)
        if isinstance(x, TracedArray) and x.is_const:
            value = np.array(x.constant())
            return value.item() if x.scalar else value
        if isinstance(x, TracedSparse) and x.settle().entries.is_const:
            return x.places.filled(np.array(x.entries.constant()))
        return x

    return tuple(map(plain, args)), {key: plain(value) for key, value in kwargs.items()}


def _numpy(function: Callable) -> Callable:
    def call(*args, **kwargs):
        if _holds_traced(args) or _holds_traced(kwargs.values()):
            return call_function(function, *_with_plain_sizes(function, args, kwargs))
        if function in REPEATING and current_trace() is not None:
            made = FUNCTIONS[function](*args, **kwargs)
            if made.dtype.kind in "fcb":
                return made
        return _writable(function(*args, **kwargs))

    return functools.update_wrapper(call, function, updated=())


# Where a traced integer that is not the first argument is data; elsewhere it is a size, an axis or a count.
DATA = frozenset({np.take, np.where, np.full, np.full_like, np.select, np.clip, np.searchsorted, np.isin})


def _with_plain_sizes(function: Callable, args: tuple, kwargs: dict) -> tuple[tuple, dict]:
    """Hold the program to the integers made by int() that say how, not what."""
    if function in DATA:
        return args, kwargs

    def plain(x: Any) -> Any:
        is_size = isinstance(x, TracedArray) and x.weak and x.dtype.kind == "i"
        return operator.index(x) if is_size else x

    return (*args[:1], *map(plain, args[1:])), {name: plain(x) for name, x in kwargs.items()}


def _ufunc_wrapper(ufunc: np.ufunc) -> Callable:
    name, nin = ufunc.__name__, ufunc.nin

    def call(*args, **kwargs):
        if not kwargs and len(args) == nin and type(args[0]) is TracedArray and name in UFUNCS:
            return UFUNCS[name](*args)  # the commonest call
        if _holds_traced(args):
            return call_ufunc(ufunc, "__call__", args, kwargs)
        return _writable(ufunc(*args, **kwargs))

    for method in ("reduce", "accumulate", "outer", "at", "reduceat"):
        setattr(call, method, _ufunc_method(getattr(ufunc, method)))
    return call


def _ufunc_method(method: Callable) -> Callable:
    """NumPy does not look for traced values inside lists: make arrays of them first."""

    def call(*args, **kwargs):
        seen = [ops.as_array(x) if isinstance(x, list) and _holds_traced(x) else x for x in args]
        return method(*seen, **kwargs)

    return call


def _tracing(made: Any) -> Any:
    """Return what a library function made as a traced function sees it."""
    found = None if isinstance(made, np.ndarray) or current_trace() is None else classes.tracing_object(made)
    return _writable(made) if found is None else found


def _writable(made: Any) -> Any:
    """Track a new float array: the user may write traced values into it."""
    if type(made) is np.ndarray and current_trace() is not None:
        return ops.traced(made) if made.dtype.kind in "fc" else as_table(made)
    return made
