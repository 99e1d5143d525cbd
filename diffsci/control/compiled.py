"""The machine of compiled loops: bound programs and memory for the native driver."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from diffsci.backends.callbacks import raise_pending
from diffsci.backends.cpu.settings import SETTINGS
from diffsci.control import driver
from diffsci.control.body import CARRY, CONST, ITEM, Body
from diffsci.control.failing import raise_error
from diffsci.control.interpreted import arranged
from diffsci.control.memory import empty
from diffsci.control.packing import Packing
from diffsci.errors import EvaluationError
from diffsci.graph import Graph
from diffsci.native.objects import array_address

__all__ = ["Compiled"]

_ALIGN = 64
_SLICE = 0.05  # seconds between two looks for an interrupt
_FIXED, _STATE, _NEXT, _ADJOINT, _NEXT_ADJOINT = range(5)


class Compiled:
    """Memory of one run: the working state, the slots of the schedule, the adjoint.

    Parameters and methods are those of `diffsci.control.interpreted.Interpreted`.
    """

    def __init__(self, body: Body, x: Sequence[np.ndarray], length: int | None, reverse: bool):
        self.body, self.length, self.reverse = body, length, reverse
        self.x = list(x)
        self.packing = body.once("packing", lambda: Packing([body.types[k] for k in body.places(CARRY)]))
        self.blocks = self.packing.blocks(2)
        self.first = self.packing.blocks(1)
        self.packing.fill(self.first[0], [x[k] for k in body.places(CARRY)])
        self.index = np.zeros(1, np.int64)
        self.words = np.zeros(driver.N_WORDS, np.int64)
        first, second = (array_address(self.blocks) + k * self.blocks.shape[1] for k in range(2))
        self.words[[driver.FIRST_BLOCK, driver.SECOND_BLOCK]] = first, second
        self.words[driver.STATE] = array_address(self.first)
        self.words[driver.STATE_BYTES] = self.blocks.shape[1]
        self.slots = self.blocks[:0]
        self.kept: list[tuple[int, int, np.ndarray]] = []

    # the forward sweep -----------------------------------------------------------------------------

    def make_slots(self, count: int) -> None:
        """See `Interpreted`."""
        self.slots = self.packing.blocks(count - 1)
        rows = array_address(self.slots) + self.slots.shape[1] * np.arange(count - 1)
        self.addresses = np.concatenate([[array_address(self.first)], rows])
        self.words[driver.SLOTS] = array_address(self.addresses)

    def keep(self, start: int, stop: int, rows: list[np.ndarray] | None, ask: bool = False) -> bool:
        """See `Interpreted`."""
        memory = self.packing.blocks(stop - start + 1)
        memory[0] = self._block(int(self.words[driver.STATE]))[: memory.shape[1]]
        self._use(start, memory)
        self.words[driver.STATE] = array_address(memory)
        stopped = self.advance(np.array([[driver.KEEP, start, stop]]), rows, ask)
        self.kept.append((start, self.steps if stopped else stop, memory))
        return stopped

    def _use(self, start: int, memory: np.ndarray) -> None:
        """Let the driver find kept states, the first of which is state `start`, in this memory."""
        self.words[driver.KEPT] = array_address(memory) - start * memory.shape[1]

    @property
    def steps(self) -> int:
        """Number of the step before which the predicate ended the loop."""
        return int(self.words[driver.CALLED_STEP])

    def carry(self) -> list[np.ndarray]:
        """See `Interpreted`."""
        return [view.copy() for view in self.packing.views(self._block(int(self.words[driver.STATE])))]

    def mark(self) -> int:
        """See `Interpreted`."""
        return int(self.words[driver.STATE])

    def return_to(self, mark: int) -> None:
        """See `Interpreted`."""
        self.words[driver.STATE] = mark

    def asks(self, k: int) -> bool:
        """See `Interpreted`."""
        mark = self.mark()
        stopped = self.advance(np.array([[driver.FORWARD, k, k + 1]]), None, ask=True)
        self.return_to(mark)
        return not stopped

    def _block(self, address: int) -> np.ndarray:
        for memory in (self.blocks, self.first, self.slots, *(kept[2] for kept in self.kept)):
            start = array_address(memory)
            if start <= address < start + memory.nbytes:
                return memory.reshape(-1)[address - start :]
        raise AssertionError("the working state lies nowhere")

    def advance(self, actions: np.ndarray, rows: list[np.ndarray] | None, ask: bool = False) -> bool:
        """See `Interpreted`."""
        actions = np.ascontiguousarray(actions)
        step = self._bound("graph", rows)
        self.words[driver.STEP] = array_address(step.record)
        if ask:
            decide = self._bound("predicate", None)
            self.words[driver.PREDICATE] = array_address(decide.record)
            self.words[driver.FLAG] = array_address(decide.unmoved[0])
        code = self._drive(actions)
        self.words[driver.PREDICATE] = 0
        return code == driver.STOPPED

    def _drive(self, actions: np.ndarray) -> int:
        words = self.words
        words[[driver.POSITION, driver.COUNT, driver.SUBSTEP]] = 0, len(actions), 0
        words[driver.ACTIONS] = array_address(actions)
        run, table, budget = driver.drive(), array_address(words), 64
        while True:
            words[driver.BUDGET] = budget
            start = time.perf_counter()
            code = run(table)
            raise_pending()
            if code == driver.FAILED:
                self._fail()
            if code != driver.RUNNING:
                return code
            if time.perf_counter() - start < _SLICE:
                budget *= 4

    def _fail(self) -> None:
        status, called = int(self.words[driver.STATUS]), int(self.words[driver.CALLED])
        if status > 0 and called != driver.BACKWARD:
            raise_error(self.body, "graph" if called == driver.STEP else "predicate", status - 1)
        program = self._program({driver.STEP: "graph", driver.PREDICATE: "predicate"}.get(called, "adjoint"))
        step = int(self.words[driver.CALLED_STEP])
        raise EvaluationError(f"{program.message(status)} (in step {step} of a loop)")

    # programs --------------------------------------------------------------------------------------

    def _graph(self, name: str) -> Graph:
        return self.body.adjoint() if name == "adjoint" else getattr(self.body, name)

    def _program(self, name: str):
        from diffsci.backends.executables import native

        return self.body.once(("program", name), lambda: native(self._graph(name)))

    def _row_move(self, slot: int, array: np.ndarray) -> tuple[int, int, int, int]:
        """Point a slot to row k of an array, or to the k-th from behind."""
        stride, start = array.nbytes // max(len(array), 1), array_address(array)
        if self.reverse:
            return slot, _FIXED, start + stride * (len(array) - 1), -stride
        return slot, _FIXED, start, stride

    def _input_moves(self) -> list[tuple[int, int, int, int]]:
        offsets = zip(self.body.places(CARRY), self.packing.offsets, strict=True)
        moves = [(1 + place, _STATE, offset, 0) for place, offset in offsets]
        return moves + [self._row_move(1 + place, self.x[place]) for place in self.body.places(ITEM)]

    def _bound(self, name: str, rows: list[np.ndarray] | None) -> _Bound:
        graph, moves = self._graph(name), self._input_moves()
        first = len(graph.inputs)
        if name == "graph":
            places = zip(self.body.out_places(CARRY), self.packing.offsets, strict=True)
            moves += [(first + place, _NEXT, offset, 0) for place, offset in places]
            if rows is not None:
                targets = zip(self.body.out_places(ITEM), rows, strict=True)
                moves += [self._row_move(first + place, array) for place, array in targets]
        return _Bound(self._program(name), self._fixed(), moves)

    def _fixed(self) -> dict[int, np.ndarray]:
        """Slots that stay: the cell with the number of the step, and the constants."""
        return {0: self.index} | {1 + place: self.x[place] for place in self.body.places(CONST)}

    # the backward sweep ----------------------------------------------------------------------------

    def back(self, actions: np.ndarray | None, cotangents: Sequence[np.ndarray]) -> list[np.ndarray | None]:
        """See `Interpreted`."""
        body, graph = self.body, self.body.adjoint()
        carries, consts = body.real_places(CARRY), body.real_places(CONST)
        packing = body.once("adjoint packing", lambda: Packing([body.types[k] for k in carries + consts]))
        adjoints = packing.blocks(2)
        packing.fill(adjoints[0], [
            *(cotangents[k] for k in body.real_out_places(CARRY)),
            *(np.zeros_like(self.x[k]) for k in consts),
        ])  # fmt: skip
        where = array_address(adjoints)
        self.words[[driver.ADJOINT, driver.NEXT_ADJOINT]] = where, where + adjoints.shape[1]
        items = [empty(self.x[k].shape, self.x[k].dtype) for k in body.real_places(ITEM)]
        given = [np.ascontiguousarray(cotangents[k]) for k in body.real_out_places(ITEM)]
        moves = self._input_moves()
        place = 1 + len(body.roles)
        moves += [(place + k, _ADJOINT, packing.offsets[k], 0) for k in range(len(carries))]
        place += len(carries)
        moves += [self._row_move(place + k, array) for k, array in enumerate(given)]
        place += len(given)
        offsets = packing.offsets[len(carries) :]
        moves += [(place + k, _ADJOINT, offset, 0) for k, offset in enumerate(offsets)]
        place = len(graph.inputs)
        moves += [(place + k, _NEXT_ADJOINT, offset, 0) for k, offset in enumerate(packing.offsets)]
        place += len(packing.offsets)
        moves += [self._row_move(place + k, array) for k, array in enumerate(items)]
        backward = _Bound(self._program("adjoint"), self._fixed(), moves)
        self.words[driver.BACKWARD] = array_address(backward.record)
        if actions is not None:
            step = self._bound("graph", None)
            self.words[driver.STEP] = array_address(step.record)
            self._drive(np.ascontiguousarray(actions))
        for start, stop, memory in reversed(self.kept):
            self._use(start, memory)
            self._drive(np.array([[driver.BACK, start, stop]]))
        last = adjoints[(int(self.words[driver.ADJOINT]) - where) // adjoints.shape[1]]
        found = packing.views(last)
        return arranged(body, found[: len(carries)], found[len(carries) :], items)


class _Bound:
    """A program with its slots and moves, and the record by which the driver knows it.

    Attributes
    ----------
    record : ndarray of int64
        See `diffsci.control.driver`.
    unmoved : list of ndarray
        Memory of the outputs that go nowhere.
    """

    def __init__(self, program, fixed: dict[int, np.ndarray], moves: list[tuple]):
        self.moves = np.array(moves, np.int64).reshape(len(moves), driver.MOVE_WORDS)
        moving, first = {move[0] for move in moves}, len(program.input_types)
        targets = {first + k: type_ for k, type_ in enumerate(program.output_types)}
        targets = {slot: np.empty(t.shape, t.dtype) for slot, t in targets.items() if slot not in moving}
        self.unmoved = list(targets.values())
        self._workspace = np.empty(program.workspace_bytes + _ALIGN, np.uint8)
        self._fixed = fixed
        self._slots = np.zeros(program.slot_count, np.int64)
        for slot, array in (fixed | targets).items():
            self._slots[slot] = array_address(array)
        last = [array_address(array) for array in (*program.consts, self._workspace, SETTINGS)]
        last[-2] += -last[-2] % _ALIGN
        self._slots[-len(last) :] = last
        self._program = program
        self.record = np.array([
            program.address, array_address(self._slots), array_address(self.moves), len(moves),
            array_address(fixed[0]),
        ])  # fmt: skip
