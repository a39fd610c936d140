"""What a program says: names, types, declarations, imports, functions, derivatives."""

from __future__ import annotations

from .templates import Templates, words

TEMPLATES: dict[str, Templates] = {
    # names
    "unknown-name": words(
        "unknown name `{name}`",
        "did you mean `{nearest}`?",
        "the file declares its inputs, so `{name}` needs a definition or an `input` of its own",
        here="not defined",
    ),
    "unknown-name-imported": words(
        "unknown name `{name}`",
        "did you mean `{nearest}`?",
        "an imported file has no inputs: make `{name}` a parameter of a function",
        here="not defined in this file",
    ),
    "unknown-function": words(
        "there is no function `{name}`",
        "write `{write}`",
        "did you mean `{nearest}`?",
        "the library `{module}` has one: `import {module}`, then `{module}.{name}(…)`",
        here="not defined",
    ),
    "foreign-module": words(
        "functions and constants stand without a module in front", "write `{write}`", here="there is no `{name}`"
    ),
    "foreign-statement": words("there is no `{name}`", "{instead}", here="not a word of the language"),
    "call-of-value": words(
        "`{name}` is a value, not a function",
        "did you mean the function `{nearest}`?",
        "to multiply, write `{name} * (…)`",
        here="called as a function here",
    ),
    "not-a-function": words(
        "only a function's name can be called",
        "write `{write}`",
        "{product}",
        here="this is not the name of a function",
    ),
    "output-unnamed": words(
        "`{name}` is {what}, and no statement of the file defines it",
        "name the output, as in `output result = {name}`",
        here="an output is a value that the file defines",
    ),
    "output-of-module": words(
        "`{name}` is a module, not a value",
        "take a value of it, as in `output result = {name}.VALUE`",
        here="an output is a value that the file defines",
    ),
    "function-as-value": words(
        "`{name}` is a function, not a value", "call it, as in `{name}(x)`", here="used as a value here"
    ),
    "function-as-field": words(
        "`{name}` is a function, not a field", "write `{name}({base})`", here="values have no fields but `.T`"
    ),
    "module-as-value": words(
        "`{name}` is an imported file, not a value",
        "name one of its values, as in `{name}.x`",
        here="used as a value here",
    ),
    "name-in-value": words(
        "`{name}` is no constant",
        "did you mean `{nearest}`?",
        "a value is made of numbers, `pi`, `inf`, `nan` and functions",
        here="not known here",
    ),
    "not-in-module": words(
        "there is no `{name}` in `{module}`",
        "did you mean `{nearest}`?",
        "`{module}` defines {names}",
        here="not defined in `{module}`",
    ),
    "used-before-binding": words(
        "`{name}` is used before it has a value",
        "give the new value its own name, as in `{new} = …`",
        "it gets its first value on line {line}, and a program runs from top to bottom",
        here="no value yet",
        bound="gets its first value here",
    ),
    "not-bound-yet": words(
        "`{name}` has no value yet where this is computed",
        "call the function below the line that gives `{name}` its value",
        here="no value yet",
        bound="gets its value here",
    ),
    "global-bound-again": words(
        "a function cannot use `{name}`, which is bound more than once",
        "make `{name}` a parameter, or give each value its own name",
        here="which of its values is meant?",
        bound="bound here for the first time",
    ),
    "near-names": words(
        "`{name}` is an input, because nothing defines it",
        "declare it with `input {name}` if it is meant",
        here="did you mean `{nearest}`?",
    ),
    "comparison-as-statement": words(
        "`==` compares, so `{name}` is an input",
        "to give `{name}` a value, write `{name} = {value}`",
        here="a comparison",
    ),
    "unused-input": words("nothing uses the {kind} `{name}`", here="declared here"),
    "unused-value": words(
        "this value of `{name}` is never used",
        "leave it out, or give the second value its own name",
        here="bound here",
        again="bound again before it is read",
    ),
    "outside-domain": words("this is always nan", here="`{op}` of {operands} is no number"),
    "equal-floats": words(
        "floats that are computed are hardly ever equal", "write `{write}`", here="compared digit by digit"
    ),
    # bindings and declarations
    "assign-to-call": words(
        "a call cannot be given a value",
        "to define a function, write `fn {target} = …`",
        here="this is a call of `{name}`",
    ),
    "assign-to-expression": words(
        "only a name can be given a value", "to compare, write `==`", here="this is not a name"
    ),
    "input-bound-again": words(
        "`{name}` is declared as `{kind}` and cannot be bound again",
        "give the new value its own name, as in `{new} = …`",
        here="bound again here",
        declared="declared here",
    ),
    "bound-before-declared": words(
        "`{name}` is declared as `{kind}` but already has a value",
        "give one of the two another name",
        here="declared here",
        first="has a value from here",
    ),
    "default-not-constant": words(
        "the value of a declaration must be a constant",
        "write a number, as in `= 2 * pi`",
        here="this depends on other values",
    ),
    "range-not-constant": words(
        "the ends of a range must be constants",
        "write a number, as in `in 0..2 * pi`",
        here="this depends on other values",
    ),
    "range-expected": words(
        "a range is expected after `in`", "write both ends, as in `in 0..1`", here="this is not a range"
    ),
    "range-empty": words(
        "no value lies in the range {low}..{high}", "write the smaller number first", here="it ends before it begins"
    ),
    "computes-nothing": words(
        "this expression computes nothing that is used", "give it a name, as in `y = …`", here="its value is lost"
    ),
    "out-is-taken": words(
        "this expression would be the output `{name}`, but there is a value of that name",
        "give the expression a name, as in `y = …`",
        here="has no name of its own",
        bound="`{name}` is here",
    ),
    # types
    "unknown-type": words(
        "there is no type `{name}`",
        "did you mean `{nearest}`?",
        "the types are float, f32, int, i32 and bool",
        here="not a type",
    ),
    "condition-not-bool": words(
        "the condition of `{what}` must be true or false",
        "compare it with something, as in `x > 0`",
        here="this is {type}",
    ),
    "not-a-bool": words(
        "`{op}` needs a value that is true or false", "compare it with something, as in `x > 0`", here="this is {type}"
    ),
    "branches-differ": words(
        "the two sides of `if` are of different types", "make both the same, as in `if c then 1.0 else x`"
    ),
    "order-not-an-int": words(
        "the order of `{op}` must be an int", "write a whole number, as in `polygamma(1, x)`", here="this is {type}"
    ),
    "value-type": words("a value of type {declared} is expected", here="this is {type}"),
    "value-overflow": words("this value is too large for {type}", here="does not fit"),
    # functions
    "function-twice": words(
        "the function `{name}` is defined twice",
        "give one of the two another name",
        here="defined again here",
        first="first defined here",
    ),
    "parameter-twice": words(
        "two parameters have the name `{name}`",
        "give one of the two another name",
        here="the same name again",
        first="first used here",
    ),
    "wrong-count": words("`{name}` takes {expected}, not {count}", "write `{write}`", defined="defined here"),
    "missing-arguments": words(
        "this call of `{name}` gives no value for {missing}", here="an argument is missing", defined="defined here"
    ),
    "unknown-keyword": words(
        "`{name}` has no parameter `{keyword}`",
        "did you mean `{nearest}`?",
        "its parameters are {parameters}",
        here="not a parameter",
    ),
    "no-keywords": words(
        "`{name}` takes no arguments by name",
        "leave the name out, and write the value only",
        here="`{keyword}` is not one of its parameters",
    ),
    "argument-twice": words(
        "`{keyword}` is given twice in this call of `{name}`", "leave one of the two out", here="it already has a value"
    ),
    "argument-type": words(
        "`{name}` is {declared}, but {type} is given", here="this is {type}", parameter="declared as {declared} here"
    ),
    "no-return": words(
        "`{name}` can end without a result",
        "end it with `return` and the result",
        here="a way through it reaches the end without `return`",
    ),
    "return-outside": words(
        "`return` outside of a function",
        "for a result of the program write `output` and its name",
        here="nothing to return from",
    ),
    "recursion": words(
        "`{name}` calls itself",
        "cg makes the whole graph before it runs, so a function cannot call itself",
        "recursion needs the dynamic mode: `--mode dynamic`",
        "a `while` or `for` loop repeats steps",
        here="this call needs itself",
    ),
    "endless-recursion": words(
        "`{name}` calls itself whatever its arguments are, so it never ends",
        "they call each other in a circle: {circle}",
        "give it a case without the call, as in `if n <= 0 then 1 else n * {name}(n - 1)`",
        here="each way through `{name}` comes to this call",
        next="and from there to this one",
    ),
    # imports
    "import-needs-name": words(
        "the imported file needs a name", "give it one, as in `import … as m`", here="`{stem}` cannot be a name"
    ),
    "import-circle": words(
        "the imports run in a circle: {circle}",
        "move what both files need into a third",
        here="leads back to a file that is being read",
    ),
    "not-in-import": words(
        "{what} cannot stand in a file that is imported",
        "make it a parameter of a function",
        here="only the main file may declare it",
    ),
    # derivatives
    "derivative-by-expression": words(
        "`{function}` differentiates by a name",
        "give it a name first, as in `u = …`, and differentiate by `u`",
        here="this is not a name",
    ),
    "no-derivative": words("only a float has derivatives", here="this is {type}"),
    "no-derivative-by": words(
        "there are derivatives by floats only", "declare it as a float", here="`{name}` is {type}"
    ),
    "zero-derivative": words(
        "the derivative by `{name}` is 0 everywhere",
        here="does not depend on `{name}`",
        variable="differentiated by this",
    ),
    # limits
    "nested-too-deep": words(
        "more than {limit} conditions and loops are nested",
        "give the inner part a name of its own",
        here="one too deep",
    ),
    "expression-too-long": words(
        "written out, the expression is longer than {limit} characters", "differentiate a smaller part of the program"
    ),
    "too-many-nodes": words(
        "the program makes more than {limit} operations",
        "a function that calls another many times grows fast: {chain} were being called",
        "`--max-nodes` and `--max-memory` allow more",
        here="one too many",
    ),
    "no-type-rule": words("this is a bug in cg: `{op}` has no rule for its type"),
}
