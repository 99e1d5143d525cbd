"""Exceptions of a function under test, told in one line: what was raised, in which stage, on which line."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from diffsci.source import in_library

__all__ = ["Failed", "attempt", "described_failure"]


class Failed(Exception):
    """A stage of a check raised: the exception, and the stage as a clause of a sentence. No user sees it."""

    def __init__(self, stage: str, error: Exception):
        super().__init__(f"{stage}, {described_failure(error)}")
        self.error = error


def attempt(stage: str, call: Callable[[], Any]) -> Any:
    """Call, and raise `Failed` whatever is raised: a check reports on functions and never fails itself."""
    try:
        return call()
    except Exception as error:
        raise Failed(stage, error) from error


def described_failure(error: BaseException) -> str:
    """The exception's type and message, and the user's line unless the message has it."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if not in_library(frame.filename)]
    text = f"it raises {type(error).__name__}: {error}".rstrip(": ")
    if not frames:
        return text
    place = f"{frames[-1].filename}:{frames[-1].lineno}"
    return text if place in text else f"{text} ({place} in {frames[-1].name})"
