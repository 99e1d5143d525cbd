"""Half the sum of squares: its gradient is the Jacobian's transpose times the residuals."""

import numpy as np

from benchmarks.adbench import contest


def test_gradient_of_half_the_sum_of_squares_of_the_hand():
    point = contest.points()["hand, simple"]
    residuals, jacobian = (function() for function in contest.diffsci_functions("hand, simple", point))
    alone, both = contest.squares_functions("hand, simple", point)
    value, (gradient,) = both()
    np.testing.assert_allclose([alone(), value], 0.5 * residuals @ residuals, rtol=1e-12)
    np.testing.assert_allclose(
        gradient, jacobian.T @ residuals, rtol=1e-10, atol=1e-10 * np.abs(gradient).max()
    )
