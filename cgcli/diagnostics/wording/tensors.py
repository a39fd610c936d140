"""Tensors: shapes that do not fit, indices, arguments of the functions on tensors."""

from __future__ import annotations

from .templates import Templates

BOTH = {"first": "{first_is}", "second": "{second_is}", "here": "{here_is}"}
HERE = {"here": "{here_is}"}
SAME = "two names are two sizes: if they are the same, write `{same}` for both"
FIXED = "`{name}` may be any number: if it is always {number}, write {number} in its place"

TEMPLATES: dict[str, Templates] = {
    # two shapes that do not meet
    "shapes-differ": Templates(
        "shapes do not match in `{op}`",
        labels=BOTH,
        help=("the sizes {a} and {b} must be equal", SAME, FIXED),
    ),
    "inner-sizes": Templates(
        "shapes do not match in `{op}`",
        labels=BOTH,
        help=("the inner sizes {a} and {b} must be equal", SAME, FIXED),
    ),
    "solve-sizes": Templates(
        "shapes do not match in `solve`",
        labels=BOTH,
        help=("the matrix has {a} rows and the right side has {b}: the two must be equal", SAME, FIXED),
    ),
    "einsum-sizes": Templates(
        "sizes do not match in `einsum`",
        labels=BOTH,
        help=("one letter stands for the sizes {a} and {b}, which must be equal", SAME, FIXED),
    ),
    "concat-shapes": Templates(
        "shapes do not match in `concat`",
        labels=BOTH,
        help=(
            "the sizes {a} and {b} must be equal",
            "the parts need equally many axes, and may differ in size only along the axis that joins them",
            SAME,
        ),
    ),
    "stack-shapes": Templates(
        "the parts of a tensor differ in shape",
        labels=BOTH,
        help=(
            "the sizes {a} and {b} must be equal",
            "all parts need the same shape; `concat` joins tensors of different sizes",
            SAME,
        ),
    ),
    "sides-shapes": Templates(
        "the two sides of the `if` differ in shape",
        labels=BOTH,
        help=("give both the same shape, as by `full(shape(x), 0)`",),
    ),
    "sizes-undecided": Templates("sizes of `{op}` cannot be compared before the run", labels=HERE),
    "not-broadcastable": Templates(
        "{found} cannot be stretched to {wanted}",
        labels=HERE,
        help=("only axes of size 1 and new axes in front can be stretched",),
    ),
    "reshape-size": Templates(
        "{found} cannot be reshaped to {wanted}",
        labels=HERE,
        help=("{found} has {a} elements and {wanted} has {b}: the numbers must be equal",),
    ),
    "squeeze-size": Templates(
        "an axis of size {size} cannot be left out", labels=HERE, help=("only axes of size 1 can; `x[0]` picks one",)
    ),
    "concat-rank": Templates(
        "a part of `concat` has too few axes",
        labels=HERE,
        help=("brackets give it one more, as in `concat([a, [x]])`",),
    ),
    "matrix-expected": Templates("`{op}` takes a matrix", labels=HERE),
    "not-square": Templates(
        "`{op}` takes a square matrix",
        labels=HERE,
        help=("a square matrix has one size twice, as in `float[n, n]`",),
    ),
    "window-too-large": Templates(
        "a window that reaches over {reach} elements does not fit into {size}",
        labels=HERE,
        help=("add padding, or make the window smaller",),
    ),
    "matmul-scalar": Templates(
        "`@` takes vectors and matrices",
        labels={"here": "this is {type}"},
        help=("to multiply by a number, write `*`",),
    ),
    "transpose-rank": Templates(
        "`.T` takes a matrix",
        labels={"here": "this is {type}"},
        help=(
            "a vector has no rows and columns to swap: write `{vector}` alone",
            "`{other}` puts the axes of any tensor in another order",
        ),
    ),
    # sizes and declarations
    "not-a-size": Templates(
        "a size must be a whole number that is known before the run",
        labels={"here": "this is {type}"},
        help=("sizes are made of whole numbers, `int` inputs, names in the shapes of inputs, `len` and `shape`",),
    ),
    "not-a-shape": Templates(
        "`{function}` needs a shape that is known before the run",
        labels={"here": "this is {type}, not a list of sizes"},
        help=("a shape is written as `[2, n]`, of whole numbers, `int` inputs and names in the shapes of inputs",),
    ),
    "negative-size": Templates(
        "a size cannot be {size}",
        labels={"here": "must be 0 or more"},
    ),
    "negative-size-run": Templates(
        "the size `{text}` comes out as {size}",
        labels={"here": "must be 0 or more"},
        help=("give values for which it is not negative",),
    ),
    "unknown-size": Templates(
        "nothing says what the size `{name}` is",
        labels={"here": "needed here"},
        help=("give a value to an input that has `{name}` in its shape",),
    ),
    "size-twice": Templates(
        "the size `{size}` would be both {first} and {second}",
        labels={"here": "`{name}` says {second}, `{owner}` says {first}"},
        help=("give values that agree; where none is given, the default counts",),
    ),
    "size-too-large": Templates(
        "a size must fit 64 bits", labels={"here": "too large"}, help=("no memory holds that many elements",)
    ),
    "size-not-known": Templates(
        "`{name}` cannot be a size here",
        labels={"here": "must be a whole number that is 0 or more", "bound": "is {type}, bound here"},
        help=("use a whole number, an `int` input, or a name of its own for the size",),
    ),
    "size-bound-again": Templates(
        "`{name}` is a size, which cannot be bound again",
        labels={"here": "bound again here", "declared": "a size here"},
        help=("give the new value a name of its own, or bind `{name}` to a number above the shapes that use it",),
    ),
    "ellipsis-twice": Templates(
        "`...` stands twice in one place", labels={"here": "the second one"}, help=("leave one `...` out",)
    ),
    "too-many-axes": Templates(
        "a tensor has at most {limit} axes", labels={"here": "this has more"}, help=("take brackets or sizes away",)
    ),
    "argument-shape": Templates(
        "`{name}` is {wanted}, but {found} is given",
        labels={"here": "this is {found}", "parameter": "declared as {wanted} here"},
        help=("in this call {known}",),
    ),
    # indices
    "too-many-indices": Templates(
        "{found} for a tensor that has {wanted}",
        labels={"here": "one too many"},
        help=("leave it out",),
    ),
    "index-of-number": Templates(
        "a single number has no elements",
        labels={"here": "this is one number"},
        help=("leave the index out; a tensor is declared with its shape, as in `x: float[3]`",),
    ),
    "index-type": Templates(
        "an index is a whole number",
        labels={"here": "this is {type}"},
        help=("to choose by a condition, write `{chooser}(condition, a, b)`",),
    ),
    "index-not-an-int": Templates("an index is a whole number", labels=HERE),
    "index-outside": Templates(
        "index {index} is outside of an axis of size {size}",
        labels={"here": "out of range"},
        help=("counting starts at 0, and -1 is the last element",),
    ),
    "slice-step": Templates(
        "the step of a slice is a whole number other than 0",
        labels={"here": "this step is not"},
        help=("`x[::2]` takes every second element, `x[::-1]` all in reverse order",),
    ),
    # several results
    "several-results": Templates(
        "{count} results where one value is wanted",
        labels={"here": "gives {count} values"},
        help=("give each a name first, as in `a, b = f(x)`",),
    ),
    "results-count": Templates(
        "{wanted} names for {given}",
        labels={"here": "this gives {given}"},
        help=("give each result one name",),
    ),
    "part-of-several": Templates(
        "several results cannot be bound to a part of a value",
        labels={"here": "a part of a value"},
        help=("give it a name first, and assign the part on a line of its own",),
    ),
    "bound-twice-at-once": Templates(
        "`{name}` stands twice among the names that are bound",
        labels={"here": "the second one"},
        help=("give each result a name of its own",),
    ),
    # arguments
    "too-many-arguments": Templates(
        "`{name}` takes {wanted}",
        labels={"here": "one too many"},
        help=("did you mean `{fix}`?", "`cg help {name}` lists its arguments"),
    ),
    "value-expected": Templates(
        "`{name}` of `{function}` cannot be a text",
        labels={"here": "this is a text"},
    ),
    "list-expected": Templates(
        "`{function}` takes a list in brackets",
        labels={"here": "not a list"},
        help=("write the parts as `{function}([a, b])`",),
    ),
    "constant-expected": Templates(
        "`{name}` of `{function}` must be known before the run",
        labels={"here": "must be {what}"},
        help=("write it out here, or in the call of the function that passes it on",),
    ),
    "axis-outside": Templates(
        "there is no axis {axis}",
        labels={"here": "the tensor has {axes}"},
        help=("counting starts at 0, and -1 is the last axis",),
    ),
    "axis-twice": Templates("an axis is given twice", labels={"here": "-1 is the last axis, -2 the one before it"}),
    "axis-needed": Templates(
        "`{function}` needs an axis",
        labels={"here": "the tensor has {axes}"},
        help=("say which, as in `axis=-1`",),
    ),
    "needs-axes": Templates(
        "`{function}` takes {wanted}",
        labels={"here": "this is {type}"},
    ),
    "vector-expected": Templates(
        "`{function}` takes vectors",
        labels={"here": "this is {type}"},
        help=("for matrices there is `@`",),
    ),
    "diagonal-sizes": Templates(
        "the diagonal of {type} is not known before the run",
        labels={"here": "which of the two sizes is smaller?"},
        help=("use one name for both sizes of a square matrix",),
    ),
    "top-k": Templates(
        "`top_k` cannot take {k} of {size} elements", labels={"here": "must be a number from 0 to {size}"}
    ),
    "einsum-pattern": Templates(
        "`einsum` cannot read this pattern",
        labels={"here": "letters for axes, `,` between operands, `->` before the result"},
        help=('the product of matrices is `einsum("ij,jk->ik", a, b)`',),
    ),
    "einsum-count": Templates(
        "the pattern is for {wanted}, but {given}",
        labels={"here": "a `,` stands between two operands"},
    ),
    "einsum-result": Templates(
        "`{index}` cannot stand here behind `->`",
        labels={"here": "the result has each index once, and only those of the operands"},
        help=("an index that is left out behind `->` is summed over",),
    ),
    "einsum-rank": Templates(
        "`{indices}` stands for {axes}",
        labels={"here": "this is {type}"},
        help=("write a letter for each axis",),
    ),
    "reshape-open": Templates(
        "only one size of a shape can be -1",
        labels={"here": "-1 stands for what remains"},
        help=("write all sizes but one",),
    ),
    "reshape-rest": Templates(
        "-1 cannot stand for a whole number here",
        labels={"here": "{total} elements are to be divided by {sizes}"},
        help=("the other sizes together must divide the number of elements",),
    ),
    "not-a-permutation": Templates(
        "`transpose` needs each of the {rank} axes once",
        labels={"here": "this is not a new order of them"},
        help=("`transpose(x, [1, 0, 2])` swaps the first two of three",),
    ),
    "empty-list": Templates(
        "`{function}` of nothing has no shape", labels={"here": "an empty list"}, help=("write at least one part",)
    ),
    "pad-count": Templates(
        "`pad` needs a pair for each axis",
        labels={"here": "{found} for {wanted}"},
        help=("`[[1, 1], [0, 0]]` pads the first of two axes by one on both sides",),
    ),
    "arange-step": Templates(
        "the step of `arange` is a finite number other than 0",
        labels={"here": "with this step it would never end"},
        help=("`arange(0, 1, 0.1)` are ten numbers",),
    ),
    "per-axis": Templates(
        "`{name}` of `{function}` is a whole number of at least {least}, or {count} of them",
        labels={"here": "one for each axis, or one for all"},
    ),
    "conv-rank": Templates(
        "`{function}` takes tensors with {wanted} axes",
        labels={"here": "this is {type}"},
        help=("its axes are {layout}",),
    ),
    "conv-kernel": Templates(
        "the size of a kernel must be a number",
        labels={"here": "this is {type}"},
        help=("declare its last sizes as numbers, as in `float[4, 3, 5, 5]`",),
    ),
    "conv-groups": Templates(
        "the channels cannot be divided into {groups} groups",
        labels={"here": "the channels of {x} and the filters of {w} must be multiples of it"},
        help=("leave `groups` out for an ordinary convolution",),
    ),
    "conv-channels": Templates(
        "channels do not match in `{function}`",
        labels=BOTH,
        help=(
            "the tensor has {channels} channels and the kernels are for {wanted}: their second sizes must be equal",
            "that of the kernels counts {groups} times, once for each group",
        ),
    ),
    "pool-padding": Templates(
        "padding must be smaller than the window",
        labels={"here": "else some windows would hold nothing"},
        help=("make the padding smaller, or the window larger",),
    ),
    "draw-needs": Templates(
        "`{function}` needs `{name}=` outside of an initialiser",
        labels={"here": "`{name}=` is missing"},
        help=("write as in `{function}(0, 1, shape=[3], seed=1)`",),
    ),
    "seed-not-an-int": Templates("a seed is a single whole number", labels=HERE, help=("write it as in `seed=1`",)),
    "text-as-value": Templates(
        "a text is no value",
        labels={"here": "texts are messages, files and patterns"},
        help=("values are numbers, `true` and `false`, and tensors of them",),
    ),
    "condition-not-scalar": Templates(
        "the condition of `{what}` is a single bool",
        labels={"here": "this is {found}"},
        help=("for tensors there is `where(condition, a, b)`; `all(…)` and `any(…)` make a single bool",),
    ),
    # derivatives
    "derivative-of-tensor": Templates(
        "`{function}` takes a single number to differentiate",
        labels={"here": "this is {type}"},
        help=("`jacobian(y, x)` differentiates each element; `sum(…)` makes one number",),
    ),
    "derivative-of-tensor-named": Templates(
        "`{name}` is a tensor ({type}), and a gradient is that of a single number",
        help=(
            "`cg grad --jacobian` differentiates each of its elements; `total = sum({name})` makes one number of it",
        ),
    ),
    "gradient-differs-at": Templates(
        "the derivatives {names} are not what differences say",
        labels={"here": "first wrong here: by {element} it is {derivative}, differences say {difference}"},
        help=("this is a bug in cg: please report it with the program",),
    ),
    "mixed-floats": Templates(
        "f32 meets f64 here, and the result is f64",
        labels={"here": "`{param}` is an f32 param"},
        help=("declare `{name}` as f32 if the rest is meant to be f32, too",),
    ),
    # the library
    "unknown-library": Templates(
        "there is no library `{name}`",
        labels={"here": "not known"},
        help=("did you mean `{nearest}`?", 'the libraries are {known}; a file is imported as `import "{name}.cg"`'),
    ),
    "foreign-library": Templates(
        "functions such as `exp`, `sum` and `reshape` need no import",
        labels={"here": "not a library of cg"},
        help=("leave the line out, and call them by their names alone",),
    ),
    # the run
    "index-out-of-range": Templates(
        "index {index} is outside of an axis of size {size}",
        labels={"here": "out of range"},
        help=("counting starts at 0, and -1 is the last element",),
    ),
    "sizes-differ": Templates(
        "shapes do not match in this run",
        labels={"here": "{wanted} is needed, but it is {found}"},
        help=("some sizes are known in the run only: give values that make them equal",),
    ),
    "empty-reduction": Templates(
        "`{op}` of no elements has no value",
        labels={"here": "an axis has size 0"},
        help=("give values, or guard it by a condition, as in `if len(x) > 0 then max(x) else 0`",),
    ),
    "derivative-not-invertible": Templates(
        "`{op}` has no derivative at this matrix",
        labels={"here": "the matrix has no inverse, so that `{op}` is -inf here and every change of it infinite"},
        help=("look at its values, or add a little to its diagonal, as in `A + 1e-9 * eye(n)`",),
    ),
    "not-invertible": Templates(
        "`{op}` fails on this matrix",
        labels={"here": "the matrix has no inverse, or, for `cholesky`, is not positive definite"},
        help=("look at its values, or add a little to its diagonal, as in `A + 1e-9 * eye(n)`",),
    ),
    "too-large": Templates(
        "{type} would take {size} of memory",
        labels={"here": "the limit is {limit}"},
        help=(
            "with the values that are in use it would be {used}",
            "make the sizes smaller, sum along an axis before, or raise the limit by `--max-memory`",
        ),
    ),
}
