"""Hand tracking: distances of measured points from the skin of a posed hand."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np

__all__ = ["Hand", "Measured", "complicated", "read_hand", "read_measured", "simple"]

FINGERS = 5
GLOBAL = 3  # leading rows of a pose: rotation, scale, translation


class Hand(NamedTuple):
    """Bones (their parents, transforms relative to them, inverses of the absolute ones), vertices
    (homogeneous, (4, v)) with weights (bones, v), and triangles.
    """

    parents: tuple[int, ...]
    base_relatives: np.ndarray
    inverse_base_absolutes: np.ndarray
    base_positions: np.ndarray
    weights: np.ndarray
    triangles: np.ndarray


class Measured(NamedTuple):
    """Points (n, 3), the vertex or triangle of each, barycentric coordinates (n, 2), and the pose."""

    points: np.ndarray
    correspondences: np.ndarray
    us: np.ndarray
    theta: np.ndarray


def read_hand(folder: Path) -> Hand:
    """Read a model: bones, vertices and triangles, fields separated by colons."""
    bones = [line.split(":") for line in (folder / "bones.txt").read_text().split("\n") if line]
    matrices = np.array([[float(field) for field in bone[2:34]] for bone in bones]).reshape(-1, 2, 4, 4)
    vertices = [line.split(":") for line in (folder / "vertices.txt").read_text().split("\n") if line]
    positions = np.array([[float(field) for field in vertex[:3]] for vertex in vertices]).T
    weights = np.zeros((len(bones), len(vertices)))
    for column, vertex in enumerate(vertices):
        for k in range(int(vertex[8])):
            weights[int(vertex[9 + 2 * k]), column] = float(vertex[10 + 2 * k])
    corners = [line.split(":") for line in (folder / "triangles.txt").read_text().split("\n") if line]
    return Hand(
        tuple(int(bone[1]) for bone in bones),
        matrices[:, 0],
        matrices[:, 1],
        np.vstack([positions, np.ones(len(vertices))]),
        weights,
        np.array(corners, dtype=int),
    )


def read_measured(path: Path, barycentric: bool) -> Measured:
    """Read ``n t``, the points with their correspondences, barycentric coordinates if any, the pose."""
    numbers = path.read_text(encoding="ascii").split()
    n, count = int(numbers[0]), int(numbers[1])
    table = np.array(numbers[2 : 2 + 4 * n], dtype=float).reshape(n, 4)
    rest = np.array(numbers[2 + 4 * n :], dtype=float)
    us = rest[: 2 * n].reshape(n, 2) if barycentric else np.zeros((n, 2))
    return Measured(table[:, 1:], table[:, 0].astype(int), us, rest[len(rest) - count :])


def pose_of(theta, bones):
    """Rows of angles per bone behind the global rotation, scale and translation."""
    pose = np.zeros((GLOBAL + bones, 3))
    pose[0] = theta[:3]
    pose[1] = 1.0
    pose[2] = theta[3:6]
    angle, row = 6, 5
    for _ in range(FINGERS):
        for joint in range(3):
            pose[row, 0] = theta[angle]
            angle += 1
            if joint == 0:
                pose[row, 1] = theta[angle]
                angle += 1
            row += 1
        row += 1
    return pose


def euler(angles):
    """Rotation about x, then y, then z; the angles come in the order x, z, y."""
    x, z, y = angles
    about_x = np.array([[1.0, 0.0, 0.0], [0.0, np.cos(x), -np.sin(x)], [0.0, np.sin(x), np.cos(x)]])
    about_y = np.array([[np.cos(y), 0.0, np.sin(y)], [0.0, 1.0, 0.0], [-np.sin(y), 0.0, np.cos(y)]])
    about_z = np.array([[np.cos(z), -np.sin(z), 0.0], [np.sin(z), np.cos(z), 0.0], [0.0, 0.0, 1.0]])
    return about_z @ about_y @ about_x


def axis_angle(rotation):
    """Rotation about an axis by its length; none where that is tiny, as in ADBench."""
    length = np.sqrt(np.sum(rotation**2))
    if length < 1e-4:
        return np.eye(3)
    x, y, z = rotation / length
    s, c = np.sin(length), np.cos(length)
    return np.array(
        [
            [x * x + (1 - x * x) * c, x * y * (1 - c) - z * s, x * z * (1 - c) + y * s],
            [x * y * (1 - c) + z * s, y * y + (1 - y * y) * c, y * z * (1 - c) - x * s],
            [x * z * (1 - c) - y * s, z * y * (1 - c) + x * s, z * z + (1 - z * z) * c],
        ]
    )


def skin(theta, hand):
    """Positions of the vertices, (3, v)."""
    bones = len(hand.parents)
    pose = pose_of(theta, bones)
    absolutes = []
    for bone, parent in enumerate(hand.parents):
        turned = np.eye(4)
        turned[:3, :3] = euler(pose[GLOBAL + bone])
        relative = hand.base_relatives[bone] @ turned
        absolutes.append(relative if parent < 0 else absolutes[parent] @ relative)
    positions = np.zeros((3, hand.base_positions.shape[1]))
    for bone in range(bones):
        transform = absolutes[bone] @ hand.inverse_base_absolutes[bone]
        positions += (transform @ hand.base_positions)[:3] * hand.weights[bone]
    return (axis_angle(pose[0]) * pose[1]) @ positions + pose[2][:, None]


def simple(theta, hand, measured):
    """Errors of points that correspond to vertices, three per point."""
    return (measured.points.T - skin(theta, hand)[:, measured.correspondences]).T.ravel()


def complicated(us, theta, hand, measured):
    """Errors of points that correspond to places `us` on triangles, three per point."""
    positions = skin(theta, hand)
    a, b, c = (positions[:, hand.triangles[measured.correspondences, k]] for k in range(3))
    u, v = us[:, 0], us[:, 1]
    return (measured.points.T - (u * a + v * b + (1.0 - u - v) * c)).T.ravel()
