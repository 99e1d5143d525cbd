"""The page of supported functions: ``python -m diffsci.supported MODULE... > docs/supported.md``.

Every function in the tables is called while a sample of its calls is traced; the page says what can be
done with the programs that come out. A module of samples has a function ``calls()`` that gives pairs
(function, arguments).
"""

from __future__ import annotations

import importlib
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy

from diffsci.backends.eliminating import eliminating
from diffsci.backends.expanding import expanded
from diffsci.backends.plan.vocabulary import is_callback
from diffsci.errors import DiffsciError
from diffsci.graph import Builder, Graph, Node
from diffsci.graph.ir import topological
from diffsci.tracing import TracedArray, protocols, trace_function
from diffsci.tracing.classes import CLASSES
from diffsci.tracing.complex.array import ComplexArray
from diffsci.tracing.complex.carried import CARRIED, CARRIED_LIBRARY
from diffsci.tracing.complex.functions import COMPLEX_FUNCTIONS, COMPLEX_LIBRARY
from diffsci.tracing.complex.python import CMATH
from diffsci.tracing.functions.special import SPECIAL
from diffsci.tracing.methods import METHODS
from diffsci.tracing.python import BUILTINS, MATH
from diffsci.tracing.selection import Selected
from diffsci.tracing.sparse import TracedSparse
from diffsci.transforms import batch_graph, jvp_graph, tangent_graph, taylor_graph, vjp_graph

__all__ = ["Record", "page", "recorded"]

HEADER = """\
# Supported functions

Written by `python -m diffsci.supported tests.laws.cases tests.supported.calls`; do not edit. Each function
was called with traced arguments, and the columns say what can be done with the programs that came out:

- **forward**, **reverse**, **2nd**: derivatives in both modes, and forward over reverse; `0` where the
  derivative is zero wherever it exists; `-` where the result is no float; `in part` where it is known in the
  last argument only, and orders are constants;
- **Taylor**: power series of any order; **vmap**: over a new axis;
- **compiled**: `native`, or `calls back` where a compiled program calls a NumPy or SciPy routine for a part;
- **complex**: complex arguments.

Functions of plain (not traced) arguments run as they are, supported or not. Seen with {versions}.
"""
FOOTER = """\
Python's `sum`, `max`, `min`, `abs`, `round`, `sorted`, `divmod`, `pow`, `any`, `all`, `zip`, `map` and their
like work on traced values by themselves, as do `functools`, `itertools` and `operator`.
"""
COLUMNS = ("forward", "reverse", "2nd", "Taylor", "vmap", "compiled", "complex")


@dataclass
class Record:
    """What was seen of one function.

    Attributes
    ----------
    section, name : str
    complex : bool
        It takes complex arguments.
    modes : dict
        Column -> text, the best seen.
    """

    section: str
    name: str
    complex: bool = False
    modes: dict[str, str] = field(default_factory=dict)
    called: bool = False
    seen: set = field(default_factory=set)

    def note(self, starts: list[Node], ends: list[Node]) -> None:
        """Look at one call: the nodes that went in, and those that came out."""
        self.called = True
        graph = _between(starts, ends)
        if graph is None:
            return
        key = frozenset(node.name for node in graph.nodes)
        if key not in self.seen:
            self.seen.add(key)
            for column, text in _modes(graph).items():
                if RANK[text] > RANK[self.modes.get(column, "")]:
                    self.modes[column] = text


RANK = {text: k for k, text in enumerate(["", "-", "no", "0", "in part", "native", "yes", "calls back"])}


def _between(starts: list[Node], ends: list[Node]) -> Graph | None:
    """Return the graph from the nodes that went into a call to those that came out."""
    starts = list(dict.fromkeys(node for node in starts if not node.is_known))
    ends = [node for node in ends if not node.is_known and node not in starts]
    if not ends:
        return None
    b = Builder()
    moved = {node: b.input(node.type) for node in starts}
    inputs = list(moved.values())
    for node in topological(ends):
        if node in moved:
            continue
        if node.name == "input":  # read from outside
            moved[node] = b.input(node.type)
            inputs.append(moved[node])
        elif all(x in moved for x in node.inputs):
            moved[node] = b.emit(node.primitive, *(moved[x] for x in node.inputs), **node.params)
    return Graph(inputs, [moved[y] for y in ends])


def _modes(graph: Graph) -> dict[str, str]:
    found = {
        "vmap": _works(lambda _: batch_graph(graph, [True] * len(graph.inputs), 2)),
        "compiled": "calls back" if any(map(is_callback, eliminating(expanded(graph)).nodes)) else "native",
    }
    if not any(x.type.is_float for x in graph.inputs) or not any(y.type.is_float for y in graph.outputs):
        return found | dict.fromkeys(DERIVATIVES, "-")
    everything = [True] * len(graph.inputs)
    last = [*[False] * (len(everything) - 1), True]
    for active, word in ((everything, "yes"), (last, "in part")):
        if _works(lambda chosen: tangent_graph(graph, chosen), active) == "yes":
            if not tangent_graph(graph, active)[1]:
                return found | dict.fromkeys(DERIVATIVES, "0")
            modes = {column: _works(make, graph, active) for column, make in DERIVATIVES.items()}
            return found | {column: word if text == "yes" else text for column, text in modes.items()}
    return found | dict.fromkeys(DERIVATIVES, "no")


def _second(graph: Graph, active: list[bool]) -> Graph:
    pulled = vjp_graph(graph, active)
    return jvp_graph(pulled, [*active, *[True] * (len(pulled.inputs) - len(active))])


DERIVATIVES: dict[str, Callable] = {
    "forward": jvp_graph,
    "reverse": vjp_graph,
    "2nd": _second,
    "Taylor": lambda graph, active: taylor_graph(graph, 3, active),
}


def _works(make: Callable, *args: Any) -> str:
    try:
        make(*(args or (None,)))
    except DiffsciError:
        return "no"
    return "yes"


def _nodes(value: Any) -> list[Node]:
    """Return the nodes of the traced values in arguments or results."""
    if isinstance(value, ComplexArray):
        return [*_nodes(value.re), *_nodes(value.im)]
    if isinstance(value, TracedSparse):
        return _nodes(value.entries)
    if isinstance(value, Selected):
        return [*_nodes(value.full), *_nodes(value.mask)]
    if isinstance(value, TracedArray):
        return [value.read()]
    if isinstance(value, dict):
        value = value.values()
    elif not isinstance(value, (list, tuple)):
        return []
    return [node for part in value for node in _nodes(part)]


def _recording(record: Record, function: Callable) -> Callable:
    def call(*args: Any, **kwargs: Any) -> Any:
        starts = _nodes((args, kwargs))
        result = function(*args, **kwargs)
        ends = _nodes(result)
        record.note(starts, ends if result is not None else _nodes(args[:1]))
        return result

    return call


def _function_section(function: Any) -> tuple[str, str]:
    module = (getattr(function, "__module__", None) or "numpy").removeprefix("numpy.lib.")
    if isinstance(function, np.ufunc) or module.startswith("_"):
        module = "numpy"
    section = module if module.startswith("numpy.") else "numpy"
    name = (
        f"{module}.{function.__name__}"
        if module.startswith("numpy")
        else f"numpy.lib.{module}.{function.__name__}"
    )
    return section, name


def _records() -> Iterator[tuple[dict, Any, Record]]:
    """Yield (table, key, record) for every entry of the tables."""
    for function in protocols.FUNCTIONS:
        section, name = _function_section(function)
        takes_complex = function in CARRIED or function in COMPLEX_FUNCTIONS
        yield protocols.FUNCTIONS, function, Record(section, name, takes_complex)
    for name in protocols.UFUNCS:
        if name.startswith("_"):  # called by another one
            continue
        section = "numpy" if isinstance(getattr(np, name, None), np.ufunc) else "scipy.special"
        yield protocols.UFUNCS, name, Record(section, f"{section}.{name}", _takes_complex(section, name))
    for name in SPECIAL:
        full = f"scipy.special.{name}"
        yield SPECIAL, name, Record("scipy.special", full, full in CARRIED_LIBRARY or full in COMPLEX_LIBRARY)
    for name in protocols.SCIPY:
        module, _, own_name = name.rpartition(".")
        function = getattr(importlib.import_module(module), own_name, None)
        if getattr(function, "__name__", None) != own_name:  # in other versions of SciPy, or another's alias
            continue
        section = ".".join(name.split(".")[:2])
        yield protocols.SCIPY, name, Record(section, name, name in CARRIED_LIBRARY or name in COMPLEX_LIBRARY)
    for section, table in (("math", MATH), ("cmath", CMATH)):
        for name in table:
            if hasattr(importlib.import_module(section), name):  # in every version of Python
                yield table, name, Record(section, f"{section}.{name}", section == "cmath")
    for name in METHODS:
        yield METHODS, name, Record("numpy.ndarray", f"ndarray.{name}", hasattr(ComplexArray, name))


def _takes_complex(section: str, name: str) -> bool:
    """Try a ufunc on complex numbers."""
    ufunc = getattr(importlib.import_module(section), name)
    try:
        with np.errstate(all="ignore"):
            trace_function(lambda *z: ufunc(*z), (np.array([[0.3 + 0.2j]]),) * ufunc.nin)
    except Exception:  # refused, in whatever way
        return False
    return True


@contextmanager
def recorded() -> Iterator[list[Record]]:
    """Record what is called inside the block; yields one record for every supported function."""
    entries = list(_records())
    kept = [(table, key, table[key]) for table, key, _ in entries]
    for table, key, record in entries:
        old = table[key]
        if isinstance(old, property):
            _enter(table, key, property(_recording(record, old.fget), old.fset))
        elif callable(old):
            _enter(table, key, _recording(record, old))
    try:
        yield [record for _, _, record in entries]
    finally:
        for table, key, old in kept:
            _enter(table, key, old)


def _enter(table: dict, key: Any, value: Any) -> None:
    table[key] = value
    if table is METHODS:
        setattr(TracedArray, key, value)


def sampled(calls: Iterable[tuple[Callable, tuple]]) -> list[Record]:
    """Trace the calls and return what was seen of every function, names sorted."""
    with recorded() as records:
        for function, args in calls:
            with np.errstate(all="ignore"):
                trace_function(function, args)
    return sorted(records, key=lambda record: (record.section, record.name.lower()))


def page(records: list[Record]) -> str:
    """Return the page as Markdown."""
    versions = f"Python {platform.python_version()}, NumPy {np.__version__}, SciPy {scipy.__version__}"
    lines = [HEADER.format(versions=versions)]
    sections = dict.fromkeys(record.section for record in records)
    for section in sections:
        chosen = [record for record in records if record.section == section]
        lines += [
            f"## {section}\n",
            f"| function | {' | '.join(COLUMNS)} |",
            "|---" * (len(COLUMNS) + 1) + "|",
        ]
        lines += [_row(record) for record in chosen]
        lines.append("")
    classes = sorted({*BUILTINS, *(f"{cls.__module__}.{cls.__name__}" for cls in CLASSES)})
    lines += ["## Types and built-in functions\n", ", ".join(f"`{name}`" for name in classes), ""]
    lines += [FOOTER]
    return "\n".join(lines)


def _row(record: Record) -> str:
    texts = [record.modes.get(column, "-") for column in COLUMNS[:-1]]
    return f"| `{record.name}` | {' | '.join(texts)} | {'yes' if record.complex else '-'} |"


def main(modules: list[str]) -> None:
    """Print the page for the calls of these modules."""
    if not modules:
        sys.exit("usage: python -m diffsci.supported MODULE..., modules whose calls() are the sample calls")
    calls = [call for name in modules for call in importlib.import_module(name).calls()]
    records = sampled(calls)
    missing = [record.name for record in records if not record.called]
    if missing:
        sys.exit(f"no sample calls: {', '.join(missing)}")
    print(page(records), end="")


if __name__ == "__main__":
    main(sys.argv[1:])
