"""Builder, canonical text, verification."""

import pickle

import numpy as np
import pytest

import diffsci.primitives
from diffsci.errors import VerificationError
from diffsci.graph import Builder, Graph, Guard, Node, Type, graph_text, lookup, verify

assert diffsci.primitives

VECTOR = Type((3,), np.dtype(float))


def sample(scale=2.0):
    b = Builder()
    x = b.input(VECTOR)
    y = b.mul(b.full(VECTOR, scale), b.sin(x))
    return Graph([x], [b.sum(y, axes=(0,))])


def test_equal_subexpressions_are_one_node():
    b = Builder()
    x = b.input(VECTOR)
    assert b.sin(x) is b.sin(x)
    assert b.const(0.5) is b.const(0.5)
    assert b.const(0.0) is not b.const(-0.0)
    assert b.const(np.float32(1)) is not b.const(1.0)


def test_equal_programs_have_equal_texts():
    assert sample().text() == sample().text()
    assert sample().text() != sample(3.0).text()


def test_text_names_shapes_and_parameters():
    text = sample().text()
    assert "inputs x0: float64[3]" in text
    assert "sum(v4, axes=(0,))" in text
    assert text.endswith("return v5")


def test_large_constants_are_equal_by_their_bits():
    b = Builder()
    values = np.zeros(1000)
    node = b.const(values)
    assert b.const(values.copy()) is node
    assert b.const(-values) is not node
    assert b.const(values.reshape(10, 100)) is not node
    assert b.const(values.astype(np.float32)) is not node
    values[777] = np.nan
    assert b.const(values) is not node
    assert b.const(values) is b.const(values.copy())
    square = np.arange(900.0).reshape(30, 30)
    assert b.const(np.asfortranarray(square)).params["value"].tolist() == square.tolist()
    assert b.const(square.T).params["value"].tolist() == square.T.tolist()


def test_large_constants_are_data_not_text():
    b = Builder()
    x = b.input(Type((100,), np.dtype(float)))

    def program(values):
        return Graph([x], [b.add(x, b.const(values))]).text()

    assert program(np.zeros(100)) == program(np.ones(100))


def test_text_shows_locations_on_request():
    import diffsci as ds
    from diffsci.tracing import trace_function

    graph = trace_function(lambda x: np.sin(x), (1.0,)).graph
    assert "test_graph.py" in graph_text(graph, locations=True)
    assert ds


@pytest.mark.parametrize(
    ("name", "types", "params"),
    [
        ("add", [VECTOR, Type((2,), np.dtype(float))], {}),
        ("add", [VECTOR, Type((3,), np.dtype(np.float32))], {}),
        ("sin", [Type((3,), np.dtype(np.int64))], {}),
        ("slice", [VECTOR], {"start": (0,), "stop": (4,), "step": (1,)}),
        ("reshape", [VECTOR], {"shape": (2, 2)}),
        ("transpose", [VECTOR], {"perm": (1,)}),
        ("broadcast", [VECTOR], {"shape": (2,), "axes": (0,)}),
        ("take", [VECTOR, VECTOR], {"axis": 0}),
        ("contract", [VECTOR, VECTOR], {"spec": ("ii", "i", "")}),
        ("solve", [VECTOR, VECTOR], {"transposed": False}),
        ("max", [Type((0,), np.dtype(float))], {"axes": (0,)}),
        ("logical_and", [VECTOR, VECTOR], {}),
        ("select", [VECTOR, VECTOR, VECTOR], {}),
    ],
)
def test_ill_typed_operations_are_refused(name, types, params):
    b = Builder()
    with pytest.raises(TypeError):
        b.emit(name, *(b.input(t) for t in types), **params)


def test_verify_finds_a_wrong_type():
    b = Builder()
    x = b.input(VECTOR)
    wrong = Node(lookup("sin"), (x,), {}, Type((4,), np.dtype(float)))
    with pytest.raises(VerificationError, match="follows from its inputs"):
        verify(Graph([x], [wrong]))


def test_verify_finds_an_unlisted_input():
    b = Builder()
    x = b.input(VECTOR)
    with pytest.raises(VerificationError, match="not listed"):
        verify(Graph([], [b.sin(x)]))


def test_verify_finds_a_guard_that_is_no_boolean():
    b = Builder()
    x = b.input(VECTOR)
    with pytest.raises(VerificationError, match="guard"):
        verify(Graph([x], [x], [Guard(x, True, None)]))


def test_long_chains_do_not_recurse():
    b = Builder()
    node = x = b.input(VECTOR)
    for _ in range(20000):
        node = b.sin(node)
    assert len(Graph([x], [node]).nodes) == 20001


def test_equal_types_are_one_object():
    t = Type((2, 3), np.dtype(float))
    assert Type((np.int64(2), 3), np.dtype("float64")) is t
    assert (t.shape, t.ndim, t.size, t.is_float, str(t)) == ((2, 3), 2, 6, True, "float64[2,3]")
    assert t not in (Type((3, 2), np.dtype(float)), Type((2, 3), np.dtype(np.float32)), "t")
    assert pickle.loads(pickle.dumps(t)) == t
    with pytest.raises(AttributeError, match="immutable"):
        t.shape = (6,)
