"""References: mpmath in a pool of processes, kept on disk by function and points.

A reference is stored as the double nearest to it and the rest in units of that double's last place.
"""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import CodeType, FunctionType

import numpy as np

from benchmarks.accuracy.row import Function, rows_of

CHUNK = 500
PROBE = 50  # one point in so many is evaluated again with twice the digits
AGREEMENT = 1e-3  # ulp


class References:
    """Evaluates references; closes its processes at the end of a ``with`` block."""

    def __init__(self, processes: int | None = None) -> None:
        self._processes = processes or len(os.sched_getaffinity(0))
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> References:
        return self

    def __exit__(self, *_: object) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)

    def __call__(
        self, family: str, row: Function, points: np.ndarray, derivatives: bool = True
    ) -> np.ndarray:
        """Return an array (quantities, n, 2) of nearest numbers (of the points' type) and rests."""
        count = len(row.quantities) if derivatives else 1
        path = _folder() / f"{row.name}-{_key(row, points, count)}.npy"
        if path.exists():
            return np.load(path)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self._processes, mp_context=get_context("spawn"))
        chunks = [points[k : k + CHUNK] for k in range(0, len(points), CHUNK)]
        tasks = [self._pool.submit(evaluate, family, row.name, chunk, count) for chunk in chunks]
        found = np.concatenate([task.result() for task in tasks], axis=1)
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(f".{os.getpid()}.npy")
        np.save(temporary, found)
        os.replace(temporary, path)
        return found


def evaluate(family: str, name: str, points: np.ndarray, count: int) -> np.ndarray:
    """The first ``count`` quantities of a row at some points; what a process of the pool does."""
    row = next(row for row in rows_of(family) if row.name == name)
    info = np.finfo(points.dtype)
    found = np.full((count, len(points), 2), np.nan)
    for k, point in enumerate(points):
        if np.isnan(point).any():
            continue
        for q, quantity in enumerate(row.quantities[:count]):
            found[q, k] = _evaluate(row, quantity, point, row.digits, info)
            if k % PROBE == 0:
                _probe(row, quantity, point, found[q, k], info)
    return found


def _evaluate(row: Function, quantity: Callable, point: np.ndarray, digits: int, info) -> tuple[float, float]:
    import mpmath as mp

    with mp.workdps(digits):
        try:
            return nearest(mp.mpf(quantity(*(mp.mpf(float(x)) for x in point))), info)
        except (ArithmeticError, ValueError, TypeError) as error:
            raise ValueError(f"{row.name}: the reference fails at {point.tolist()}: {error!r}") from error


def _probe(row: Function, quantity: Callable, point: np.ndarray, found: np.ndarray, info) -> None:
    again = np.array(_evaluate(row, quantity, point, 2 * row.digits, info))
    same = np.array_equal(again, found, equal_nan=True)
    if not same and (again[0] != found[0] or not abs(again[1] - found[1]) < AGREEMENT):
        raise ValueError(
            f"{row.name}: {row.digits} digits are too few for the reference at {point.tolist()}: "
            f"{found.tolist()} becomes {again.tolist()} with {2 * row.digits}"
        )


def nearest(x, info) -> tuple[float, float]:
    """The number of a floating-point type nearest to an mpf, and ``x`` minus it in units of its last place.

    Beyond the largest number it is infinite and stands for ``2**maxexp``; the rest is infinite if x is.
    """
    import mpmath as mp

    if mp.isnan(x):
        return math.nan, math.nan
    if mp.isinf(x):
        return math.copysign(math.inf, x), math.copysign(math.inf, x)
    if x == 0:
        return 0.0, 0.0
    negative, mantissa, exponent, bits = x._mpf_
    sign, mantissa = (-1.0 if negative else 1.0), int(mantissa)
    unit = max(exponent + bits - info.nmant - 1, info.minexp - info.nmant)
    shift = unit - exponent
    if exponent + bits > info.maxexp + 64:
        return sign * math.inf, sign * math.inf
    if exponent + bits < unit - 64:
        return 0.0, 0.0
    if shift <= 0:
        whole, rest = mantissa << -shift, 0.0
    else:
        half = 1 << (shift - 1)
        whole, remainder = divmod(mantissa + half, 1 << shift)
        rest = (remainder - half) / (1 << shift)
    if whole.bit_length() > info.nmant + 1:  # rounded up to a power of two, whose unit is twice as large
        whole, unit, rest = whole >> 1, unit + 1, rest / 2
    overflows = unit + whole.bit_length() > info.maxexp
    if overflows:
        rest += math.ldexp(whole, unit - (info.maxexp - info.nmant - 1)) - 2.0 ** (info.nmant + 1)
    return sign * (math.inf if overflows else math.ldexp(whole, unit)), sign * rest


def _folder() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "diffsci" / "accuracy"


def _key(row: Function, points: np.ndarray, count: int) -> str:
    """A hash of the points and of the code of the references (with the functions of ours they call)."""
    digest = hashlib.sha256(points.tobytes() + f"{points.dtype} {row.digits} {count}".encode())
    seen: set[int] = set()
    for quantity in row.quantities[:count]:
        _hash(quantity, digest, seen)
    return digest.hexdigest()[:24]


def _hash(item: object, digest, seen: set[int]) -> None:
    item = getattr(item, "__wrapped__", item)  # what a cache is around
    if id(item) in seen:
        return
    seen.add(id(item))
    if isinstance(item, CodeType):
        digest.update(item.co_code + " ".join(item.co_names).encode())
        for constant in item.co_consts:
            _hash(constant, digest, seen)
    elif isinstance(item, FunctionType) and not item.__module__.startswith("mpmath"):
        for part in (
            item.__code__,
            *(item.__defaults__ or ()),
            *(c.cell_contents for c in item.__closure__ or ()),
        ):
            _hash(part, digest, seen)
        for name in _names(item.__code__):
            found = getattr(item.__globals__.get(name), "__wrapped__", item.__globals__.get(name))
            if isinstance(found, (FunctionType, int, float, str, tuple)):
                _hash(found, digest, seen)
    elif callable(item):
        digest.update(getattr(item, "__name__", type(item).__name__).encode())
    else:
        digest.update(repr(item).encode())


def _names(code: CodeType) -> list[str]:
    nested = [
        name for constant in code.co_consts if isinstance(constant, CodeType) for name in _names(constant)
    ]
    return [*code.co_names, *nested]
