"""The logistic function's relatives and their slopes."""

from tests.kernel.samples.make import uniform

SAMPLES = [
    *[(name, [uniform(3)], {}) for name in ("sigmoid_slope", "logit_slope", "logcosh")],
    *[(name, [-uniform(3)], {}) for name in ("log1mexp", "log1mexp_slope")],
]
DOMAINS = {
    "sigmoid_slope": [(-40.0, 40.0)],
    "logcosh": [(-40.0, 40.0)],
    "logit": [(0.01, 0.99)],
    "logit_slope": [(0.01, 0.99)],
    "log1mexp": [(-40.0, -0.01)],
    "log1mexp_slope": [(-40.0, -0.01)],
}
