"""Calls in machine code: matrix products by BLAS, ops of the graph by NumPy's functions on matrices or by a function of
the caller.

What is called comes in a table of addresses among the arguments, for object files outlive the process:
`ROUTINES`. BLAS is called by its Fortran interface, in which numbers are passed by address: so a 64-bit integer serves
a library of 32-bit ones, too. It knows matrices by columns, hence computes the transposed product.
"""

from __future__ import annotations

from cgcli.loop_nests.form import PRODUCTS, ROUTINE, Call, Extent, Region, ScalarType, Unsupported

from . import blas, matrices
from .memory import region_address
from .scope import Scope
from .writer import BYTES, LLVM

ROUTINES = ("op", *blas.NAMES)
"""The functions of the table. `op(number, arguments)` computes the op of the nest's call of this number and returns
whether it has stopped; `arguments` holds, of each operand and then of the result, its address and its sizes. Behind
these stands for each call of the nest NumPy's function that computes it (`matrices`), 0 where there is none."""
_PREFIX = {"f64": "d", "f32": "s"}


def call(c: Scope, s: Call, number: int) -> None:
    """number: of the call, in the nest. Behind a product, which may take long, the stop flag is read."""
    if s.routine in PRODUCTS:
        _product(c, s)
        c.stop()
    elif s.routine.startswith("op:"):
        _op(c, s, number)
    else:
        raise Unsupported(f"`{s.routine}`")


def _routine(c: Scope, name: str) -> str:
    return _routine_at(c, ROUTINES.index(name))


def _routine_at(c: Scope, number: int) -> str:
    at = c.w.define(f"getelementptr ptr, ptr %routines, i64 {number}")
    return c.w.define(f"load ptr, ptr {at}, align 8")


def _op(c: Scope, s: Call, number: int) -> None:
    w, on_matrices = c.w, matrices.layout(c.nest, s)
    words: list[str] = []
    addresses = [w.define(f"ptrtoint ptr {region_address(c, region)} to i64") for region in (*s.operands, *s.results)]
    for region, address in zip((*s.operands, *s.results), addresses, strict=True):
        words += [address, *(c.extent(n) for n in matrices.shape_of(c.nest, region))]
    arguments = _stored(c, words)
    on = ""
    if on_matrices is not None:
        on, otherwise = w.name("on"), w.name("otherwise")
        function = _routine_at(c, len(ROUTINES) + number)
        w.branch(_on_matrices(c, s, function, on_matrices, addresses), on, otherwise, likely=True)
        w.start(otherwise)
    stopped = w.define(f"call i64 {_routine(c, 'op')}(i64 {number}, ptr {arguments})")
    c.check(w.define(f"icmp eq i64 {stopped}, 0"), s.node * 16 + ROUTINE)
    if on:
        w.jump(on)
        w.start(on)


def _stored(c: Scope, words: list[str]) -> str:
    """The address of an array on the stack that holds these ints."""
    array = c.w.array("i64", len(words))
    for n, word in enumerate(words):
        at = c.w.define(f"getelementptr i64, ptr {array}, i64 {n}")
        c.w.line(f"store i64 {word}, ptr {at}, align 8")
    return array


def _on_matrices(c: Scope, s: Call, function: str, layout: matrices.Layout, addresses: list[str]) -> str:
    """Calls one of NumPy's functions on matrices; whether it has computed the op."""
    w, type_ = c.w, c.nest.buffers[s.results[0].buffer].type

    def times(*extents: Extent) -> str:
        total = "1"
        for n in extents:
            total = c.extent(n) if total == "1" else w.define(f"mul i64 {total}, {c.extent(n)}")
        return total

    def in_order(operands: list[str], ignored: list[str]) -> str:
        return _stored(c, [*operands[:-1], *ignored, operands[-1]])

    ignored = [w.define(f"ptrtoint ptr {w.array('i64', 1)} to i64") for _ in range(layout.ignored)]
    counts = [times(*matrices.shape_of(c.nest, region)) for region in (*s.operands, *s.results)]
    operands = [("ptr", function), ("ptr", in_order(addresses, ignored))]
    operands.append(("ptr", _stored(c, [times(*layout.front), *(c.extent(n) for n in layout.sizes)])))
    operands.append(("ptr", _stored(c, [times(*n, BYTES["f64"]) for n in layout.steps])))
    operands.append(("i64", str(len(addresses) + layout.ignored - 1)))
    operands.append(("i64", counts[-1] if layout.may_fail else "0"))
    w.helpers["matrices.f64"] = MATRICES
    if type_ == "f32":
        w.helpers["matrices.f32"] = SINGLE_MATRICES
        operands.append(("ptr", in_order(counts, ["0"] * layout.ignored)))
    return w.define(f"call i1 @matrices.{type_}({', '.join(f'{t} {x}' for t, x in operands)})")


def _product(c: Scope, s: Call) -> None:
    """The rows of the first matrix times the columns of the second one."""
    m, n, inner = (c.extent(x) for x in s.numbers[:3])
    regions = (*s.operands, *s.results)
    type_ = c.nest.buffers[s.results[0].buffer].type
    matrices = [_matrix(c, region, s.numbers[3 + 3 * k : 6 + 3 * k], type_) for k, region in enumerate(regions)]
    first, second, result = matrices
    if result[1] == "1":  # the result by columns: its transpose is the product of the transposes
        m, n, first, second = n, m, _flipped(second), _flipped(first)
    operands = [("i64", x) for x in (m, n, inner)]
    for address, by_columns, distance in (first, second):
        operands += [("ptr", address), ("i1", by_columns), ("i64", distance)]
    operands += [("ptr", result[0]), ("i64", result[2])]
    prefix = _PREFIX[type_]
    operands += [("ptr", _routine(c, f"{prefix}gemm")), ("ptr", _routine(c, f"{prefix}gemv"))]
    operands.append(("i1", "1" if s.routine == "product_add" else "0"))
    name = f"product.{type_}"
    c.w.declarations["declare i64 @llvm.smax.i64(i64, i64)"] = None
    c.w.helpers[name] = PRODUCT.replace("NAME", name).replace("TYPE", LLVM[type_]).replace("ALIGN", str(BYTES[type_]))
    c.w.line(f"call void @{name}({', '.join(f'{t} {x}' for t, x in operands)})")


_Matrix = tuple[str, str, str]


def _matrix(c: Scope, region: Region, numbers: tuple[Extent, ...], type_: ScalarType) -> _Matrix:
    """The address of a matrix, whether neighbours in a column lie side by side ("1"), the other distance."""
    offset, row, column = numbers
    address = c.w.define(f"getelementptr {LLVM[type_]}, ptr {region_address(c, region)}, i64 {c.extent(offset)}")
    if isinstance(column, int) and column == 1:
        return address, "0", c.extent(row)
    return address, "1", c.extent(column)


def _flipped(matrix: _Matrix) -> _Matrix:
    address, by_columns, distance = matrix
    return address, "0" if by_columns == "1" else "1", distance


PRODUCT = """define internal void @NAME(i64 %m, i64 %n, i64 %k, ptr %a, i1 %a.t, i64 %a.ld, ptr %b, i1 %b.t, \
i64 %b.ld, ptr %c, i64 %c.ld, ptr %gemm, ptr %gemv, i1 %adds) noinline {
entry:
  %ints = alloca [8 x i64]
  %flags = alloca [2 x i8]
  %numbers = alloca [2 x TYPE]
  %at.n = getelementptr i64, ptr %ints, i64 1
  %at.k = getelementptr i64, ptr %ints, i64 2
  %at.lda = getelementptr i64, ptr %ints, i64 3
  %at.ldb = getelementptr i64, ptr %ints, i64 4
  %at.ldc = getelementptr i64, ptr %ints, i64 5
  %at.one = getelementptr i64, ptr %ints, i64 6
  %flag.b = getelementptr i8, ptr %flags, i64 1
  store TYPE 1.0, ptr %numbers, align ALIGN
  %scale = getelementptr TYPE, ptr %numbers, i64 1
  %factor = select i1 %adds, TYPE 1.0, TYPE 0.0
  store TYPE %factor, ptr %scale, align ALIGN
  store i64 1, ptr %at.one, align 8
  %no.m = icmp sle i64 %m, 0
  %no.n = icmp sle i64 %n, 0
  %no.result = or i1 %no.m, %no.n
  br i1 %no.result, label %done, label %some
some:
  %no.k = icmp sle i64 %k, 0
  br i1 %no.k, label %no.sum, label %ready
no.sum:
  br i1 %adds, label %done, label %clear
clear:
  %row = phi i64 [ 0, %no.sum ], [ %row.next, %cleared ]
  %row.at = mul i64 %row, %c.ld
  br label %columns
columns:
  %column = phi i64 [ 0, %clear ], [ %column.next, %columns ]
  %number = add i64 %row.at, %column
  %element = getelementptr TYPE, ptr %c, i64 %number
  store TYPE 0.0, ptr %element, align ALIGN
  %column.next = add i64 %column, 1
  %column.more = icmp slt i64 %column.next, %n
  br i1 %column.more, label %columns, label %cleared
cleared:
  %row.next = add i64 %row, 1
  %row.more = icmp slt i64 %row.next, %m
  br i1 %row.more, label %clear, label %done
ready:
  %a.width = select i1 %a.t, i64 %m, i64 %k
  %b.width = select i1 %b.t, i64 %k, i64 %n
  %lda = call i64 @llvm.smax.i64(i64 %a.ld, i64 %a.width)
  %ldb = call i64 @llvm.smax.i64(i64 %b.ld, i64 %b.width)
  %ldc = call i64 @llvm.smax.i64(i64 %c.ld, i64 %n)
  %letter.a = select i1 %a.t, i8 84, i8 78
  %letter.b = select i1 %b.t, i8 84, i8 78
  store i64 %k, ptr %at.k, align 8
  store i64 %lda, ptr %at.lda, align 8
  store i64 %ldb, ptr %at.ldb, align 8
  store i64 %ldc, ptr %at.ldc, align 8
  %one.column = icmp eq i64 %n, 1
  br i1 %one.column, label %times.column, label %columns.many
columns.many:
  %one.row = icmp eq i64 %m, 1
  br i1 %one.row, label %row.times, label %matrices
times.column:
  ; a row times column: by columns, the first matrix has k rows unless it is transposed
  %b.step = select i1 %b.t, i64 1, i64 %b.ld
  %b.least = call i64 @llvm.smax.i64(i64 %b.step, i64 1)
  store i64 %b.least, ptr %at.ldb, align 8
  %a.rows = select i1 %a.t, i64 %m, i64 %k
  %a.columns = select i1 %a.t, i64 %k, i64 %m
  store i64 %a.rows, ptr %ints, align 8
  store i64 %a.columns, ptr %at.n, align 8
  %flag.a = select i1 %a.t, i8 78, i8 84
  store i8 %flag.a, ptr %flags, align 1
  %c.least = call i64 @llvm.smax.i64(i64 %c.ld, i64 1)
  store i64 %c.least, ptr %at.ldc, align 8
  br i1 %adds, label %gemv.column, label %zero.column
zero.column:
  %i = phi i64 [ 0, %times.column ], [ %i.next, %zero.column ]
  %i.at = mul i64 %i, %c.ld
  %i.element = getelementptr TYPE, ptr %c, i64 %i.at
  store TYPE 0.0, ptr %i.element, align ALIGN
  %i.next = add i64 %i, 1
  %i.more = icmp slt i64 %i.next, %m
  br i1 %i.more, label %zero.column, label %gemv.column
gemv.column:
  call void %gemv(ptr %flags, ptr %ints, ptr %at.n, ptr %numbers, ptr %a, ptr %at.lda, ptr %b, ptr %at.ldb, \
ptr %scale, ptr %c, ptr %at.ldc)
  br label %done
row.times:
  %a.step = select i1 %a.t, i64 %a.ld, i64 1
  %a.least = call i64 @llvm.smax.i64(i64 %a.step, i64 1)
  store i64 %a.least, ptr %at.lda, align 8
  %b.rows = select i1 %b.t, i64 %k, i64 %n
  %b.columns = select i1 %b.t, i64 %n, i64 %k
  store i64 %b.rows, ptr %ints, align 8
  store i64 %b.columns, ptr %at.n, align 8
  store i8 %letter.b, ptr %flags, align 1
  br i1 %adds, label %gemv.row, label %zero.row
zero.row:
  %j = phi i64 [ 0, %row.times ], [ %j.next, %zero.row ]
  %j.element = getelementptr TYPE, ptr %c, i64 %j
  store TYPE 0.0, ptr %j.element, align ALIGN
  %j.next = add i64 %j, 1
  %j.more = icmp slt i64 %j.next, %n
  br i1 %j.more, label %zero.row, label %gemv.row
gemv.row:
  call void %gemv(ptr %flags, ptr %ints, ptr %at.n, ptr %numbers, ptr %b, ptr %at.ldb, ptr %a, ptr %at.lda, \
ptr %scale, ptr %c, ptr %at.one)
  br label %done
matrices:
  store i64 %n, ptr %ints, align 8
  store i64 %m, ptr %at.n, align 8
  store i8 %letter.b, ptr %flags, align 1
  store i8 %letter.a, ptr %flag.b, align 1
  call void %gemm(ptr %flags, ptr %flag.b, ptr %ints, ptr %at.n, ptr %at.k, ptr %numbers, ptr %b, ptr %at.ldb, \
ptr %a, ptr %at.lda, ptr %scale, ptr %c, ptr %at.ldc)
  br label %done
done:
  ret void
}
"""
"""Rows of matrices are `ld` apart, or their columns where `t` holds. adds: to what the result holds; else gemv adds
to zeros, for it may add to what it finds."""
MATRICES = """define internal i1 @matrices.f64(ptr %function, ptr %arguments, ptr %sizes, ptr %steps, i64 %last, \
i64 %elements) noinline {
entry:
  %missing = icmp eq ptr %function, null
  br i1 %missing, label %no, label %compute
compute:
  ; the function moves the arguments
  %result.at = getelementptr ptr, ptr %arguments, i64 %last
  %result = load ptr, ptr %result.at, align 8
  call void %function(ptr %arguments, ptr %sizes, ptr %steps, ptr null)
  br label %look
look:
  %n = phi i64 [ 0, %compute ], [ %n.next, %more ]
  %has = icmp slt i64 %n, %elements
  br i1 %has, label %more, label %yes
more:
  %at = getelementptr double, ptr %result, i64 %n
  %element = load double, ptr %at, align 8
  %n.next = add i64 %n, 1
  %nan = fcmp uno double %element, 0.0
  br i1 %nan, label %no, label %look
yes:
  ret i1 true
no:
  ret i1 false
}
"""
"""last: the number of the argument that is the op's result. elements: how many of it are looked at: where the function
fails, they are nan. They may be with a nan in an operand, too; so who calls this has the op's kernel find out."""
SINGLE_MATRICES = """define internal i1 @matrices.f32(ptr %function, ptr %arguments, ptr %sizes, ptr %steps, \
i64 %last, i64 %elements, ptr %counts) noinline {
entry:
  br label %sum
sum:
  %j = phi i64 [ 0, %entry ], [ %j.next, %sum ]
  %total = phi i64 [ 0, %entry ], [ %total.next, %sum ]
  %j.at = getelementptr i64, ptr %counts, i64 %j
  %j.count = load i64, ptr %j.at, align 8
  %total.next = add i64 %total, %j.count
  %j.next = add i64 %j, 1
  %j.more = icmp sle i64 %j.next, %last
  br i1 %j.more, label %sum, label %summed
summed:
  %fits = icmp sle i64 %total.next, 4096
  br i1 %fits, label %widen, label %no
widen:
  %doubles = alloca double, i64 %total.next, align 64
  br label %argument
argument:
  %k = phi i64 [ 0, %widen ], [ %k.next, %next ]
  %first = phi i64 [ 0, %widen ], [ %end, %next ]
  %count.at = getelementptr i64, ptr %counts, i64 %k
  %count = load i64, ptr %count.at, align 8
  %from.at = getelementptr ptr, ptr %arguments, i64 %k
  %from = load ptr, ptr %from.at, align 8
  %to = getelementptr double, ptr %doubles, i64 %first
  %end = add i64 %first, %count
  %none = icmp eq i64 %count, 0
  br i1 %none, label %next, label %element
element:
  %i = phi i64 [ 0, %argument ], [ %i.next, %element ]
  %single.at = getelementptr float, ptr %from, i64 %i
  %single = load float, ptr %single.at, align 4
  %double.at = getelementptr double, ptr %to, i64 %i
  %double = fpext float %single to double
  store double %double, ptr %double.at, align 8
  %i.next = add i64 %i, 1
  %i.more = icmp slt i64 %i.next, %count
  br i1 %i.more, label %element, label %widened
widened:
  store ptr %to, ptr %from.at, align 8
  br label %next
next:
  %k.next = add i64 %k, 1
  %k.more = icmp sle i64 %k.next, %last
  br i1 %k.more, label %argument, label %compute
compute:
  %computed = call i1 @matrices.f64(ptr %function, ptr %arguments, ptr %sizes, ptr %steps, i64 %last, i64 %elements)
  br i1 %computed, label %narrow, label %no
narrow:
  %n = phi i64 [ 0, %compute ], [ %n.next, %more ]
  %has = icmp slt i64 %n, %count
  br i1 %has, label %more, label %yes
more:
  %result.at = getelementptr double, ptr %to, i64 %n
  %result = load double, ptr %result.at, align 8
  %rounded = fptrunc double %result to float
  %rounded.at = getelementptr float, ptr %from, i64 %n
  store float %rounded, ptr %rounded.at, align 4
  %n.next = add i64 %n, 1
  br label %narrow
yes:
  ret i1 true
no:
  ret i1 false
}
"""
"""The same in double precision, with copies on the stack. counts: the elements of each argument, 0 of results that
nobody reads. Where the copies are large, the op's kernel computes it: the time of a call matters little there."""
