"""Random texts as programs: `check`, `fmt`, `eval` and `grad` answer each in their own words, and end."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path
from typing import Any

import lark
import pytest
import random_texts
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark
from random_texts import KINDS, explore, text_of, wrongs

from cgcli.language.grammar import grammar_text

SOME, PARTS, PART = 100, 100, 500


def test_every_text_is_answered(tmp_path: Path) -> None:
    assert explore(tmp_path, range(SOME)) == []


@pytest.mark.thorough
@pytest.mark.parametrize("part", range(PARTS))
def test_every_text_is_answered_thoroughly(part: int, tmp_path: Path) -> None:
    assert explore(tmp_path, range(1000 + PART * part, 1000 + PART * (part + 1))) == []


def grammatical(**options: Any) -> st.SearchStrategy[str]:
    """Texts of the grammar, which is read when the first is made."""
    return st.deferred(
        lambda: from_lark(
            lark.Lark(grammar_text(), parser="lalr", lexer="basic", start=["start", "value"]), start="start", **options
        )
    )


def answered(text: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert wrongs(text.encode(), Path(folder)) == []


@settings(max_examples=8, suppress_health_check=list(HealthCheck))
@given(grammatical(explicit={"NAME": st.sampled_from(["a", "b", "x", "sin", "é"])}))
def test_texts_of_the_grammar_are_answered(text: str) -> None:
    answered(text)


@pytest.mark.thorough
@settings(max_examples=300, suppress_health_check=list(HealthCheck))
@given(grammatical())
def test_texts_of_the_grammar_are_answered_thoroughly(text: str) -> None:
    answered(text)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_each_kind_makes_many_texts_and_the_same_ones_again(kind: object) -> None:
    assert kind in KINDS
    texts = {kind(random.Random(seed)) for seed in range(100)}  # type: ignore[operator]
    assert len(texts) > 60
    assert texts == {kind(random.Random(seed)) for seed in range(100)}  # type: ignore[operator]


def test_a_good_share_of_the_texts_are_programs(tmp_path: Path) -> None:
    file = tmp_path / "p.cg"
    good = 0
    for seed in range(60):
        file.write_bytes(text_of(seed))
        good += random_texts.cg("check", str(file)).status == 0
    assert 10 <= good <= 50


@pytest.mark.parametrize(
    ("status", "out", "err", "told"),
    [
        (3, "", "", "status 3"),
        (1, "", "Traceback (most recent call last)", "Traceback"),
        (1, "", "error: this is a bug in cg: KeyError: 'a'", "bug in cg"),
        (0, '{"diagnostics": [{"severity": "error", "code": "x"}]}', "", "status 0"),
    ],
)
def test_a_wrong_answer_is_noticed(
    status: int, out: str, err: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = random_texts.Result(status, out or '{"diagnostics": [], "inputs": []}', err)
    monkeypatch.setattr(random_texts, "cg", lambda *line: answer)
    assert any(told in wrong for wrong in wrongs(b"y = a", tmp_path))


def test_a_text_that_hangs_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(random_texts, "SECONDS", 0.01)

    def hang(*line: str) -> None:
        while True:
            pass

    monkeypatch.setattr(random_texts, "cg", hang)
    assert wrongs(b"y = a", tmp_path) == ["check runs for more than 0.01 s"]


@pytest.mark.parametrize(
    "text",
    [
        "output pi", "output g, nan", "import nn\noutput nn", "input x: float[n]\noutput n",  # nothing defines them
        "y = " + "[2^" * 40 + "a" + "]" * 40, f"y = reshape(ones([1]), [{'1, ' * 70}])",  # more axes than there may be
    ],
)  # fmt: skip
def test_what_was_a_bug_is_an_error_of_the_program(text: str, tmp_path: Path) -> None:
    assert wrongs(text.encode(), tmp_path) == []
    assert random_texts.cg("check", "-e", text).status == 2
