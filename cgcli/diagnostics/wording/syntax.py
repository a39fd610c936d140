"""A text that is no program: characters, words and brackets in the wrong place."""

from __future__ import annotations

from .templates import Templates

CONTINUE = "to go on in the next line, put the whole expression in brackets"

TEMPLATES: dict[str, Templates] = {
    # characters
    "hidden-character": Templates(
        "a character that cannot be seen",
        labels={"here": "this is {point}"},
        help=("its name is {name}", "control and direction characters may stand nowhere in a program: remove it"),
    ),
    "lone-carriage-return": Templates(
        "a carriage return that ends no line", labels={"here": "a line ends with a newline, before which one may stand"}
    ),
    "foreign-character": Templates(
        "`{character}` is not part of the language", labels={"here": "not known here"}, help=("write `{write}`",)
    ),
    "bad-name": Templates(
        "`{character}` cannot be part of a name",
        labels={"here": "neither letter, digit nor `_`"},
        help=("write `{write}`",),
    ),
    "superscript": Templates(
        "a power is written with `^`", labels={"here": "a raised digit is no exponent"}, help=("write `{write}`",)
    ),
    "unclosed-text": Templates(
        "this text is not closed", labels={"here": 'no `"` ends it on this line'}, help=(r"for a newline write `\n`",)
    ),
    "bad-escape": Templates(
        "`{escape}` means nothing in a text",
        labels={"here": "unknown escape"},
        help=(r"the escapes are `\"`, `\\`, `\n` and `\t`",),
    ),
    "single-quotes": Templates(
        "a text stands in double quotes", labels={"here": "in single quotes"}, help=("write `{write}`",)
    ),
    "prime": Templates(
        "`'` is not part of the language",
        labels={"here": "not known here"},
        help=("the derivative of `y` by `x` is `grad(y, x)`", "the transpose of a matrix is `x.T`"),
    ),
    "bars": Templates(
        "bars are not part of the language", labels={"here": "meant as an absolute value?"}, help=("write `{write}`",)
    ),
    "question-mark": Templates(
        "`?` is not part of the language",
        labels={"here": "not known here"},
        help=("a choice is `if … then … else …`", "write `{write}`"),
    ),
    "backslash-newline": Templates(
        "a `\\` does not continue a line", labels={"here": "not part of the language"}, help=(CONTINUE,)
    ),
    # numbers
    "bad-number": Templates(
        "`{number}` is not a number",
        labels={"here": "cannot be read"},
        help=("numbers are decimal: write `{decimal}`", "a number looks like `2`, `1_000`, `0.5` or `1e-3`"),
    ),
    "product-without-star": Templates(
        "a product needs its `*`", labels={"here": "two values side by side"}, help=("write `{left} * {right}`",)
    ),
    # brackets
    "bracket-mismatch": Templates(
        "`{found}` does not close `{opener}`",
        labels={"here": "`{closer}` expected", "opened": "opened here"},
    ),
    "closes-nothing": Templates("`{found}` closes nothing", labels={"here": "no bracket is open"}),
    "unclosed-bracket": Templates(
        "this `{opener}` is never closed",
        labels={"here": "opened here", "noticed": "a `{closer}` was expected before this"},
    ),
    "empty-brackets": Templates("a value is missing in the brackets", labels={"here": "nothing stands between them"}),
    "brace-in-expression": Templates(
        "`{{` stands around statements, not in an expression",
        labels={"here": "not part of an expression"},
        help=("a tensor stands in square brackets: `[1, 2]`",),
    ),
    "stray-block": Templates(
        "a block belongs to `if`, `else`, `for`, `while` or `fn`", labels={"here": "this one to none of them"}
    ),
    "slice-of-four": Templates(
        "a slice has at most three parts", labels={"here": "a fourth begins"}, help=("it is `start:stop:step`",)
    ),
    # words
    "foreign-word": Templates(
        "there is no `{word}`", labels={"here": "not a word of the language"}, help=("write `{write}`",)
    ),
    "no-lambda": Templates(
        "there is no `lambda`",
        labels={"here": "not a word of the language"},
        help=("every function has a name: `fn f(x) = …`",),
    ),
    "no-declaring-word": Templates(
        "there is no `{word}`",
        labels={"here": "not a word of the language"},
        help=("a name is given a value by `name = …`",),
    ),
    "reserved-word": Templates(
        "`{word}` is a word of the language",
        labels={"here": "cannot be a name or a value"},
        help=("choose another name",),
    ),
    "loop-in-expression": Templates("a `for` is a statement", labels={"here": "not part of an expression"}),
    # operators
    "foreign-operator": Templates(
        "there is no `{found}`", labels={"here": "not an operator"}, help=("write `{write}`",)
    ),
    "foreign-comment": Templates(
        "a comment begins with `#`", labels={"here": "this is no sign of a comment"}, help=("write `#` for `{found}`",)
    ),
    "augmented": Templates("there is no `{operator}=`", labels={"here": "not an operator"}, help=("write `{write}`",)),
    "counted-up": Templates("there is no `{found}`", labels={"here": "not an operator"}, help=("write `{write}`",)),
    "range-of-three": Templates(
        "a range has two ends", labels={"here": "a third begins"}, help=("it is `start..stop`",)
    ),
    "unary-plus": Templates(
        "there is no sign `+`", labels={"here": "a value is expected"}, help=("leave the `+` out",)
    ),
    "line-begins-with-operator": Templates(
        "a line cannot begin with `{operator}`",
        labels={"here": "the line before is a statement of its own"},
        help=(CONTINUE,),
    ),
    "line-begins-with-minus": Templates(
        "a line cannot begin with `-`",
        labels={"here": "the line before is a statement of its own"},
        help=(CONTINUE, "for a new statement give it a name, or put a `;` before it"),
    ),
    "not-needs-brackets": Templates(
        "`not` cannot follow `{operator}`", labels={"here": "binds less than `{operator}`"}, help=("write `(not …)`",)
    ),
    "line-ends-early": Templates(
        "a value is missing after `{before}`", labels={"here": "nothing follows on the line"}, help=(CONTINUE,)
    ),
    "value-missing-between": Templates(
        "a value is missing between `{before}` and `{found}`", labels={"here": "a value is expected before this"}
    ),
    "value-missing-before": Templates(
        "a value is missing before `{found}`", labels={"here": "nothing stands before this"}
    ),
    "assigned-twice": Templates(
        "a statement has one `=`",
        labels={"here": "a second one", "first": "the first"},
        help=("to compare, write `==`",),
    ),
    "equals-in-expression": Templates(
        "`=` gives a name a value, it does not compare",
        labels={"here": "not part of an expression"},
        help=("to compare, write `==`",),
    ),
    # if, then, else, blocks
    "condition-missing": Templates("a condition is missing after `{word}`", labels={"here": "expected before this"}),
    "equals-in-condition": Templates(
        "`=` gives a name a value, it does not compare",
        labels={"here": "after `{word}` a condition is expected"},
        help=("to compare, write `==`",),
    ),
    "else-missing": Templates(
        "an `if … then …` needs its `else`",
        labels={"here": "`else` expected", "if": "this `if` is an expression, which has a value on both sides"},
    ),
    "then-missing": Templates(
        "`then` is missing", labels={"here": "`then` expected before this", "if": "of this `if`"}
    ),
    "if-body-missing": Templates(
        "after the condition `{{` or `then` is missing",
        labels={"here": "expected before this", "if": "of this `if`"},
        help=("a statement is `if … {{ … }}`, an expression `if … then … else …`",),
    ),
    "else-without-if": Templates("this `else` belongs to no `if`", labels={"here": "no `if` before it"}),
    "python-if": Templates(
        "the condition comes first", labels={"here": "not between the values"}, help=("write `if … then … else …`",)
    ),
    "if-needs-brackets": Templates(
        "an `if` inside an expression needs brackets",
        labels={"here": "begins here"},
        help=("write `(if … then … else …)`",),
    ),
    "statement-after-block": Templates(
        "a new statement needs a new line, or a `;`", labels={"here": "follows a `}}` on its line"}
    ),
    "block-after-colon": Templates(
        "the body of `{word}` stands in braces", labels={"here": "no `:` belongs here"}, help=("write `{{ … }}`",)
    ),
    "block-missing": Templates(
        "the body of `{word}` is missing",
        labels={"here": "`{{` expected", "head": "of this `{word}`"},
        help=("it stands in braces, `{{ … }}`",),
    ),
    "loop-of-two": Templates("a loop has one variable", labels={"here": "a second one begins"}),
    "loop-in-brackets": Templates(
        "a `for` has no brackets", labels={"here": "a name is expected"}, help=("write `for i in 0..n {{ … }}`",)
    ),
    "loop-without-in": Templates(
        "`in` is missing", labels={"here": "`in` expected"}, help=("write `for {name} in 0..n {{ … }}`",)
    ),
    "function-without-name": Templates(
        "every function has a name", labels={"here": "a name is expected"}, help=("write `fn f(x) = …`",)
    ),
    "parameter-name-expected": Templates("a parameter is a name", labels={"here": "a name is expected"}),
    "parameters-missing": Templates(
        "the parameters of `{name}` are missing",
        labels={"here": "`(` expected"},
        help=("write `fn {name}(x) = …`; without parameters it is `fn {name}() = …`",),
    ),
    "equals-before-block": Templates(
        "either `=` or a block, not both",
        labels={"here": "a block after `=`"},
        help=("write `fn f(x) = …` or `fn f(x) {{ … }}`",),
    ),
    "function-without-body": Templates(
        "the body of `{name}` is missing",
        labels={"here": "`=` or `{{` expected"},
        help=("write `fn {name}(…) = …` or `fn {name}(…) {{ … }}`",),
    ),
    # declarations
    "declaration-without-word": Templates(
        "a declaration begins with `input` or `param`",
        labels={"here": "declared as what?"},
        help=("write `input {name}: …`",),
    ),
    "one-declaration-each": Templates(
        "`{word}` declares one name", labels={"here": "a second one begins"}, help=("give each a line of its own",)
    ),
    "type-without-colon": Templates(
        "`:` is missing before the type of `{name}`",
        labels={"here": "the declaration of `{name}` was complete before this"},
        help=("write `{word} {name}: {type}`",),
    ),
    "declaration-complete": Templates(
        "a new statement needs a new line, or a `;`",
        labels={"here": "the `{word}` was complete before this"},
        help=("several are separated by `{separator}`",),
    ),
    "output-needs-name": Templates(
        "`output` wants the name of a value",
        labels={"here": "this is an expression"},
        help=("give it a name: `output y = …`",),
    ),
    "import-with-dot": Templates(
        "a library's name has no `.`",
        labels={"here": "nothing may follow the name"},
        help=('a file stands in double quotes: `import "a.cg"`',),
    ),
    "assert-message": Templates("the message of an `assert` is a text in double quotes", labels={"here": "not a text"}),
    # values side by side, too many or too few
    "call-without-brackets": Templates(
        "the arguments of `{name}` stand in brackets",
        labels={"here": "a function and a value side by side"},
        help=("write `{name}({argument})`",),
    ),
    "field-is-number": Templates(
        "a field's name does not begin with a digit",
        labels={"here": "cannot be read"},
        help=("an element is `{name}[{digits}]`, a product `{name} * 0.{digits}`",),
    ),
    "comma-missing": Templates(
        "something is missing between two values",
        labels={"here": "a second value", "before": "the first ends here"},
        help=("values in brackets are separated by `,`", "a product needs its `*`"),
    ),
    "side-by-side": Templates(
        "two values side by side",
        labels={"here": "nothing joins this", "before": "to this"},
        help=("a product is `{product}`", "a call is `{call}`", "a new statement needs a new line, or a `;`"),
    ),
    "semicolon-in-brackets": Templates(
        "a `;` ends a statement", labels={"here": "inside brackets"}, help=("values in brackets are separated by `,`",)
    ),
    "decimal-comma": Templates(
        "a decimal number has a point", labels={"here": "two numbers"}, help=("write `{write}`",)
    ),
    "several-values": Templates(
        "several values are a tensor, in square brackets",
        labels={"here": "the statement was complete before this"},
        help=("write `[1, 2]`",),
    ),
    "name-missing-after-comma": Templates(
        "a name is missing after the `,`",
        labels={"here": "expected before this"},
        help=("for one name leave the `,` out",),
    ),
    "something-missing": Templates("after `{before}` something is missing", labels={"here": "expected {wanted}"}),
    "not-this-here": Templates("`{found}` does not fit here", labels={"here": "expected {wanted}"}),
    "statement-unfinished": Templates(
        "the statement is not complete", labels={"here": "ends after `{before}`"}, help=(CONTINUE,)
    ),
    "empty-value": Templates("a value is missing", labels={"here": "nothing is written here"}),
    "value-only": Templates(
        "one value is wanted here, not a program",
        labels={"here": "`{found}` belongs to no value"},
        help=("write a number or a constant expression, such as `-1e-3` or `pi/2`",),
    ),
    "does-not-fit": Templates("`{found}` does not fit here", labels={"here": "not expected"}),
}
