"""Instructions: a graph on numbers as lines of text, which are run without the graph.

A line computes one register from earlier ones: `mul 3 4`. Registers are numbered, the inputs first, then one for each
line. The names are those of `ops.floats`, of `OPERATIONS`, and:

    float 2.5, int 2, bool 1     a constant
    either 0 5 9                 register 5 where register 0 is true, else register 9
    unless 0 3, skip 2           so many lines are passed over: where register 0 is false, always
    require 4                    stops the run where register 4 is false
    int64 4, int32 4             the whole part of register 4; stops the run where it is out of this range

`instruction_writer` writes them, the front door keeps and runs them.
"""

from __future__ import annotations

import builtins

from cgcli.ops import floats

TYPE_CHECKING = False  # importing `typing` takes as long as a whole run of the front door
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

OPERATIONS: dict[str, Callable[..., Any]] = {
    "add": lambda x, y: x + y,
    "sub": lambda x, y: x - y,
    "mul": lambda x, y: x * y,
    "truediv": lambda x, y: x / y,
    "neg": lambda x: -x,
    "lt": lambda x, y: x < y,
    "le": lambda x, y: x <= y,
    "gt": lambda x, y: x > y,
    "ge": lambda x, y: x >= y,
    "eq": lambda x, y: x == y,
    "ne": lambda x, y: x != y,
    "as_float": builtins.float,
}
CONSTANTS: dict[str, Callable[[str], float]] = {
    "float": builtins.float,
    "int": builtins.int,
    "bool": lambda text: text == "1",
}
BITS = {"int64": 63, "int32": 31}


class Stopped(Exception):
    """A run that cannot go on; the graph says why."""


def run(lines: Iterable[str], inputs: Sequence[float]) -> list[Any]:
    """The registers of a run, None for the lines that were passed over. Raises Stopped."""
    v: list[Any] = list(inputs)
    passed_over = 0
    for line in lines:
        if passed_over:
            passed_over -= 1
            v.append(None)
            continue
        name, *texts = line.split()
        if name in CONSTANTS:
            v.append(CONSTANTS[name](texts[0]))
            continue
        operands = [int(text) for text in texts]
        value = None
        if name == "either":
            value = v[operands[1]] if v[operands[0]] else v[operands[2]]
        elif name == "unless":
            passed_over = 0 if v[operands[0]] else operands[1]
        elif name == "skip":
            passed_over = operands[0]
        elif name == "require":
            if not v[operands[0]]:
                raise Stopped
        elif name in BITS:
            value = v[operands[0]]
            if not abs(value) <= 2.0**63:  # an infinity, or nan
                raise Stopped
            value = int(value)
            if not -(2 ** BITS[name]) <= value < 2 ** BITS[name]:
                raise Stopped
        else:
            function = OPERATIONS.get(name) or getattr(floats, name)
            value = function(*[v[x] for x in operands])
        v.append(value)
    return v
