"""Matrix chain multiplication: products of several matrices in the order of the fewest multiplications."""

from __future__ import annotations

from cgcli.graph.graph import COND, LOOP, Graph, opcode
from cgcli.graph.types import Type

from .editor import Editor
from .passes import Log, rewrite

_MATMUL = opcode("matmul")
_LONGEST = 64  # factors of a chain; the choice takes their number cubed


@rewrite("reorder", "(A @ B) @ c = A @ (B @ c), whichever multiplies fewer numbers", exact=False)
def reorder(graph: Graph, log: Log | None = None) -> Graph:
    """Chains of plain matrices of known sizes. Sums are taken in another order, so last bits differ."""
    ed = Editor(graph, log)
    uses = [0] * len(graph)
    for i in range(len(graph)):
        for x in graph.operands(i):
            uses[x] += 1
    for x in graph.outputs:
        uses[x] += 2
    inner: set[int] = set()
    for i in range(len(graph)):
        if graph.op[i] == _MATMUL:
            inner.update(x for x in graph.operands(i) if graph.op[x] == _MATMUL and uses[x] == 1)
    for i in ed.visit((_MATMUL, COND, LOOP)):
        if ed.op[i] != _MATMUL:
            ed.within(i, lambda g: reorder.run(g, log))
        elif i not in inner:
            _chain(ed, i, inner)
    return ed.finish()


def _chain(ed: Editor, i: int, inner: set[int]) -> None:
    factors, products = _parts(ed, i, inner)
    t = ed.single(i)
    types = [ed.type1(x) for x in factors]
    if not 2 < len(factors) <= _LONGEST or t is None or not all(_plain(f, t) for f in types):
        return
    sizes = [f.shape[0] for f in types] + [types[-1].shape[1]]
    numbers = [n for n in sizes if isinstance(n, int)]
    best, cut = _cheapest(numbers)
    if best >= sum(_price(ed, x) for x in products):
        return

    def product(lo: int, hi: int) -> int:
        """Recursion as deep as the chain is long."""
        if lo == hi:
            return factors[lo]
        k = cut[lo, hi]
        return ed.make("matmul", product(lo, k), product(k + 1, hi))

    ed.say("{}: the product is taken in the order that multiplies least", i)
    ed.replace(i, product(0, len(factors) - 1))


def _plain(f: Type, t: Type) -> bool:
    return f.rank == 2 and all(isinstance(n, int) for n in f.shape) and f.is_float and f.dtype == t.dtype and not f.weak


def _parts(ed: Editor, i: int, inner: set[int]) -> tuple[list[int], list[int]]:
    """The factors of a chain in order, and its products."""
    factors: list[int] = []
    products: list[int] = []
    stack = [i]
    while stack:
        x = stack.pop()
        if x == i or x in inner:
            products.append(x)
            stack += [ed.b[x], ed.a[x]]
        else:
            factors.append(x)
    return factors, products


def _price(ed: Editor, x: int) -> int:
    """The multiplications of a product as it is written."""
    (n, k), (_, m) = ed.type1(ed.a[x]).shape, ed.type1(ed.b[x]).shape
    return int(n) * int(k) * int(m)


def _cheapest(sizes: list[int]) -> tuple[int, dict[tuple[int, int], int]]:
    """The fewest multiplications, and of each run of factors where it is split; by dynamic programming."""
    count = len(sizes) - 1
    price = {(k, k): 0 for k in range(count)}
    cut: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for lo in range(count - length):
            hi = lo + length
            price[lo, hi], cut[lo, hi] = min(
                (price[lo, k] + price[k + 1, hi] + sizes[lo] * sizes[k + 1] * sizes[hi + 1], k) for k in range(lo, hi)
            )
    return price[0, count - 1], cut
