"""Structured data: records and lists, their parts, and what only a dynamic run can do with them."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    # programs
    "any-input": words(
        "the input `{name}` is of type `any`, whose parts only a run can tell",
        "cg makes the whole graph before it runs; with structured data it has to run first: `--mode dynamic`",
        here="declared here",
    ),
    "any-with-shape": words("`any` has no shape", "structured data have any shape: write `any` alone"),
    "any-needs-data": words(
        "the {kind} `{name}` of type `any` can have no default",
        "declare it as `input {name}: any` and give a JSON file: `--{name} @data.json`",
    ),
    "data-function": words(
        "`{name}` asks about structured data, of which this program has none",
        "structured data come in by an input of type `any`, as in `input tree: any`",
    ),
    "field-of-value": words(
        "`{base}` has no parts by name",
        "records come in by an input of type `any`, as in `input tree: any`",
        here="fields belong to records",
    ),
    # parts
    "structure-as-value": words(
        "a number or a tensor is needed here, not {kind}",
        "take a part of it: a field, as in `.name`, or an item, as in `[0]`",
        here="`{path}` is {kind}",
    ),
    "structure-as-output": words(
        "the output `{name}` is {kind}, not a number or a tensor", "bind a number or a tensor that is made of it"
    ),
    "field-of-number": words("a number or a tensor has no field `{name}`", here="this is {type}"),
    "field-of-other": words(
        "{kind} has no field `{name}`",
        'ask first: `has(…, "{name}")` is false for null and for what is missing',
        here="`{path}` is {kind}",
    ),
    "no-such-field": words(
        "the record has no field `{name}`",
        "did you mean `{nearest}`?",
        'ask first, where it may be missing: `has(…, "{name}")`',
        here="`{path}` has {fields}",
    ),
    "structure-index": words(
        "{kind} cannot be indexed so",
        'a list takes one int or one slice, a record a name in quotes: `["key"]`',
        here="`{path}` is {kind}",
    ),
    "structure-not-iterable": words(
        "a loop cannot go over {kind}",
        "a loop goes over a list, the first axis of a tensor, or a range",
        here="`{path}` is {kind}",
    ),
    "structure-no-length": words("{kind} has no length", here="`{path}` is {kind}"),
    "key-expected": words(
        "a field is named by a text in quotes",
        'as in `has(tree, "left")` or `tree["odd key"]`',
        here="this is no text in quotes",
    ),
    "too-many-calls": words(
        "loops and calls have taken {limit} steps together, as many as are allowed",
        "does it ever stop calling itself? `--max-steps` allows more",
        here="`{name}` would be called again here",
    ),
    "calls-too-deep": words(
        "{limit} calls stand within each other, as many as are allowed",
        "does it ever stop calling itself? `--max-depth` allows more",
        here="`{name}` would be called again here",
    ),
    # JSON
    "bad-json": words(
        "this is no JSON: {reason}", 'JSON looks like {{"value": 1.5, "parts": [1, 2], "left": null}}', here="here"
    ),
    "json-number": words("this number is too large for float", "numbers go up to 1.7e308", here="does not fit"),
    "json-twice": words("{file}: `{name}` stands twice in one record", "keep one of them"),
    "json-too-deep": words(
        "brackets are nested more than {limit} deep",
        "lay the data out flatter, as a list of records that name each other by their places",
        here="the first that is deeper",
    ),
    "not-data": words(
        "`{path}` is no data: a {kind}",
        "structured data are records, lists, numbers, true, false, texts and null, as in JSON",
    ),
}
