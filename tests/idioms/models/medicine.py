"""Pharmacokinetics and physiology."""

import numpy as np

from tests.idioms.models.registry import model

DOSES = [(0.0, 100.0), (12.0, 100.0), (24.0, 50.0)]


def infusion(t, duration=0.5):
    rate = 0.0
    for start, amount in DOSES:
        if start <= t < start + duration:
            rate += amount / duration
    return rate


@model(12.2, np.array([40.0, 12.0]), np.array([5.0, 20.0, 2.0, 10.0]))
def two_compartments(t, y, p):
    CL, V1, Q, V2 = p
    c1, c2 = y[0] / V1, y[1] / V2
    dA1 = infusion(t) - CL * c1 - Q * c1 + Q * c2
    dA2 = Q * c1 - Q * c2
    return [dA1, dA2]


@model(1.2, 0.15, 30.0, np.array([0.5, 1.0, 2.0, 4.0, 8.0]))
def bateman(ka, ke, volume, t):
    """Oral dose; equal rates have their own formula."""
    if np.isclose(ka, ke):
        return 100.0 / volume * ke * t * np.exp(-ke * t)
    return 100.0 * ka / (volume * (ka - ke)) * (np.exp(-ke * t) - np.exp(-ka * t))


@model(np.array([8.0, 2.0]), 3.0, 1.5)
def michaelis_menten_elimination(y, vmax, km):
    gut, blood = y
    absorbed = 0.8 * gut
    eliminated = np.where(blood > 0, vmax * blood / (km + blood), 0.0)
    return np.array([-absorbed, absorbed - eliminated])


@model(-52.0, 0.35, 0.08, 0.55, 12.0)
def hodgkin_huxley(V, n, m, h, current):
    """Rates with removable singularities, guarded as in textbooks."""

    def vtrap(x, y):
        return y * (1 - x / y / 2) if abs(x / y) < 1e-6 else x / (np.exp(x / y) - 1)

    an = 0.01 * vtrap(-(V + 55), 10)
    bn = 0.125 * np.exp(-(V + 65) / 80)
    am = 0.1 * vtrap(-(V + 40), 10)
    bm = 4 * np.exp(-(V + 65) / 18)
    ah = 0.07 * np.exp(-(V + 65) / 20)
    bh = 1 / (np.exp(-(V + 35) / 10) + 1)
    ionic = 36 * n**4 * (V + 77) + 120 * m**3 * h * (V - 50) + 0.3 * (V + 54.4)
    return current - ionic, an * (1 - n) - bn * n, am * (1 - m) - bm * m, ah * (1 - h) - bh * h


@model(np.array([110.0, 0.01, 12.0]), np.array([0.03, 0.02, 1.3e-5, 0.25]))
def glucose_minimal_model(y, p):
    G, X, insulin = y
    sg, k1, k2, n = p
    Gb, Ib = 92.0, 11.0
    return np.array(
        [-(sg + X) * G + sg * Gb, -k1 * X + k2 * (insulin - Ib), -n * (insulin - Ib) + 0.003 * max(G - 80, 0)]
    )


CURVE_T = np.array([0.0, 0.5, 1.0, 2.0, 4.0, 8.0])


@model(np.array([0.0, 8.0, 6.5, 4.0, 1.7, 0.4]))
def exposure(concentration):
    """Area under the curve by trapezoids, with an exponential tail, and the mean residence time."""
    auc = np.trapezoid(concentration, CURVE_T)
    slope = -np.log(concentration[-1] / concentration[-2]) / (CURVE_T[-1] - CURVE_T[-2])
    aumc = np.trapezoid(concentration * CURVE_T, CURVE_T)
    return auc + concentration[-1] / slope, aumc / auc
