"""Functions of loop nests: of one, and of several that share the first loop and take turns in it."""

from __future__ import annotations

from diffsci.backends.cpu.function import Function
from diffsci.backends.cpu.nests import NestWriter
from diffsci.backends.cpu.vectorized import vector_loop
from diffsci.backends.plan.program import Nest

__all__ = ["write_nest", "write_rows"]


def write_nest(module, nest: Nest, name: str) -> str:
    """Return the text of ``void name(ptr slots, i64 low, i64 high)``."""
    return NestWriter(module, nest, _function(name), vector_loop(nest)).write()


def write_rows(module, nests: list[Nest], name: str) -> str:
    """Return the text of ``void name(ptr slots, i64 low, i64 high)`` for nests that share the first loop."""
    f = _function(name)
    vectors = [vector_loop(nest) for nest in nests]
    writers = [
        NestWriter(module, nest, f, loop if loop else None) for nest, loop in zip(nests, vectors, strict=True)
    ]
    scopes = [writer.enter() for writer in writers]

    def row(counter: str, _) -> list[str]:
        for writer, scope in zip(writers, scopes, strict=True):
            writer.iteration(counter, scope)
        return []

    f.loop("%low", "%high", 1, [], row)
    return f.finish()


def _function(name: str) -> Function:
    return Function(f"internal void {name}(ptr %slots, i64 %low, i64 %high)")
