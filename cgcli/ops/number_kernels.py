"""Kernels on plain Python numbers: the source of an operation from its declaration, compiled once in a process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any, NamedTuple, cast

from cgcli.graph.graph import CONST, INPUT, LOOP, NONE, Graph
from cgcli.graph.traversal import every, live
from cgcli.graph.types import WEAK_FLOAT, AnyType, Results, Stack, Type

from . import floats
from .emit import Source
from .failures import AssertionFailed, IntegerDivisionByZero, Overflow, Stop
from .interpreter import Kernel, Runner, Sizes
from .numbers import fit_for
from .table import BY_CODE, OPS

PARAMETERS = "v, i, a, b, more"
CompiledLoop = Callable[..., tuple[object, ...]]
"""`run(meter, *operands)`: the results of a loop."""
LoopCompiler = Callable[[Mapping[str, Any], int], CompiledLoop | None]
_NO_SIZES: Sizes = {}
_NO_CONTEXT = nullcontext()


class NumberKernels:
    """A kernel for each kind of node that is needed.

    compile_loop: from a loop's attributes and its number of operands a function that runs it, or None.
    """

    sizes = _NO_SIZES

    def __init__(self, graph: Graph, runner: Runner, compile_loop: LoopCompiler | None = None) -> None:
        self.graph, self.runner, self.compile_loop = graph, runner, compile_loop
        self.kinds, self.first_of_kind = node_kinds(graph)

    @cached_property
    def order(self) -> list[int]:
        needed = live(self.graph, (*self.graph.outputs, *self.graph.asserts))
        return [i for i, code in enumerate(self.graph.op) if needed[i] and code not in (CONST, INPUT)]

    @cached_property
    def table(self) -> list[Kernel | None]:
        kernels: list[Kernel | None] = [None] * len(self.first_of_kind)
        for kind in {self.kinds[i] for i in self.order}:
            kernels[kind] = self._kernel(self.first_of_kind[kind])
        return kernels

    @cached_property
    def _constants(self) -> list[object]:
        values: list[object] = [None] * len(self.graph)
        for i, attrs in self.graph.attrs.items():
            if self.graph.op[i] == CONST:
                values[i] = attrs["value"]
        return values

    def begin(self, inputs: Sequence[object], sizes: Sizes | None) -> list[object]:
        v = list(self._constants)
        for i, x in zip(self.graph.inputs, inputs, strict=True):
            v[i] = x
        return v

    def nested(self, graph: Graph, runner: Runner) -> NumberKernels:
        return NumberKernels(graph, runner, self.compile_loop)

    def context(self) -> AbstractContextManager[None]:
        return _NO_CONTEXT

    def too_large(self, i: int) -> Stop | None:
        return None  # numbers take no memory that is counted

    def _kernel(self, i: int) -> Kernel:
        graph = self.graph
        code, operands, attrs = graph.op[i], graph.operands(i), graph.attrs.get(i, {})
        op = BY_CODE[code]
        if not op.is_structured:
            return number_kernel(code, tuple(map(graph.type_of, operands)), graph.type_of(i), attrs)
        if code == LOOP and self.compile_loop is not None:
            run = self.compile_loop(attrs, len(operands))
            if run is not None:
                return self._loop_kernel(run, attrs, operands)
        evaluate, runner = op.evaluate, self.runner
        return lambda v, *_: evaluate(runner, attrs, *(v[x] for x in operands))

    def _loop_kernel(self, run: CompiledLoop, attrs: Mapping[str, Any], operands: tuple[int, ...]) -> Kernel:
        """A loop as one function; where that fails, again node by node, to find the node that stops the run."""
        evaluate, runner = BY_CODE[LOOP].evaluate, self.runner

        def kernel(v: Sequence[object], *_: object) -> object:
            values = [v[x] for x in operands]
            steps, bytes_left = runner.meter.steps, runner.meter.bytes_left
            try:
                return run(runner.meter, *values)
            except (IntegerDivisionByZero, Overflow, AssertionFailed):
                runner.meter.steps, runner.meter.bytes_left = steps, bytes_left
            return evaluate(runner, attrs, *values)

        return kernel


_kernels: dict[tuple[object, ...], Kernel] = {}


def number_kernel(op: int, types: tuple[AnyType, ...], result: AnyType, attrs: Mapping[str, Any]) -> Kernel:
    """The kernel of an operation on operands of these types, memoised."""
    key = (op, types, result, repr(sorted(attrs.items())) if attrs else None)
    kernel = _kernels.get(key)
    if kernel is None:
        source = Source(vars(floats))
        refs = [x if x.startswith("v[") else f"v[{x}]" for x in operand_names(len(types))]
        text = expression(source, op, refs, types, result, attrs)
        kernel = _kernels[key] = source.function(PARAMETERS, [f"return {text}"])
    return kernel


def expression(
    source: Source,
    op: int,
    operands: Sequence[str],
    types: Sequence[AnyType],
    result: AnyType,
    attrs: Mapping[str, Any],
) -> str:
    """The Python expression of `op(operands)`, converted to the result's type."""
    if op == CONST:
        return source.bind(attrs["value"])
    declared = BY_CODE[op]
    if declared.expansion is not None and not (isinstance(result, Type) and result.weak and result.is_int):
        terms = [_Term(x, t) for x, t in zip(operands, types, strict=True)]
        expanded = declared.expansion(_Terms(source), *terms, attrs)
        if expanded is not None:
            return cast("_Term", expanded).text
    if declared.inline is not None:
        text = f"({declared.inline.format(*operands)})"
    else:
        text = f"{source.bind(declared.evaluate)}({', '.join([source.bind(floats), source.bind(attrs), *operands])})"
    convert = fit_for(result, types)
    return f"{source.bind(convert)}({text})" if convert else text


class _Term(NamedTuple):
    text: str
    type: AnyType
    computed: bool = False


class _Terms:
    """The methods of the builder over Python expressions.

    A term is written where it is read; one that is both operands of an operation is computed once.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    def __getattr__(self, name: str) -> Callable[..., _Term]:
        op = OPS[name.rstrip("_")]

        def term(*operands: _Term | float, **attrs: Any) -> _Term:
            terms = [x if isinstance(x, _Term) else _Term(repr(x), WEAK_FLOAT) for x in operands]
            texts, types = [x.text for x in terms], [x.type for x in terms]
            if len(terms) == 2 and terms[0] is terms[1] and terms[0].computed:
                texts = [f"(both := {texts[0]})", "both"]
            result = op.type_rule(types, attrs)
            return _Term(expression(self.source, op.code, texts, types, result, attrs), result, True)

        return term


def operand_names(arity: int) -> list[str]:
    """The names of a kernel's operands: two columns, and a row of the others."""
    return [*("v[a]", "v[b]")[:arity], *(f"more[i][{k}]" for k in range(arity - 2))]


def evaluate(
    op: int, values: Sequence[Any], types: Sequence[AnyType], result: AnyType, attrs: Mapping[str, Any]
) -> Any:
    """The value of one operation, in its result's type, straight from its declaration. Raises `Stop`."""
    declared = BY_CODE[op]
    if declared.expansion is not None:  # each of its operations is rounded to its type
        return number_kernel(op, tuple(types), result, attrs)(list(values), 0, 0, 1, {0: tuple(range(2, len(values)))})
    value = declared.evaluate(floats, attrs, *values)
    convert = fit_for(result, types)
    return convert(value) if convert else value


def node_kinds(graph: Graph) -> tuple[list[int], list[int]]:
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


# ---- what numbers suffice for


def is_scalar(graph: Graph) -> bool:
    """Whether plain numbers suffice to run a graph: no tensors, and no op on tensors."""
    return not any(any(map(_has_axes, g.types)) or not all(map(on_numbers, set(g.op))) for g in every(graph))


def has_loop(graph: Graph) -> bool:
    """Whether a graph, or one nested in it, has a loop."""
    return any(LOOP in g.op for g in every(graph))


def _has_axes(t: AnyType) -> bool:
    if isinstance(t, Results):
        return any(map(_has_axes, t.items))
    while isinstance(t, Stack):
        t = t.item
    return bool(t.shape)


def on_numbers(code: int) -> bool:
    """Whether an op runs on plain numbers."""
    op = BY_CODE[code]
    return op.is_elementwise or op.numbers or op.is_structured
