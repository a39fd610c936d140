"""Every sample: a header that says what it shows, a command to try that works, derivatives that differences confirm."""

import math
import shlex
from pathlib import Path

import pytest
from cli_harness import cg
from sample_values import values_for

from cgcli import load

ROOT = Path(__file__).parents[1]
SAMPLES = sorted((ROOT / "samples").glob("*.cg")) + sorted((ROOT / "samples" / "parts").glob("*.cg"))
WANTED = "article quadratic sigmoid_neuron black_scholes rosenbrock newton_step pendulum_energy huber".split()


def test_the_samples_that_are_promised_are_there() -> None:
    assert {p.stem for p in SAMPLES} >= set(WANTED)


@pytest.mark.parametrize("path", SAMPLES, ids=[p.stem for p in SAMPLES])
@pytest.mark.parametrize("most", [["--steps", "5"], pytest.param([], marks=pytest.mark.thorough)], ids=["some", "all"])
def test_header_and_command(path: Path, most: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A training ends after some steps, unless it is to go on as long as its command says."""
    lines = path.read_text(encoding="utf-8").split("\n")
    assert lines[0].startswith("# ")
    command = next(line.removeprefix("# Try: cg ") for line in lines if line.startswith("# Try: cg "))
    words = [w.replace("samples/", f"{ROOT}/samples/") for w in shlex.split(command)]
    monkeypatch.chdir(tmp_path)  # a picture goes there
    words += most if words[0] == "train" else []
    result = cg(*words, "-q")  # a slow machine tells of progress
    assert (result.status, result.err) == (0, "") or words[0] == "render"
    assert result.status == 0


@pytest.mark.parametrize("path", SAMPLES, ids=[p.stem for p in SAMPLES])
@pytest.mark.parametrize("largest", [50, pytest.param(200, marks=pytest.mark.thorough)])
def test_derivatives_agree_with_differences(path: Path, largest: int) -> None:
    values = values_for(path)
    program = load(path).recorded(values)
    # by each element of a large tensor would take minutes; its derivative comes through the same operations
    floats = [i for i in program.inputs if i.type.has_derivative]
    small = [i.name for i in floats if math.prod(n for n in i.type.shape if isinstance(n, int)) <= largest]
    scalars = [n for n in program.outputs if program.type_of(n).has_derivative and not program.type_of(n).shape]
    for of in scalars:
        verdicts = {c.verdict for c in program.check_gradient(values, of=of, wrt=small)}
        # digits have blank pixels, where relu of a bias that is 0 has its kink
        assert verdicts <= ({"ok", "kink"} if path.stem == "digits_conv" else {"ok"}), of


def test_black_scholes_against_the_known_price() -> None:
    """Hull, Options, Futures and Other Derivatives, example 15.6: 42, 40, 10 %, 20 %, half a year gives 4.76."""
    price = load(ROOT / "samples/black_scholes.cg").eval(
        {"spot": 42.0, "strike": 40.0, "rate": 0.1, "vol": 0.2, "years": 0.5}
    )
    assert round(price["price"], 2) == 4.76


def test_rosenbrock_hessian_at_the_bottom() -> None:
    """The matrix [[802, -400], [-400, 200]]: by hand from f = (1 - x)² + 100 (y - x²)²."""
    found = load(ROOT / "samples/rosenbrock.cg").hessian({"x": 1.0, "y": 1.0}, wrt=["x", "y"])
    assert found == {"x": {"x": 802.0, "y": -400.0}, "y": {"x": -400.0, "y": 200.0}}
