"""Where functions are looked at: samplers return arrays (n, arguments) of points of a floating-point type."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Sampler = Callable[[np.random.Generator, int, np.finfo], np.ndarray]


def _signs(random: np.random.Generator, n: int, sign: int) -> np.ndarray:
    return random.choice([-1.0, 1.0], n) if sign == 0 else np.full(n, float(sign))


def _mantissas(random: np.random.Generator, n: int) -> np.ndarray:
    return 1.0 + random.random(n)


def magnitudes(low: float, high: float, sign: int = 0) -> Sampler:
    """Log-uniform magnitudes in [low, high); sign 1, -1, or 0 for both."""

    def sample(random, n, info):
        size = np.exp2(random.uniform(np.log2(low), np.log2(high), n))
        return (_signs(random, n, sign) * size)[:, None]

    return sample


def everywhere(sign: int = 0) -> Sampler:
    """All exponents of the type with equal chances, subnormal numbers included."""

    def sample(random, n, info):
        exponents = random.integers(info.minexp - info.nmant, info.maxexp, n)
        return (_signs(random, n, sign) * np.ldexp(_mantissas(random, n), exponents))[:, None]

    return sample


def between(low: float, high: float) -> Sampler:
    """Uniform in [low, high)."""
    return lambda random, n, info: random.uniform(low, high, (n, 1))


def around(center: float, sign: int = 0, width: float | None = None) -> Sampler:
    """A number with offsets of all exponents from a unit of its last place to ``width``.

    The width is the size of the number by default, and 1 for 0.
    """

    def sample(random, n, info):
        reach = np.log2((abs(center) or 1.0) if width is None else width)
        smallest = np.spacing(info.dtype.type(abs(center)))
        unit = np.log2(smallest) if center else info.minexp - info.nmant
        return (center + _signs(random, n, sign) * np.exp2(random.uniform(unit, reach, n)))[:, None]

    return sample


def listed(*values: float) -> Sampler:
    """Draws from a list."""
    return lambda random, n, info: random.choice(np.array(values, dtype=float), (n, 1))


def extremes(sign: int = 0, infinite: bool = True) -> Sampler:
    """Draws from 0, smallest and largest numbers, machine epsilon, 1, infinity; sign 0 for both."""

    def sample(random, n, info):
        values = [0.0, info.smallest_subnormal, info.smallest_normal, info.eps, 1.0, info.max]
        values = np.array(values + [np.inf] * infinite, dtype=float)
        return (_signs(random, n, sign) * random.choice(values, n))[:, None]

    return sample


def each(*samplers: Sampler) -> Sampler:
    """Columns drawn independently, one sampler per argument (or group of arguments)."""
    return lambda random, n, info: np.hstack([sample(random, n, info) for sample in samplers])


def mapped(sampler: Sampler, function: Callable[..., tuple]) -> Sampler:
    """Points ``function(*columns)``: puts arguments into a relation, such as near a zero of the function."""

    def sample(random, n, info):
        with np.errstate(all="ignore"):
            return np.stack(np.broadcast_arrays(*function(*sampler(random, n, info).T)), axis=-1)

    return sample


def mix(*samplers: Sampler, where: Callable[..., np.ndarray] | None = None) -> Sampler:
    """Points of every sampler in equal shares, rounded to the type, kept where ``where(*columns)`` holds."""

    def sample(random, n, info):
        shares = np.diff(np.linspace(0, n, len(samplers) + 1).astype(int))
        return np.vstack(
            [_kept(draw, where, random, m, info) for draw, m in zip(samplers, shares, strict=True)]
        )

    return sample


def _kept(draw: Sampler, where: Callable | None, random: np.random.Generator, n: int, info) -> np.ndarray:
    found: list[np.ndarray] = []
    for _ in range(1000):
        with np.errstate(over="ignore", invalid="ignore"):
            points = draw(random, max(n, 16), info).astype(info.dtype)
        found.append(points if where is None else points[where(*points.T)])
        if sum(map(len, found)) >= n:
            return np.vstack(found)[:n]
    raise ValueError(f"fewer than {n} points in 1000 draws satisfy the row's 'where'")
