"""Calls: built-in functions, derivatives, and functions of the file, which are inlined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import CgError, Label, error
from cgcli.diagnostics.suggest import nearest
from cgcli.graph.lexemes import identifier, plain_number
from cgcli.graph.sizes import Shape, Size, same
from cgcli.graph.types import Type
from cgcli.ops.op import arity

from .builtins import DERIVATIVES, ELEMENTWISE, FUNCTIONS
from .call_site import Argument, Site
from .derivatives import ThroughLoop, derivative
from .expressions import ANYTHING, DATA, MAX_NODES, Lowering
from .foreign import rewritten
from .frames import Dimension, Environment, Frame, coerce, written_type
from .functions import Function, Parameter
from .library import LIBRARY, Builtin
from .loops import Loops
from .regions import Call, Region, Several, Value
from .tree import arguments, kind, span_of


class Memo(NamedTuple):
    """A call that was inlined before with the same arguments."""

    function: int
    region: Region
    arguments: tuple[Value, ...]


class Calls(Loops):
    """Lowers calls; remembers those made within functions, so that doubling functions stay small."""

    def __init__(self, max_nodes: int = MAX_NODES) -> None:
        super().__init__(max_nodes)
        self._known: dict[Memo, Value | Several] = {}
        self._active: set[int] = set()  # the functions that are being inlined

    def mark(self) -> tuple[int, ...]:
        return *super().mark(), len(self._known)

    def forget(self, mark: tuple[int, ...]) -> None:
        super().forget(mark)
        while len(self._known) > mark[-1]:
            self._known.popitem()  # the newest, which all belong to what is forgotten

    def _call(self, frame: Frame, tree: Any) -> Lowering:
        callee = tree.children[0]
        if kind(callee) == "field":
            module = self._module(frame, callee.children[0])
            token = callee.children[1]
            if module is None:
                raise _not_a_function(frame, tree)
            function = module.names.functions.get(identifier(token))
            if function is None:
                known = sorted(module.names.functions)
                raise error(
                    "not-in-module",
                    frame.span(token),
                    name=identifier(token),
                    module=str(callee.children[0].children[0]),
                    nearest=nearest(identifier(token), known),
                    known=known,
                )
            return self._inline(frame, tree, module, function)
        if kind(callee) != "name":
            raise _not_a_function(frame, tree)
        name = identifier(callee.children[0])
        home = frame.environment.around or frame.environment
        function = home.names.functions.get(name)
        # the library does not recurse: there, a function that calls its own name means the built-in one
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
        """A function on tensors: its arguments, then the ops that it is made of."""
        wanted = [p.rstrip("?") for p in builtin.positional]
        every = [*wanted, *(p.rstrip("?") for p in builtin.keyword)]
        positional, keywords = arguments(tree)
        if len(positional) > len(wanted):
            extra = positional[len(wanted)]
            takes = _count(len(wanted), "argument") + (" without a name" if builtin.keyword else "")
            texts = [frame.span(part).text for part in positional]
            fix = rewritten(name, texts) or _fix(name, every, wanted, texts)
            raise error("too-many-arguments", frame.span(extra), name=name, wanted=takes, fix=fix)
        written = dict(zip(wanted, positional, strict=False))
        for token, part in keywords:
            keyword = identifier(token)
            if keyword not in every:
                near = nearest(keyword, every) or ("axis" if keyword == "dim" and "axis" in every else None)
                raise error("unknown-keyword", frame.span(token), name=name, keyword=keyword, nearest=near, known=every)
            if keyword in written:
                raise error("argument-twice", frame.span(token), name=name, keyword=keyword)
            written[keyword] = part
        missing = [p for p in (*builtin.positional, *builtin.keyword) if not p.endswith("?") and p not in written]
        if missing:
            raise error("missing-arguments", frame.span(tree), name=name, missing=missing)
        found: dict[str, Argument] = {}
        for key, part in written.items():
            value: Any = None
            if key in builtin.lists and kind(part) == "tensor":
                value = []
                for item in part.children:
                    if item is not None:
                        value.append((yield frame, item))
            elif kind(part) != "string":
                value = yield frame, part
            found[key] = Argument(part, value)
        inner = replace(frame, call=Call(frame.call, name, frame.span(tree))) if builtin.whole else frame
        return builtin.build(Site(self, inner, tree, name, found))

    def _builtin(self, frame: Frame, tree: Any, name: str, positional: list[Any]) -> Lowering:
        wanted = 3 if name == "clip" else arity(ELEMENTWISE[name])
        if (wanted is None and not positional) or (wanted is not None and len(positional) != wanted):
            count = "at least one argument" if wanted is None else _count(wanted, "argument")
            write = rewritten(name, [frame.span(part).text for part in positional])
            raise error("wrong-count", frame.span(tree), name=name, wanted=count, found=len(positional), write=write)
        values: list[Value] = []
        for part in positional:
            values.append((yield frame, part))
        if name == "clip":
            low = self.emit(frame, tree, "max", values[:2], positional[:2])
            return self.emit(frame, tree, "min", [low, values[2]], [tree, positional[2]])
        if wanted is None and len(values) == 1:
            return values[0]  # the largest of one value
        return self.emit(frame, tree, name, values, positional)

    def _derivative(self, frame: Frame, tree: Any, name: str, positional: list[Any]) -> Lowering:
        """`grad(y, x)`; for scalars a Jacobian is the same, and a Hessian is the gradient's gradient."""
        if len(positional) != 2:
            raise error("wrong-count", frame.span(tree), name=name, wanted="2 arguments", found=len(positional))
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
                made = derivative(frame.region, y, x)
            except ThroughLoop as e:
                place = Label(frame.span(variable), "variable")
                span = frame.span(expression)
                raise error(e.code, span, place, function=name, name=e.name or None) from None
            if made is None:
                self.warn(
                    "zero-derivative",
                    frame.span(expression),
                    Label(frame.span(variable), "variable"),
                    name=str(variable.children[0]),
                )
                zero = self._constant(frame, tree, 0.0)
                return self.emit(frame, tree, "expand", [zero], [], shape=shape) if shape else zero
            y = made
            self._count_nodes(frame, tree)
        return y

    def _inline(self, frame: Frame, tree: Any, home: Environment, function: Function) -> Lowering:
        """A call: arguments, then the body in a frame of its own."""
        given: dict[str, tuple[Any, Value]] = {}
        positional, keywords = arguments(tree)
        names = list(function.names)
        if len(positional) > len(names):
            raise error(
                "wrong-count",
                frame.span(positional[len(names)]),
                Label(span_of(home.source, function.tree.children[0]), "defined"),
                name=function.name,
                wanted=_count(len(names), "argument"),
                found=len(positional),
            )
        for name, part in zip(names, positional, strict=False):
            given[name] = part, (yield frame, part, DATA)
        for token, part in keywords:
            name = identifier(token)
            if name not in function.names:
                raise error(
                    "unknown-keyword",
                    frame.span(token),
                    name=function.name,
                    keyword=name,
                    nearest=nearest(name, names),
                    known=names,
                )
            if name in given:
                raise error("argument-twice", frame.span(token), name=function.name, keyword=name)
            given[name] = part, (yield frame, part, DATA)
        call = Call(frame.call, function.name, frame.span(tree))
        self.called(frame, tree, function)
        inner = Frame(home, frame.region, call, {}, {}, f"{function.name}.", True)
        outside = Frame(home, frame.region, call, {})
        missing = [p for p in function.parameters if p.name not in given and p.default is None]
        if missing:
            raise error(
                "missing-arguments",
                frame.span(tree),
                Label(span_of(home.source, function.tree.children[0]), "defined"),
                name=function.name,
                missing=[p.name for p in missing],
            )
        assert inner.local is not None
        for p in function.parameters:
            part, value = given[p.name] if p.name in given else (p.default, (yield outside, p.default))
            place = frame if p.name in given else outside
            inner.local[p.name] = self._parameter(place, part, value, p, inner)
        before = self.begun(frame, inner, function)
        if before is not None:
            return before
        memo = Memo(id(function), frame.region, tuple(inner.local.values()))
        for p in function.parameters:
            if p.name in function.derived and isinstance(inner.local[p.name], Value):
                # a value of its own, so that in g(a, a) the derivative by one parameter leaves the other alone
                inner.local[p.name] = self.emit(frame, tree, "copy", [inner.local[p.name]], [])
        self._active.add(id(function))
        if function.statements is None:
            result = yield inner, function.body, ANYTHING
        else:
            found = yield from self.run(inner, function.statements)
            if found is None or found.happened is not None:
                raise error("no-return", inner.span(function.tree.children[0]), name=function.name)
            result = found.values[0] if len(found.values) == 1 else Several(found.values)
        self._active.discard(id(function))
        self.ended(inner, memo, result)
        return result

    def called(self, frame: Frame, tree: Any, function: Function) -> None:
        """Is told of a call; a function that calls itself would never end to be inlined."""
        if id(function) in self._active:
            raise error("recursion", frame.span(tree), name=function.name)

    def begun(self, frame: Frame, inner: Frame, function: Function) -> Value | Several | None:
        """Is told of a body that begins, its parameters bound; gives what the same call gave before."""
        assert inner.local is not None
        memo = Memo(id(function), frame.region, tuple(inner.local.values()))
        return self._known.get(memo) if frame.call is not None else None

    def ended(self, inner: Frame, memo: Memo, result: Value | Several) -> None:
        """Is told what a call gave."""
        self._known[memo] = result

    def _parameter(self, frame: Frame, part: Any, value: Value, p: Parameter, inner: Frame) -> Value:
        """The argument in its parameter's type, when that has one; names in its shape are bound for this call."""
        if p.type is None:
            return value
        home = inner.environment.source
        dtype, dims = written_type(home, p.type)
        if dtype == "any":
            return value
        if not isinstance(value, Value):
            place = Label(span_of(home, p.token), "parameter")
            written = span_of(home, p.type).text
            raise error("argument-type", frame.span(part), place, name=p.name, wanted=written, found=str(value))
        wanted, found = Type(dtype), value.type
        fits = found.dtype == dtype or (found.weak and (wanted.is_float or (wanted.is_int and found.is_int)))
        labels = frame.span(part), Label(span_of(home, p.token), "parameter")
        written = span_of(home, p.type).text
        if not fits:
            raise error("argument-type", *labels, name=p.name, wanted=written, found=found)
        assert inner.sizes is not None
        shape = _bound_shape([d for d, _ in dims], found.shape, inner.sizes)
        if shape is None or any(same(a, b) is False for a, b in zip(shape, found.shape, strict=True)):
            sizes = {d: inner.sizes[d] for d, _ in dims if isinstance(d, str) and d in inner.sizes}
            known = [f"{name} is {size}" for name, size in sizes.items() if shape is not None]
            raise error("argument-shape", *labels, name=p.name, wanted=written, found=found, known=known)
        if shape != found.shape:
            value = self.emit(frame, part, "match", [value], [part], shape=shape)
        return Value(frame.region, coerce(frame.region, value, Type(dtype, shape)))


BRACKETED = ("xs", "shape", "axes", "times", "widths")  # parameters whose parts stand in one bracket


def _fix(name: str, every: Sequence[str], wanted: Sequence[str], texts: Sequence[str]) -> str | None:
    """How a call with too many arguments is probably meant: parts in a bracket, or the next argument by its name."""
    n = len(wanted)
    several = (
        wanted == ["x"]
        and "axis" in every
        and not (len(texts) == 2 and texts[1].lstrip("-").isdigit() and plain_number(texts[0]) is None)
    )
    if several:  # `sum(1, 2, 3)`
        return f"{name}([{', '.join(texts)}])"
    if wanted[-1] in BRACKETED:
        parts = f"[{', '.join(texts[n - 1 :])}]"
        return f"{name}({', '.join([*texts[: n - 1], parts])})"
    return f"{every[n]}={texts[n]}" if n < len(every) else None


def _not_a_function(frame: Frame, tree: Any) -> CgError:
    """What is called is no function: `x.sum()`, or a product without its sign."""
    callee = tree.children[0]
    write = None
    if kind(callee) == "field":
        name = identifier(callee.children[1])
        texts = [frame.span(part).text for part in (callee.children[0], *arguments(tree)[0])]
        write = f"{name}({', '.join(texts)})" if name in FUNCTIONS else rewritten(name, texts)
    product = None if write else "to multiply, write `*` before the bracket"
    return error("not-a-function", frame.span(callee), write=write, product=product)


def _bound_shape(dims: Sequence[Dimension], found: Shape, sizes: dict[str, Size]) -> Shape | None:
    """The shape that a signature asks for, its new names bound to the sizes that are found; None for another rank."""
    wanted = list(dims)
    if "..." in wanted:
        k = wanted.index("...")
        free = len(found) - len(wanted) + 1
        if free < 0:
            return None
        wanted[k : k + 1] = found[k : k + free]
        fixed = range(k, k + free)
    else:
        fixed = range(0)
    if len(wanted) != len(found):
        return None
    return tuple(
        size if k in fixed or isinstance(size, int) else sizes.setdefault(size, here)
        for k, (size, here) in enumerate(zip(wanted, found, strict=True))
    )


def _count(n: int, what: str) -> str:
    return f"{n} {what}" if n == 1 else f"{n} {what}s"
