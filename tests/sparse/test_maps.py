"""Index maps: moving elements, combining axes, and what is affine in them."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from diffsci.sparse.maps import identity, pieces, relabelled


def rebuilt(index, found):
    made = np.zeros(index.shape, dtype=np.int64)
    for box, offset, strides in found:
        places = np.indices(made[box].shape)
        made[box] = 1 + offset + sum(stride * k for stride, k in zip(strides, places, strict=True))
    return made


@st.composite
def moves(draw):
    """A random chain of rolls, pads, slices, flips and transposes."""
    index = identity(draw(st.sampled_from([(7,), (4, 5), (3, 4, 5), (6, 2)])))
    for kind in draw(st.lists(st.sampled_from(["roll", "pad", "slice", "flip", "transpose"]), max_size=4)):
        axis = draw(st.integers(0, index.ndim - 1))
        if kind == "roll":
            index = np.roll(index, draw(st.integers(0, 3)), axis)
        elif kind == "pad":
            index = np.pad(
                index, [(draw(st.integers(0, 2)), 1) if k == axis else (0, 0) for k in range(index.ndim)]
            )
        elif kind == "slice":
            first, step = draw(st.integers(0, 1)), draw(st.integers(1, 2))
            index = index[(slice(None),) * axis + (slice(first, None, step),)]
        elif kind == "flip":
            index = np.flip(index, axis)
        else:
            index = index.T
    return index


@settings(max_examples=150, deadline=None, derandomize=True)
@given(moves())
def test_pieces_of_moved_elements(index):
    found = pieces(index)
    assert found is not None
    assert np.array_equal(rebuilt(index, found), index)


@pytest.mark.parametrize(("shift", "boxes"), [((0, 0), 1), ((1, 0), 2), ((1, 2), 4)])
def test_a_roll_of_a_box_is_cut_where_it_wraps(shift, boxes):
    assert len(pieces(np.roll(identity((8, 9)), shift, (0, 1)))) == boxes


def test_an_open_stencil_is_one_piece():
    (piece,) = pieces(np.pad(identity((5, 6)), 1))
    assert piece.box == (slice(1, 6), slice(1, 7))
    assert (piece.offset, piece.strides) == (0, (6, 1))


def test_what_is_not_affine_has_no_pieces():
    assert pieces(np.random.default_rng(0).permutation(600).astype(np.int32) + 1) is None


def test_relabelled_follows_einsum():
    sizes = {"i": 2, "j": 3, "k": 4}
    found = relabelled(identity((2, 3)), "ij", "ki", sizes)
    assert found.shape == (3, 4, 2)
    assert np.array_equal(found[:, 1], [[1, 4], [2, 5], [3, 6]])


def test_axes_along_which_a_map_repeats_itself_count_once():
    stretched = np.broadcast_to(identity((5, 1)), (5, 1000))
    assert relabelled(stretched, "ij", "i", {"i": 5, "j": 1000}).shape == (1, 5)
