"""Which code is the user's and which is a library's: library code is called, never copied."""

from __future__ import annotations

import sys
import types

__all__ = ["PROXIED", "home", "is_library", "top_level"]

LIBRARIES = frozenset(
    "diffsci solvers numba cupy h5py matplotlib pandas sympy jax torch pytest _pytest hypothesis mpmath tqdm "
    "rich pydantic typer click IPython".split()
)
PROXIED = frozenset({"numpy", "scipy", "math", "cmath"})


def top_level(name: str | None) -> str:
    return (name or "").partition(".")[0]


def is_library(module: str | None) -> bool:
    """Tell whether code of that module is left as it is."""
    top = top_level(module)
    return top in LIBRARIES or top in PROXIED or (top in sys.stdlib_module_names and top != "__main__")


def home(function: types.FunctionType) -> str | None:
    """Return the module a function was written in (`functools.wraps` changes `__module__`).

    A doctest runs in the globals of the module it documents; it is a user's code all the same.
    """
    if function.__code__.co_filename.startswith("<doctest"):
        return "__main__"
    return function.__globals__.get("__name__")
