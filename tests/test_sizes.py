"""Sizes as polynomials: equal ones have equal texts, and their numbers are what arithmetic says."""

import operator
from collections.abc import Callable
from typing import Any

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
        (positive(sub("n", smaller("k", "n"))), positive(sub("n", "k"))),
        (positive(smaller("k", "n")), "k - max(0,k - n)"),
        (add(positive(smaller("k", "n")), positive(sub("n", "k"))), "n"),
        (positive(sub(positive(sub("n", 1)), 1)), "max(0,n - 2)"),
        (positive(sub(positive(sub("n", 1)), smaller(1, "n"))), "max(0,n - 2)"),
        (positive(sub(positive(sub("n", "k")), 1)), positive(sub(sub("n", "k"), 1))),
        (positive(sub(mul(2, "n"), mul(2, "k"))), mul(2, positive(sub("n", "k")))),
        (positive(sub(mul("k", "n"), "n")), mul("n", positive(sub("k", 1)))),
        (positive(sub(smaller(add("k", 2), "n"), smaller("k", "n"))), "-max(0,k - n + 2) + max(0,k - n) + 2"),
        (larger(0, smaller(sub("n", 1), "n")), "max(0,n - 1)"),
        (smaller("n", smaller("k", "n")), "k - max(0,k - n)"),
        (larger("n", smaller("k", "n")), "n"),
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


def combined(parts: list[tuple[Size, Callable[[dict[str, int]], int]]]) -> st.SearchStrategy[Any]:
    (a, a_of), (b, b_of) = parts
    return st.sampled_from(OPERATIONS).map(lambda op: (op[0](a, b), lambda env: op[1](a_of(env), b_of(env))))


trees = st.recursive(
    leaves.map(lambda leaf: (leaf, lambda env: env[leaf] if isinstance(leaf, str) else leaf)),
    lambda inner: st.one_of(
        st.lists(inner, min_size=2, max_size=2).flatmap(combined),
        inner.map(lambda x: (positive(x[0]), lambda env: max(0, x[1](env)))),
        inner.map(lambda x: (floor_div(x[0], 3), lambda env: x[1](env) // 3)),
    ),
    max_leaves=10,
)


@given(trees, st.lists(values, min_size=20, max_size=20))
def test_nested_minima_and_maxima_have_the_number_that_arithmetic_says(
    tree: tuple[Size, Callable[[dict[str, int]], int]], envs: list[dict[str, int]]
) -> None:
    size, compute = tree
    for env in envs:
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
