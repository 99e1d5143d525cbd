"""Options that are one of several names: what is none of them is refused, with the name that it may mean."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["check_choice", "meant"]


def check_choice(what: str, value: Any, choices: Iterable[str]) -> None:
    """Raise ValueError if a value is none of the names.

    Parameters
    ----------
    what : str
        The option, and the function that it belongs to, as in ``"jacobian: mode"``.
    value : object
        What was given.
    choices : iterable of str

    Examples
    --------
    >>> check_choice("jacobian: mode", "forward", ("forward", "reverse"))
    >>> check_choice("jacobian: mode", "revers", ("forward", "reverse"))
    Traceback (most recent call last):
    ValueError: jacobian: mode='revers', expected 'forward' or 'reverse': did you mean 'reverse'?
    """
    names = tuple(choices)
    if isinstance(value, str) and value in names:
        return
    *first, last = map(repr, names)
    expected = f"{', '.join(first)} or {last}" if first else last
    near = meant(value, names) if isinstance(value, str) else None
    hint = "" if near is None else f": did you mean {near!r}?"
    raise ValueError(f"{what}={value!r}, expected {expected}{hint}")


def meant(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that a misspelt name is nearest to, None if it is like none.

    Examples
    --------
    >>> meant("Foward", ["forward", "reverse"])
    'forward'
    >>> meant("diagonal", ["forward", "reverse"]) is None
    True
    """
    from difflib import get_close_matches  # takes long to import, and only errors need it

    folded = {known.lower(): known for known in choices}
    close = get_close_matches(name.lower(), folded, n=1, cutoff=0.6)
    return folded[close[0]] if close else None
