"""Small pages made by hand: the data of a graph of scalars and the JavaScript that computes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from cgcli.render.picture.themes import THEMES

Row = tuple[str, str, tuple[int, ...]]
"""A card: its name, its operation (`input 2.5`, `add`, `sub`, `mul`, `sin`, `div`) and the cards it reads."""

SIGNS = {"add": " + ", "sub": " − ", "mul": " × ", "div": " / "}
ARTICLE: tuple[Row, ...] = (
    ("a", "input 2", ()),
    ("b", "input 3", ()),
    ("c", "input 1", ()),
    ("d", "add", (0, 1)),
    ("e", "sub", (1, 2)),
    ("y", "mul", (3, 4)),
)
WIDTH, HEIGHT, ACROSS, DOWN = 96, 84, 206, 110


def many(cards: int) -> list[Row]:
    """A graph of so many cards, whose values stay between −2 and 2."""
    rows: list[Row] = [(f"x{k}", f"input {0.3 + 0.1 * k}", ()) for k in range(4)]
    for k in range(4, cards):
        operation = ("add", "sin", "mul", "sin")[k % 4]
        rows.append((f"v{k}", operation, (k - 1,) if operation == "sin" else (k - 1, k - 3)))
    return rows


def page_data(rows: Sequence[Row], name: str = "article", columns: int = 0) -> tuple[dict[str, Any], str]:
    """The data of a page and its passes; the output is the last card. columns: of a grid, else by depth."""
    numbering = Slots(rows)
    inputs = [float(op.split()[1]) for _, op, _ in rows if op.startswith("input")]
    places = grid(rows, columns)
    starts = [k for k, row in enumerate(rows) if row[1].startswith("input")]
    data = {
        "format": "cg-page",
        "version": 1,
        "name": name,
        "formula": f"{rows[-1][0]} = {formula(rows, len(rows) - 1)}",
        "description": "A graph.",
        "theme": "auto",
        "notes": [],
        "stops": [{}],
        "source": {"name": f"{name}.cg", "lines": [line(rows, k) for k in range(len(rows))]},
        "of": [{"name": rows[-1][0], "card": len(rows) - 1}],
        "inputs": [
            {
                "name": rows[k][0],
                "kind": "input",
                "type": "float",
                "value": x,
                "low": x - 5,
                "high": x + 5,
                "card": k,
                "doc": "",
            }
            for k, x in zip(starts, inputs, strict=True)
        ],
        "why": "",
        "passes": 1,
        "slots": numbering.numbers(inputs),
        "series": [],
        "cards": [card(rows, k, numbering) for k in range(len(rows))],
        "arrows": [
            {
                "source": source,
                "target": target,
                "slot": slot,
                "prefix": f"∂{rows[target][0]}/∂{rows[source][0]} = ",
                "rule": "",
                "style": "value",
            }
            for (source, target, _), slot in numbering.partials.items()
        ],
        "loops": [],
        "branches": [],
        "expected": [
            {"inputs": at, "pass": 0, "slots": numbering.numbers(at)}
            for at in (inputs, [x + 0.5 for x in inputs], [x * 0.75 for x in inputs])
        ],
        "scene": scene(rows, numbering, places),
        "themes": {theme: dict(THEMES[theme]) for theme in ("light", "dark")},
    }
    return data, numbering.javascript()


class Slots:
    """Where each number of a graph stands, and how it is computed: values, partials of arrows, derivatives."""

    def __init__(self, rows: Sequence[Row]) -> None:
        self.rows = rows
        self.partials = {
            (source, target, k): -1 for target, row in enumerate(rows) for k, source in enumerate(row[2])
        }  # fmt: skip
        for n, key in enumerate(self.partials):
            self.partials[key] = len(rows) + n
        self.first_derivative = len(rows) + len(self.partials)
        self.size = self.first_derivative + len(rows)

    def lines(self) -> list[str]:
        """Assignments that are Python and JavaScript alike."""
        lines, read = [], 0
        for k, (_, op, (*of,)) in enumerate(self.rows):
            a, b = (f"s[{of[0]}]" if of else "", f"s[{of[1]}]" if len(of) > 1 else "")
            if op.startswith("input"):
                lines.append(f"s[{k}] = inputs[{read}]")
                read += 1
            else:
                text = {"add": f"{a} + {b}", "sub": f"{a} - {b}", "mul": f"{a} * {b}", "div": f"{a} / {b}"}
                lines.append(f"s[{k}] = " + text.get(op, f"Math.sin({a})"))
                rules = {
                    "add": ("1", "1"),
                    "sub": ("1", "-1"),
                    "mul": (b, a),
                    "div": (f"1 / {b}", f"-{a} / ({b} * {b})"),
                    "sin": (f"Math.cos({a})",),
                }[op]
                lines += [f"s[{self.partials[source, k, n]}] = {rules[n]}" for n, source in enumerate(of)]
        lines.append(f"s[{self.size - 1}] = 1")
        sums: dict[int, list[str]] = {}
        for (source, target, _), slot in self.partials.items():
            sums.setdefault(source, []).append(f"s[{self.first_derivative + target}] * s[{slot}]")
        for k in range(len(self.rows) - 2, -1, -1):
            lines.append(f"s[{self.first_derivative + k}] = " + " + ".join(sums.get(k, ["0"])))
        return lines

    def javascript(self, more: Sequence[str] = (), series: str = "") -> str:
        """more: an expression of `inputs` for each number behind the others; series: one of a list of numbers."""
        lines = [*self.lines(), *(f"s[{self.size + k}] = {text}" for k, text in enumerate(more))]
        body = ";\n".join(lines)
        return (
            f"const passes = [function (inputs, limit) {{\nconst s = new Float64Array({self.size + len(more)});\n"
            f"{body};\nreturn {{status: 0, slots: s, series: [{series}]}};\n}}];"
        )

    def numbers(self, inputs: Sequence[float]) -> list[float]:
        s = [0.0] * self.size
        exec("\n".join(self.lines()), {"s": s, "inputs": inputs, "Math": math})
        return s


def formula(rows: Sequence[Row], k: int) -> str:
    _, op, of = rows[k]
    names = [rows[source][0] for source in of]
    return "input" if op.startswith("input") else f"sin({names[0]})" if op == "sin" else SIGNS[op].join(names)


def line(rows: Sequence[Row], k: int) -> str:
    name, op, _ = rows[k]
    return f"input {name}: float" if op.startswith("input") else f"{name} = {formula(rows, k)}"


def card(rows: Sequence[Row], k: int, numbering: Slots) -> dict[str, Any]:
    name, op, of = rows[k]
    how: list[Any] = []
    if op in SIGNS:
        how = [of[0], SIGNS[op], of[1]]
    elif op == "sin":
        how = ["sin(", of[0], ")"]
    kind = "input" if op.startswith("input") else "output" if k == len(rows) - 1 else "value"
    return {
        "id": k,
        "kind": kind,
        "title": name,
        "formula": formula(rows, k),
        "label": name,
        "type": "float",
        "line": k + 1,
        "value": k,
        "derivative": [numbering.first_derivative + k],
        "how": how,
        "series": -1,
        "loop": -1,
    }


def grid(rows: Sequence[Row], columns: int) -> list[tuple[float, float]]:
    """The upper left corners of the cards."""
    if columns:
        return [(20 + k % columns * ACROSS, 20 + k // columns * DOWN) for k in range(len(rows))]
    depths: list[int] = []
    heights: dict[int, int] = {}
    places = []
    for _, _, of in rows:
        depth = max((depths[source] + 1 for source in of), default=0)
        depths.append(depth)
        row = heights[depth] = heights.get(depth, -1) + 1
        places.append((20 + depth * ACROSS, 20 + row * DOWN + (depth % 3) * DOWN / 2))
    return places


def scene(rows: Sequence[Row], numbering: Slots, places: Sequence[tuple[float, float]]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    labels: list[dict[str, Any]] = []
    for n, (source, target, _) in enumerate(numbering.partials):
        (x, y), (u, v) = places[source], places[target]
        x, y, v = x + WIDTH, y + HEIGHT / 2, v + HEIGHT / 2
        curve = f"M{x} {y}C{x + 40} {y} {u - 50} {v} {u - 10} {v}"
        shapes = [
            ["p", curve, "", "line", 1.4, "", 0],
            ["p", f"M{u} {v}L{u - 10} {v - 4}L{u - 10} {v + 4}Z", "line", "", 1, "", 0],
        ]
        parts.append({"kind": "arrow", "id": n, "title": "", "shapes": shapes})
        middle = (x + u) / 2, (y + v) / 2
        number = ["n", "partial", middle[0], middle[1] + 4, 90, "middle", "sans", 12, "accent"]
        paper = ["r", middle[0] - 45, middle[1] - 8, 90, 16, 3, "paper", "", 1, "", 0.85]
        labels.append({"kind": "label", "id": n, "title": "", "shapes": [paper, number]})
    parts += labels
    for k, (name, _, _) in enumerate(rows):
        x, y = places[k]
        kind = card(rows, k, numbering)["kind"]
        width = {"input": 1.3, "output": 2.6}.get(kind, 1.2)
        shapes = [
            ["r", x, y, WIDTH, HEIGHT, 11, f"{kind} fill", f"{kind} line", width, "", 1],
            ["t", x + 12, y + 28, name, "italic", 20, "ink", 0],
            ["t", x + 46, y + 28, formula(rows, k)[:6], "sans", 13, "quiet", 0],
            ["t", x + 12, y + 51, "value", "sans", 12.5, "quiet", 0],
            ["n", "value", x + WIDTH - 12, y + 51, 76, "end", "mono", 14, "ink"],
            ["t", x + 12, y + 71, "∂", "sans", 12.5, "accent", 0],
            ["n", "derivative", x + WIDTH - 12, y + 71, 76, "end", "mono", 14, "accent"],
        ]
        parts.append({"kind": "node", "id": k, "title": name, "shapes": shapes})
    width = max(x for x, _ in places) + WIDTH + 20
    height = max(y for _, y in places) + HEIGHT + 20
    return {"width": width, "height": height, "parts": parts}


def branch() -> tuple[dict[str, Any], str]:
    """y = u if x > 0 else v, with both sides drawn."""
    rows: list[Row] = [("x", "input 2", ()), ("u", "mul", (0, 0)), ("v", "sin", (0,)), ("y", "add", (1, 2))]
    data, _ = page_data(rows, "branch")
    numbering = Slots(rows)
    data["branches"] = [{"slot": numbering.size, "then": [1], "else": [2]}]
    data["slots"].append(1)
    for point in data["expected"]:
        point["slots"].append(float(point["inputs"][0] > 0))
    return data, numbering.javascript(["inputs[0] > 0 ? 1 : 0"])


def loop() -> tuple[dict[str, Any], str]:
    """A value halved until it is small, with its curve."""
    rows: list[Row] = [("x", "input 8", ()), ("e", "mul", (0, 0)), ("y", "sin", (1,))]
    data, _ = page_data(rows, "loop")
    data["cards"][1] |= {"kind": "state", "series": 0, "loop": 0}
    data["series"] = [[8.0 / 2**k for k in range(7)]]
    data["loops"] = [{"title": "while e > 0.1", "group": 0, "cards": [1]}]
    for part in data["scene"]["parts"]:
        if part["kind"] == "node" and part["id"] == 1:
            x, y = part["shapes"][0][1:3]
            part["shapes"][1:] = [
                *part["shapes"][1:3],
                part["shapes"][4],
                ["s", x + 12, y + 58, WIDTH - 24, 18, "line"],
            ]
    halved = "Array.from({length: 7}, (_, k) => inputs[0] / 2 ** k)"
    return data, Slots(rows).javascript(series=halved)


def tensor() -> tuple[dict[str, Any], str]:
    """A page that records: the map of a tensor with a cell that is NaN."""
    data, _ = page_data(ARTICLE, "tensor")
    cells: list[Any] = [math.sin(r) * math.cos(c) for r in range(4) for c in range(20)]
    cells[5] = None
    one = {"shape": [3, 4, 20], "summary": "−0.99 … 0.99", "nan": 1, "norm": 7.7, "rows": 4, "columns": 20}
    counts = [k * (31 - k) for k in range(32)]
    one |= {"cells": cells, "full": [4, 20], "more": 2, "histogram": {"low": -1.0, "high": 1.0, "counts": counts}}
    data["cards"][3] |= {"type": "float[3, 4, 20]", "value": -1, "derivative": [-1], "how": []}
    data["cards"][3]["tensor"] = {"value": one, "derivative": [one]}
    for arrow in data["arrows"]:
        if 3 in (arrow["source"], arrow["target"]):
            arrow |= {"slot": -1, "prefix": "", "rule": "sum over rows"}
    data["scene"]["parts"] = [
        part for part in data["scene"]["parts"] if part["kind"] != "label" or data["arrows"][part["id"]]["slot"] >= 0
    ]
    data["why"] = "The program has tensors: the page shows what was recorded."
    return data, "const passes = [];"


def two_outputs() -> tuple[dict[str, Any], str]:
    """The article's graph with derivatives of y or of d; the inputs are a bool, an int and a parameter."""
    data, passes = page_data(ARTICLE, "two outputs")
    data["of"].append({"name": "d", "card": 3})
    for card in data["cards"]:
        card["derivative"].append(card["derivative"][0] if card["id"] in (0, 1, 3) else -1)
    first = data["cards"][0]["derivative"][0]
    data["passes"] = 2
    data["inputs"][0] |= {"type": "bool", "value": 1, "low": 0, "high": 1}
    data["inputs"][1] |= {"type": "int", "low": 0, "high": 9}
    data["inputs"][2] |= {"name": "layer.weight", "kind": "param"}
    data["cards"][0]["type"], data["cards"][1]["type"] = "bool", "int"
    other = "s => { " + "; ".join(f"s[{first + k}] = {x}" for k, x in enumerate((1, 1, 0, 1, 0, 0))) + "; return s; }"
    passes += f"\nconst other = {other};"
    passes += (
        "\npasses.push((inputs, limit) => ({...passes[0](inputs, limit), slots: other(passes[0](inputs).slots)}));"
    )
    at = [1.0, 3.0, 1.0]
    data["expected"] = [{"inputs": at, "pass": 0, "slots": Slots(ARTICLE).numbers(at)}]
    data["slots"] = data["expected"][0]["slots"]
    return data, passes
