"""The documentation of the built-in functions on tensors, a line each, with an example: for help pages and tests."""

from __future__ import annotations

from typing import NamedTuple


class Entry(NamedTuple):
    doc: str
    example: str


DOCS: dict[str, Entry] = {
    # reductions
    "sum": Entry("the sum of all elements, or along axes", "sum([[1, 2], [3, 4]], axis=0)"),
    "mean": Entry("the arithmetic mean of all elements, or along axes", "mean([1, 2, 6])"),
    "prod": Entry("the product of all elements, or along axes", "prod([2, 3, 4])"),
    "max": Entry(
        "the largest element, or along axes; of several arguments the largest of each place", "max([3, 1, 2])"
    ),
    "min": Entry(
        "the smallest element, or along axes; of several arguments the smallest of each place", "min(3, [1, 5])"
    ),
    "any": Entry("whether one element is true", "any([1, 2, 3] > 2)"),
    "all": Entry("whether all elements are true", "all([1, 2, 3] > 2)"),
    "var": Entry("the variance: the mean square distance from the mean, over n - ddof", "var([1, 2, 3, 4])"),
    "std": Entry(
        "the standard deviation, the root of the variance; its derivative at 0 is 0", "std([1, 2, 3, 4], ddof=1)"
    ),
    "norm": Entry("the Euclidean length of all elements, or along axes; its derivative at 0 is 0", "norm([3, 4])"),
    "logsumexp": Entry("log(sum(exp(x))) without overflow", "logsumexp([1000, 1000])"),
    "argmax": Entry("the place of the first largest element", "argmax([3, 7, 7])"),
    "argmin": Entry("the place of the first smallest element", "argmin([3, 1, 2])"),
    "cumsum": Entry("the running sum along an axis", "cumsum([1, 2, 3])"),
    "sort": Entry("the elements along an axis from the smallest to the largest", "sort([3, 1, 2])"),
    "argsort": Entry("the places of the elements from the smallest to the largest", "argsort([3, 1, 2])"),
    "top_k": Entry("the k largest elements of the last axis, and their places", "values, places = top_k([3, 1, 2], 2)"),
    # linear algebra
    "dot": Entry("the sum of the products of two vectors' elements", "dot([1, 2], [3, 4])"),
    "outer": Entry("the matrix of all products of two vectors' elements", "outer([1, 2], [3, 4])"),
    "trace": Entry("the sum of a matrix's diagonal", "trace([[1, 2], [3, 4]])"),
    "diag": Entry("a matrix's diagonal, or the matrix that has a vector as its diagonal", "diag([[1, 2], [3, 4]])"),
    "det": Entry("the determinant", "det([[1, 2], [3, 5]])"),
    "logdet": Entry("log(abs(det(x))) without overflow", "logdet([[2, 0], [0, 0.5]])"),
    "inv": Entry("the inverse of a matrix", "inv([[2, 0], [0, 4]])"),
    "solve": Entry(
        "the x for which a @ x is b; b is a vector or a matrix of columns", "solve([[2, 0], [0, 4]], [1, 1])"
    ),
    "cholesky": Entry("the lower triangle L for which L @ L.T is x", "cholesky([[4, 2], [2, 5]])"),
    "einsum": Entry(
        "products of elements, summed over the indices that the result does not have",
        'einsum("ij,j->i", [[1, 2], [3, 4]], [1, 1])',
    ),
    # shapes
    "shape": Entry("the sizes of all axes", "shape([[1, 2, 3], [4, 5, 6]])"),
    "len": Entry("the size of the first axis", "len([5, 6, 7])"),
    "reshape": Entry(
        "the same elements in another shape; -1 stands for what remains", "reshape([1, 2, 3, 4], [2, -1])"
    ),
    "transpose": Entry("the axes in another order, reversed if none is given", "transpose([[1, 2], [3, 4]])"),
    "concat": Entry("tensors one behind the other along an axis", "concat([[1, 2], [3]])"),
    "stack": Entry("tensors of one shape side by side along a new axis", "stack([[1, 2], [3, 4]], axis=1)"),
    "broadcast": Entry("a tensor repeated to a shape", "broadcast([1, 2], [3, 2])"),
    "expand_dims": Entry("a tensor with new axes of size 1", "expand_dims([1, 2], 1)"),
    "squeeze": Entry("a tensor without its axes of size 1, or without those given", "squeeze([[1], [2]])"),
    "pad": Entry("a tensor within zeros: so many before and behind along each axis", "pad([1, 2], [[1, 2]])"),
    "flip": Entry("the elements in reverse order along axes", "flip([1, 2, 3])"),
    "roll": Entry("the elements moved along an axis; what leaves at the end enters at the front", "roll([1, 2, 3], 1)"),
    "tile": Entry("a tensor repeated side by side", "tile([1, 2], [2])"),
    "zeros": Entry("zeros of a shape", "zeros([2, 3])"),
    "ones": Entry("ones of a shape", "ones([3])"),
    "full": Entry("one value in a shape", "full([2], 7)"),
    "eye": Entry("the matrix with ones on its diagonal", "eye(2)"),
    "arange": Entry("numbers from a start up to, not including, a stop", "arange(2, 5)"),
    "linspace": Entry("evenly spaced numbers, both ends included", "linspace(0, 1, 5)"),
    "one_hot": Entry("for each label a row of zeros with a one at its place", "one_hot([0, 2], 3)"),
    "tril": Entry("the part of a matrix on and below its diagonal", "tril([[1, 2], [3, 4]])"),
    "triu": Entry("the part of a matrix on and above its diagonal", "triu([[1, 2], [3, 4]])"),
    "scatter_add": Entry(
        "a tensor with values added at places of its first axis", "scatter_add([0, 0, 0], [2, 0, 2], [1, 2, 3])"
    ),
    # convolution and pooling
    "conv1d": Entry(
        "the convolution of signals [n, c, l] with kernels [out, in/groups, k]", "conv1d([[[1, 2, 4]]], [[[1, -1]]])"
    ),
    "conv2d": Entry(
        "the convolution of images [n, c, h, w] with kernels [out, in/groups, kh, kw]",
        "conv2d(ones([1, 1, 3, 3]), ones([1, 1, 2, 2]), padding=1, stride=2)",
    ),
    "max_pool": Entry("the largest element of each window on the last axes", "max_pool([[[1, 3, 2, 4]]], 2)"),
    "avg_pool": Entry("the mean of each window on the last axes, padding left out", "avg_pool([[[1, 3, 2, 4]]], 2)"),
    # drawn
    "normal": Entry("normally distributed numbers of a mean and a deviation", "normal(0, 1, shape=[2], seed=1)"),
    "uniform": Entry("numbers spread evenly from low to high", "uniform(0, 1, shape=[2], seed=1)"),
    "dropout": Entry(
        "while the program's input `training` is true, zeros in place of a share of the elements, the others scaled",
        "dropout([1, 2, 3], 0.5)",
    ),
}
