"""What the code of a compiled loop depends on: files of its module, of all it imports, of its compiler."""

from __future__ import annotations

import functools
import hashlib
import re
from importlib.util import find_spec
from pathlib import Path

__all__ = ["digest", "files"]

_IMPORT = re.compile(r"^from ([\w.]+) import ", re.MULTILINE)


@functools.cache
def digest(*modules: str) -> str:
    """Return what changes whenever the code of loops in these modules may; nothing is imported for it.

    Parameters
    ----------
    *modules : str
        The module of a loop, and those of its compiler.
    """
    marks = [hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in files(*modules)]
    return " ".join(marks)


def files(*modules: str) -> list[str]:
    """Return the files of modules, and of those of the same distribution that they import, in turn."""
    own = {module.partition(".")[0] for module in modules} | {__name__.partition(".")[0]}
    found: dict[str, str] = {}
    pending = list(modules)
    while pending:
        module = pending.pop()
        if module in found:
            continue
        found[module] = find_spec(module).origin
        imported = _IMPORT.findall(Path(found[module]).read_text(encoding="utf-8"))
        pending += [name for name in imported if name.partition(".")[0] in own]
    return sorted(found.values())
