"""The objectives of ADBench (https://github.com/microsoft/ADBench, MIT licence) in plain NumPy.

Srajer, Kukelova, Fitzgibbon, "A benchmark of selected algorithmic differentiation tools on some problems
in computer vision and machine learning", Optimization Methods and Software 33 (2018). The data and the
expected derivatives are ADBench's own test fixtures, in ``benchmarks/data/adbench``.
"""

from benchmarks.adbench.contest import measure

__all__ = ["measure"]
