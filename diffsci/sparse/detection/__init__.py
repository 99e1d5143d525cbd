"""Where derivatives can be nonzero, from the structure of a program."""

from diffsci.sparse.detection.check import check
from diffsci.sparse.detection.detect import (
    detect,
    detect_varying,
    jacobian_pattern,
    pattern,
)
from diffsci.sparse.detection.pattern import Pattern
from diffsci.sparse.detection.sweep import rule_of

__all__ = [
    "Pattern",
    "check",
    "detect",
    "detect_varying",
    "jacobian_pattern",
    "pattern",
    "rule_of",
]
