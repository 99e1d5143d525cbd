"""Indexing, slicing and moving elements: the forms NumPy users write."""

import numpy as np

from tests.laws.case import table
from tests.laws.domains import real

VECTOR = real((5,))
MATRIX = real((3, 4))
CUBE = real((2, 3, 4))

INDEXING = table(
    ("one element", lambda x: x[2] ** 2, VECTOR),
    ("negative element", lambda x: x[-1] * x[-2], VECTOR),
    ("unpack", lambda x: (lambda a, b, c: a * b - c)(*x[:3]), VECTOR),
    ("interior", lambda x: x[1:-1] ** 2, VECTOR),
    ("second differences", lambda x: x[2:] - 2 * x[1:-1] + x[:-2], VECTOR),
    ("strided", lambda x: x[::2] * x[::2], VECTOR),
    ("strided with start", lambda x: x[1::3] ** 2, VECTOR),
    ("reversed", lambda x: x[::-1] * x, VECTOR),
    ("reversed part", lambda x: x[3:0:-1] ** 2, VECTOR),
    ("reversed stride", lambda x: x[::-2] ** 2, VECTOR),
    ("empty slice", lambda x: x[3:1], VECTOR),
    ("beyond the end", lambda x: x[2:99] ** 2, VECTOR),
    ("row", lambda x: x[1] ** 2, MATRIX),
    ("column", lambda x: x[:, -1] ** 2, MATRIX),
    ("element of a matrix", lambda x: x[1, 2] * x[0][1], MATRIX),
    ("block", lambda x: x[1:, ::2] ** 2, MATRIX),
    ("ellipsis", lambda x: x[..., 0] ** 2 + x[0, ..., 1][0], CUBE),
    ("newaxis", lambda x: x[:, None] * x[None, :], VECTOR),
    ("newaxis and ellipsis", lambda x: x[..., np.newaxis] * x[:, None], VECTOR),
    ("integer array", lambda x: x[np.array([3, 0, 0])] ** 2, VECTOR),
    ("list of integers", lambda x: x[[1, -1]] ** 2, VECTOR),
    ("integer array of two dimensions", lambda x: x[np.array([[0, 1], [1, 4]])] ** 2, VECTOR),
    ("integer array on an axis", lambda x: x[:, [2, 0, 2]] ** 2, MATRIX),
    ("two integer arrays", lambda x: x[[0, 1, 1], [3, 0, 0]] ** 2, MATRIX),
    ("integer arrays that broadcast", lambda x: x[np.array([[0], [2]]), np.array([1, 3])] ** 2, MATRIX),
    ("integer array and slice", lambda x: x[[0, 2], 1:3] ** 2, MATRIX),
    ("integer and integer array", lambda x: x[1, [0, 2]] ** 2, MATRIX),
    ("constant mask", lambda x: x[np.array([True, False, True, True, False])] ** 2, VECTOR),
    ("np.ix_", lambda x: x[np.ix_([0, 2], [1, 3])] ** 2, MATRIX),
    ("take", lambda x: np.take(x, [1, 1, 0], axis=1) ** 2, MATRIX),
    ("take flat", lambda x: np.take(x, [1, 7, 0]) ** 2, MATRIX),
    ("take method", lambda x: x.take([2, 0]) ** 2, VECTOR),
    ("diag of a matrix", lambda x: np.diag(x[:, :3]) ** 2, MATRIX),
    ("diag of a vector", lambda x: np.diag(x) @ x, VECTOR),
    ("trace", lambda x: np.trace(x[:, :3] @ x[:, :3]), MATRIX),
    ("tril triu", lambda x: np.tril(x) ** 2 + np.triu(x, 1), MATRIX),
)

MOVING = table(
    ("roll", lambda x: np.roll(x, 2) * x, VECTOR),
    ("roll negative", lambda x: np.roll(x, -1) * x, VECTOR),
    ("roll axis", lambda x: np.roll(x, 1, axis=0) * np.roll(x, -1, 1), MATRIX),
    ("roll two axes", lambda x: np.roll(x, (1, -2), axis=(0, 1)) * x, MATRIX),
    ("roll flat", lambda x: np.roll(x, 3) * x, MATRIX),
    (
        "periodic Laplacian",
        lambda z: z * (np.roll(z, 1, 0) + np.roll(z, -1, 0) + np.roll(z, 1, 1) - 4 * z),
        MATRIX,
    ),
    ("pad", lambda x: np.pad(x, 1) ** 2, VECTOR),
    ("pad pairs", lambda x: np.pad(x, ((1, 0), (0, 2))) ** 2, MATRIX),
    ("pad with a number", lambda x: np.pad(x, (2, 1), constant_values=3.0) ** 2, VECTOR),
    ("pad edge", lambda x: np.pad(x, 1, mode="edge") ** 2, VECTOR),
    ("pad wrap", lambda x: np.pad(x, (1, 2), mode="wrap") ** 2, VECTOR),
    ("pad reflect", lambda x: np.pad(x, 2, mode="reflect") ** 2, VECTOR),
    ("concatenate", lambda x: np.concatenate([x[3:], x, [1.0]]) ** 2, VECTOR),
    ("concatenate axis", lambda x: np.concatenate((x, 2 * x[:, :1]), axis=1) ** 2, MATRIX),
    ("stack", lambda x: np.stack([x, x**2]) * x, VECTOR),
    ("stack last axis", lambda x: np.stack([x, x**2], axis=-1) ** 2, VECTOR),
    ("vstack hstack", lambda x: np.vstack([x, x * x]) @ np.hstack([x[:2], x[2:]]), VECTOR),
    ("column_stack", lambda x: np.column_stack([x, x**2]) ** 2, VECTOR),
    ("append", lambda x: np.append(x, x[0] ** 2), VECTOR),
    ("reshape", lambda x: x.reshape(4, 3) @ x, MATRIX),
    ("reshape with -1", lambda x: np.reshape(x, (-1, 2)) ** 2, MATRIX),
    ("ravel flatten", lambda x: x.ravel() * x.flatten(), MATRIX),
    ("T", lambda x: x.T @ x, MATRIX),
    ("transpose axes", lambda x: np.transpose(x, (2, 0, 1)) ** 2, CUBE),
    ("swapaxes moveaxis", lambda x: np.swapaxes(x, 0, 2) * np.moveaxis(x, 0, -1).transpose(1, 0, 2), CUBE),
    ("flip", lambda x: np.flip(x) * x, MATRIX),
    ("flip axis", lambda x: np.flip(x, 1) * x + np.fliplr(x) * np.flipud(x), MATRIX),
    ("squeeze expand_dims", lambda x: np.squeeze(np.expand_dims(x, 1)) ** 2, VECTOR),
    ("broadcast_to", lambda x: np.broadcast_to(x, (2, 5)) ** 2, VECTOR),
    ("tile repeat", lambda x: np.tile(x, 2) * np.repeat(x, 2), VECTOR),
    ("split", lambda x: np.split(x, [2])[0] * np.split(x, [2])[1][:2], VECTOR),
    ("diff", lambda x: np.diff(x) ** 2, VECTOR),
    ("diff twice", lambda x: np.diff(x, n=2) ** 2, VECTOR),
    ("diff axis", lambda x: np.diff(x, axis=0) ** 2, MATRIX),
    ("gradient", lambda x: np.gradient(x) ** 2, VECTOR),
    ("gradient with spacing", lambda x: np.gradient(x, 0.5) ** 2, VECTOR),
    ("meshgrid", lambda x: (lambda a, b: a * b)(*np.meshgrid(x, x[:2])), VECTOR),
    ("atleast_1d", lambda x: np.atleast_1d(x[0]) ** 2, VECTOR),
    ("copy", lambda x: np.copy(x) * x.copy(), VECTOR),
    ("asarray array", lambda x: np.asarray(x) * np.array(x), VECTOR),
    (
        "zeros_like ones_like full_like",
        lambda x: x * np.ones_like(x) + np.zeros_like(x) + x * np.full_like(x, 2.0),
        VECTOR,
    ),
)

CASES = INDEXING + MOVING
