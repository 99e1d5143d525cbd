"""scipy.special, imported when one of its functions is first called: programs without them start faster."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable
from typing import Any

__all__ = ["special"]


def _call(name: str, *args: Any, **kwargs: Any) -> Any:
    return getattr(importlib.import_module("scipy.special"), name)(*args, **kwargs)


class _Functions:
    """``special.erf``: the function of that name, looked up at the call."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return functools.partial(_call, name)


special = _Functions()
