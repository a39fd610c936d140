"""Tensors: shapes that do not fit, indices, arguments of the functions on tensors."""

from __future__ import annotations

from .words import Words

BOTH = {"first": "{first_is}", "second": "{second_is}", "here": "{here_is}"}
HERE = {"here": "{here_is}"}
SAME = "two names are two sizes: if both are one, write `{same}` in both declarations"

WORDS: dict[str, Words] = {
    # two shapes that do not meet
    "shapes-differ": Words(
        "shapes do not match in `{op}`",
        labels=BOTH,
        help=(
            "the sizes {a} and {b} must be equal; only a size that is written as 1 is stretched",
            SAME,
        ),
    ),
    "inner-sizes": Words(
        "shapes do not match in `{op}`",
        labels=BOTH,
        help=(
            "the inner sizes {a} and {b} must be equal",
            SAME,
        ),
    ),
    "solve-sizes": Words(
        "shapes do not match in `solve`",
        labels=BOTH,
        help=("the matrix has {a} rows and the right side has {b}: the two must be equal",),
    ),
    "einsum-sizes": Words(
        "sizes do not match in `einsum`",
        labels=BOTH,
        help=("one letter stands for the sizes {a} and {b}, which must be equal",),
    ),
    "concat-shapes": Words(
        "shapes do not match in `concat`",
        labels=BOTH,
        help=("all sizes but that of the axis along which they are joined must be equal, and so the number of axes",),
    ),
    "stack-shapes": Words(
        "the parts of a tensor differ in shape",
        labels=BOTH,
        help=(
            "the sizes {a} and {b} must be equal",
            "all parts need the same shape; `concat` joins tensors of different sizes",
        ),
    ),
    "sides-shapes": Words(
        "the two sides of the `if` differ in shape",
        labels={"here": "one side is {first}, the other is {second}"},
        help=("give both sides one shape; a tensor of one value is `full(shape, value)`",),
    ),
    "sizes-undecided": Words("sizes of `{op}` cannot be compared before the run", labels=HERE),
    "not-broadcastable": Words(
        "{found} cannot be stretched to {wanted}",
        labels=HERE,
        help=("only axes of size 1 and new axes in front can be stretched",),
    ),
    "reshape-size": Words(
        "{found} does not have the elements of {wanted}",
        labels=HERE,
        help=("the number of elements must stay the same",),
    ),
    "squeeze-size": Words(
        "an axis of size {size} cannot be left out", labels=HERE, help=("only axes of size 1 can; `x[0]` picks one",)
    ),
    "concat-rank": Words("`concat` has no such axis here", labels=HERE, help=("a single number is joined as `[x]`",)),
    "matrix-expected": Words("`{op}` takes matrices", labels=HERE, help=("it needs two axes of equal size",)),
    "not-square": Words("`{op}` takes square matrices", labels=HERE, help=("the last two sizes must be equal",)),
    "window-too-large": Words(
        "a window that reaches over {reach} elements does not fit into {size}",
        labels=HERE,
        help=("add padding, or make the window smaller",),
    ),
    "matmul-scalar": Words(
        "`@` takes vectors and matrices", labels={"here": "this is {type}"}, help=("to multiply numbers, write `*`",)
    ),
    "transpose-rank": Words(
        "`.T` takes a matrix",
        labels={"here": "this is {type}"},
        help=("`transpose(x, axes)` puts the axes of other tensors in another order",),
    ),
    # sizes and declarations
    "not-a-size": Words(
        "a size must be known before the run",
        labels={"here": "this {type} is found by the run only"},
        help=("sizes are made of whole numbers, of names in the shapes of inputs, `len` and `shape`",),
    ),
    "not-a-shape": Words(
        "`{function}` needs a shape that is known before the run",
        labels={"here": "this {type} is no list of sizes"},
        help=("a shape is written as `[2, n]`, of whole numbers and of names in the shapes of inputs",),
    ),
    "negative-size": Words(
        "a size cannot be {size}", labels={"here": "must be 0 or more"}, help=("sizes count elements: 0, 1, 2, …",)
    ),
    "negative-size-run": Words(
        "the size `{text}` comes out as {size}",
        labels={"here": "must be 0 or more"},
        help=("give values for which it is not negative",),
    ),
    "unknown-size": Words(
        "nothing says what the size `{name}` is",
        labels={"here": "needed here"},
        help=("give a value to an input that has `{name}` in its shape",),
    ),
    "size-twice": Words(
        "the size `{size}` would be both {first} and {second}",
        labels={"here": "`{name}` says {second}, `{owner}` says {first}"},
        help=("give both inputs values of one size, also where one of them is a default",),
    ),
    "size-too-large": Words(
        "a size must fit 64 bits", labels={"here": "too large"}, help=("no memory holds that many elements",)
    ),
    "size-not-known": Words(
        "`{name}` cannot be a size here",
        labels={"here": "must be a whole number that is 0 or more", "bound": "is {type}, bound here"},
        help=("use a whole number, an `int` input, or a name of its own for the size",),
    ),
    "size-bound-again": Words(
        "`{name}` is a size, which cannot be bound again",
        labels={"here": "bound again here", "declared": "a size here"},
        help=("give the new value a name of its own, or bind `{name}` to a number above the shapes that use it",),
    ),
    "ellipsis-twice": Words(
        "`...` stands twice in one place", labels={"here": "the second one"}, help=("leave one `...` out",)
    ),
    "too-many-axes": Words(
        "a tensor has at most {limit} axes", labels={"here": "nested deeper"}, help=("take brackets away",)
    ),
    "argument-shape": Words(
        "the parameter `{name}` of type `{wanted}` cannot take {found}",
        labels={"here": "this is {found}", "parameter": "the parameter"},
        help=("in this call {known}", "pass a value of the declared shape"),
    ),
    # indices
    "too-many-indices": Words(
        "{found} indices for {wanted} axes",
        labels={"here": "one too many: the tensor is {type}"},
        help=("leave it out",),
    ),
    "index-type": Words(
        "an index is a whole number",
        labels={"here": "this is {type}"},
        help=("to choose by a condition, use `where`",),
    ),
    "index-not-an-int": Words("an index is a whole number", labels=HERE, help=("use an `int`",)),
    "index-outside": Words(
        "index {index} is outside of an axis of size {size}",
        labels={"here": "out of range"},
        help=("the first element is 0, the last -1",),
    ),
    "slice-step": Words(
        "the step of a slice is a whole number other than 0",
        labels={"here": "this step is not"},
        help=("`x[::2]` takes every second element, `x[::-1]` all in reverse order",),
    ),
    # several results
    "several-results": Words(
        "{count} results where one value is wanted",
        labels={"here": "gives {count} values"},
        help=("give each a name first, as in `a, b = f(x)`",),
    ),
    "results-count": Words(
        "{wanted} names for {count} results",
        labels={"here": "the number of results is {count}"},
        help=("write as many names as there are results",),
    ),
    "part-of-several": Words(
        "several results cannot be bound to a part of a value",
        labels={"here": "a part of a value"},
        help=("give it a name first, and assign the part on a line of its own",),
    ),
    "bound-twice-at-once": Words(
        "`{name}` stands twice among the names that are bound",
        labels={"here": "the second one"},
        help=("give each result a name of its own",),
    ),
    # arguments
    "too-many-arguments": Words(
        "`{name}` takes {wanted} without a name",
        labels={"here": "one too many"},
        help=("did you mean `{fix}`?", "`cg help {name}` lists its arguments"),
    ),
    "value-expected": Words(
        "`{name}` of `{function}` is one value",
        labels={"here": "not a value"},
        help=("only a list of tensors or a text stands in such a place",),
    ),
    "list-expected": Words(
        "`{function}` takes a list in brackets",
        labels={"here": "not a list"},
        help=("write the parts as `{function}([a, b])`",),
    ),
    "constant-expected": Words(
        "`{name}` of `{function}` must be known before the run",
        labels={"here": "must be {what}"},
        help=("write it out, or pass it as a literal through a parameter",),
    ),
    "axis-outside": Words(
        "there is no axis {axis}",
        labels={"here": "the tensor has {rank} axes"},
        help=("the first axis is 0, the last -1",),
    ),
    "axis-twice": Words("an axis stands twice", labels={"here": "name each axis once"}, help=("leave one out",)),
    "axis-needed": Words(
        "`{function}` needs an axis",
        labels={"here": "the tensor has {rank} axes"},
        help=("say which, as in `axis=-1`",),
    ),
    "needs-axes": Words(
        "`{function}` takes a tensor with more axes",
        labels={"here": "this is {type}"},
        help=("at least {rank} are needed",),
    ),
    "vector-expected": Words(
        "`{function}` takes vectors", labels={"here": "this is {type}"}, help=("for matrices there is `@`",)
    ),
    "diagonal-sizes": Words(
        "the diagonal of {type} is not known before the run",
        labels={"here": "which of the two sizes is smaller?"},
        help=("use one name for both sizes of a square matrix",),
    ),
    "top-k": Words(
        "`top_k` cannot take {k} of {size} elements", labels={"here": "at most {size}"}, help=("take fewer",)
    ),
    "einsum-pattern": Words(
        "this is no pattern of `einsum`",
        labels={"here": "letters for axes, `,` between operands, `->` before the result"},
        help=('the product of matrices is `einsum("ij,jk->ik", a, b)`',),
    ),
    "einsum-count": Words(
        "the pattern names {wanted} operands and {found} are given",
        labels={"here": "operands are divided by `,`"},
        help=("write indices for each operand",),
    ),
    "einsum-result": Words(
        "the result of an `einsum` has each index once, and only indices of the operands",
        labels={"here": "look behind `->`"},
        help=("an index that is left out behind `->` is summed over",),
    ),
    "einsum-rank": Words(
        "`{indices}` stands for {wanted} axes",
        labels={"here": "this is {type}"},
        help=("write a letter for each axis",),
    ),
    "reshape-open": Words(
        "only one size of a shape can be -1", labels={"here": "-1 stands for what remains"}, help=("write the others",)
    ),
    "reshape-rest": Words(
        "the elements of {type} cannot be divided by {sizes}",
        labels={"here": "-1 has to stand for a whole number"},
        help=("the product of the other sizes must divide the number of elements",),
    ),
    "not-a-permutation": Words(
        "the axes of a `transpose` are all {rank} of them, each once",
        labels={"here": "not a new order of the axes"},
        help=("`transpose(x, [1, 0, 2])` swaps the first two of three",),
    ),
    "empty-list": Words(
        "`{function}` of nothing has no shape", labels={"here": "an empty list"}, help=("write at least one part",)
    ),
    "pad-count": Words(
        "`pad` needs a pair for each of the {wanted} axes",
        labels={"here": "{found} are given"},
        help=("`[[1, 1], [0, 0]]` pads the first of two axes by one on both sides",),
    ),
    "arange-step": Words(
        "the step of `arange` is a finite number other than 0",
        labels={"here": "with this step it would never end"},
        help=("`arange(0, 1, 0.1)` are ten numbers",),
    ),
    "per-axis": Words(
        "`{name}` of `{function}` is a whole number of at least {least}, or {count} of them",
        labels={"here": "one for each axis, or one for all"},
        help=("write a single number where all axes are treated alike",),
    ),
    "conv-rank": Words(
        "`{function}` takes tensors with {wanted} axes",
        labels={"here": "this is {type}"},
        help=("signals are [n, c, l] and [out, in, k], images are [n, c, h, w] and [out, in, kh, kw]",),
    ),
    "conv-kernel": Words(
        "the size of a kernel must be a number", labels={"here": "this is {type}"}, help=("declare its last sizes",)
    ),
    "conv-groups": Words(
        "{groups} groups do not divide the channels of {x} and the filters of {w}",
        labels={"here": "both must be multiples of it"},
        help=("leave `groups` out for an ordinary convolution",),
    ),
    "conv-channels": Words(
        "the channels of the kernels ({wanted}) are not those of the tensor ({channels})",
        labels={"here": "the second size, times `groups`"},
        help=("both must be equal; `groups` is {groups}",),
    ),
    "pool-padding": Words(
        "padding must be smaller than the window",
        labels={"here": "else some windows would hold nothing"},
        help=("make it smaller",),
    ),
    "draw-needs": Words(
        "`{function}` needs `{name}=` outside of an initialiser",
        labels={"here": "`{name}=` is missing"},
        help=("write as in `{function}(0, 1, shape=[3], seed=1)`",),
    ),
    "seed-not-an-int": Words("a seed is a single whole number", labels=HERE, help=("use an `int`",)),
    "text-as-value": Words(
        "a text is no value",
        labels={"here": "texts are messages, files and patterns"},
        help=("values are numbers, `true` and `false`, and tensors of them",),
    ),
    "condition-not-scalar": Words(
        "the condition of an `if` is a single bool",
        labels={"here": "this is {found}"},
        help=("for tensors there is `where(condition, a, b)`, or ask for `all(…)` or `any(…)`",),
    ),
    # derivatives
    "derivative-of-tensor": Words(
        "`{function}` takes a single number to differentiate",
        labels={"here": "this is {type}"},
        help=("`jacobian(y, x)` differentiates each element; `sum(…)` makes one number",),
    ),
    "derivative-of-tensor-named": Words(
        "`{name}` is a tensor ({type}), and a gradient is that of a single number",
        help=("`--jacobian` gives the derivative of each of its elements",),
    ),
    "gradient-differs-at": Words(
        "the derivatives {names} are not what differences say",
        labels={"here": "first wrong here: by {element} it is {derivative}, differences say {difference}"},
        help=("this is a bug in cg: please report it with the program",),
    ),
    "mixed-floats": Words(
        "f32 meets f64 here, and the result is f64",
        labels={"here": "`{param}` is an f32 param"},
        help=("declare `{name}` as f32 if the rest is meant to be f32, too",),
    ),
    # the library
    "unknown-library": Words(
        "there is no library `{name}`",
        labels={"here": "not known"},
        help=("did you mean `{nearest}`?", 'the libraries are {known}; a file is imported as `import "{name}.cg"`'),
    ),
    # the run
    "index-out-of-range": Words(
        "index {index} is outside of an axis of size {size}",
        labels={"here": "out of range"},
        help=("the first element is 0, the last -1",),
    ),
    "sizes-differ": Words(
        "sizes that only the run could compare differ: {found} is not {wanted}",
        labels={"here": "needed equal here"},
        help=("give values whose sizes fit",),
    ),
    "empty-reduction": Words(
        "`{op}` of no elements has no value",
        labels={"here": "an axis of size 0"},
        help=("guard it by a condition on the size, or give values",),
    ),
    "not-invertible": Words(
        "`{op}` of this matrix does not exist",
        labels={"here": "it has no inverse, or is not positive definite where that is needed"},
        help=("look at its values, or add a little to its diagonal, as in `A + 1e-9 * eye(n)`",),
    ),
    "too-large": Words(
        "{type} would take {size} of memory",
        labels={"here": "the limit is {limit}"},
        help=("all values together would take {used}", "make the sizes smaller, or sum along an axis before"),
    ),
}
