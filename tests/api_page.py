"""docs/api.md: the public names with their signatures and docstrings."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from functools import cached_property
from textwrap import dedent
from typing import Any, get_type_hints

import cgcli

METHODS = {
    "Program": (
        "__call__",
        "eval",
        "run",
        "grad",
        "value_and_grad",
        "jacobian",
        "hessian",
        "check_grad",
        "check_gradient",
        "symbolic",
        "explain",
        "plan",
        "render",
        "frames",
        "plot",
        "map",
        "map_grad",
        "fit",
        "sweep",
        "input",
        "parse_value",
        "range_warnings",
    ),
    "Outputs": ("keys", "values", "items"),
    "Picture": ("text", "save"),
    "Plot": ("columns", "notes", "save"),
    "Fitted": ("params", "loss", "converged", "history", "predict", "save"),
}
INSIDE = ("for_shapes", "in_dynamic_mode", "recorded", "recorded_with_steps")
"""Methods of `Program` that the rest of the package calls."""

HEAD = """# The Python API

Made from signatures and docstrings (`pytest --rewrite`); a tour with examples is [cg from Python](python.md).
"""


def api_page() -> str:
    """The page as it should be."""
    functions = [name for name in cgcli.__all__ if inspect.isfunction(getattr(cgcli, name))]
    classes = [name for name in cgcli.__all__ if inspect.isclass(getattr(cgcli, name))]
    parts = [HEAD]
    for name in functions:
        parts += _callable(f"cgcli.{name}", getattr(cgcli, name), "##")
    for name in sorted(classes, key=lambda n: n != "Program"):
        kind = getattr(cgcli, name)
        parts += [f"## `cgcli.{name}`\n", *_paragraphs(kind), *_fields(kind)]
        for method in METHODS.get(name, ()):
            parts += _callable(method, inspect.getattr_static(kind, method), "###")
    return "\n".join(parts)


def _callable(name: str, function: Any, level: str) -> Iterator[str]:
    if isinstance(function, property | cached_property):
        yield f"{level} `{name}`\n"
        yield from _paragraphs(function)
        return
    called = "f" if name == "__call__" else name
    yield f"{level} `{called}{_signature(function)}`\n"
    yield from _paragraphs(function)


def _signature(function: Callable[..., Any]) -> str:
    signature = inspect.signature(function)
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    text = (
        str(signature.replace(parameters=parameters)).replace("'static'", '"static"').replace("'dynamic'", '"dynamic"')
    )
    text = re.sub(r": '([^']*)'", r": \1", text)
    return re.sub(r"-> '([^']*)'", r"-> \1", text)


def _paragraphs(documented: Any) -> Iterator[str]:
    doc = inspect.getdoc(documented)
    assert doc, documented
    yield dedent(doc).strip() + "\n"


def _fields(kind: Any) -> Iterator[str]:
    """The fields of a record, as they are declared."""
    if is_dataclass(kind):
        for f in fields(kind):
            default = "" if f.default is MISSING else f" = {f.default!r}"
            type_, about = str(f.type), ""
            if type_.startswith("Annotated"):  # an option of the command line, too
                annotated = get_type_hints(kind, include_extras=True)[f.name]
                type_ = inspect.formatannotation(annotated.__origin__).replace("typing.", "")
                about = f": {annotated.__metadata__[0].help}"
            yield f"- `{f.name}: {type_}{default}`{about}"
        yield ""
