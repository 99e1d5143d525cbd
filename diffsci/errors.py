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
    """A derivative asks for what equal eigenvalues leave open; the message says what to ask instead."""


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
    """A derivative was asked for, with ``strict=True``, where a function has none: at a kink or a jump."""
