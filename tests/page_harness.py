"""Loop nests as JavaScript in an engine of a browser, compared with the interpreter."""

from __future__ import annotations

import atexit
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from cgcli.loop_nests.form import Const, Load, LoopNest, Statement, statements
from cgcli.loop_nests.interpreter import DTYPES, _Run, interpret
from cgcli.loop_nests.primitives import PRIMITIVES
from cgcli.render.page.javascript import ARRAYS, Library, Script
from cgcli.render.page.statements import UNSAFE

MANY_STEPS = 10**7
_TEXTS = """
function text(x) { return Object.is(x, -0) ? "-0" : String(Number(x)); }
"""


def javascript(nest: LoopNest) -> Script:
    """A function that computes what the nest does, with all that it needs."""
    library = Library()
    script = library.script(nest)
    return replace(script, text=f'(() => {{\n"use strict";\n{library.text}\nreturn {script.text};\n}})()')


@cache
def engine() -> Any:
    """V8, or a skipped test where it is not installed."""
    context = pytest.importorskip("py_mini_racer").MiniRacer()
    atexit.register(context.close)  # else its threads may keep the process from ending
    context.eval(_TEXTS)
    return context


def run_script(
    script: Script, nest: LoopNest, arrays: Mapping[str, Any], sizes: Mapping[str, int], steps: int = MANY_STEPS
) -> tuple[int, dict[str, Any]]:
    """The status, and of each buffer that may be written the array that it is then."""
    buffers = [_array(arrays[name], nest.buffers[name].type) for name in script.buffers]
    numbers = [str(sizes[name]) for name in script.sizes]
    answer = engine().eval(
        f"{{ const run = {script.text}; const buffers = [{', '.join(buffers)}];"
        f" const status = run(buffers, [{', '.join(numbers)}], {steps});"
        " JSON.stringify([status, buffers.map(b => Array.from(b, text))]); }"
    )
    status, texts = json.loads(answer)
    results = {}
    for name, numbers in zip(script.buffers, texts, strict=True):
        type_, role = nest.buffers[name].type, nest.buffers[name].role
        if role == "in":
            continue
        values = [float(x) if type_ in ("f64", "f32") else int(float(x)) for x in numbers]
        results[name] = np.array(values, DTYPES[type_]).reshape(arrays[name].shape)
    return status, results


def _array(array: Any, type_: str) -> str:
    return f"new {ARRAYS.get(type_, 'Float64Array')}([{','.join(_number(x) for x in array.ravel().tolist())}])"


def _number(x: float) -> str:
    if x != x:
        return "NaN"
    return repr(int(x) if isinstance(x, bool) else x).replace("inf", "Infinity")


def same(a: Any, b: Any) -> bool:
    """Whether arrays are equal bit for bit; all nans are one."""
    if a.dtype.kind != "f":
        return bool((a == b).all())
    bits = f"i{a.dtype.itemsize}"
    return bool(((np.isnan(a) & np.isnan(b)) | (a.view(bits) == b.view(bits))).all())


def interpreted(
    nest: LoopNest, arrays: Mapping[str, Any], sizes: Mapping[str, int]
) -> tuple[int, dict[str, Any], bool]:
    """The status, the arrays after a run, and whether an i64 was no number of JavaScript's."""
    copies = {name: x.copy() for name, x in arrays.items()}
    large = [abs(s.value) >= 2**53 for s in statements(nest.body) if isinstance(s, Const) and s.result.type == "i64"]
    seen = [any(large)]
    compute, block = _Run.compute, _Run.block

    def noting(run: Any, name: str, numbers: Sequence[Any], of: str, to: str, node: int) -> Any:
        if PRIMITIVES[name].compute is not None and to == "i64":
            numbers_of = [*numbers] if of == "i64" else []
            seen[0] |= any(abs(x) >= 2**53 for x in numbers_of)
            with suppress(ValueError, OverflowError, ZeroDivisionError):
                seen[0] |= abs(PRIMITIVES[name].compute(*numbers)) >= 2**53
        return compute(run, name, numbers, of, to, node)

    def block_noting(run: Any, body: Sequence[Statement]) -> None:
        block(run, body)
        for s in body:
            if isinstance(s, Load) and s.result.type == "i64":
                seen[0] |= abs(run.values[s.result]) >= 2**53

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Run, "compute", noting)
        patch.setattr(_Run, "block", block_noting)
        status = interpret(nest, copies, sizes)
    seen[0] |= any((abs(x.astype(float)) >= 2**53).any() for x in arrays.values() if x.dtype == np.int64)
    return status, copies, seen[0]


def difference(nest: LoopNest, arrays: Mapping[str, Any], sizes: Mapping[str, int]) -> tuple[int, str]:
    """The status of a run as JavaScript, and how it differs from that of the interpreter, "" where it does not."""
    expected, copies, large = interpreted(nest, arrays, sizes)
    status, results = run_script(javascript(nest), nest, arrays, sizes)
    if status % 16 == UNSAFE and large:
        return status, ""
    if status != expected:
        return status, f"status {status}, not {expected}"
    wrong = [] if status else [name for name, x in results.items() if not same(x, copies[name])]
    return status, "".join(f"{name}: {results[name]!r}, not {copies[name]!r}\n" for name in wrong)
