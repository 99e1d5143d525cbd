"""Bundle adjustment: reprojection errors of points seen by cameras with radial distortion."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Scene", "read", "reprojection_error", "residuals", "weight_error"]


class Scene(NamedTuple):
    """Cameras (n, 11), points (m, 3), weights (p), features (p, 2), and who sees what (p, 2)."""

    cameras: np.ndarray
    points: np.ndarray
    weights: np.ndarray
    features: np.ndarray
    seen: np.ndarray


def read(path: Path) -> Scene:
    """Read an instance: ``n m p``, then one camera, point, weight and feature that all are copies of."""
    numbers = [float(word) for word in path.read_text(encoding="ascii").split()]
    n, m, p = (int(number) for number in numbers[:3])
    camera, point, weight, feature = np.split(np.array(numbers[3:]), [11, 14, 15])
    observation = np.arange(p)
    seen = np.stack([observation % n, observation % m], axis=1)
    return Scene(
        np.tile(camera, (n, 1)), np.tile(point, (m, 1)), np.full(p, weight[0]), np.tile(feature, (p, 1)), seen
    )


def rotated(rotation, x):
    """Rodrigues' formula: x turned by the angle and about the axis of `rotation`."""
    squared = np.sum(rotation**2)
    if squared == 0.0:
        return x + np.cross(rotation, x)
    angle = np.sqrt(squared)
    axis = rotation / angle
    return x * np.cos(angle) + np.cross(axis, x) * np.sin(angle) + axis * (axis @ x) * (1.0 - np.cos(angle))


def project(camera, point):
    """The image of a point. Camera: rotation 3, centre 3, focal length, principal point 2, distortion 2."""
    x, y, depth = rotated(camera[:3], point - camera[3:6])
    image = np.array([x / depth, y / depth])
    squared = np.sum(image**2)
    distorted = image * (1.0 + camera[9] * squared + camera[10] * squared**2)
    return distorted * camera[6] + camera[7:9]


def reprojection_error(camera, point, weight, feature):
    """The weighted residual of one observation."""
    return weight * (project(camera, point) - feature)


def weight_error(weight):
    """Pulls a weight to one."""
    return 1.0 - weight**2


def residuals(cameras, points, weights, features, seen):
    """All residuals: two per observation, then one per weight."""
    errors = [
        reprojection_error(cameras[c], points[p], weights[k], features[k]) for k, (c, p) in enumerate(seen)
    ]
    return np.concatenate([*errors, weight_error(weights)])
