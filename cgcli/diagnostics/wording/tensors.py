"""Tensors: shapes that do not fit, indices, arguments of the functions on tensors."""

from __future__ import annotations

from .templates import Templates, words

BOTH = {"first": "{first_is}", "second": "{second_is}", "here": "{here_is}"}
HERE = {"here": "{here_is}"}
SAME = "two names are two sizes: if they are the same, write `{same}` for both"
FIXED = "`{name}` may be any number: if it is always {number}, write {number} in its place"

TEMPLATES: dict[str, Templates] = {
    # two shapes that do not meet
    "shapes-differ": words("shapes do not match in `{op}`", "the sizes {a} and {b} must be equal", SAME, FIXED, **BOTH),
    "inner-sizes": words(
        "shapes do not match in `{op}`", "the inner sizes {a} and {b} must be equal", SAME, FIXED, **BOTH
    ),
    "solve-sizes": words(
        "shapes do not match in `solve`",
        "the matrix has {a} rows and the right side has {b}: the two must be equal",
        SAME,
        FIXED,
        **BOTH,
    ),
    "einsum-sizes": words(
        "sizes do not match in `einsum`",
        "one letter stands for the sizes {a} and {b}, which must be equal",
        SAME,
        FIXED,
        **BOTH,
    ),
    "concat-shapes": words(
        "shapes do not match in `concat`",
        "the sizes {a} and {b} must be equal",
        "the parts need equally many axes, and may differ in size only along the axis that joins them",
        SAME,
        **BOTH,
    ),
    "stack-shapes": words(
        "the parts of a tensor differ in shape",
        "the sizes {a} and {b} must be equal",
        "all parts need the same shape; `concat` joins tensors of different sizes",
        SAME,
        **BOTH,
    ),
    "sides-shapes": words(
        "the two sides of the `if` differ in shape", "give both the same shape, as by `full(shape(x), 0)`", **BOTH
    ),
    "sizes-undecided": words("sizes of `{op}` cannot be compared before the run", **HERE),
    "not-broadcastable": words(
        "{type} cannot be stretched to {target}", "only axes of size 1 and new axes in front can be stretched", **HERE
    ),
    "reshape-size": words(
        "{type} cannot be reshaped to {target}",
        "{type} has {a} elements and {target} has {b}: the numbers must be equal",
        **HERE,
    ),
    "squeeze-size": words(
        "an axis of size {size} cannot be left out", "only axes of size 1 can; `x[0]` picks one", **HERE
    ),
    "concat-rank": words(
        "a part of `concat` has too few axes", "brackets give it one more, as in `concat([a, [x]])`", **HERE
    ),
    "matrix-expected": words("`{op}` takes a matrix", **HERE),
    "not-square": words(
        "`{op}` takes a square matrix", "a square matrix has one size twice, as in `float[n, n]`", **HERE
    ),
    "window-too-large": words(
        "a window that reaches over {reach} elements does not fit into {size}",
        "add padding, or make the window smaller",
        **HERE,
    ),
    "matmul-scalar": words(
        "`@` takes vectors and matrices", "to multiply by a number, write `*`", here="this is {type}"
    ),
    "transpose-rank": words(
        "`.T` takes a matrix",
        "a vector has no rows and columns to swap: write `{vector}` alone",
        "`{other}` puts the axes of any tensor in another order",
        here="this is {type}",
    ),
    # sizes and declarations
    "not-a-size": words(
        "a size must be a whole number that is known before the run",
        "sizes are made of whole numbers, `int` inputs, names in the shapes of inputs, `len` and `shape`",
        here="this is {type}",
    ),
    "not-a-shape": words(
        "`{function}` needs a shape that is known before the run",
        "a shape is written as `[2, n]`, of whole numbers, `int` inputs and names in the shapes of inputs",
        here="this is {type}, not a list of sizes",
    ),
    "full-swapped": words(
        "`{function}` takes the shape first, then the value",
        "swap them: `{function}({shape}, {value})`",
        first="{first_is}, where the shape stands",
        second="{second_is}, where the value stands",
    ),
    "negative-size": words("a size cannot be {size}", here="must be 0 or more"),
    "negative-size-run": words(
        "the size `{text}` comes out as {size}", "give values for which it is not negative", here="must be 0 or more"
    ),
    "unknown-size": words(
        "nothing says what the size `{name}` is",
        "give a value to an input that has `{name}` in its shape",
        here="needed here",
    ),
    "size-twice": words(
        "the size `{size}` would be both {first} and {second}",
        "give values that agree; where none is given, the default counts",
        here="`{name}` says {second}, `{owner}` says {first}",
    ),
    "size-too-large": words("a size must fit 64 bits", "no memory holds that many elements", here="too large"),
    "size-not-known": words(
        "`{name}` cannot be a size here",
        "use a whole number, an `int` input, or a name of its own for the size",
        here="must be a whole number that is 0 or more",
        bound="is {type}, bound here",
    ),
    "size-bound-again": words(
        "`{name}` is a size, which cannot be bound again",
        "give the new value a name of its own, or bind `{name}` to a number above the shapes that use it",
        here="bound again here",
        declared="a size here",
    ),
    "ellipsis-twice": words("`...` stands twice in one place", "leave one `...` out", here="the second one"),
    "too-many-axes": words("a tensor has at most {limit} axes", "take brackets or sizes away", here="this has more"),
    "argument-shape": words(
        "`{name}` is {declared}, but {type} is given",
        "in this call {sizes}",
        here="this is {type}",
        parameter="declared as {declared} here",
    ),
    # indices
    "too-many-indices": words("{indices} for a tensor that has {axes}", "leave it out", here="one too many"),
    "index-of-number": words(
        "a single number has no elements",
        "leave the index out; a tensor is declared with its shape, as in `x: float[3]`",
        here="this is one number",
    ),
    "index-type": words(
        "an index is a whole number",
        "to choose by a condition, write `{chooser}(condition, a, b)`",
        here="this is {type}",
    ),
    "index-not-an-int": words("an index is a whole number", **HERE),
    "index-outside": words(
        "index {index} is outside of an axis of size {size}",
        "counting starts at 0, and -1 is the last element",
        here="out of range",
    ),
    "slice-step": words(
        "the step of a slice is a whole number other than 0",
        "`x[::2]` takes every second element, `x[::-1]` all in reverse order",
        here="this step is not",
    ),
    # several results
    "several-results": words(
        "{count} results where one value is wanted",
        "give each a name first, as in `a, b = f(x)`",
        here="gives {count} values",
    ),
    "results-count": words("{names} names for {results}", "give each result one name", here="this gives {results}"),
    "part-of-several": words(
        "several results cannot be bound to a part of a value",
        "give it a name first, and assign the part on a line of its own",
        here="a part of a value",
    ),
    "bound-twice-at-once": words(
        "`{name}` stands twice among the names that are bound",
        "give each result a name of its own",
        here="the second one",
    ),
    # arguments
    "too-many-arguments": words(
        "`{name}` takes {limit}", "did you mean `{fix}`?", "`cg help {name}` lists its arguments", here="one too many"
    ),
    "value-expected": words("`{name}` of `{function}` cannot be a text", here="this is a text"),
    "list-expected": words(
        "`{function}` takes a list in brackets", "write the parts as `{function}([a, b])`", here="not a list"
    ),
    "constant-expected": words(
        "`{name}` of `{function}` must be known before the run",
        "write it out here, or in the call of the function that passes it on",
        here="must be {what}",
    ),
    "axis-outside": words(
        "there is no axis {axis}", "counting starts at 0, and -1 is the last axis", here="the tensor has {axes}"
    ),
    "axis-twice": words("an axis is given twice", here="-1 is the last axis, -2 the one before it"),
    "axis-needed": words("`{function}` needs an axis", "say which, as in `axis=-1`", here="the tensor has {axes}"),
    "needs-axes": words("`{function}` takes {expected}", here="this is {type}"),
    "vector-expected": words("`{function}` takes vectors", "for matrices there is `@`", here="this is {type}"),
    "diagonal-sizes": words(
        "the diagonal of {type} is not known before the run",
        "use one name for both sizes of a square matrix",
        here="which of the two sizes is smaller?",
    ),
    "top-k": words("`top_k` cannot take {k} of {size} elements", here="must be a number from 0 to {size}"),
    "einsum-pattern": words(
        "`einsum` cannot read this pattern",
        'the product of matrices is `einsum("ij,jk->ik", a, b)`',
        here="letters for axes, `,` between operands, `->` before the result",
    ),
    "einsum-count": words("the pattern is for {operands}, but {count}", here="a `,` stands between two operands"),
    "einsum-result": words(
        "`{index}` cannot stand here behind `->`",
        "an index that is left out behind `->` is summed over",
        here="the result has each index once, and only those of the operands",
    ),
    "einsum-rank": words("`{indices}` stands for {axes}", "write a letter for each axis", here="this is {type}"),
    "reshape-open": words(
        "only one size of a shape can be -1", "write all sizes but one", here="-1 stands for what remains"
    ),
    "reshape-rest": words(
        "-1 cannot stand for a whole number here",
        "the other sizes together must divide the number of elements",
        here="{total} elements are to be divided by {sizes}",
    ),
    "not-a-permutation": words(
        "`transpose` needs each of the {rank} axes once",
        "`transpose(x, [1, 0, 2])` swaps the first two of three",
        here="this is not a new order of them",
    ),
    "empty-list": words("`{function}` of nothing has no shape", "write at least one part", here="an empty list"),
    "pad-count": words(
        "`pad` needs a pair for each axis",
        "`[[1, 1], [0, 0]]` pads the first of two axes by one on both sides",
        here="{pairs} for {axes}",
    ),
    "arange-step": words(
        "the step of `arange` is a finite number other than 0",
        "`arange(0, 1, 0.1)` are ten numbers",
        here="with this step it would never end",
    ),
    "per-axis": words(
        "`{name}` of `{function}` is a whole number of at least {least}, or {count} of them",
        here="one for each axis, or one for all",
    ),
    "conv-rank": words("`{function}` takes tensors with {axes} axes", "its axes are {layout}", here="this is {type}"),
    "conv-kernel": words(
        "the size of a kernel must be a number",
        "declare its last sizes as numbers, as in `float[4, 3, 5, 5]`",
        here="this is {type}",
    ),
    "conv-groups": words(
        "the channels cannot be divided into {groups} groups",
        "leave `groups` out for an ordinary convolution",
        here="the channels of {x} and the filters of {w} must be multiples of it",
    ),
    "conv-channels": words(
        "channels do not match in `{function}`",
        "the tensor has {channels} channels and the kernels are for {expected}: their second sizes must be equal",
        "that of the kernels counts {groups} times, once for each group",
        **BOTH,
    ),
    "pool-padding": words(
        "padding must be smaller than the window",
        "make the padding smaller, or the window larger",
        here="else some windows would hold nothing",
    ),
    "draw-needs": words(
        "`{function}` needs `{name}=` outside of an initialiser",
        "write as in `{function}(0, 1, shape=[3], seed=1)`",
        here="`{name}=` is missing",
    ),
    "seed-not-an-int": words("a seed is a single whole number", "write it as in `seed=1`", **HERE),
    "text-as-value": words(
        "a text is no value",
        "values are numbers, `true` and `false`, and tensors of them",
        here="texts are messages, files and patterns",
    ),
    "condition-not-scalar": words(
        "the condition of `{what}` is a single bool",
        "for tensors there is `where(condition, a, b)`; `all(…)` and `any(…)` make a single bool",
        here="this is {type}",
    ),
    # derivatives
    "derivative-of-tensor": words(
        "`{function}` takes a single number to differentiate",
        "`jacobian(y, x)` differentiates each element; `sum(…)` makes one number",
        here="this is {type}",
    ),
    "derivative-of-tensor-named": words(
        "`{name}` is a tensor ({type}), and a gradient is that of a single number",
        "`cg grad --jacobian` differentiates each of its elements; `total = sum({name})` makes one number of it",
    ),
    "gradient-differs-at": words(
        "the derivatives {names} are not what differences say",
        "this is a bug in cg: please report it with the program",
        here="first wrong here: by {element} it is {derivative}, differences say {difference}",
    ),
    "mixed-floats": words(
        "f32 meets f64 here, and the result is f64",
        "declare `{name}` as f32 if the rest is meant to be f32, too",
        here="`{param}` is an f32 param",
    ),
    # the library
    "unknown-library": words(
        "there is no library `{name}`",
        "did you mean `{nearest}`?",
        'the libraries are {names}; a file is imported as `import "{name}.cg"`',
        here="not known",
    ),
    "foreign-library": words(
        "functions such as `exp`, `sum` and `reshape` need no import",
        "leave the line out, and call them by their names alone",
        here="not a library of cg",
    ),
    # the run
    "index-out-of-range": words(
        "index {index} is outside of an axis of size {size}",
        "counting starts at 0, and -1 is the last element",
        here="out of range",
    ),
    "sizes-differ": words(
        "shapes do not match in this run",
        "some sizes are known in the run only: give values that make them equal",
        here="{expected} is needed, but it is {shape}",
    ),
    "empty-reduction": words(
        "`{op}` of no elements has no value",
        "give values, or guard it by a condition, as in `if len(x) > 0 then max(x) else 0`",
        here="an axis has size 0",
    ),
    "derivative-not-invertible": words(
        "`{op}` has no derivative at this matrix",
        "look at its values, or add a little to its diagonal, as in `A + 1e-9 * eye(n)`",
        here="the matrix has no inverse, so that `{op}` is -inf here and every change of it infinite",
    ),
    "not-invertible": words(
        "`{op}` fails on this matrix",
        "look at its values, or add a little to its diagonal, as in `A + 1e-9 * eye(n)`",
        here="the matrix has no inverse, or, for `cholesky`, is not positive definite",
    ),
    "too-large": words(
        "{type} would take {size} of memory",
        "with the values that are in use it would be {used}",
        "make the sizes smaller, sum along an axis before, or raise the limit by `--max-memory`",
        here="the limit is {limit}",
    ),
}
