"""The page on colorings says what is so."""

import doctest
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "coloring.md"


def test_examples_run():
    flags = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS
    failed, tried = doctest.testfile(str(PAGE), module_relative=False, optionflags=flags)
    assert (failed, tried > 5) == (0, True)
