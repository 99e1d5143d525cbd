"""Signals, tables and interpolation."""

import numpy as np
from scipy.special import erf, j0

from tests.idioms.models.registry import model

TABLE_X = np.array([0.0, 0.5, 1.0, 2.0, 4.0])
TABLE_Y = np.array([0.0, 0.8, 1.1, 1.3, 1.35])


@model(0.3, np.array([0.7, 1.6]))
def tabulated_input(t, y):
    """A measured curve by np.interp, at a value of the state."""
    return np.array([np.interp(y[1], TABLE_X, TABLE_Y) - y[0], np.interp(t, TABLE_X, TABLE_Y) * y[0] - y[1]])


@model(np.array([0.2, 0.5, -0.3, 0.8, 0.1, -0.4]), np.array([0.25, 0.5, 0.25]))
def smoothing(signal, kernel):
    smooth = np.convolve(signal, kernel, mode="same")
    return np.sum((signal - smooth) ** 2), np.correlate(signal, smooth, mode="valid")


@model(np.array([0.2, 0.5, -0.3, 0.8, 0.1, -0.4, 0.35, 0.05]))
def power_spectrum(x):
    window = np.hanning(len(x))
    spectrum = np.fft.rfft(window * (x - x.mean()))
    return np.abs(spectrum) ** 2


@model(np.array([1.0, -0.2, 0.05]), np.linspace(-1.0, 1.0, 5))
def polynomial_and_derivative(c, x):
    return np.polyval(c, x), np.polyval(np.polyder(c), x)


@model(np.array([0.4, 0.9, 1.7]), 0.6)
def special_functions(r, width):
    return j0(2.0 * r) * erf(r / width)


@model(np.array([0.7, 2.2, -1.1, 0.3]))
def robust_statistics(x):
    """Median and its absolute deviation, then clipped outliers."""
    centre = np.median(x)
    spread = 1.4826 * np.median(np.abs(x - centre))
    return np.clip((x - centre) / spread, -2.5, 2.5)


@model(np.array([0.2, -0.1]), np.array([0.5, 0.3, -0.2, 0.1]))
def recursive_filter(a, x):
    """y[n] = x[n] + a1 y[n-1] + a2 y[n-2], by a loop over samples."""
    y = np.zeros(len(x))
    for n in range(len(x)):
        y[n] = x[n]
        if n >= 1:
            y[n] += a[0] * y[n - 1]
        if n >= 2:
            y[n] += a[1] * y[n - 2]
    return y


@model(np.array([0.3, 0.8, 1.1]), np.array([2.0, 1.0, 0.5]))
def ranked_by_key(x, weights):
    """Sorting one array by another."""
    order = np.argsort(weights)
    return np.cumsum(x[order]) * np.sort(weights)[::-1]
