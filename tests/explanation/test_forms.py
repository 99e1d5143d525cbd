"""Every formula of the table is found as people write it, and its stable form computes the same."""

import math

import numpy as np
import pytest
from scipy import special

import diffsci as ds
from diffsci.explanation.forms import FORMS, forms, suggest
from diffsci.tracing import trace_function

ELEMENTARY = "log log1p exp expm1 sum cos sin sqrt cosh tanh arctan prod mean abs".split()
NAMES = {
    "np": np,
    "ds": ds,
    "pi": math.pi,
    **{
        name: getattr(np, name)
        for name in "log log1p exp expm1 sum cos sin sqrt cosh tanh arctan prod mean abs".split()
    },
    **{name: getattr(special, name) for name in "erf erfc ndtr gamma softmax".split()},
    "sigmoid": special.expit,
    "det": np.linalg.det,
    "inv": np.linalg.inv,
    "solve": np.linalg.solve,
    "transpose": np.transpose,
}
VECTOR = np.array([0.3, 0.45, 0.6])
MATRIX = np.array([[2.0, 0.3], [0.1, 1.5]])


def operands(formula):
    """Values for the letters of a formula, at which it is defined."""
    if any(word in formula for word in ("det", "inv", "solve")):
        return {"a": MATRIX, "b": np.array([1.0, 2.0])}
    vector = any(word in formula for word in ("sum", "mean", "prod", "softmax"))
    x = VECTOR if vector else -0.4 if formula == "log(1 - exp(x))" else 0.7
    return {"x": x, "y": 0.2, "a": 1.0, "b": 3.0, "c": 1.0, "d": 4.0}


def used(formula, given):
    return sorted(set(given) & set(compile(formula, "formula", "eval").co_names))


def written(text, names):
    text = text.replace("pi *", "np.pi *")
    return eval(f"lambda {', '.join(names)}: {text}", NAMES)


def rows(chosen):
    return pytest.mark.parametrize("row", chosen, ids=[row.formula for row in chosen])


ROOTS = [row for row in FORMS if "quadratic_roots" in row.instead]


@rows(FORMS)
def test_the_formula_is_found_in_the_program_that_it_makes(row):
    given = operands(row.formula)
    names = used(row.formula, given)
    graph = trace_function(written(row.formula, names), [given[name] for name in names]).graph
    assert row.instead in {form.instead for form in forms(graph)}


@rows([row for row in FORMS if row not in ROOTS])
def test_the_stable_form_computes_the_same(row):
    given = operands(row.formula)
    names = used(row.formula, given)
    values = [given[name] for name in names]
    expected = written(row.formula, names)(*values)
    np.testing.assert_allclose(written(row.instead, names)(*values), expected, rtol=1e-12)


@rows(ROOTS)
def test_the_formulas_of_roots_are_roots(row):
    a, b, c = 1.0, 3.0, 0.5
    numerator = written(row.formula, ["b", "d"])(b, 4 * a * c)
    mirrored = row.formula.startswith("b -")  # of the equation with -b
    roots = ds.stable.quadratic_roots(a, -b if mirrored else b, c)
    assert np.min(np.abs(np.array(roots) - numerator / (2 * a))) < 1e-14


SPELLINGS = [
    ("order of a sum", lambda x: np.log(np.exp(x) + 1.0), "ds.stable.softplus(x)"),
    ("minus as plus", lambda x: np.exp(x) + (-1.0), "np.expm1(x)"),
    ("square as a product", lambda x: np.sqrt(x * x + np.sum(x) ** 2), "np.hypot(x, y)"),
    ("square as a power", lambda x: np.sqrt(np.sum(x**2.0)), "np.linalg.norm(x)"),
    ("keepdims", lambda x: np.exp(x) / np.sum(np.exp(x), keepdims=True), "ds.stable.softmax(x)"),
    ("in two lines", lambda x: [e := np.exp(-x), 1 / (1 + e)][1], "ds.stable.sigmoid(x)"),
    ("mean by hand", lambda x: np.sum(x * x) / 3 - (np.sum(x) / 3) ** 2, "np.var(x)"),
]


@pytest.mark.parametrize(("f", "instead"), [row[1:] for row in SPELLINGS], ids=[row[0] for row in SPELLINGS])
def test_spellings(f, instead):
    graph = trace_function(f, (VECTOR,)).graph
    assert instead in {form.instead for form in forms(graph)}


def test_the_largest_formula_around_an_operation_is_suggested():
    graph = trace_function(lambda x: 2 * np.log(1 + np.exp(x)), (0.5,)).graph
    (exp,) = [node for node in graph.nodes if node.name == "exp"]
    (add,) = [node for node in graph.nodes if node.name == "add"]
    for node in (exp, add):
        form = suggest(graph, [node])
        assert form.instead == "ds.stable.softplus(x)"
        assert form.location.file == __file__


def test_nothing_is_suggested_where_nothing_is_known():
    graph = trace_function(lambda x: np.tanh(x) - np.sin(x), (0.5,)).graph
    assert suggest(graph, graph.nodes) is None


def test_the_same_letter_is_the_same_operand():
    graph = trace_function(lambda x, y: (np.exp(x) - 1) / y, (0.5, 0.7)).graph
    assert {form.instead for form in forms(graph)} == {"np.expm1(x)"}


ADVICE = [
    ("log of a negative number", lambda x: x * np.log(x), -1.0, "outside of the function's domain"),
    ("log of 0 in a product", lambda x: x * np.log(x), 0.0, "xlogy"),
    ("a logarithm of less than 0", lambda x: (x - 3.0) ** x, 1.0, "outside"),
    ("a factor that is not 0", lambda x: 2.0 * (x + 1.0) * np.log(x), 0.0, "a logarithm of 0"),
    ("a pole", np.arctanh, 1.0, "a pole"),
    ("a singular matrix", lambda x: np.linalg.slogdet(x * np.ones((2, 2)))[1], 1.0, "singular"),
]


@pytest.mark.parametrize(("f", "x", "advice"), [row[1:] for row in ADVICE], ids=[row[0] for row in ADVICE])
def test_advice_fits_the_operands(f, x, advice):
    assert advice in ds.explain(f, x).first.advice


def test_normal_equations_of_ill_conditioned_matrices_are_explained():
    def fit(a, b):
        return np.linalg.solve(a.T @ a, a.T @ b)[0]

    a = np.array([[1.0, 1.0], [1e-7, 0.0], [0.0, 1e-7]])
    found = ds.explain(fit, a, np.array([2.0, 1e-7, 1e-7]))
    assert "np.linalg.lstsq" in {loss.form.instead[:15] for loss in found.losses if loss.form}
