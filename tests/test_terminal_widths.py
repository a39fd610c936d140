"""What commands print on terminals of several widths, with and without colour; no line is longer than its terminal.

The golden files show styles as tags: `<b>` bold, `<dim>`, `<accent>` the colour of derivatives.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
import pytest
from cli_harness import on_terminal
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from sample_values import ROOT

from cgcli.data.checkpoints import write_checkpoint
from cgcli.render.numbers import concise
from cgcli.render.table import table

GOLDEN = Path(__file__).parent / "golden" / "terminal"
WIDTHS = (40, 80, 120, 200)
ARTICLE = ("samples/article.cg", "--a", "2", "--b", "3", "--c", "1")
SCREENS = {
    "show_article": ("show", *ARTICLE),
    "show_black_scholes": ("show", "samples/black_scholes.cg"),
    "show_mlp": ("show", "samples/mlp.cg"),
    "show_newton": ("show", "samples/newton.cg"),
    "show_tree": ("show", "samples/black_scholes.cg", "--tree"),
    "show_graph": ("show", *ARTICLE, "--graph"),
    "eval_all": ("eval", "--all", "samples/attention.cg"),
    "eval_full": ("eval", "--full", "samples/gmm.cg"),
    "grad_article": ("grad", *ARTICLE),
    "grad_mlp": ("grad", "samples/mlp.cg"),
    "grad_check": ("grad", "samples/mlp.cg", "--check"),
    "explain_article": ("explain", *ARTICLE),
    "plan_article": ("plan", *ARTICLE),
    "samples": ("samples",),
    "help_exit_codes": ("help", "exit-codes"),
    "help_nn": ("help", "nn"),
    "eval_help": ("eval", "--help"),
    "check_error": ("check", "samples/errors/matmul_scalar.cg"),
}
TAGS = {"0": "</>", "1": "<b>", "2": "<dim>", "38;5;130": "<accent>"}
ANSI = re.compile(r"\x1b\[([0-9;]*)m")


@pytest.mark.parametrize("name", SCREENS)
def test_screen(name: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    check_screen(name, SCREENS[name], request)


def test_the_screen_of_weights(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    tensors = {"W1": np.linspace(-1, 1, 16).reshape(2, 8), "b1": np.zeros(8), "step": np.array(3)}
    monkeypatch.chdir(tmp_path)
    write_checkpoint("w.safetensors", tensors, {})
    check_screen("weights", ("weights", "w.safetensors"), request)


def check_screen(name: str, args: Sequence[str], request: pytest.FixtureRequest) -> None:
    """Compares what a command prints with its golden file."""
    shown = ""
    for width in WIDTHS:
        plain, coloured = (on_terminal(*args, width=width, colour=colour) for colour in (False, True))
        assert ANSI.sub("", coloured) == plain
        tagged = ANSI.sub(lambda code: TAGS.get(code[1], f"<{code[1]}>"), coloured)
        shown += f"==== {width} columns\n{plain}"
        shown += f"==== {width} columns, in colour\n{tagged}" if tagged != plain else ""
    golden = GOLDEN / f"{name}.txt"
    if request.config.getoption("--rewrite"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(shown, encoding="utf-8")
    assert shown == golden.read_text(encoding="utf-8")


SAMPLES = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "samples").glob("*.cg"))
COMMANDS = [
    ("show",),
    ("show", "--tree"),
    ("show", "--full"),
    ("eval",),
    ("eval", "--all"),
    ("grad",),
    ("grad", "--check"),
    ("explain",),
    ("plan",),
    ("trace",),
]
VALUES = {"article": ARTICLE[1:]}
WORD = re.compile(r"[^\s,()\[\]*/^<>=&|@]+")


@pytest.mark.parametrize(("sample", "width"), list(zip(SAMPLES, cycle(WIDTHS[:2]), strict=False)))
def test_no_line_is_longer_than_the_terminal(sample: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for command in COMMANDS:
        text = on_terminal(*command, sample, *VALUES.get(Path(sample).stem, ()), width=width)
        for line in text.splitlines():
            words = line.split() if command == ("explain",) else WORD.findall(line)  # it breaks at blanks alone
            longest = max(map(cell_len, words), default=0)
            assert cell_len(line) <= max(width, longest + 8), (command, width, line)


WIDE = "input 温度の長い名前: float = 2\ny = sum(温度の長い名前 * [[[1, 2], [3, 4]], [[5, 6], [7, 8.5]]])\noutput y"


@pytest.mark.parametrize("command", [("show", "--tree"), ("show", "--graph"), ("show",), ("grad",)])
@pytest.mark.parametrize("width", WIDTHS)
def test_wide_letters_and_colours_take_no_other_room(command: tuple[str, ...], width: int) -> None:
    plain, coloured = (on_terminal(*command, "-e", WIDE, width=width, colour=colour) for colour in (False, True))
    assert ANSI.sub("", coloured) == plain
    assert max(map(cell_len, plain.splitlines())) <= width


def test_an_explanation_is_aligned_by_the_width_of_letters() -> None:
    lines = on_terminal(
        "explain", "-e", "input 温: float = 2; ab = 2 * 温; y = ab * 温; output y", width=80
    ).splitlines()
    of_locals = lines[lines.index("Local derivatives") + 1 :][:3]
    assert len({cell_len(line[: line.rindex("=")]) for line in of_locals}) == 1


def test_a_literal_has_a_gradient_only_where_a_path_leads() -> None:
    text = on_terminal("show", "-e", "input x: float = 1; n = 3; unused = 8; y = n * x; output y", width=80)
    rows = {words[0]: words[1:] for line in text.splitlines() if (words := line.split())}
    assert rows["n"] == ["3", "int", "3", "1"]
    assert rows["unused"] == ["8", "int", "8"]


@given(
    st.lists(st.tuples(st.text("ab_", min_size=1, max_size=9), st.text("ab +", max_size=90), st.floats()), min_size=1),
    st.integers(40, 200),
)
def test_tables_fit_any_width(rows: list[tuple[str, str, float]], width: int) -> None:
    lines = table(("name", "formula", "value"), rows, width=width, over=1).splitlines()
    assert max(map(len, lines)) <= width
    words = "\n".join(lines).split()
    assert [word for _, text, _ in rows for word in text.split() if word not in words] == []
    assert [concise(x) for *_, x in rows if concise(x) not in words] == []
