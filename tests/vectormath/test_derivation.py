"""Coefficients are what their derivation gives."""

import pytest

from diffsci.backends.vectormath import coefficients as written
from diffsci.backends.vectormath import derive

QUICK = [("SINE", "f8"), ("COSINE", "f4"), ("ARCTANGENT", "f4"), ("AREA_TANGENT", "f8")]


@pytest.mark.parametrize(("name", "code"), QUICK)
def test_polynomials_are_derived_again(name, code):
    found, error = derive.coefficients(name, code)
    assert tuple(found) == getattr(written, name)[code]
    assert error <= derive.POLYNOMIALS[name].errors[code]


def test_all_are_written():
    for name, polynomial in derive.POLYNOMIALS.items():
        lengths = {code: len(c) - polynomial.doubled for code, c in getattr(written, name).items()}
        assert lengths == polynomial.counts


@pytest.mark.slow
def test_the_file_is_what_the_script_writes():
    with open(written.__file__) as file:
        assert file.read() == derive.text()
