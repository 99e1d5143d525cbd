"""Stores of several vectors whose elements lie side by side: rows of a sparse matrix, points of a cloud.

Where lane r of vector k goes to ``start + r * stride + k``, the vectors are transposed in registers and
written row by row, or as whole vectors where rows follow each other without a gap. A store that scatters
takes about as long for one vector as this does for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from diffsci.backends.cpu.access import ALIGN, SUFFIX
from diffsci.backends.cpu.function import LANES, MEMORY, Function
from diffsci.backends.plan.codes import code_of
from diffsci.backends.plan.program import Nest, Store

__all__ = ["Run", "runs_of", "store_interleaved"]


@dataclass(frozen=True, eq=False)
class Run:
    """Stores to neighbouring elements, in order; in the vector loop they advance by `stride` elements."""

    stores: tuple[Store, ...]
    stride: int


def runs_of(nest: Nest, vector: int) -> list[Run]:
    """Return the stores of a nest that are interleaved along a loop."""
    streams: dict[tuple, dict[int, Store]] = {}
    for store in nest.stores:
        stride = store.address[vector + 1]
        if stride > 1 and store.mode == "set" and store.index < 0 and code_of(store.buffer.dtype) != "b1":
            streams.setdefault((store.buffer, store.address[1:]), {})[store.address[0]] = store
    found: list[Run] = []
    for (_, coefs), stores in streams.items():
        row: list[Store] = []
        for place in sorted(stores):
            if row and (place != row[-1].address[0] + 1 or len(row) == coefs[vector]):
                found += _run(row, coefs[vector])
                row = []
            row.append(stores[place])
        found += _run(row, coefs[vector])
    return found


def _run(row: list[Store], stride: int) -> list[Run]:
    return [Run(tuple(row), stride)] if len(row) > 1 else []


def store_interleaved(
    module, f: Function, code: str, values: Sequence[str], pointer: str, stride: int, lanes: int | str
) -> None:
    """Store lane r of value k at ``pointer[r * stride + k]``.

    Parameters
    ----------
    module, f
        What is written.
    code : str
        Of the elements.
    values : sequence of str
        Vectors, at most `stride`.
    pointer : str
        Where lane 0 of the first one goes.
    stride : int
        Elements from row to row.
    lanes : int or str
        How many lanes, or the mask of those that are stored.
    """
    for first in range(0, len(values), LANES):
        part = values[first : first + LANES]
        whole = lanes == LANES and len(part) == stride
        rows = len(part) if whole else LANES if isinstance(lanes, str) else lanes
        places = [
            [
                divmod(m * LANES + j, len(part)) if whole else (m, j)
                for j in range(LANES if whole else len(part))
            ]
            for m in range(rows)
        ]
        made = _arranged(f, code, part, places)
        for m, value in enumerate(made):
            offset = m * LANES if whole else m * stride + first
            if isinstance(lanes, str):
                _store_row(module, f, code, value, (pointer, offset, len(part)), (lanes, m))
            else:
                _store(f, code, value, len(places[m]), _moved(f, code, pointer, offset))


def _moved(f: Function, code: str, pointer: str, offset: int) -> str:
    return f.set(f"getelementptr {MEMORY[code]}, ptr {pointer}, i64 {offset}") if offset else pointer


def _store(f: Function, code: str, value: str, count: int, place: str) -> None:
    element = MEMORY[code]
    if count < LANES:
        lanes = ", ".join(f"i32 {lane}" for lane in range(count))
        kind = f"<{LANES} x {element}>"
        value = f.set(f"shufflevector {kind} {value}, {kind} poison, <{count} x i32> <{lanes}>")
    f.do(f"store <{count} x {element}> {value}, ptr {place}, align {ALIGN[code]}")


def _store_row(module, f: Function, code: str, value: str, place: tuple, lane: tuple[str, int]) -> None:
    """Store the first elements of a vector if a lane of a mask is set."""
    (pointer, offset, count), (mask, row) = place, lane
    kind, flags = f"<{LANES} x {MEMORY[code]}>", f"<{LANES} x i1>"
    function = f"@llvm.masked.store.v{LANES}{SUFFIX[code]}.p0"
    module.declare(f"declare void {function}({kind}, ptr, i32, {flags})")
    here = f.set(f"extractelement {flags} {mask}, i32 {row}")
    wanted = "<" + ", ".join(f"i1 {'true' if k < count else 'false'}" for k in range(LANES)) + ">"
    wanted = f.set(f"select i1 {here}, {flags} {wanted}, {flags} zeroinitializer")
    pointer = _moved(f, code, pointer, offset)
    f.do(f"call void {function}({kind} {value}, ptr {pointer}, i32 {ALIGN[code]}, {flags} {wanted})")


Places = list[list[tuple[int, int]]]


def _arranged(f: Function, code: str, values: Sequence[str], places: Places) -> list[str]:
    """Return vectors of lanes ``(lane, number of a value)``: value by value, or by rows if that is less."""
    moving = {value for value in values if not _is_constant(value)}
    sources = [len({values[k] for _, k in vector} & moving) for vector in places]
    one_by_one = sum(count if count < 2 else count - 1 for count in sources)
    width = next(n for n in (1, 2, 4, 8) if n >= len(values))
    zips = LANES * (width.bit_length() - 1)
    beside = [{_zipped(place, width)[0] for place in vector} for vector in places]
    from_rows = 0 if len(values) == width else sum(map(len, beside))
    if one_by_one <= zips * width // LANES + from_rows:
        return [_inserted(f, code, values, vector) for vector in places]
    rows = _zip_rows(f, code, values, width)
    return [_gathered(f, code, rows, [_zipped(place, width) for place in vector]) for vector in places]


def _zipped(place: tuple[int, int], width: int) -> tuple[int, int]:
    """Return vector and lane of an element of rows of this width that lie one behind the other."""
    row, column = place
    return divmod(row * width + column, LANES)


def _is_constant(value: str) -> bool:
    return not value.startswith("%")


def _shuffle(f: Function, code: str, a: str, b: str, lanes: Sequence[int]) -> str:
    if a == b == "poison":
        return a
    chosen = ", ".join("i32 poison" if lane < 0 else f"i32 {lane}" for lane in lanes)
    kind = f"<{LANES} x {MEMORY[code]}>"
    return f.set(f"shufflevector {kind} {a}, {kind} {b}, <{LANES} x i32> <{chosen}>")


def _inserted(f: Function, code: str, values: Sequence[str], vector: Sequence[tuple[int, int]]) -> str:
    """Return a vector made of its constants and of a shuffle for each further value, the first two in one."""
    element = MEMORY[code]
    wanted = [(row, values[k]) for row, k in vector]
    wanted += [(0, "poison")] * (LANES - len(wanted))
    fixed = [_lane_of(value, element) if _is_constant(value) else f"{element} poison" for _, value in wanted]
    constants = f"<{', '.join(fixed)}>"
    sources = list(dict.fromkeys(value for _, value in wanted if not _is_constant(value)))
    if not sources:
        return constants
    if len(sources) == 1:
        chosen = [LANES + row if value == sources[0] else j for j, (row, value) in enumerate(wanted)]
        return _shuffle(f, code, constants, sources[0], chosen)
    lanes = [row if value == sources[0] else -1 for row, value in wanted]
    result = sources[0]
    for source in sources[1:]:
        lanes = [LANES + row if value == source else lanes[j] for j, (row, value) in enumerate(wanted)]
        result = _shuffle(f, code, result, source, lanes)
        lanes = [j if lane >= 0 else -1 for j, lane in enumerate(lanes)]
    here = [lane >= 0 for lane in lanes]
    if all(here[: len(vector)]):
        return result
    mask = "<" + ", ".join(f"i1 {'true' if flag else 'false'}" for flag in here) + ">"
    kind = f"<{LANES} x {element}>"
    return f.set(f"select <{LANES} x i1> {mask}, {kind} {result}, {kind} {constants}")


def _lane_of(constant: str, element: str) -> str:
    """Return a lane of a constant that is the same in all lanes."""
    if constant in ("zeroinitializer", "poison"):
        return f"{element} {constant}"
    return constant.strip("<>").split(",")[0].strip()


def _zip_rows(f: Function, code: str, values: Sequence[str], width: int) -> list[str]:
    """Return the rows of vectors, of a width that is a power of two, one behind the other."""
    half, rows = width // 2, [*values, *["poison"] * (width - len(values))]
    low, high = ([base + k // 2 + LANES * (k % 2) for k in range(LANES)] for base in (0, LANES // 2))
    for _ in range(width.bit_length() - 1):
        rows = [_shuffle(f, code, rows[i], rows[i + half], side) for i in range(half) for side in (low, high)]
    return rows


def _gathered(f: Function, code: str, rows: Sequence[str], wanted: Sequence[tuple[int, int]]) -> str:
    """Return a vector of lanes ``(vector, lane)``."""
    sources = list(dict.fromkeys(source for source, _ in wanted))
    if [lane for _, lane in wanted] == list(range(len(wanted))) and len(sources) == 1:
        return rows[sources[0]]
    result = "poison"
    for number, source in enumerate(sources):
        chosen = [
            LANES + lane if own == source else j if own in sources[:number] else -1
            for j, (own, lane) in enumerate(wanted)
        ]
        chosen += [-1] * (LANES - len(wanted))
        result = _shuffle(f, code, result, rows[source], chosen)
    return result
