"""Structured data: records and lists, their parts, and what only a dynamic run can do with them."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    # programs
    "any-input": Templates(
        "the input `{name}` is of type `any`, whose parts only a run can tell",
        labels={"here": "declared here"},
        help=("cg makes the whole graph before it runs; with structured data it has to run first: `--mode dynamic`",),
    ),
    "any-with-shape": Templates(
        "`any` has no shape",
        help=("structured data have any shape: write `any` alone",),
    ),
    "any-needs-data": Templates(
        "the {kind} `{name}` of type `any` can have no default",
        help=("declare it as `input {name}: any` and give a JSON file: `--{name} @data.json`",),
    ),
    "data-function": Templates(
        "`{name}` asks about structured data, of which this program has none",
        help=("structured data come in by an input of type `any`, as in `input tree: any`",),
    ),
    "field-of-value": Templates(
        "`{base}` has no parts by name",
        labels={"here": "fields belong to records"},
        help=("records come in by an input of type `any`, as in `input tree: any`",),
    ),
    # parts
    "structure-as-value": Templates(
        "a number or a tensor is needed here, not {found}",
        labels={"here": "`{path}` is {found}"},
        help=("take a part of it: a field, as in `.name`, or an item, as in `[0]`",),
    ),
    "structure-as-output": Templates(
        "the output `{name}` is {found}, not a number or a tensor",
        help=("bind a number or a tensor that is made of it",),
    ),
    "field-of-number": Templates(
        "a number or a tensor has no field `{name}`",
        labels={"here": "this is {type}"},
    ),
    "field-of-other": Templates(
        "{found} has no field `{name}`",
        labels={"here": "`{path}` is {found}"},
        help=('ask first: `has(…, "{name}")` is false for null and for what is missing',),
    ),
    "no-such-field": Templates(
        "the record has no field `{name}`",
        labels={"here": "`{path}` has {known}"},
        help=("did you mean `{nearest}`?", 'ask first, where it may be missing: `has(…, "{name}")`'),
    ),
    "structure-index": Templates(
        "{found} cannot be indexed so",
        labels={"here": "`{path}` is {found}"},
        help=('a list takes one int or one slice, a record a name in quotes: `["key"]`',),
    ),
    "structure-not-iterable": Templates(
        "a loop cannot go over {found}",
        labels={"here": "`{path}` is {found}"},
        help=("a loop goes over a list, the first axis of a tensor, or a range",),
    ),
    "structure-no-length": Templates(
        "{found} has no length",
        labels={"here": "`{path}` is {found}"},
    ),
    "key-expected": Templates(
        "a field is named by a text in quotes",
        labels={"here": "this is no text in quotes"},
        help=('as in `has(tree, "left")` or `tree["odd key"]`',),
    ),
    "too-many-calls": Templates(
        "loops and calls have taken {limit} steps together, as many as are allowed",
        labels={"here": "`{name}` would be called again here"},
        help=("does it ever stop calling itself? `--max-steps` allows more",),
    ),
    "calls-too-deep": Templates(
        "{limit} calls stand within each other, as many as are allowed",
        labels={"here": "`{name}` would be called again here"},
        help=("does it ever stop calling itself? `--max-depth` allows more",),
    ),
    # JSON
    "bad-json": Templates(
        "this is no JSON: {reason}",
        labels={"here": "here"},
        help=('JSON looks like {{"value": 1.5, "parts": [1, 2], "left": null}}',),
    ),
    "json-number": Templates(
        "this number is too large for float", labels={"here": "does not fit"}, help=("numbers go up to 1.7e308",)
    ),
    "json-twice": Templates(
        "{file}: `{name}` stands twice in one record",
        help=("keep one of them",),
    ),
    "json-too-deep": Templates(
        "brackets are nested more than {limit} deep",
        labels={"here": "the first that is deeper"},
        help=("lay the data out flatter, as a list of records that name each other by their places",),
    ),
    "not-data": Templates(
        "`{path}` is no data: a {kind}",
        help=("structured data are records, lists, numbers, true, false, texts and null, as in JSON",),
    ),
}
