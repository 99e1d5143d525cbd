"""Straight-line statements as LLVM text."""

from __future__ import annotations

from diffsci.backends.cpu.access import load_scalar, store_scalar, store_wide
from diffsci.backends.cpu.function import LANES, MEMORY, Function, literal
from diffsci.backends.cpu.operations import Operations
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import Buffer, Store, Straight

__all__ = ["StraightBlock"]


class StraightBlock:
    """Straight-line statements inside a function."""

    def __init__(self, module, block: Straight, f: Function):
        self.module, self.block, self.f = module, block, f
        self.ops = Operations(module)
        self.values: dict[int, str] = {}
        self.bases: dict[Buffer, str] = {}

    def write(self) -> None:
        """Write the block."""
        block, codes = self.block, self.block.body.codes
        for s, place in block.restored.items():
            self.values[s] = load_scalar(self.f, codes[s], self._pointer(block.spill, place, "f8"))
        for s in block.again:
            self.values[s] = self._statement(s)
        stores: dict[int, list[Store]] = {}
        for store in block.stores:
            stores.setdefault(store.stmt, []).append(store)
        for s in list(self.values):
            self._store(s, stores.pop(s, []))
        for s in block.live:
            self.values[s] = self._statement(s)
            self._store(s, stores.pop(s, []))
            if s in block.saved:
                store_scalar(
                    self.f, codes[s], self.values[s], self._pointer(block.spill, block.saved[s], "f8")
                )

    def _store(self, s: int, stores: list[Store]) -> None:
        """Write one value to its places: as vectors where they are neighbors."""
        wide: dict[str, str] = {}  # the value in every lane, made once
        for buffer, place, length in _runs(stores):
            code, value = code_of(buffer.dtype), self.values[s]
            if length == LANES and code not in wide:
                wide[code] = self.f.splat(value, code)
            pointer = self._pointer(buffer, place, code)
            if length == LANES:
                store_wide(self.module, self.f, code, wide[code], pointer, 1, None)
            else:
                store_scalar(self.f, code, value, pointer)

    def _pointer(self, buffer: Buffer, element: int, code: str) -> str:
        base = self.bases.get(buffer)
        if base is None:
            base = self.bases[buffer] = self.module.base(self.f, buffer)
        return self.f.set(f"getelementptr {MEMORY[code]}, ptr {base}, i64 {element}") if element else base

    def _statement(self, s: int) -> str:
        body = self.block.body
        op, code = body.ops[s], body.codes[s]
        if op == "lit":
            return literal(body.value_of(s), code)
        if op == "load":
            buffer, address = body.attrs[s]
            return load_scalar(self.f, code, self._pointer(buffer, address[0], code))
        codes = tuple(body.codes[arg] for arg in body.args[s])
        args = [self.values[arg] for arg in body.args[s]]
        return self.ops.write(self.f, op, code, codes, args, False)


def _runs(stores: list[Store]) -> list[tuple[Buffer, int, int]]:
    """Return where one value goes: buffer, first element and length, which is 1 or a vector's.

    Code generation takes time that grows with the square of the number of stores of one value.
    """
    places: dict[Buffer, set[int]] = {}
    for store in stores:
        places.setdefault(store.buffer, set()).add(store.address[0])
    found: list[tuple[Buffer, int, int]] = []
    for buffer, inside in places.items():
        elements = sorted(inside)
        k = 0
        while k < len(elements):
            run = elements[k : k + LANES]
            length = LANES if len(run) == LANES and run[-1] - run[0] == LANES - 1 else 1
            found.append((buffer, elements[k], length))
            k += length
    return found
