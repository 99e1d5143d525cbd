"""Finite differences, finite volumes and spectral methods."""

import numpy as np
import scipy.sparse as sp

from tests.idioms.models.registry import model


@model(np.array([1.0, 0.8, 0.3, -0.2, -0.6, 0.1]), 0.1)
def burgers_godunov(u, dx):
    """Godunov's flux with nested np.where."""
    ul, ur = u, np.roll(u, -1)
    fl, fr = 0.5 * ul**2, 0.5 * ur**2
    flux = np.where(ul > ur, np.where(ul + ur > 0, fl, fr), np.where(ul > 0, fl, np.where(ur < 0, fr, 0.0)))
    return -(flux - np.roll(flux, 1)) / dx


def minmod(a, b):
    return np.where(a * b > 0, np.where(np.abs(a) < np.abs(b), a, b), 0.0)


@model(np.array([0.1, 0.4, 0.9, 1.0, 0.7, 0.25, 0.05]), 1.3)
def muscl_advection(u, speed):
    """Second order upwinding with a limiter and ghost cells."""
    g = np.pad(u, 2, mode="wrap")
    slope = minmod(g[1:-1] - g[:-2], g[2:] - g[1:-1])
    left = g[1:-1] + 0.5 * slope
    flux = speed * left
    return -(flux[1:-1] - flux[:-2])


@model(np.array([[1.0, 0.9, 0.5, 0.4], [0.3, 0.1, -0.1, 0.05]]))
def shallow_water_rusanov(q):
    """A system of conservation laws, fluxes stacked as rows."""
    h, hu = q
    u = hu / h
    F = np.stack([hu, hu * u + 0.5 * 9.81 * h**2])
    c = np.abs(u) + np.sqrt(9.81 * h)
    a = np.maximum(c[:-1], c[1:])
    interface = 0.5 * (F[:, :-1] + F[:, 1:]) - 0.5 * a * (q[:, 1:] - q[:, :-1])
    out = np.zeros_like(q)
    out[:, :-1] -= interface
    out[:, 1:] += interface
    return out


@model(np.linspace(0.2, 1.0, 6), 0.5)
def nonlinear_diffusion(T, left):
    """Face conductivities by averages, boundary values by np.insert and np.append."""
    full = np.append(np.insert(T, 0, left), T[-1])
    k = 1.0 + 0.3 * full**2
    faces = 0.5 * (k[1:] + k[:-1]) * (full[1:] - full[:-1])
    return faces[1:] - faces[:-1]


@model(np.sin(np.linspace(0.3, 5.0, 8)), 0.02)
def kuramoto_sivashinsky(u, nu):
    """Derivatives in Fourier space."""
    k = 2 * np.pi * np.fft.rfftfreq(u.size, d=1.0 / u.size) / 10.0
    v = np.fft.rfft(u)
    ux = np.fft.irfft(1j * k * v, n=u.size)
    linear = np.fft.irfft((k**2 - nu * k**4) * v, n=u.size)
    return linear - u * ux


N = 4
LAPLACIAN = sp.diags([np.ones(N - 1), -2 * np.ones(N), np.ones(N - 1)], [-1, 0, 1]).tocsr()
LAPLACIAN_2D = sp.kronsum(LAPLACIAN, LAPLACIAN, format="csr")


@model(np.linspace(0.1, 0.9, N * N), 0.3)
def fisher_with_sparse_laplacian(u, d):
    return d * (LAPLACIAN_2D @ u) + u * (1 - u)


@model(np.linspace(0.3, 0.8, 12).reshape(3, 4), np.array([0.2, 0.1]))
def convected_scalar(phi, velocity):
    """np.gradient on a grid, upwind direction by sign."""
    gy, gx = np.gradient(phi, 0.5, 0.25)
    return -(velocity[0] * gx + velocity[1] * gy) + 0.01 * phi**2


@model(np.linspace(-0.5, 0.5, 5))
def chebyshev_collocation(u):
    """A differentiation matrix built in a loop (Trefethen's cheb)."""
    n = len(u) - 1
    x = np.cos(np.pi * np.arange(n + 1) / n)
    c = np.hstack([2.0, np.ones(n - 1), 2.0]) * (-1) ** np.arange(n + 1)
    X = np.tile(x, (n + 1, 1)).T
    dX = X - X.T
    D = np.outer(c, 1 / c) / (dX + np.eye(n + 1))
    D = D - np.diag(D.sum(axis=1))
    return D @ (D @ u) + np.exp(u)


@model(np.array([0.5, 0.2, 0.1, 0.4, 0.9]), 0.3)
def crank_nicolson_steps(u, r):
    """Implicit steps with a banded matrix, and in-place boundary rows."""
    n = len(u)
    A = (
        np.diag((1 + r) * np.ones(n))
        + np.diag(-r / 2 * np.ones(n - 1), 1)
        + np.diag(-r / 2 * np.ones(n - 1), -1)
    )
    A[0, :] = 0
    A[0, 0] = 1
    for _ in range(3):
        b = u.copy()
        b[1:-1] += r / 2 * (u[2:] - 2 * u[1:-1] + u[:-2])
        u = np.linalg.solve(A, b)
    return u


@model(np.array([[0.9, 0.1, 0.5], [0.3, 0.7, 0.2], [0.6, 0.4, 0.8]]))
def life_like_growth(c):
    """Eight neighbours by rolls in a double loop, growth where it is neither lonely nor crowded."""
    total = np.zeros_like(c)
    for dx in (-1, 0, 1):
        for dy in (-1, 0, 1):
            if (dx, dy) != (0, 0):
                total += np.roll(np.roll(c, dx, axis=0), dy, axis=1)
    growing = (total > 3.5) & (total < 4.5)
    grown = c.copy()
    grown[growing] *= 1.1
    return grown + 0.1 * total
