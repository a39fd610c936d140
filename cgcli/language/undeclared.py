"""Inputs that no line declares are numbers: where a program uses one as a tensor or an int, its declaration to paste.

What an input is for is read off the syntax tree: the operand of `@`, `x[0]`, `for v in x`, `sum(x, axis=0)`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from cgcli.diagnostics.diagnostic import CgError, Diagnostic
from cgcli.diagnostics.source import Source, Span
from cgcli.graph.lexemes import identifier
from cgcli.graph.signature import Signature
from cgcli.graph.types import FLOAT, INT

from .builtins import ELEMENTWISE
from .functions import Function
from .parser import parse
from .resolver import Resolver
from .tree import arguments, kind, literal, span_of, walk

TENSOR_CODES = frozenset((
    "argument-shape", "array-shape", "axis-outside", "concat-rank", "conv-rank", "diagonal-sizes", "einsum-rank",
    "index-of-number", "index-outside", "matmul-scalar", "matrix-expected", "needs-axes", "not-a-permutation",
    "not-iterable", "reshape-size", "tensor-expected", "too-many-indices", "transpose-rank", "vector-expected",
))  # fmt: skip
INT_CODES = frozenset(("index-type", "not-a-shape", "not-a-size", "range-end"))
"""Codes of mistakes that a declaration of the operand may mend."""

SIZES = "nmkpqrstuvwijlabcdefgh"
"""Names that a declaration may give to sizes, in order of preference."""

# letters that are equal stand for one size; `|` between operands
SHAPES = {
    **dict.fromkeys(("len", "sort", "argsort", "top_k", "cumsum", "argmax", "argmin", "diag", "reshape", "flip"), "n"),
    **dict.fromkeys(("shape", "one_hot", "scatter_add", "pad", "tile", "roll"), "n"),
    "dot": "n|n",
    "outer": "n|m",
    **dict.fromkeys(("det", "logdet", "inv", "cholesky", "trace"), "nn"),
    **dict.fromkeys(("transpose", "tril", "triu"), "nm"),
    "solve": "nn|n",
    "conv1d": "nmk|pmr",
    "conv2d": "nmkp|qmrs",
    **dict.fromkeys(("max_pool", "avg_pool"), "nmkp"),
}
"""What functions take that take no number; any function with `axis=` takes as many axes as that needs."""

OF_SIZES = frozenset(("zeros", "ones", "full", "eye", "arange"))
"""Functions of sizes; those of `reshape` and the like stand behind a tensor."""

Shape = tuple[str, ...]


class Use(NamedTuple):
    """An input's name where the text wants a tensor or an int of it, and the tree of that place."""

    name: str
    whole: bool
    place: Any


def guided(problem: CgError, source: Source) -> CgError:
    """The error with the declarations to paste, where it concerns undeclared inputs of the program `source`."""
    if not any(d.code in TENSOR_CODES | INT_CODES for d in problem.diagnostics):
        return problem
    statements: list[Any] = parse(source).tree.children
    if any(kind(s) == "input_decl" for s in statements):
        return problem
    modules = {n: str(s.children[0]) for n, s in enumerate(statements) if kind(s) == "import_decl"}
    try:
        names = Resolver(source, statements, modules, "main").resolve()
    except CgError:
        return problem
    uses = _Uses(names.functions, {identifier(t) for s in statements for t in walk(s) if kind(t) == "NAME"})
    for statement in statements:
        uses.read(statement)
    concerned = [use for use in uses.seen if use.name in names.inputs]
    wanted = dict.fromkeys((use.name for use in concerned if use.whole), INT)
    wanted |= {use.name: FLOAT._replace(shape=uses.shapes[use.name]) for use in concerned if not use.whole}
    declared = Signature({name: wanted.get(name, FLOAT) for name in names.inputs})
    return CgError(*(_guided(d, source, concerned, declared) for d in problem.diagnostics), status=problem.status)


def _guided(diagnostic: Diagnostic, source: Source, uses: Sequence[Use], declared: Signature) -> Diagnostic:
    whole = diagnostic.code in INT_CODES
    if not whole and diagnostic.code not in TENSOR_CODES:
        return diagnostic
    spans = [label.span for label in diagnostic.labels if label.span.source.text == source.text]
    if not any(use.whole == whole and _within(spans, span_of(source, use.place)) for use in uses):
        return diagnostic
    return replace(diagnostic, values={**diagnostic.values, "declare": declared})


def _within(spans: Iterable[Span], place: Span) -> bool:
    return any(place.start <= span.start and span.end <= place.end for span in spans)


class _Uses:
    """What a program uses names for. shapes: of inputs and of bound names, as far as the text tells.

    words: names that the program uses, which no size may have.
    """

    def __init__(self, functions: Mapping[str, Function], words: Collection[str]) -> None:
        self.functions, self.words = functions, words
        self.sizes = [letter for letter in SIZES if letter not in words] or list(SIZES)
        self.used = 0  # sizes that products have taken
        self.seen: list[Use] = []
        self.shapes: dict[str, Shape] = {}
        self._inside = False
        self._bodies: dict[str, _Uses] = {}

    def read(self, tree: Any) -> None:
        """Notes the uses in a statement or in the body of a function, operands before what takes them."""
        if kind(tree) == "fn_decl":
            return
        shapes: dict[int, Shape] = {}  # of trees, by identity
        for node in reversed(list(walk(tree))):
            rule = kind(node)
            if rule == "call":
                self._call(node)
            if rule == "name":
                shapes[id(node)] = self.shapes.get(identifier(node.children[0]), ())
            elif rule == "binary" and kind(node.children[1]) == "AT":
                shapes[id(node)] = self._product(node, shapes)
            elif rule in ("binary", "negative", "comparison") or (rule == "call" and _name(node) in ELEMENTWISE):
                shapes[id(node)] = max((shapes.get(id(each), ()) for each in node.children), key=len)
            elif rule == "index":
                self._index(node)
            elif rule == "field" and str(node.children[1]) == "T":
                self._want(node.children[0], self._shared("nm"), node)
                shapes[id(node)] = shapes.get(id(node.children[0]), ())[::-1]
            elif rule == "for_stmt" and kind(node.children[1]) != "range":
                self._want(node.children[1], self._shared("n"), node.children[1])
            elif rule == "range":
                for end in node.children:
                    self._int(end, node)
            elif rule == "param_decl" and node.children[1] is not None:
                dims = [str(each.children[0]) for each in node.children[1].children[1:] if each is not None]
                self.shapes[identifier(node.children[0])] = tuple(dims)
            elif rule == "assign" and kind(node.children[0]) == "name":
                self.shapes[identifier(node.children[0].children[0])] = shapes.get(id(node.children[-1]), ())

    def _product(self, node: Any, shapes: Mapping[int, Shape]) -> Shape:
        """`W @ x`: a name that begins with a capital is a matrix, another one a vector. Returns the product's shape."""
        left, _, right = node.children
        a, b = (self._shape_of(each, shapes) for each in (left, right))
        if not a and kind(left) == kind(right) == "name" and left.children[0] == right.children[0]:
            n = self._fresh()
            a = b = (n, n) if _is_matrix(left) else (n,)
        if not a:
            row = (self._fresh(),) if _is_matrix(left) else ()
            a = (*row, b[0] if b else self._fresh())
        if not b:
            b = (a[-1], self._fresh()) if _is_matrix(right) else (a[-1],)
        self._want(left, a, node)
        self._want(right, b, node)
        return (*a[:-1], *b[1:])

    def _shape_of(self, operand: Any, shapes: Mapping[int, Shape]) -> Shape:
        known = shapes.get(id(operand), ())
        return known or max((self.shapes.get(name, ()) for name in _spread(operand)), key=len, default=())

    def _index(self, node: Any) -> None:
        base, *items = node.children
        rank = sum(kind(item) != "ellipsis" for item in items)
        while kind(base) == "index":  # `x[0][1]`
            rank += len(base.children) - 1
            base = base.children[0]
        if kind(base) == "call" and _name(base) == "shape" and arguments(base)[0]:
            axis = literal(items[0])
            rank = axis + 1 if isinstance(axis, int) and axis >= 0 else 1
            base = arguments(base)[0][0]
        self._want(base, self._shared(SIZES[:rank]), node)
        for item in items:
            for part in item.children if kind(item) == "slice" else [item]:
                if part is not None:
                    self._int(part, node)

    def _call(self, node: Any) -> None:
        operands, keywords = arguments(node)
        name = _name(node)
        axis = next((literal(tree) for token, tree in keywords if str(token) == "axis"), None)
        shapes = SHAPES.get(name, "").split("|")
        if isinstance(axis, int):
            shapes = [SIZES[: axis + 1 if axis >= 0 else -axis]]
        elif name in self.functions:
            shapes = []
            self._own(node, self.functions[name], operands)
        elif name == "einsum" and operands and kind(operands[0]) == "string":
            pattern = str(operands[0].children[0])[1:-1].partition("->")[0].replace(" ", "")
            letters = {
                letter: SIZES[k % len(SIZES)] for k, letter in enumerate(dict.fromkeys(pattern.replace(",", "")))
            }
            shapes = ["", *("".join(letters[letter] for letter in part) for part in pattern.split(","))]
        elif name == "transpose" and len(operands) > 1 and kind(operands[1]) == "tensor":
            shapes = [SIZES[: len(operands[1].children)]]
        elif name == "concat" and operands and kind(operands[0]) == "tensor":
            for part in operands[0].children:
                if part is not None:
                    self._want(part, self._shared("n"), node)
            shapes = []
        elif kind(node.children[0]) == "field":  # of the library, which is about tensors
            shapes = ["nm" if _is_matrix(operand) else "n" for operand in operands]
        for operand, shape in zip(operands, shapes, strict=False):
            self._want(operand, self._shared(shape), node)
        sizes = operands if name in OF_SIZES else operands[1:] if name in ("reshape", "broadcast") else []
        for size in sizes:
            for part in size.children if kind(size) == "tensor" else [size]:
                if part is not None:
                    self._int(part, node)

    def _own(self, node: Any, function: Function, operands: Sequence[Any]) -> None:
        """What the body of one of the file's functions wants of its parameters."""
        if self._inside:
            return
        body = self._bodies.get(function.name)
        if body is None:
            body = self._bodies[function.name] = _Uses(self.functions, self.words)
            body._inside = True
            body.read(function.body)
        for parameter, operand in zip(function.parameters, operands, strict=False):
            for use in body.seen:
                for place in (node, use.place) if use.name == parameter.name else ():
                    if use.whole:
                        self._int(operand, place)
                    else:
                        self._want(operand, body.shapes[use.name], place)

    def _want(self, operand: Any, shape: Shape, place: Any) -> None:
        """A tensor; of two uses the one with more axes tells its shape."""
        for name in _spread(operand) if shape else ():
            self.seen.append(Use(name, False, place))
            if len(self.shapes.get(name, ())) < len(shape):
                self.shapes[name] = shape

    def _int(self, operand: Any, place: Any) -> None:
        self.seen.extend(Use(name, True, place) for name in _spread(operand))

    def _shared(self, letters: str) -> Shape:
        """Letters for axes, in place of which stand others where the program uses them for something else."""
        return tuple(self.sizes[SIZES.index(letter) % len(self.sizes)] for letter in letters)

    def _fresh(self) -> str:
        """A size that no product has had."""
        self.used += 1
        return self.sizes[(self.used - 1) % len(self.sizes)]


def _name(call: Any) -> str:
    """The plain name of the function that is called; nothing for another."""
    callee = call.children[0]
    return identifier(callee.children[0]) if kind(callee) == "name" else ""


def _is_matrix(operand: Any) -> bool:
    if kind(operand) == "tensor":
        return any(each is not None and kind(each) == "tensor" for each in operand.children)
    return kind(operand) == "name" and str(operand.children[0])[:1].isupper()


def _spread(operand: Any) -> Iterator[str]:
    """The names whose shape an expression has: those that it joins element by element."""
    stack = [operand]
    while stack:
        node = stack.pop()
        rule = kind(node)
        if rule == "name":
            yield identifier(node.children[0])
        elif rule in ("negative", "comparison") or (rule == "binary" and kind(node.children[1]) != "AT"):
            stack.extend(reversed([each for each in node.children if hasattr(each, "children")]))
        elif rule == "call" and _name(node) in ELEMENTWISE:
            stack.extend(reversed(arguments(node)[0]))
