"""The executor of scalar graphs on plain Python numbers: forward over the columns, and one backward sweep."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

from cgcli.diagnostics.diagnostic import CgError, error
from cgcli.graph.graph import CONST, INPUT, NONE, Graph, Node, opcode
from cgcli.graph.traversal import live
from cgcli.graph.types import AnyType, Type
from cgcli.ops.arithmetic import IntegerDivisionByZero
from cgcli.ops.numbers import Overflow, float32
from cgcli.ops.op import AssertionFailed, Structured
from cgcli.ops.table import BY_CODE
from cgcli.run.limits import Meter, StacksTooLarge, TooManySteps, limit_error, stack_value_bytes

from .codegen import forward_kernel

Scalar = float | int | bool
_COND = opcode("cond")
_LOOP = opcode("loop")
_GET = opcode("get")


class ScalarExecutor:
    """A graph made ready to run any number of times on scalars; only what `roots` (the outputs) need is computed.

    max_memory: bytes that loops may keep of their steps. max_steps: how many steps loops may run together.
    """

    def __init__(
        self,
        graph: Graph,
        roots: Sequence[int] | None = None,
        max_memory: int | None = None,
        max_steps: int | None = None,
    ) -> None:
        self.graph = graph
        self.max_memory, self.max_steps = max_memory, max_steps
        self._runner = _Runner(self)
        self._roots = graph.outputs if roots is None else roots
        self._kinds, self._first_of_kind = _kinds(graph)
        self._nested: dict[int, ScalarExecutor] = {}

    def forward(self, inputs: Sequence[Scalar]) -> list[Any]:
        """The value of every node that is needed, else None; a node with several results has a tuple.

        Raises CgError (status 1) where an integer is divided by zero or leaves its range, where an assertion does not
        hold, and at a loop that runs too many steps or whose stacks take too much memory.
        """
        self._runner.meter = Meter(self.max_steps, self.max_memory)
        return self._forward(inputs)

    @cached_property
    def _constants(self) -> list[Any]:
        """The values of the constants in a list with an entry for each node."""
        values: list[Any] = [None] * len(self.graph)
        for i, attrs in self.graph.attrs.items():
            if self.graph.op[i] == CONST:
                values[i] = attrs["value"]
        return values

    @cached_property
    def _order(self) -> list[int]:
        needed = live(self.graph, (*self._roots, *self.graph.asserts))
        return [i for i, code in enumerate(self.graph.op) if needed[i] and code not in (CONST, INPUT)]

    @cached_property
    def _forward_kernels(self) -> list[Any]:
        """By kind of node, the forward kernel; None for a kind that is not needed."""
        kernels: list[Any] = [None] * len(self._first_of_kind)
        for kind in {self._kinds[i] for i in self._order}:
            kernels[kind] = self._forward_kernel(self._first_of_kind[kind])
        return kernels

    def _forward(self, inputs: Sequence[Scalar]) -> list[Any]:
        v = list(self._constants)
        for i, x in zip(self.graph.inputs, inputs, strict=True):
            v[i] = x
        a, b, more = self.graph.a, self.graph.b, self.graph.more
        kernels, kinds = self._forward_kernels, self._kinds
        i = 0
        try:
            for i in self._order:
                v[i] = kernels[kinds[i]](v, i, a[i], b[i], more)
        except IntegerDivisionByZero:
            raise self._error("integer-division-by-zero", i) from None
        except Overflow:
            raise self._error("integer-overflow", i, type=self.graph.type_of(i)) from None
        except (AssertionFailed, TooManySteps, StacksTooLarge) as stop:
            raise limit_error(self.graph, i, stop, v, self.max_steps, self.max_memory) from None
        return v

    def backward(self, v: Sequence[Any], of: int) -> list[Any]:
        """The derivative of node `of` by every node, None where no path leads to it; `v` is the result of `forward`.

        One backward sweep in descending order of nodes, with the operations of the gradient graph in the same order.
        """
        adj: list[Any] = [None] * len(self.graph)
        adj[of] = 1.0
        self._sweep(adj, v, of)
        return adj

    def partials(self, v: Sequence[Any], i: int) -> tuple[float | None, ...]:
        """The local partial derivative of node `i` by each of its operands, None where it has none.

        For the result of a `cond`: by each operand of the `cond`, which itself has none. Loops have none.
        """
        if self.graph.op[i] == _GET and self.graph.op[self.graph.a[i]] == _COND:
            source = self.graph.a[i]
            adj: Any = defaultdict(type(None))
            self._through_cond(adj, {self.graph.attrs[i]["k"]: 1.0}, v, source)
            return tuple(adj[x] for x in self.graph.operands(source))
        if self.graph.op[i] in (_LOOP, _GET):
            return ()
        if self.graph.op[i] == _COND:
            return (None,) * len(self.graph.operands(i))
        return local_partials(self.graph, v, i)

    def _nested_executor(self, graph: Graph) -> ScalarExecutor:
        nested = self._nested.get(id(graph))
        if nested is None:
            nested = self._nested[id(graph)] = ScalarExecutor(graph, None, self.max_memory, self.max_steps)
        return nested

    def _forward_kernel(self, i: int) -> Callable[..., Any]:
        graph = self.graph
        attrs = graph.attrs.get(i, {})
        if isinstance(BY_CODE[graph.op[i]].vjp, Structured):
            evaluate = BY_CODE[graph.op[i]].evaluate
            operands = graph.operands(i)
            if graph.op[i] == _LOOP:
                return self._loop_kernel(attrs, operands)
            return lambda v, *_: evaluate(self._runner, attrs, *(v[x] for x in operands))
        return forward_kernel(graph.op[i], self._types(i), graph.type_of(i), attrs)

    def _loop_kernel(self, attrs: Mapping[str, Any], operands: tuple[int, ...]) -> Callable[..., Any]:
        """A loop as one function; where that fails, again node by node, to find the node that stops the run."""
        from .loops import compile_structured  # only graphs with loops need it

        evaluate, runner = BY_CODE[_LOOP].evaluate, self._runner
        run = compile_structured(_LOOP, attrs, len(operands))

        def kernel(v: Sequence[Any], *_: Any) -> Any:
            values = [v[x] for x in operands]
            if run is not None:
                steps, bytes_left = runner.meter.steps, runner.meter.bytes_left
                try:
                    return run(runner.meter, *values)
                except (IntegerDivisionByZero, Overflow, AssertionFailed):
                    runner.meter.steps, runner.meter.bytes_left = steps, bytes_left
            return evaluate(runner, attrs, *values)

        return kernel

    def _types(self, i: int) -> tuple[AnyType, ...]:
        return tuple(self.graph.type_of(x) for x in self.graph.operands(i))

    @cached_property
    def _backward_kernels(self) -> list[Callable[..., None] | None]:
        """By kind of node, the backward kernel; None for kinds without a derivative (inputs, constants, …)."""
        return [self._backward_kernel(i) for i in self._first_of_kind]

    def _backward_kernel(self, i: int) -> Callable[..., None] | None:
        code = self.graph.op[i]
        if code == _GET:
            return self._gather(self.graph.attrs[i]["k"])
        return self._through_cond if code == _COND else _backward_kernel_of(self.graph, i)

    def _sweep(self, adj: list[Any], v: Sequence[Any], top: int) -> None:
        a, b, more = self.graph.a, self.graph.b, self.graph.more
        kernels, kinds = self._backward_kernels, self._kinds
        for i in range(top, -1, -1):
            g = adj[i]
            if g is not None:
                kernel = kernels[kinds[i]]
                if kernel is not None:
                    kernel(adj, g, v, i, a[i], b[i], more)

    @staticmethod
    def _gather(k: int) -> Callable[..., None]:
        """A `get`: the cotangent of a structured node is a dictionary, result by result."""

        def kernel(adj: list[Any], g: float, v: Sequence[Any], i: int, a: int, *_: Any) -> None:
            if adj[a] is None:
                adj[a] = {}
            adj[a][k] = g  # a result is read once

        return kernel

    def _through_cond(self, adj: list[Any], g: dict[int, float], v: Sequence[Any], i: int, *_: Any) -> None:
        """The backward kernel of a `cond`: the side that was taken is computed again and swept."""
        condition, *captured = self.graph.operands(i)
        attrs = self.graph.attrs[i]
        body: Graph = attrs["then"] if v[condition] else attrs["else"]
        nested = self._nested_executor(body)
        nested_v = nested._forward([v[x] for x in captured])
        nested_adj: list[Any] = [None] * len(body)
        for k in sorted(g):
            output = body.outputs[k]
            nested_adj[output] = g[k] if nested_adj[output] is None else nested_adj[output] + g[k]
        nested._sweep(nested_adj, nested_v, len(body) - 1)
        for x, i_nested in zip(captured, body.inputs, strict=True):
            if nested_adj[i_nested] is not None and self._differentiable(x):
                total = nested_adj[i_nested] if adj[x] is None else adj[x] + nested_adj[i_nested]
                adj[x] = float32(total) if self._is_float32(x) else total

    def _is_float32(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and t.dtype == "f32"

    def _differentiable(self, i: int) -> bool:
        t = self.graph.type_of(i)
        return isinstance(t, Type) and t.has_derivative

    def _error(self, code: str, i: int, **values: object) -> CgError:
        node = Node(self.graph, i)
        return error(code, node.span, status=1, op=node.op, **values)


def local_partials(graph: Graph, v: Sequence[Any], i: int) -> tuple[float | None, ...]:
    """The local partial derivative of a node on numbers by each of its operands, None where it has none."""
    operands = graph.operands(i)
    kernel = _backward_kernel_of(graph, i)
    last = len(operands)
    partials: list[float | None] = []
    for k in range(last):
        # the operands have indices of their own, so that x * x has two partials
        adj: list[Any] = [None] * (last + 1)
        local = [*(v[x] for x in operands), v[i]]
        if kernel is not None:
            kernel(adj, 1.0, local, last, 0, 1, {last: tuple(range(2, last))})
        partials.append(adj[k])
    return tuple(partials)


def _backward_kernel_of(graph: Graph, i: int) -> Callable[..., None] | None:
    """The backward kernel of a node; None for a node without a derivative."""
    code, result = graph.op[i], graph.type_of(i)
    types = tuple(graph.type_of(x) for x in graph.operands(i))
    active = [not isinstance(t, Type) or t.has_derivative for t in types]
    if not isinstance(result, Type) or not result.has_derivative or not any(active):
        return None
    from .backward import backward_kernel  # with the derivative rules

    return backward_kernel(code, types, result, graph.attrs.get(i, {}), active)


class _Runner:
    """Evaluates the graphs that structured nodes hold."""

    def __init__(self, executor: ScalarExecutor) -> None:
        self.executor = executor
        self.meter = Meter(None, None)

    def __call__(self, graph: Graph, values: Sequence[Any]) -> tuple[Any, ...]:
        nested = self.executor._nested_executor(graph)
        nested._runner.meter = self.meter
        bytes_left = self.meter.bytes_left
        v = nested._forward(values)
        self.meter.bytes_left = bytes_left  # the stacks of loops inside are freed
        return tuple(v[i] for i in graph.outputs)

    def stepped(self, body: Graph, written: Sequence[Any]) -> None:
        self.meter.step(body)
        self.meter.reserve(sum(map(stack_value_bytes, written)))


def _kinds(graph: Graph) -> tuple[list[int], list[int]]:
    """The kind of each node, equal for nodes of equal op and types without attributes; and the first node of each."""
    kind_of: dict[tuple[int, ...], int] = {}
    kinds: list[int] = []
    first_of_kind: list[int] = []
    types, attrs, more = graph.type, graph.attrs, graph.more
    for i, (code, a, b, t) in enumerate(zip(graph.op, graph.a, graph.b, types, strict=True)):
        key: tuple[int, ...] = (code, t, types[a] if a >= 0 else NONE, types[b] if b >= 0 else NONE)
        if i in more:
            key += tuple(types[x] for x in more[i])
        kind = kind_of.get(key) if i not in attrs else None
        if kind is None:
            kind = len(first_of_kind)
            first_of_kind.append(i)
            if i not in attrs:
                kind_of[key] = kind
        kinds.append(kind)
    return kinds, first_of_kind
