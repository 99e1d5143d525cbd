"""The logistic function's relatives, their slopes, and sums of two exponentials."""

from tests.kernel.samples.make import uniform

SAMPLES = [
    *[(name, [uniform(3)], {}) for name in ("sigmoid_slope", "sech_squared", "logit_slope", "logcosh")],
    *[(name, [-uniform(3)], {}) for name in ("log1mexp", "log1mexp_slope")],
    ("sigmoid_of_two", [uniform(3)], {}),
    ("logsubexp", [uniform(3, low=1.0, high=2.0), uniform(3)], {}),
]
DOMAINS = {
    "sigmoid_of_two": [(-40.0, 40.0)],
    "logsubexp": [(1.0, 2.0), (-40.0, 0.9)],
    "sigmoid_slope": [(-40.0, 40.0)],
    "sech_squared": [(-20.0, 20.0)],
    "logcosh": [(-40.0, 40.0)],
    "logit": [(0.01, 0.99)],
    "logit_slope": [(0.01, 0.99)],
    "log1mexp": [(-40.0, -0.01)],
    "log1mexp_slope": [(-40.0, -0.01)],
}
