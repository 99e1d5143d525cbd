"""The loop itself in native code: it takes steps forward and backward as a list of actions says.

The driver knows programs by address only. Before a call some of the slots of a program are pointed
elsewhere: a *move* says where, relative to the working state or to the adjoint, or row k of an array.
States are passed on by address, never copied, except where a state that lies elsewhere is stored.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable

from diffsci.backends.cpu.function import Function
from diffsci.native.stored import NativeFunction, native_function

__all__ = ["BACK", "DONE", "FAILED", "KEEP", "RUNNING", "STOPPED", "drive"]

# Actions beside those of `diffsci.schedules`: take steps a..b, leaving all states behind; and back again.
FORWARD, STORE, LOAD, REVERSE, DISCARD, KEEP, BACK = range(7)

# What the driver returns.
DONE, RUNNING, FAILED, STOPPED = range(4)

# Words of its table. The bases of moves follow each other: 0, state, next state, adjoint, next adjoint.
(
    POSITION, COUNT, ACTIONS, SUBSTEP, BUDGET, STATUS, ZERO, STATE, NEXT, ADJOINT, NEXT_ADJOINT,
    FIRST_BLOCK, SECOND_BLOCK, SLOTS, KEPT, STATE_BYTES, STEP, PREDICATE, FLAG, BACKWARD, CALLED, CALLED_STEP,
    N_WORDS,
) = range(23)  # fmt: skip

# Words of the record of a program: its address, its slots, its moves and where it reads the step's number.
R_ADDRESS, R_SLOTS, R_MOVES, R_COUNT, R_INDEX, N_RECORD = range(6)
MOVE_WORDS = 4  # slot, base, offset, stride


@functools.cache
def drive() -> Callable[[int], int]:
    """Return the native function ``int64 drive(int64 *table)``; it releases the interpreter's lock."""
    function = _loaded()
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(function.address)


@functools.cache
def _loaded() -> NativeFunction:
    text = _text()
    return native_function(text, lambda: (text, "drive"))


def _text() -> str:
    declared = "declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)"
    return "\n\n".join([declared, _write_call(), _write_drive()])


class _Table:
    """Reads and writes the words at a pointer."""

    def __init__(self, f: Function, pointer: str):
        self.f, self.pointer = f, pointer

    def place(self, index) -> str:
        return self.f.set(f"getelementptr i64, ptr {self.pointer}, i64 {index}")

    def __getitem__(self, index) -> str:
        return self.f.set(f"load i64, ptr {self.place(index)}")

    def __setitem__(self, index, value) -> None:
        self.f.do(f"store i64 {value}, ptr {self.place(index)}")


def _pointer(f: Function, word: str) -> str:
    return f.set(f"inttoptr i64 {word} to ptr")


def _write_call() -> str:
    """``call_at(words, record, k)``: make the moves for step k and run the program."""
    f = Function("internal i64 @call_at(ptr %words, ptr %record, i64 %k)")
    record = _Table(f, "%record")
    _Table(f, _pointer(f, record[R_INDEX]))[0] = "%k"
    slots = _pointer(f, record[R_SLOTS])
    moves = _pointer(f, record[R_MOVES])

    def move(j: str, _: list[str]) -> list[str]:
        first = f.set(f"mul i64 {j}, {MOVE_WORDS}")
        row = _Table(f, f.set(f"getelementptr i64, ptr {moves}, i64 {first}"))
        base = _Table(f, "%words")[f.set(f"add i64 {row[1]}, {ZERO}")]
        shift = f.set(f"mul i64 {row[3]}, %k")
        where = f.set(f"add i64 {f.set(f'add i64 {base}, {row[2]}')}, {shift}")
        _Table(f, slots)[row[0]] = where
        return []

    f.loop("0", record[R_COUNT], 1, [], move)
    address = _pointer(f, record[R_ADDRESS])
    return f.finish(f"ret i64 {f.set(f'call i64 {address}(ptr {slots})')}")


class _Drive:
    """Writes the driver: a machine whose registers are the words of its table."""

    def __init__(self) -> None:
        self.f = Function("i64 @drive(ptr %words)")
        self.words = _Table(self.f, "%words")

    def write(self) -> str:
        f, words = self.f, self.words
        labels = ["forward", "store", "load", "reverse", "following", "keep", "back"]
        f.jump("fetch")
        f.start("fetch")
        position = words[POSITION]
        more = f.set(f"icmp slt i64 {position}, {words[COUNT]}")
        f.branch(more, "dispatch", "done")
        f.start("dispatch")
        code, a, b = self._action(position)
        cases = " ".join(f"i64 {k}, label %{label}" for k, label in enumerate(labels))
        f.do(f"switch i64 {code}, label %following [ {cases} ]")
        self._forward(position, a, b)
        self._store(b)
        self._load(b)
        self._reverse(a)
        self._keep(a, b)
        self._back(a, b)
        f.start("following")
        words[POSITION] = f.set(f"add i64 {words[POSITION]}, 1")
        words[SUBSTEP] = "0"
        f.jump("fetch")
        for label, code in (("running", RUNNING), ("failed", FAILED), ("stopped", STOPPED)):
            f.start(label)
            f.do(f"ret i64 {code}")
        f.start("done")
        return f.finish(f"ret i64 {DONE}")

    def _action(self, position: str) -> tuple[str, str, str]:
        f = self.f
        row = _Table(f, _pointer(f, self.words[ACTIONS]))
        first = f.set(f"mul i64 {position}, 3")
        return tuple(row[f.set(f"add i64 {first}, {k}")] for k in range(3))

    def _slot(self, k: str) -> str:
        return _Table(self.f, _pointer(self.f, self.words[SLOTS]))[k]

    def _kept(self, k: str) -> str:
        f, words = self.f, self.words
        return f.set(f"add i64 {words[KEPT]}, {f.set(f'mul i64 {k}, {words[STATE_BYTES]}')}")

    def _spend(self, after: str) -> None:
        """Go on to a label if the budget allows another step."""
        f, words = self.f, self.words
        left = words[BUDGET]
        words[BUDGET] = f.set(f"sub i64 {left}, 1")
        f.branch(f.set(f"icmp sgt i64 {left}, 0"), after, "running")
        f.start(after)

    def _call(self, record: int, k: str, good: str) -> None:
        """Run a program; go on to a label where it returns 0."""
        f, words = self.f, self.words
        pointer = _pointer(f, words[record])
        status = f.set(f"call i64 @call_at(ptr %words, ptr {pointer}, i64 {k})")
        words[STATUS] = status
        words[CALLED] = str(record)
        words[CALLED_STEP] = k
        f.branch(f.set(f"icmp eq i64 {status}, 0"), good, "failed")
        f.start(good)

    def _step(self, k: str, name: str) -> None:
        """Take step k from STATE to NEXT, if the predicate (where there is one) holds."""
        f, words = self.f, self.words
        record = words[PREDICATE]
        f.branch(f.set(f"icmp eq i64 {record}, 0"), f"{name}_go", f"{name}_ask")
        f.start(f"{name}_ask")
        self._call(PREDICATE, k, f"{name}_asked")
        flag = f.set(f"load i8, ptr {_pointer(f, words[FLAG])}")
        f.branch(f.set(f"icmp ne i8 {flag}, 0"), f"{name}_go", "stopped")
        f.start(f"{name}_go")
        self._call(STEP, k, f"{name}_gone")
        words[STATE] = words[NEXT]
        words[SUBSTEP] = f.set(f"add i64 {words[SUBSTEP]}, 1")
        f.jump("fetch")

    def _forward(self, position: str, a: str, b: str) -> None:
        """The last step before a store goes straight to its slot, the others to the block that is free."""
        f, words = self.f, self.words
        f.start("forward")
        k = f.set(f"add i64 {a}, {words[SUBSTEP]}")
        f.branch(f.set(f"icmp slt i64 {k}, {b}"), "forward_on", "following")
        f.start("forward_on")
        self._spend("forward_step")
        first, second = words[FIRST_BLOCK], words[SECOND_BLOCK]
        is_first = f.set(f"icmp eq i64 {words[STATE]}, {first}")
        words[NEXT] = f.set(f"select i1 {is_first}, i64 {second}, i64 {first}")
        after = f.set(f"add i64 {position}, 1")
        last = f.set(f"icmp eq i64 {f.set(f'add i64 {k}, 1')}, {b}")
        more = f.set(f"icmp slt i64 {after}, {words[COUNT]}")
        f.branch(f.set(f"and i1 {last}, {more}"), "forward_peek", "forward_take")
        f.start("forward_peek")
        code, _, slot = self._action(after)
        f.branch(f.set(f"icmp eq i64 {code}, {STORE}"), "forward_slot", "forward_take")
        f.start("forward_slot")
        words[NEXT] = self._slot(slot)
        f.jump("forward_take")
        f.start("forward_take")
        self._step(k, "forward")

    def _keep(self, a: str, b: str) -> None:
        f, words = self.f, self.words
        f.start("keep")
        k = f.set(f"add i64 {a}, {words[SUBSTEP]}")
        f.branch(f.set(f"icmp slt i64 {k}, {b}"), "keep_on", "following")
        f.start("keep_on")
        self._spend("keep_step")
        words[STATE] = self._kept(k)
        words[NEXT] = self._kept(f.set(f"add i64 {k}, 1"))
        self._step(k, "keep")

    def _store(self, slot: str) -> None:
        f, words = self.f, self.words
        f.start("store")
        target, state = self._slot(slot), words[STATE]
        f.branch(f.set(f"icmp eq i64 {target}, {state}"), "following", "store_copy")
        f.start("store_copy")
        to, source = _pointer(f, target), _pointer(f, state)
        f.do(f"call void @llvm.memcpy.p0.p0.i64(ptr {to}, ptr {source}, i64 {words[STATE_BYTES]}, i1 false)")
        f.jump("following")

    def _load(self, slot: str) -> None:
        f, words = self.f, self.words
        f.start("load")
        words[STATE] = self._slot(slot)
        f.jump("following")

    def _swap_adjoint(self) -> None:
        words = self.words
        old, new = words[ADJOINT], words[NEXT_ADJOINT]
        words[ADJOINT] = new
        words[NEXT_ADJOINT] = old

    def _reverse(self, k: str) -> None:
        f = self.f
        f.start("reverse")
        self._spend("reverse_step")
        self._call(BACKWARD, k, "reversed")
        self._swap_adjoint()
        f.jump("following")

    def _back(self, a: str, b: str) -> None:
        f, words = self.f, self.words
        f.start("back")
        done = f.set(f"add i64 {words[SUBSTEP]}, 1")
        k = f.set(f"sub i64 {b}, {done}")
        f.branch(f.set(f"icmp sge i64 {k}, {a}"), "back_on", "following")
        f.start("back_on")
        self._spend("back_step")
        words[STATE] = self._kept(k)
        self._call(BACKWARD, k, "back_done")
        self._swap_adjoint()
        words[SUBSTEP] = done
        f.jump("fetch")


def _write_drive() -> str:
    return _Drive().write()
