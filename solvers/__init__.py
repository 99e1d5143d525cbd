"""solvers: time integration of NumPy models with exact derivatives, and studies from config files."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from solvers.ode import JumpWarning, OdeResult, solve_ivp

__all__ = ["JumpWarning", "OdeResult", "solve_ivp"]


def __getattr__(name: str) -> Any:
    """Import the solvers on first use: the command line answers before that."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from solvers import ode

    globals().update({known: getattr(ode, known) for known in __all__})
    return globals()[name]


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
