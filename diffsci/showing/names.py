"""Names of a shown program's parameters: those of the user's function, where there are some."""

from __future__ import annotations

import inspect
import keyword
import re
from collections.abc import Callable, Sequence
from typing import Any

from diffsci.tracing.function import is_dynamic
from diffsci.trees import flatten, leaf_paths

__all__ = ["argument_names"]

TAKEN = re.compile(r"(v\d+|sub_program_\d+|object_\d+|np|ds|special|operation|inf|nan)$")


def argument_names(f: Callable, args: Sequence[Any], count: int) -> list[str]:
    """Return one name per input of a program: leaves of its arguments, then what it reads from outside."""
    names: list[str] = []
    for parameter, arg in zip(_parameters(f, len(args)), args, strict=True):
        leaves, tree = flatten(arg)
        paths = zip(leaves, leaf_paths(tree), strict=True)
        names += [_identifier(parameter + path) for leaf, path in paths if is_dynamic(leaf)]
    names += [f"outside_{k}" for k in range(count - len(names))]
    return _distinct(names)


def _parameters(f: Callable, count: int) -> list[str]:
    try:
        found = list(inspect.signature(f).parameters.values())
    except (TypeError, ValueError):  # built-in functions have none
        found = []
    named = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [named[k] if k < len(named) else f"x{k}" for k in range(count)]


def _identifier(path: str) -> str:
    name = re.sub(r"\W+", "_", path).strip("_")
    return f"{name}_" if keyword.iskeyword(name) or TAKEN.match(name) else name


def _distinct(names: list[str]) -> list[str]:
    found: list[str] = []
    for name in names:
        while name in found:
            name += "_"
        found.append(name)
    return found
