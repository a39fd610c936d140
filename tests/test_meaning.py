"""The hash of what a graph means: what changes it, and what does not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_harness import cg, process
from hypothesis import given, settings
from hypothesis import strategies as st
from test_properties import text_of
from test_random_programs import INPUTS, Tree, programs

from cgcli import parse
from cgcli.diagnostics.source import Source
from cgcli.graph.meaning import meaning
from cgcli.language.format import format_source

ROOT = Path(__file__).parents[1]


Replacement = str | Callable[[re.Match[str]], str]


def hash_of(text: str) -> str:
    program = parse(text, mode="static")
    return meaning(program.graph, [i.name for i in program.inputs if i.kind == "param"])


PROGRAM = """
param w: float[2] = [1, 2]
input a
input b
input unused
output y, z

fn f(x) {
  t = x * a
  return t + 1
}
assert a > 0, "a is positive"
s = f(b)
for k in 0..3 {
  s = s * 2 + k
}
y = if s > 1 then sin(s) else cos(s)
z = sum(w * s, axis=0)
"""

SAME: dict[str, tuple[str, str]] = {
    "comments": (r"s = f\(b\)", "## what s is\ns = f(b)  # and more"),
    "spaces": (r"s = f\(b\)", "s   =   f( b )"),
    "line ends": ("\n", "\n\n"),
    "another name of a value": (r"\bs\b", "state"),
    "another name of a function": (r"\bf\b", "g"),
    "another name within a function": (r"\bt\b", "product"),
    "another name of what counts the steps": (r"\bk\b", "step"),
    "a name for a part": (r"s = f\(b\)", "whole = f(b)\ns = whole"),
    "a function written out": (r"s = f\(b\)", "s = b * a + 1"),
    "declarations in another order": ("input a\ninput b\ninput unused", "input unused\ninput b\ninput a"),
    "a value that nothing needs": (r"s = f\(b\)", "s = f(b)\nidle = exp(b)"),
    "the value of a parameter at the start": (r"\[1, 2\]", "[3, 4]"),
    "a doc comment of an input": ("input unused", "## not read\ninput unused"),
}
OTHER: dict[str, tuple[str, Replacement]] = {
    "an op": (r"sin\(s\)", "tan(s)"),
    "an op in a loop": (r"s \* 2", "s / 2"),
    "an op in a branch": (r"cos\(s\)", "tan(s)"),
    "a constant": (r"\+ 1", "+ 2"),
    "a constant of another type": (r"\+ 1", "+ 1.0"),
    "the sign of a zero": (r"\+ 1", "+ (-0.0)"),
    "a constant in a loop": (r"s \* 2", "s * 3"),
    "the order of operands": (r"x \* a", "a * x"),
    "how often a loop runs": (r"0\.\.3", "0..4"),
    "the condition": (r"s > 1", "s >= 1"),
    "sides that are exchanged": (r"then sin\(s\) else cos\(s\)", "then cos(s) else sin(s)"),
    "an attribute": ("axis=0", "axis=0, keepdims=true"),
    "an assertion": (r"assert a > 0", "assert a > 1"),
    "what an assertion says": ("a is positive", "a is large"),
    "no assertion": (r"assert.*", ""),
    "the name of an input": (r"\bb\b", "c"),
    "the name of an input that nothing reads": ("unused", "idle"),
    "inputs that are exchanged": (
        r"x \* a|f\(b\)|a > 0",
        lambda m: {"x * a": "x * b", "f(b)": "f(a)", "a > 0": "b > 0"}[m[0]],
    ),
    "an input that is a parameter": ("input unused", "param unused = 1"),
    "the name of a parameter": (r"\bw\b", "weight"),
    "the type of a parameter": (r"float\[2\] = \[1, 2\]", "float[3] = [1, 2, 3]"),
    "the type of an input": ("input unused", "input unused: int"),
    "the name of an output": (r"\by\b", "result"),
    "outputs in another order": ("output y, z", "output z, y"),
    "one output less": ("output y, z", "output y"),
}


@pytest.mark.parametrize("change", SAME)
def test_the_hash_stays_the_same_with(change: str) -> None:
    pattern, new = SAME[change]
    text = re.sub(pattern, new, PROGRAM)
    assert text != PROGRAM
    assert hash_of(text) == hash_of(PROGRAM)


@pytest.mark.parametrize("change", OTHER)
def test_the_hash_changes_with(change: str) -> None:
    pattern, new = OTHER[change]
    text = re.sub(pattern, new, PROGRAM)
    assert hash_of(text) != hash_of(PROGRAM)


def test_all_changes_have_different_hashes() -> None:
    hashes = {hash_of(re.sub(pattern, new, PROGRAM)) for pattern, new in OTHER.values()}
    assert len(hashes) == len(OTHER)


@settings(max_examples=60)
@given(programs(), st.integers(0, 3))
def test_neither_layout_nor_names_of_values_between_change_it(statements: list[tuple[str, Tree]], gap: int) -> None:
    text = text_of(statements)
    renamed = re.sub(r"\bv(\d)\b", r"step_\1", text)
    spaced = "\n".join(f"{line}{' ' * gap}# note {k}" for k, line in enumerate(renamed.splitlines()))
    formatted = format_source(Source("p.cg", spaced))
    assert hash_of(text) == hash_of(spaced) == hash_of(formatted)


@settings(max_examples=60)
@given(programs(), programs())
def test_programs_have_the_same_hash_only_when_what_is_computed_is_written_the_same(
    first: list[tuple[str, Tree]], second: list[tuple[str, Tree]]
) -> None:
    """With names put in for what they stand for, a program is one expression."""
    same = expression(first) == expression(second)
    assert (hash_of(text_of(first)) == hash_of(text_of(second))) == same


def expression(statements: list[tuple[str, Tree]]) -> Tree:
    values: dict[str, Tree] = {}

    def put_in(tree: Tree) -> Tree:
        if tree.op == "name":
            return values.get(tree.value, tree)
        return Tree(tree.op, tuple(map(put_in, tree.parts)), tree.value)

    for name, tree in statements:
        values[name] = put_in(tree)
    return values[statements[-1][0]]


@settings(max_examples=60)
@given(programs(), st.sampled_from(INPUTS))
def test_the_name_of_an_input_changes_it(statements: list[tuple[str, Tree]], name: str) -> None:
    text = text_of(statements)
    assert hash_of(text) != hash_of(re.sub(rf"\b{name}\b", "other", text))


@pytest.mark.portable
def test_the_commands_give_the_same_hash_in_every_process() -> None:
    """The one that is written here was computed by another Python on another day."""
    article = str(ROOT / "samples" / "article.cg")
    expected = "9b0e6fa887a7125aef32e50b5b74417639d93cdbd1d2b7768d70c4d62964d942"
    assert json.loads(cg("show", article, "--format", "json").out)["hash"] == expected
    result = process("render", article, "-o", "-", "--format", "json", "--a", "2", "--b", "3", "--c", "1")
    assert json.loads(result.stdout)["hash"] == expected
    assert hash_of("y = (a + b) * (b - c)") == expected
