"""A call form under test: the function as a user writes it, where it is smooth, and how to judge it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.laws.domains import Domain


@dataclass(frozen=True)
class Case:
    """One line of a table.

    ``twin`` is the same function in a form that plain NumPy can run on complex numbers; it is needed where
    the user's form cannot (``abs``, ``maximum``, in-place writes into real arrays).
    """

    name: str
    function: Callable[..., Any]
    domains: tuple[Domain, ...]
    twin: Callable[..., Any] | None = None
    single: bool = True  # also meaningful in float32

    @property
    def judge(self) -> Callable[..., Any]:
        """The function to run on complex numbers."""
        return self.twin or self.function


def table(*rows: tuple) -> list[Case]:
    """Cases from rows ``(name, function, domain or domains[, twin])``."""
    cases = []
    for name, function, domains, *rest in rows:
        domains = domains if isinstance(domains, tuple) else (domains,)
        cases.append(Case(name, function, domains, *rest))
    return cases
