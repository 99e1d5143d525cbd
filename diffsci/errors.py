"""Exceptions raised by diffsci; each message names the user's line and what to do."""

from __future__ import annotations

from typing import Any

__all__ = [
    "DegenerateError", "DiffsciError", "EvaluationError", "KinkError", "NonFiniteError", "TraceError",
    "UnsupportedError", "VerificationError",
]  # fmt: skip


class DiffsciError(Exception):
    """Base class of every error raised by diffsci."""


class TraceError(DiffsciError):
    """The user's function did something that a traced value cannot follow."""


class UnsupportedError(TraceError):
    """A call or idiom that is not (yet) supported; the message says what to write instead."""


class VerificationError(DiffsciError):
    """A graph broke one of its own invariants: a fault in diffsci, not in the user's model."""


class EvaluationError(DiffsciError):
    """A compiled program stopped with a failure status; the message names the user's line."""


class DegenerateError(EvaluationError):
    """A derivative asks for what equal eigenvalues leave open; the message says what to ask instead.

    Raised by derivatives through `eigh`, `svd` and `qr` whose limit depends on the basis of a space of equal
    values (or of dependent columns), or is infinite.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> try:
    ...     ds.grad(lambda a: np.linalg.eigh(a)[1][0, 0])(np.eye(2))
    ... except ds.DegenerateError as error:
    ...     print("eigenvalues 0, 1 coincide" in str(error))
    True
    """


class NonFiniteError(EvaluationError):
    """A number is not finite where that is an error, as inside `diffsci.debug_nans`.

    Attributes
    ----------
    fault : Fault or None
        The first operation that gave it.
    """

    def __init__(self, message: str, fault: Any = None):
        super().__init__(message)
        self.fault = fault


class KinkError(DiffsciError):
    """A derivative was asked for, with ``strict=True``, where a function has none: at a kink or a jump.

    Examples
    --------
    >>> import numpy as np
    >>> import diffsci as ds
    >>> try:
    ...     ds.grad(lambda x: np.sum(np.abs(x)), strict=True)(np.array([1.0, 0.0]))
    ... except ds.KinkError as error:
    ...     print(str(error).partition(" (")[0])
    abs has the slopes -1 and 1 on the two sides of 0: 0.0 at index 1
    """
