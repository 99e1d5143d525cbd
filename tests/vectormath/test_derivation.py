"""Coefficients are what their derivation gives."""

from importlib import import_module
from pathlib import Path

import pytest

from diffsci.backends.vectormath import derive

QUICK = [("SINE", "f8"), ("COSINE", "f4"), ("ARCTANGENT", "f4"), ("AREA_TANGENT", "f8")]


def written(name: str) -> dict[str, tuple[float, ...]]:
    file = next(file for file, (_, names) in derive.FILES.items() if name in names)
    return getattr(import_module(f"diffsci.backends.vectormath.{file}"), name)


@pytest.mark.parametrize(("name", "code"), QUICK)
def test_polynomials_are_derived_again(name, code):
    found, error = derive.coefficients(name, code)
    assert tuple(found) == written(name)[code]
    assert error <= derive.POLYNOMIALS[name].errors[code]


def test_all_are_written():
    for name, polynomial in derive.POLYNOMIALS.items():
        lengths = {code: len(c) - polynomial.doubled for code, c in written(name).items()}
        assert lengths == polynomial.counts


@pytest.mark.slow
@pytest.mark.parametrize("file", derive.FILES)
def test_the_files_are_what_the_script_writes(file):
    assert Path(derive.__file__).with_name(f"{file}.py").read_text() == derive.text(file)
