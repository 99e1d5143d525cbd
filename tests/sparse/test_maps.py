"""Index maps: axes that are combined."""

import numpy as np

from diffsci.sparse.maps import identity, relabelled


def test_relabelled_follows_einsum():
    sizes = {"i": 2, "j": 3, "k": 4}
    found = relabelled(identity((2, 3)), "ij", "ki", sizes)
    assert found.shape == (3, 4, 2)
    assert np.array_equal(found[:, 1], [[1, 4], [2, 5], [3, 6]])


def test_axes_along_which_a_map_repeats_itself_count_once():
    stretched = np.broadcast_to(identity((5, 1)), (5, 1000))
    assert relabelled(stretched, "ij", "i", {"i": 5, "j": 1000}).shape == (1, 5)
