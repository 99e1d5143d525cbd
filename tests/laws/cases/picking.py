"""Entries read and written by index arrays and masks, arrays built and taken apart, ufunc methods."""

import itertools
import math
import operator
from collections import namedtuple
from dataclasses import dataclass, replace

import numpy as np

from tests.laws.case import table
from tests.laws.domains import away, distinct, positive, real

VECTOR = real((5,))
MATRIX = real((3, 4))
CUBE = real((2, 3, 4))
GRID = np.array([1.0, 3.0, -2.0, 0.5, 4.0])


def writes_along_axis(x):
    y = x.copy()
    np.put_along_axis(y, np.array([[0], [2], [1]]), x[:, 3:] ** 2, axis=1)
    return y * x


def writes_along_axis_twin(x):
    hit = np.zeros((3, 4), bool)
    hit[[0, 1, 2], [0, 2, 1]] = True
    return np.where(hit, x[:, 3:] ** 2, x) * x


def writes_by_functions(x):
    y = x * 1.0
    np.put(y, [0, 2], [x[1] ** 2, 5.0])
    np.putmask(y, x > 0, x * 2)
    np.place(y, np.array([False, True, False, False, True]), [x[0], 7.0])
    np.copyto(y, x**2, where=np.array([False, False, False, True, False]))
    y.put([2], x[4] ** 3)
    return y * x


def writes_by_functions_twin(x):
    first = np.where(np.real(x[0]) > 0, 2 * x[0], x[1] ** 2)
    return np.stack([first, x[0], x[4] ** 3, x[3] ** 2, 7.0 + 0 * x[0]]) * x


def fills_diagonal(x):
    y = x.copy()
    np.fill_diagonal(y, x[0] ** 2)
    y[np.diag_indices(3)] *= 2.0
    y[np.triu_indices_from(y, 1)] += 1.0
    return y * x


def fills_diagonal_twin(x):
    eye = np.eye(3, 4)
    filled = np.where(eye > 0, 2 * x[0, :3, None] ** 2 * np.ones(4), x)
    return (filled + np.triu(np.ones((3, 4)), 1)) * x


def ufunc_at(x):
    y = np.ones(3)
    np.multiply.at(y, [0, 2, 2, 0, 1], x)
    np.subtract.at(y, [1, 1], x[:2])
    np.divide.at(y, [0], x[3])
    return y


def ufunc_at_twin(x):
    return np.stack([x[0], x[4] - x[0] - x[1], x[1] * x[2]])


def out_and_where(x):
    y = np.full(5, 2.0)
    np.exp(x, out=y, where=x > 0)
    whole, part = np.empty(5), np.empty(5)
    np.modf(x * 0.3, out=(part, whole))
    np.cumsum(part, out=part)
    return y * x + part


def out_and_where_twin(x):
    y = np.where(np.real(x) > 0, np.exp(x), 2.0)
    return y * x + np.cumsum(0.3 * x)


PICKING = table(
    ("take_along_axis", lambda x: np.take_along_axis(x, np.array([[0], [2], [1]]), 1) ** 2, MATRIX),
    ("put_along_axis", writes_along_axis, MATRIX, writes_along_axis_twin),
    ("put putmask place copyto", writes_by_functions, away((5,)), writes_by_functions_twin),
    ("fill_diagonal and index helpers", fills_diagonal, MATRIX, fills_diagonal_twin),
    ("take clip wrap", lambda x: np.take(x, [7, -3], mode="clip") * np.take(x, [7, -3], mode="wrap"), VECTOR),
    ("choose", lambda x: np.choose([0, 1, 2, 1, 0], [x, x**2, 3.0]), VECTOR),
    (
        "compress extract flatnonzero",
        lambda x: np.compress(x > 0, x) * np.extract(x > 0, x**2) * x[np.flatnonzero(x > 0)],
        away((5,)),
        lambda x: x[np.real(x) > 0] ** 4,
    ),
    ("compress along an axis", lambda x: x.compress([True, False, True], axis=0) ** 2, MATRIX),
    (
        "mask as an index",
        lambda x: np.sum(np.sqrt(x[x > 0])) * x[x > 0].max() - x[np.nonzero(x > 0)].mean(),
        distinct((5,), low=-1.0, high=4.0),
        lambda x: masked_twin(x[np.real(x) > 0]),
    ),
    (
        "argwhere count_nonzero",
        lambda x: x * len(np.argwhere(x > 0)) * np.count_nonzero(x < 0) + (x > 0).nonzero()[0].sum(),
        away((5,)),
        lambda x: x * np.sum(np.real(x) > 0) * np.sum(np.real(x) < 0) + np.flatnonzero(np.real(x) > 0).sum(),
    ),
    (
        "unravel_index of argmax",
        lambda x: x[np.unravel_index(np.argmax(x), x.shape)] ** 2,
        distinct((3, 4)),
        lambda x: x.ravel()[np.argmax(np.real(x))] ** 2,
    ),
    ("ravel_multi_index", lambda x: x.ravel()[np.ravel_multi_index(([0, 1], [2, 3]), (3, 4))] ** 2, MATRIX),
    ("delete", lambda x: np.delete(x, [1, 2], axis=1) ** 2, MATRIX),
    ("insert", lambda x: np.insert(x, [3, 1], [x[0] ** 2, 5.0]) ** 2, VECTOR),
    ("insert along an axis", lambda x: np.insert(x, 1, x[:, 0] ** 2, axis=1), MATRIX),
    ("diagonal diagflat trace", lambda x: np.diagonal(x, 1, 0, 1) ** 2 * np.trace(x, 1), MATRIX),
    ("diagflat", lambda x: np.diagflat(x[:, 0], 1) @ np.diag(x[0]), MATRIX),
)


def masked_twin(found):
    return np.sum(np.sqrt(found)) * found[np.argmax(np.real(found))] - np.mean(found)


SHAPES = table(
    ("rot90", lambda x: np.rot90(x) @ x + np.rot90(x, -1) @ x, MATRIX),
    ("rot90 of chosen axes", lambda x: np.rot90(x, 2, (1, 2)) * x, CUBE),
    ("rollaxis", lambda x: np.rollaxis(x, 2, 1) ** 2, CUBE),
    (
        "dstack atleast_3d atleast_2d",
        lambda x: np.dstack([x, x**2]) * np.atleast_3d(x) + np.atleast_2d(x[0, 0]),
        MATRIX,
    ),
    ("block of arrays", lambda x: np.block([[x, x[:, :1] ** 2], [np.ones((1, 5))]]), MATRIX),
    ("hsplit vsplit dsplit", lambda x: np.hsplit(x, 3)[1] * np.vsplit(x, 2)[0] * np.dsplit(x, [1])[0], CUBE),
    ("array_split unstack", lambda x: np.array_split(x, 2)[1] * np.unstack(x)[0], MATRIX),
    (
        "reshape and ravel in Fortran order",
        lambda x: x.reshape((4, 3), order="F") @ x + np.ravel(x, "F")[1],
        MATRIX,
    ),
    ("resize", lambda x: np.resize(x**2, (2, 4)), VECTOR),
    ("broadcast_arrays", lambda x: np.broadcast_arrays(x[:, None], x)[0] * x, VECTOR),
    (
        "matrix_transpose permute_dims",
        lambda x: np.matrix_transpose(x) * x.mT + np.permute_dims(x, (0, 2, 1)),
        CUBE,
    ),
    ("apply_along_axis", lambda x: np.apply_along_axis(lambda v: v * v.sum(), 0, x), MATRIX),
    ("apply_over_axes", lambda x: np.apply_over_axes(np.sum, x**2, [0, 2]), CUBE),
    (
        "vectorize",
        lambda x: np.vectorize(lambda t, a: t**2 if t > 0 else -a * t)(x, 3.0),
        away((5,)),
        lambda x: np.where(np.real(x) > 0, x**2, -3 * x),
    ),
    (
        "ndenumerate ndindex",
        lambda x: (
            sum(v**2 * (i + 2 * j) for (i, j), v in np.ndenumerate(x)) + sum(x[p] for p in np.ndindex(3, 4))
        ),
        MATRIX,
    ),
)

BUILDING = table(
    ("linspace between arrays", lambda x: np.linspace(x[:2], x[2:4] ** 2, 3), VECTOR),
    ("linspace along an axis", lambda x: np.linspace(x[:2], 3.0, 4, endpoint=False, axis=-1), VECTOR),
    (
        "logspace geomspace",
        lambda x: np.logspace(x[0], x[1], 4) + np.geomspace(x[2], x[3] ** 2, 4),
        positive((5,)),
        lambda x: 10 ** np.linspace(x[0], x[1], 4) + np.exp(np.linspace(np.log(x[2]), 2 * np.log(x[3]), 4)),
    ),
    (
        "arange of traced ends",
        lambda x: np.arange(x[0], x[0] + 2.0, 0.75) ** 2,
        VECTOR,
        lambda x: (x[0] + np.array([0, 0.75, 1.5])) ** 2,
    ),
    (
        "eye written to",
        lambda x: writes_into_eye(x),
        VECTOR,
        lambda x: np.stack([np.stack([1 + 0 * x[0], x[0] ** 2]), np.stack([0 * x[0], x[1]])]),
        False,
    ),
    (
        "r_ c_ mgrid",
        lambda x: np.r_[x[0], x[1:3], 1.0] @ np.c_[x[:4], x[1:]] + np.mgrid[0:2, 0:2][0].sum() * x[:2],
        VECTOR,
    ),
    (
        "fromfunction indices",
        lambda x: np.fromfunction(lambda i, j: i * x[0] + j, (2, 2)) * np.indices((2, 2))[1],
        VECTOR,
    ),
    ("fromiter", lambda x: np.fromiter((v**2 for v in x), float), VECTOR, lambda x: x**2, False),
    (
        "meshgrid ij sparse",
        lambda x: np.multiply(*np.meshgrid(x[:2], x[2:], indexing="ij", sparse=True)),
        VECTOR,
    ),
    ("tri and kron", lambda x: np.kron(np.tri(2), x[:, :2]) ** 2, MATRIX),
    ("array with ndmin, asfortranarray", lambda x: np.array(x, ndmin=2) * np.asfortranarray(x), VECTOR),
)


def writes_into_eye(x):
    a = np.eye(2)
    a[0, 1] = x[0] ** 2
    a[1, 1] = x[1]
    return a


METHODS_OF_UFUNCS = table(
    ("ufunc.at", ufunc_at, away((5,)), ufunc_at_twin),
    ("out= and where=", out_and_where, away((5,)), out_and_where_twin),
    (
        "logaddexp.reduce",
        lambda x: np.logaddexp.reduce(x, axis=1),
        MATRIX,
        lambda x: np.log(np.sum(np.exp(x), 1)),
    ),
    (
        "subtract.reduce divide.reduce",
        lambda x: np.subtract.reduce(x) * np.divide.reduce(x),
        away((4,)),
        lambda x: (x[0] - x[1] - x[2] - x[3]) * x[0] / (x[1] * x[2] * x[3]),
    ),
    (
        "reduce keepdims initial where",
        lambda x: np.add.reduce(
            x**2, axis=(0, 1), keepdims=True, initial=1.0, where=[True, False, True, True]
        ),
        MATRIX,
        lambda x: 1 + np.sum(x[:, [0, 2, 3]] ** 2, keepdims=True),
    ),
    (
        "accumulate",
        lambda x: np.add.accumulate(x) * np.multiply.accumulate(x) + np.subtract.accumulate(x),
        VECTOR,
    ),
    ("reduceat", lambda x: np.add.reduceat(x**2, [0, 2, 1]) * np.multiply.reduceat(x, [0, 2, 3]), VECTOR),
    ("outer", lambda x: np.subtract.outer(x, x**2) * np.multiply.outer(x, [1.0, 2.0, 3.0, 4.0, 5.0]), VECTOR),
    ("modf", lambda x: np.modf(x)[0] * x, positive((4,), low=1.1, high=1.9), lambda x: (x - 1) * x),
    (
        "frexp ldexp",
        lambda x: np.ldexp(np.frexp(x)[0], 2) ** 2,
        positive((4,), low=1.1, high=1.9),
        lambda x: 4 * x**2,
    ),
    (
        "divmod",
        lambda x: divmod(x, 3.0)[1] * np.divmod(7.0, x)[1],
        positive((4,), low=2.4, high=2.9),
        lambda x: x * (7 - 2 * x),
    ),
    ("logaddexp2 with a number", lambda x: np.logaddexp2(x, 1.0), VECTOR, lambda x: np.log2(2**x + 2)),
    (
        "signbit",
        lambda x: np.where(np.signbit(x), x**2, x),
        away((4,)),
        lambda x: np.where(np.real(x) < 0, x**2, x),
    ),
    (
        "matvec vecdot vecmat",
        lambda x: np.matvec(x, x[:, 0]) * np.vecdot(x, x) + np.vecmat(x[:, :, 0], x)[:, :3],
        CUBE,
        lambda x: (
            np.einsum("bij,bj->bi", x, x[:, 0]) * np.sum(x * x, -1)
            + np.einsum("bi,bij->bj", x[:, :, 0], x)[:, :3]
        ),
    ),
    (
        "cross of two and three components",
        lambda x: np.cross(x[:, :2], x[:, 2:]) * np.cross(x[:, 0], x[:, 1], axis=0)[0],
        MATRIX,
    ),
    ("einsum optimised", lambda x: np.einsum("ij,kj,kl->il", x, x, x, optimize=True), MATRIX),
    ("einsum by numbers", lambda x: np.einsum(x, [0, 1], x, [2, 1], [0, 2]), MATRIX),
    ("einsum diagonal of a stack", lambda x: np.einsum("iij->j", x[:, :2] ** 2), CUBE),
    ("einsum stretched", lambda x: np.einsum("...i,...i", x, x[:, :1]), CUBE),
    ("einsum of four", lambda x: np.einsum("i,ij,kj,k->", x[:, 0], x, x, x[:, 1]), MATRIX),
    (
        "linalg outer, multi_dot",
        lambda x: np.linalg.outer(x, x) * np.linalg.multi_dot([x, np.outer(x, x), x]),
        VECTOR,
    ),
)

Pair = namedtuple("Pair", "first second")


@dataclass
class State:
    position: float
    velocity: float

    def moved(self, h):
        """A step of free fall."""
        return replace(self, position=self.position + h * self.velocity, velocity=self.velocity - h)


class Polynomial:
    def __init__(self, *coefficients):
        self.coefficients = coefficients

    def __call__(self, t):
        total = 0.0
        for c in self.coefficients:
            total = total * t + c
        return total


def looks_up(x):
    """A table with equal steps, by the integer part."""
    i = int(x[0])
    f = x[0] - i
    return GRID[i] * (1 - f) + GRID[i + 1] * f + x[1] * i


def looks_up_twin(x):
    i = int(np.real(x[0]))
    f = x[0] - i
    return GRID[i] * (1 - f) + GRID[i + 1] * f + x[1] * i


def uses_exceptions(x):
    try:
        return math.sqrt(-abs(x[0])) * x
    except ValueError as error:
        return x**2 if "domain" in str(error) else x


def uses_errstate(x):
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(x > 0, np.log(x), 0.0)
    return ratio * x


def uses_objects(x):
    state = State(x[0], velocity=x[1])
    for _ in range(3):
        state = state.moved(0.1)
    pair = Pair(first=x[2], second=state.position)
    rate, *rest = pair
    return Polynomial(x[3], rate, 1.0)(pair.second) * rest[0] + state.velocity


def uses_objects_twin(x):
    p, v = x[0], x[1]
    for _ in range(3):
        p, v = p + 0.1 * v, v - 0.1
    return ((x[3] * p + x[2]) * p + 1.0) * p + v


def uses_itertools(x):
    sums = list(itertools.accumulate(x, lambda a, b: a * 0.5 + b))
    pairs = sum(a * b for a, b in itertools.product(x[:2], sums))
    return pairs + operator.mul(x[0], x[1]) + (last := x[-1]) * last


def uses_itertools_twin(x):
    sums = [x[0]]
    for v in x[1:]:
        sums.append(sums[-1] * 0.5 + v)
    return (x[0] + x[1]) * sum(sums) + x[0] * x[1] + x[-1] ** 2


def uses_types(x):
    total = 0.0
    for v in x:
        assert isinstance(v, float)
        assert isinstance(v, (int, np.floating))
        total += np.float64(v) ** 2
    assert isinstance(x, np.ndarray)
    return total if isinstance(total, float) else None


PYTHON = table(
    ("int() as an index", looks_up, positive((2,), low=1.1, high=1.9), looks_up_twin),
    (
        "round floor ceil to integers",
        lambda x: x * (round(x[0]) + math.floor(x[0]) + math.ceil(x[1])),
        positive((2,), low=1.6, high=1.9),
        lambda x: 5 * x,
    ),
    (
        "range of an integer",
        lambda x: sum(x * k for k in range(int(x[0]) + 2)),
        positive((2,), low=1.1, high=1.9),
        lambda x: 3 * x,
    ),
    (
        "list repeated by an integer",
        lambda x: sum([x[0]] * int(x[1])) * x,
        positive((2,), low=2.1, high=2.9),
        lambda x: 2 * x[0] * x,
    ),
    (
        "key of a dict by an integer",
        lambda x: {1: x**2, 2: x}[int(x[0])],
        positive((2,), low=1.1, high=1.9),
        lambda x: x**2,
    ),
    ("try except", uses_exceptions, VECTOR, lambda x: x**2),
    (
        "errstate",
        uses_errstate,
        away((4,)),
        lambda x: np.where(np.real(x) > 0, np.log(np.where(np.real(x) > 0, x, 1)), 0) * x,
    ),
    ("dataclass namedtuple callable", uses_objects, VECTOR, uses_objects_twin),
    ("itertools operator walrus", uses_itertools, VECTOR, uses_itertools_twin),
    ("isinstance", uses_types, VECTOR, lambda x: np.sum(x**2), False),
    (
        "math of iterables",
        lambda x: (
            math.fsum(v * v for v in x) * math.prod(list(x))
            + math.hypot(x[0], x[1], 2.0) * math.dist(x[:2], [3.0, 4.0])
        ),
        away((3,)),
        lambda x: (
            np.sum(x**2) * np.prod(x)
            + np.sqrt(x[0] ** 2 + x[1] ** 2 + 4) * np.sqrt((x[0] - 3) ** 2 + (x[1] - 4) ** 2)
        ),
        False,
    ),
    (
        "math.modf ldexp remainder",
        lambda x: math.modf(x)[0] * math.ldexp(x, 2) * math.remainder(x, 2.0),
        positive((), low=1.1, high=1.9),
        lambda x: (x - 1) * 4 * x * (x - 2),
    ),
    (
        "reversed and membership",
        lambda x: sum(v * k for k, v in enumerate(reversed(x))) * (9.0 not in x),
        VECTOR,
        lambda x: np.sum(x[::-1] * np.arange(5)),
    ),
    (
        "piecewise",
        lambda x: np.piecewise(x, [x < 0, x > 1], [lambda t: t**2, np.sin, 3.0]),
        away((4,), low=0.2, high=0.9),
        lambda x: np.where(np.real(x) < 0, x**2, 3.0),
    ),
    (
        "nan_to_num isposinf array_equiv",
        lambda x: np.nan_to_num(x) * ~np.isposinf(x) * np.array_equiv(x, x),
        VECTOR,
        lambda x: x,
    ),
)

CASES = PICKING + SHAPES + BUILDING + METHODS_OF_UFUNCS + PYTHON
