"""Elementary functions: one fused pass with its gradient beside peers, and the cost of each function."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import scipy.special

from benchmarks.report import Table
from benchmarks.timing import interleaved

LARGE = 1_000_000
SMALL = 16_384  # 128 KiB in and out: the functions are measured, not the memory
TOLERANCE = 1e-14


def objective(x):
    """The sum of all contestants."""
    return np.sum(np.sin(x) * np.exp(-x) + np.sqrt(x) * x**2)


def slope(x):
    """Its gradient by hand."""
    return (np.cos(x) - np.sin(x)) * np.exp(-x) + 2.5 * x * np.sqrt(x)


def with_diffsci() -> Callable:
    """Ours."""
    import diffsci as ds

    return ds.jit(ds.value_and_grad(objective))


def with_jax() -> Callable:
    """JAX, on an array of its own."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    compiled = jax.jit(jax.value_and_grad(lambda x: jnp.sum(jnp.sin(x) * jnp.exp(-x) + jnp.sqrt(x) * x**2)))
    held: dict[int, object] = {}

    def run(x):
        if id(x) not in held:
            held[id(x)] = jnp.asarray(x)
        return jax.block_until_ready(compiled(held[id(x)]))

    return run


def with_torch() -> Callable:
    """PyTorch, eager, as most of its users run it."""
    import torch

    def run(x):
        leaf = torch.from_numpy(x).requires_grad_()
        value = (torch.sin(leaf) * torch.exp(-leaf) + torch.sqrt(leaf) * leaf**2).sum()
        value.backward()
        return value.item(), leaf.grad.numpy()

    return run


def with_pytensor() -> Callable:
    """PyTensor in its default mode."""
    import pytensor
    import pytensor.tensor as pt

    x = pt.dvector("x")
    value = pt.sum(pt.sin(x) * pt.exp(-x) + pt.sqrt(x) * x**2)
    return pytensor.function([x], [value, pytensor.grad(value, x)])


def with_autograd() -> Callable:
    """HIPS autograd."""
    import autograd.numpy as anp
    from autograd import value_and_grad

    return value_and_grad(lambda x: anp.sum(anp.sin(x) * anp.exp(-x) + anp.sqrt(x) * x**2))


CONTESTANTS = {
    "diffsci": with_diffsci,
    "JAX": with_jax,
    "PyTorch": with_torch,
    "PyTensor": with_pytensor,
    "autograd": with_autograd,
}

# name: (function, lowest and highest argument, most nanoseconds per element)
FUNCTIONS: dict[str, tuple[Callable, float, float, float]] = {
    "sqrt": (np.sqrt, 0.1, 9.0, 1.5),
    "reciprocal sqrt": (lambda x: 1 / np.sqrt(x), 0.1, 9.0, 1.5),
    "exp": (np.exp, -9.0, 9.0, 1.5),
    "log": (np.log, 0.01, 99.0, 1.5),
    "sin": (np.sin, -9.0, 9.0, 1.5),
    "cos": (np.cos, -9.0, 9.0, 1.5),
    "exp2": (np.exp2, -9.0, 9.0, 3),
    "expm1": (np.expm1, -2.0, 2.0, 3),
    "log1p": (np.log1p, -0.9, 9.0, 3),
    "log2": (np.log2, 0.01, 99.0, 3),
    "log10": (np.log10, 0.01, 99.0, 3),
    "tan": (np.tan, -9.0, 9.0, 3),
    "arcsin": (np.arcsin, -1.0, 1.0, 3),
    "arccos": (np.arccos, -1.0, 1.0, 3),
    "arctan": (np.arctan, -9.0, 9.0, 3),
    "arctan2": (lambda x: np.arctan2(x, 1.5 - x), -9.0, 9.0, 3),
    "sinh": (np.sinh, -9.0, 9.0, 3),
    "cosh": (np.cosh, -9.0, 9.0, 3),
    "tanh": (np.tanh, -3.0, 3.0, 3),
    "arcsinh": (np.arcsinh, -9.0, 9.0, 3),
    "arccosh": (np.arccosh, 1.0, 9.0, 3),
    "arctanh": (np.arctanh, -0.99, 0.99, 3),
    "cbrt": (np.cbrt, -9.0, 9.0, 3),
    "hypot": (lambda x: np.hypot(x, 1.5 - x), -9.0, 9.0, 3),
    "sigmoid": (scipy.special.expit, -9.0, 9.0, 3),
    "softplus": (lambda x: np.logaddexp(0.0, x), -9.0, 9.0, 3),
    "pow": (lambda x: x**2.3, 0.01, 9.0, 5),
    "erf": (scipy.special.erf, -3.0, 3.0, 5),
    "erfc": (scipy.special.erfc, -3.0, 9.0, 5),
    "gammaln": (scipy.special.gammaln, 0.01, 99.0, 10),
    "digamma": (scipy.special.psi, 0.01, 99.0, 10),
}


def measure(threads: int) -> Table:
    """Time the fused gradient beside the peers, then every function on one thread."""
    table = Table("elementwise", f"Elementary functions, float64: one pass on {threads} threads, each on one")
    _fused(table)
    _alone(table)
    return table


def _fused(table: Table) -> None:
    x = np.random.default_rng(0).uniform(0.1, 3.0, LARGE)
    expected = slope(x)
    runs: dict[str, Callable] = {}
    for name, make in CONTESTANTS.items():
        try:
            runs[name] = make()
        except ImportError:
            table.missing(name)
            continue
        error = np.max(np.abs(np.asarray(runs[name](x)[1]) / expected - 1))
        if error > 1e3 * TOLERANCE:
            raise RuntimeError(f"{name} returns a wrong gradient (error {error:.1e})")
    seconds = interleaved({name: (lambda f=f: f(x)) for name, f in runs.items()}, repeats=21)
    for name, median in seconds.items():
        table.add(f"value and gradient, {LARGE:.0e} elements: {name}", median)
    for name in runs:
        if name != "diffsci":
            target = 0.12 if name == "JAX" else None
            table.add(f"diffsci / {name}", seconds["diffsci"] / seconds[name], "", target=target)


def _alone(table: Table) -> None:
    import diffsci as ds

    before = ds.get_num_threads()
    ds.set_num_threads(1)
    try:
        for name, (function, low, high, target) in FUNCTIONS.items():
            double = np.random.default_rng(1).uniform(low, high, SMALL)
            single = double.astype(np.float32)
            compiled = ds.jit(function)
            seconds = interleaved(
                {
                    "double": lambda f=compiled, x=double: f(x),
                    "single": lambda f=compiled, x=single: f(x),
                    "NumPy": lambda f=function, x=double: f(x),
                },
                repeats=9,
                sample=0.004,
            )
            each = {which: s / SMALL * 1e9 for which, s in seconds.items()}
            note = f"float32 {each['single']:.2f} ns; NumPy or SciPy {each['NumPy']:.2f} ns"
            table.add(f"{name}, one element", each["double"], "ns", target=target, note=note)
    finally:
        ds.set_num_threads(before)
