"""Where in the user's source an operation was written."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

_OWN = os.path.dirname(os.path.abspath(__file__)) + os.sep
_SOLVERS = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "solvers") + os.sep


def _library_roots() -> tuple[str, ...]:
    import numpy

    packages = os.path.dirname(os.path.dirname(numpy.__file__))
    libraries = (os.path.join(packages, name) + os.sep for name in ("numpy", "scipy"))
    return (_OWN, _SOLVERS, *libraries, "<frozen", "<__array_function__")


_SKIP = _library_roots()
_is_library: dict[str, bool] = {}
_known: dict[tuple[int, int], tuple] = {}  # (code, instruction) -> the code, kept alive, and its location
_MANY = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Location:
    """A line of user code: one object for each place."""

    file: str
    line: int
    function: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


def user_location(above: int = 1) -> Location | None:
    """Return the innermost frame outside diffsci, solvers, NumPy and SciPy, or None.

    The caller may know that the first frames `above` this one are the package's own.
    """
    frame = sys._getframe(above)
    known = _is_library
    while frame is not None:
        file = frame.f_code.co_filename
        skip = known.get(file)
        if skip is None:
            skip = known[file] = file.startswith(_SKIP)
        if not skip:
            return _location(frame)
        frame = frame.f_back
    return None


def _location(frame) -> Location:
    """Return the location of a frame, one object for each place: tracing asks for thousands."""
    code = frame.f_code
    key = (id(code), frame.f_lasti)
    found = _known.get(key)
    if found is None:
        if len(_known) > _MANY:
            _known.clear()
        found = _known[key] = (code, Location(code.co_filename, frame.f_lineno, code.co_name))
    return found[1]


def at(location: Location | None) -> str:
    """Return `` (file:line in function)`` for messages, or nothing when unknown."""
    return f" ({location})" if location is not None else ""


def described(function: Any) -> str:
    """Return the name of a user's function, and where it is written."""
    code = getattr(function, "__code__", None)
    place = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return f"{getattr(function, '__name__', repr(function))}{place}"
