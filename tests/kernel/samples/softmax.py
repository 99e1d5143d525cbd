"""Sums of exponentials along an axis, and the linear maps of their derivatives."""

from tests.kernel.samples.make import uniform

SAMPLES = [
    *[
        (name, [uniform(*shape)], {"axis": axis})
        for name in ("logsumexp", "softmax", "log_softmax")
        for shape, axis in (((3,), 0), ((2, 3), 0), ((2, 3, 2), 1))
    ],
    *[
        (name, [uniform(*shape), uniform(*shape)], {"axis": axis})
        for name in ("softmax_product", "softmax_deviation", "softmax_centering")
        for shape, axis in (((3,), 0), ((2, 3), 0), ((2, 3, 2), 1))
    ],
]
FLAT = [("difference_error", [uniform(3), uniform(3)], {})]
DOMAINS = {
    **{name: [(-40.0, 40.0)] for name in ("logsumexp", "softmax", "log_softmax")},
    **{
        name: [(-40.0, 40.0), (-1.0, 1.0)]
        for name in ("softmax_product", "softmax_deviation", "softmax_centering")
    },
}
