"""Five stencils as users write them in plain NumPy: right-hand sides on regular grids of unit spacing.

Each function takes the state first; what follows is data. They differ in style on purpose: `np.roll`,
`np.pad` with a constant or with wrapping, slices, writes into an array of zeros.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["MODELS", "Model", "burgers", "gray_scott", "heat", "vorticity", "wave"]


@dataclass(frozen=True)
class Model:
    """A right-hand side and what one pass over memory has to touch.

    Attributes
    ----------
    function : callable
        ``function(state, *data) -> rates``, of the state's shape.
    state, data : tuple of int
        Shape of the state, shapes of the data, with 0 for the number of points of a side.
    rhs_fields, vjp_fields : int
        How many grids the right-hand side, or the pullback of a cotangent, reads and writes at the least.
    small : int
        Points of a side, inside the cache.
    large : tuple of int
        Points of a side beyond the cache: rows of a power of two fall on the same sets of the cache.
    """

    name: str
    function: Callable
    state: tuple[int, ...]
    data: tuple[tuple[int, ...], ...]
    rhs_fields: int
    vjp_fields: int
    small: int
    large: tuple[int, ...]


def gray_scott(y):
    """Gray-Scott reaction and diffusion, periodic by `roll`."""
    u, v = y

    def laplacian(z):
        return np.roll(z, 1, 0) + np.roll(z, -1, 0) + np.roll(z, 1, 1) + np.roll(z, -1, 1) - 4.0 * z

    reaction = u * v * v
    du = 0.2 * laplacian(u) - reaction + 0.04 * (1.0 - u)
    dv = 0.1 * laplacian(v) + reaction - 0.1 * v
    return np.stack([du, dv])


def burgers(y):
    """Burgers' equations for two velocities, periodic, first-order upwinding by the sign of the velocity."""
    u, v = y

    def transported(q):
        behind_x, ahead_x = q - np.roll(q, 1, 0), np.roll(q, -1, 0) - q
        behind_y, ahead_y = q - np.roll(q, 1, 1), np.roll(q, -1, 1) - q
        along_x = u * np.where(u > 0, behind_x, ahead_x)
        along_y = v * np.where(v > 0, behind_y, ahead_y)
        diffusion = (ahead_x - behind_x) + (ahead_y - behind_y)
        return 0.01 * diffusion - along_x - along_y

    return np.stack([transported(u), transported(v)])


def heat(T):
    """Heat equation with 7 points in three dimensions; the boundary is held (Dirichlet)."""
    rate = np.zeros_like(T)
    c = T[1:-1, 1:-1, 1:-1]
    rate[1:-1, 1:-1, 1:-1] = (
        (T[2:, 1:-1, 1:-1] - 2.0 * c + T[:-2, 1:-1, 1:-1])
        + (T[1:-1, 2:, 1:-1] - 2.0 * c + T[1:-1, :-2, 1:-1])
        + (T[1:-1, 1:-1, 2:] - 2.0 * c + T[1:-1, 1:-1, :-2])
    )
    return rate


def wave(y):
    """Wave equation, fourth order in space; the field is zero outside of the box."""
    u, w = y
    p = np.pad(u, 2)
    c = p[2:-2, 2:-2]
    along_x = -p[:-4, 2:-2] + 16.0 * p[1:-3, 2:-2] - 30.0 * c + 16.0 * p[3:-1, 2:-2] - p[4:, 2:-2]
    along_y = -p[2:-2, :-4] + 16.0 * p[2:-2, 1:-3] - 30.0 * c + 16.0 * p[2:-2, 3:-1] - p[2:-2, 4:]
    return np.stack([w, (along_x + along_y) / 12.0])


def vorticity(omega, psi):
    """Vorticity equation of Navier-Stokes, periodic, for a given stream function: Arakawa's Jacobian (1966)
    and diffusion."""
    z, p = np.pad(omega, 1, mode="wrap"), np.pad(psi, 1, mode="wrap")
    n, s, e, w = p[2:, 1:-1], p[:-2, 1:-1], p[1:-1, 2:], p[1:-1, :-2]
    ne, nw, se, sw = p[2:, 2:], p[2:, :-2], p[:-2, 2:], p[:-2, :-2]
    zn, zs, ze, zw = z[2:, 1:-1], z[:-2, 1:-1], z[1:-1, 2:], z[1:-1, :-2]
    zne, znw, zse, zsw = z[2:, 2:], z[2:, :-2], z[:-2, 2:], z[:-2, :-2]
    straight = (e - w) * (zn - zs) - (n - s) * (ze - zw)
    outer = e * (zne - zse) - w * (znw - zsw) - n * (zne - znw) + s * (zse - zsw)
    inner = zn * (ne - nw) - zs * (se - sw) - ze * (ne - se) + zw * (nw - sw)
    return (straight + outer + inner) / 12.0 + 0.001 * (zn + zs + ze + zw - 4.0 * omega)


MODELS = (
    Model("Gray-Scott", gray_scott, (2, 0, 0), (), 4, 6, 256, (2000, 2048)),
    Model("Burgers, upwind", burgers, (2, 0, 0), (), 4, 6, 256, (2000, 2048)),
    Model("heat, 3-D", heat, (0, 0, 0), (), 2, 2, 48, (192,)),
    Model("wave, 4th order", wave, (2, 0, 0), (), 4, 4, 256, (2000, 2048)),
    Model("vorticity, Arakawa", vorticity, (0, 0), ((0, 0),), 3, 3, 256, (2000, 2048)),
)
