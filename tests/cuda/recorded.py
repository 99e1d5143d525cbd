"""Graphs and numbers that other tests compare, taken down instead of run: many are then compiled at once."""

from __future__ import annotations

import inspect
import itertools
from dataclasses import dataclass

import pytest

from diffsci.backends.plan import build
from diffsci.graph import Graph

__all__ = ["Case", "loops_only", "recorded"]


@dataclass(frozen=True)
class Case:
    """A graph, its inputs, and how far results may be from the interpreter's."""

    name: str
    graph: Graph
    arrays: list
    tolerance: float = 1e-13


def recorded(module, leave_out=(), compare="compare") -> list[Case]:
    """Return what the tests of a module hand to its `compare`: a graph and arrays, or cases.

    Fixtures named ``mode`` are of no account; tests that ask for others are left out.
    """
    cases: list[Case] = []
    for name, test in inspect.getmembers(module, inspect.isfunction):
        if not name.startswith("test_") or name in leave_out or test.__module__ != module.__name__:
            continue
        for label, arguments in _calls(test):

            def note(graph, arrays=(), tolerance=1e-13, program=None, label=f"{name}{label}", exact=False):
                if isinstance(graph, list):
                    cases.extend(graph)
                else:
                    cases.append(Case(label, graph, [a.copy() for a in arrays], tolerance))

            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(module, compare, note)
                test(**arguments)
    return cases


def _calls(test):
    """Yield a label and the arguments of every parametrised call of a test."""
    needed = set(inspect.signature(test).parameters)
    choices = []
    for mark in getattr(test, "pytestmark", ()):
        if mark.name == "parametrize":
            names, values = mark.args[:2]
            names = [n.strip() for n in names.split(",")] if isinstance(names, str) else list(names)
            choices.append([dict(zip(names, v if len(names) > 1 else (v,), strict=True)) for v in values])
    for combination in itertools.product(*choices):
        arguments = {key: value for part in combination for key, value in part.items()}
        label = f"[{'-'.join(map(str, arguments.values()))}]" if arguments else ""
        if "mode" in needed:
            arguments["mode"] = "small"
        if needed == set(arguments):
            yield label, arguments


def loops_only(patch: pytest.MonkeyPatch) -> None:
    """Plan everything as loops, small programs too."""

    def refuse(graph, build_callee):
        raise build.TooLarge

    patch.setattr(build, "plan_elements", refuse)
