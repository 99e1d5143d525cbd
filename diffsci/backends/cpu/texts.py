"""A module as the texts that are compiled: long straight-line code apart from everything else.

Statements without loops run once per call, so what counts is how fast they are compiled. Without
optimisation LLVM does that fifteen times faster, and they run at two thirds of their speed; loops and the
functions that statements call keep the optimisation.
"""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Text", "divided"]

_LONG = 2_500  # statements from which on straight-line code is compiled apart
_LARGE, _HUGE = 4_000, 15_000
_HEADER = re.compile(r"define internal (.*?@[\w.]+)\((.*?)\) \{")
_NAME = re.compile(r"@([\w.]+)\b")
_PARAMETER = re.compile(r" %\w+")


class Text(NamedTuple):
    """Text of one LLVM module, and LLVM's level of optimisation for it."""

    text: str
    level: int


def divided(
    declared: list[str], functions: list[str], blocks: list[str], sizes: tuple[int, int]
) -> list[Text]:
    """Return the texts of a module: one, or another one for its straight-line code.

    Parameters
    ----------
    declared : list of str
        Declarations of functions from outside.
    functions, blocks : list of str
        Definitions of functions; `blocks` are straight-line code that they call.
    sizes : (int, int)
        Statements in `functions` and in `blocks`.
    """
    looped, straight = sizes
    if straight < _LONG:
        return [_text(declared, [*functions, *blocks], _level(looped + straight))]
    used = {name for text in blocks for name in _NAME.findall(text)}
    shared = [k for k, text in enumerate(functions) if _name(text) in used]
    functions = list(functions)
    for k in shared:
        functions[k] = functions[k].replace("define internal ", "define ", 1)
    headers = [_declaration("define internal " + functions[k].removeprefix("define ")) for k in shared]
    visible = [text.replace("define internal ", "define ", 1) for text in blocks]
    return [
        _text([*declared, *map(_declaration, blocks)], functions, _level(looped)),
        _text([*declared, *headers], visible, 0),
    ]


def _level(statements: int) -> int:
    return 2 if statements < _LARGE else 1 if statements < _HUGE else 0


def _text(declared: list[str], functions: list[str], level: int) -> Text:
    return Text("\n".join([*declared, "", "\n\n".join(functions), ""]), level)


def _name(definition: str) -> str:
    return _NAME.search(definition)[1]


def _declaration(definition: str) -> str:
    """Return the declaration of a function that is defined."""
    name, parameters = _HEADER.match(definition).groups()
    return f"declare {name}({_PARAMETER.sub('', parameters)})"
