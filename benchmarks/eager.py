"""Gradients outside `jit`: one operation on numbers, and arrays of 1e5 elements beside PyTorch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.report import Table
from benchmarks.timing import interleaved

STEPS = 40  # of five operations each
POINT = 0.3
VECTOR = np.linspace(0.1, 2.0, 100_000)


def scalar_program(lib) -> Callable:
    """A program of 200 operations on numbers."""

    def program(x):
        y = x
        for _ in range(STEPS):
            y = lib.sin(y) * 1.1 + x * y - 0.3
        return y

    return program


def elementwise(lib) -> Callable:
    """Arithmetic and elementary functions."""
    return lambda x: lib.sum(lib.sin(x) * lib.exp(-x) + lib.sqrt(x) * x**2)


def arithmetic(lib) -> Callable:
    """Nothing but products and sums: the memory's speed."""

    def program(x):
        y = x
        for _ in range(10):
            y = y * x + 0.5 * y - x
        return lib.sum(y)

    return program


def stencil(lib) -> Callable:
    """Slices and differences."""

    def program(x):
        flux = 0.5 * (x[1:] ** 2 + x[:-1] ** 2) - 0.1 * (x[1:] - x[:-1])
        return lib.sum((flux[1:] - flux[:-1]) ** 2)

    return program


def diffsci_gradient(make: Callable) -> Callable:
    """Ours."""
    import diffsci as ds

    return ds.value_and_grad(make(np))


def autograd_gradient(make: Callable) -> Callable:
    """HIPS autograd."""
    import autograd.numpy as anp
    from autograd import value_and_grad

    return value_and_grad(make(anp))


def torch_gradient(make: Callable) -> Callable:
    """PyTorch, eager."""
    import torch

    program = make(torch)

    def value_and_gradient(x):
        leaf = torch.tensor(x, dtype=torch.float64, requires_grad=True)
        value = program(leaf)
        value.backward()
        return value.item(), leaf.grad.numpy()

    return value_and_gradient


CONTESTANTS = {"diffsci": diffsci_gradient, "PyTorch": torch_gradient, "autograd": autograd_gradient}
ARRAYS = {"elementary functions": elementwise, "products and sums": arithmetic, "slices": stencil}


def contest(table: Table, make: Callable, x) -> dict[str, float]:
    """Median seconds of value and gradient of every contestant, which must agree."""
    functions, expected = {}, None
    for name, prepare in CONTESTANTS.items():
        try:
            functions[name] = prepare(make)
        except ImportError:
            table.missing(name)
            continue
        found = np.asarray(functions[name](x)[1])
        expected = found if expected is None else expected
        if not np.allclose(found, expected, rtol=1e-10, atol=1e-10):
            raise RuntimeError(f"{name} disagrees on the gradient of {make.__name__}")
        for _ in range(4):  # derived programs are written after a few runs
            functions[name](x)
    return interleaved({name: (lambda f=f: f(x)) for name, f in functions.items()}, repeats=21)


def measure(threads: int) -> Table:
    """Time value and gradient outside `jit`."""
    table = Table("eager", f"Outside jit: value and gradient traced at every call, {threads} threads")
    seconds = contest(table, scalar_program, POINT)
    for name, median in seconds.items():
        target = {"target": 5.0} if name == "diffsci" else {}
        table.add(
            f"one operation of a {5 * STEPS}-operation scalar program, {name}",
            median / (5 * STEPS) * 1e6,
            "µs",
            **target,
        )
    for what, make in ARRAYS.items():
        seconds = contest(table, make, VECTOR)
        for name, median in seconds.items():
            table.add(f"{what} on 1e5 elements, {name}", median)
        if "PyTorch" in seconds:
            ratio = seconds["diffsci"] / seconds["PyTorch"]
            table.add(f"{what} on 1e5 elements, diffsci / PyTorch", ratio, "", target=1.5)
    return table
