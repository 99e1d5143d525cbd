"""numpy.fft and scipy.fft: every form has NumPy's value, and derivatives that obey the laws."""

from itertools import product

import numpy as np
import pytest
import scipy.fft

import diffsci as ds

RNG = np.random.default_rng(20261122)
X = RNG.normal(size=(4, 6))
Z = X + 1j * RNG.normal(size=(4, 6))

ONE_AXIS = "fft ifft rfft irfft hfft ihfft".split()
SEVERAL = "fftn ifftn rfftn irfftn fft2 ifft2 rfft2 irfft2".split()
HERMITIAN = "hfftn ihfftn hfft2 ihfft2".split()
REAL = {"rfft", "ihfft", "rfftn", "rfft2", "ihfftn", "ihfft2"}  # take real arrays


def same(function, point):
    found, expected = ds.vjp(function, point)[0], function(point)
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("name", ONE_AXIS)
@pytest.mark.parametrize("module", [np.fft, scipy.fft], ids=["numpy", "scipy"])
def test_values_along_one_axis(module, name):
    transform = getattr(module, name)
    for n, axis, norm in product((None, 3, 8, 7), (0, -1), (None, "ortho", "forward", "backward")):
        same(lambda a, n=n, axis=axis, norm=norm: transform(a, n, axis, norm), X if name in REAL else Z)


@pytest.mark.parametrize("name", SEVERAL + HERMITIAN)
def test_values_along_several_axes(name):
    forms = [
        {},
        {"axes": (1, 0)},
        {"s": (3, 5), "axes": (0, 1)},
        {"s": (5, 8), "axes": (0, 1), "norm": "ortho"},
    ]
    for module in (np.fft, scipy.fft) if name in SEVERAL else (scipy.fft,):
        for options in forms:
            transform = getattr(module, name)
            same(lambda a, t=transform, options=options: t(a, **options), X if name in REAL else Z)


@pytest.mark.parametrize("name", "dct idct dst idst".split())
def test_values_of_cosine_and_sine_transforms(name):
    one, many = getattr(scipy.fft, name), getattr(scipy.fft, name + "n")
    for kind, norm, ortho in product((1, 2, 3, 4), (None, "ortho", "forward"), (None, True, False)):
        same(
            lambda a, o=(kind, norm, ortho): (
                one(a, o[0], None, 1, o[1], orthogonalize=o[2]) + many(a, o[0], norm=o[1], orthogonalize=o[2])
            ),
            X,
        )
    same(lambda a: one(a, n=8), X)
    same(one, Z)


def spectral_derivative(u):
    k = 2j * np.pi * np.fft.fftfreq(u.size, 0.5)
    return np.fft.ifft(k * np.fft.fft(u)).real


def filtered(u):
    spectrum = np.fft.rfft(u)
    spectrum[3:] = 0
    return np.fft.irfft(spectrum, u.size) * np.abs(spectrum).sum()


def poisson(f):
    k = np.fft.fftfreq(f.shape[0])[:, None] ** 2 + np.fft.rfftfreq(f.shape[1]) ** 2
    k[0, 0] = 1.0
    return np.fft.irfft2(np.fft.rfft2(f) / k, f.shape)


def split_step(psi):
    for _ in range(2):
        psi = np.exp(-0.1j * np.abs(psi) ** 2) * psi
        psi = np.fft.ifft(np.exp(-0.05j * np.fft.fftfreq(psi.size) ** 2) * np.fft.fft(psi))
    return psi


MODELS = {
    "power spectrum": (lambda x: np.abs(np.fft.rfft(x, axis=0)) ** 2 * x[:3], X),
    "spectral derivative": (spectral_derivative, X[0]),
    "filter": (filtered, X[0]),
    "Poisson": (poisson, X),
    "split step": (split_step, Z[0]),
    "cosine transform": (lambda x: scipy.fft.idct(scipy.fft.dct(x, 2) ** 2, 3, norm="ortho"), X),
    "sine transform": (lambda x: scipy.fft.dstn(x, 1) * x, X),
    "convolution theorem": (lambda x: np.fft.ifftn(np.fft.fftn(x) * np.fft.fftn(x[::-1])).real, X),
    "shifts": (lambda z: np.fft.ifftshift(np.fft.fftshift(z, axes=1) * z), Z),
    "Hermitian": (lambda z: np.fft.hfft(z) @ np.fft.hfft(z).T, Z),
    "two axes": (lambda z: np.fft.fft2(z, (3, 7), norm="ortho") ** 2, Z),
    "sampling": (lambda d: np.fft.rfftfreq(6, d) + np.fft.fftfreq(4, d)[1], 0.5),
}


@pytest.mark.parametrize("name", MODELS)
def test_every_law(name):
    function, point = MODELS[name]
    result = ds.check_all(function, point)
    assert result.passed, result


def test_gradient_of_a_power_is_parseval():
    np.testing.assert_allclose(ds.grad(lambda x: np.sum(np.abs(np.fft.fft(x)) ** 2))(X[0]), 12 * X[0])
    found = ds.jacobian(lambda z: np.fft.fft(z))(Z[0])
    np.testing.assert_allclose(found, np.fft.fft(np.eye(6)), atol=1e-14)


def test_single_precision_is_kept():
    for module in (np.fft, scipy.fft):
        same(lambda x, m=module: m.irfft(m.rfft(x)) / 3, np.float32([1, 2, 3, 4]))
        assert ds.grad(lambda x, m=module: np.abs(m.fft(x)).sum())(X.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize(
    ("function", "error", "text"),
    [
        (lambda z: np.fft.rfft(z), TypeError, "use fft, or take .real"),
        (lambda z: np.fft.fft(z, norm="unit"), ValueError, "norm value"),
        (lambda z: np.fft.fft(z, 0), ValueError, "data points"),
        (lambda z: np.fft.fftn(z, axes=(0, 0)), ds.UnsupportedError, "call it twice"),
    ],
)
def test_refusals(function, error, text):
    with pytest.raises(error, match=text):
        ds.vjp(function, Z)
