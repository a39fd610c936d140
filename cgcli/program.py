"""The public API: a program that was read, and what can be done with it.

program = cgcli.load("samples/article.cg")
program.eval({"a": 2, "b": 3, "c": 1})      # {"y": 10.0}
program.grad({"a": 2, "b": 3, "c": 1})      # of y: 2, 7 and -5
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from cgcli.graph.diagnostic import Diagnostic, Label, error
from cgcli.graph.evaluation import Evaluation
from cgcli.graph.graph import Graph
from cgcli.graph.source import Source
from cgcli.graph.types import Results, Type
from cgcli.language.files import read_source
from cgcli.language.programs import open_program
from cgcli.language.records import Input, Module, Scalar
from cgcli.language.suggest import nearest
from cgcli.language.tree import identifier, plain_number
from cgcli.ops.numbers import FITS, Overflow
from cgcli.run.differences import Check, check
from cgcli.run.scalar import ScalarExecutor

Values = Mapping[str, Scalar]


@dataclass(frozen=True)
class Gradient:
    """The value of `of` and its derivative by each name; zero where it does not depend on it."""

    of: str
    value: float
    partials: dict[str, float]


def load(path: str | Path, *, allow_path: Sequence[str | Path] = ()) -> Program:
    """The program in a `.cg` file. Its imports stay in the file's folder, or in one of `allow_path`.

    Raises CgError when the file cannot be read or is not a program.
    """
    source = read_source(path)
    return Program(open_program(source, path=Path(path), root=None, allowed=[Path(p) for p in allow_path]))


def parse(
    text: str,
    *,
    name: str = "<text>",
    folder: str | Path | None = None,
    allow_path: Sequence[str | Path] = (),
    keep: bool = False,
) -> Program:
    """The program that `text` says; imports are looked up in `folder` (the working folder). Raises CgError.

    keep: whether the lowered program is kept in the user's cache for the next time, as `load` does.
    """
    root = Path.cwd() if folder is None else Path(folder)
    allowed = [Path(p) for p in allow_path]
    return Program(open_program(Source(name, text), path=None, root=root, allowed=allowed, keep=keep))


class Program:
    """A program and the graph that it defines."""

    def __init__(self, module: Module) -> None:
        self.module = module
        self.graph: Graph = module.graph
        self.inputs: tuple[Input, ...] = module.inputs
        self.outputs: tuple[str, ...] = module.outputs
        self.warnings: tuple[Diagnostic, ...] = module.warnings

    def input(self, name: str) -> Input:
        """The declaration of an input. Raises CgError for a name that is none."""
        name = identifier(name)
        found = next((i for i in self.inputs if i.name == name), None)
        if found is None:
            names = [i.name for i in self.inputs]
            raise error("unknown-input", name=name, nearest=nearest(name, names), known=names)
        return found

    def parse_value(self, name: str, text: str) -> Scalar:
        """The value of an input given as a constant expression of the language, such as `-1e-3` or `pi/2`.

        Raises CgError when the text is no such expression or its value does not fit the input's type.
        """
        wanted = self.input(name).type
        plain = plain_number(text)
        if plain is not None and (wanted.is_float or isinstance(plain, int)):
            return self._fit(self.input(name), plain)
        from cgcli.language.lower import constant  # only for a value that is more than a number

        return constant(Source(f"--{name}", text), wanted)

    def eval(self, values: Values, *, every: bool = False) -> dict[str, Scalar]:
        """The value of each output, or of every named value. Raises CgError, also when the run fails (status 1)."""
        names = list(self.module.values) if every else list(self.outputs)
        nodes = [self.module.values[name] for name in names]
        v = self._executor(tuple(nodes)).forward(self._bind(values))
        return {name: v[i] for name, i in zip(names, nodes, strict=True)}

    def run(self, values: Values, *, of: str | None = None, derivatives: bool = True) -> Evaluation:
        """Everything that a picture shows: values of all nodes and, unless told not to, derivatives of `of`."""
        target = self.module.values[self.of_choice(of)] if derivatives else None
        executor = self._executor(tuple(range(len(self.graph))))
        v = executor.forward(self._bind(values))
        if target is None:
            return Evaluation(self.graph, v)
        adjoints = executor.backward(v, target)
        partials = {i: executor.partials(v, i) for i in range(len(self.graph)) if self.graph.a[i] >= 0}
        clean = [None if isinstance(g, dict) else g for g in adjoints]
        return Evaluation(self.graph, v, target, clean, partials)

    def grad(
        self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None, every: bool = False
    ) -> Gradient:
        """The derivative of `of` (by default the only float output) by inputs: all floats among them, or `wrt`.

        every: by every named float value instead. Raises CgError for names that cannot be differentiated.
        """
        name = self.of_choice(of)
        names = self._every_float() if every and wrt is None else self._wrt(wrt)
        target = self.module.values[name]
        executor = self._executor((target,))
        v = executor.forward(self._bind(values))
        adjoints = executor.backward(v, target)
        found = {n: adjoints[self.module.values[n]] for n in names}
        return Gradient(name, float(v[target]), {n: _unsigned_zero(g) for n, g in found.items()})

    def hessian(
        self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None
    ) -> dict[str, dict[str, float]]:
        """The second derivatives of `of` by each pair of inputs."""
        names = self._wrt(wrt)
        nodes = [self.module.values[n] for n in names]
        from cgcli.transform.gradient import gradient  # a pass of which values alone know nothing

        first = gradient(self.graph, self.module.values[self.of_choice(of)], nodes, whole=True)
        executor = ScalarExecutor(first)
        v = executor.forward(self._bind(values))
        where = self._names_in(first)
        table: dict[str, dict[str, float]] = {}
        for n, row in zip(names, first.outputs, strict=True):
            adjoints = executor.backward(v, row)
            table[n] = {m: _unsigned_zero(adjoints[where[m]]) for m in names}
        return table

    def symbolic(self, *, of: str | None = None, wrt: Sequence[str] | None = None) -> str:
        """Lines of cg, `dy/da = …` a partial derivative, in terms of inputs and the program's names."""
        from cgcli.language.express import write_outputs
        from cgcli.optimise.simplify import simplify
        from cgcli.transform.gradient import gradient

        name = self.of_choice(of)
        names = self._wrt(wrt)
        graph = gradient(self.graph, self.module.values[name], [self.module.values[n] for n in names], whole=True)
        short, where = simplify(graph)
        named = {where[i]: n for n, i in self._names_in(graph).items()}
        return "\n".join(write_outputs(short, [f"d{name}/d{n}" for n in names], named))

    def check_gradient(self, values: Values, *, of: str | None = None, wrt: Sequence[str] | None = None) -> list[Check]:
        """Each partial derivative beside differences of the program itself."""
        found = self.grad(values, of=of, wrt=wrt)
        target = self.module.values[found.of]
        executor = self._executor((target,))
        point = self._bind(values)
        checks: list[Check] = []
        for n, derivative in found.partials.items():
            k = next((k for k, i in enumerate(self.inputs) if i.name == n), None)
            if k is None:
                raise error("check-by-input", name=n)

            def f(x: float, k: int = k) -> float:
                return float(executor.forward([*point[:k], self._fit(self.inputs[k], x), *point[k + 1 :]])[target])

            single = any(t.dtype == "f32" for t in self.graph.types if isinstance(t, Type))
            checks.append(check(f, n, float(point[k]), derivative, 2.0**-23 if single else 2.0**-52))
        return checks

    def range_warnings(self, values: Values) -> list[Diagnostic]:
        """A warning for each value outside the range that its declaration gives."""
        found: list[Diagnostic] = []
        values = {identifier(name): x for name, x in values.items()}
        for declared in self.inputs:
            x = values.get(declared.name, declared.default)
            if declared.range and x is not None and not declared.range[0] <= x <= declared.range[1]:
                labels = (Label(declared.span, "declared"),) if declared.span else ()
                low, high = declared.range
                shown = {"name": declared.name, "value": x, "low": low, "high": high}
                found.append(Diagnostic("outside-range", labels, shown, severity="warning"))
        return found

    def of_choice(self, of: str | None) -> str:
        """The name of the value to differentiate: `of`, or the only float output. Raises CgError naming the choices."""
        floats = [n for n in self.outputs if self._type(n).has_derivative]
        if of is None:
            if len(floats) == 1:
                return floats[0]
            every = self._every_float()
            raise error(
                "several-outputs" if floats else "no-float-output", choices=floats or every, outputs=self.outputs
            )
        of = identifier(of)
        if of not in self.module.values:
            known = list(self.module.values)
            raise error("unknown-output", name=of, nearest=nearest(of, known), known=known)
        if not self._type(of).has_derivative:
            raise error("no-derivative-of", name=of, type=self._type(of))
        return of

    # ---- inside

    def _type(self, name: str) -> Type:
        t = self.graph.type_of(self.module.values[name])
        assert not isinstance(t, Results)
        return t

    def _every_float(self) -> list[str]:
        return [n for n in self.module.values if self._type(n).has_derivative]

    def _wrt(self, wrt: Sequence[str] | None) -> list[str]:
        if wrt is None:
            return [i.name for i in self.inputs if i.type.is_float]
        names = [identifier(name) for name in wrt]
        for name in names:
            if name not in self.module.values:
                known = list(self.module.values)
                raise error("unknown-wrt", name=name, nearest=nearest(name, known), known=known)
            if not self._type(name).has_derivative:
                raise error("no-derivative-by-input", name=name, type=self._type(name))
        return list(dict.fromkeys(names))

    def _bind(self, values: Values) -> list[Scalar]:
        """The inputs in order. Raises CgError for unknown names, and for all missing ones together."""
        values = {self.input(name).name: x for name, x in values.items()}
        missing = [i.name for i in self.inputs if i.name not in values and i.default is None]
        if missing:
            raise error("missing-inputs", missing=missing, euler="e" if "e" in missing else None)
        return [self._fit(i, values.get(i.name, i.default)) for i in self.inputs]

    @staticmethod
    def _fit(declared: Input, value: Any) -> Scalar:
        """A Python number as the input's type wants it. Raises CgError when it does not fit."""
        dtype = declared.type.dtype
        if dtype == "bool":
            if isinstance(value, bool):
                return value
        elif not isinstance(value, bool) and isinstance(value, int | float if declared.type.is_float else int):
            with suppress(Overflow, OverflowError):
                return FITS[dtype](value)
        raise error("input-type", status=1, name=declared.name, value=value, wanted=declared.type)

    @cached_property
    def _executors(self) -> dict[tuple[int, ...], ScalarExecutor]:
        return {}

    def _executor(self, roots: tuple[int, ...]) -> ScalarExecutor:
        known = self._executors.get(roots)
        if known is None:
            known = self._executors[roots] = ScalarExecutor(self.graph, roots)
        return known

    def _names_in(self, graph: Graph) -> dict[str, int]:
        """The nodes of a gradient graph that hold the program's named values."""
        last = {name: node for node, name in graph.names.items()}
        return {name: last[name] for name in self.module.values if name in last}


def _unsigned_zero(derivative: float | None) -> float:
    """A derivative as it is reported: 0 where there is no path, and never the -0 that a product may leave."""
    return 0.0 if derivative is None else derivative + 0.0
