"""Lowers calls: of built-in functions, derivatives, and functions of the file, which are inlined."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from cgcli.diagnostics.diagnostic import CgError, Label, error, unknown_name
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.lexemes import identifier, plain_number
from cgcli.graph.sizes import Shape, Size, same
from cgcli.graph.types import Type
from cgcli.ops.op import arity

from .builtins import DERIVATIVES, ELEMENTWISE, FUNCTIONS
from .call_site import Argument, CallSite
from .derivatives import ThroughLoop, derivative
from .expressions import ANYTHING, DATA, MAX_NODES, Lowering
from .foreign import rewritten
from .frames import Dimension, Environment, Frame, coerce, declared_type
from .functions import Function, Parameter
from .library import LIBRARY, Builtin
from .loops import Loops
from .origins import counted
from .regions import Call, Region, Several, Value
from .tree import arguments, kind, span_of

if TYPE_CHECKING:
    from lark import Token


class CallKey(NamedTuple):
    """The key of a memoised call: function, region and arguments."""

    function: int
    region: Region
    arguments: tuple[Value, ...]


class Calls(Loops):
    """Lowers calls; memoises those within functions, so that functions that call another twice stay small."""

    def __init__(self, max_nodes: int = MAX_NODES) -> None:
        super().__init__(max_nodes)
        self._memo: dict[CallKey, Value | Several] = {}
        self._active: set[int] = set()  # the functions that are being inlined

    def checkpoint(self) -> tuple[int, ...]:
        return *super().checkpoint(), len(self._memo)

    def rollback(self, state: tuple[int, ...]) -> None:
        super().rollback(state)
        while len(self._memo) > state[-1]:
            self._memo.popitem()  # the newest, which were all lowered since the checkpoint

    def _call(self, frame: Frame, tree: Any) -> Lowering:
        callee = tree.children[0]
        if kind(callee) == "field":
            module = self._module(frame, callee.children[0])
            token = callee.children[1]
            if module is None:
                raise _not_a_function(frame, tree)
            function = module.names.functions.get(identifier(token))
            if function is None:
                unknown = unknown_name(identifier(token), sorted(module.names.functions))
                raise error("not-in-module", frame.span(token), **unknown, module=str(callee.children[0].children[0]))
            return self._inline(frame, tree, module, function)
        if kind(callee) != "name":
            raise _not_a_function(frame, tree)
        name = identifier(callee.children[0])
        home = frame.environment.enclosing or frame.environment
        function = home.names.functions.get(name)
        # the library does not recurse: there, a call of the function's own name means the built-in function
        own = frame.environment.library and function is not None and id(function) in self._active
        if function is not None and not (own and name in FUNCTIONS):
            return self._inline(frame, tree, home, function)
        if name not in FUNCTIONS:
            raise error("data-function", frame.span(callee), name=name)
        positional, keywords = arguments(tree)
        if name in LIBRARY and (name not in ELEMENTWISE or len(positional) < 2):
            return self._library(frame, tree, name, LIBRARY[name])
        if keywords:
            raise error("no-keywords", frame.span(keywords[0][0]), name=name, keyword=identifier(keywords[0][0]))
        if name in DERIVATIVES:
            return self._derivative(frame, tree, name, positional)
        return self._builtin(frame, tree, name, positional)

    def _library(self, frame: Frame, tree: Any, name: str, builtin: Builtin) -> Lowering:
        """A call of a built-in function on tensors: its arguments, then the ops of its definition."""
        positional_names = [p.rstrip("?") for p in builtin.positional]
        parameter_names = [*positional_names, *(p.rstrip("?") for p in builtin.keyword)]
        positional, keywords = arguments(tree)
        if len(positional) > len(positional_names):
            surplus = positional[len(positional_names)]
            limit = counted(len(positional_names), "argument") + (" without a name" if builtin.keyword else "")
            texts = [frame.span(argument).text for argument in positional]
            fix = rewritten(name, texts) or _fix(name, parameter_names, positional_names, texts)
            raise error("too-many-arguments", frame.span(surplus), name=name, limit=limit, fix=fix)
        trees = dict(zip(positional_names, positional, strict=False))
        for token, argument in keywords:
            trees[_keyword(frame, token, name, parameter_names, trees, {"dim": "axis"})] = argument
        missing = [p for p in (*builtin.positional, *builtin.keyword) if not p.endswith("?") and p not in trees]
        if missing:
            raise error("missing-arguments", frame.span(tree), name=name, missing=missing)
        values: dict[str, Argument] = {}
        for key, argument in trees.items():
            value: Any = None
            if key in builtin.lists and kind(argument) == "tensor":
                value = []
                for item in argument.children:
                    if item is not None:
                        value.append((yield frame, item))
            elif kind(argument) != "string":
                value = yield frame, argument
            values[key] = Argument(argument, value)
        inner = replace(frame, call=Call(frame.call, name, frame.span(tree))) if builtin.grouped else frame
        return builtin.build(CallSite(self, inner, tree, name, values))

    def _builtin(self, frame: Frame, tree: Any, name: str, positional: list[Any]) -> Lowering:
        expected = 3 if name == "clip" else arity(ELEMENTWISE[name])
        if (expected is None and not positional) or (expected is not None and len(positional) != expected):
            count = "at least one argument" if expected is None else counted(expected, "argument")
            write = rewritten(name, [frame.span(part).text for part in positional])
            raise error("wrong-count", frame.span(tree), name=name, expected=count, count=len(positional), write=write)
        values: list[Value] = []
        for part in positional:
            values.append((yield frame, part))
        if name == "clip":
            low = self.emit(frame, tree, "max", values[:2], positional[:2])
            return self.emit(frame, tree, "min", [low, values[2]], [tree, positional[2]])
        if expected is None and len(values) == 1:
            return values[0]  # `max` or `min` of one value
        return self.emit(frame, tree, name, values, positional)

    def _derivative(self, frame: Frame, tree: Any, name: str, positional: list[Any]) -> Lowering:
        """`grad(y, x)`; of a scalar the Jacobian is the gradient, and the Hessian is the gradient's gradient."""
        if len(positional) != 2:
            raise error("wrong-count", frame.span(tree), name=name, expected="2 arguments", count=len(positional))
        expression, variable = positional
        if kind(variable) != "name":
            raise error("derivative-by-expression", frame.span(variable), function=name)
        y = yield frame, expression
        x = yield frame, variable
        if not y.type.has_derivative:
            raise error("no-derivative", frame.span(expression), type=y.type)
        if not x.type.has_derivative:
            raise error("no-derivative-by", frame.span(variable), name=str(variable.children[0]), type=x.type)
        if y.type.shape and name != "jacobian":
            raise error("derivative-of-tensor", frame.span(expression), function=name, type=y.type)
        span = frame.span(tree)
        call = Call(frame.call, name, span)
        shape = (*y.type.shape, *x.type.shape * (2 if name == "hessian" else 1))
        for _ in range(2 if name == "hessian" else 1):
            frame.region.at(span, call)
            try:
                dy_dx = derivative(frame.region, y, x)
            except ThroughLoop as e:
                label = Label(frame.span(variable), "variable")
                span = frame.span(expression)
                raise error(e.code, span, label, function=name, name=e.name or None) from None
            if dy_dx is None:
                self.warn(
                    "zero-derivative",
                    frame.span(expression),
                    Label(frame.span(variable), "variable"),
                    name=str(variable.children[0]),
                )
                zero = self.value(frame, tree, 0.0)
                return self.emit(frame, tree, "expand", [zero], [], shape=shape) if shape else zero
            y = dy_dx
            self._count_nodes(frame, tree)
        return y

    def _inline(self, frame: Frame, tree: Any, home: Environment, function: Function) -> Lowering:
        """Inlines a call: the arguments, then the body in a frame of its own."""
        values: dict[str, tuple[Any, Value]] = {}
        positional, keywords = arguments(tree)
        names = list(function.names)
        if len(positional) > len(names):
            raise error(
                "wrong-count",
                frame.span(positional[len(names)]),
                Label(span_of(home.source, function.tree.children[0]), "defined"),
                name=function.name,
                expected=counted(len(names), "argument"),
                count=len(positional),
            )
        for name, part in zip(names, positional, strict=False):
            values[name] = part, (yield frame, part, DATA)
        for token, part in keywords:
            name = _keyword(frame, token, function.name, names, values)
            values[name] = part, (yield frame, part, DATA)
        call = Call(frame.call, function.name, frame.span(tree))
        self.on_call(frame, tree, function)
        inner = Frame(home, frame.region, call, prefix=f"{function.name}.", returns=True)
        default_frame = Frame(home, frame.region, call)
        missing = [p for p in function.parameters if p.name not in values and p.default is None]
        if missing:
            raise error(
                "missing-arguments",
                frame.span(tree),
                Label(span_of(home.source, function.tree.children[0]), "defined"),
                name=function.name,
                missing=[p.name for p in missing],
            )
        for p in function.parameters:
            part, value = values[p.name] if p.name in values else (p.default, (yield default_frame, p.default))
            argument_frame = frame if p.name in values else default_frame
            inner.local[p.name] = self._parameter(argument_frame, part, value, p, inner)
        memoised = self.enter_body(frame, inner, function)
        if memoised is not None:
            return memoised
        key = CallKey(id(function), frame.region, tuple(inner.local.values()))
        for p in function.parameters:
            if p.name in function.derived and isinstance(inner.local[p.name], Value):
                # a copy, so that in g(a, a) the derivative by one parameter does not include the other
                inner.local[p.name] = self.emit(frame, tree, "copy", [inner.local[p.name]], [])
        self._active.add(id(function))
        if function.statements is None:
            result = yield inner, function.body, ANYTHING
        else:
            exit_ = yield from self.run(inner, function.statements)
            if exit_ is None or exit_.condition is not None:
                raise error("no-return", inner.span(function.tree.children[0]), name=function.name)
            result = exit_.values[0] if len(exit_.values) == 1 else Several(exit_.values)
        self._active.discard(id(function))
        self.leave_body(inner, key, result)
        return result

    def on_call(self, frame: Frame, tree: Any, function: Function) -> None:
        """A hook for each call. Raises for recursion, which cannot be inlined."""
        if id(function) in self._active:
            raise error("recursion", frame.span(tree), name=function.name)

    def enter_body(self, frame: Frame, inner: Frame, function: Function) -> Value | Several | None:
        """A hook for each body, its parameters bound. Returns the memoised result of an identical call, or None."""
        key = CallKey(id(function), frame.region, tuple(inner.local.values()))
        return self._memo.get(key) if frame.call is not None else None

    def leave_body(self, inner: Frame, key: CallKey, result: Value | Several) -> None:
        """A hook for the result of each call."""
        self._memo[key] = result

    def _parameter(self, frame: Frame, part: Any, value: Value, p: Parameter, inner: Frame) -> Value:
        """The argument cast to its parameter's type, if it has one; names in the shape are bound for this call."""
        if p.type is None:
            return value
        home = inner.environment.source
        dtype, dims = declared_type(home, p.type)
        if dtype == "any":
            return value
        if not isinstance(value, Value):
            label = Label(span_of(home, p.token), "parameter")
            type_text = span_of(home, p.type).text
            raise error("argument-type", frame.span(part), label, name=p.name, declared=type_text, type=str(value))
        declared, argument_type = Type(dtype), value.type
        fits = argument_type.dtype == dtype or (
            argument_type.weak and (declared.is_float or (declared.is_int and argument_type.is_int))
        )
        labels = frame.span(part), Label(span_of(home, p.token), "parameter")
        type_text = span_of(home, p.type).text
        if not fits:
            raise error("argument-type", *labels, name=p.name, declared=type_text, type=argument_type)
        shape = _bound_shape([d for d, _ in dims], argument_type.shape, inner.sizes)
        if shape is None or any(same(a, b) is False for a, b in zip(shape, argument_type.shape, strict=True)):
            sizes = {d: inner.sizes[d] for d, _ in dims if isinstance(d, str) and d in inner.sizes}
            bound_sizes = [f"{name} is {size}" for name, size in sizes.items() if shape is not None]
            raise error(
                "argument-shape", *labels, name=p.name, declared=type_text, type=argument_type, sizes=bound_sizes
            )
        if shape != argument_type.shape:
            value = self.emit(frame, part, "match", [value], [part], shape=shape)
        frame.at(part)
        return Value(frame.region, coerce(frame.region, value, Type(dtype, shape)))


def _keyword(
    frame: Frame,
    token: Token,
    function: str,
    parameters: Sequence[str],
    arguments_so_far: Container[str],
    foreign: Mapping[str, str] | None = None,
) -> str:
    """The name of a keyword argument. Raises for one that is no parameter, and for an argument that is given twice.

    foreign: names of other languages, with the parameter that each probably means.
    """
    keyword = identifier(token)
    if keyword in arguments_so_far:
        raise error("argument-twice", frame.span(token), name=function, keyword=keyword)
    if keyword not in parameters:
        meant = (foreign or {}).get(keyword)
        near = nearest(keyword, parameters) or (meant if meant in parameters else None)
        raise error(
            "unknown-keyword", frame.span(token), name=function, keyword=keyword, nearest=near, parameters=parameters
        )
    return keyword


BRACKETED = ("xs", "shape", "axes", "times", "widths")  # parameters whose items stand in one bracket


def _fix(name: str, parameters: Sequence[str], positional: Sequence[str], texts: Sequence[str]) -> str | None:
    """The probable form of a call with too many arguments: items in a bracket, or the next argument by its name."""
    n = len(positional)
    listed = (
        positional == ["x"]
        and "axis" in parameters
        and not (len(texts) == 2 and texts[1].lstrip("-").isdigit() and plain_number(texts[0]) is None)
    )
    if listed:  # `sum(1, 2, 3)`
        return f"{name}([{', '.join(texts)}])"
    if positional[-1] in BRACKETED:
        parts = f"[{', '.join(texts[n - 1 :])}]"
        return f"{name}({', '.join([*texts[: n - 1], parts])})"
    return f"{parameters[n]}={texts[n]}" if n < len(parameters) else None


def _not_a_function(frame: Frame, tree: Any) -> CgError:
    """The error for a callee that is no function: `x.sum()`, or a product without its sign."""
    callee = tree.children[0]
    write = None
    if kind(callee) == "field":
        name = identifier(callee.children[1])
        texts = [frame.span(part).text for part in (callee.children[0], *arguments(tree)[0])]
        write = f"{name}({', '.join(texts)})" if name in FUNCTIONS else rewritten(name, texts)
    product = None if write else "to multiply, write `*` before the bracket"
    return error("not-a-function", frame.span(callee), write=write, product=product)


def _bound_shape(dims: Sequence[Dimension], argument_shape: Shape, sizes: dict[str, Size]) -> Shape | None:
    """The declared shape, its new names bound to the argument's sizes; None for another rank."""
    shape = list(dims)
    if "..." in shape:
        k = shape.index("...")
        free = len(argument_shape) - len(shape) + 1
        if free < 0:
            return None
        shape[k : k + 1] = argument_shape[k : k + free]
        fixed = range(k, k + free)
    else:
        fixed = range(0)
    if len(shape) != len(argument_shape):
        return None
    return tuple(
        size if k in fixed or isinstance(size, int) else sizes.setdefault(size, argument_size)
        for k, (size, argument_size) in enumerate(zip(shape, argument_shape, strict=True))
    )
