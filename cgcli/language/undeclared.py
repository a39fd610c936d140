"""Suggested declarations: undeclared inputs are numbers; for one that is used as a tensor or an int, a line to paste.

The type is inferred from the syntax tree: from operands of `@`, `x[0]`, `for v in x`, `sum(x, axis=0)`.
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
"""Codes of errors that a declaration of the operand may fix."""

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
"""The operands of functions on tensors; with `axis=` any function takes as many axes as that needs."""

OF_SIZES = frozenset(("zeros", "ones", "full", "eye", "arange"))
"""Functions whose arguments are sizes; those of `reshape` and the like follow a tensor."""

Shape = tuple[str, ...]


class Use(NamedTuple):
    """A use of a name as a tensor or an int, and the tree around it."""

    name: str
    is_int: bool
    context: Any


def with_declarations(problem: CgError, source: Source) -> CgError:
    """The error with declarations to paste, where it concerns undeclared inputs of the program `source`."""
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
    input_uses = [use for use in uses.uses if use.name in names.inputs]
    types = dict.fromkeys((use.name for use in input_uses if use.is_int), INT)
    types |= {use.name: FLOAT._replace(shape=uses.shapes[use.name]) for use in input_uses if not use.is_int}
    signature = Signature({name: types.get(name, FLOAT) for name in names.inputs})
    return CgError(
        *(_with_declaration(d, source, input_uses, signature) for d in problem.diagnostics), status=problem.status
    )


def _with_declaration(diagnostic: Diagnostic, source: Source, uses: Sequence[Use], signature: Signature) -> Diagnostic:
    is_int = diagnostic.code in INT_CODES
    if not is_int and diagnostic.code not in TENSOR_CODES:
        return diagnostic
    spans = [label.span for label in diagnostic.labels if label.span.source.text == source.text]
    if not any(use.is_int == is_int and _within(spans, span_of(source, use.context)) for use in uses):
        return diagnostic
    return replace(diagnostic, values={**diagnostic.values, "declare": signature})


def _within(spans: Iterable[Span], context: Span) -> bool:
    return any(context.start <= span.start and span.end <= context.end for span in spans)


class _Uses:
    """The uses of names in a program. shapes: of inputs and bound names, as far as the text shows them.

    names: those of the program, which no size may have.
    """

    def __init__(self, functions: Mapping[str, Function], names: Collection[str]) -> None:
        self.functions, self.names = functions, names
        self.sizes = [letter for letter in SIZES if letter not in names] or list(SIZES)
        self.product_sizes = 0  # sizes that products have used
        self.uses: list[Use] = []
        self.shapes: dict[str, Shape] = {}
        self._in_function = False
        self._bodies: dict[str, _Uses] = {}

    def read(self, tree: Any) -> None:
        """Records the uses in a statement or in the body of a function, in postorder."""
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
                shapes[id(node)] = max((shapes.get(id(child), ()) for child in node.children), key=len)
            elif rule == "index":
                self._index(node)
            elif rule == "field" and str(node.children[1]) == "T":
                self._note_tensor(node.children[0], self._free_names("nm"), node)
                shapes[id(node)] = shapes.get(id(node.children[0]), ())[::-1]
            elif rule == "for_stmt" and kind(node.children[1]) != "range":
                self._note_tensor(node.children[1], self._free_names("n"), node.children[1])
            elif rule == "range":
                for end in node.children:
                    self._note_int(end, node)
            elif rule == "param_decl" and node.children[1] is not None:
                dims = [str(child.children[0]) for child in node.children[1].children[1:] if child is not None]
                self.shapes[identifier(node.children[0])] = tuple(dims)
            elif rule == "assign" and kind(node.children[0]) == "name":
                self.shapes[identifier(node.children[0].children[0])] = shapes.get(id(node.children[-1]), ())

    def _product(self, node: Any, shapes: Mapping[int, Shape]) -> Shape:
        """`W @ x`: a name that begins with a capital is a matrix, another one a vector. Returns the product's shape."""
        left, _, right = node.children
        a, b = (self._shape_of(operand, shapes) for operand in (left, right))
        if not a and kind(left) == kind(right) == "name" and left.children[0] == right.children[0]:
            n = self._fresh_size()
            a = b = (n, n) if _is_matrix(left) else (n,)
        if not a:
            row = (self._fresh_size(),) if _is_matrix(left) else ()
            a = (*row, b[0] if b else self._fresh_size())
        if not b:
            b = (a[-1], self._fresh_size()) if _is_matrix(right) else (a[-1],)
        self._note_tensor(left, a, node)
        self._note_tensor(right, b, node)
        return (*a[:-1], *b[1:])

    def _shape_of(self, operand: Any, shapes: Mapping[int, Shape]) -> Shape:
        shape = shapes.get(id(operand), ())
        return shape or max((self.shapes.get(name, ()) for name in _elementwise_names(operand)), key=len, default=())

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
        self._note_tensor(base, self._free_names(SIZES[:rank]), node)
        for item in items:
            for index in item.children if kind(item) == "slice" else [item]:
                if index is not None:
                    self._note_int(index, node)

    def _call(self, node: Any) -> None:
        operands, keywords = arguments(node)
        name = _name(node)
        axis = next((literal(tree) for token, tree in keywords if str(token) == "axis"), None)
        shapes = SHAPES.get(name, "").split("|")
        if isinstance(axis, int):
            shapes = [SIZES[: axis + 1 if axis >= 0 else -axis]]
        elif name in self.functions:
            shapes = []
            self._call_own(node, self.functions[name], operands)
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
                    self._note_tensor(part, self._free_names("n"), node)
            shapes = []
        elif kind(node.children[0]) == "field":  # of a library, whose functions take tensors
            shapes = ["nm" if _is_matrix(operand) else "n" for operand in operands]
        for operand, shape in zip(operands, shapes, strict=False):
            self._note_tensor(operand, self._free_names(shape), node)
        sizes = operands if name in OF_SIZES else operands[1:] if name in ("reshape", "broadcast") else []
        for size in sizes:
            for part in size.children if kind(size) == "tensor" else [size]:
                if part is not None:
                    self._note_int(part, node)

    def _call_own(self, node: Any, function: Function, operands: Sequence[Any]) -> None:
        """Records the uses of parameters in the body of one of the file's functions, for the operands of a call."""
        if self._in_function:
            return
        body = self._bodies.get(function.name)
        if body is None:
            body = self._bodies[function.name] = _Uses(self.functions, self.names)
            body._in_function = True
            body.read(function.body)
        for parameter, operand in zip(function.parameters, operands, strict=False):
            for use in body.uses:
                for context in (node, use.context) if use.name == parameter.name else ():
                    if use.is_int:
                        self._note_int(operand, context)
                    else:
                        self._note_tensor(operand, body.shapes[use.name], context)

    def _note_tensor(self, operand: Any, shape: Shape, context: Any) -> None:
        """Records a use as a tensor; of two uses the one with more axes determines the shape."""
        for name in _elementwise_names(operand) if shape else ():
            self.uses.append(Use(name, False, context))
            if len(self.shapes.get(name, ())) < len(shape):
                self.shapes[name] = shape

    def _note_int(self, operand: Any, context: Any) -> None:
        self.uses.extend(Use(name, True, context) for name in _elementwise_names(operand))

    def _free_names(self, letters: str) -> Shape:
        """Names of sizes for letters, replaced where the program uses a letter for something else."""
        return tuple(self.sizes[SIZES.index(letter) % len(self.sizes)] for letter in letters)

    def _fresh_size(self) -> str:
        """A size that no product has used."""
        self.product_sizes += 1
        return self.sizes[(self.product_sizes - 1) % len(self.sizes)]


def _name(call: Any) -> str:
    """The plain name of the called function; empty for any other callee."""
    callee = call.children[0]
    return identifier(callee.children[0]) if kind(callee) == "name" else ""


def _is_matrix(operand: Any) -> bool:
    if kind(operand) == "tensor":
        return any(row is not None and kind(row) == "tensor" for row in operand.children)
    return kind(operand) == "name" and str(operand.children[0])[:1].isupper()


def _elementwise_names(operand: Any) -> Iterator[str]:
    """The names whose shape an expression has: those that it combines element by element."""
    stack = [operand]
    while stack:
        node = stack.pop()
        rule = kind(node)
        if rule == "name":
            yield identifier(node.children[0])
        elif rule in ("negative", "comparison") or (rule == "binary" and kind(node.children[1]) != "AT"):
            stack.extend(reversed([child for child in node.children if hasattr(child, "children")]))
        elif rule == "call" and _name(node) in ELEMENTWISE:
            stack.extend(reversed(arguments(node)[0]))
