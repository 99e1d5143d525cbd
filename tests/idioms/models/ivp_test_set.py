"""Right-hand sides of the test set for initial-value problems of Bari and CWI (Mazzia, Cash, Soetaert 2012),
as their Fortran is transcribed by users of SciPy.
"""

import numpy as np
from numpy import exp, sin

from tests.idioms.models.registry import model

# HIRES, OREGO, ROBER, VDPOL, POLLU, BEAM-like chains, transistor amplifier, ring modulator, Pleiades.


@model(0.0, np.array([1.9, -0.3]), 0.05)
def van_der_pol(t, y, eps):
    dydt = [y[1], ((1 - y[0] ** 2) * y[1] - y[0]) / eps]
    return dydt


@model(0.0, np.array([1.2, 2.1, 3.3]), np.array([77.27, 8.375e-6, 0.161]))
def oregonator(t, y, k):
    s, q, w = k
    dy = np.zeros(len(y))
    dy[0] = s * (y[1] + y[0] * (1 - q * y[0] - y[1]))
    dy[1] = (y[2] - (1 + y[0]) * y[1]) / s
    dy[2] = w * (y[0] - y[2])
    return dy


@model(0.0, np.array([0.9, 0.05, 0.02, 0.1, 0.3, 0.2, 0.004, 0.0051]))
def hires(t, y):
    dy = np.empty_like(y)
    dy[0] = -1.71 * y[0] + 0.43 * y[1] + 8.32 * y[2] + 0.0007
    dy[1] = 1.71 * y[0] - 8.75 * y[1]
    dy[2] = -10.03 * y[2] + 0.43 * y[3] + 0.035 * y[4]
    dy[3] = 8.32 * y[1] + 1.71 * y[2] - 1.12 * y[3]
    dy[4] = -1.745 * y[4] + 0.43 * y[5] + 0.43 * y[6]
    dy[5] = -280 * y[5] * y[7] + 0.69 * y[3] + 1.71 * y[4] - 0.43 * y[5] + 0.69 * y[6]
    dy[6] = 280 * y[5] * y[7] - 1.81 * y[6]
    dy[7] = -dy[6]
    return dy


POLLU_K = [
    0.35,
    26.6,
    12300.0,
    0.00086,
    0.00082,
    15000.0,
    0.00013,
    24000.0,
    16500.0,
    9000.0,
    0.022,
    12000.0,
    1.88,
    16300.0,
    4800000.0,
    0.00035,
    0.0175,
    1e8,
    444e9,
    1240.0,
    2.1,
    5.78,
    0.0474,
    1780.0,
    3.12,
]


@model(0.0, np.linspace(0.01, 0.2, 20))
def air_pollution(t, y):
    y1, y2, y3, y4, y5, y6, y7, y8, y9, y10, y11, y12, y13, y14, y15, y16, y17, y18, y19, y20 = y
    factors = [
        y1,
        y2 * y4,
        y5 * y2,
        y7,
        y7,
        y7 * y6,
        y9,
        y9 * y6,
        y11 * y2,
        y11 * y1,
        y13,
        y10 * y2,
        y14,
        y1 * y6,
        y3,
        y4,
        y4,
        y16,
        y16,
        y17 * y6,
        y19,
        y19,
        y1 * y4,
        y19 * y1,
        y20,
    ]
    r = [None] + [k * f for k, f in zip(POLLU_K, factors, strict=True)]
    return np.array(
        [
            -r[1] - r[10] - r[14] - r[23] - r[24] + r[2] + r[3] + r[9] + r[11] + r[12] + r[22] + r[25],
            -r[2] - r[3] - r[9] - r[12] + r[1] + r[21],
            -r[15] + r[1] + r[17] + r[19] + r[22],
            -r[2] - r[16] - r[17] - r[23] + r[15],
            -r[3] + 2 * r[4] + r[6] + r[7] + r[13] + r[20],
            -r[6] - r[8] - r[14] - r[20] + r[3] + 2 * r[18],
            -r[4] - r[5] - r[6] + r[13],
            r[4] + r[5] + r[6] + r[7],
            -r[7] - r[8],
            -r[12] + r[7] + r[9],
            -r[9] - r[10] + r[8] + r[11],
            r[9],
            -r[11] + r[10],
            -r[13] + r[12],
            r[14],
            -r[18] - r[19] + r[16],
            -r[20],
            r[20],
            -r[21] - r[22] - r[24] + r[23] + r[25],
            -r[25] + r[24],
        ]
    )


def _diode(x):
    return 1e-6 * (exp(x / 0.026) - 1)


@model(0.0013, np.array([0.1, 3.01, 2.97, 5.8, 3.02, 2.98, 5.9, 0.2]))
def transistor_amplifier(t, y):
    ub, r0, r, alpha = 6.0, 1000.0, 9000.0, 0.99
    ue = 0.1 * sin(200 * np.pi * t)
    g23, g56 = _diode(y[1] - y[2]), _diode(y[4] - y[5])
    f = np.zeros(8)
    f[0] = (y[0] - ue) / r0
    f[1] = y[1] / r + (y[1] - ub) / r + (1 - alpha) * g23
    f[2] = y[2] / r - g23
    f[3] = (y[3] - ub) / r + alpha * g23
    f[4] = y[4] / r + (y[4] - ub) / r + (1 - alpha) * g56
    f[5] = y[5] / r - g56
    f[6] = (y[6] - ub) / r + alpha * g56
    f[7] = y[7] / r
    return f


@model(0.0, np.concatenate([np.linspace(-3.0, 3.0, 7) + 0.1 * np.arange(7) ** 2, np.linspace(3.0, -4.0, 7)]))
def pleiades_accelerations(t, q):
    """Seven stars in the plane; forces in a double loop."""
    x, y = q[:7], q[7:]
    ax, ay = np.zeros(7), np.zeros(7)
    for i in range(7):
        for j in range(7):
            if i != j:
                r = ((x[i] - x[j]) ** 2 + (y[i] - y[j]) ** 2) ** 1.5
                ax[i] += (j + 1) * (x[j] - x[i]) / r
                ay[i] += (j + 1) * (y[j] - y[i]) / r
    return np.concatenate((ax, ay))
