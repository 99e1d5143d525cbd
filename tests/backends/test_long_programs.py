"""Long scalar programs: straight-line code at any length, right in both of its modules."""

from __future__ import annotations

import dis

import numpy as np
import pytest

import diffsci as ds
from benchmarks.chemistry import growth, mass_action, pollu
from diffsci.backends.collecting import rarely_collecting
from diffsci.backends.cpu import program
from diffsci.backends.cpu.texts import divided
from diffsci.backends.plan import build_plan
from diffsci.backends.plan.program import Straight
from diffsci.source import user_location
from diffsci.tracing import containers

Y = np.linspace(0.1, 1.0, growth.STATES)


def module_of(function, *args):
    """The module of a compiled function, and its plan."""
    return program._module(function.lower(*args).executable.graph)


@pytest.mark.parametrize("length", [50, 1200, 4000])
def test_programs_of_any_length_are_straight_and_right(length):
    function = growth.program(length)
    compiled = ds.jit(ds.value_and_grad(function))
    value, gradient = compiled(Y)
    expected, slopes = ds.value_and_grad(function)(Y)
    assert value == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-11, atol=1e-14)
    module, plan = module_of(compiled, Y)
    assert all(isinstance(step, Straight) for step in plan.steps)
    levels = [level for _, level in module.texts()]
    assert levels in ([2], [1]) if length < 1000 else levels == [2, 0]


def test_code_in_two_modules_calls_elementary_functions():
    def function(y):
        x = [y[k] for k in range(20)]
        for k in range(1000):
            x[k % 20] = np.sin(x[k % 20]) * 0.5 + np.exp(-x[(k + 7) % 20]) * 0.3 + x[(k + 1) % 20] ** 3 * 0.1
        return sum(x)

    compiled = ds.jit(ds.grad(function))
    np.testing.assert_allclose(compiled(Y), ds.grad(function)(Y), rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("style", ["generated", "loops", "vectorised"])
def test_styles_of_mass_action_agree(style):
    network = mass_action.random_network(60, 120)
    rhs = getattr(mass_action, style)(network, 60)
    draw = np.random.default_rng(3)
    y, k, w = draw.uniform(0.1, 1, 60), draw.uniform(0.1, 1, 120), draw.normal(size=60)

    def both(y, k, w):
        out, pullback = ds.vjp(rhs, y, k)
        return out, pullback(w)

    out, (to_y, to_k) = ds.jit(both)(y, k, w)
    np.testing.assert_allclose(out, mass_action.loops(network, 60)(y, k), rtol=1e-13, atol=1e-14)
    step = 1e-30j
    direction = draw.normal(size=60)
    slope = mass_action.loops(network, 60)(y + step * direction, k.astype(complex)).imag / 1e-30
    np.testing.assert_allclose(to_y @ direction, w @ slope, rtol=1e-11)
    rates = np.array([k[r] * np.prod(y[list(left)]) for r, (left, _) in enumerate(network)])
    change = [sum(w[j] for j in right) - sum(w[i] for i in left) for left, right in network]
    np.testing.assert_allclose(to_k, rates / k * change, rtol=1e-11, atol=1e-14)


def test_sums_of_padded_elements_stay_straight():
    network = mass_action.random_network(500, 300)
    rhs = mass_action.generated(network, 500)
    y, k = np.ones(500), np.ones(300)
    compiled = ds.jit(ds.grad(lambda y, k: np.sum(rhs(y, k) ** 2)))
    compiled(y, k)
    steps = build_plan(compiled.lower(y, k).executable.graph).steps
    assert all(isinstance(step, Straight) for step in steps)


def test_one_constant_in_many_places_is_a_loop():
    def laplacian(x):
        u = x.reshape(40, 40)
        out = -4 * u
        out[1:] += u[:-1]
        out[:-1] += u[1:]
        out[:, 1:] += u[:, :-1]
        out[:, :-1] += u[:, 1:]
        return out.ravel()

    compiled = ds.jit(ds.sparse_jacobian(laplacian))
    x = np.linspace(0.0, 1.0, 1600)
    np.testing.assert_allclose(compiled(x) @ x, laplacian(x), rtol=1e-13, atol=1e-13)
    steps = build_plan(compiled.lower(x).executable.graph).steps
    assert sum(len(step.stores) for step in steps if isinstance(step, Straight)) < 500


@pytest.mark.parametrize("kind", ["float64", "float32", "bool"])
@pytest.mark.parametrize("n", [3, 9, 18])
def test_one_value_in_many_places_is_stored_as_vectors(n, kind):
    def spread(a, b):
        out = np.zeros((n, n), kind)
        for k in range(n):
            out[k] = a
            out[k, (7 * k) % n] = b
        return out

    compiled = ds.jit(spread)
    for a, b in [(1.5, -0.25), (0.0, 3.0)]:
        a, b = np.array(a, kind), np.array(b, kind)
        np.testing.assert_array_equal(compiled(a, b), spread(a, b))
    module, plan = module_of(compiled, a, b)
    assert all(isinstance(step, Straight) for step in plan.steps)
    assert sum(len(step.stores) for step in plan.steps) == n * n
    stores = sum(text.count("  store ") for text, _ in module.texts())
    assert stores <= n * (1 + (n - 1) // 8 + 14) + 5


def test_pollu():
    def both(y, k):
        out, pullback = ds.vjp(pollu.rhs, y, k)
        return out, pullback(np.ones(20))

    out, (_, to_k) = ds.jit(both)(pollu.Y0 + 0.1, pollu.RATES)
    np.testing.assert_allclose(out, pollu.rhs(pollu.Y0 + 0.1, pollu.RATES), rtol=1e-12)
    assert np.all(np.isfinite(to_k))


def test_parts_of_a_module_know_each_other():
    helper = "define internal double @helper(double %x) {\nentry:\n  ret double %x\n}"
    other = "define internal i64 @other(ptr %p) {\nentry:\n  ret i64 0\n}"
    block = (
        "define internal void @block1(ptr %slots) {\nentry:\n"
        "  %v = call double @helper(double 1.0)\n  ret void\n}"
    )
    (whole,) = divided([], [helper, other], [block], (10, 10))
    assert whole.level == 2
    main, blocks = divided([], [helper, other], [block], (10, 10_000))
    assert (main.level, blocks.level) == (2, 0)
    assert "declare void @block1(ptr)" in main.text
    assert "define double @helper(double %x)" in main.text
    assert "define internal i64 @other" in main.text
    assert "declare double @helper(double)" in blocks.text


def test_the_collector_is_as_before(monkeypatch):
    import gc

    before = gc.get_threshold()
    with rarely_collecting(), rarely_collecting():
        assert gc.get_threshold()[0] >= 100_000
    assert gc.get_threshold() == before
    with pytest.raises(ZeroDivisionError), rarely_collecting():
        _ = 1 / 0
    assert gc.get_threshold() == before


def test_what_was_compiled_rests_in_the_oldest_generation():
    import gc

    gc.collect()
    with rarely_collecting():
        made = [[k] for k in range(5000)]
        assert gc.get_count()[0] > 4000
    assert gc.get_count()[0] < 700  # the next object does not set off a look at all of them
    assert gc.get_freeze_count() == 0
    assert any(x is made for x in gc.get_objects(generation=2))


def test_objects_frozen_by_others_stay_frozen():
    import gc

    gc.freeze()
    try:
        count = gc.get_freeze_count()
        with rarely_collecting():
            pass
        assert gc.get_freeze_count() > count / 2 > 0
    finally:
        gc.unfreeze()


def test_lines_of_long_functions_are_those_of_their_instructions():
    source = "def f(where):\n" + "".join(f"    a{k} = where(\n        {k})\n" for k in range(700))
    source += "    return [" + ", ".join(f"a{k}" for k in range(700)) + "]"
    scope: dict = {}
    exec(compile(source, "long_function.py", "exec"), scope)
    places = scope["f"](lambda k: user_location(2))
    assert [place.line for place in places] == [2 + 2 * k for k in range(700)]
    assert all(place.span is not None for place in places)


def test_instructions_are_found_without_disassembly():
    from diffsci.tracing.copies import _has

    def writes():
        def inner():
            nonlocal value
            value = 2

        value = 1
        return inner

    for code in (writes.__code__, writes.__code__.co_consts[1], test_pollu.__code__):
        if not hasattr(code, "co_code"):
            continue
        names = {op.opname for op in dis.get_instructions(code)}
        for name in ("STORE_DEREF", "DELETE_DEREF", "IMPORT_NAME"):
            assert _has(code, name) == (name in names)


def test_long_tuples_of_constants_are_compared_at_once():
    table = tuple((k, float(k), (str(k), None)) for k in range(100))
    equal = tuple((k, float(k), (str(k), None)) for k in range(100))
    other = tuple((k, k, (str(k), None)) for k in range(100))
    assert containers.snapshot(table) == containers.snapshot(table)
    assert containers.snapshot(table) == containers.snapshot(equal)
    assert containers.snapshot(table) != containers.snapshot(other)
    mutable = tuple([k] for k in range(100))
    before = containers.snapshot(mutable)
    mutable[3].append(1)
    assert containers.snapshot(mutable) != before
