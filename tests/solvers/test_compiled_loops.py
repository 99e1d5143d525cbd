"""The stored loops: a warm process compiles none, and nothing that happens to the cache changes a result."""

import ctypes
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import diffsci as ds
from diffsci.low_level import native_function
from diffsci.native import cache, engine, objects
from solvers import solve_ivp
from solvers.ode.compiled import LOOPS, Loop

PROGRAM = """
import sys
import numpy as np
import diffsci as ds
from solvers import solve_ivp

def rhs(t, y, p):
    return [p[0] * y[0] - p[1] * y[0] * y[1], p[1] * y[0] * y[1] - p[2] * y[1]]

def loss(p):
    sol = solve_ivp(rhs, (0.0, 5.0), np.array([1.0, 0.5]), args=(p,), t_eval=np.linspace(0, 5, 7))
    return np.sum(sol.y ** 2)

value, gradient = ds.value_and_grad(loss)(np.array([1.1, 0.4, 0.3]))
assert "numba" not in sys.modules
print(value.hex(), *(float(g).hex() for g in gradient), "diffsci.native.translating" in sys.modules)
"""


IN_PYTHON = """
from importlib import import_module
from solvers.ode import compiled, machines

machines.Cpu.loop = staticmethod(lambda name, dtype: getattr(import_module(compiled.MODULES[name]), name))
"""


def answer(folder, program=PROGRAM):
    root = str(Path(__file__).parents[2])
    environment = os.environ | {"DIFFSCI_CACHE_DIR": str(folder), "PYTHONPATH": root}
    run = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    *numbers, compiled = run.stdout.split()
    return numbers, compiled == "True"


@pytest.fixture(scope="module")
def warm(tmp_path_factory):
    """A cache folder that one process has filled, and what that process printed."""
    folder = tmp_path_factory.mktemp("cache") / "not" / "there"
    numbers, compiled = answer(folder)
    assert compiled
    return folder, numbers


def loops(folder):
    """The files of the loops, small ones first."""
    files = [file for file in folder.iterdir() if b"workspace_bytes" not in file.read_bytes()]
    return sorted(files, key=lambda file: file.stat().st_size)


def test_a_warm_process_compiles_no_loop_and_repeats_every_bit(warm):
    folder, numbers = warm
    assert len(loops(folder)) == 3
    assert answer(folder) == (numbers, False)


def test_loops_do_as_native_code_what_they_do_in_python(warm):
    folder, numbers = warm
    in_python, _ = answer(folder, IN_PYTHON + PROGRAM)
    values, expected = ([float.fromhex(number) for number in found] for found in (numbers, in_python))
    np.testing.assert_allclose(values, expected, rtol=1e-13)


def test_a_damaged_loop_is_compiled_again(warm):
    folder, numbers = warm
    smallest = loops(folder)[0]
    data = smallest.read_bytes()
    smallest.write_bytes(data[:-2000] + bytes([data[-2000] ^ 1]) + data[-1999:])
    assert answer(folder) == (numbers, True)
    assert smallest.read_bytes() == data
    assert answer(folder) == (numbers, False)


GOOD = "define i64 @f() {\n  ret i64 7\n}\n"
MISSING = "declare i64 @nowhere()\ndefine i64 @f() {\n  %x = call i64 @nowhere()\n  ret i64 %x\n}\n"


def made_again(times=2):
    """Ask for a function again and again: how often was it made? It always works."""
    made = []
    for _ in range(times):
        function = native_function("a test", lambda: made.append(1) or (GOOD, "f"))
        assert ctypes.CFUNCTYPE(ctypes.c_int64)(function.address)() == 7
    return len(made)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-9] + bytes([data[-9] ^ 1]) + data[-8:],
        lambda data: data[:100],
        lambda data: b"",
    ],
    ids=["flipped", "cut", "empty"],
)
def test_a_damaged_entry_is_made_again(tmp_path, monkeypatch, damage):
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path))
    assert made_again() == 1
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert made_again() == 1


@pytest.mark.parametrize(
    ("description", "text"),
    [
        ({"imports": [], "exports": ["f"]}, MISSING),
        ({"imports": ["nowhere"], "exports": ["f"]}, MISSING),
        ({"imports": [], "exports": ["g"]}, GOOD),
        ({}, GOOD),
    ],
    ids=["undefined", "unknown", "another name", "no description"],
)
def test_code_that_does_not_link_is_made_again(tmp_path, monkeypatch, description, text):
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path))
    assert made_again() == 1
    (file,) = tmp_path.iterdir()
    cache.write(file.name, description, engine.compile_object(text))
    assert made_again() == 1


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path, monkeypatch):
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path / "file" / "folder"))
    assert made_again() == 2


def test_code_that_needs_more_than_the_c_library_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("DIFFSCI_CACHE_DIR", str(tmp_path))
    with pytest.raises(OSError, match="no function 'nowhere'"):
        native_function("a test", lambda: (MISSING, "f"))
    assert not list(tmp_path.iterdir())


def test_a_component_at_zero_needs_no_absolute_tolerance():
    sol = solve_ivp(lambda t, y: np.stack([0 * y[0], -y[1]]), (0.0, 1.0), np.array([0.0, 1.0]), atol=0.0)
    assert sol.success
    np.testing.assert_allclose(sol.y[:, -1], [0, np.exp(-1)], rtol=1e-2)


def test_single_precision_has_loops_of_its_own():
    p = np.array([0.5], np.float32)
    value, gradient = ds.value_and_grad(
        lambda p: np.sum(
            solve_ivp(lambda t, y, p: -p * y, (0, 1), np.ones(1, np.float32), args=(p,)).y[:, -1]
        )
    )(p)
    assert value.dtype == gradient.dtype == np.float32
    np.testing.assert_allclose([value, -gradient[0]], np.exp(-0.5), rtol=1e-2)


def test_arguments_are_checked_before_their_addresses_are_used():
    loop = Loop("initial_step", np.dtype(float))
    others = [None] * (len(LOOPS.arguments("initial_step", "float64")) - 1)
    with pytest.raises(TypeError, match="argument 0 of 'initial_step' must be a C-contiguous 1-dim"):
        loop(np.zeros(3), *others)
    with pytest.raises(TypeError, match="got int64 of shape"):
        loop(np.zeros((3, 2), np.int64)[:, 0], *others)
    with pytest.raises(TypeError, match="'initial_step' takes 9 arguments, got 1"):
        loop(np.zeros(3, np.int64))


def test_addresses_are_what_numpy_says_with_and_without_a_known_layout(monkeypatch):
    arrays = [np.zeros(3), np.zeros((4, 5), np.float32)[1:, ::2], np.array(1.0), np.empty((0, 2))]
    expected = [array.__array_interface__["data"][0] for array in arrays]
    assert [objects.array_address(array) for array in arrays] == expected
    monkeypatch.setattr(objects, "_DATA_AT", None)
    assert [objects.array_address(array) for array in arrays] == expected
