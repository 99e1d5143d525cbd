"""Evidence that derivatives are right, independent of how they were computed."""

from diffsci.evidence.analytic import NotAnalytic
from diffsci.evidence.check_all import CheckAll, check_all
from diffsci.evidence.check_grad import check_grad
from diffsci.evidence.complex_step import complex_step
from diffsci.evidence.differences import finite_difference
from diffsci.evidence.lines import Scan, scan
from diffsci.evidence.verdict import GradCheck

__all__ = [
    "CheckAll",
    "GradCheck",
    "NotAnalytic",
    "Scan",
    "check_all",
    "check_grad",
    "complex_step",
    "finite_difference",
    "scan",
]
