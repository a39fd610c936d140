"""The reference of the language: a page for each word, function (from the registry of operations) and module."""

from __future__ import annotations

import json
from textwrap import wrap

from cgcli.language.builtins import ELEMENTWISE
from cgcli.language.imports import library_names
from cgcli.language.library import LIBRARY
from cgcli.language.library.docs import DOCS
from cgcli.language.modules import library_function, library_functions
from cgcli.language.words import WORDS
from cgcli.ops.op import Op
from cgcli.render.numbers import shortest
from cgcli.render.tensors import write

from .load import parse

_SPELLED_OUT = {
    "clip": (
        "clip(x, lo, hi)",
        "x, but never below lo nor above hi",
        "lo ≤ hi; a tie with a constant bound goes to the bound, with derivative 0",
        "clip(2, 0, 1)",
    ),
    "grad": (
        "grad(y, x)",
        "the derivative of y by x, where x is the name of a value as bound at that point",
        "floats; 0 where y does not depend on x",
        "x = 3; y = x^2; grad(y, x)",
    ),
    "jacobian": (
        "jacobian(y, x)",
        "the derivative of y by x, every output by every input; for scalars the same as grad",
        "floats; 0 where y does not depend on x",
        "x = 3; y = x^2; jacobian(y, x)",
    ),
    "hessian": (
        "hessian(y, x)",
        "the second derivative of y by x; for scalars the same as grad(grad(y, x), x)",
        "floats; 0 where y does not depend on x",
        "x = 3; y = x^3; hessian(y, x)",
    ),
    "has": (
        'has(t, "left")',
        "whether a record has a part of this name that is not null",
        "structured data, which come in by an input of type any",
        'input t: any; if has(t, "left") then t.left else 0',
    ),
}
_DATA = {"t": {"left": 5}}  # the inputs of the example with structured data
_TYPES = {bool: "bool", int: "int", float: "float"}


def function_names() -> list[str]:
    """The functions that can be called, in the order of their names."""
    return sorted({*ELEMENTWISE, *_SPELLED_OUT, *DOCS})


def function_page(name: str) -> str:
    """A function's signature, meaning, domain, derivative and an example with its value."""
    if name in DOCS:
        return _tensor_page(name)
    if name in ELEMENTWISE:
        op = ELEMENTWISE[name]
        signature, doc, domain, example = _signature(op), op.doc, op.examples.domain, _example(op)
    else:
        signature, doc, domain, example = _SPELLED_OUT[name]
    lines = [signature, f"  {doc}", "", f"Domain      {domain}"]
    if name in ELEMENTWISE:
        lines += _labelled("Derivative", _derivatives(ELEMENTWISE[name]))
    program = parse(example)
    values = {} if program.mode == "static" else _DATA
    options = "".join(f" --{n} '{json.dumps(x)}'" for n, x in values.items())
    value = next(iter(program.eval(values).values()))
    return "\n".join([*lines, f"Example     cg eval -e '{example}'{options}", f"            {shortest(value)}"])


def word_names() -> list[str]:
    """The words of the language that are no functions, those of declarations first."""
    return list(WORDS)


def word_page(name: str) -> str:
    """How a word is written, its meaning and an example with its results."""
    return WORDS[name].page


def module_names() -> list[str]:
    """The modules of the library, for `import NAME`."""
    return library_names()


def module_functions(module: str) -> dict[str, str]:
    """The first sentence about each function of a module, by the function's full name."""
    return {f"{module}.{f.name}": f.doc.partition(". ")[0] for f in library_functions(module)}


def library_page(name: str) -> str | None:
    """The page of a module or of a function in one, as `nn` or `nn.softmax`; None for another name."""
    return _module_page(name) if name in module_names() else _library_function_page(name)


def _module_page(module: str) -> str:
    """The functions of a module, each with the first sentence of its doc comment."""
    functions = module_functions(module)
    width = max(map(len, functions))
    lines = [f"  {name:{width}}  {about.removesuffix('.')}" for name, about in functions.items()]
    return "\n".join(
        [f"The module {module}, after `import {module}`:", "", *lines, "", f"For one: cg help {module}.NAME"]
    )


def _library_function_page(name: str) -> str | None:
    """A library function's signature, meaning, definition and an example with its value."""
    f = library_function(name)
    if f is None:
        return None
    module = f.signature.partition(".")[0]
    lines = [f.signature, *(f"  {line}" for line in wrap(f.doc, 100)), ""]
    lines += [f"Example     cg eval -e 'import {module}; {f.example}'", f"            {f.value}", ""]
    return "\n".join([*lines, "Definition", *(f"  {line}" for line in f.text.split("\n"))])


def _tensor_page(name: str) -> str:
    """A tensor function's parameters, meaning and an example with its value."""
    builtin, entry = LIBRARY[name], DOCS[name]
    optional = [f"{p.removesuffix('?')}=…" if p.endswith("?") else p for p in builtin.positional]
    keywords = [f"{p.removesuffix('?')}=…" for p in builtin.keyword]
    lines = [f"{name}({', '.join([*optional, *keywords])})", f"  {entry.doc}", ""]
    values = parse(entry.example).eval({})
    outputs = [write(v) for v in values.values()]
    return "\n".join([*lines, f"Example     cg eval -e '{entry.example}'", *(f"            {v}" for v in outputs)])


def _parameters(op: Op) -> list[str]:
    """Names for the operands, by the types in the op's first example."""
    example = op.examples.operands[0]
    floats = iter(["x"] if sum(isinstance(v, float) for v in example) == 1 else ["x", "y", "z"])
    return [next(floats) if isinstance(v, float) else "c" if isinstance(v, bool) else "n" for v in example]


def _signature(op: Op) -> str:
    return f"{op.name}({', '.join(_parameters(op))})"


def _example(op: Op) -> str:
    return f"{op.name}({', '.join(shortest(v) for v in op.examples.operands[0])})"


def _derivatives(op: Op) -> list[str]:
    """The partial derivatives as lines of the language; 0 by operands without a rule."""
    declared = [f"input {n}: {_TYPES[type(v)]}" for n, v in zip(_parameters(op), op.examples.operands[0], strict=True)]
    if not any(line.endswith("float") for line in declared):
        return ["none"]
    definition = f"f = {_signature(op)}"
    return [definition, *parse("\n".join([*declared, definition])).symbolic().splitlines()]


def _labelled(label: str, lines: list[str]) -> list[str]:
    return [f"{label if i == 0 else '':<11} {line}" for i, line in enumerate(lines)]
