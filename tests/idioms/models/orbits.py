"""Celestial mechanics."""

import math

import numpy as np

from tests.idioms.models.registry import model

MU = 398600.4418
J2 = 1.08262668e-3
RADIUS = 6378.137


@model(0.0, np.array([7000.0, -120.0, 30.0, 0.2, 7.4, 1.1]))
def two_body(t, state):
    r, v = state[:3], state[3:]
    a = -MU * r / np.linalg.norm(r) ** 3
    return np.hstack((v, a))


@model(0.0, np.array([6800.0, 900.0, -1200.0, 0.5, 5.9, 4.7]))
def oblate_earth(t, state):
    """Point mass and J2, component by component."""
    x, y, z, vx, vy, vz = state
    r = math.sqrt(x**2 + y**2 + z**2)
    factor = 1.5 * J2 * MU * RADIUS**2 / r**5
    bulge = 5 * z**2 / r**2
    ax = -MU * x / r**3 + factor * x * (bulge - 1)
    ay = -MU * y / r**3 + factor * y * (bulge - 1)
    az = -MU * z / r**3 + factor * z * (bulge - 3)
    return [vx, vy, vz, ax, ay, az]


@model(np.array([0.8, 0.1, 0.05, -0.1, 0.3, 0.02]), 0.0121505856)
def circular_restricted_three_body(s, mu):
    x, y, z, vx, vy, vz = s
    r1 = np.sqrt((x + mu) ** 2 + y**2 + z**2)
    r2 = np.sqrt((x - 1 + mu) ** 2 + y**2 + z**2)
    ax = x + 2 * vy - (1 - mu) * (x + mu) / r1**3 - mu * (x - 1 + mu) / r2**3
    ay = y - 2 * vx - (1 - mu) * y / r1**3 - mu * y / r2**3
    az = -(1 - mu) * z / r1**3 - mu * z / r2**3
    return np.array([vx, vy, vz, ax, ay, az])


@model(
    np.array([[0.0, 0.1, 0.0], [1.0, 0.0, 0.1], [-0.5, 0.9, 0.2], [0.3, -1.1, 0.4]]),
    np.array([1.0, 0.5, 0.3, 0.2]),
)
def n_body_by_broadcasting(positions, masses):
    """All pairs at once; the diagonal is kept from dividing by zero."""
    separation = positions[np.newaxis, :, :] - positions[:, np.newaxis, :]
    distance = np.sqrt(np.sum(separation**2, axis=-1) + np.eye(len(masses)))
    pull = masses[np.newaxis, :, np.newaxis] * separation / distance[:, :, np.newaxis] ** 3
    return pull.sum(axis=1)


@model(np.array([6524.8, 6862.9, 6448.3]), np.array([4.901, 5.534, -1.976]))
def orbital_elements(r, v):
    """Semi-major axis, eccentricity and inclination from a state (Vallado's example 2-5)."""
    h = np.cross(r, v)
    rnorm, vnorm = np.linalg.norm(r), np.linalg.norm(v)
    e_vec = ((vnorm**2 - MU / rnorm) * r - np.dot(r, v) * v) / MU
    energy = vnorm**2 / 2 - MU / rnorm
    inclination = np.arccos(h[2] / np.linalg.norm(h))
    return -MU / (2 * energy), np.linalg.norm(e_vec), inclination


@model(0.7, 0.3)
def kepler_position(mean_anomaly, e):
    """Kepler's equation by a `while` with a tolerance, then coordinates."""
    E = mean_anomaly if e < 0.8 else math.pi
    error, rounds = 1.0, 0
    while abs(error) > 1e-14 and rounds < 50:
        error = (E - e * math.sin(E) - mean_anomaly) / (1 - e * math.cos(E))
        E -= error
        rounds += 1
    return math.cos(E) - e, math.sqrt(1 - e**2) * math.sin(E)


@model(np.array([1.0, 0.02, 0.0, 0.98]), 0.05)
def leapfrog_orbit(state, dt):
    """Kick, drift, kick for twenty steps on copies of slices."""
    q, p = state[:2].copy(), state[2:].copy()
    for _ in range(20):
        p += -0.5 * dt * q / np.sum(q * q) ** 1.5
        q += dt * p
        p += -0.5 * dt * q / np.sum(q * q) ** 1.5
    return np.append(q, p)
