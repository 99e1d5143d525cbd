"""Exceptions raised by diffsci; each message names the user's line and what to do."""

from __future__ import annotations

__all__ = ["DiffsciError", "EvaluationError", "TraceError", "UnsupportedError", "VerificationError"]


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
