"""Functions that programs call: their names, and where they are."""

from __future__ import annotations

from diffsci.backends.callbacks import trampoline_address
from diffsci.backends.cpu.threads import PARALLEL
from diffsci.native.addresses import library_address

__all__ = ["CALLBACK", "address", "function_parts", "function_symbol"]

CALLBACK = "diffsci_callback"

_FUNCTION = "diffsci_function_"


def address(name: str) -> int:
    """Return the address of a function of ours, which may be compiled first, or of a library."""
    if name == CALLBACK:
        return trampoline_address()
    if name == PARALLEL:
        from diffsci.backends.cpu.pool import parallel_address

        return parallel_address()
    if name.startswith(_FUNCTION):
        from diffsci.backends.cpu.function_library import elementary_function

        return elementary_function(name).address
    return library_address(name)


def function_symbol(op: str, code: str, count: int, wide: bool) -> str:
    """Return our name for a function of so many operands of a dtype code, vectors (wide) or numbers."""
    return f"{_FUNCTION}{'wide' if wide else 'one'}_{code}_{count}_{op}"


def function_parts(name: str) -> tuple[str, str, int, bool]:
    """Return what `function_symbol` made a name of."""
    width, code, count, op = name.removeprefix(_FUNCTION).split("_", 3)
    return op, code, int(count), width == "wide"
