"""Complex functions: values of NumPy, complex derivatives, the convention of gradients, in-place writes."""

import cmath
import warnings

import mpmath
import numpy as np
import numpy.polynomial as P
import pytest
import scipy.linalg
import scipy.sparse

import diffsci as ds

RNG = np.random.default_rng(20261122)


def numbers(*shape):
    return RNG.normal(size=shape) + 1j * RNG.normal(size=shape)


SPARSE = scipy.sparse.csr_array([[1.0, 0, 2], [0, 3, 0], [0, 1, 1]])
Z = numbers(3)
M = numbers(3, 3)
X = RNG.normal(size=(2, 4))

# name: (NumPy's function, the same in mpmath)
HOLOMORPHIC = {
    "exp": (np.exp, mpmath.exp),
    "expm1": (np.expm1, mpmath.expm1),
    "log": (np.log, mpmath.log),
    "log2": (np.log2, lambda z: mpmath.log(z) / mpmath.log(2)),
    "log10": (np.log10, mpmath.log10),
    "log1p": (np.log1p, lambda z: mpmath.log(1 + z)),
    "sqrt": (np.sqrt, mpmath.sqrt),
    "sin": (np.sin, mpmath.sin),
    "cos": (np.cos, mpmath.cos),
    "tan": (np.tan, mpmath.tan),
    "sinh": (np.sinh, mpmath.sinh),
    "cosh": (np.cosh, mpmath.cosh),
    "tanh": (np.tanh, mpmath.tanh),
    "arcsin": (np.arcsin, mpmath.asin),
    "arccos": (np.arccos, mpmath.acos),
    "arctan": (np.arctan, mpmath.atan),
    "arcsinh": (np.arcsinh, mpmath.asinh),
    "arccosh": (np.arccosh, mpmath.acosh),
    "arctanh": (np.arctanh, mpmath.atanh),
    "square": (np.square, lambda z: z * z),
    "reciprocal": (np.reciprocal, lambda z: 1 / z),
    "integer power": (lambda z: z**5, lambda z: z**5),
    "negative power": (lambda z: z**-3, lambda z: z**-3),
    "real power": (lambda z: z**1.7, lambda z: z ** mpmath.mpf(1.7)),
    "complex power": (lambda z: z ** (0.3 + 2j), lambda z: z ** mpmath.mpc(0.3, 2)),
    "power of a number": (lambda z: 2.0**z, lambda z: mpmath.mpf(2) ** z),
    "quotient": (lambda z: (z + 1j) / (z * z - 2), lambda z: (z + 1j) / (z * z - 2)),
}
POINTS = np.concatenate(
    [numbers(12), 10.0 ** RNG.uniform(-6, 1, 6) * np.exp(2j * np.pi * RNG.uniform(size=6)), [1 + 1e-3j]]
)


@pytest.mark.parametrize("name", HOLOMORPHIC)
def test_holomorphic_functions(name):
    function, exact = HOLOMORPHIC[name]
    with mpmath.workdps(40):
        points = [mpmath.mpc(z.real, z.imag) for z in POINTS]
        values = np.array([complex(exact(z)) for z in points])
        slopes = np.array([complex(mpmath.diff(exact, z)) for z in points])
        bends = np.array([complex(mpmath.diff(exact, z, 2)) for z in points])
    direction = np.exp(1j * np.arange(len(POINTS)))
    value, tangent = ds.jvp(function, (POINTS,), (direction,))
    np.testing.assert_allclose(value, values, rtol=3e-15)
    np.testing.assert_allclose(tangent, slopes * direction, rtol=2e-14)
    # The pullback is the adjoint: <w, f' v> = <conj(f') w, v> with <w, v> = Re(conj(w) v).
    (gradient,) = ds.vjp(function, POINTS)[1](direction)
    np.testing.assert_allclose(gradient, np.conj(slopes) * direction, rtol=2e-14)

    def slope(z):
        return ds.jvp(function, (z,), (np.ones_like(POINTS),))[1]

    bend = ds.jvp(slope, (POINTS,), (np.ones_like(POINTS),))[1]
    np.testing.assert_allclose(bend, bends, rtol=1e-11)


@pytest.mark.parametrize("name", "sqrt log arcsin arccos arctan arcsinh arccosh arctanh".split())
def test_both_sides_of_branch_cuts(name):
    cut = {"sqrt": [-2.0], "log": [-2.0], "arccosh": [-2.0, 0.5]}.get(name, [-2.0, 2.0])
    points = np.array([complex(x, y) for x in cut for y in (0.0, -0.0)])
    points = points * 1j if name in ("arctan", "arcsinh") else points
    if name in ("arctan", "arcsinh"):
        points = np.array([complex(y, z.imag) for z, y in zip(points, (0.0, -0.0) * len(cut), strict=True)])
    function = getattr(np, name)
    np.testing.assert_allclose(ds.vjp(lambda z: function(z), points)[0], function(points), rtol=1e-15)


def test_infinities_and_nans():
    points = np.array([complex(np.nan, 1), complex(np.inf, 0), complex(-np.inf, 1), 0j, complex(800, 0)])
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for function in (np.exp, np.abs, np.log, np.square, np.isnan, np.isinf, np.isfinite):
            expected = function(points)
            np.testing.assert_array_equal(ds.vjp(lambda z, f=function: f(z), points)[0], expected)
        np.testing.assert_array_equal(ds.vjp(lambda z: z / 0.0, points[3:])[0], points[3:] / 0.0)
    # A real factor acts on both parts, as in C99; NumPy makes it complex first and gets NaN from inf * 0.
    assert ds.vjp(lambda z: z * 2.0, complex(np.inf, 1))[0] == complex(np.inf, 2)
    assert ds.vjp(lambda z, w: z / w, 1e200 + 1e200j, 1e200 + 2e200j)[0] == pytest.approx(0.6 - 0.2j)


# the convention ----------------------------------------------------------------------------------------


def test_gradient_of_a_real_function():
    np.testing.assert_allclose(ds.grad(lambda z: np.sum(np.abs(z) ** 2))(Z), 2 * Z, rtol=1e-15)
    np.testing.assert_allclose(ds.grad(lambda z: np.sum((z * z.conj()).real))(Z), 2 * Z, rtol=1e-15)
    np.testing.assert_allclose(ds.grad(lambda z: np.sum(np.abs(z)))(Z), Z / np.abs(Z), rtol=1e-15)
    # Of the real part of an analytic function: the conjugate of its derivative.
    np.testing.assert_allclose(ds.grad(lambda z: np.sum(np.exp(z).real))(Z), np.exp(Z).conj(), rtol=1e-15)
    np.testing.assert_allclose(ds.grad(lambda z: np.angle(z))(3 + 4j), (-4 + 3j) / 25, rtol=1e-15)
    np.testing.assert_allclose(ds.grad(np.abs)(0j), 0.0)


def test_gradient_descends():
    z, target = 1 - 2j, 3 + 0.5j

    def loss(z):
        return np.abs(z - target) ** 2

    for _ in range(60):
        z = z - 0.2 * ds.grad(loss)(z)
    assert z == pytest.approx(target)


def test_jacobians():
    np.testing.assert_allclose(
        ds.jacobian(lambda z: np.exp(z) * z[0])(Z),
        np.diag(np.exp(Z) * Z[0]) + np.outer(np.exp(Z), [1, 0, 0]),
        rtol=1e-14,
    )
    for mode in ("forward", "reverse"):
        np.testing.assert_allclose(ds.jacobian(lambda z: M @ z, mode=mode)(Z), M, rtol=1e-14)
        np.testing.assert_allclose(ds.jacobian(lambda x: M @ x, mode=mode)(np.ones(3)), M, rtol=1e-14)
        real = ds.jacobian(lambda z: np.abs(z) ** 2, mode=mode)(Z)
        np.testing.assert_allclose(real, np.diag(2 * Z), atol=1e-15)
    with pytest.raises(TypeError, match="Cauchy-Riemann"):
        ds.jacobian(np.conj)(Z)
    with pytest.raises(TypeError, match="complex matrix"):
        ds.hessian(lambda z: np.sum(np.abs(z) ** 2))(Z)


def test_hessian_vector_products():
    direction = numbers(3)
    found = ds.hvp(lambda z: np.sum(np.abs(z) ** 4), (Z,), (direction,))
    expected = 4 * np.abs(Z) ** 2 * direction + 8 * Z * (Z.conj() * direction).real
    np.testing.assert_allclose(found, expected, rtol=1e-13)


def test_linearize_is_jvp():
    out, push = ds.linearize(lambda z: np.sqrt(z) @ z, Z)
    value, moved = ds.jvp(lambda z: np.sqrt(z) @ z, (Z,), (1j * Z,))
    assert out == value
    np.testing.assert_allclose(push(1j * Z), moved, rtol=1e-14)


# idioms ------------------------------------------------------------------------------------------------


def writes(z):
    out = np.zeros((2, 3), complex)
    out[0] = z
    out[1, ::2] = z[:2].conj()
    out[1, 1] = z.real[0]
    out += 1
    out -= 1j * out.sum()
    out /= 2 + 1j
    return out.ravel() @ out.T.ravel()


def aliases(z):
    y = z.copy()
    turned = y[::-1]
    turned[0] = y[1] * 2
    y.real[1:] = turned.imag[:2]
    y.imag *= 2
    y[:] = y[::-1]
    y[np.array([True, False, True])] += 1j
    y[[0, 1]] = y[[1, 0]]
    return y


def memory(z):
    y = z.copy()
    parts = y.view(float)
    parts[1] = 5.0
    parts[2:4] *= parts[0]
    y[0] += 1j * y[1]
    return y * parts[3] + parts.sum()


def memory_back(x):
    y = x.copy()
    pairs = y.view(np.result_type(y, 1j))
    pairs[:, 0] *= 1j
    pairs.imag[1] = 3.0
    return y * np.abs(pairs).sum()


def branches(z):
    total = 0j
    for v in z:
        total += v * v if v.real > 0 else v.conjugate()
    return np.array([total, 1.0, z[0]])


def plain_python(x):
    w = complex(x[0, 0], x[0, 1])
    w = cmath.exp(w) * cmath.sqrt(-w)
    r, phi = cmath.polar(w)
    w += cmath.log(w, 2) + cmath.rect(r, 2 * phi)
    assert isinstance(w, complex)
    return w.real * abs(w), w.imag


def schroedinger(x):
    psi = np.exp(-(x**2)) * np.exp(2j * x)
    hamiltonian = -np.eye(4, k=1) - np.eye(4, k=-1)
    for _ in range(3):
        psi = psi - 0.1j * (psi @ hamiltonian)
    return np.abs(psi) ** 2


def propagator(m):
    energies, states = np.linalg.eigh(m)
    return (states * np.exp(-1j * energies)) @ states.conj().T


def masks(z):
    y = z.copy()
    right = z.real > 0
    y[right] = np.sqrt(z[right])
    y[~right] *= 2j
    y[y.imag > 0] = 1j * z.real[y.imag > 0]
    return y * z[right].sum()


IDIOMS = {
    "writes": (writes, Z),
    "masks": (masks, Z),
    "aliases": (aliases, Z),
    "view as float": (memory, Z),
    "view as complex": (memory_back, X),
    "branches": (branches, Z),
    "complex() and cmath": (plain_python, X),
    "real to complex to real": (schroedinger, X),
    "arrays of numbers": (lambda x: np.array([x[0, 0], 1j * x[1, 1], x[0, 1] + 0j]), X),
    "where and select": (lambda z: np.where(z.real > 0, z, 2.0) * np.select([z.imag > 0], [z], 1j), Z),
    "parts": (lambda z: (np.real(z), np.imag(z), z.conj(), np.angle(z, deg=True), abs(z)), Z),
    "reductions": (lambda m: (m.sum(0), m.mean(), np.prod(m, 1), np.cumprod(m, 0), np.cumsum(m)), M),
    "spread": (lambda m: (np.var(m, axis=0, ddof=1), np.std(m)), M),
    "products": (lambda m: (m @ m.conj().T, np.vdot(m, m * 1j), np.kron(m[0], m[1]), np.dot(m, m[0])), M),
    "einsum": (lambda m: np.einsum("ij,kj->ik", m, m.conj()), M),
    "convolutions": (lambda z: (np.convolve(z, z[:2]), np.correlate(z, z[:2], "full")), Z),
    "norms": (lambda m: (np.linalg.norm(m), np.linalg.norm(m, 1), np.linalg.norm(m, 3, axis=1)), M),
    "systems": (lambda m: (np.linalg.solve(m, m[0]), np.linalg.inv(m), np.linalg.matrix_power(m, -3)), M),
    "determinants": (lambda m: (np.linalg.det(m), tuple(np.linalg.slogdet(m))), M),
    "Hermitian matrices": (lambda m: (np.linalg.eigvalsh(m), propagator(m), np.linalg.eigvalsh(m, "U")), M),
    "quotients": (lambda z: (z / z[0], 1.0 / z, z / 2.0, 2j / z.real), Z),
    "add.at": (lambda z: [y := z.copy(), np.add.at(y, [0, 0], z[0])][0], Z),
    "out": (lambda z: np.exp(z, out=np.empty_like(z)), Z),
    "sign": (np.sign, Z),
    "sinc": (np.sinc, Z * np.array([1.0, 0.01, 1e-6])),
    "interp": (lambda z: np.interp([0.5, 1.5], [0, 1, 2], z), Z),
    "gradient": (lambda m: (np.gradient(m, axis=0), np.trapezoid(m), np.diff(m)), M),
    "polynomials": (
        lambda z: (np.polyval(z, 1 + 2j), np.polymul(z, z), P.chebyshev.chebval(z, [1, 2, 3.0])),
        Z,
    ),
    "triangles": (
        lambda m: (
            scipy.linalg.solve_triangular(m, m[0], lower=True),
            scipy.linalg.solve_triangular(m, m[0], trans="C", unit_diagonal=True),
            scipy.linalg.toeplitz(m[0]),
        ),
        M,
    ),
    "functions of matrices": (lambda m: (scipy.linalg.expm(m), scipy.linalg.sqrtm(m)), M),
    "sparse matrices": (lambda z: (SPARSE @ z, z @ SPARSE, (SPARSE * 2j) @ z), Z),
    "moves": (lambda m: (np.roll(m, 1), np.pad(m, 1), np.tril(m), np.flip(m, 0), np.repeat(m, 2)), M),
}


@pytest.mark.parametrize("name", IDIOMS)
def test_every_law(name):
    function, point = IDIOMS[name]
    result = ds.check_all(function, point)
    assert result.passed, result


def test_gradient_check():
    assert ds.check_grad(lambda z: np.sum(np.abs(np.exp(z)) ** 2), Z).passed
    assert "z[0].imag" in str(ds.check_grad(lambda z: np.sum(np.abs(np.exp(z)) ** 2), Z))


COEFFICIENT = 0.5 - 2j
FACTORS = np.array([1j, 2.0, 3 + 1j])


def test_complex_globals_and_closures_are_inputs():
    global COEFFICIENT
    factors = FACTORS.copy()
    compiled = ds.jit(lambda z: np.sum(factors * z) * COEFFICIENT)
    for value in (0.5 - 2j, 1 + 1j, 2.0, 3j):
        COEFFICIENT = value
        factors[0] *= 2
        assert compiled(Z) == pytest.approx(np.sum(factors * Z) * value)
    COEFFICIENT = 0.5 - 2j


def test_dtypes():
    single = Z.astype(np.complex64)
    for function in (
        lambda z: 2j * z,
        lambda z: np.exp(z) / 3,
        np.abs,
        lambda z: z.real * 1j,
        lambda z: z + np.complex128(1),
        lambda z: z.astype(complex),
        lambda z: np.zeros(3, np.complex64) + z,
        lambda z: np.array([z[0], 1.0]),
    ):
        found, expected = ds.vjp(function, single)[0], function(single)
        assert found.dtype == expected.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert ds.grad(lambda z: np.sum(np.abs(z)))(single).dtype == np.complex64
    assert ds.jvp(lambda x: 1j * x, (np.float32(2),), (np.float32(1),))[1].dtype == np.complex64


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        (lambda z: z < 1, TypeError, "use .real, .imag or abs"),
        (lambda z: np.maximum(z, 0), ds.UnsupportedError, "no order"),
        (lambda z: np.sort(z), ds.UnsupportedError, "numpy.sort of complex values"),
        (lambda z: z.astype(float), TypeError, "take .real"),
        (lambda z: float(z[0]), TypeError, "take .real|use .real"),
        (lambda z: np.zeros(3).__setitem__(0, z[0]), TypeError, "write .real"),
        (lambda z: z.real.__imul__(1j), TypeError, "write .real"),
        (lambda z: np.arctan2(z, 1), ds.UnsupportedError, "arctan2 of complex values"),
        (lambda z: np.percentile(z, 3), ds.UnsupportedError, "numpy.percentile of complex values"),
        (lambda z: z % 2, TypeError, "not defined for complex"),
    ],
)
def test_refusals_name_the_line(function, error, text):
    with pytest.raises(error, match=text) as caught:
        ds.vjp(function, Z)
    assert "test_complex.py" in str(caught.value)


def test_results_that_are_no_real_number():
    with pytest.raises(TypeError, match=r"take .real"):
        ds.grad(lambda z: z[0])(Z)
    with pytest.raises(TypeError, match="its primal is real"):
        ds.jvp(np.exp, (1.0,), (1j,))


# transformations and loops ------------------------------------------------------------------------------


@ds.custom_jvp
def squared(z):
    return z * z


@squared.defjvp
def squared_rule(primals, tangents):
    return squared(primals[0]), 2 * primals[0] * tangents[0]


@ds.custom_vjp
def cubed(z):
    return z**3


cubed.defvjp(lambda z: (z**3, z), lambda z, ct: (3 * np.conj(z) ** 2 * ct,))

THROUGH = {
    "cond": lambda z: ds.cond(z[0].real > 0, lambda z: z * 2j, lambda z: z**2, z),
    "fori_loop": lambda z: ds.fori_loop(0, 3, lambda k, c: c * (1j + k) + z[k], z[0]),
    "while_loop": lambda z: ds.while_loop(lambda c: np.abs(c[0]) < 10, lambda c: c * (1 + 1j), z),
    "scan": lambda z: ds.scan(lambda c, x: (c * x, c + x.real), 1j, z),
    "checkpoint": ds.checkpoint(lambda z: np.exp(z) * z[0]),
    "vmap": ds.vmap(lambda z: z * np.abs(z)),
    "custom_jvp": squared,
    "custom_vjp": cubed,
    "jit inside": ds.jit(lambda z: np.sqrt(z) / z[0]),
    "root": lambda z: ds.root(lambda u, z: u**3 + u - z, np.ones_like(z), z),
    "linear_solve": lambda z: ds.linear_solve(M, z),
    "second derivative": lambda z: ds.jvp(lambda z: ds.vjp(np.sin, z)[1](z)[0], (z,), (1j * z,))[1],
}


@pytest.mark.parametrize("name", THROUGH)
def test_every_law_through(name):
    plain = {"second derivative"}  # no derivative of ours runs outside of a trace on complex steps
    result = ds.check_all(THROUGH[name], Z, jit=name not in plain)
    assert result.passed, result


def test_taylor():
    found = ds.taylor(lambda z: np.exp(2 * z), (Z,), (1j * Z,), 3)
    for k, coefficient in enumerate(found):
        expected = np.exp(2 * Z) * (2j * Z) ** k / [1, 1, 2, 6][k]
        np.testing.assert_allclose(coefficient, expected, rtol=1e-14)


def test_compile():
    step = ds.compile(lambda psi, dt: psi - 1j * dt * psi, Z, 0.1)
    np.testing.assert_allclose(step(2 * Z, 0.2), 2 * Z * (1 - 0.2j), rtol=1e-15)
