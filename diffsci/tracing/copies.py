"""Private traced copies: the user's function with its names resolved through our table.

NumPy's protocols do not see ``np.array([x0, x1])``, ``np.zeros(3)[0] = x0``, ``math.exp(x0)`` or
``float(x0)``. So the function is rebuilt with globals that resolve every name when it is read: NumPy,
SciPy and `math` functions become tracing ones, the user's own functions, classes and instances become
copies of the same kind, floats and arrays become inputs of the trace. Nobody else's NumPy is touched.
"""

from __future__ import annotations

import builtins
import dis
import functools
import types
from typing import Any

import numpy as np

from diffsci.errors import TraceError, UnsupportedError
from diffsci.graph.namespaces import is_on_device
from diffsci.source import at, user_location
from diffsci.tracing import containers, instances
from diffsci.tracing.array import TracedArray
from diffsci.tracing.chance import watch
from diffsci.tracing.complex.array import is_complex
from diffsci.tracing.complex.boundary import parts_of, unpacked
from diffsci.tracing.decorated import undecorated
from diffsci.tracing.identity import Contents, Identity, Seen
from diffsci.tracing.libraries import PROXIED, home, is_library, top_level
from diffsci.tracing.places import in_cell, in_scope
from diffsci.tracing.standard import refuse_device, refuse_foreign
from diffsci.tracing.tables import as_table
from diffsci.tracing.trace import Trace, current_trace

__all__ = ["argument", "original", "plain", "private_copy", "resolve", "write_back"]


class TracedGlobals(dict):
    """Globals of a copy. Empty: every read comes here; what the copy writes stays in it."""

    __slots__ = ("source",)

    def __init__(self, source: dict):
        super().__init__()
        self.source = source

    def __missing__(self, name: str) -> Any:
        from diffsci.tracing.python import BUILTINS

        if name in self.source:
            source = self.source
            return resolve(source[name], in_scope(source, name), ("global", id(source), name))
        if name == "__import__":
            return _traced_import
        if name in BUILTINS and current_trace() is not None:
            return BUILTINS[name]
        raise KeyError(name)


def _traced_import(name, globals=None, locals=None, fromlist=(), level=0):
    source = globals.source if isinstance(globals, TracedGlobals) else globals
    module = builtins.__import__(name, source, locals, fromlist, level)
    return module_proxy(module) if isinstance(module, types.ModuleType) else module


@functools.cache
def _imports(code: types.CodeType) -> bool:
    """Tell whether the code, or a function in it, imports."""
    inner = (const for const in code.co_consts if isinstance(const, types.CodeType))
    return _has(code, "IMPORT_NAME") or any(map(_imports, inner))


def _has(code: types.CodeType, *names: str) -> bool:
    """Tell whether instructions of these names are in the code; disassembling would take long."""
    operations = code.co_code[::2]
    return any(dis.opmap[name] in operations for name in names)


NUMBERS = (int, float)
LASTING = (
    *NUMBERS,
    types.FunctionType,
    types.BuiltinFunctionType,
    np.ufunc,
    type(np.sum),  # NumPy's dispatchers
    types.ModuleType,
)


class ModuleProxy:
    """A module whose attributes resolve like globals.

    Functions and numbers of a library are resolved once: nobody binds them anew.
    """

    def __init__(self, module: types.ModuleType):
        object.__setattr__(self, "_module", module)
        object.__setattr__(self, "_in_library", is_library(module.__name__))

    def __getattr__(self, name: str) -> Any:
        module = self._module
        value = getattr(module, name)
        if not self._in_library:
            if current_trace() is None:
                return value
            return resolve(value, lambda: getattr(module, name), ("attribute", id(module), name))
        if watch(current_trace(), value):
            return value
        if isinstance(value, LASTING):
            value = value if isinstance(value, NUMBERS) else object_of(None, value)
            object.__setattr__(self, name, value)
            return value
        if current_trace() is None:
            return value
        return resolve(value, lambda: getattr(module, name), ("library", id(module), name))

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._module, name, value)
        vars(self).pop(name, None)

    def __dir__(self):
        return dir(self._module)

    def __repr__(self) -> str:
        return repr(self._module)


@functools.cache
def module_proxy(module: types.ModuleType) -> Any:
    """Return the proxy of a module, or the module where nothing in it is ours to trace."""
    name = module.__name__
    if top_level(name) in PROXIED or name == "random" or not is_library(name):
        return ModuleProxy(module)
    return module


def resolve(value: Any, fetch, key: Any) -> Any:
    """Return what a traced function sees for a value it reads from outside.

    Parameters
    ----------
    value : object
        What stands there now.
    fetch : callable
        Reads it again, for later calls of the compiled program.
    key : hashable
        Names the place, so that reading it twice gives one input.
    """
    trace = current_trace()
    if trace is None:
        return value
    kind = type(value)
    if kind in (float, complex) or isinstance(value, np.inexact):
        return _captured(trace, value, fetch, key, scalar=True)
    if kind is np.ndarray:
        return _captured(trace, value, fetch, key, scalar=False)
    if kind in (int, bool, str) or value is None:
        _hold(trace, key, fetch, value)
        return value
    if containers.is_plain(value) and not _all_functions(value):
        return _container(trace, value, fetch, key)
    if is_on_device(value):
        raise UnsupportedError(
            f"the function reads an array on a CUDA device from outside{at(user_location())}: pass it as an "
            "argument to a function compiled with jit(..., backend='cupy')"
        )
    if containers.is_sparse(value):
        _hold(trace, key, lambda: containers.snapshot(fetch()), containers.snapshot(value))
    elif not (isinstance(value, (types.ModuleType, TracedArray)) or _is_library_attribute(key)):
        # A helper defined anew, or a name bound to another object, is another program. What the
        # object holds is looked at where it is copied.
        if containers.is_collection(value):
            _hold(trace, key, lambda: containers.snapshot(fetch()), containers.snapshot(value), settles=True)
        else:
            _hold(trace, key, Seen(fetch), Identity(value), settles=True)
    return object_of(trace, value)


def _is_library_attribute(key: Any) -> bool:
    """Tell whether a place is a name in a library, which nobody binds anew."""
    return key[0] == "library"


def _hold(trace: Trace, key: Any, fetch, value: Any, settles: bool = False) -> None:
    """Note that the program holds for this value of a place; once for each place.

    What `settles` may be changed by the function itself (a counter, a log): then it is no input of
    the function, and is not noted.
    """
    if ("held", key) not in trace.copies:
        trace.copies["held", key] = True
        (trace.settling if settles else trace.statics).append((fetch, value))


def hold_attributes(trace: Trace, value: Any) -> None:
    """Note the data that an object or a class holds."""
    trace.keep.append(value)
    if not isinstance(value, type):
        names = functools.partial(containers.names, value)
        _hold(trace, (id(value), "names"), names, names(), settles=True)
    for name, item in containers.attributes(value).items():
        if (isinstance(value, type) and not containers.is_data(name, item)) or watch(trace, item):
            continue
        fetch = functools.partial(containers.attribute, value, name)
        _hold(trace, (id(value), name), fetch, containers.snapshot(item), settles=True)


def _container(trace: Trace, value: Any, fetch, key: Any) -> Any:
    """Return a dict, list or tuple whose items are resolved like globals of their own."""
    known = trace.copies.get(id(value))
    if known is not None:
        return known[0]
    trace.keep.append(value)
    if len(value) > containers.LARGE:
        _hold(trace, key, lambda: containers.snapshot(fetch()), containers.snapshot(value), settles=True)
        return value
    _hold(trace, key, lambda: containers.layout(fetch()), containers.layout(value), settles=True)
    items: dict[Any, Any] = {}
    made = containers.started(value)
    if made is not None:
        trace.copies[id(value)] = (made, value, items)  # before its items: a list may hold itself
    for name, item in containers.items(value):
        items[name] = resolve(item, functools.partial(containers.item, fetch, name), (key, name))
    if all(items[name] is item for name, item in containers.items(value)):
        trace.copies[id(value)] = (value, value, items)
        return value
    made = containers.filled(made, value, items)
    trace.copies[id(value)] = (made, value, items)
    return made


def _captured(trace: Trace, value: Any, fetch, key: Any, scalar: bool) -> Any:
    if not scalar and value.dtype.kind not in "fciub":
        return value
    if not scalar and value.dtype.kind in "iub":
        # Indices and masks shape the program.
        _hold(trace, key, lambda: Contents(fetch()), Contents(value.copy()))
        return as_table(value)
    known = trace.copies.get(key)
    if known is not None and known[0] is value:
        return known[1]
    whole = is_complex(value)
    inside = parts_of(value) if whole else value
    node = trace.capture((key, id(value)), inside, fetch, keep=value, place=key, whole=whole)
    made = TracedArray(trace, node, scalar=scalar)
    if whole:
        made = unpacked(made)
        made.scalar = scalar
    made.weak = type(value) in (float, complex)
    made.given = True
    trace.copies[key] = (value, made)
    return made


def object_of(trace: Trace, value: Any) -> Any:
    """Resolve a function, class, instance or module; everything else is itself."""
    if watch(trace, value):
        return value
    if isinstance(value, types.ModuleType):
        return module_proxy(value)
    if isinstance(value, types.FunctionType):
        wrapped = _table_function(value)
        return wrapped if wrapped is not None else private_copy(value)
    if isinstance(value, (types.BuiltinFunctionType, np.ufunc)) or _is_dispatcher(value) or _is_row(value):
        return _table_function(value) or value
    if isinstance(value, types.MethodType):
        return types.MethodType(private_copy(value.__func__), instances.instance(trace, value.__self__))
    if isinstance(value, functools.partial):
        return _partial(trace, value)
    if isinstance(value, type):
        return _table_function(value) or instances.traced_class(trace, value)
    if type(value) in (dict, list, tuple) and _all_functions(value):
        return _table(trace, value)
    return _table_function(value) or undecorated(value, private_copy) or instances.instance(trace, value)


def _partial(trace: Trace, value: functools.partial) -> functools.partial:
    """Return a partial of the traced copy, with arguments that resolve like globals."""
    function = object_of(trace, value.func)
    if function is value.func:  # made by the function under trace
        return value
    trace.keep.append(value)
    key = ("partial", id(value))
    args = [
        resolve(item, functools.partial(containers.item, lambda: value.args, k), (key, k))
        for k, item in enumerate(value.args)
    ]
    keywords = {
        name: resolve(item, functools.partial(containers.item, lambda: value.keywords, name), (key, name))
        for name, item in value.keywords.items()
    }
    return functools.partial(function, *args, **keywords)


def _all_functions(value: Any) -> bool:
    items = value.values() if isinstance(value, dict) else value
    return bool(value) and all(isinstance(item, types.FunctionType) for item in items)


def _table(trace: Trace, value: Any) -> Any:
    """Copy a table of functions, such as the rates of a model by name."""
    if isinstance(value, dict):
        return {key: object_of(trace, item) for key, item in value.items()}
    return type(value)(object_of(trace, item) for item in value)


def _is_dispatcher(value: Any) -> bool:
    return hasattr(value, "__wrapped__") and top_level(getattr(value, "__module__", None)) in PROXIED


def _is_row(value: Any) -> bool:
    return value is np.r_ or value is np.c_


def private_copy(function: Any) -> Any:
    """Return the traced copy of a user's function; a copy is returned as it is."""
    if isinstance(function, types.MethodType):
        trace = current_trace()
        return types.MethodType(private_copy(function.__func__), instances.instance(trace, function.__self__))
    if isinstance(function, functools.partial):
        return _partial(current_trace(), function)
    if not isinstance(function, types.FunctionType):
        trace = current_trace()
        return object_of(trace, function) if trace is not None else function
    if isinstance(function.__globals__, TracedGlobals):
        return function
    if top_level(home(function)) in PROXIED:
        return _table_function(function) or function
    if is_library(home(function)):
        return function
    trace = current_trace()
    known = trace.copies.get(id(function))
    if known is not None:
        return known
    return _copy_function(trace, function)


def argument(value: Any) -> Any:
    """Return what a traced function sees for a static argument: callables and instances are copied."""
    if value is None or isinstance(value, (int, str, bytes, type)):
        return value
    refuse_foreign(refuse_device(value))
    return object_of(current_trace(), value)


def _copy_function(trace: Trace, function: types.FunctionType) -> types.FunctionType:
    scope = trace.copies.get(id(function.__globals__))
    if scope is None:
        scope = trace.copies[id(function.__globals__)] = TracedGlobals(function.__globals__)
        trace.keep.append(function.__globals__)
    if _imports(function.__code__) and "__builtins__" not in scope:
        dict.__setitem__(scope, "__builtins__", {**vars(builtins), "__import__": _traced_import})
    cells = tuple(types.CellType() for _ in function.__closure__ or ())
    copy = types.FunctionType(function.__code__, scope, function.__name__, None, cells or None)
    copy._diffsci_original = function
    trace.copies[id(function)] = copy  # before its cells: closures refer to themselves
    trace.keep.append(function)
    if function.__closure__:
        copy = _filled(trace, function, copy, cells, scope)
    copy.__kwdefaults__ = function.__kwdefaults__ and {
        name: _default(trace, value) for name, value in function.__kwdefaults__.items()
    }
    copy.__defaults__ = function.__defaults__ and tuple(
        _default(trace, value) for value in function.__defaults__
    )
    if any(isinstance(value, (np.ndarray, dict, list)) for value in containers.defaults(function)):
        fetch = functools.partial(containers.defaults_now, function)
        _hold(trace, (id(function), "defaults"), fetch, fetch(), settles=True)
    copy.__dict__.update(function.__dict__)
    copy.__module__, copy.__qualname__ = function.__module__, function.__qualname__
    copy.__doc__ = function.__doc__
    return copy


def _default(trace: Trace, value: Any) -> Any:
    return value if isinstance(value, (float, int, np.ndarray, TracedArray)) else object_of(trace, value)


def _filled(trace: Trace, function, copy, cells, scope):
    """Give the copy its closure: resolved contents, or the user's own cell where the code writes to it."""
    written = _written_names(function.__code__)
    shared = list(cells)
    for position, (name, cell, new) in enumerate(
        zip(function.__code__.co_freevars, function.__closure__, cells, strict=True)
    ):
        if name in written:
            shared[position] = cell
            continue
        try:
            content = cell.cell_contents
        except ValueError:  # not bound yet: a name assigned later
            shared[position] = cell
            continue
        new.cell_contents = resolve(content, in_cell(cell), ("cell", id(cell)))
        trace.keep.append(cell)
    if all(a is b for a, b in zip(shared, cells, strict=True)):
        return copy
    remade = types.FunctionType(function.__code__, scope, function.__name__, None, tuple(shared))
    remade._diffsci_original = function
    trace.copies[id(function)] = remade
    return remade


_WRITES = ("STORE_DEREF", "DELETE_DEREF")


@functools.cache
def _written_names(code: types.CodeType) -> frozenset[str]:
    """Names of enclosing scopes that the code, or a function in it, assigns."""
    if not code.co_freevars:
        return frozenset()
    names = set()
    if _has(code, *_WRITES):
        names = {op.argval for op in dis.get_instructions(code) if op.opname in _WRITES}
    for const in code.co_consts:
        if isinstance(const, types.CodeType):
            names |= _written_names(const) & set(const.co_freevars)
    return frozenset(names & set(code.co_freevars))


def _table_function(function: Any) -> Any:
    """Return the tracing version of a library function, or None where there is none."""
    from diffsci.tracing.wrappers import wrapper

    return wrapper(function)


def original(function: Any) -> Any:
    """Return the user's own function behind a private copy, or the function itself.

    A trace makes a new copy every time; only the original tells that two calls have one function. A
    function defined inside a traced one is a value of that trace and has no other original.
    """
    return getattr(function, "_diffsci_original", function)


def plain(trace: Trace, value: Any) -> Any:
    """Return the value at this call of what a function stores outside: a number or array, as in NumPy."""
    if not isinstance(value, TracedArray) or value.owner is not trace:
        return value
    found = np.array(value.concrete())
    return (found.item() if value.weak else found[()]) if value.scalar else found


def write_back(trace: Trace) -> None:
    """Hand `global` assignments of the copies over to the user's modules; traced values may not go there."""
    for scope in trace.copies.values():
        if isinstance(scope, tuple) and len(scope) == 3:
            containers.write_back(*scope, functools.partial(plain, trace))
        if not isinstance(scope, TracedGlobals):
            continue
        for name, value in scope.items():
            if name == "__builtins__":
                continue
            if isinstance(value, TracedArray):
                if not value.is_const:
                    raise TraceError(
                        f"the global {name!r} was set to a traced value{at(user_location())}: return it"
                    )
                value = value.constant()
            scope.source[name] = value
