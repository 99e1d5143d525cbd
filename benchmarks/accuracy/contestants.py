"""Values and derivatives at many points at once: ours in every mode, the peers' in reverse mode."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from itertools import product

import numpy as np

from benchmarks.accuracy.row import Function

Columns = tuple[np.ndarray, ...]


def spelled(arguments: str, spelling: str, **names: object) -> Callable:
    """The function that a spelling says."""
    return eval(f"lambda {', '.join(arguments.split())}: {spelling}", names)


def ours(row: Function) -> Callable:
    """Our function."""
    import scipy.special as special

    import diffsci as ds

    return spelled(row.arguments, row.ours, ds=ds, np=np, special=special)


def our_values(row: Function, columns: Columns) -> Iterator[tuple[str, np.ndarray]]:
    """Yield mode and values."""
    import diffsci as ds

    f = ours(row)
    yield "plain", f(*columns)
    yield "traced", ds.vjp(f, *columns)[0]
    yield "compiled", ds.jit(f)(*columns)


def our_first(row: Function, columns: Columns, index: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield mode and the derivatives with respect to one argument."""
    for take in (_forward, _reverse):
        yield from _eager_and_compiled(take(ours(row), index), take.__name__.strip("_"), columns)


def our_second(row: Function, columns: Columns, pair: tuple[int, int]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield mode and the derivatives with respect to two arguments."""
    for outer, inner in product((_forward, _reverse), repeat=2):
        name = f"{outer.__name__} over {inner.__name__}".replace("_", "")
        yield from _eager_and_compiled(outer(inner(ours(row), pair[0]), pair[1]), name, columns)


def _forward(f: Callable, index: int) -> Callable:
    """Derivative with respect to one argument; the others do not move."""
    import diffsci as ds

    def derivative(*columns):
        def along(x):
            return f(*columns[:index], x, *columns[index + 1 :])

        return ds.jvp(along, (columns[index],), (np.ones(columns[index].shape),))[1]

    return derivative


def _reverse(f: Callable, index: int) -> Callable:
    import diffsci as ds

    return ds.grad(lambda *columns: np.sum(f(*columns)), argnums=index)


def _eager_and_compiled(f: Callable, name: str, columns: Columns) -> Iterator[tuple[str, np.ndarray]]:
    import diffsci as ds

    yield name, f(*columns)
    yield f"{name}, compiled", ds.jit(f)(*columns)


class Jax:
    """JAX with double precision."""

    title, package = "JAX", "jax"

    def __init__(self) -> None:
        self.jax = importlib.import_module("jax")
        self.jax.config.update("jax_enable_x64", True)

    def quantities(self, row: Function, columns: Columns) -> Iterator[np.ndarray]:
        """Yield value, first and second derivatives in the order of the row."""
        jax, jnp = self.jax, self.jax.numpy
        f = spelled(row.arguments, row.jax, jax=jax, jnp=jnp)
        yield np.asarray(f(*map(jnp.asarray, columns)))
        firsts = [jax.grad(lambda *a: f(*a).sum(), argnums=i) for i in range(row.arity)]
        for first in firsts:
            yield np.asarray(first(*columns))
        for i, j in row.pairs:
            yield np.asarray(jax.grad(lambda *a, first=firsts[i]: first(*a).sum(), argnums=j)(*columns))


class Torch:
    """PyTorch, eager."""

    title, package = "PyTorch", "torch"

    def __init__(self) -> None:
        self.torch = importlib.import_module("torch")

    def quantities(self, row: Function, columns: Columns) -> Iterator[np.ndarray]:
        """Yield value, first and second derivatives in the order of the row."""
        torch = self.torch
        arguments = [torch.tensor(column, requires_grad=True) for column in columns]
        value = spelled(row.arguments, row.torch, torch=torch)(*arguments)
        yield value.detach().numpy()
        firsts = torch.autograd.grad(value.sum(), arguments, create_graph=True, materialize_grads=True)
        for first in firsts:
            yield first.detach().numpy()
        for i, j in row.pairs:
            if not firsts[i].requires_grad:  # constant
                yield np.zeros(len(columns[0]))
                continue
            (second,) = torch.autograd.grad(
                firsts[i].sum(), arguments[j], retain_graph=True, materialize_grads=True
            )
            yield second.numpy()


class Autograd:
    """HIPS autograd."""

    title, package = "autograd", "autograd"

    def __init__(self) -> None:
        self.anp = importlib.import_module("autograd.numpy")
        self.aspecial = importlib.import_module("autograd.scipy.special")
        self.anorm = importlib.import_module("autograd.scipy.stats").norm
        self.grad = importlib.import_module("autograd").grad

    def quantities(self, row: Function, columns: Columns) -> Iterator[np.ndarray]:
        """Yield value, first and second derivatives in the order of the row."""
        anp, grad = self.anp, self.grad
        f = spelled(row.arguments, row.autograd, anp=anp, aspecial=self.aspecial, anorm=self.anorm)
        yield f(*columns)
        firsts = [grad(lambda *a: anp.sum(f(*a)), argnum=i) for i in range(row.arity)]
        for first in firsts:
            yield first(*columns)
        for i, j in row.pairs:
            yield grad(lambda *a, first=firsts[i]: anp.sum(first(*a)), argnum=j)(*columns)


PEERS = {"jax": Jax, "torch": Torch, "autograd": Autograd}
