"""Equations that several groups solve, as lists of components, so that every contestant can build them."""

from __future__ import annotations

import numpy as np

__all__ = ["LOTKA_RATES", "LOTKA_START", "PLEIADES_START", "POLLU_RATES", "POLLU_START"]

LOTKA_RATES = np.array([1.5, 1.0, 3.0, 1.0])
LOTKA_START = np.array([1.0, 1.0])


def lotka_volterra(t, y, p):
    """Prey and predator."""
    return [p[0] * y[0] - p[1] * y[0] * y[1], p[3] * y[0] * y[1] - p[2] * y[1]]


# Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, section II.10: seven stars in a
# plane; positions x, positions y, velocities.
PLEIADES_START = np.array(
    [3, 3, -1, -3, 2, -2, 2, 3, -3, 2, 0, 0, -4, 4]
    + [0, 0, 0, 0, 0, 1.75, -1.5, 0, 0, 0, -1.25, 1, 0, 0]
)  # fmt: skip
PLEIADES_MASSES = np.arange(1.0, 8.0)


def pleiades(t, y, masses):
    """Seven stars that attract each other; the masses are the parameters."""
    x, z = [y[i] for i in range(7)], [y[i] for i in range(7, 14)]
    pull_x, pull_z = [0.0] * 7, [0.0] * 7
    for i in range(7):
        for j in range(i):
            dx, dz = x[j] - x[i], z[j] - z[i]
            strength = (dx * dx + dz * dz) ** -1.5
            pull_x[i] = pull_x[i] + masses[j] * dx * strength
            pull_z[i] = pull_z[i] + masses[j] * dz * strength
            pull_x[j] = pull_x[j] - masses[i] * dx * strength
            pull_z[j] = pull_z[j] - masses[i] * dz * strength
    return [*(y[i] for i in range(14, 28)), *pull_x, *pull_z]


# The air pollution problem of Verwer (1994) from the Test Set for IVP Solvers (Mazzia and Magherini,
# University of Bari): 25 reactions of 20 species; concentrations in ppm, time in minutes.
POLLU_RATES = np.array(
    [0.35, 26.6, 12300.0, 0.00086, 0.00082, 15000.0, 0.00013, 24000.0, 16500.0, 9000.0, 0.022, 12000.0, 1.88]
    + [16300.0, 4800000.0, 0.00035, 0.0175, 1e8, 4.44e11, 1240.0, 2.1, 5.78, 0.0474, 1780.0, 3.12]
)  # fmt: skip
POLLU_START = np.zeros(20)
POLLU_START[[1, 3, 6, 7, 8, 16]] = 0.2, 0.04, 0.1, 0.3, 0.01, 0.007


def pollu(t, y, k):
    """Rates of change of the 20 concentrations."""
    r = [
        k[0] * y[0], k[1] * y[1] * y[3], k[2] * y[4] * y[1], k[3] * y[6], k[4] * y[6],
        k[5] * y[6] * y[5], k[6] * y[8], k[7] * y[8] * y[5], k[8] * y[10] * y[1], k[9] * y[10] * y[0],
        k[10] * y[12], k[11] * y[9] * y[1], k[12] * y[13], k[13] * y[0] * y[5], k[14] * y[2],
        k[15] * y[3], k[16] * y[3], k[17] * y[15], k[18] * y[15], k[19] * y[16] * y[5],
        k[20] * y[18], k[21] * y[18], k[22] * y[0] * y[3], k[23] * y[18] * y[0], k[24] * y[19],
    ]  # fmt: skip
    return [
        -r[0] - r[9] - r[13] - r[22] - r[23] + r[1] + r[2] + r[8] + r[10] + r[11] + r[21] + r[24],
        -r[1] - r[2] - r[8] - r[11] + r[0] + r[20],
        -r[14] + r[0] + r[16] + r[18] + r[21],
        -r[1] - r[15] - r[16] - r[22] + r[14],
        -r[2] + 2 * r[3] + r[5] + r[6] + r[12] + r[19],
        -r[5] - r[7] - r[13] - r[19] + r[2] + 2 * r[17],
        -r[3] - r[4] - r[5] + r[12],
        r[3] + r[4] + r[5] + r[6],
        -r[6] - r[7],
        -r[11] + r[6] + r[8],
        -r[8] - r[9] + r[7] + r[10],
        r[8],
        -r[10] + r[9],
        -r[12] + r[11],
        r[13],
        -r[17] - r[18] + r[15],
        -r[19],
        r[19],
        -r[20] - r[21] - r[23] + r[22] + r[24],
        -r[24] + r[23],
    ]
