"""Fit parameters: minimise an objective with its exact gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from solvers.studies.crosscheck import parse_quantity
from solvers.studies.results import Calibration

if TYPE_CHECKING:
    from solvers.studies.run import Study


class Coordinates:
    """The fitted parameters as a vector: logarithms where the scale is log."""

    def __init__(self, study: Study):
        config, units = study.case.config, study.case.units
        self.names = list(config.calibrate.start)
        self._parameters = {name: config.parameters[name] for name in self.names}
        self._logs = np.array([self._parameters[name].scale == "log" for name in self.names])
        self.start = {
            name: parse_quantity(value, self._parameters[name].unit, units)
            for name, value in config.calibrate.start.items()
        }
        self._units = units

    def vector(self, values: dict[str, float]) -> np.ndarray:
        """Return the coordinates of parameter values."""
        raw = np.array([values[name] for name in self.names], dtype=float)
        with np.errstate(divide="ignore"):  # a lower bound of zero becomes minus infinity
            return np.where(self._logs, np.log(np.where(self._logs, raw, 1.0)), raw)

    def values(self, vector: np.ndarray) -> dict[str, float]:
        """Return the parameter values at coordinates."""
        raw = np.where(self._logs, np.exp(np.where(self._logs, vector, 0.0)), vector)
        return {name: float(value) for name, value in zip(self.names, raw, strict=True)}

    def slope(self, values: dict[str, float], gradient: dict[str, Any]) -> np.ndarray:
        """Turn a gradient by parameter into a gradient by coordinate."""
        return np.array(
            [
                float(gradient[name]) * (values[name] if log else 1.0)
                for name, log in zip(self.names, self._logs, strict=True)
            ]
        )

    def bounds(self) -> list[tuple[float, float]]:
        """Return the bounds of the coordinates."""
        rows = []
        for name, log in zip(self.names, self._logs, strict=True):
            given = self._parameters[name].bounds
            low, high = (
                (-np.inf, np.inf)
                if given is None
                else (parse_quantity(bound, self._parameters[name].unit, self._units) for bound in given)
            )
            if log:
                low, high = (np.log(low) if low > 0 else -np.inf), np.log(high)
            rows.append((low, high))
        return rows


def calibrate(study: Study) -> Calibration:
    """Fit the parameters that the case's [calibrate] table names."""
    from scipy.optimize import minimize

    import diffsci as ds

    settings = study.case.config.calibrate
    objective = study.objective(settings.objective)
    coordinates = Coordinates(study)
    others = {name: value for name, value in study.free.items() if name not in coordinates.names}
    differentiated = ds.value_and_grad(lambda fitted, fixed: objective.function({**fixed, **fitted}))
    evaluations, worst = 0, -np.inf

    def value_and_slope(vector: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal evaluations, worst
        evaluations += 1
        values = coordinates.values(vector)
        with np.errstate(all="ignore"):  # a step too far may overflow; it is judged below
            value, gradient = differentiated(values, others)
        slope = coordinates.slope(values, gradient)
        if np.isfinite(value) and np.all(np.isfinite(slope)):
            worst = max(worst, float(value))
            return float(value), slope
        # A wall, finite so that the line search can interpolate its way back from a failed simulation.
        return 10.0 * abs(worst) + 1.0, np.zeros_like(vector)

    start, bounds = coordinates.vector(coordinates.start), coordinates.bounds()
    history = [value_and_slope(start)[0]]
    outcome = minimize(
        value_and_slope,
        start,
        jac=True,
        method=settings.method,
        bounds=bounds,
        options=_options(settings.method, settings.max_iterations, settings.gtol),
        callback=lambda intermediate_result: history.append(float(intermediate_result.fun)),
    )
    value, slope = value_and_slope(outcome.x)
    projected = float(np.max(np.abs(outcome.x - np.clip(outcome.x - slope, *np.transpose(bounds)))))
    return Calibration(
        objective=objective.name,
        method=settings.method,
        start=coordinates.start,
        fitted=coordinates.values(outcome.x),
        values=np.array([*history, value]) if history[-1] != value else np.array(history),
        evaluations=evaluations,
        gradient_norm=projected,
        # The optimiser's own flag also says yes when it merely stopped making progress.
        success=projected <= settings.gtol,
        message=str(outcome.message),
    )


def _options(method: str, iterations: int, gtol: float) -> dict[str, Any]:
    """Return the stopping rules in the words of each method."""
    if method == "L-BFGS-B":
        return {"maxiter": iterations, "gtol": gtol, "ftol": 1e-15}
    if method == "TNC":
        return {"maxfun": 20 * iterations, "gtol": gtol, "ftol": 1e-15}
    if method == "SLSQP":
        return {"maxiter": iterations, "ftol": gtol**2}
    return {"maxiter": iterations, "gtol": gtol}
