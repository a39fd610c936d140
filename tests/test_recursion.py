"""Recursion that cannot end is a mistake in the program; whatever has a way out runs."""

import pytest

from cgcli import parse
from cgcli.diagnostics.diagnostic import CgError, Diagnostic


def mistake(text: str, mode: str | None = None) -> Diagnostic:
    with pytest.raises(CgError) as caught:
        parse(text, mode=mode)  # type: ignore[arg-type]
    assert caught.value.status == 2
    return caught.value.diagnostics[0]


ENDLESS = {
    "at once": "fn f(x) = f(x - 1)",
    "in a block": "fn f(x) {\n y = x - 1\n return f(y)\n}",
    "on both sides": "fn f(x) = if x > 0 then f(x - 1) else f(x + 1)",
    "on both sides of a statement": "fn f(x) {\n if x > 0 {\n y = f(x - 1)\n } else {\n y = f(x + 1)\n }\n return y\n}",
    "in a condition": "fn f(x) = if f(x - 1) > 0 then 1 else 2",
    "left of `and`": "fn f(x) = if f(x - 1) > 0 and x > 0 then 1 else 2",
    "as the end of a range": "fn f(x) {\n y = x\n for i in 0..f(x) {\n y = y + 1\n }\n return y\n}",
    "within another call": "fn f(x) = sin(1 + f(x - 1))",
    "by another function": "fn g(x) = f(x) + 1\nfn f(x) = g(x - 1)",
    "in front of a return": "fn f(x) {\n y = f(x - 1)\n return x\n}",
}

ENDING = {
    "one side": ("fn f(x) = if x > 0 then 1 + f(x - 1) else 0", 3),
    "right of `and`": ("fn g(x) = x > 0 and g(x - 1)\nfn f(x) = if g(x) then 1 else 2", 2),
    "right of `or`": ("fn g(x) = x < 0 or g(x - 1)\nfn f(x) = if g(x) then 1 else 2", 1),
    "an early return": ("fn f(x) {\n if x <= 0 {\n return 5\n }\n return f(x - 1)\n}", 5),
    "a `while` without a step": ("fn f(x) {\n while x > 0 {\n return f(x - 1)\n }\n return 7\n}", 7),
    "a `for` without a step": ("fn f(x) {\n for i in 0..0 {\n return f(x - 1)\n }\n return 8\n}", 8),
    "a default that is not needed": ("fn g(x, m=g(1)) = x + m\nfn f(x) = g(x, m=2)", 5),
    "another function": ("fn g(x) = if x > 0 then f(x - 1) else 4\nfn f(x) = g(x)", 4),
}


@pytest.mark.parametrize("mode", ["static", "dynamic", None])
@pytest.mark.parametrize("function", ENDLESS.values(), ids=ENDLESS)
def test_every_path_that_calls_again_is_seen_before_the_run(function: str, mode: str | None) -> None:
    found = mistake(f"{function}\ny = f(3)", mode)
    assert found.code == "endless-recursion"
    assert found.labels[0].span.text.startswith(("f(", "g("))


@pytest.mark.parametrize(("function", "value"), ENDING.values(), ids=ENDING)
def test_a_way_out_is_enough(function: str, value: float) -> None:
    assert parse(f"{function}\ny = f(3)").eval({}) == {"y": value}


def test_a_circle_is_told_once_with_all_its_calls() -> None:
    with pytest.raises(CgError) as caught:
        parse("fn a(x) = b(x)\nfn b(x) = c(x)\nfn c(x) = a(x)\nfn d(x) = a(x)\ny = d(1)")
    assert [(d.code, d.values["name"]) for d in caught.value.diagnostics] == [("endless-recursion", "a")]
    assert [label.span.text for label in caught.value.diagnostics[0].labels] == ["b(x)", "c(x)", "a(x)"]


def test_two_circles_are_two_mistakes() -> None:
    with pytest.raises(CgError) as caught:
        parse("fn a(x) = a(x)\nfn b(x) = b(x) + 1\ny = 1")
    assert [d.values["name"] for d in caught.value.diagnostics] == ["a", "b"]


@pytest.mark.parametrize("count", [5_000, pytest.param(20_000, marks=pytest.mark.thorough)])
def test_thousands_of_nested_conditions_and_operators_need_no_recursion_here(count: int) -> None:
    long = " + ".join(["x"] * count)
    deep = "(" * count + "x" + ")" * count
    assert mistake(f"fn f(x) = {long} + {deep} + f(x)\ny = f(1)").code == "endless-recursion"
    nested = "if x > 0 then " * 2_000 + "f(x)" + " else f(x)" * 2_000
    assert mistake(f"fn f(x) = {nested}\ny = f(1)").code in ("endless-recursion", "nested-too-deep")
