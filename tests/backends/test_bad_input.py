"""Arguments of every kind: right, or refused with a message; programs too large for memory; many shapes."""

import array
import ctypes
import resource
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest

import diffsci as ds
from diffsci.backends.plan import plan_key
from diffsci.errors import UnsupportedError

BASE = np.linspace(-2.0, 3.0, 24).reshape(4, 6)


def model(x):
    return np.sin(x) * 2 + x[::-1]


def loss(x):
    return np.sum(np.exp(x / 4) * x[:, ::-1])


ARRAYS = {
    "every second column": BASE[:, ::2],
    "backwards": BASE[::-1, ::-1],
    "Fortran order": np.asfortranarray(BASE),
    "transposed": BASE.T,
    "big-endian": BASE.astype(">f8"),
    "big-endian single": BASE.astype(">f4"),
    "read-only": np.broadcast_to(BASE[0], (4, 6)),
    "one element, repeated": np.lib.stride_tricks.as_strided(BASE, (3, 3), (0, 0)),
    "unaligned": np.frombuffer(b"\0" + BASE.tobytes(), np.uint8)[1:].view(np.float64).reshape(4, 6),
    "field of a record": np.array(list(zip(BASE[0], BASE[1], strict=True)), "f8,f8")["f1"].reshape(2, 3),
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((3, 0)),
    "single precision": BASE.astype(np.float32),
}


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.parametrize("pad", [1, 40])
def test_arrays_of_every_layout(name, pad):
    x = np.tile(ARRAYS[name], (pad, 1)) if pad > 1 else ARRAYS[name]
    compiled, kept = ds.jit(model), x.copy()
    tolerance = 1e-5 if x.dtype.itemsize == 4 else 1e-14
    for _ in range(2):  # the second call takes the quick way
        got = compiled(x)
        np.testing.assert_allclose(got, model(x), rtol=tolerance, atol=tolerance)
    assert got.dtype == model(x).dtype.newbyteorder("=")
    gradient = ds.jit(ds.grad(loss))(x)
    plain = ds.grad(loss)(np.ascontiguousarray(x, x.dtype.newbyteorder("=")))
    np.testing.assert_allclose(gradient, plain, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(x, kept)


def test_layouts_share_a_program_and_take_turns():
    compiled = ds.jit(model)
    for x in (BASE, np.asfortranarray(BASE), BASE.astype(">f8"), BASE[::-1]) * 2:
        np.testing.assert_allclose(compiled(x), model(x), rtol=1e-14)
    paths = [path for found in compiled._paths.values() for path in found]
    assert len({path.executable.address for path in paths}) == 1


@pytest.mark.parametrize("x", [0.5, np.float64(0.5), np.array(0.5), np.float32(0.5), np.array(0.5, ">f8")])
def test_scalars_of_every_kind(x):
    f = ds.jit(lambda x: np.exp(x) * x)
    for _ in range(2):
        got = f(x)
        assert np.shape(got) == ()
        assert got == pytest.approx(float(np.exp(0.5) * 0.5), rel=1e-6)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint64, ">i4", bool])
def test_integers_and_booleans_are_data_of_double_precision_programs(dtype):
    x = (BASE > 0).astype(dtype)
    np.testing.assert_allclose(ds.jit(lambda x: np.exp(1.0 * x) + x)(x), np.exp(1.0 * x) + x, rtol=1e-14)


with warnings.catch_warnings():
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    MATRIX = np.matrix(BASE)


class Labelled(np.ndarray):
    """Nothing but a name."""


class Product(np.ndarray):
    """An operator of its own."""

    def __mul__(self, other):
        return 7.0


class Counted(np.ndarray):
    """Functions of its own."""

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        return 7.0


REFUSED = {
    "half precision": BASE.astype(np.float16),
    "extended precision": BASE.astype(np.longdouble),
    "objects": BASE.astype(object),
    "strings": BASE.astype(str),
    "dates": np.array(["2020-01-01"], "M8[D]"),
    "a masked array": np.ma.masked_array(BASE, BASE > 0),
    "a matrix": MATRIX,
    "a class with an operator": BASE.view(Product),
    "a class with functions": BASE.view(Counted),
    "a view of memory": memoryview(BASE),
    "an array of Python's": array.array("d", [1.0, 2.0]),
    "bytes that change": bytearray(8),
    "an array of ctypes": (ctypes.c_double * 3)(1.0, 2.0, 3.0),
    "large unsigned integers": np.array([2**63 + 1, 1], np.uint64),
}


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("call", [lambda f, x: ds.jit(f)(x), lambda f, x: ds.grad(f)(x)])
def test_what_is_refused_says_so(name, call):
    with pytest.raises(UnsupportedError, match=r"cannot be .*test_bad_input"):
        call(lambda x: np.sum(x * x), REFUSED[name])


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("call", [lambda f: ds.jit(f)(2.0), lambda f: ds.grad(f)(2.0)])
def test_what_is_refused_as_an_argument_is_no_operand_either(name, call):
    held = REFUSED[name]
    with pytest.raises((UnsupportedError, TypeError), match=r"cannot be .*test_bad_input|operand type"):
        call(lambda x: np.sum(x * held))


def test_a_buffer_may_be_an_array_inside():
    held = memoryview(BASE)
    masked = np.ma.masked_array(BASE, BASE > 0)
    for f in (lambda x: np.sum(x * np.asarray(held)), lambda x: np.sum(x * masked.filled(1.0))):
        np.testing.assert_allclose(ds.jit(f)(2.0), f(2.0), rtol=1e-14)


def test_classes_that_add_no_meaning(tmp_path):
    on_disk = np.memmap(tmp_path / "numbers", float, "w+", shape=BASE.shape)
    on_disk[:] = BASE
    labelled, compiled = BASE.view(Labelled), ds.jit(loss)
    for x in (on_disk, labelled):
        np.testing.assert_allclose(compiled(x), loss(BASE), rtol=1e-14)
        np.testing.assert_allclose(ds.jit(lambda y, x=x: np.sum(y * x))(BASE), np.sum(BASE**2), rtol=1e-14)


@pytest.mark.parametrize("operand", [(1.0, 2.0, 3.0), range(3), [1, 2.0, 3]])
def test_sequences_are_operands_as_of_arrays(operand):
    x = np.array([0.5, -1.5, 2.0])
    for f in (
        lambda x, s: x * s,
        lambda x, s: s * x,
        lambda x, s: s + x,
        lambda x, s: x - s,
        lambda x, s: s > x,
    ):
        np.testing.assert_array_equal(ds.jit(f)(x, operand), f(x, operand))


WITHOUT_AXES = {
    "sum": lambda x: np.sum(x, axis=0),
    "max": lambda x: np.max(x, axis=-1),
    "any": lambda x: np.any(x > 0, axis=0),
    "argmax": lambda x: np.argmax(x, axis=0),
    "ptp": lambda x: np.ptp(x, axis=0),
    "reduce": lambda x: np.add.reduce(x),
    "cumsum": lambda x: np.cumsum(x, axis=0),
}


@pytest.mark.parametrize("name", WITHOUT_AXES)
def test_reductions_of_arrays_without_axes(name):
    f = WITHOUT_AXES[name]
    got, want = ds.jit(f)(np.array(0.7)), f(np.array(0.7))
    np.testing.assert_array_equal(got, want)
    assert np.shape(got) == np.shape(want)
    with pytest.raises(np.exceptions.AxisError):
        ds.jit(lambda x: np.sum(x, axis=1))(np.array(0.7))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
def test_arrays_without_elements(shape):
    def f(x):
        parts = np.cumsum(x, axis=-1), np.sort(x, axis=0), np.diff(x), np.concatenate([x, x])
        whole = np.sum(x), np.mean(x), np.median(x, axis=-1), np.prod(x, axis=0), np.linalg.norm(x, axis=-1)
        return parts, whole

    x = np.zeros(shape)
    for got, want in zip(sum(ds.jit(f)(x), ()), sum(f(x), ()), strict=True):
        np.testing.assert_array_equal(got, want)
    assert ds.jit(ds.grad(lambda x: np.sum(f(x)[0][0])))(x).shape == shape


def test_another_shape_or_dtype_makes_another_program_quietly(recwarn):
    f = ds.jit(lambda x: np.sum(np.sin(x) * x))
    for n in (1, 2, 3, 100, 0):
        for dtype in (np.float64, np.float32):
            x = np.linspace(0, 1, n).astype(dtype)
            assert f(x) == pytest.approx(float(np.sum(np.sin(x) * x)), rel=1e-5)
    assert not recwarn.list


def test_constants_are_no_text():
    table = np.random.default_rng(0).normal(size=50_000)
    held = type("Held", (), {"table": table})()
    f = ds.jit(lambda x: np.sum(held.table * x))
    assert f(2.0) == pytest.approx(2 * table.sum())
    path = f.lower(2.0)
    assert len(path.executable.text) < 20_000
    assert len(plan_key(path.executable.graph)) < 5_000


LIMITED = """
    import resource
    import numpy as np
    import diffsci as ds

    resource.setrlimit(resource.RLIMIT_AS, (ALLOWED, ALLOWED))
    f = ds.jit(lambda x: CODE)
    for _ in range(2):
        try:
            f(np.ones(60_000))
        except MemoryError as error:
            print(error)
    print(f(np.ones(300)).shape)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="needs a limit on memory")
@pytest.mark.parametrize(
    ("code", "buffer", "operation"),
    [
        ("np.exp(np.outer(x, x))", "out0", "exp float64[60000,60000]"),
        ("np.cumsum(np.outer(x, x), axis=1).sum(axis=0)", "t", "cumsum float64[60000,60000]"),
    ],
)
def test_out_of_memory_names_the_array_and_the_line(code, buffer, operation):
    text = textwrap.dedent(LIMITED).replace("CODE", code).replace("ALLOWED", str(1 << 34))
    done = subprocess.run(
        [sys.executable, "-c", text], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("not enough memory for a compiled program") == 2
    assert operation in done.stdout
    assert f"  {buffer}" in done.stdout
    assert "28.8 GB" in done.stdout
    assert done.stdout.rstrip().splitlines()[-1].startswith("(300,")
