"""Formulas give the same bits as C and as LLVM instructions."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

from diffsci.backends.cuda.mathlib import function_name, module_text
from diffsci.backends.vectormath.table import FORMULAS
from tests.vectormath.units import DTYPES, compiled, edges, everywhere, random

CODES = ["f8", "f4"]
TYPES = {"f8": "double", "f4": "float"}
pytestmark = pytest.mark.skipif(shutil.which("g++") is None, reason="needs a C++ compiler")


@pytest.fixture(scope="module")
def library(tmp_path_factory):
    folder = tmp_path_factory.mktemp("formulas")
    source = folder / "formulas.cpp"
    pairs = [(name, code) for name in FORMULAS for code in CODES]
    source.write_text(module_text(pairs) + "".join(_loop(name, code) for name, code in pairs))
    target = folder / "formulas.so"
    command = ["g++", "-O1", "-march=native", "-ffp-contract=off", "-shared", "-fPIC", source, "-o", target]
    subprocess.run(command, check=True)
    return ctypes.CDLL(str(target))


def _loop(name, code):
    kind, count = TYPES[code], FORMULAS[name].arity
    arrays = ", ".join(f"const {kind} *a{k}" for k in range(count))
    values = ", ".join(f"a{k}[i]" for k in range(count))
    return (
        f'extern "C" void run_{name}_{code}({arrays}, {kind} *out, long n) '
        f"{{ for (long i = 0; i < n; i++) out[i] = {function_name(name, code)}({values}); }}\n"
    )


def arguments(code, arity):
    moderate = random().uniform(-3, 3, 1000)
    with np.errstate(over="ignore"):
        x = np.concatenate([everywhere(code, 1000), moderate, moderate * 30, 1 + moderate * 2.0**-9])
        x = np.concatenate([x.astype(DTYPES[code]), edges(code)])
    return [np.random.default_rng(k).permutation(x) for k in range(arity)]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", FORMULAS)
def test_same_bits(library, name, code):
    arrays = arguments(code, FORMULAS[name].arity)
    want = compiled(name, code, *arrays)
    got = np.empty_like(want)
    pointers = [ctypes.c_void_p(x.ctypes.data) for x in (*arrays, got)]
    getattr(library, f"run_{name}_{code}")(*pointers, ctypes.c_long(got.size))
    np.testing.assert_array_equal(np.isnan(got), np.isnan(want))
    numbers = ~np.isnan(want)  # the bits of NaN say nothing
    integers = np.dtype(f"i{got.itemsize}")
    np.testing.assert_array_equal(got[numbers].view(integers), want[numbers].view(integers))
