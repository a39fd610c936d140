"""Results as text: numbers, tables, trees, JSON and CSV."""

import csv as standard_csv
import json as standard_json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cgcli import parse
from cgcli.render import csv, json
from cgcli.render.node_table import DEEPEST, rows, tree
from cgcli.render.node_text import value_writer
from cgcli.render.numbers import shortest
from cgcli.render.style import ACCENT, DIM
from cgcli.render.table import FIRST, table, table_pieces
from cgcli.render.terminal_values import TerminalValues

ANSI = re.compile(r"\x1b\[[0-9;]*m")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (10.0, "10"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (1e300, "1e+300"),
        (7, "7"),
        (True, "true"),
        (math.inf, "inf"),
        (-math.inf, "-inf"),
        (math.nan, "nan"),
    ],
)
def test_plain_numbers(value: float, text: str) -> None:
    assert shortest(value) == text


@given(st.floats())
def test_a_number_reads_back_as_itself(value: float) -> None:
    read = float(shortest(value))
    assert read == value or (read != read and value != value)
    assert math.copysign(1, read) == math.copysign(1, value) or value != value


@pytest.mark.parametrize(
    ("value", "precision", "text"),
    [(1 / 3, 3, "0.333"), (123456.0, 2, "120000"), (12345, 2, "12000"), (9.99, 2, "10"), (math.nan, 2, "nan")],
)
def test_precision_counts_significant_digits(value: float, precision: int, text: str) -> None:
    assert shortest(value, precision) == text


def test_decimal_points_stand_in_one_line() -> None:
    made = table(("name", "value"), [("a", 1.5), ("b", -1000.25), ("c", 7), ("d", 1e-9), ("e", math.inf)])
    lines = made.splitlines()
    assert [line.strip() for line in lines[2:]] == [
        "a          1.5",
        "b      -1000.25",
        "c          7",
        "d          1e-09",
        "e        inf",
    ]


def test_a_table_has_a_rule_under_its_header_and_no_box() -> None:
    lines = table(("name", "value"), [("y", 10.0)]).splitlines()
    assert lines[0].split() == ["name", "value"]
    assert set(lines[1]) == {"─"}
    assert not set("│|┃╭+") & set("".join(lines))


def test_no_digit_and_no_name_is_cut_however_narrow_the_terminal_is() -> None:
    long = "変数" * 30
    values = TerminalValues(full=True)
    made = table(("name", "value"), [(long, 0.1234567890123456), ("y", -1e-300)], width=20, values=values)
    assert made.splitlines() == [long, "   0.1234567890123456", "y", "  -1e-300"]


def test_colour_is_only_added() -> None:
    header, data = ("name", "value", "gradient"), [("a", 2.0, -5.0)]
    coloured = table(header, data, colour=True, styles=lambda _: ("", DIM, ACCENT))
    assert ANSI.search(coloured)
    plain = table(header, data, styles=lambda _: ("", DIM, ACCENT))
    assert "\x1b" not in plain
    assert [line.rstrip() for line in ANSI.sub("", coloured).splitlines()] == plain.splitlines()


def test_a_long_table_comes_in_pieces_that_are_aligned_by_the_first() -> None:
    data = [(f"x{k}", float(k % 7) / 4) for k in range(3 * FIRST + 5)]
    drawn = list(table_pieces(("name", "value"), data))
    assert [len(piece.splitlines()) for piece in drawn] == [FIRST + 2, FIRST, FIRST, 5]
    lines = [line for piece in drawn for line in piece.splitlines()]
    assert lines[: FIRST + 2] == table(("name", "value"), data[:FIRST]).splitlines()
    assert [line.split() for line in lines[2:]] == [[name, shortest(value)] for name, value in data]
    assert {line[:7].strip() for line in lines[2:]} == {name for name, _ in data}


@pytest.mark.parametrize("colour", [False, True])
def test_a_later_cell_that_is_wider_is_never_cut(colour: bool) -> None:
    words = " ".join(["word"] * 12)
    later = [("a name that is longer", "x" * 70, 12345.5), ("b", words, 1.0), ("c", "変数" * 30, math.nan)]
    data = [("a", "b", 1.5)] * FIRST + later
    lines = ANSI.sub("", "\n".join(table_pieces(("name", "text", "value"), data, width=60, colour=colour))).splitlines()
    rest = lines[FIRST + 2 :]
    whole = "".join("".join(rest).split())
    for name, text, value in later:
        assert any(line.startswith(name) for line in rest)
        assert any(shortest(value) in line for line in rest)
        assert all(any(word in line for line in rest) for word in text.split())
    assert whole.count("word") == 12
    assert not any("…" in line for line in rest)


def test_csv_in_pieces_is_csv() -> None:
    data = [(f"x{k}", "a, b", k / 4) for k in range(2 * csv.PIECE + 5)]
    header = ("name", "inputs", "value")
    drawn = list(csv.pieces(header, iter(data)))
    assert len(drawn) == 3
    assert "\n".join(drawn) == csv.dump(header, data)
    assert len(list(standard_csv.reader("\n".join(drawn).splitlines()))) == 1 + len(data)
    assert csv.dump(header, []) == "name,inputs,value"


def test_the_table_of_a_large_graph_has_every_operation() -> None:
    program = parse("\n".join(["x0 = a", *(f"x{k} = x{k - 1} * 1.5 + a" for k in range(1, 900))]))
    run = program.run({"a": 1e-9})
    titles, cells = rows(program.graph, run)
    assert len(cells) > FIRST
    lines = "\n".join(table_pieces(titles, iter(cells))).splitlines()[2:]
    assert [line.split()[0] for line in lines] == [cell[0] for cell in cells]


def test_a_longer_text_moves_what_follows_where_there_is_room() -> None:
    data = [("a", "b", 1.5)] * FIRST + [("a", "longer than that", 2.5)]
    last = list(table_pieces(("name", "text", "value"), data, width=60))[-1]
    assert last == "a      longer than that 2.5"


def test_texts_of_a_long_table_are_broken_to_the_width_of_the_terminal() -> None:
    data = [("a", "some words in a row " * 4, 1.5)] * (FIRST + 1)
    lines = [line for piece in table_pieces(("name", "text", "value"), data, width=50) for line in piece.splitlines()]
    assert max(map(len, lines)) == 50
    assert sum(line.count("words") for line in lines) == 4 * len(data)


def test_the_table_of_a_graph() -> None:
    program = parse("y = sin(2 * x)")
    header, found = rows(program.graph, program.run({"x": 0.0}))
    assert header == ("node", "op", "inputs", "type", "value", "gradient")
    assert found == [
        ("x", "input", "", "float", 0.0, 2.0),
        ("v1", "*", "2, x", "float", 0.0, 1.0),
        ("y", "sin", "v1", "float", 0.0, 1.0),
    ]


def test_the_tree_names_a_shared_node_again_but_opens_it_once() -> None:
    program = parse("d = a + b\ny = d * d")
    assert list(tree(program.graph)) == ["y = d * d", "├─ d = a + b", "│  ├─ a", "│  └─ b", "└─ d (above)"]
    assert list(tree(program.graph, ascii_only=True)) == [
        "y = d * d",
        "|- d = a + b",
        "|  |- a",
        "|  `- b",
        "`- d (above)",
    ]


def test_the_tree_has_values_and_gradients() -> None:
    program = parse("y = a * b")
    lines = list(tree(program.graph, program.run({"a": 2, "b": 1 / 3}), value_writer(2)))
    assert lines == [
        "y = a * b   value 0.67   gradient 1",
        "├─ a   value 2   gradient 0.33",
        "└─ b   value 0.33   gradient 2",
    ]


def test_a_deep_tree_goes_on_further_below() -> None:
    count = 5_000
    program = parse("\n".join(["x0 = a"] + [f"x{k} = sin(x{k - 1})" for k in range(1, count)]))
    lines = list(tree(program.graph))
    assert max(map(len, lines)) < DEEPEST * 3 + 40
    assert lines[DEEPEST] == "   " * (DEEPEST - 1) + f"└─ x{count - 1 - DEEPEST} (below)"
    assert lines[DEEPEST + 1] == f"x{count - 1 - DEEPEST} = sin(x{count - 2 - DEEPEST})"
    opened = [line.strip("│├└─ ").split(" = ")[0] for line in lines if " = " in line]
    assert sorted(opened) == sorted(f"x{k}" for k in range(count))


def test_json_is_one_line_in_order_with_words_for_what_it_has_no_number_for() -> None:
    data = {"y": 10.0, "b": True, "n": 3, "grad": {"z": math.nan, "a": math.inf, "c": -math.inf}}
    text = json.dump(data)
    assert text == ('{"y": 10.0, "b": true, "n": 3, "grad": {"z": "NaN", "a": "Infinity", "c": "-Infinity"}}')
    assert list(standard_json.loads(text)) == list(data)


def test_csv_reads_back() -> None:
    names = ("y", "dy/da", 'quoted "name", with comma')
    text = csv.dump(names, [[10.0, 0.1, True]])
    assert list(standard_csv.reader(text.splitlines())) == [list(names), ["10.0", "0.1", "true"]]
