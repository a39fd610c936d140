"""What a page computes, as a script: for each output that can be differentiated a pass over all numbers of the page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cgcli.loop_nests.form import LoopNest

from .javascript import Library

LETTERS = {"f64": "d", "i64": "d", "f32": "f", "i32": "i", "bool": "b"}
_BIND = """\
const arrays = { d: Float64Array, f: Float32Array, i: Int32Array, b: Uint8Array };
const bind = (run, types, inputs, slots) => {
  const memory = [...types].map((letter) => new arrays[letter](1));
  return (values, limit) => {
    for (let k = 0; k < inputs; k++) memory[k][0] = values[k];
    const buffers = memory.slice();
    const status = run(buffers, [], limit);
    const results = Float64Array.from(memory.slice(inputs, inputs + slots), (array) => array[0]);
    const series = [];
    for (let k = inputs + slots, s = memory.length; status === 0 && k < memory.length; k += 2, s++) {
      series.push([...buffers[s].slice(0, memory[k][0]), memory[k + 1][0]]);
    }
    return { status, slots: results, series };
  };
};
"""


@dataclass(frozen=True)
class Pass:
    """A nest over inputs that are numbers. Its first results are the numbers of the page; behind them are, for each
    variable of a loop, how many values a stack has, and its last value. stacks: the local buffers that hold those.
    """

    nest: LoopNest
    stacks: Sequence[str]


def passes_text(passes: Sequence[Pass]) -> str:
    """A script that defines the array `passes`: `passes[k](values, limit)` is `{status, slots, series}`."""
    library = Library()
    bound = [_bound(library, each) for each in passes]
    return "\n".join(["const passes = (() => {", library.text, _BIND, "return [", *bound, "];", "})();", ""])


def _bound(library: Library, each: Pass) -> str:
    script = library.script(each.nest, each.stacks)
    buffers = [each.nest.buffers[name] for name in script.buffers]
    types = "".join(LETTERS[buffer.type] for buffer in buffers)
    inputs = sum(buffer.role == "in" for buffer in buffers)
    slots = len(buffers) - inputs - 2 * len(each.stacks)
    return f'bind({script.text}, "{types}", {inputs}, {slots}),'
