"""The code of a loop nest over a range of one of its loops (or of its blocks)."""

from __future__ import annotations

import itertools

from diffsci.backends.cpu.access import (
    load_scalar,
    load_scattered,
    load_wide,
    steps,
    store_scalar,
    store_wide,
)
from diffsci.backends.cpu.alignment import aligned_load, write_parts
from diffsci.backends.cpu.function import (
    LANES,
    MEMORY,
    Function,
    literal,
    scalar_type,
    vector_type,
)
from diffsci.backends.cpu.interleaved import Run, runs_of, store_interleaved
from diffsci.backends.cpu.operations import Operations, combine, horizontal
from diffsci.backends.cpu.pairs import Pair, pairs_of
from diffsci.backends.cpu.prefetching import foremost_loads, prefetch
from diffsci.backends.cpu.scope import Scope
from diffsci.backends.cpu.vectors import call_pair
from diffsci.backends.cpu.windows import Window, fill_window, lines_of, pick, windows_of
from diffsci.backends.plan.codes import code_of, identity_of
from diffsci.backends.plan.program import Buffer, Nest, Reduction, Store

__all__ = ["NestWriter"]


def _by_window(windows: list[Window], flat: list[str]) -> dict[Window, tuple[str, ...]]:
    """Give every window the vectors that it holds."""
    values = iter(flat)
    return {window: tuple(itertools.islice(values, window.depth)) for window in windows}


class NestWriter:
    """Writes one nest into a function of a range of its first loop, or of its blocks."""

    def __init__(self, module, nest: Nest, f: Function, vector: int | None):
        self.module, self.nest, self.f, self.vector = module, nest, f, vector
        self.body = nest.body
        self.ops = Operations(module, in_loop=True)
        self.levels = self._levels()
        self.streams = self._streams()
        self.widened = self._widened()
        self.pairs = pairs_of(self.body, self.levels, self._is_wide) if module.fused else {}
        self.windows = {} if vector is None else windows_of(nest, vector)
        self.aligned = None if vector is None else aligned_load(nest, vector, self.windows)
        if self.aligned is not None:
            self.windows = lines_of(nest, vector, self.aligned[1])
        self.runs = [] if vector is None else runs_of(nest, vector)
        joined = {id(store) for run in self.runs for store in run.stores}
        self.single = [store for store in nest.stores if id(store) not in joined]
        self.foremost = set() if vector is None else foremost_loads(nest, vector, self.windows)

    # ---- preparation ---------------------------------------------------------------------------

    def _levels(self) -> list[list[int]]:
        levels: list[list[int]] = [[] for _ in range(len(self.nest.extents) + 1)]
        for s in self.nest.live:
            levels[self.body.deps[s].bit_length()].append(s)
        return levels

    def _ends(self):
        return (*self.nest.stores, *(r for r in self.nest.reductions if not r.whole))

    def _streams(self) -> list[tuple]:
        streams = {}
        for s in self.nest.live:
            if self.body.ops[s] in ("load", "gather"):
                buffer, address = self.body.attrs[s][:2]
                streams[(buffer, address[1:])] = None
        for end in self._ends():
            streams[(end.buffer, end.address[1:])] = None
        return list(streams)

    def _is_wide(self, s: int) -> bool:
        return self.vector is not None and bool(self.body.deps[s] >> self.vector & 1)

    def _widened(self) -> set[int]:
        """Return the scalar statements that are needed as vectors."""
        found = set()
        if self.vector is None:
            return found
        for s in self.nest.live:
            if self._is_wide(s):
                found.update(arg for arg in self.body.args[s] if not self._is_wide(arg))
        for end in (*self.nest.stores, *self.nest.reductions):
            found.add(end.stmt)
            if isinstance(end, Reduction) and end.payload >= 0:
                found.add(end.payload)
        return {s for s in found if not self._is_wide(s)}

    # ---- the function --------------------------------------------------------------------------

    def enter(self) -> Scope:
        """Write what lies outside of all loops."""
        f, nest = self.f, self.nest
        scope = Scope()
        for buffer, coefs in self.streams:
            if (buffer, ()) not in scope.pointers:
                scope.pointers[(buffer, ())] = self.module.base(f, buffer)
            scope.pointers[(buffer, coefs)] = scope.pointers[(buffer, ())]
        for r in nest.reductions:
            if r.whole and (r.buffer, ()) not in scope.pointers:
                scope.pointers[(r.buffer, ())] = self.module.base(f, r.buffer)
        self._statements(0, scope)
        return scope

    def iteration(self, counter: str, scope: Scope) -> None:
        """Write one iteration of the first loop of a nest that only stores."""
        self._pass(0, counter, scope.inner(), [], {})

    def write(self) -> str:
        """Write the nest over the range of its range loop, or of its blocks."""
        f, nest, scope = self.f, self.nest, self.enter()
        if not nest.extents:
            for store in nest.stores:
                self._store(store, scope)
        elif any(r.whole for r in nest.reductions):
            f.loop("%low", "%high", 1, [], lambda b, _: self._block(b, scope))
        else:
            sums = self._loop(0, *self._bounds(0, scope))
            for r in nest.reductions:
                if r.loops & 1 and not r.scan:
                    self._finish(r, sums[id(r)], scope)
        return f.finish()

    def _block(self, b: str, scope: Scope) -> list[str]:
        """Write one block of the first loop with its own partial results."""
        f, nest = self.f, self.nest
        if nest.blocks == 1:
            sums = self._loop(0, "0", str(nest.extents[0]), scope.inner(), nest.extents[0])
        else:
            low = f.set(f"mul i64 {b}, {nest.block_size}")
            top = f.set(f"add i64 {low}, {nest.block_size}")
            over = f.set(f"icmp sgt i64 {top}, {nest.extents[0]}")
            high = f.set(f"select i1 {over}, i64 {nest.extents[0]}, i64 {top}")
            sums = self._loop(0, low, high, scope.inner(), None)
        for r in nest.reductions:
            if r.whole:
                code = self._code(r)
                value = horizontal(self.ops, f, r.op, code, sums[id(r)]) if self._wide_nest else sums[id(r)]
                base = scope.pointers[(r.buffer, ())]
                place = f.set(f"add i64 {b}, {r.address[0]}")
                pointer = f.set(f"getelementptr {MEMORY[code]}, ptr {base}, i64 {place}")
                store_scalar(self.f, code, value, pointer)
        return []

    @property
    def _wide_nest(self) -> bool:
        return self.vector is not None

    def _code(self, r: Reduction) -> str:
        return self.body.codes[r.stmt]

    def _bounds(self, d: int, scope: Scope) -> tuple[str, str, Scope, int | None]:
        """Return the range of loop `d`, and its length where it is known."""
        if d == self.nest.range_loop and self.nest.blocks == 1:
            return "%low", "%high", scope, None
        n = self.nest.extents[d]
        return "0", str(n), scope, n

    # ---- loops ---------------------------------------------------------------------------------

    def _loop(self, d: int, low: str, high: str, scope: Scope, n: int | None) -> dict[int, str]:
        """Write loop `d` and return the values accumulated in it, by reduction.

        `n` is the number of iterations where it is known.
        """
        active = [r for r in self.nest.reductions if r.loops >> d & 1]
        first = {id(r): self._start(r) for r in active}
        if d != self.vector:
            runs = n is not None and n > 0
            return self._range(d, low, high, 1, scope, active, first, None, runs)
        f = self.f
        if n is not None and self.aligned is not None:
            self._aligned_parts(d, n, scope)
            return {}
        if n is not None:
            whole = n // LANES * LANES
            if whole:
                if whole > LANES:
                    self._fill_windows(low, scope)
                first = self._range(d, low, str(whole), LANES, scope, active, first, None, True)
            if n % LANES:
                mask = (
                    "<" + ", ".join(f"i1 {'true' if i < n % LANES else 'false'}" for i in range(LANES)) + ">"
                )
                first = self._pass(d, str(whole), scope.inner(mask, n % LANES), active, first)
            return first
        count = f.set(f"sub i64 {high}, {low}")
        whole = f.set(f"and i64 {count}, {-LANES}")
        middle = f.set(f"add i64 {low}, {whole}")
        self._fill_windows(low, scope)
        first = self._range(d, low, middle, LANES, scope, active, first, None, False)
        rest = f.set(f"icmp slt i64 {middle}, {high}")
        carried = [(kind, value) for r in active for kind, value in self._parts(r, first[id(r)])]

        def tail() -> list[str]:
            left = f.set(f"sub i64 {high}, {middle}")
            lanes = "<" + ", ".join(f"i64 {i}" for i in range(LANES)) + ">"
            mask = f.set(f"icmp slt <{LANES} x i64> {lanes}, {f.splat(left, 'i8')}")
            after = self._pass(d, middle, scope.inner(mask, None), active, first)
            return [value for r in active for _, value in self._parts(r, after[id(r)])]

        return self._rejoin(active, f.when(rest, carried, tail))

    def _aligned_parts(self, d: int, n: int, scope: Scope) -> None:
        def part(low: str, high: str) -> None:
            inner = scope.inner()
            self._fill_windows(low, inner)
            self._range(d, low, high, LANES, inner, [], {}, None, False)

        buffer, address = self.aligned
        write_parts(self.f, self._pointer(buffer, address, scope), buffer.dtype.itemsize, n, part)

    def _parts(self, r: Reduction, value) -> list[tuple[str, str]]:
        """Return the (type, value) pairs of an accumulator: argmax carries a value and a place."""
        wide = self._wide_nest
        kind = vector_type(self._code(r)) if wide else scalar_type(self._code(r))
        if r.payload < 0:
            return [(kind, value)]
        place = vector_type("i8") if wide else "i64"
        return [(kind, value[0]), (place, value[1])]

    @staticmethod
    def _rejoin(active: list[Reduction], flat: list[str]) -> dict:
        values = iter(flat)
        return {id(r): next(values) if r.payload < 0 else (next(values), next(values)) for r in active}

    def _range(self, d, low, high, step, scope, active, first, mask, runs) -> dict:
        held = list(scope.held) if d == self.vector else []
        carried = [(vector_type(window.code), x) for window in held for x in scope.held[window]]
        count = len(carried)
        carried += [part for r in active for part in self._parts(r, first[id(r)])]

        def body(counter: str, flat: list[str]) -> list[str]:
            inner = scope.inner(mask)
            inner.held.update(_by_window(held, flat))
            after = self._pass(d, counter, inner, active, self._rejoin(active, flat[count:]))
            loaded = [x for w in held for x in (inner.loaded[w], *inner.held[w][:-1])]
            return loaded + [value for r in active for _, value in self._parts(r, after[id(r)])]

        flat = self.f.loop(low, high, step, carried, body, runs)
        scope.held.update(_by_window(held, flat))
        return self._rejoin(active, flat[count:])

    def _fill_windows(self, low: str, scope: Scope) -> None:
        """Load what lies before the first vector of every window."""
        for window in dict.fromkeys(self.windows.values()):
            scope.held[window] = fill_window(self.module, self.f, window, scope.pointers, low)

    def _from_window(self, s: int, window: Window, scope: Scope) -> str:
        """Return a load of a window: lanes of the last vectors and of this one."""
        code, address = self.body.codes[s], self.body.attrs[s][1]
        if window not in scope.loaded:
            last = (window.last, *address[1:])
            scope.loaded[window] = self._load(code, window.buffer, last, scope, True)
        return pick(self.f, window, address[0], (scope.loaded[window], *scope.held[window]))

    def _pass(self, d: int, counter: str, scope: Scope, active: list[Reduction], sums: dict) -> dict:
        """Write one iteration of loop `d`; returns the accumulators behind it."""
        scope.counters.append(counter)
        for buffer, coefs in self.streams:
            if coefs[d]:
                code = code_of(buffer.dtype)
                step = counter if coefs[d] == 1 else self.f.set(f"mul i64 {counter}, {coefs[d]}")
                base = scope.pointers[(buffer, coefs)]
                scope.pointers[(buffer, coefs)] = self.f.set(
                    f"getelementptr {MEMORY[code]}, ptr {base}, i64 {step}"
                )
        self._statements(d + 1, scope)
        last = d + 1 == len(self.nest.extents)
        inner = {} if last else self._loop(d + 1, *self._bounds(d + 1, scope))
        if last:
            for run in self.runs:
                self._store_run(run, scope)
            for store in self.single:
                self._store(store, scope)
        else:
            for r in self.nest.reductions:
                if r.loops >> (d + 1) & 1 and not r.loops >> d & 1 and not r.scan:
                    self._finish(r, inner[id(r)], scope)
        return {id(r): self._advance(r, d, sums[id(r)], inner.get(id(r)), scope) for r in active}

    # ---- accumulators --------------------------------------------------------------------------

    def _start(self, r: Reduction):
        code, wide = self._code(r), self._wide_nest
        op = {"argmax": "max", "argmin": "min"}.get(r.op, r.op)
        value = self._constant(identity_of(op, code), code, wide)
        return value if r.payload < 0 else (value, self._constant(0, "i8", wide))

    @staticmethod
    def _constant(value, code: str, wide: bool) -> str:
        text = literal(value, code)
        return "<" + ", ".join([f"{scalar_type(code)} {text}"] * LANES) + ">" if wide else text

    def _advance(self, r: Reduction, d: int, before, inner, scope: Scope):
        wide, code = self._wide_nest, self._code(r)
        if r.payload >= 0:
            return self._advance_place(r, before, scope)
        value = self._value(r.stmt, scope) if inner is None else inner
        if d == self.vector and scope.mask is not None:
            neutral = self._constant(identity_of(r.op, code), code, True)
            kind = vector_type(code)
            value = self.f.set(f"select {vector_type('b1')} {scope.mask}, {kind} {value}, {kind} {neutral}")
            after = combine(self.ops, self.f, r.op, code, before, value, wide)
        elif inner is None and r.op == "sum" and self.body.is_loose(r.stmt) and self._is_wide(r.stmt) == wide:
            factors = [self._value(arg, scope) for arg in self.body.args[r.stmt]]
            after = self.ops.write(self.f, "muladd", code, (code,) * 3, [*factors, before], wide)
        else:
            after = combine(self.ops, self.f, r.op, code, before, value, wide)
        if r.scan:
            self._write_out(r, after, scope)
        return after

    def _advance_place(self, r: Reduction, before, scope: Scope):
        best, where = before
        code, wide = self._code(r), self._wide_nest
        value, place = self._value(r.stmt, scope), self._value(r.payload, scope)

        def op(name, result, codes, *args):
            return self.ops.write(self.f, name, result, codes, list(args), wide)

        wins = op("gt" if r.op == "argmax" else "lt", "b1", (code, code), value, best)
        if code in ("f8", "f4"):
            settled = op("logical_not", "b1", ("b1",), op("isnan", "b1", (code,), best))
            nan = op("isnan", "b1", (code,), value)
            wins = op(
                "logical_and", "b1", ("b1", "b1"), settled, op("logical_or", "b1", ("b1", "b1"), nan, wins)
            )
        best = op("select", code, ("b1", code, code), wins, value, best)
        return best, op("select", "i8", ("b1", "i8", "i8"), wins, place, where)

    def _finish(self, r: Reduction, value, scope: Scope) -> None:
        """Write the result of a partial reduction behind its loops."""
        if r.payload >= 0:
            value = value[1]
        self._write_out(r, value, scope)

    def _write_out(self, r: Reduction, value: str, scope: Scope) -> None:
        code = "i8" if r.payload >= 0 else self._code(r)
        pointer = self._pointer(r.buffer, r.address, scope)
        across = self.vector is not None and not r.loops >> self.vector & 1
        if not across:
            if self._wide_nest:
                value = horizontal(self.ops, self.f, r.op, code, value)
            if r.accumulate:
                old = load_scalar(self.f, code, pointer)
                value = combine(self.ops, self.f, r.op, code, old, value, False)
            store_scalar(self.f, code, value, pointer)
            return
        stride = r.address[self.vector + 1]
        if r.accumulate:
            old = load_wide(self.module, self.f, code, pointer, stride, scope.mask)
            value = combine(self.ops, self.f, r.op, code, old, value, True)
        store_wide(self.module, self.f, code, value, pointer, stride, scope.mask)

    # ---- statements ----------------------------------------------------------------------------

    def _statements(self, level: int, scope: Scope) -> None:
        for s in self.levels[level]:
            if s in self.pairs:
                if s not in scope.vectors:
                    self._both(self.pairs[s], scope)
            elif self._is_wide(s):
                scope.vectors[s] = self._statement(s, scope, True)
            else:
                scope.scalars[s] = self._statement(s, scope, False)
                if s in self.widened:
                    scope.vectors[s] = self._widen(s, scope)

    def _both(self, pair: Pair, scope: Scope) -> None:
        code, arg = self.body.codes[pair.first], scope.vectors[self.body.args[pair.first][0]]
        values = call_pair(self.module, self.f, pair.names, code, arg)
        scope.vectors[pair.first], scope.vectors[pair.second] = values

    def _widen(self, s: int, scope: Scope) -> str:
        code = self.body.codes[s]
        if self.body.ops[s] == "lit":
            return self._constant(self.body.value_of(s), code, True)
        return self.f.splat(scope.scalars[s], code)

    def _value(self, s: int, scope: Scope) -> str:
        return (scope.vectors if self._wide_nest else scope.scalars)[s]

    def _statement(self, s: int, scope: Scope, wide: bool) -> str:
        body = self.body
        op, code, attr = body.ops[s], body.codes[s], body.attrs[s]
        if op == "lit":
            return literal(body.value_of(s), code)
        if op == "load":
            window = self.windows.get(s)
            if window is not None and window in scope.held:
                return self._from_window(s, window, scope)
            return self._load(code, attr[0], attr[1], scope, wide)
        if op == "gather":
            return self._gather(s, scope, wide)
        if op == "iota":
            return self._iota(attr, scope, wide)
        args = [(scope.vectors if wide else scope.scalars)[arg] for arg in body.args[s]]
        codes = tuple(body.codes[arg] for arg in body.args[s])
        return self.ops.write(self.f, op, code, codes, args, wide)

    def _pointer(self, buffer: Buffer, address: tuple[int, ...], scope: Scope) -> str:
        base = scope.pointers[(buffer, address[1:])]
        if not address[0]:
            return base
        return self.f.set(f"getelementptr {MEMORY[code_of(buffer.dtype)]}, ptr {base}, i64 {address[0]}")

    def _load(self, code: str, buffer: Buffer, address, scope: Scope, wide: bool) -> str:
        pointer = self._pointer(buffer, address, scope)
        if not wide:
            return load_scalar(self.f, code, pointer)
        if scope.mask is None and (buffer, address) in self.foremost:
            prefetch(self.module, self.f, pointer)
        return load_wide(self.module, self.f, code, pointer, address[self.vector + 1], scope.mask)

    def _gather(self, s: int, scope: Scope, wide: bool) -> str:
        buffer, address, stride = self.body.attrs[s]
        index, code = self.body.args[s][0], self.body.codes[s]
        pointer = self._pointer(buffer, address, scope)
        element = MEMORY[code]
        if not wide or not self._is_wide(index):
            offset = self.f.set(f"mul i64 {scope.scalars[index]}, {stride}")
            pointer = self.f.set(f"getelementptr {element}, ptr {pointer}, i64 {offset}")
            if not wide:
                return load_scalar(self.f, code, pointer)
            return load_wide(self.module, self.f, code, pointer, address[self.vector + 1], scope.mask)
        kind = vector_type("i8")
        offsets = self.f.set(f"mul {kind} {scope.vectors[index]}, {self._constant(stride, 'i8', True)}")
        along = address[self.vector + 1]
        if along:
            offsets = self.f.set(f"add {kind} {offsets}, {steps(along)}")
        return load_scattered(self.module, self.f, code, pointer, offsets, scope.mask)

    def _iota(self, e: tuple[int, ...], scope: Scope, wide: bool) -> str:
        total = str(e[0])
        for counter, term in zip(scope.counters, e[1:], strict=False):
            if term:
                total = self.f.set(f"add i64 {total}, {self.f.set(f'mul i64 {counter}, {term}')}")
        if not wide:
            return total if total.startswith("%") else self.f.set(f"add i64 {total}, 0")
        return self.f.set(f"add {vector_type('i8')} {self.f.splat(total, 'i8')}, {steps(e[self.vector + 1])}")

    # ---- memory --------------------------------------------------------------------------------

    def _store_run(self, run: Run, scope: Scope) -> None:
        first = run.stores[0]
        pointer = self._pointer(first.buffer, first.address, scope)
        values = [self._value(store.stmt, scope) for store in run.stores]
        lanes = scope.mask if scope.lanes is None else scope.lanes
        code = code_of(first.buffer.dtype)
        store_interleaved(self.module, self.f, code, values, pointer, run.stride, lanes)

    def _store(self, store: Store, scope: Scope) -> None:
        code = code_of(store.buffer.dtype)
        pointer = self._pointer(store.buffer, store.address, scope)
        if store.index >= 0:
            offset = self.f.set(f"mul i64 {scope.scalars[store.index]}, {store.stride}")
            pointer = self.f.set(f"getelementptr {MEMORY[code]}, ptr {pointer}, i64 {offset}")
        value = self._value(store.stmt, scope)
        if not self._wide_nest:
            if store.mode == "add":
                value = combine(
                    self.ops, self.f, "sum", code, load_scalar(self.f, code, pointer), value, False
                )
            store_scalar(self.f, code, value, pointer)
        else:
            store_wide(self.module, self.f, code, value, pointer, store.address[self.vector + 1], scope.mask)
