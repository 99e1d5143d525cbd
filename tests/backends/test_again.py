"""Elements that native code cannot vouch for are computed again, those alone."""

import numpy as np

import diffsci as ds
from diffsci.graph import lookup


def test_elements_wanted_are_replaced():
    x = np.linspace(0.1, 1.0, 4)
    wanted = np.array([True, False, True, False])
    found = lookup("repaired").value(np.zeros(4), wanted, x, of="sinc_derivative", options=(("order", 2),))
    exact = lookup("sinc_derivative").value(x, order=2)
    np.testing.assert_array_equal(found, np.where(wanted, exact, 0.0))
    assert lookup("repaired").value(
        np.zeros(()), np.array(True), np.array(0.5), of="sin", options=()
    ) == np.sin(0.5)


def test_one_hard_element_of_many_in_compiled_code():
    zero = 1.4302966531242027  # of the derivative of sinc
    x = np.concatenate([np.linspace(-30.0, 30.0, 2001), [zero, np.nextafter(zero, 2.0)]])
    slope = ds.grad(lambda x: np.sum(np.sinc(x)))
    np.testing.assert_allclose(ds.jit(slope)(x), slope(x), rtol=1e-12)
