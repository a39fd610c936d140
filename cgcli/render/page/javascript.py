"""Loop nests in JavaScript: a function with the bits of the interpreter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgcli.loop_nests.form import LoopNest

from .helpers import HELPERS, with_needs
from .primitives import literal
from .statements import Body, Definitions

ARRAYS = {
    "f64": "Float64Array",
    "f32": "Float32Array",
    "i64": "Float64Array",
    "i32": "Int32Array",
    "bool": "Uint8Array",
}


@dataclass(frozen=True)
class Script:
    """A loop nest as JavaScript.

    text: an expression whose value is a function `run(buffers, sizes, steps)`. buffers: an array of arrays, those named
    in `buffers`, in this order, their elements as they lie in memory; Float64Array for f64 and i64, Float32Array,
    Int32Array and Uint8Array (0 and 1) for f32, i32 and bool, or plain arrays of numbers. sizes: an array of numbers,
    those named in `sizes`. steps: how many steps loops may take all together; a loop is counted when it begins, a
    `while` step by step. It returns 0 with the results written, or the status of the form, `node * 16 + code`; with
    the code `stopped` where there were too many steps, and `UNSAFE` for an int that is no number of JavaScript's.
    """

    text: str
    buffers: tuple[str, ...]
    sizes: tuple[str, ...]


class Library:
    """What nests share: the helpers and the functions of the form that they use, each once."""

    def __init__(self) -> None:
        self._definitions = Definitions()

    @property
    def text(self) -> str:
        """Their definitions, which stand in front of the functions of the nests."""
        helpers = (HELPERS[name].text for name in with_needs(self._definitions.helpers))
        return "\n".join([*helpers, *self._definitions.functions.values()])

    def script(self, nest: LoopNest, kept: Sequence[str] = ()) -> Script:
        """A nest that uses the library. Raises Unsupported for a `call`.

        kept: local buffers that the function appends to `buffers` in the end; they may be longer than what was written.
        """
        body = Body(self._definitions, nest.buffers)
        tables: list[str] = []
        arguments: list[str] = []
        for name, buffer in nest.buffers.items():
            array = body.arrays[name] = body.new("b")
            if buffer.role == "const":
                tables.append(f"const {array} = [{', '.join(literal(x, buffer.type) for x in buffer.numbers)}];")
            elif buffer.role == "local":
                body.head.append(f"let {array} = new {ARRAYS[buffer.type]}(0);")
            else:
                body.head.append(f"const {array} = buffers[{len(arguments)}];")
                arguments.append(name)
        for n, value in enumerate(nest.sizes.values()):
            body.head.append(f"const {body.define(value)} = sizes[{n}];")
        body.block(nest.body)
        body.lines += [f"  buffers.push({body.arrays[name]});" for name in kept]
        text = ["(() => {", *tables, "return function (buffers, sizes, steps) {", *body.text("0"), "};", "})()"]
        return Script("\n".join(text), tuple(arguments), tuple(nest.sizes))
