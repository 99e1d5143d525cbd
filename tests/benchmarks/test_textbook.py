"""The textbook's experiments at small size: their laws hold (slopes and counts; times are not judged)."""

import numpy as np
import pytest

import diffsci as ds
from benchmarks.report import Table, put_section
from benchmarks.textbook import EXPERIMENTS, cheap_gradient, checkpoints, page, shapes, steps
from benchmarks.textbook.operations import operations


def held(table, *, but=()):
    missed = [f"{row.what}: {row.shown}" for row in table.rows if row.met is False]
    assert [row for row in missed if not any(word in row for word in but)] == []
    assert sum(row.met is True for row in table.rows) >= 3


def test_steps():
    found = steps.run()
    held(steps.laws(found))
    assert found.best("forward")[1] > 1e-9 > found.best("central")[1] > 1e-12 > found.ad["reverse mode"]


def test_swell():
    pytest.importorskip("sympy")
    from benchmarks.textbook import swell

    product = swell.products([2, 5, 10, 20, 40], largest_symbolic=40, seconds=False)
    nest = swell.nested([1, 2, 3, 4, 5, 6, 12, 25], largest_symbolic=6)
    held(swell.laws(product, nest))
    n = np.array(product.sizes)
    np.testing.assert_array_equal(product.column("function: operations"), n - 1)
    np.testing.assert_array_equal(product.column("reverse: operations")[1:], 3 * n[1:] - 5)
    np.testing.assert_array_equal(product.column("symbolic: operations")[1:], n[1:] * (n[1:] - 2))
    np.testing.assert_array_equal(nest.column("function: operations"), 3 * np.array(nest.sizes))


def test_shapes():
    found = shapes.run([(128, 1), (32, 4), (12, 12), (4, 32), (1, 128)], width=16, seconds=False)
    held(shapes.laws(found))
    assert [shape.picked for shape in found] == ["forward"] * 3 + ["reverse"] * 2


def test_cheap_gradient():
    found = cheap_gradient.run(small=True, seconds=False)
    held(cheap_gradient.laws(found))
    assert all(constant.ratio > 1.0 for constant in found)


def test_checkpoints():
    found = checkpoints.run(cells=64, steps=100, seconds=False)
    held(
        checkpoints.laws(found, 100), but=["at the peak"]
    )  # arrays of 64 numbers are smaller than their headers
    assert np.all(np.isfinite(found[0].gradient))
    peaks = [reversal.peak for reversal in found]
    assert peaks[0] > 2.0 * peaks[1] > peaks[-1]


@pytest.mark.parametrize(
    ("f", "args", "count"),
    [
        (lambda x: x * x + 1.0, (np.ones(5),), 10),
        (lambda x: np.sum(np.sin(x)), (np.ones(7),), 14),
        (lambda a, x: a @ x, (np.ones((3, 4)), np.ones(4)), 24),
        (lambda x: np.where(x > 0, x, 0.0), (np.ones(5),), 0),
        (lambda x: x[::2].reshape(-1, 1), (np.ones(6),), 0),
        (lambda x: x * np.sin(np.arange(1.0, 6.0)), (np.ones(5),), 5),
        (ds.grad(lambda x: x[0] * x[3]), (np.ones(9),), 0),
        (ds.grad(lambda x: x[0] * x[3] * x[0]), (np.ones(9),), 4),
    ],
)
def test_operations_are_counted_by_hand(f, args, count):
    assert operations(f, *args) == count


def test_sections_are_replaced_in_their_places(tmp_path):
    path = tmp_path / "docs" / "textbook.md"
    drawn = []
    for title in ("first", "second"):
        section = page.Section(
            "shapes", title, "theory", ["a", "b"], [["1", "2"]], Table("t", "T"),
            "caption", lambda file: drawn.append(file),
        )  # fmt: skip
        page.write(section, path)
    text = path.read_text()
    assert "second" in text
    assert "first" not in text
    assert drawn[0] == tmp_path / "docs" / "images" / "textbook_shapes.png"
    places = [text.index(f"<!-- begin {name} -->") for name in EXPERIMENTS]
    assert places == sorted(places)
    assert put_section("page\n", "a", "one").endswith("<!-- begin a -->\none\n<!-- end a -->\n")


def test_an_operation_without_a_known_cost_is_named_with_its_line():
    with pytest.raises(
        ValueError, match=r"the cost of eigh .*test_textbook.py:\d+.* is not known: enter it in"
    ):
        operations(lambda a: np.sum(np.linalg.eigh(a)[0]), np.eye(2))
