"""The words of the language that are no functions: what `cg help` says of each, with an example."""

from __future__ import annotations

from typing import NamedTuple


class Word(NamedTuple):
    """Words of the language that one page explains. example: arguments of `cg eval`."""

    names: tuple[str, ...]
    forms: str
    text: str
    example: str
    result: str

    @property
    def page(self) -> str:
        result = self.result.replace("\n", "\n            ")
        return f"{self.forms}\n\n{self.text}\n\nExample     cg eval {self.example}\n            {result}"


_WORDS = (
    Word(
        ("input",),
        "input NAME: TYPE = DEFAULT in LOW..HIGH",
        """\
  A value that comes from outside, as `--vol 0.5`. Type (else float), default and range may be left out.
  With any `input` in a file, all its inputs are declared. A value outside its range is a warning.""",
        "-e 'input vol: float = 0.2 in 0..2; y = vol^2' --vol 0.5",
        "y = 0.25",
    ),
    Word(
        ("param",),
        "param NAME: TYPE = FIRST",
        """\
  A value that `cg train` changes until a loss is small; elsewhere an input with a default.
  `normal(mean, std)` and `uniform(low, high)` draw its first value, others for another --seed.""",
        "-e 'param w: float = 3; loss = (w * x - 1)^2' --x 2",
        "loss = 25",
    ),
    Word(
        ("output",),
        "output NAME, NAME = EXPRESSION, …",
        """\
  What the program gives: names that stand above, or new ones with their values.
  Without any `output` it is every value that nothing else uses.""",
        "-e 'd = a + b; output d, y = 2 * d' --a 1 --b 2",
        "d = 3\ny = 6",
    ),
    Word(
        ("import", "as"),
        'import NAME as NAME   import "FILE.cg" as NAME',
        """\
  Makes the functions and values of a file, or of a module of the library, reachable as NAME.f(x) and NAME.value.
  `as NAME` may be left out. `cg help` lists the modules.""",
        "-e 'import nn; nn.softmax([0, 0])'",
        "out = [0.5, 0.5]",
    ),
    Word(
        ("fn",),
        "fn NAME(PARAMETER, PARAMETER = DEFAULT) = EXPRESSION   fn NAME(…) { … }",
        """\
  A function; one with a block ends by `return`. It may be called before it is defined, with names too: line(2, k = 3).
  It sees its parameters and the names of the file that are bound once, above the call.""",
        "-e 'fn line(x, k = 1) { s = k * x; return s + 1 }; y = line(2, k = 3)'",
        "y = 7",
    ),
    Word(
        ("return",),
        "return EXPRESSION, …",
        """\
  Ends a function with one result or several; it may stand anywhere in the function, in a loop too.
  All its `return`s give as many results, and every way through the function comes to one.""",
        "-e 'fn ends(x) { if x < 0 { return x, 0 }; return 0, x }; low, high = ends(-3)'",
        "low = -3\nhigh = 0",
    ),
    Word(
        ("if", "then", "else"),
        "if CONDITION { … } else { … }   if CONDITION then A else B",
        """\
  One of two blocks, or one of two values; `else if` asks for more. The condition is one bool.
  The side that is not taken is not computed, and contributes nothing to derivatives.""",
        "-e 'if x > 0 { y = x } else { y = -x }; z = if y > 2 then 1 else 0; output y, z' --x -3",
        "y = 3\nz = 1",
    ),
    Word(
        ("for", "in"),
        "for NAME in A..B { … }   for NAME in TENSOR { … }",
        """\
  A step for each int from A up to, not including, B; or for each item along the first axis of a tensor.
  The names that stood before the loop go on behind it; what it binds anew ends with its step.""",
        "-e 's = 0; for i in 1..4 { s = s + i^2 }'",
        "s = 14",
    ),
    Word(
        ("while",),
        "while CONDITION { … }",
        """\
  Steps for as long as the condition, one bool, is true; it is asked before each. --max-steps N bounds their number.
  The names that stood before the loop go on behind it. Its derivative is that of the steps that ran.""",
        "-e 'x = a; while abs(x^2 - a) > 1e-12 { x = (x + a / x) / 2 }' --a 9",
        "x = 3",
    ),
    Word(
        ("assert",),
        'assert CONDITION, "MESSAGE"',
        """\
  Stops the run, with exit status 1, where the condition is false. The message may be left out.
  The condition is one bool: all(…) makes one of many.""",
        "-e 'assert x > 0, \"a length\"; y = sqrt(x)' --x 4",
        "y = 2",
    ),
    Word(
        ("and", "or", "not"),
        "A and B   A or B   not A",
        """\
  Bools of bools. `not` binds tightest, then `and`, then `or`; comparisons bind tighter than all three.
  The right side counts only where it is needed.""",
        "-e 'y = 0 < x and not x > 1' --x 0.5",
        "y = true",
    ),
    Word(
        ("bool", "true", "false"),
        "true   false   input NAME: bool",
        "  What comparisons give and conditions take. A bool has no derivative.",
        "-e 'input call: bool = true; y = if call then 1 else -1' --call false",
        "y = -1",
    ),
    Word(
        ("float", "f32"),
        "input NAME: float   input NAME: f32   input NAME: float[n, 3]",
        """\
  Numbers of 64 or 32 bits, alone or as a tensor; a size with a name is bound by the values, and an int value.
  They never stop a run: 1 / 0 is inf, 0 / 0 is nan.""",
        "-e 'input x: float[n, 2]; y = sum(x) / n' --x '[[1, 2], [3, 4]]'",
        "y = 5",
    ),
    Word(
        ("int", "i32"),
        "input NAME: int   input NAME: i32   input NAME: int[n]",
        """\
  Whole numbers of 64 or 32 bits. `/` gives a float; `//` and `%` round towards minus infinity.
  An int that leaves its range, or is divided by 0 with `//` or `%`, stops the run.""",
        "-e 'input n: int = 7; half = n // 2; rest = n % 2; exact = n / 2'",
        "half = 3\nrest = 1\nexact = 3.5",
    ),
    Word(
        ("pi", "inf", "nan"),
        "pi   inf   nan",
        "  Constants. Comparisons with nan are false, but for `!=`. Euler's number is exp(1).",
        "-e 'y = 2 * pi; z = inf - inf; output y, z'",
        "y = 6.283185307179586\nz = nan",
    ),
)
WORDS = {name: word for word in _WORDS for name in word.names}
