"""SciPy's functions of the gamma family, of which native code makes ours."""

from tests.kernel.samples.make import uniform

SAMPLES = [(name, [uniform(3, low=0.5, high=4.0)], {}) for name in ("rough_gammaln", "rough_psi")]
