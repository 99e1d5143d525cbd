"""Gray-Scott reaction and diffusion on a periodic square, as a NumPy user writes it.

Run this file to write the target field, the end of a simulation with other rates.
"""

import numpy as np

CELLS = 128
DIFFUSION_U, DIFFUSION_V = 0.16, 0.08  # in cells squared per unit of time


def laplacian(f):
    return np.roll(f, 1, 0) + np.roll(f, -1, 0) + np.roll(f, 1, 1) + np.roll(f, -1, 1) - 4.0 * f


def rhs(t, y, feed, kill):
    u, v = y
    uvv = u * v * v
    return np.stack(
        [
            DIFFUSION_U * laplacian(u) - uvv + feed * (1.0 - u),
            DIFFUSION_V * laplacian(v) + uvv - (feed + kill) * v,
        ]
    )


def seeds():
    """Smooth bumps at six places."""
    x = np.arange(CELLS)
    places = [(30, 36), (40, 92), (66, 64), (92, 30), (98, 100), (64, 110)]
    bumps = [np.exp(-((x[:, None] - i) ** 2 + (x[None, :] - j) ** 2) / 32.0) for i, j in places]
    return np.minimum(sum(bumps), 1.0)


def initial_u():
    return 1.0 - 0.5 * seeds()


def initial_v():
    return 0.25 * seeds()


def misfit(sol, target):
    return 0.5 * np.sum((sol.y[1, ..., -1] - target) ** 2)


def write_target(feed=0.036, kill=0.061, step=1.0, steps=2000):
    y = np.stack([initial_u(), initial_v()])
    for _ in range(steps):
        a = rhs(0.0, y, feed, kill)
        b = rhs(0.0, y + 0.5 * step * a, feed, kill)
        c = rhs(0.0, y + 0.5 * step * b, feed, kill)
        d = rhs(0.0, y + step * c, feed, kill)
        y = y + step / 6.0 * (a + 2.0 * b + 2.0 * c + d)
    np.save("gray_scott_target.npy", y[1].astype(np.float32))


if __name__ == "__main__":
    write_target()
