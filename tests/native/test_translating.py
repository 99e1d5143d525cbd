"""Loops: native code does what the function does in Python; all else is refused."""

from __future__ import annotations

import ctypes
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from diffsci.coloring import Greedy, color
from diffsci.coloring.loops import LOOPS
from diffsci.native import Loop, LoopFamily
from diffsci.native.memory import call_address, copy_bytes, start_of, view
from diffsci.native.sources import digest
from diffsci.native.stored import native_function
from diffsci.native.translating import build, llvm_text, relaxed

# All that the native code of the functions below depends on.
CODE = Path(__file__).read_text() + digest("diffsci.native.translating")

_THREE = 3


def arithmetic(a, b, out):
    out[0], out[1], out[2], out[3] = a + b, a - b, a * b, -a
    out[4], out[5] = a // b, a % b
    out[6], out[7], out[8] = a & b, a | b, a ^ b
    out[9], out[10] = a << 3, a >> _THREE
    out[11], out[12] = min(a, b, 2), max(a, b, -2)
    out[13] = (a < b) + (a <= b) * 2 + (a == b) * 4 + (a != b) * 8 + (a > b) * 16 + (a >= b) * 32
    out[14] = 1 if not (a < 3 and (b > 2 or a == b)) else 0
    either = not a or b > 2
    out[15] = (either and a != 7) + 2 * (not (a and b))
    return out.size


def _first_over(values, limit):
    for k in range(values.size):
        if values[k] > limit:
            return k, True
    return values.size, False


def _add_all(rows, total):
    for i in range(rows.shape[0]):
        for j in range(rows.shape[1]):
            total[0] += rows[i, j]
    return 0


def control(rows, words, total, limit):
    """Loops in loops, both ways of leaving one, rows of arrays, helpers of one and of two results."""
    found = 0
    for i in range(rows.shape[0]):
        place, known = _first_over(rows[i], limit)
        if known:
            found += place
        else:
            continue
        while place < rows.shape[1] and rows[i, place] != 0:
            place += 1
            if place == 4:
                break
        found = found * 7 + place
    for k in range(words.size - 1, -1, -2):
        words[k] ^= 255
        found += int(words[k])
    _add_all(rows[1:3], total)
    return found


def floats(a, b, k, out):
    out[0], out[1], out[2], out[3] = a[0] + b[0], a[0] - b[0], a[0] * k, -a[0]
    out[4], out[5] = abs(a[0]), abs(k)
    out[6], out[7] = min(a[0], b[0], 2.0), max(a[0], k, -np.inf)
    out[8] = (a[0] < b[0]) + (a[0] <= k) * 2 + (a[0] == b[0]) * 4 + (a[0] != b[0]) * 8 + (a[0] > b[0]) * 16
    out[9] = 1.0 if not a[0] <= b[0] else np.pi
    out[10] = np.isfinite(a[0])
    out[11] = np.sqrt(abs(a[0]))
    out[12] = np.nextafter(a[0], b[0])
    out[13] = a[0] / (1 + k * k)
    out[14] = abs(a[0]) ** 0.3
    out[15] = k in (3, _THREE + 1)
    return out[0]


@relaxed("reassoc")
def _sum(values):
    total = 0.0
    for i in range(values.size):
        total += values[i]
    return total


def parts(rows, single, out):
    """Slices with and without ends, fills, and memory by address; sums of both kinds of floats."""
    out[:] = 0.5
    rows[1, 1:3] = _sum(rows[0, :2])
    rows[2:] = 4
    out[2:] = _sum(rows[1])
    single[:2] = rows[0, 0] / 4.0
    copy_bytes(start_of(out), start_of(rows) + rows.shape[1] * rows.itemsize, 2 * rows.itemsize)
    same = view(start_of(single) + single.itemsize, 2, single)
    same[0] += 0.25
    return single.size + _sum(single)


@pytest.fixture(scope="module")
def native():
    """The functions above as native code."""

    class Here(LoopFamily):
        def __init__(self):
            super().__init__(
                "tests",
                {
                    "arithmetic": ("", "i", "i0 i0 i1"),
                    "control": ("", "i", "j2 b1 i1 i0"),
                    "floats": ("", "f", "f1 f1 i0 f1"),
                    "parts": ("", "f", "f2 r1 f1"),
                },
            )

        def load(self, name, dtype=""):
            return native_function(name + CODE, lambda: build(globals()[name], self.arguments(name, dtype)))

    family = Here()
    return {name: Loop(family, name, np.dtype(np.float32)) for name in family.loops}


numbers = st.integers(-(2**20), 2**20)


@given(numbers, numbers.filter(bool))
def test_arithmetic_is_that_of_python(native, a, b):
    expected, out = np.zeros(16, np.int64), np.zeros(16, np.int64)
    assert native["arithmetic"](a, b, out) == arithmetic(a, b, expected) == 16
    np.testing.assert_array_equal(out, expected)


def test_a_divisor_of_zero_makes_zero(native):
    out = np.ones(16, np.int64)
    native["arithmetic"](7, 0, out)
    assert out[4] == out[5] == 0


@given(st.lists(st.integers(-9, 9), min_size=20, max_size=20), st.integers(-10, 10))
def test_control_is_that_of_python(native, entries, limit):
    rows = np.array(entries, np.int32).reshape(4, 5)
    results = []
    for run in (control, native["control"]):
        words, total = np.arange(7, dtype=np.uint8), np.zeros(1, np.int64)
        results.append((int(run(rows, words, total, limit)), words.tolist(), total.tolist()))
    assert results[0] == results[1]


@given(st.floats(), st.floats(), st.integers(-4, 4))
def test_floats_are_those_of_python(native, a, b, k):
    expected, out = np.zeros(16), np.zeros(16)
    with np.errstate(all="ignore"):
        floats(np.array([a]), np.array([b]), k, expected)
    native["floats"](np.array([a]), np.array([b]), k, out)
    np.testing.assert_array_equal(out[:14], expected[:14])
    np.testing.assert_array_equal(np.signbit(out[3]), np.signbit(expected[3]))
    np.testing.assert_allclose(out[14:], expected[14:], rtol=4e-16)


def test_parts_and_addresses_are_those_of_python(native):
    results = []
    for run in (parts, native["parts"]):
        rows, single, out = np.arange(1.0, 13.0).reshape(3, 4), np.ones(3, np.float32), np.zeros(5)
        results.append((float(run(rows, single, out)), rows.tolist(), single.tolist(), out.tolist()))
    assert results[0] == results[1]
    assert out.tolist() == [5.0, 3.0, 19.0, 19.0, 19.0]


def run_twice(slots):
    return call_address(slots[2], start_of(slots)) + call_address(slots[2], start_of(slots[1:]))


def test_programs_are_called_by_address():
    """The program says whether its first slot is the number seven."""
    text = """
define i64 @f(ptr %slots) {
  %first = load i64, ptr %slots
  %is = icmp eq i64 %first, 7
  %number = zext i1 %is to i64
  ret i64 %number
}
"""
    program = native_function("test" + text, lambda: (text, "f"))
    run = native_function("run_twice" + CODE, lambda: build(run_twice, [("int64", 1)]))
    for first, second in ((7, 7), (7, 0), (0, 7), (1, 2)):
        slots = np.array([first, second, program.address])
        assert run_twice(slots) == (first == 7) + (second == 7)
        words = np.array([slots.ctypes.data, slots.size])
        found = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p)(run.address)(words.ctypes.data)
        assert found == run_twice(slots)


@pytest.mark.parametrize("kind", ["column", "row", "bidirectional", "star", "acyclic"])
@pytest.mark.parametrize("order", ["natural", "largest_first", "smallest_last", "incidence_degree"])
def test_colorings_by_native_code_and_by_python_agree(kind, order, monkeypatch):
    dense = np.random.default_rng(5).random((12, 12)) < 0.2
    dense |= dense.T
    found = color(dense, kind, Greedy(order))
    modules = {name: __import__(module, fromlist=[name]) for name, module in LOOPS.modules.items()}
    with monkeypatch.context() as patched:
        patched.setattr(
            LOOPS, "run", lambda name, *arguments: getattr(modules[name], name)(*arguments), raising=False
        )
        again = color(dense, kind, Greedy(order))
    np.testing.assert_array_equal(found.column_colors, again.column_colors)
    np.testing.assert_array_equal(found.row_colors, again.row_colors)


def names(v1, x1, at1):
    """Names like those that registers, variables and labels have."""
    total = v1
    for k in range(x1):
        total += k if k < at1 else 1
    return total


def test_any_name_will_do():
    text, name = build(names, [("int64", 0)] * 3)
    assert f"@{name}(" in text


def with_complex(x):
    return x[0] * 0.5j


def with_float_index(x):
    return x[0.5]


def with_remainder_of_floats(x):
    return x[0] % 0.5


def with_negative_index(x):
    return x[-1]


def with_list(x):
    return [x]


def with_two_kinds(x):
    y = 1
    y = x.size == 2
    return y + 1


def with_itself(x):
    return with_itself(x)


def with_end(x):  # noqa: RET503 -- what is tested
    if x.size == 0:
        return 1
    x[0] = 0


def with_unknown(x):
    return len(x)


def with_choice(x):
    first = x[0] or x[1]
    return first + 1


def with_array_as_number(x):
    return x + 1


def with_array_as_condition(x):
    return 1 if x else 0


def with_array_returned(x):
    return x


def with_array_stored(x):
    x[0] = x
    return 0


def with_tuple_as_number(x):
    pair = _first_over(x, 0)
    return pair + 1


def with_items(x):
    total = 0
    for item in x:
        total += item
    return total


@pytest.mark.parametrize(
    ("loop", "what"),
    [
        (with_complex, "constant like 0.5j"),
        (with_float_index, "float in place of a whole number"),
        (with_remainder_of_floats, "% of floats"),
        (with_negative_index, "negative index"),
        (with_list, "List expression"),
        (with_two_kinds, "variable of two kinds like 'y'"),
        (with_itself, "function that calls itself"),
        (with_end, "an end without return"),
        (with_unknown, "call of 'len'"),
        (with_choice, "choice by `and` or `or` between numbers"),
        (with_array_as_number, "array or tuple in place of a number"),
        (with_array_as_condition, "array or tuple in place of a number"),
        (with_array_returned, "array or tuple in place of a number"),
        (with_array_stored, "array or tuple in place of a number"),
        (with_tuple_as_number, "array or tuple in place of a number"),
        (with_items, "loop over anything but a range"),
    ],
)
def test_what_the_language_lacks_is_refused_with_its_place(loop, what):
    number = loop.__code__.co_firstlineno
    with pytest.raises(NotImplementedError, match=re.escape(what)) as caught:
        llvm_text(loop, [("int64", 1)])
    line = int(re.search(r"test_translating.py:(\d+):", str(caught.value))[1])
    assert number <= line <= number + 5


_PROGRAM = """
import numpy as np
from diffsci.coloring import color
kinds = ("column", "bidirectional", "star", "acyclic")
print(*(color(np.tri(9) + np.tri(9).T, kind).ncolors for kind in kinds))
"""


def test_two_processes_may_start_together_and_need_no_cache(tmp_path):
    """The folder is written by both at once; then it cannot be written at all."""
    for folder in (tmp_path / "cache", tmp_path / "file" / "cache"):
        (tmp_path / "file").touch()
        runs = [
            subprocess.Popen(
                [sys.executable, "-c", _PROGRAM],
                env={"DIFFSCI_CACHE_DIR": str(folder), "PYTHONPATH": ":".join(sys.path)},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for _ in range(2)
        ]
        for run in runs:
            out, err = run.communicate(timeout=120)
            assert out.split() == ["9", "9", "9", "9"], err
