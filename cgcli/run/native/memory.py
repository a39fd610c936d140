"""Elements of buffers, and the memory of those that are local.

Where an access moves by one element from lane to lane, a vector is loaded or stored at once, where by a few, every
so many elements of a longer one; where it stands still, a number is; any other access is a gather or a scatter.
"""

from __future__ import annotations

from typing import NamedTuple

from cgcli.loop_nests.form import (
    FLOATS,
    MEMORY,
    OVERFLOW,
    Access,
    Buffer,
    Extent,
    Index,
    Load,
    Region,
    ScalarType,
    Store,
    Value,
)

from .local_memory import GROW, RELEASE, RESERVE
from .scope import Scope
from .writer import BYTES, STORED, literal, splat, stored_type, suffix, type_of

UNNAMED = -16 + OVERFLOW
"""The status of an overflow where the form names no node."""


FAR = 4
"""The largest distance of lanes' elements that are a part of a vector in memory."""


class Address(NamedTuple):
    """moves: `same`, `next` and `apart`, for which text is one pointer, or `gather`, a pointer a lane. distance: of the
    elements of neighbouring lanes.
    """

    moves: str
    text: str
    distance: int = 1


def stride(buffer: Buffer, axis: int) -> int | None:
    """The number of elements between neighbours along an axis; None where it is a value."""
    product = 1
    for n in buffer.shape[axis + 1 :]:
        if not isinstance(n, int):
            return None
        product *= n
    return product


def movement(access: Access, buffer: Buffer, wide: set[Value], variable: Value | None) -> tuple[str, int]:
    """How an access moves from lane to lane: `same`, `next`, `apart` or `gather`; by how many elements."""
    terms = [
        (v, c, 1 if len(access) == 1 else stride(buffer, axis))
        for axis, index in enumerate(access)
        for v, c in index.terms
        if v in wide or c in wide
    ]
    if not terms:
        return "same", 0
    value, factor, unit = terms[0]
    if len(terms) > 1 or value is not variable or unit != 1 or not isinstance(factor, int) or not 1 <= factor <= FAR:
        return "gather", 0
    return "next" if factor == 1 else "apart", factor


def address(c: Scope, name: str, access: Access) -> Address:
    """Where an element lies."""
    buffer = c.nest.buffers[name]
    moves, distance = movement(access, buffer, c.wide, c.variable) if c.lanes else ("same", 0)
    if moves == "apart" and c.mask:
        moves = "gather"
    wide = moves == "gather"
    offset = _offset(c, buffer, access, wide)
    index = f"{type_of('i64', c.lanes if wide else 0)} {offset}"
    return Address(
        moves, c.w.define(f"getelementptr {STORED[buffer.type]}, ptr {_pointer(c, name)}, {index}"), distance
    )


def region_address(c: Scope, region: Region) -> str:
    """The address of the first element of a region."""
    buffer = c.nest.buffers[region.buffer]
    rest = (Index(0),) * (len(buffer.shape) - len(region.access))
    offset = _offset(c, buffer, (*region.access, *rest), wide=False)
    return c.w.define(f"getelementptr {STORED[buffer.type]}, ptr {_pointer(c, region.buffer)}, i64 {offset}")


def _pointer(c: Scope, name: str) -> str:
    """The address of a buffer's first element."""
    if name in c.pointers:
        return c.pointers[name]
    return c.w.define(f"load ptr, ptr {c.local[name]}, align 8")


def _offset(c: Scope, buffer: Buffer, access: Access, wide: bool) -> str:
    """The number of the element; that of the first lane unless it is wide."""
    numbers, lanes = c.arithmetic(wide), c.lanes if wide else 0
    zero = splat("0", "i64", lanes)
    total = zero
    for axis, index in enumerate(access):
        if total != zero:
            total = numbers.integer("mul", [total, _factor(c, buffer.shape[axis], wide)], "i64", -1)
        parts = [_term(c, v, factor, wide) for v, factor in index.terms]
        if index.const:
            parts.append(splat(str(index.const), "i64", lanes))
        for part in parts:
            total = part if total == zero else numbers.integer("add", [total, part], "i64", -1)
    return total


def _term(c: Scope, value: Value, factor: Extent, wide: bool) -> str:
    """A value times its coefficient. Where the whole is one pointer, the loop's variable is that of the first lane."""
    text = c.base if not wide and c.lanes and value is c.variable else c.get(value, wide)
    if value.type != "i64":
        text = c.arithmetic(wide).convert(text, value.type, "i64", -1)
    if factor == 1:
        return text
    return c.arithmetic(wide).integer("mul", [text, _factor(c, factor, wide)], "i64", -1)


def _factor(c: Scope, x: Extent, wide: bool) -> str:
    if isinstance(x, int):
        return splat(str(x), "i64", c.lanes if wide else 0)
    return c.get(x, wide)


# ---- loads and stores


def load(c: Scope, s: Load) -> None:
    where = address(c, s.buffer, s.access)
    c.put(s.result, _read(c, where, s.result.type), where.moves != "same")


def _read(c: Scope, where: Address, type_: ScalarType) -> str:
    """The elements at an address; those of lanes that are no steps are 1, with which little can go wrong."""
    lanes = 0 if where.moves == "same" else c.lanes
    memory = stored_type(type_, lanes)
    if where.moves == "apart":
        text = _read_apart(c, where, type_)
    elif where.moves == "gather" or (lanes and c.mask):
        one = splat("1" if type_ == "bool" else literal(1, type_), type_, lanes).replace("(i1", "(i8")
        name, pointers = ("gather", f"<{lanes} x ptr>") if where.moves == "gather" else ("load", "ptr")
        text = c.w.call(
            f"llvm.masked.{name}.{suffix(type_, lanes)}.{'p0' if name == 'load' else f'v{lanes}p0'}",
            memory,
            [(pointers, where.text), ("i32", str(BYTES[type_])), (type_of("bool", lanes), _mask(c)), (memory, one)],
        )
    else:
        text = c.w.define(f"load {memory}, ptr {where.text}, align {BYTES[type_]}")
    return (
        c.w.define(f"icmp ne {memory} {text}, {splat('0', 'i64', lanes).replace('i64', 'i8')}")
        if type_ == "bool"
        else text
    )


def _read_apart(c: Scope, where: Address, type_: ScalarType) -> str:
    """The elements of lanes that are a few apart, of all from the first to the last one."""
    many = where.distance * c.lanes
    memory = stored_type(type_, many)
    text = c.w.call(
        f"llvm.masked.load.{suffix(type_, many)}.p0",
        memory,
        [
            ("ptr", where.text),
            ("i32", str(BYTES[type_])),
            (type_of("bool", many), _bools([n <= many - where.distance for n in range(many)])),
            (memory, "zeroinitializer"),
        ],
    )
    taken = ", ".join(f"i32 {n * where.distance}" for n in range(c.lanes))
    return c.w.define(f"shufflevector {memory} {text}, {memory} poison, <{c.lanes} x i32> <{taken}>")


def _write_apart(c: Scope, where: Address, type_: ScalarType, text: str) -> None:
    """Writes the elements of lanes that are a few apart, and none between them."""
    many = where.distance * c.lanes
    memory, lanes = stored_type(type_, many), stored_type(type_, c.lanes)
    own = [n % where.distance == 0 for n in range(many)]
    spread = ", ".join(f"i32 {n // where.distance if own[n] else 'poison'}" for n in range(many))
    wide = c.w.define(f"shufflevector {lanes} {text}, {lanes} poison, <{many} x i32> <{spread}>")
    c.w.call(
        f"llvm.masked.store.{suffix(type_, many)}.p0",
        "void",
        [
            (memory, wide),
            ("ptr", where.text),
            ("i32", str(BYTES[type_])),
            (type_of("bool", many), _bools(own)),
        ],
    )


def _bools(values: list[bool]) -> str:
    return f"<{', '.join(f'i1 {int(x)}' for x in values)}>"


def _mask(c: Scope) -> str:
    return c.mask or "splat (i1 true)"


def store(c: Scope, s: Store) -> None:
    type_ = c.nest.buffers[s.buffer].type
    if c.nest.buffers[s.buffer].chunked:
        _grow(c, s)
    where = address(c, s.buffer, s.access)
    lanes = 0 if where.moves == "same" else c.lanes
    text = c.get(s.value, bool(lanes))
    if s.combine:
        text = combined(c, s.combine, _read(c, where, type_), text, type_, bool(lanes))
    memory = stored_type(type_, lanes)
    if type_ == "bool":
        text = c.w.define(f"zext {type_of('bool', lanes)} {text} to {memory}")
    if where.moves == "apart":
        _write_apart(c, where, type_, text)
    elif where.moves == "gather" or (lanes and c.mask):
        name, pointers = ("scatter", f"<{lanes} x ptr>") if where.moves == "gather" else ("store", "ptr")
        c.w.call(
            f"llvm.masked.{name}.{suffix(type_, lanes)}.{'p0' if name == 'store' else f'v{lanes}p0'}",
            "void",
            [(memory, text), (pointers, where.text), ("i32", str(BYTES[type_])), (type_of("bool", lanes), _mask(c))],
        )
    else:
        c.w.line(f"store {memory} {text}, ptr {where.text}, align {BYTES[type_]}")


def combined(c: Scope, name: str, x: str, y: str, type_: ScalarType, wide: bool) -> str:
    """Two elements joined by a primitive; a sum or product of ints is checked, though no node is named."""
    numbers = c.arithmetic(wide)
    if type_ not in (*FLOATS, "bool") and name in ("add", "mul"):
        return numbers.checked(name, x, y, type_, UNNAMED)
    return numbers.apply(name, [x, y], [type_, type_], type_)


# ---- local buffers


def allocate(c: Scope, name: str) -> None:
    """Zeros of a local buffer's shape, in place of what it held."""
    buffer, w = c.nest.buffers[name], c.w
    w.helpers.update(reserve=RESERVE, release=RELEASE)
    numbers = c.arithmetic(False)
    counts = [numbers.integer("max", [c.extent(n), "0"], "i64", -1) for n in buffer.shape]
    size = str(BYTES[buffer.type])
    for n in counts:
        size = numbers.checked("mul", size, n, "i64", MEMORY)
    operands = [("ptr", c.local[name]), ("i64", size), ("i64", counts[0] if counts else "1"), *_accounts()]
    c.check(_helper(c, "reserve", operands), MEMORY)


def _grow(c: Scope, s: Store) -> None:
    """Makes room for an item behind the last one of a chunked buffer."""
    buffer, w = c.nest.buffers[s.buffer], c.w
    w.helpers["grow"] = GROW
    numbers = c.arithmetic(False)
    size = str(BYTES[buffer.type])
    for n in buffer.shape[1:]:
        size = numbers.checked("mul", size, c.extent(n), "i64", MEMORY)
    first = _offset(c, Buffer(buffer.type, buffer.shape[:1], buffer.role), s.access[:1], wide=False)
    room = w.define(f"getelementptr i64, ptr {c.local[s.buffer]}, i64 2")
    inside = w.define(f"icmp slt i64 {first}, {w.define(f'load i64, ptr {room}, align 8')}")
    more, on = w.name("more"), w.name("on")
    w.branch(inside, on, more, likely=True)
    w.start(more)
    c.check(_helper(c, "grow", [("ptr", c.local[s.buffer]), ("i64", first), ("i64", size), *_accounts()]), MEMORY)
    w.jump(on)
    w.start(on)


def _accounts() -> tuple[tuple[str, str], ...]:
    return ("ptr", "%used"), ("ptr", "%controls")


def _helper(c: Scope, name: str, operands: list[tuple[str, str]]) -> str:
    return c.w.define(f"call i1 @{name}({', '.join(f'{t} {x}' for t, x in operands)})")


def release(c: Scope) -> None:
    """Frees all local buffers."""
    for state in c.local.values():
        c.w.line(f"call void @release(ptr {state}, ptr %used, ptr %controls)")
