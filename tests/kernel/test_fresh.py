"""Nothing goes stale: compiled functions follow what they read; pullbacks keep what they need."""

import types
from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

import diffsci as ds
from diffsci.tracing import trace_function

X = np.array([1.0, 2.0, 3.0])
PARAMETERS = {"k": 2.0, "rates": [1.0, np.array([1.0, 2.0])]}
Pair = namedtuple("Pair", "a b")
PAIR = Pair(1.0, 2.0)
EXPONENT = 2
RATE = np.tanh


class Model:
    def __init__(self, k):
        self.k = k
        self.table = {"q": 1.0}
        self.calls = 0

    def rhs(self, x):
        self.calls += 1
        return x * self.k * self.table["q"]


@dataclass(frozen=True)
class Frozen:
    k: float


@pytest.fixture
def jitted():
    """Compile, and call once so that anything stale shows at the second call."""

    def make(f, x=1.0):
        compiled = ds.jit(f)
        compiled(x)
        return compiled

    return make


class TestContainersAreReadAgain:
    def test_global_dict(self, jitted, monkeypatch):
        f = jitted(lambda x: x * PARAMETERS["k"])
        monkeypatch.setitem(PARAMETERS, "k", 5.0)
        assert f(1.0) == 5.0
        assert sum(map(len, f._paths.values())) == 1  # a number in a dict is an input

    def test_nested_list_and_its_array(self, jitted):
        rates = {"all": [1.0, np.array([1.0, 2.0])]}
        f = jitted(lambda x: x * rates["all"][0] * rates["all"][1])
        rates["all"][0] = 3.0
        rates["all"][1][1] = 7.0
        assert f(1.0).tolist() == [3.0, 21.0]
        rates["all"].append(1.0)
        assert f(2.0).tolist() == [6.0, 42.0]

    def test_length_counts(self, jitted):
        numbers = [1.0, 2.0]
        f = jitted(lambda x: x * sum(numbers))
        numbers.append(4.0)
        assert f(1.0) == 7.0

    def test_tuples(self, jitted, monkeypatch):
        f = jitted(lambda x: PAIR.a * x + PAIR.b)
        monkeypatch.setitem(globals(), "PAIR", Pair(3.0, 4.0))
        assert f(1.0) == 7.0
        assert ds.jit(lambda x: isinstance(PAIR, Pair) * x)(2.0) == 2.0

    def test_unpacked_as_keywords(self, jitted):
        options = {"a": 2.0, "b": 3.0}
        f = jitted(lambda x: (lambda a, b: a * x + b)(**options))
        options["b"] = 5.0
        assert f(1.0) == 7.0

    def test_cycles_and_shared_lists(self, jitted):
        numbers = [1.0]
        numbers.append(numbers)
        f = jitted(lambda x: numbers[1][1][0] * x)
        numbers[0] = 5.0
        assert f(2.0) == 10.0
        shared = [1.0, 2.0]
        table = {"a": shared, "b": shared}

        def g(x):
            table["a"][1] = 9.0
            return x * table["b"][1]

        assert ds.jit(g)(2.0) == 18.0
        assert shared == [1.0, 9.0]

    def test_state_in_a_list_stays_plain(self):
        state = [0.0, np.zeros(2)]

        def f(x):
            state[0] += 1.5
            state[1] = x[:2] * 2.0
            return np.sum(x**2) + state[0]

        for calls in (1, 2):
            value, gradient = ds.value_and_grad(f)(X)
            assert value == 14.0 + 1.5 * calls
            assert gradient.tolist() == (2 * X).tolist()
            assert state[0] == 1.5 * calls
            assert type(state[0]) is float
            assert state[1].tolist() == [2.0, 4.0]

    def test_log_of_strings(self):
        log = ["start"]

        def f(x):
            log.append("called")
            return x * len(log)

        assert ds.jit(f)(3.0) == 6.0
        assert log == ["start", "called"]

    def test_large_table(self, jitted):
        table = [float(k) for k in range(200)]
        f = jitted(lambda x: x * table[3])
        table[3] = 50.0
        assert f(1.0) == 50.0

    def test_log_of_the_model_is_written_and_does_not_recompile(self):
        log = [1.0]

        def f(x):
            log.append(2.0)
            return x * log[0]

        compiled = ds.jit(f)
        compiled(1.0)
        assert log == [1.0, 2.0]
        assert compiled(3.0) == 3.0
        assert sum(map(len, compiled._paths.values())) == 1
        log[0] = 4.0
        assert compiled(1.0) == 4.0

    def test_derivative_through_a_dict_of_the_outer_function(self):
        def inner(k):
            d = {"k": k, "n": 2.0}
            return ds.grad(lambda y: y**2 * d["k"] * d["n"])(3.0)

        assert ds.grad(inner)(2.0) == 12.0
        assert ds.jit(ds.grad(inner))(2.0) == 12.0


class TestIndexArrays:
    def test_read_again(self, jitted):
        index, mask = np.array([0, 1]), np.array([True, False, True])
        f, g = jitted(lambda x: x[index], X), jitted(lambda x: x[mask], X)
        index[:] = [2, 0]
        mask[1] = True
        assert (f(X).tolist(), g(X).tolist()) == ([3.0, 1.0], X.tolist())

    def test_solver_runs_again(self):
        from solvers import solve_ivp

        index = np.array([1, 0])
        ends = []

        def rhs(t, y):
            return -y[index]

        for change in (False, False, True):
            if change:
                index[:] = [0, 1]
            ends.append(solve_ivp(rhs, (0.0, 1.0), [1.0, 2.0], method="Tsit5").y[:, -1])
        assert ends[0].tolist() == ends[1].tolist() != ends[2].tolist()


class TestConstants:
    def test_models_that_differ_in_a_constant_array(self):
        from solvers import solve_ivp

        def slow(t, y):
            return -y * np.array([1.0, 2.0])

        def fast(t, y):
            return -y * np.array([3.0, 4.0])

        for f, rates in ((slow, [1.0, 2.0]), (fast, [3.0, 4.0])):
            end = solve_ivp(f, (0.0, 1.0), [1.0, 1.0], method="Tsit5", rtol=1e-9, atol=1e-12).y[:, -1]
            assert end == pytest.approx(np.exp(-np.array(rates)), rel=1e-7)

    def test_key_of_a_graph(self):
        def graph(last):
            inner = ds.jit(lambda x: x * np.array([1.0, 2.0, last]))
            return trace_function(lambda x: inner(x) + 1.0, (X,)).graph

        one, same, other = (graph(k) for k in (3, 3, 4))
        assert one.text() == same.text() == other.text()
        assert one.key() == same.key() != other.key()


class TestObjects:
    def test_attributes(self, jitted):
        model = Model(2.0)
        for f in (jitted(model.rhs), jitted(lambda x: model.rhs(x))):
            model.k, model.table["q"] = 2.0, 1.0
            assert f(1.0) == 2.0
            model.k = 5.0
            assert f(1.0) == 5.0
            model.table["q"] = 2.0
            assert f(1.0) == 10.0

    def test_argument(self):
        model, f = Model(2.0), ds.jit(lambda x, m: m.rhs(x))
        assert f(1.0, model) == 2.0
        model.k = 3.0
        assert f(1.0, model) == 3.0

    def test_class_attributes(self, jitted):
        class Base:
            K = 2.0

        class Plate(Base):
            def rhs(self, x):
                return x * self.K * Base.K

        f = jitted(Plate().rhs)
        g = jitted(lambda x: x * Base.K)
        Base.K = 5.0
        assert (f(1.0), g(1.0)) == (25.0, 5.0)

    def test_defaults(self, jitted):
        def f(x, k=[2.0], a=np.array([1.0, 2.0])):  # noqa: B006, B008
            return x * k[0] * a

        compiled = jitted(f)
        f.__defaults__[0][0] = 3.0
        f.__defaults__[1][1] = 7.0
        assert compiled(1.0).tolist() == [3.0, 21.0]

    def test_counter_does_not_recompile(self):
        model = Model(2.0)
        f = ds.jit(model.rhs)
        assert [f(1.0) for _ in range(3)] == [2.0] * 3
        assert sum(map(len, f._paths.values())) == 1

    def test_names_bound_anew(self, jitted, monkeypatch):
        frozen, space, model = Frozen(2.0), types.SimpleNamespace(k=2.0), Model(2.0)
        f = jitted(lambda x: frozen.k * x)
        g = jitted(lambda x: space.k * x)
        h = jitted(lambda x: model.rhs(x))
        r = jitted(lambda x: RATE(x))
        frozen, space.k, model = Frozen(5.0), 6.0, Model(7.0)
        monkeypatch.setitem(globals(), "RATE", np.sin)
        assert (f(1.0), g(1.0), h(1.0)) == (5.0, 6.0, 7.0)
        assert r(1.0) == pytest.approx(np.sin(1.0), rel=1e-15)


class TestInnerJit:
    def test_static_value_of_an_inner_function(self, monkeypatch):
        inner = ds.jit(lambda x: x**EXPONENT)

        def outer(x):
            return inner(x)

        compiled = ds.jit(outer)
        assert (ds.grad(outer)(2.0), compiled(2.0)) == (4.0, 4.0)
        monkeypatch.setitem(globals(), "EXPONENT", 3)
        assert (ds.grad(outer)(2.0), compiled(2.0)) == (12.0, 8.0)
        again = ds.jit(lambda x: inner(x) * 1.0)  # takes the inner program that is known
        assert again(2.0) == 8.0
        monkeypatch.setitem(globals(), "EXPONENT", 4)
        assert again(2.0) == 16.0


class TestOverwrittenArrays:
    def test_pullback_and_pushforward_keep_their_point(self):
        x, k = X.copy(), X.copy()

        def f(x):
            return np.sum(x.reshape(-1) ** 3 * k)

        _, pullback = ds.vjp(f, x)
        _, pushforward = ds.linearize(f, x)
        x[:] = 0.0
        k[:] = 0.0
        assert pullback(1.0)[0].tolist() == (3 * X**3).tolist()
        assert pushforward(np.ones(3)) == np.sum(3 * X**3)

    def test_result_may_be_overwritten(self):
        out, pullback = ds.vjp(np.exp, X)
        expected = out.copy()
        out[:] = 5.0
        assert pullback(np.ones(3))[0].tolist() == expected.tolist()

    @pytest.mark.parametrize("f", [lambda x: x, lambda x: x.T, lambda x: x[::-1]])
    def test_results_are_not_the_arguments(self, f):
        x = X.copy()
        direction = np.ones(3)
        for result in (ds.vjp(f, x)[0], *ds.jvp(f, (x,), (direction,)), ds.jit(f)(x)):
            result[:] = 9.0
        assert x.tolist() == X.tolist()
        assert direction.tolist() == [1.0] * 3

    def test_gradients_may_be_written(self):
        for transform in (ds.grad, lambda f: ds.jit(ds.grad(f))):
            gradient = transform(np.sum)
            g = gradient(X)
            g *= 3.0
            assert gradient(X).tolist() == [1.0] * 3
