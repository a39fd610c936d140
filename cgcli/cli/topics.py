"""The pages of `cg help` besides those of commands, functions and the words of the language."""

from __future__ import annotations

from typing import NamedTuple


class Page(NamedTuple):
    title: str
    text: str


EXIT_CODES = """\
The exit status of cg

  0    done; warnings alone are no failure
  1    the run failed: an assertion, a value that does not fit its input, a limit, a full disk, a target that
       cannot be written, a difference found by `grad --check` or `fmt --check`
  2    the call or a program is wrong: an unknown option or name, a missing input, a value that cannot be read,
       a file that is not there, syntax, names, types
  130  interrupted

Results go to standard output, everything else to standard error. A Python traceback appears only with CG_DEBUG=1.
"""

VALUES = """\
Giving inputs their values

  --a 2   --a=-2   --a -1e-3     a number
  --a pi/2   --a 'sqrt(2)'       any constant expression of the language
  --b true                       a bool
  --x '[[1, 2], [3, 4]]'         a tensor, as in the language
  --x @x.npy   --x @w.npz:W1     from a file: .npy, .npz, .csv (a column: t.csv:price), .json, .safetensors
  --set a=2                      the same, also for an input that is named like an option (`format`)
  --inputs values.json           many at once, {"a": 2, "b": [1, 2]}; or .toml, .npz, .safetensors

What the line says wins over the file, the file over the default that a program declares. An input that is given
twice and a name that is no input are errors. `cg eval FILE --help` lists the inputs of a file.
"""

LANGUAGE = """\
The cg language in one page

A file is a program that defines a graph. Names that are used and never defined are its inputs; what nothing else
uses are its outputs.

  d = a + b                       # a comment
  e = b - c
  y = d * e                       # inputs a, b, c; output y

Statements end at a newline or `;`. A bare expression is an output called `out`.

Declarations
  input vol: float = 0.2 in 0..2  ## doc comment: shown in help (with any `input`, all inputs are declared)
  param k: float = 1              learned state, with its first value
  output y, z = a * b             without any `output`: every value that nothing else uses
  import "other.cg" as o          then o.f(x) and o.value
  input x: float[n, 3]            a tensor; n is a size that the values bind, and an int value
Types are float, f32, int, i32 and bool, alone or with a shape, and any: structured data.

Statements
  if x > 0 { y = x } else { y = -x }     also else if
  for i in 0..n { s = s + i }            a step for each int; for row in A { … } for each row
  while s > 1 { s = s / 2 }              as many steps as it takes
  low, high = ends(x)                    several results of a function
  assert s > 0, "a length"               stops the run where it is false
A loop hands on the names that stood before it; what it binds anew ends with it.

Operators, loosest first
  if c then x else y   or   and   not   < <= > >= == !=   ..   + -   * / // % @   unary -   ^ (or **)
Comparisons chain (0 < x < 1); -x^2 is -(x^2). Constants: pi, inf, nan, true, false. Euler's number is exp(1).

Tensors
  [[1, 2], [3, 4]]   0..n         literals; the ints from 0 up to n
  A[0]   A[:, 1:]   A[i]          a row, columns, the rows that a tensor of ints names; y[i] = v makes a new y
  sum(A, axis=0)   A @ x   A.T    reductions, the matrix product, the transpose
  import nn; nn.softmax(z)        the library: cg help nn, cg help stats, cg help finance, cg help optim

Functions
  fn logistic(x, k = 1) = 1 / (1 + exp(-k * x))
  fn distance(x, y) {
    s = x^2 + y^2
    return sqrt(s)                stands anywhere in a function; return a, b gives two results
  }
`cg help` lists the functions that are built in, `cg help NAME` explains one, and so each word of the language.

Derivatives
  grad(y, x)   jacobian(y, x)     an expression like any other: grad(grad(y, x), x)
  stop_gradient(x)                x, as a constant to derivatives
At a kink a derivative is the one-sided one of smallest magnitude; a side that is not taken contributes nothing.
"""

URLS = """\
Paths by URL (pip install 'cgcli[remote]')

  --data s3://bucket/rows.csv            a table, also 's3://bucket/part-*.parquet'
  -o gs://bucket/out.parquet             a result: an object that is there as a whole or not at all
  --save s3://bucket/w.safetensors       checkpoints; --resume, --weights and --x @s3://bucket/x.npy read
  --data https://host/rows.csv           read only

Credentials are those of the libraries: `aws configure`, AWS_PROFILE and AWS_ENDPOINT_URL for s3://, `gcloud auth
application-default login` for gs://. FSSPEC_S3_ANON=true reads public objects. A program is always a file.
"""

PAGES = {
    "language": Page("the language in one page", LANGUAGE),
    "values": Page("giving inputs their values", VALUES),
    "urls": Page("paths by URL: object stores and web servers", URLS),
    "exit-codes": Page("the exit status of cg", EXIT_CODES),
}
