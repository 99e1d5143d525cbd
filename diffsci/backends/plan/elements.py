"""Small programs as straight-line code: every element is a value of its own.

The value of a node is an array of statement numbers (of a scalar: its number), so structural operations
are done by NumPy on those arrays while planning, and zeros that are known from the structure fold away.
"""

from __future__ import annotations

import math
from itertools import product

import numpy as np

from diffsci.backends.plan.body import Body
from diffsci.backends.plan.codes import code_of, identity_of
from diffsci.backends.plan.cost import operation_cost
from diffsci.backends.plan.layout import Layout, is_data, is_structure
from diffsci.backends.plan.program import GuardStep, Store, Straight, View
from diffsci.backends.plan.regions import dot_statements, fold_statements
from diffsci.backends.plan.resolve import letter_sizes, reduced_axes
from diffsci.backends.plan.rounding import deciding, loose_products
from diffsci.backends.plan.vocabulary import MOVES, REDUCTIONS, is_callback, is_library, is_statement
from diffsci.graph import Graph, Node
from diffsci.primitives.structural import pad_region

__all__ = ["TooLarge", "plan_elements"]

_MOST_RAW = 60_000  # elements to compute, unless loops would hardly be cheaper
_MOST_READ = 20_000  # elements in memory: each becomes a statement before any other does
_MOST_MOVED = 40_000_000  # elements that only move: NumPy does that, on numbers of statements
_ALWAYS = 400
_MOST_DEARER = 1.5  # straight-line code than loops, by estimate, before loops are preferred
_PATIENCE = 1000  # statements after which straight-line code must promise to be worth it
_INLINE_SOLVE = 4
_NO_WORK = frozenset({"leaf", "structural", "call"})  # families


class TooLarge(Exception):
    """Loops serve this program better."""


def plan_elements(graph: Graph, build_callee):
    """Return the plan of a program as straight-line code, or raise TooLarge."""
    if not _is_promising(graph):
        raise TooLarge
    return _Elements(graph, build_callee).run()


def _is_promising(graph: Graph) -> bool:
    """Tell whether it is worth trying: what the attempt costs grows with the number of elements."""
    computed = moved = read = 0
    for node in graph.nodes:
        if isinstance(node.type, tuple):
            continue
        if node.name in ("input", "project"):
            read += node.type.size
        if node.name in MOVES or node.name == "place" or _is_placement(node):
            moved += node.type.size
        else:
            computed += node.type.size
        if node.name == "contract":
            computed += math.prod(letter_sizes(node).values())
    if moved > _MOST_MOVED or read > _MOST_READ:
        return False
    return computed <= _MOST_RAW or computed <= _MOST_DEARER * _loop_cost(graph)


def _is_placement(node: Node) -> bool:
    """Tell whether a sum collects pieces padded with zeros: next to nothing is added there."""
    return node.name == "add" and any(x.name == "pad" for x in node.inputs)


def _loop_cost(graph: Graph) -> float:
    """Return the estimated cost of the same program as vectorised loops."""
    return sum(map(_node_loop_cost, graph.nodes))


def _node_loop_cost(node: Node) -> float:
    name = node.name
    if node.primitive.family in _NO_WORK or is_callback(node) or isinstance(node.type, tuple):
        return 0.0
    if name in REDUCTIONS:
        size, long = node.inputs[0].type.size, 10
    elif name == "contract":
        size, long = math.prod(letter_sizes(node).values()), 10
    else:
        size, long = (node.type.size, 0) if node.type.shape else (1, 0)
    return -(-size // 8) * operation_cost(name) + 1 + long


class _Elements:
    def __init__(self, graph: Graph, build_callee):
        self.graph = graph
        self.layout = Layout(graph, build_callee)
        self.body = Body()
        self.values: dict[Node, np.ndarray | int] = {}
        self.pending: list[Store] = []
        self.done: set[int] = set()
        self.steps: list = []
        self.exact, self.loose = deciding(graph), loose_products(graph)
        self.factors: dict[Node, tuple] = {}
        self.read = 0  # statements that read memory: not all will be needed
        self.copies = 0  # stores of values that are stored elsewhere, too: work without a statement

    def run(self):
        self._place_outputs()
        guards = list(enumerate(self.graph.guards))
        loops = 0.0
        for node in self._order():
            self._evaluate(node)
            loops += _node_loop_cost(node)
            if len(self.body) - self.read > _PATIENCE + 3 * loops:
                raise TooLarge
            while guards and guards[0][1].predicate in self.values:
                self._guard(*guards.pop(0))
        self._write_outputs()
        self._flush()
        many = len(self.done) + self.copies > _ALWAYS
        if many and self._live_cost() + self.copies > _MOST_DEARER * loops:
            raise TooLarge
        plan = self.layout.plan
        plan.steps = self.steps
        return plan

    def _live_cost(self) -> int:
        return sum(operation_cost(self.body.ops[number]) for number in self.done)

    def _order(self) -> list[Node]:
        """Return the nodes so that library steps of one depth follow each other."""
        if not any(map(is_library, self.graph.primitives)):
            return self.graph.nodes
        depth: dict[Node, int] = {}
        for node in self.graph.nodes:
            below = max((depth[x] for x in node.inputs), default=0)
            depth[node] = below + (is_library(node) and not self._solved_inline(node))
        return sorted(self.graph.nodes, key=lambda node: depth[node])

    # ---- memory ------------------------------------------------------------------------------

    def _place_outputs(self) -> None:
        """Let call results that are outputs be written in place."""
        self.direct: set[int] = set()
        for i, (node, buffer) in enumerate(zip(self.graph.outputs, self.layout.plan.outputs, strict=True)):
            while node.name in ("reshape", "stop_gradient"):
                node = node.inputs[0]
            stored = node.name == "project" or (is_library(node) and not self._solved_inline(node))
            if stored and not self.layout.is_reserved(node):
                self.layout.reserve(node, View(buffer))
                self.direct.add(i)

    def _write_outputs(self) -> None:
        for i, (node, buffer) in enumerate(zip(self.graph.outputs, self.layout.plan.outputs, strict=True)):
            if i not in self.direct:
                self._write(node, View(buffer))

    def _write(self, node: Node, view: View) -> None:
        for k, number in enumerate(self._array(node).ravel().tolist()):
            self.pending.append(Store(view.buffer, (view.offset + k,), number))

    def _stored(self, node: Node) -> None:
        """Make sure that the node lies in memory."""
        if self.layout.resolver.view(node) is None:
            self._write(node, self.layout.place(node))

    def _loads(self, node: Node) -> np.ndarray:
        view = self.layout.storage[node]
        numbers = [self.body.load(view.buffer, (view.offset + k,)) for k in range(node.type.size)]
        self.read += len(numbers)
        return np.array(numbers, dtype=np.int64).reshape(node.shape)

    def _flush(self) -> None:
        """Close the current block: the statements its stores need, deepest operands first."""
        live: list[int] = []
        for store in self.pending:
            self._visit(store.stmt, live)
        if self.pending:
            self.steps.append(Straight(self.body, live, self.pending))
        self.copies += len(self.pending) - len({store.stmt for store in self.pending})
        self.pending = []

    def _visit(self, root: int, live: list[int]) -> None:
        done, args = self.done, self.body.args
        if root in done:
            return
        stack = [(root, iter(args[root]))]
        done.add(root)
        while stack:
            number, rest = stack[-1]
            for arg in rest:
                if arg not in done:
                    done.add(arg)
                    stack.append((arg, iter(args[arg])))
                    break
            else:
                live.append(number)
                stack.pop()

    def _guard(self, number: int, guard) -> None:
        self._stored(guard.predicate)
        self._flush()
        view = self.layout.resolver.view(guard.predicate)
        self.steps.append(GuardStep(view, guard.outcome, number + 1))

    # ---- values ------------------------------------------------------------------------------

    def _array(self, node: Node) -> np.ndarray:
        """Return the numbers of a node's statements as an array of its shape."""
        found = self.values[node]
        return np.array(found) if type(found) is int else found

    def _evaluate(self, node: Node) -> None:
        self.body.exactly = node in self.exact
        self._enter(node)
        self.body.exactly = False
        if node in self.loose:
            found = self._map(self.body.let_go, self._array(node))
            self.values[node] = found if node.type.shape else int(found)

    def _enter(self, node: Node) -> None:
        if is_statement(node):
            self.values[node] = self._elementwise(node)
        elif isinstance(node.type, tuple):
            self._library(node)
        else:
            found = self._found(node)
            self.values[node] = found if node.type.shape else int(found)

    def _found(self, node: Node) -> np.ndarray:
        """Return the statements of what is not done element by element."""
        name = node.name
        if name in ("input", "project"):
            return self._loads(node)
        if name == "const":
            return self._const(node)
        if is_library(node):
            return self._solve_inline(node) if self._solved_inline(node) else self._solved(node)
        return _RULES[name](self, node, *[self._array(x) for x in node.inputs])

    def _const(self, node: Node) -> np.ndarray:
        value = node.params["value"]
        if is_data(node) and not is_structure(value):
            return self._loads(node)
        code = code_of(value.dtype)
        if node.is_structural:
            return self._map(lambda v: self.body.lit(v, code) if v else self.body.zero(code), value)
        return self._map(lambda v: self.body.lit(v, code), value)

    @staticmethod
    def _map(function, *arrays: np.ndarray) -> np.ndarray:
        flat = [function(*items) for items in zip(*(a.ravel().tolist() for a in arrays), strict=True)]
        return np.array(flat, dtype=np.int64).reshape(arrays[0].shape)

    def _elementwise(self, node: Node) -> np.ndarray | int:
        body, name, params = self.body, node.name, node.params
        operands = [self.values[x] for x in node.inputs]
        if not node.type.shape:
            return body.op(name, *operands, params=params)
        if _is_placement(node):
            return self._placed(node, *operands)
        return self._map(lambda *args: body.op(name, *args, params=params), *operands)

    def _placed(self, node: Node, a: np.ndarray, b: np.ndarray) -> np.ndarray:
        """Add where both operands are there: NumPy finds the few places, within the piece that was padded."""
        zero = self.body.zero(code_of(node.dtype))
        pad, rest = (node.inputs[1], a) if node.inputs[1].name == "pad" else (node.inputs[0], b)
        result, region = rest.copy(), pad_region(pad)
        a, b = a[region], b[region]
        part = np.where(a == zero, b, a)
        both = (a != zero) & (b != zero)
        if both.any():
            part[both] = self._map(lambda x, y: self.body.op("add", x, y), a[both], b[both])
        result[region] = part
        return result

    def _library(self, node: Node) -> None:
        for x in node.inputs:
            self._stored(x)
        self._flush()
        self.steps += self.layout.library_steps(node)

    def _solved(self, node: Node) -> np.ndarray:
        self._library(node)
        return self._loads(node)

    @staticmethod
    def _solved_inline(node: Node) -> bool:
        return (
            node.name in ("solve", "det")
            and len(node.inputs[0].shape) == 2
            and (node.inputs[0].shape[0] <= _INLINE_SOLVE)
        )

    # ---- small linear systems: elimination with row exchange by selection --------------------

    def _factored(self, matrix: Node):
        """Return (LU rows, exchanges, sign); an exchange is (condition, row, row)."""
        known = self.factors.get(matrix)
        if known is None:
            known = self.factors[matrix] = self._eliminate(self._array(matrix), code_of(matrix.dtype))
        return known

    def _eliminate(self, ids: np.ndarray, code: str):
        body = self.body
        rows = [list(map(int, row)) for row in ids]
        n = len(rows)
        exchanges: list[tuple[int, int, int]] = []
        for k in range(n):
            for i in range(k + 1, n):
                swap = body.op("gt", body.op("abs", rows[i][k]), body.op("abs", rows[k][k]))
                if body.value_of(swap) is False:
                    continue
                exchanges.append((swap, k, i))
                for j in range(n):
                    a, b = rows[k][j], rows[i][j]
                    rows[k][j], rows[i][j] = body.op("select", swap, b, a), body.op("select", swap, a, b)
            for i in range(k + 1, n):
                factor = rows[i][k] = body.op("div", rows[i][k], rows[k][k])
                for j in range(k + 1, n):
                    rows[i][j] = body.op("sub", rows[i][j], body.op("mul", factor, rows[k][j]))
        return rows, exchanges

    def _solve_inline(self, node: Node) -> np.ndarray:
        rows, exchanges = self._factored(node.inputs[0])
        if node.name == "det":
            return np.array(self._determinant(rows, exchanges, code_of(node.dtype)), dtype=np.int64)
        rhs = self._array(node.inputs[1])
        columns = rhs.reshape(len(rows), -1).T if rhs.size else rhs.reshape(0, len(rows))
        solve = self._solve_transposed if node.params["transposed"] else self._solve_column
        solved = [solve(rows, exchanges, list(map(int, column))) for column in columns]
        return np.array(solved, dtype=np.int64).reshape(columns.shape).T.reshape(rhs.shape)

    def _determinant(self, rows, exchanges, code: str) -> int:
        """Return the product of the pivots; zero where one is: elimination has divided by it."""
        body = self.body
        result, zero = body.lit(1, code), body.zero(code)
        for k in range(len(rows)):
            result = body.op("mul", result, rows[k][k])
        for swap, _, _ in exchanges:
            result = body.op("select", swap, body.op("neg", result), result)
        for k in range(len(rows)):
            result = body.op("select", body.op("eq", rows[k][k], zero), zero, result)
        return result

    def _exchange(self, swap: int, x: list[int], k: int, i: int) -> None:
        op = self.body.op
        x[k], x[i] = op("select", swap, x[i], x[k]), op("select", swap, x[k], x[i])

    def _less(self, x: int, a: int, b: int) -> int:
        return self.body.op("sub", x, self.body.op("mul", a, b))

    def _solve_column(self, rows, exchanges, x: list[int]) -> list[int]:
        n = len(rows)
        for swap, k, i in exchanges:
            self._exchange(swap, x, k, i)
        for i in range(n):
            for j in range(i):
                x[i] = self._less(x[i], rows[i][j], x[j])
        for i in reversed(range(n)):
            for j in range(i + 1, n):
                x[i] = self._less(x[i], rows[i][j], x[j])
            x[i] = self.body.op("div", x[i], rows[i][i])
        return x

    def _solve_transposed(self, rows, exchanges, x: list[int]) -> list[int]:
        n = len(rows)
        for i in range(n):
            for j in range(i):
                x[i] = self._less(x[i], rows[j][i], x[j])
            x[i] = self.body.op("div", x[i], rows[i][i])
        for i in reversed(range(n)):
            for j in range(i + 1, n):
                x[i] = self._less(x[i], rows[j][i], x[j])
        for swap, k, i in reversed(exchanges):
            self._exchange(swap, x, k, i)
        return x

    def literals(self, ids: np.ndarray) -> np.ndarray | None:
        """Return the values of an array of literals, None if any is known only when running."""
        values = [self.body.value_of(number) for number in ids.ravel().tolist()]
        if any(value is None for value in values):
            return None
        return np.array(values, dtype=np.int64).reshape(ids.shape)


def _structural(e: _Elements, node: Node, *ids: np.ndarray) -> np.ndarray:
    return np.asarray(node.primitive.value(*ids, **node.params), dtype=np.int64)


def _pad(e: _Elements, node: Node, ids: np.ndarray) -> np.ndarray:
    out = np.full(node.shape, e.body.zero(code_of(node.dtype)), dtype=np.int64)
    out[pad_region(node)] = ids
    return out


def _known_index(e: _Elements, ids: np.ndarray, limit: int) -> np.ndarray:
    index = e.literals(ids)
    if index is None or (index.size and (index.min() < 0 or index.max() >= limit)):
        raise TooLarge  # run-time indices are checked and followed by loops
    return index


def _take(e: _Elements, node: Node, ids: np.ndarray, index: np.ndarray) -> np.ndarray:
    axis = node.params["axis"]
    return np.take(ids, _known_index(e, index, ids.shape[axis]), axis=axis)


def _put(e: _Elements, node: Node, base: np.ndarray, index: np.ndarray, value: np.ndarray) -> np.ndarray:
    axis = node.params["axis"]
    where = _known_index(e, index, base.shape[axis])
    out = np.moveaxis(base.copy(), axis, 0)
    rank = where.ndim
    moved = np.moveaxis(value, tuple(range(axis, axis + rank)), tuple(range(rank)))
    for point in product(*(range(n) for n in where.shape)):
        place = int(where[point])
        if node.name == "put":
            out[place] = moved[point]
        else:
            out[place] = e._map(
                lambda a, b: e.body.op("add", a, b), np.asarray(out[place]), np.asarray(moved[point])
            )
    return np.moveaxis(out, 0, axis)


def _reduce(e: _Elements, node: Node, ids: np.ndarray) -> np.ndarray:
    axes = reduced_axes(node)
    kept = [axis for axis in range(ids.ndim) if axis not in axes]
    flat = np.transpose(ids, [*kept, *axes]).reshape(node.type.size, -1) if node.type.size else None
    if flat is None:
        return np.zeros(node.shape, dtype=np.int64)
    code = code_of(node.dtype)
    empty = e.body.lit(identity_of(node.name, code), code) if flat.shape[1] == 0 else -1
    rows = [fold_statements(e.body, node.name, row) if row else empty for row in flat.tolist()]
    return np.array(rows, dtype=np.int64).reshape(node.shape)


def _arg(e: _Elements, node: Node, ids: np.ndarray) -> np.ndarray:
    body, better = e.body, "gt" if node.name == "argmax" else "lt"
    moved = np.moveaxis(ids, node.params["axis"], -1)
    rows = []
    for row in moved.reshape(-1, moved.shape[-1]).tolist():
        best, where = row[0], body.lit(0, "i8")
        for k, value in enumerate(row[1:], 1):
            first_nan = body.op(
                "logical_and", body.op("isnan", value), body.op("logical_not", body.op("isnan", best))
            )
            wins = body.op("logical_or", first_nan, body.op(better, value, best))
            if body.codes[value] in ("f8", "f4"):
                wins = body.op("logical_and", wins, body.op("logical_not", body.op("isnan", best)))
            best = body.op("select", wins, value, best)
            where = body.op("select", wins, body.lit(k, "i8"), where)
        rows.append(where)
    return np.array(rows, dtype=np.int64).reshape(node.shape)


def _scan(e: _Elements, node: Node, ids: np.ndarray) -> np.ndarray:
    op = "add" if node.name == "cumsum" else "mul"
    axis = node.params["axis"]
    turned = np.flip(ids, axis) if node.params.get("reverse") else ids
    rows = np.moveaxis(turned, axis, 0).copy()
    for k in range(1, rows.shape[0]):
        rows[k] = e._map(lambda a, b: e.body.op(op, a, b), np.asarray(rows[k - 1]), np.asarray(rows[k]))
    result = np.moveaxis(rows, 0, axis)
    return np.flip(result, axis) if node.params.get("reverse") else result


def _contract(e: _Elements, node: Node, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    left, right, out = node.params["spec"]
    sizes = letter_sizes(node)
    letters = out + "".join(letter for letter in sizes if letter not in out)
    box = tuple(sizes[letter] for letter in letters)
    spread = []
    for ids, names in ((a, left), (b, right)):
        order = sorted(range(len(names)), key=lambda i: letters.index(names[i]))
        shape = tuple(sizes[letter] if letter in names else 1 for letter in letters)
        spread.append(np.broadcast_to(np.transpose(ids, order).reshape(shape), box))
    if node.type.size == 0:
        return np.zeros(node.shape, dtype=np.int64)
    code = code_of(node.dtype)
    rows = [array.reshape(node.type.size, -1).tolist() for array in spread]
    results = []
    for xs, ys in zip(*rows, strict=True):
        results.append(dot_statements(e.body, xs, ys) if xs else e.body.lit(0, code))
    return np.array(results, dtype=np.int64).reshape(node.shape)


_RULES = dict.fromkeys((*MOVES, "place"), _structural)
_RULES |= dict.fromkeys(REDUCTIONS, _reduce)
_RULES |= {
    "pad": _pad,
    "take": _take,
    "put": _put,
    "put_add": _put,
    "argmax": _arg,
    "argmin": _arg,
    "cumsum": _scan,
    "cumprod": _scan,
    "contract": _contract,
}
