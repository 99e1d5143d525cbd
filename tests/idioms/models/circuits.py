"""Circuits and control."""

import numpy as np

from tests.idioms.models.registry import model

R, L, C = 10.0, 0.1, 1e-3


def square_wave(t, period=0.02):
    return 1.0 if (t % period) < period / 2 else -1.0


@model(0.013, np.array([0.3, -0.5]))
def rlc_with_square_wave(t, y):
    current, voltage = y
    return [(square_wave(t) - R * current - voltage) / L, current / C]


@model(np.array([0.7, -0.2, 0.1]), np.array([15.6, 1.0, 28.0]))
def chua(y, p):
    """A piecewise linear diode through absolute values."""
    x, v, i = y
    alpha, c, beta = p
    diode = -0.714 * x + 0.5 * (-1.143 + 0.714) * (abs(x + 1) - abs(x - 1))
    return np.array([alpha * (v - x - diode), c * (x - v + i), -beta * v])


class PID:
    """A controller with a saturated output, kept as an object."""

    def __init__(self, kp, ki, kd, limit):
        self.kp, self.ki, self.kd, self.limit = kp, ki, kd, limit

    def __call__(self, error, integral, slope):
        command = self.kp * error + self.ki * integral + self.kd * slope
        return np.clip(command, -self.limit, self.limit)


@model(np.array([0.2, -0.4, 0.1]), 1.0)
def controlled_motor(state, target):
    controller = PID(2.0, 0.5, 0.1, 5.0)
    position, speed, integral = state
    error = target - position
    command = controller(error, integral, -speed)
    return np.array([speed, command - 0.3 * speed, error])


@model(np.array([0.1, 0.4, -0.2, 0.05]), 0.3)
def ladder_network(v, source):
    """A nodal matrix assembled in loops, solved by numpy."""
    n = len(v)
    G = np.zeros((n, n))
    for k in range(n):
        g = 1.0 + 0.1 * v[k] ** 2
        G[k, k] += g
        if k + 1 < n:
            G[k, k + 1] -= 0.5 * g
            G[k + 1, k] -= 0.5 * g
            G[k + 1, k + 1] += 0.5 * g
    rhs = np.zeros(n)
    rhs[0] = source
    return np.linalg.solve(G, rhs)


@model(np.array([0.05, 0.4, 1.2]), np.array([0.1, -0.2]))
def discrete_kalman_filter(q, x0):
    """A filter over six measurements: matrix products, inverse, log-determinant."""
    F = np.array([[1.0, 0.1], [0.0, 1.0]])
    H = np.array([[1.0, 0.0]])
    Q = np.diag([q[0], q[1]])
    x, P = x0.copy(), np.eye(2) * q[2]
    loglik = 0.0
    for z in (0.11, 0.05, -0.02, -0.1, -0.09, -0.2):
        x = F @ x
        P = F @ P @ F.T + Q
        S = H @ P @ H.T + 0.2
        K = P @ H.T @ np.linalg.inv(S)
        innovation = z - H @ x
        loglik += -0.5 * (innovation @ np.linalg.solve(S, innovation) + np.log(np.linalg.det(2 * np.pi * S)))
        x = x + K @ innovation
        P = (np.eye(2) - K @ H) @ P
    return loglik


@model(0.02, 0.026, 1.5)
def diode_operating_point(saturation, thermal, source):
    """Newton with damping for a diode behind a resistor."""
    v = 0.5
    for _ in range(100):
        e = np.exp(np.minimum(v / thermal, 40.0))
        f = (source - v) / 10.0 - saturation * (e - 1)
        df = -1 / 10.0 - saturation * e / thermal
        dv = f / df
        v = v - np.sign(dv) * min(abs(dv), 0.1)
        if abs(dv) < 1e-15:
            break
    return v
