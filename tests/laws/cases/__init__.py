"""Tables of call forms, a file per topic; a new file is found by itself."""

from __future__ import annotations

import importlib
import pkgutil

_NAMES = sorted(module.name for module in pkgutil.iter_modules(__path__))
CASES = [case for name in _NAMES for case in importlib.import_module(f"{__name__}.{name}").CASES]


def calls():
    """One call of every form, as (function, arguments)."""
    return [(case.function, tuple(domain.typical() for domain in case.domains)) for case in CASES]
