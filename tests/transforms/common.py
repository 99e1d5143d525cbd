"""What the tests of transformations share."""

import numpy as np

import diffsci as ds


def reverse_over_reverse(f):
    return ds.jacobian(ds.grad(f), mode="reverse")


def forward_over_forward(f):
    def bent(x):
        eye = np.eye(x.size)

        def slope(x):
            return np.stack([ds.jvp(f, (x,), (row,))[1] for row in eye])

        return np.stack([ds.jvp(slope, (x,), (row,))[1] for row in eye])

    return bent


# Names of what is done to a scalar function of a vector; each gives the same as of its plain twin.
MODES = {
    "value": lambda f: f,
    "grad": ds.grad,
    "hessian": ds.hessian,
    "reverse over reverse": reverse_over_reverse,
    "forward over forward": forward_over_forward,
    "third order": lambda f: ds.jacobian(ds.hessian(f)),
    "jit grad": lambda f: ds.jit(ds.grad(f)),
    "jit hessian": lambda f: ds.jit(ds.hessian(f)),
    "vmap grad": lambda f: lambda x: ds.vmap(ds.grad(f))(np.stack([x, 1.1 * x])),
    "grad vmap": lambda f: ds.grad(lambda x: np.sum(ds.vmap(f)(np.stack([x, 1.1 * x])) ** 2)),
    "jit vmap hessian": lambda f: ds.jit(lambda x: ds.vmap(ds.hessian(f))(np.stack([x, 1.1 * x]))),
    "taylor": lambda f: lambda x: np.array(ds.taylor(f, (x,), (np.ones_like(x),), 3)),
    "checkpoint": lambda f: ds.hessian(ds.checkpoint(f)),
}


def agree(found, expected, tolerance=1e-11):
    """Compare relative to the largest entry."""
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    assert np.all(np.isfinite(expected))
    size = np.max(np.abs(expected), initial=1e-3)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * size)
