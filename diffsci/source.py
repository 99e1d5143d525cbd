"""Where in the user's source an operation was written."""

from __future__ import annotations

import os
import sys
import warnings
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
_known: dict[tuple[int, int], tuple] = {}  # (code, instruction) -> the code, kept alive, and its location
_MANY = 100_000
_positions: dict[int, tuple] = {}  # code -> the code, kept alive, and where each of its instructions stands
_MOST_POSITIONS = 32


@dataclass(frozen=True, slots=True, eq=False)
class Location:
    """A line of user code: one object for each place.

    Attributes
    ----------
    span : tuple or None
        Where the expression stands, if that is known: its last line, its first column and the column behind
        it (counted in bytes).
    """

    file: str
    line: int
    function: str
    span: tuple[int, int, int] | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line} in {self.function}"


def user_location(above: int = 1) -> Location | None:
    """Return the innermost frame outside diffsci, solvers, NumPy and SciPy, or None.

    The caller may know that the first frames `above` this one are the package's own.
    """
    frame = sys._getframe(above)
    while frame is not None:
        code = frame.f_code
        key = (id(code), frame.f_lasti)
        found = _known.get(key)
        if found is None:
            found = _known[key] = _place(code, frame)
        if found[1] is not None:
            return found[1]
        frame = frame.f_back
    return None


def _place(code: Any, frame: Any) -> tuple[Any, Location | None]:
    """Return the code, to be kept alive, and the location of a frame: None in a library.

    There is one object for each place, and each is made once: tracing asks for thousands.
    """
    if len(_known) > _MANY:
        _known.clear()
    if in_library(code.co_filename):
        return code, None
    return code, _location(code, frame)


def _location(code: Any, frame: Any) -> Location:
    """Return the place of the expression that a frame evaluates."""
    line, last, first_column, last_column = _place_of(code, frame.f_lasti // 2)
    span = None if last is None or first_column is None else (last, first_column, last_column)
    return Location(code.co_filename, frame.f_lineno if line is None else line, code.co_name, span)


def _place_of(code: Any, instruction: int) -> tuple:
    """Return lines and columns of an instruction: code knows them in order only, so they are listed once."""
    found = _positions.get(id(code))
    if found is None:
        if len(_positions) > _MOST_POSITIONS:
            _positions.clear()
        found = _positions[id(code)] = code, list(code.co_positions())
    places = found[1]
    return places[instruction] if instruction < len(places) else (None,) * 4


def in_library(file: str) -> bool:
    """Whether a source file belongs to diffsci, solvers, NumPy or SciPy, and not to their user."""
    return file.startswith(_SKIP)


def at(location: Location | None) -> str:
    """Return `` (file:line in function)`` for messages, or nothing when unknown."""
    return f" ({location})" if location is not None else ""


def warn_user(message: str) -> None:
    """Issue a warning that names the user's line."""
    location = user_location(2)
    if location is None:
        warnings.warn(message, stacklevel=3)
    else:
        warnings.warn_explicit(message, UserWarning, location.file, location.line)


def described(function: Any) -> str:
    """Return the name of a user's function, and where it is written."""
    code = getattr(function, "__code__", None)
    place = f" ({code.co_filename}:{code.co_firstlineno})" if code is not None else ""
    return f"{getattr(function, '__name__', repr(function))}{place}"
