"""What one call costs: the compiled gradient of a 10-element sum, where almost all the time is getting in and
out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from benchmarks.report import Table
from benchmarks.timing import interleaved

X = np.linspace(0.1, 1.0, 10)


def objective(x):
    """The function of all contestants; its gradient is ``cos(x)``."""
    return np.sum(np.sin(x))


def diffsci_gradient() -> Callable:
    """Ours."""
    import diffsci as ds

    return ds.jit(ds.grad(objective))


def jax_gradient() -> Callable:
    """JAX, called with a NumPy array as a user would."""
    import jax

    jax.config.update("jax_enable_x64", True)
    import jax.numpy as jnp

    compiled = jax.jit(jax.grad(lambda x: jnp.sum(jnp.sin(x))))
    return lambda x: jax.block_until_ready(compiled(x))


def autograd_gradient() -> Callable:
    """HIPS autograd: interpreted, for scale."""
    import autograd.numpy as anp
    from autograd import grad

    return grad(lambda x: anp.sum(anp.sin(x)))


def casadi_gradient() -> Callable:
    """CasADi's virtual machine."""
    import casadi

    x = casadi.SX.sym("x", 10)
    function = casadi.Function("gradient", [x], [casadi.gradient(casadi.sum1(casadi.sin(x)), x)])
    return lambda value: np.asarray(function(value)).ravel()


CONTESTANTS = {
    "diffsci": diffsci_gradient,
    "JAX": jax_gradient,
    "CasADi": casadi_gradient,
    "autograd": autograd_gradient,
}


def measure(threads: int) -> Table:
    """Time one call of every contestant's gradient."""
    table = Table("overhead", "Call overhead: gradient of a 10-element sum, compiled")
    functions: dict[str, Callable] = {}
    for name, make in CONTESTANTS.items():
        try:
            functions[name] = make()
        except ImportError:
            table.missing(name)
            continue
        error = float(np.max(np.abs(np.asarray(functions[name](X)) - np.cos(X))))
        if error > 1e-14:
            raise RuntimeError(f"{name} returns a wrong gradient (error {error:.1e})")
    seconds = interleaved({name: (lambda f=f: f(X)) for name, f in functions.items()}, repeats=21)
    idle = interleaved({"nothing": lambda: None}, repeats=5)["nothing"]
    for name, median in seconds.items():
        table.add(name, median, target=2e-6 if name == "diffsci" else None)
        if name != "diffsci":
            table.add(f"diffsci / {name}", seconds["diffsci"] / median, "")
    table.add("(the harness's own share of each)", idle)
    return table
