"""Studies from one config file: simulate, differentiate, validate, calibrate, report.

The way of a case is one straight line: ``load`` (TOML to a checked :class:`~solvers.studies.load.Case`),
``objectives`` (a case to plain functions of its parameters), ``run`` and ``validate`` (what is done with
them), ``report``, ``store`` and ``plots`` (what is shown and kept).
"""
