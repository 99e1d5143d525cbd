"""Control flow that depends on values: branches of which one runs, loops that stay loops."""

from diffsci.control.branch import cond
from diffsci.control.loops import fori_loop, scan, while_loop

__all__ = ["cond", "fori_loop", "scan", "while_loop"]
