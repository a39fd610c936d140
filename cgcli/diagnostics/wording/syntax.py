"""A text that is no program: characters, words and brackets in the wrong place."""

from __future__ import annotations

from .templates import Templates, words

CONTINUE = "to go on in the next line, put the whole expression in brackets"

TEMPLATES: dict[str, Templates] = {
    # characters
    "hidden-character": words(
        "a character that cannot be seen",
        "its name is {name}",
        "control and direction characters may stand nowhere in a program: remove it",
        here="this is {point}",
    ),
    "lone-carriage-return": words(
        "a carriage return that ends no line", here="a line ends with a newline, before which one may stand"
    ),
    "foreign-character": words("`{character}` is not part of the language", "write `{write}`", here="not known here"),
    "bad-name": words(
        "`{character}` cannot be part of a name", "write `{write}`", here="neither letter, digit nor `_`"
    ),
    "superscript": words("a power is written with `^`", "write `{write}`", here="a raised digit is no exponent"),
    "unclosed-text": words("this text is not closed", r"for a newline write `\n`", here='no `"` ends it on this line'),
    "bad-escape": words(
        "`{escape}` means nothing in a text", r"the escapes are `\"`, `\\`, `\n` and `\t`", here="unknown escape"
    ),
    "single-quotes": words("a text stands in double quotes", "write `{write}`", here="in single quotes"),
    "prime": words(
        "`'` is not part of the language",
        "the derivative of `y` by `x` is `grad(y, x)`",
        "the transpose of a matrix is `x.T`",
        here="not known here",
    ),
    "bars": words("bars are not part of the language", "write `{write}`", here="meant as an absolute value?"),
    "question-mark": words(
        "`?` is not part of the language", "a choice is `if … then … else …`", "write `{write}`", here="not known here"
    ),
    "backslash-newline": words("a `\\` does not continue a line", CONTINUE, here="not part of the language"),
    # numbers
    "bad-number": words(
        "`{number}` is not a number",
        "numbers are decimal: write `{decimal}`",
        "a number looks like `2`, `1_000`, `0.5` or `1e-3`",
        here="cannot be read",
    ),
    "product-without-star": words(
        "a product needs its `*`", "write `{left} * {right}`", here="two values side by side"
    ),
    # brackets
    "bracket-mismatch": words(
        "`{bracket}` does not close `{opener}`", here="`{closer}` expected", opened="opened here"
    ),
    "closes-nothing": words("`{bracket}` closes nothing", here="no bracket is open"),
    "unclosed-bracket": words(
        "this `{opener}` is never closed", here="opened here", noticed="a `{closer}` was expected before this"
    ),
    "empty-brackets": words("a value is missing in the brackets", here="nothing stands between them"),
    "brace-in-expression": words(
        "`{{` stands around statements, not in an expression",
        "a tensor stands in square brackets: `[1, 2]`",
        here="not part of an expression",
    ),
    "stray-block": words("a block belongs to `if`, `else`, `for`, `while` or `fn`", here="this one to none of them"),
    "slice-of-four": words("a slice has at most three parts", "it is `start:stop:step`", here="a fourth begins"),
    # words
    "foreign-word": words("there is no `{word}`", "write `{write}`", here="not a word of the language"),
    "no-lambda": words(
        "there is no `lambda`", "every function has a name: `fn f(x) = …`", here="not a word of the language"
    ),
    "no-declaring-word": words(
        "there is no `{word}`", "a name is given a value by `name = …`", here="not a word of the language"
    ),
    "reserved-word": words(
        "`{word}` is a word of the language", "choose another name", here="cannot be a name or a value"
    ),
    "loop-in-expression": words("a `for` is a statement", here="not part of an expression"),
    # operators
    "foreign-operator": words("there is no `{operator}`", "write `{write}`", here="not an operator"),
    "foreign-comment": words(
        "a comment begins with `#`", "write `#` for `{sign}`", here="this is no sign of a comment"
    ),
    "augmented": words("there is no `{operator}=`", "write `{write}`", here="not an operator"),
    "counted-up": words("there is no `{operator}`", "write `{write}`", here="not an operator"),
    "range-of-three": words("a range has two ends", "it is `start..stop`", here="a third begins"),
    "unary-plus": words("there is no sign `+`", "leave the `+` out", here="a value is expected"),
    "line-begins-with-operator": words(
        "a line cannot begin with `{operator}`", CONTINUE, here="the line before is a statement of its own"
    ),
    "line-begins-with-minus": words(
        "a line cannot begin with `-`",
        CONTINUE,
        "for a new statement give it a name, or put a `;` before it",
        here="the line before is a statement of its own",
    ),
    "not-needs-brackets": words(
        "`not` cannot follow `{operator}`", "write `(not …)`", here="binds less than `{operator}`"
    ),
    "line-ends-early": words("a value is missing after `{before}`", CONTINUE, here="nothing follows on the line"),
    "value-missing-between": words(
        "a value is missing between `{before}` and `{token}`", here="a value is expected before this"
    ),
    "value-missing-before": words("a value is missing before `{token}`", here="nothing stands before this"),
    "assigned-twice": words(
        "a statement has one `=`", "to compare, write `==`", here="a second one", first="the first"
    ),
    "equals-in-expression": words(
        "`=` gives a name a value, it does not compare", "to compare, write `==`", here="not part of an expression"
    ),
    # if, then, else, blocks
    "condition-missing": words("a condition is missing after `{word}`", here="expected before this"),
    "equals-in-condition": words(
        "`=` gives a name a value, it does not compare",
        "to compare, write `==`",
        here="after `{word}` a condition is expected",
    ),
    "else-missing": words(
        "an `if … then …` needs its `else`",
        here="`else` expected",
        head="this `if` is an expression, which has a value on both sides",
    ),
    "then-missing": words("`then` is missing", here="`then` expected before this", head="of this `if`"),
    "if-body-missing": words(
        "after the condition `{{` or `then` is missing",
        "a statement is `if … {{ … }}`, an expression `if … then … else …`",
        here="expected before this",
        head="of this `if`",
    ),
    "else-without-if": words("this `else` belongs to no `if`", here="no `if` before it"),
    "python-if": words("the condition comes first", "write `if … then … else …`", here="not between the values"),
    "if-needs-brackets": words(
        "an `if` inside an expression needs brackets", "write `(if … then … else …)`", here="begins here"
    ),
    "statement-after-block": words("a new statement needs a new line, or a `;`", here="follows a `}}` on its line"),
    "block-after-colon": words("the body of `{word}` stands in braces", "write `{{ … }}`", here="no `:` belongs here"),
    "block-missing": words(
        "the body of `{word}` is missing",
        "it stands in braces, `{{ … }}`",
        here="`{{` expected",
        head="of this `{word}`",
    ),
    "loop-of-two": words("a loop has one variable", here="a second one begins"),
    "loop-in-brackets": words("a `for` has no brackets", "write `for i in 0..n {{ … }}`", here="a name is expected"),
    "loop-without-in": words("`in` is missing", "write `for {name} in 0..n {{ … }}`", here="`in` expected"),
    "function-without-name": words("every function has a name", "write `fn f(x) = …`", here="a name is expected"),
    "parameter-name-expected": words("a parameter is a name", here="a name is expected"),
    "parameters-missing": words(
        "the parameters of `{name}` are missing",
        "write `fn {name}(x) = …`; without parameters it is `fn {name}() = …`",
        here="`(` expected",
    ),
    "equals-before-block": words(
        "either `=` or a block, not both", "write `fn f(x) = …` or `fn f(x) {{ … }}`", here="a block after `=`"
    ),
    "function-without-body": words(
        "the body of `{name}` is missing",
        "write `fn {name}(…) = …` or `fn {name}(…) {{ … }}`",
        here="`=` or `{{` expected",
    ),
    # declarations
    "declaration-without-word": words(
        "a declaration begins with `input` or `param`", "write `input {name}: …`", here="declared as what?"
    ),
    "one-declaration-each": words(
        "`{word}` declares one name", "give each a line of its own", here="a second one begins"
    ),
    "type-without-colon": words(
        "`:` is missing before the type of `{name}`",
        "write `{word} {name}: {type}`",
        here="the declaration of `{name}` was complete before this",
    ),
    "declaration-complete": words(
        "a new statement needs a new line, or a `;`",
        "several are separated by `{separator}`",
        here="the `{word}` was complete before this",
    ),
    "output-needs-name": words(
        "`output` wants the name of a value", "give it a name: `output y = …`", here="this is an expression"
    ),
    "import-with-dot": words(
        "a library's name has no `.`",
        'a file stands in double quotes: `import "a.cg"`',
        here="nothing may follow the name",
    ),
    "assert-message": words("the message of an `assert` is a text in double quotes", here="not a text"),
    # values side by side, too many or too few
    "call-without-brackets": words(
        "the arguments of `{name}` stand in brackets",
        "write `{name}({argument})`",
        here="a function and a value side by side",
    ),
    "field-is-number": words(
        "a field's name does not begin with a digit",
        "an element is `{name}[{digits}]`, a product `{name} * 0.{digits}`",
        here="cannot be read",
    ),
    "comma-missing": words(
        "something is missing between two values",
        "values in brackets are separated by `,`",
        "a product needs its `*`",
        here="a second value",
        before="the first ends here",
    ),
    "side-by-side": words(
        "two values side by side",
        "a product is `{product}`",
        "a call is `{call}`",
        "a new statement needs a new line, or a `;`",
        here="nothing joins this",
        before="to this",
    ),
    "semicolon-in-brackets": words(
        "a `;` ends a statement", "values in brackets are separated by `,`", here="inside brackets"
    ),
    "decimal-comma": words("a decimal number has a point", "write `{write}`", here="two numbers"),
    "several-values": words(
        "several values are a tensor, in square brackets",
        "write `[1, 2]`",
        here="the statement was complete before this",
    ),
    "name-missing-after-comma": words(
        "a name is missing after the `,`", "for one name leave the `,` out", here="expected before this"
    ),
    "something-missing": words("after `{before}` something is missing", here="expected {expected}"),
    "not-this-here": words("`{token}` does not fit here", here="expected {expected}"),
    "statement-unfinished": words("the statement is not complete", CONTINUE, here="ends after `{before}`"),
    "empty-value": words("a value is missing", here="nothing is written here"),
    "value-only": words(
        "one value is wanted here, not a program",
        "write a number or a constant expression, such as `-1e-3` or `pi/2`",
        here="`{token}` belongs to no value",
    ),
    "does-not-fit": words("`{token}` does not fit here", here="not expected"),
}
