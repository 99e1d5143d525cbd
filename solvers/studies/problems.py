"""What is wrong with the input of a study: collected, located, and told all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from diffsci.choices import meant


@dataclass(frozen=True)
class Problem:
    """One fault of the input: where it is and what was expected there."""

    message: str
    file: str = ""
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.file and self.line else self.file
        message = " ".join(self.message.splitlines())
        return ": ".join(part for part in (place, self.key, message) if part)


class BadInputError(Exception):
    """The study cannot start (or go on) because of its input; the command line exits with code 2."""

    def __init__(self, problems: Iterable[Problem] | Problem | str):
        if isinstance(problems, str):
            problems = Problem(problems)
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


class StudyFailedError(Exception):
    """The input is fine but the study did not succeed; the command line exits with code 1."""


class SimulationFailedError(StudyFailedError, ArithmeticError):
    """The solver gave up; finite differences leave such a point out."""


def nearest(name: str, valid: Iterable[str]) -> str:
    """Return the list of valid names, led by the one that ``name`` probably meant.

    Examples
    --------
    >>> nearest("metod", ["method", "rtol"])
    'did you mean "method"? (valid: method, rtol)'
    >>> nearest("xyz", ["method", "rtol"])
    'valid: method, rtol'
    >>> nearest("x", [])
    'none is defined'
    """
    names = sorted(map(str, valid))
    if not names:
        return "none is defined"
    close = meant(name, names)
    shown = ", ".join(names)
    return f"valid: {shown}" if close is None else f'did you mean "{close}"? (valid: {shown})'
