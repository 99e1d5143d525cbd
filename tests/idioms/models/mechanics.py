"""Mechanics and structures."""

import math

import numpy as np

from tests.idioms.models.registry import model


@model(np.array([0.3, 0.5, 0.05, -0.4]))
def cart_pole(state):
    x, v, theta, omega = state
    force, M, m, l, g = 1.0, 1.0, 0.1, 0.5, 9.8
    s, c = np.sin(theta), np.cos(theta)
    temp = (force + m * l * omega**2 * s) / (M + m)
    alpha = (g * s - c * temp) / (l * (4.0 / 3.0 - m * c**2 / (M + m)))
    return np.array([v, temp - m * l * alpha * c / (M + m), omega, alpha])


@model(0.4, np.array([0.5, -1.2]))
def duffing(t, y):
    return np.array([y[1], -0.15 * y[1] + y[0] - y[0] ** 3 + 0.3 * np.cos(1.2 * t)])


@model(np.array([0.02, 1.4]), 0.5, 0.3)
def stick_slip(y, belt, friction):
    """Coulomb friction with an `if` on the relative speed."""
    x, v = y
    relative = v - belt
    if abs(relative) < 1e-3:
        force = -x
    else:
        force = -x - friction * np.sign(relative) / (1 + 3 * abs(relative))
    return v, force


@model(np.array([0.0, 0.1, 0.35, 0.3, 0.9]), 2.0)
def spring_chain(q, stiffness):
    """Forces by differences of a padded array."""
    padded = np.concatenate(([0.0], q, [1.0]))
    stretch = np.diff(padded) - 0.15
    tension = stiffness * stretch + 5.0 * stretch**3
    return np.diff(tension)


def _element(E, A, x1, x2):
    """Stiffness of a bar in global axes."""
    d = x2 - x1
    length = np.linalg.norm(d)
    c = d / length
    block = np.outer(c, c)
    return E * A / length * np.block([[block, -block], [-block, block]])


NODES = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 0.8]])
BARS = [(0, 1), (1, 2), (0, 2)]


@model(np.array([1.0, 1.5, 0.7]), np.array([0.3, -1.0]))
def truss(areas, load):
    """Finite elements with index lists: assemble with np.ix_, solve the free part."""
    K = np.zeros((6, 6))
    for (i, j), area in zip(BARS, areas, strict=True):
        dofs = [2 * i, 2 * i + 1, 2 * j, 2 * j + 1]
        K[np.ix_(dofs, dofs)] += _element(100.0, area, NODES[i], NODES[j])
    free = [2, 4, 5]
    f = np.zeros(6)
    f[4:] = load
    u = np.zeros(6)
    u[free] = np.linalg.solve(K[np.ix_(free, free)], f[free])
    return u @ f, u


@model(np.array([0.1, 0.2, -0.1, 0.3]), np.array([0.4, -0.3, 0.9]))
def quaternion_attitude(q, omega):
    q = q / math.sqrt(sum(q**2))
    w, x, y, z = q
    Omega = np.array([[-x, -y, -z], [w, -z, y], [z, w, -x], [-y, x, w]])
    inertia = np.diag([1.0, 2.0, 3.0])
    domega = np.linalg.inv(inertia) @ (-np.cross(omega, inertia @ omega))
    return np.r_[0.5 * Omega @ omega, domega]


@model(np.array([1.2, 0.8]), 0.6)
def natural_frequencies(k, m):
    """Generalised eigenvalues through a Cholesky factor."""
    K = np.array([[k[0] + k[1], -k[1]], [-k[1], k[1]]])
    M = np.array([[1.0, 0.1], [0.1, m]])
    L = np.linalg.cholesky(M)
    A = np.linalg.solve(L, np.linalg.solve(L, K).T)
    return np.sqrt(np.linalg.eigvalsh(A))


@model(np.array([30.0, 25.0, 2.0]), 0.02)
def projectile_until_landing(v0, drag):
    """Steps until the ground is reached, then interpolates the landing point."""
    v = np.array(v0, dtype=float)
    r = np.zeros(3)
    dt = 0.1
    while True:
        a = -drag * np.linalg.norm(v) * v - np.array([0.0, 9.81, 0.0])
        r_new = r + dt * v + 0.5 * dt**2 * a
        v = v + dt * a
        if r_new[1] < 0:
            s = r[1] / (r[1] - r_new[1])
            return r[0] + s * (r_new[0] - r[0]), r[2] + s * (r_new[2] - r[2])
        r = r_new
