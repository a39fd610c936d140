"""What a program says: names, types, declarations, imports, functions, derivatives."""

from __future__ import annotations

from .templates import Templates

TEMPLATES: dict[str, Templates] = {
    # names
    "unknown-name": Templates(
        "unknown name `{name}`",
        labels={"here": "not defined"},
        help=(
            "did you mean `{nearest}`?",
            "the file declares its inputs, so `{name}` needs a definition or an `input` of its own",
        ),
    ),
    "unknown-name-imported": Templates(
        "unknown name `{name}`",
        labels={"here": "not defined in this file"},
        help=("did you mean `{nearest}`?", "an imported file has no inputs: make `{name}` a parameter of a function"),
    ),
    "unknown-function": Templates(
        "there is no function `{name}`",
        labels={"here": "not defined"},
        help=(
            "write `{write}`",
            "did you mean `{nearest}`?",
            "the library `{module}` has one: `import {module}`, then `{module}.{name}(…)`",
        ),
    ),
    "foreign-module": Templates(
        "functions and constants stand without a module in front",
        labels={"here": "there is no `{name}`"},
        help=("write `{write}`",),
    ),
    "foreign-statement": Templates(
        "there is no `{name}`",
        labels={"here": "not a word of the language"},
        help=("{instead}",),
    ),
    "call-of-value": Templates(
        "`{name}` is a value, not a function",
        labels={"here": "called as a function here"},
        help=("did you mean the function `{nearest}`?", "to multiply, write `{name} * (…)`"),
    ),
    "not-a-function": Templates(
        "only a function's name can be called",
        labels={"here": "this is not the name of a function"},
        help=("write `{write}`", "{product}"),
    ),
    "output-unnamed": Templates(
        "`{name}` is {what}, and no statement of the file defines it",
        labels={"here": "an output is a value that the file defines"},
        help=("name the output, as in `output result = {name}`",),
    ),
    "output-of-module": Templates(
        "`{name}` is a module, not a value",
        labels={"here": "an output is a value that the file defines"},
        help=("take a value of it, as in `output result = {name}.VALUE`",),
    ),
    "function-as-value": Templates(
        "`{name}` is a function, not a value",
        labels={"here": "used as a value here"},
        help=("call it, as in `{name}(x)`",),
    ),
    "function-as-field": Templates(
        "`{name}` is a function, not a field",
        labels={"here": "values have no fields but `.T`"},
        help=("write `{name}({base})`",),
    ),
    "module-as-value": Templates(
        "`{name}` is an imported file, not a value",
        labels={"here": "used as a value here"},
        help=("name one of its values, as in `{name}.x`",),
    ),
    "name-in-value": Templates(
        "`{name}` is no constant",
        labels={"here": "not known here"},
        help=(
            "did you mean `{nearest}`?",
            "a value is made of numbers, `pi`, `inf`, `nan` and functions",
        ),
    ),
    "not-in-module": Templates(
        "there is no `{name}` in `{module}`",
        labels={"here": "not defined in `{module}`"},
        help=("did you mean `{nearest}`?", "`{module}` defines {known}"),
    ),
    "used-before-binding": Templates(
        "`{name}` is used before it has a value",
        labels={"here": "no value yet", "bound": "gets its first value here"},
        help=(
            "give the new value its own name, as in `{new} = …`",
            "it gets its first value on line {line}, and a program runs from top to bottom",
        ),
    ),
    "not-bound-yet": Templates(
        "`{name}` has no value yet where this is computed",
        labels={"here": "no value yet", "bound": "gets its value here"},
        help=("call the function below the line that gives `{name}` its value",),
    ),
    "global-bound-again": Templates(
        "a function cannot use `{name}`, which is bound more than once",
        labels={"here": "which of its values is meant?", "bound": "bound here for the first time"},
        help=("make `{name}` a parameter, or give each value its own name",),
    ),
    "near-names": Templates(
        "`{name}` is an input, because nothing defines it",
        labels={"here": "did you mean `{nearest}`?"},
        help=("declare it with `input {name}` if it is meant",),
    ),
    "comparison-as-statement": Templates(
        "`==` compares, so `{name}` is an input",
        labels={"here": "a comparison"},
        help=("to give `{name}` a value, write `{name} = {value}`",),
    ),
    "unused-input": Templates("nothing uses the {kind} `{name}`", labels={"here": "declared here"}),
    "unused-value": Templates(
        "this value of `{name}` is never used",
        labels={"here": "bound here", "again": "bound again before it is read"},
        help=("leave it out, or give the second value its own name",),
    ),
    "outside-domain": Templates(
        "this is always nan",
        labels={"here": "`{op}` of {operands} is no number"},
    ),
    "equal-floats": Templates(
        "floats that are computed are hardly ever equal",
        labels={"here": "compared digit by digit"},
        help=("write `{write}`",),
    ),
    # bindings and declarations
    "assign-to-call": Templates(
        "a call cannot be given a value",
        labels={"here": "this is a call of `{name}`"},
        help=("to define a function, write `fn {target} = …`",),
    ),
    "assign-to-expression": Templates(
        "only a name can be given a value",
        labels={"here": "this is not a name"},
        help=("to compare, write `==`",),
    ),
    "input-bound-again": Templates(
        "`{name}` is declared as `{kind}` and cannot be bound again",
        labels={"here": "bound again here", "declared": "declared here"},
        help=("give the new value its own name, as in `{new} = …`",),
    ),
    "bound-before-declared": Templates(
        "`{name}` is declared as `{kind}` but already has a value",
        labels={"here": "declared here", "first": "has a value from here"},
        help=("give one of the two another name",),
    ),
    "default-not-constant": Templates(
        "the value of a declaration must be a constant",
        labels={"here": "this depends on other values"},
        help=("write a number, as in `= 2 * pi`",),
    ),
    "range-not-constant": Templates(
        "the ends of a range must be constants",
        labels={"here": "this depends on other values"},
        help=("write a number, as in `in 0..2 * pi`",),
    ),
    "range-expected": Templates(
        "a range is expected after `in`",
        labels={"here": "this is not a range"},
        help=("write both ends, as in `in 0..1`",),
    ),
    "range-empty": Templates(
        "no value lies in the range {low}..{high}",
        labels={"here": "it ends before it begins"},
        help=("write the smaller number first",),
    ),
    "computes-nothing": Templates(
        "this expression computes nothing that is used",
        labels={"here": "its value is lost"},
        help=("give it a name, as in `y = …`",),
    ),
    "out-is-taken": Templates(
        "this expression would be the output `{name}`, but there is a value of that name",
        labels={"here": "has no name of its own", "bound": "`{name}` is here"},
        help=("give the expression a name, as in `y = …`",),
    ),
    # types
    "unknown-type": Templates(
        "there is no type `{name}`",
        labels={"here": "not a type"},
        help=("did you mean `{nearest}`?", "the types are float, f32, int, i32 and bool"),
    ),
    "condition-not-bool": Templates(
        "the condition of `{what}` must be true or false",
        labels={"here": "this is {found}"},
        help=("compare it with something, as in `x > 0`",),
    ),
    "not-a-bool": Templates(
        "`{op}` needs a value that is true or false",
        labels={"here": "this is {found}"},
        help=("compare it with something, as in `x > 0`",),
    ),
    "branches-differ": Templates(
        "the two sides of `if` are of different types",
        help=("make both the same, as in `if c then 1.0 else x`",),
    ),
    "order-not-an-int": Templates(
        "the order of `{op}` must be an int",
        labels={"here": "this is {found}"},
        help=("write a whole number, as in `polygamma(1, x)`",),
    ),
    "value-type": Templates(
        "a value of type {wanted} is expected",
        labels={"here": "this is {found}"},
    ),
    "value-overflow": Templates(
        "this value is too large for {wanted}",
        labels={"here": "does not fit"},
    ),
    # functions
    "function-twice": Templates(
        "the function `{name}` is defined twice",
        labels={"here": "defined again here", "first": "first defined here"},
        help=("give one of the two another name",),
    ),
    "parameter-twice": Templates(
        "two parameters have the name `{name}`",
        labels={"here": "the same name again", "first": "first used here"},
        help=("give one of the two another name",),
    ),
    "wrong-count": Templates(
        "`{name}` takes {wanted}, not {found}",
        labels={"defined": "defined here"},
        help=("write `{write}`",),
    ),
    "missing-arguments": Templates(
        "this call of `{name}` gives no value for {missing}",
        labels={"here": "an argument is missing", "defined": "defined here"},
    ),
    "unknown-keyword": Templates(
        "`{name}` has no parameter `{keyword}`",
        labels={"here": "not a parameter"},
        help=("did you mean `{nearest}`?", "its parameters are {known}"),
    ),
    "no-keywords": Templates(
        "`{name}` takes no arguments by name",
        labels={"here": "`{keyword}` is not one of its parameters"},
        help=("leave the name out, and write the value only",),
    ),
    "argument-twice": Templates(
        "`{keyword}` is given twice in this call of `{name}`",
        labels={"here": "it already has a value"},
        help=("leave one of the two out",),
    ),
    "argument-type": Templates(
        "`{name}` is {wanted}, but {found} is given",
        labels={"here": "this is {found}", "parameter": "declared as {wanted} here"},
    ),
    "no-return": Templates(
        "`{name}` can end without a result",
        labels={"here": "a way through it reaches the end without `return`"},
        help=("end it with `return` and the result",),
    ),
    "return-outside": Templates(
        "`return` outside of a function",
        labels={"here": "nothing to return from"},
        help=("for a result of the program write `output` and its name",),
    ),
    "recursion": Templates(
        "`{name}` calls itself",
        labels={"here": "this call needs itself"},
        help=(
            "cg makes the whole graph before it runs, so a function cannot call itself",
            "recursion needs the dynamic mode: `--mode dynamic`",
            "a `while` or `for` loop repeats steps",
        ),
    ),
    "endless-recursion": Templates(
        "`{name}` calls itself whatever its arguments are, so it never ends",
        labels={"here": "each way through `{name}` comes to this call", "next": "and from there to this one"},
        help=(
            "they call each other in a circle: {circle}",
            "give it a case without the call, as in `if n <= 0 then 1 else n * {name}(n - 1)`",
        ),
    ),
    # imports
    "import-needs-name": Templates(
        "the imported file needs a name",
        labels={"here": "`{stem}` cannot be a name"},
        help=("give it one, as in `import … as m`",),
    ),
    "import-circle": Templates(
        "the imports run in a circle: {circle}",
        labels={"here": "leads back to a file that is being read"},
        help=("move what both files need into a third",),
    ),
    "not-in-import": Templates(
        "{what} cannot stand in a file that is imported",
        labels={"here": "only the main file may declare it"},
        help=("make it a parameter of a function",),
    ),
    # derivatives
    "derivative-by-expression": Templates(
        "`{function}` differentiates by a name",
        labels={"here": "this is not a name"},
        help=("give it a name first, as in `u = …`, and differentiate by `u`",),
    ),
    "no-derivative": Templates(
        "only a float has derivatives",
        labels={"here": "this is {type}"},
    ),
    "no-derivative-by": Templates(
        "there are derivatives by floats only",
        labels={"here": "`{name}` is {type}"},
        help=("declare it as a float",),
    ),
    "zero-derivative": Templates(
        "the derivative by `{name}` is 0 everywhere",
        labels={"here": "does not depend on `{name}`", "variable": "differentiated by this"},
    ),
    # limits
    "nested-too-deep": Templates(
        "more than {limit} conditions and loops are nested",
        labels={"here": "one too deep"},
        help=("give the inner part a name of its own",),
    ),
    "expression-too-long": Templates(
        "written out, the expression is longer than {limit} characters",
        help=("differentiate a smaller part of the program",),
    ),
    "too-many-nodes": Templates(
        "the program makes more than {limit} operations",
        labels={"here": "one too many"},
        help=(
            "a function that calls another many times grows fast: {chain} were being called",
            "`--max-nodes` and `--max-memory` allow more",
        ),
    ),
    "no-type-rule": Templates("this is a bug in cg: `{op}` has no rule for its type"),
}
