"""Objectives written in NumPy, run on another library that has its names."""

from __future__ import annotations

import types
from types import FunctionType, ModuleType, SimpleNamespace
from typing import Any

__all__ = ["on"]


def on(module: ModuleType, **names: Any) -> SimpleNamespace:
    """Return the functions of a module with some of its global names, functions among them, bound anew."""
    scope = {**vars(module)}
    for name, value in vars(module).items():
        if isinstance(value, types.FunctionType) and value.__module__ == module.__name__:
            scope[name] = FunctionType(value.__code__, scope, name, value.__defaults__)
    scope.update(names)
    return SimpleNamespace(**scope)
