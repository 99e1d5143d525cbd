"""Functions with sparse derivatives, in plain NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

__all__ = ["brusselator", "bundle_residuals", "heat", "rosenbrock"]


def brusselator(side: int) -> Callable:
    """Two species on a periodic grid, first all of the one, then all of the other (`side` squared each)."""

    def f(y):
        u, v = y.reshape(2, side, side)
        uuv = u * u * v
        du = 1.0 + uuv - 4.4 * u + 10.0 * laplacian(u)
        dv = 3.4 * u - uuv + 10.0 * laplacian(v)
        return np.concatenate([du.ravel(), dv.ravel()])

    def laplacian(w):
        return np.roll(w, 1, 0) + np.roll(w, -1, 0) + np.roll(w, 1, 1) + np.roll(w, -1, 1) - 4.0 * w

    return f


def heat(side: int) -> Callable:
    """Heat with a nonlinear source in a box that is cold outside: the 7-point stencil."""

    def f(y):
        u = np.pad(y.reshape(side, side, side), 1)
        c = u[1:-1, 1:-1, 1:-1]
        around = (
            (u[2:, 1:-1, 1:-1] + u[:-2, 1:-1, 1:-1])
            + (u[1:-1, 2:, 1:-1] + u[1:-1, :-2, 1:-1])
            + (u[1:-1, 1:-1, 2:] + u[1:-1, 1:-1, :-2])
        )
        return (around - 6.0 * c + c * (1.0 - c)).ravel()

    return f


def rosenbrock(x):
    """The extended function of Rosenbrock: a sum over neighbours."""
    return np.sum(100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2)


def bundle_residuals(cameras, points, weights, features, camera, point):
    """Bundle adjustment, all observations at once: see `benchmarks.adbench.bundle` for a single one.

    Cameras have rows of 11: rotation 3, centre 3, focal length, principal point 2, distortion 2.
    """
    c = cameras[camera]
    turned = _rotated(c[:, :3], points[point] - c[:, 3:6])
    image = turned[:, :2] / turned[:, 2:]
    squared = np.sum(image**2, axis=1)[:, None]
    distorted = image * (1.0 + c[:, 9:10] * squared + c[:, 10:] * squared**2)
    errors = weights[:, None] * (distorted * c[:, 6:7] + c[:, 7:9] - features)
    return errors.ravel(), 1.0 - weights**2


def _rotated(rotation, x):
    """Rodrigues' formula."""
    angle = np.sqrt(np.sum(rotation**2, axis=1))[:, None]
    axis = rotation / angle
    along = np.sum(axis * x, axis=1)[:, None]
    return x * np.cos(angle) + np.cross(axis, x) * np.sin(angle) + axis * along * (1.0 - np.cos(angle))
