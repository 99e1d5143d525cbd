"""Integrations on a device: the loops of the CPU as Python functions over its memory.

Of the native functions that loops call, those that touch states are replaced by ones that work on the device;
everything else runs as it is written. A step costs one copy of t and h there, and of one number back.
"""

from __future__ import annotations

import functools
import types
from importlib import import_module
from typing import Any

import numpy as np

import diffsci as ds
from solvers.ode.compiled import MODULES

__all__ = ["Cuda"]

_TINY = np.finfo(float).tiny
_WORD = 8


class Cuda:
    """A device; see `machines.Cpu` for the methods.

    Parameters
    ----------
    machine : object
        What diffsci hands to `CustomLoop.on_device`.
    """

    def __init__(self, machine: Any):
        self._machine, self._device = machine, machine.device
        self.xp = machine.xp

    # the methods of `machines.Cpu`, which says what they do --------------------------------------------

    def empty(self, shape, dtype) -> Any:
        """Memory for an array."""
        return self._device.array(shape if isinstance(shape, tuple) else (shape,), np.dtype(dtype))

    def memory(self, nbytes: int) -> tuple[object, int]:
        """Memory for so many bytes, and its address."""
        held = self._device.empty(nbytes)
        return held, held.ptr

    def times(self) -> _Times:
        """Memory for t and h."""
        return _Times(self._device)

    def tolerances(self, atol: np.ndarray, rtol: float) -> tuple[Any, Any]:
        """The tolerances, on the device."""
        return self._device.to_device(np.asarray(atol, float)), self._device.to_device(np.array(rtol))

    def address(self, array: Any) -> int:
        """The address of an array."""
        return array.address if isinstance(array, _Times) else self._device.address(array)

    def copy_at(self, where: int, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
        """A copy on the host of what lies at an address."""
        copied = np.empty(shape, dtype)
        self._device.download(copied, where)
        return copied

    def host(self, array: Any) -> np.ndarray:
        """An array of the host with these elements."""
        return array if isinstance(array, np.ndarray) else self._device.to_host(array)

    def compile(self, function, *examples):
        """The program of a function at example arguments."""
        plain = [self.host(x) if hasattr(x, "shape") else x for x in examples]
        return ds.compile(function, *plain, backend="cupy").program

    def entries(self, programs: list) -> np.ndarray:
        """What the loops know programs by: themselves."""
        found = np.empty(len(programs), object)
        found[:] = programs
        return found

    def fill(self, slots: np.ndarray, program) -> None:
        """A program knows its constants itself."""

    def loop(self, name: str, dtype: np.dtype) -> _Loop:
        """One of the loops."""
        return _Loop(name, self._device)


class _Times:
    """t and h: written on the host, copied to the device before a program runs."""

    def __init__(self, device: Any):
        self._device, self._memory = device, device.empty(2 * _WORD)
        self.address = self._memory.ptr
        self._host, self._there = np.zeros(2), np.full(2, np.nan)

    def __getitem__(self, key):
        return self._host[key]

    def __setitem__(self, key, value) -> None:
        self._host[key] = value

    def __iter__(self):
        return iter(self._host)

    def send(self) -> None:
        """Bring the device up to date."""
        if not np.array_equal(self._host, self._there):
            self._there[:] = self._host
            self._device.upload(self.address, self._there)


class _Loop:
    """A loop as a Python function; called like `compiled.Loop`."""

    def __init__(self, name: str, device: Any):
        names = dict(vars(import_module(MODULES[name])))
        for key, value in list(names.items()):
            if isinstance(value, types.FunctionType):
                names[key] = types.FunctionType(value.__code__, names, key)
        names |= _replacements(device, self)
        self._run, self.times = names[name], None

    def __call__(self, *arguments):
        self.times = next(x for x in arguments if isinstance(x, _Times))
        return self._run(*arguments)


def _replacements(device: Any, loop: _Loop) -> dict[str, Any]:
    """The functions of loops that touch memory of the device, by name."""
    xp = device.xp

    def run_program(programs, slots):
        loop.times.send()
        first = programs[0].run_at(slots[0])
        if first <= 0:
            return first
        for program, row in zip(programs[1:], slots[1:], strict=True):
            status = program.run_at(row)
            if status <= 0:
                return status
        return first

    def redirect(slots, slot, where, count, stride):
        slots[:, slot : slot + count] = where + stride * np.arange(count)

    def view(where, size, like):
        return device.view(int(where), (int(size),), like.dtype)

    def copy_bytes(target, source, size):
        memory = np.dtype(np.uint8)
        device.view(int(target), (int(size),), memory)[...] = device.view(int(source), (int(size),), memory)

    def error_norm(errors, n_errors, y, y_new, tolerances, _):
        atol, rtol = tolerances
        return float(_error_norm(device)(errors.reshape(int(n_errors), y.size), y, y_new, atol, rtol))

    def rms(values, scale_of, tolerances, _):
        return float(_rms(device)(values, scale_of, *tolerances))

    def interpolate(y, coefficients, weights, out):
        out[...] = _interpolated(device)(y, coefficients.reshape(weights.size, y.size), weights)

    def euler(out, y, h, slope):
        out[...] = y + float(h) * slope

    return {
        "run_program": run_program,
        "redirect": redirect,
        "view": view,
        "copy_bytes": copy_bytes,
        "start_of": device.address,
        "error_norm": error_norm,
        "rms": rms,
        "interpolate": interpolate,
        "euler": euler,
        "subtract": lambda total, other: xp.subtract(total, other, out=total),
        "accumulate": lambda total, added: xp.add(total, added, out=total),
        "add_scaled": lambda total, weight, added: xp.add(total, added * float(weight), out=total),
        "is_finite": lambda values: bool(xp.isfinite(values).all()),
    }


# sums over states: one fused kernel each, compiled when first called on a device -------------------------


@functools.cache
def _error_norm(device: Any):
    def square(error, y, y_new, atol, rtol):
        scale = np.maximum(atol + rtol * np.maximum(np.abs(y), np.abs(y_new)), _TINY)
        return np.sum(np.where(np.isfinite(y_new), (error / scale) ** 2, np.nan))

    def norm(errors, y, y_new, atol, rtol):
        first = square(errors[0], y, y_new, atol, rtol)
        if errors.shape[0] == 1:
            return np.sqrt(first / y.size)
        denominator = first + 0.01 * square(errors[1], y, y_new, atol, rtol)
        safe = np.where(denominator == 0.0, 1.0, denominator)
        return np.where(denominator == 0.0, 0.0, first / np.sqrt(safe * y.size))

    return ds.jit(norm, backend="cupy")


@functools.cache
def _rms(device: Any):
    def norm(values, scale_of, atol, rtol):
        ratio = values / np.maximum(atol + rtol * np.abs(scale_of), _TINY)
        return np.sqrt(np.sum(ratio * ratio) / values.size)

    return ds.jit(norm, backend="cupy")


@functools.cache
def _interpolated(device: Any):
    return ds.jit(lambda y, curve, weights: (y + weights @ curve).astype(y.dtype), backend="cupy")
