"""Calls of programs from Python: values by name, outputs, gradients, errors, texts."""

import copy
import multiprocessing
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import cgcli
from cgcli.diagnostics.report import text

ROOT = Path(__file__).parents[1]
ARTICLE = ROOT / "samples/article.cg"
POINT = {"a": 2, "b": 3, "c": 1}
TWO = "input x: float[n]\noutput y, z\ny = sum(x^2)\nz = 2 * x"
RECURSIVE = "fn power(x, n) = if n <= 0 then 1.0 else x * power(x, n - 1)\ninput x\ninput n: int\ny = power(x, n)"


def double(x: float, w: float = 2.0) -> object:
    return x * w


def several(x):  # type: ignore[no-untyped-def]
    return {"double": 2 * x, "lambda_": x + 1}


def refused(code: str) -> object:
    """The error with this code."""
    return pytest.raises(cgcli.CgError, check=lambda e: e.diagnostics[0].code == code)


# ---- values


@pytest.mark.parametrize(
    "f", [cgcli.load(ARTICLE), cgcli.load(ARTICLE, mode="dynamic"), cgcli.trace(lambda a, b, c: (a + b) * (b - c))]
)
def test_values_by_keyword_in_a_mapping_or_both(f: cgcli.Program) -> None:
    assert f(**POINT) == f(POINT) == f({"a": 2}, b=3, c=1) == 10.0
    assert dict(f.grad(**POINT)) == dict(f.grad(POINT)) == {"a": 2.0, "b": 7.0, "c": -5.0}
    assert f.value_and_grad(POINT, wrt=["a"]) == (10.0, {"a": 2.0})
    assert f.value_and_grad(wrt="a", **POINT) == (10.0, {"a": 2.0})
    assert f.jacobian(**POINT) == f.grad(**POINT)
    assert f.hessian(wrt=["a", "b"], **POINT) == f.hessian(POINT, wrt=["a", "b"])
    assert [check.verdict for check in f.check_grad(**POINT)] == ["ok"] * 3
    assert "5 · 1 + 2 · 1" in str(f.explain(wrt="b", **POINT))
    assert "∂y" in f.explain(wrt="b", **POINT)._repr_markdown_() or f.mode == "dynamic"


def test_an_input_that_is_named_like_an_option_or_a_method() -> None:
    f = cgcli.parse("y = of * wrt + self + values")
    assert f(of=2, wrt=3, self=1, values=1) == 8
    assert f.grad({"of": 2, "wrt": 3}, self=1, values=1, wrt=["of"])["of"] == 3


def test_calls_without_names() -> None:
    f = cgcli.load(ARTICLE)
    with refused("values-without-names"):
        f(2)  # type: ignore[arg-type]
    with refused("value-twice"):
        f(POINT, a=2)
    with refused("missing-inputs"):
        f()
    with refused("unknown-input"):
        f(POINT, d=2)
    with refused("nothing-to-compute"):
        cgcli.parse("")()


def test_names_are_compared_as_in_programs() -> None:
    f = cgcli.parse("input µ\noutput y, ν\ny = µ^2\nν = µ")
    assert f({"µ": 3}).y == f(μ=3).y == 9
    assert f.grad({"μ": 3}, of="y")["µ"] == 6


def test_a_limit_that_is_changed_holds_for_the_next_call() -> None:
    f = cgcli.parse("input n: int\nx = 1.0\nfor t in 0..n { x = x * 1.5 }\ny = x")
    assert f(n=10) > 1
    f.max_steps = 5
    with refused("too-many-steps"):
        f(n=10)
    f.max_steps = 20
    assert f(n=10) > 1


# ---- results


def test_one_output_comes_as_itself_and_several_as_outputs() -> None:
    outputs = cgcli.parse(TWO)(x=[1.0, 2.0])
    assert isinstance(outputs, cgcli.Outputs)
    y, z = outputs
    assert (y, z.tolist()) == (5.0, [2.0, 4.0])
    assert outputs.y == outputs["y"] == dict(outputs)["y"] == 5.0
    assert (len(outputs), "z" in outputs, 5.0 in outputs) == (2, True, False)
    assert list(outputs.keys()) == ["y", "z"]
    assert outputs == {"y": 5.0, "z": np.array([2.0, 4.0])}
    assert outputs == cgcli.parse(TWO)(x=[1.0, 2.0]) != cgcli.parse(TWO)(x=[1.0, 3.0])
    assert outputs != {"y": 5.0}
    assert outputs != {"y": 5.0, "z": np.array([2.0])}
    assert outputs != 5.0
    assert repr(outputs) == "Outputs(y=5.0, z=array([2., 4.]))"
    assert {"y", "z", "keys"} <= set(dir(outputs))
    assert pickle.loads(pickle.dumps(outputs)) == copy.deepcopy(outputs) == outputs


def test_outputs_cannot_be_changed() -> None:
    outputs = cgcli.parse(TWO)(x=[1.0])
    with pytest.raises(AttributeError, match="cannot be changed"):
        outputs.y = 1
    with pytest.raises(AttributeError, match="cannot be changed"):
        del outputs.y
    with pytest.raises(AttributeError, match="no output 'w'; the outputs are y, z"):
        _ = outputs.w
    with pytest.raises(KeyError):
        outputs["w"]
    with pytest.raises(TypeError, match="unhashable"):
        hash(outputs)


def test_an_output_whose_name_is_a_keyword() -> None:
    assert cgcli.trace(several)(x=3.0)["lambda_"] == 4.0
    assert cgcli.parse("output lambda, y\nlambda = x\ny = x")(x=1)["lambda"] == 1


def test_a_gradient_reads_as_its_partial_derivatives() -> None:
    gradient = cgcli.parse(TWO).grad(x=[1.0, 2.0], of="y")
    assert (gradient.of, gradient.value, gradient["x"].tolist()) == ("y", 5.0, [2.0, 4.0])
    assert (list(gradient), len(gradient), "x" in gradient) == (["x"], 1, True)
    assert gradient == {"x": np.array([2.0, 4.0])}
    assert gradient == cgcli.Gradient("y", 5.0, {"x": np.array([2.0, 4.0])})
    assert gradient != cgcli.Gradient("y", 6.0, {"x": np.array([2.0, 4.0])})
    assert pickle.loads(pickle.dumps(gradient)) == copy.deepcopy(gradient) == gradient
    assert repr(gradient) == "Gradient(of='y', value=5.0, partials={'x': array([2., 4.])})"


def test_a_wrong_derivative_is_an_error_that_names_the_operation() -> None:
    for mode in ("static", "dynamic"):
        f = cgcli.parse("y = stop_gradient(x) * x", mode=mode)
        with refused("gradient-differs"):
            f.check_grad(x=3.0)
        assert f.check_gradient({"x": 3.0})[0].verdict == "wrong"
        with refused("gradient-nan-at"):
            cgcli.parse("y = 1 + sqrt(x^2)^0.5 * sqrt(x^2)^1.5", mode=mode).check_grad(x=0.0)


# ---- plans and pictures


def test_a_plan_is_text_and_a_picture() -> None:
    f = cgcli.load(ARTICLE)
    plan = f.plan()
    assert str(plan).startswith("The plan of article.cg: its outputs\n")
    assert plan._repr_svg_().startswith("<svg")
    assert f.plan(POINT, derivatives=True).of == f.plan(derivatives=True, **POINT).of == "y"


def test_a_picture_is_a_file_and_an_object(tmp_path: Path) -> None:
    f = cgcli.load(ARTICLE)
    picture = f.render(tmp_path / "f.svg", **POINT)
    assert (tmp_path / "f.svg").read_bytes() == picture.data == (ROOT / "docs/article.svg").read_bytes()
    assert picture._repr_svg_() == picture.text
    assert "\nflowchart LR\n" in f.render(kind="mmd").text
    assert f.render(kind="mmd")._repr_svg_() is None
    assert f.render(None, POINT, kind="dot").data == f.render(kind="dot", **POINT).data != f.render(kind="dot").data
    with refused("unknown-picture"):
        f.render("f.gif")
    with refused("missing-inputs"):
        f.render(a=2)


def test_options_of_a_picture() -> None:
    f = cgcli.load(ROOT / "samples/mlp.cg")
    options = cgcli.PictureOptions
    graph = f.render(kind="mmd", options=options(view="gradient-graph", budget=1000)).text
    assert graph != f.render(kind="mmd", options=options(view="forward", budget=1000)).text
    with refused("no-such-call"):
        f.render(options=options(fold=("nothing",)))
    with refused("picture-of-gradient"):
        f.render(options=options(view="gradient-graph", heat=True))
    with refused("options-exclude"):
        f.render(of="loss", options=options(view="forward"))
    two = cgcli.parse("output y, z\ny = a\nz = 2 * a").render(kind="mmd", a=1)
    assert two.note is not None
    assert two.note == "gradients are those of `y`; `--of` chooses another output"


def test_a_notebook_shows_programs_runs_and_gradients_as_pictures() -> None:
    f = cgcli.load(ARTICLE)
    with_values = f.render(**POINT).text
    assert f._repr_svg_() == f.render().text != with_values
    assert f.run(**POINT)._repr_svg_() == with_values
    assert f.grad(**POINT)._repr_svg_() == with_values
    assert cgcli.load(ARTICLE, mode="dynamic")._repr_svg_() is None  # which has no graph before a run
    assert copy.copy(f.grad(**POINT))._repr_svg_() is None
    x = np.array([1.0, 2.0])
    gradient = cgcli.parse("input x: float[n]\ny = sum(x^2)").grad(x=x)
    assert gradient._repr_svg_() is not None
    x[0] = 3.0
    assert gradient._repr_svg_() is None  # the picture would not be that of this gradient


# ---- texts


def test_a_program_as_text() -> None:
    f = cgcli.parse("input x: float[n, 2]\nparam w: float[2] = [0.5, 1]\ninput k: int = 3 in 0..9\ny = sum(x @ w) * k")
    shown = "<text>\n  input x: float[n, 2]\n  param w: float[2] = [0.5, 1]\n  input k: int = 3\n  output y: float\n\n"
    assert str(f) == shown + f.module.source.text
    assert repr(f) == "<cgcli.Program <text>: x, w, k -> y>"
    assert repr(cgcli.load(ARTICLE)) == "<cgcli.Program article.cg: a, b, c -> y>"
    assert repr(cgcli.parse("2 + 3")) == "<cgcli.Program <text>: -> out>"
    assert repr(cgcli.trace(double)) == "<cgcli.Program double: x, w -> …>"
    definition = "def double(x: float, w: float = 2.0) -> object:\n    return x * w"
    assert str(cgcli.trace(double)) == f"double\n  input x: float\n  input w: float = 2\n\n{definition}"
    many = repr(cgcli.parse(" + ".join(f"x{k}" for k in range(100))))
    assert many.endswith("x11, … (100) -> out>")


def test_an_error_as_text_is_what_the_command_prints() -> None:
    with pytest.raises(cgcli.CgError) as caught:
        cgcli.load(ROOT / "samples/errors/unknown_name.cg")
    assert f"{caught.value}\n" == text(caught.value.diagnostics)
    assert str(caught.value).startswith("error: unknown name `hight`\n")
    assert "\x1b" not in str(caught.value)
    copied = pickle.loads(pickle.dumps(caught.value))
    assert (str(copied), copied.status) == (str(caught.value), 2)
    assert (type(caught.value).__module__, repr(caught.value)) == ("cgcli", "CgError(unknown-name)")


# ---- copies


def programs(folder: Path) -> dict[str, tuple[cgcli.Program, dict[str, object]]]:
    """Programs of every kind, and values for them."""
    (folder / "lib").mkdir()
    (folder / "lib" / "util.cg").write_text("fn twice(x) = 2 * x\n", encoding="utf-8")
    main = 'import "lib/util.cg"\nimport nn\n'
    (folder / "main.cg").write_text(main + "y = util.twice(nn.silu(a))\n", encoding="utf-8")
    recursive = main + "fn down(x) = if x < 1 then util.twice(x) else down(x - 1)\ny = down(a)\n"
    (folder / "down.cg").write_text(recursive, encoding="utf-8")
    (folder / "model.py").write_text("def f(x, w=2.0):\n    return x * w\n", encoding="utf-8")
    from cgcli.program.python_file import load_function

    return {
        "file": (cgcli.load(folder / "main.cg"), {"a": 3}),
        "text": (cgcli.parse(TWO), {"x": [1.0, 2.0]}),
        "open shape": (cgcli.parse("input x: float[...]\ny = sum(x * 2)"), {"x": [[1.0, 2.0], [3.0, 4.0]]}),
        "dynamic": (cgcli.load(folder / "down.cg"), {"a": 3.5}),
        "recursive": (cgcli.parse(RECURSIVE), {"x": 2.0, "n": 3}),
        "traced": (cgcli.trace(double), {"x": 3.0}),
        "python file": (load_function(str(folder / "model.py"), "f"), {"x": 3.0}),
    }


def test_programs_are_copied_with_the_texts_of_their_files(tmp_path: Path) -> None:
    pickled, results = {}, {}
    for name, (f, values) in programs(tmp_path).items():
        f.seed, f.max_steps = 7, 10_000
        results[name] = f(values), f.grad(values, of=None if name != "text" else "y")
        pickled[name] = pickle.dumps((f, values))
        assert b"__code__" not in pickled[name]
        assert copy.deepcopy(f)(values) == results[name][0]
    for file in ("main.cg", "down.cg", "lib/util.cg"):
        (tmp_path / file).unlink()
    for name, data in pickled.items():
        f, values = pickle.loads(data)
        assert (f(values), f.grad(values, of=None if name != "text" else "y")) == results[name]
        assert (f.seed, f.max_steps) == (7, 10_000)


def test_records_of_runs_are_copied() -> None:
    f = cgcli.parse(RECURSIVE)
    record = pickle.loads(pickle.dumps(f.recorded({"x": 2.0, "n": 3})))
    assert record({}) == 8.0
    shaped = cgcli.parse("input x: float[...]\ny = sum(x)").recorded({"x": [[1.0]]})
    assert pickle.loads(pickle.dumps(shaped))(x=[[2.0]]) == 2.0


def test_a_function_that_no_name_leads_to_is_not_pickled() -> None:
    with pytest.raises((pickle.PicklingError, AttributeError)):
        pickle.dumps(cgcli.trace(lambda x: x))


def evaluate(f: cgcli.Program) -> object:
    return f(x=3.0)


def test_another_process_runs_a_program() -> None:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        assert pool.map(evaluate, [cgcli.parse("y = x^2"), cgcli.trace(double)]) == [9.0, 6.0]


# ---- the package


def test_the_package_shows_its_public_names_alone() -> None:
    assert dir(cgcli) == sorted(cgcli.__all__)


@pytest.mark.portable
def test_import_loads_next_to_nothing() -> None:
    code = "import sys; before = set(sys.modules); import cgcli; print(*sorted(set(sys.modules) - before))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["cgcli", "cgcli.version"]
