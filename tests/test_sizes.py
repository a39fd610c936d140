"""Sizes as polynomials: equal ones have equal texts, and their numbers are what arithmetic says."""

import operator
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcli.graph.size_text import UnknownSize
from cgcli.graph.sizes import (
    Size,
    add,
    evaluate,
    floor_div,
    larger,
    mul,
    positive,
    product,
    same,
    smaller,
    sub,
)

NAMES = ["n", "k", "class", "max", "größe"]
OPERATIONS: list[tuple[Callable[[Size, Size], Size], Callable[[int, int], int]]] = [
    (add, operator.add),
    (sub, operator.sub),
    (mul, operator.mul),
    (smaller, min),
    (larger, max),
]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (add("n", 0), "n"),
        (add("n", "n"), "2*n"),
        (mul("n", add("k", 1)), "k*n + n"),
        (sub("n", "n"), 0),
        (floor_div(add(mul(2, "n"), 1), 2), "n"),
        (floor_div(mul("n", "k"), "n"), "k"),
        (floor_div("n", 2), "(n//2)"),
        (floor_div(add("n", 1), 2), "((n + 1)//2)"),
        (larger(0, sub("n", 3)), "max(0,n - 3)"),
        (sub("n", smaller(1, "n")), "max(0,n - 1)"),
        (product(["n", 2, "k"]), "2*k*n"),
        (smaller("n", add("n", 1)), "n"),
    ],
)
def test_a_size_has_one_text(size: Size, text: Size) -> None:
    assert size == text


@pytest.mark.parametrize(
    ("a", "b", "answer"),
    [
        ("n", "n", True),
        ("n", "k", False),
        ("n", 3, False),
        (add("n", 1), "n", False),
        (mul("n", "k"), mul("k", "n"), True),
        (mul(2, floor_div("n", 2)), "n", None),
        (mul(2, "k"), "n", None),
    ],
)
def test_sizes_are_equal_different_or_undecided(a: Size, b: Size, answer: bool | None) -> None:
    assert same(a, b) is answer
    assert same(b, a) is answer


def test_a_name_without_a_value() -> None:
    with pytest.raises(UnknownSize, match="k"):
        evaluate("2*k + n", {"n": 1})


values = st.fixed_dictionaries({name: st.integers(0, 9) for name in NAMES})
leaves = st.one_of(st.integers(0, 6), st.sampled_from(NAMES))


@st.composite
def sizes(draw: st.DrawFn) -> tuple[Size, Callable[[dict[str, int]], int]]:
    """A size, and what computes its number without reading a text."""
    leaf = draw(leaves)
    size: Size = leaf
    compute: Callable[[dict[str, int]], int] = lambda env: env[leaf] if isinstance(leaf, str) else leaf  # noqa: E731
    for _ in range(draw(st.integers(0, 5))):
        other = draw(leaves)
        symbolic, plain = draw(st.sampled_from(OPERATIONS))

        def combined(
            env: dict[str, int],
            before: Callable[[dict[str, int]], int] = compute,
            other: Size = other,
            plain: Callable[[int, int], int] = plain,
        ) -> int:
            return plain(before(env), env[other] if isinstance(other, str) else other)

        size, compute = symbolic(size, other), combined
        if draw(st.booleans()):
            divisor = draw(st.integers(1, 4))
            size = floor_div(positive(size), divisor)

            def floored(
                env: dict[str, int], before: Callable[[dict[str, int]], int] = compute, divisor: int = divisor
            ) -> int:
                return max(0, before(env)) // divisor

            compute = floored
    return size, compute


@given(sizes(), values)
def test_the_number_of_a_size_is_what_arithmetic_says(
    made: tuple[Size, Callable[[dict[str, int]], int]], env: dict[str, int]
) -> None:
    size, compute = made
    assert evaluate(size, env) == compute(env)


@given(sizes(), sizes(), values)
def test_what_is_decided_holds_for_every_value(
    first: tuple[Size, Callable[[dict[str, int]], int]],
    second: tuple[Size, Callable[[dict[str, int]], int]],
    env: dict[str, int],
) -> None:
    a, b = first[0], second[0]
    if same(a, b) is True:
        assert evaluate(a, env) == evaluate(b, env)
    elif same(a, b) is False and (isinstance(sub(a, b), int)):
        assert evaluate(a, env) != evaluate(b, env)
