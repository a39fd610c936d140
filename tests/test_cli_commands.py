"""The commands, each by what it prints and what it leaves behind."""

from __future__ import annotations

import json
import os
import resource
from pathlib import Path

import pytest
from cli_harness import ARTICLE, cg, process

pytestmark = pytest.mark.portable

VALUES = ["--a", "2", "--b", "3", "--c", "1"]
TWO = "input a; input n: int = 2; y = a^2; z = a*n; output y, z"


@pytest.fixture(autouse=True)
def article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(ARTICLE)


# ---- eval


def test_eval_prints_the_outputs() -> None:
    assert cg("eval", "f.cg", *VALUES) == (0, "y = 10\n", "")
    assert cg("eval", "-e", "(a+b)*(b-c)", *VALUES) == (0, "out = 10\n", "")
    assert cg("eval", "-e", "a = 2; a^x", "--x", "3") == (0, "out = 8\n", "")


def test_eval_all_prints_every_named_value() -> None:
    result = cg("eval", "f.cg", "--all", *VALUES)
    assert set(result.out.splitlines()) == {"a = 2", "b = 3", "c = 1", "d = 5", "e = 2", "y = 10"}


def test_eval_writes_json_and_csv() -> None:
    assert json.loads(cg("eval", "f.cg", *VALUES, "--format", "json").out) == {"y": 10.0}
    assert '"y": 10.0' in cg("eval", "f.cg", *VALUES, "--format", "json").out
    assert cg("eval", "-e", TWO, "--a", "3", "--format", "csv").out.split() == ["y,z", "9.0,6.0"]


def test_eval_writes_what_json_cannot_say_as_text() -> None:
    out = cg("eval", "-e", "x = 1/0; y = -1/0; z = 0/0", "--format", "json").out
    assert json.loads(out) == {"x": "Infinity", "y": "-Infinity", "z": "NaN"}


def test_eval_rounds_to_significant_digits() -> None:
    assert cg("eval", "-e", "x = 2/3; y = 12345.678; z = 3", "--precision", "3").out == "x = 0.667\ny = 12300\nz = 3\n"


def test_eval_knows_no_more_digits_than_a_number_has() -> None:
    assert cg("eval", "-e", "x = 2/3", "--precision", "999999999").out == "x = 0.6666666666666666\n"


def test_eval_of_a_table_names_the_output() -> None:
    out = cg("eval", "f.cg", *VALUES, "--format", "table").out
    assert "y" in out
    assert "10" in out


def test_eval_reports_a_run_that_failed_with_status_1() -> None:
    result = cg("eval", "-e", "input n: int; y = 1 // n", "--n", "0")
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error: ")


# ---- grad


def test_grad_prints_the_value_and_the_partials() -> None:
    assert cg("grad", "f.cg", *VALUES) == (0, "y = 10\ndy/da = 2\ndy/db = 7\ndy/dc = -5\n", "")


def test_grad_writes_json_and_csv() -> None:
    out = json.loads(cg("grad", "f.cg", *VALUES, "--format", "json").out)
    assert out == {"of": "y", "value": 10.0, "grad": {"a": 2.0, "b": 7.0, "c": -5.0}}
    out = cg("grad", "f.cg", *VALUES, "--format", "csv").out
    assert out.split() == ["y,dy/da,dy/db,dy/dc", "10.0,2.0,7.0,-5.0"]


def test_grad_of_and_wrt_choose() -> None:
    assert cg("grad", "f.cg", *VALUES, "--of", "d").out == "d = 5\ndd/da = 1\ndd/db = 1\ndd/dc = 0\n"
    assert cg("grad", "f.cg", *VALUES, "--wrt", "c,a").out == "y = 10\ndy/dc = -5\ndy/da = 2\n"
    assert cg("grad", "f.cg", *VALUES, "--wrt", "e, d").out == "y = 10\ndy/de = 5\ndy/dd = 2\n"


def test_grad_all_is_by_every_named_value() -> None:
    grad = json.loads(cg("grad", "f.cg", *VALUES, "--all", "--format", "json").out)["grad"]
    assert grad == {"a": 2.0, "b": 7.0, "c": -5.0, "d": 2.0, "e": 5.0, "y": 1.0}


def test_grad_of_several_outputs_names_the_choices() -> None:
    result = cg("grad", "-e", TWO, "--a", "3")
    assert (result.status, result.out) == (2, "")
    assert "--of" in result.err
    assert "y and z" in result.err


def test_grad_leaves_ints_out_and_refuses_them_by_name() -> None:
    assert cg("grad", "-e", TWO, "--a", "3", "--of", "z").out == "z = 6\ndz/da = 2\n"
    result = cg("grad", "-e", TWO, "--a", "3", "--of", "z", "--wrt", "n")
    assert result.status == 2
    assert "`n` is int" in result.err


def test_grad_offers_the_nearest_name() -> None:
    assert "did you mean `width`?" in cg("grad", "-e", "y = width^2", "--width", "1", "--wrt", "widht").err
    assert "did you mean `height`?" in cg("grad", "-e", "height = a^2", "--a", "1", "--of", "heigth").err


def test_grad_hessian_adds_the_second_derivatives() -> None:
    out = json.loads(cg("grad", "-e", "y = a*a*b", "--a", "2", "--b", "3", "--hessian", "--format", "json").out)
    assert out["hessian"] == {"a": {"a": 6.0, "b": 4.0}, "b": {"a": 4.0, "b": 0.0}}
    assert set(out) == {"of", "value", "grad", "hessian"}
    lines = cg("grad", "-e", "y = a*a*b", "--a", "2", "--b", "3", "--hessian").out.splitlines()
    assert lines[3:] == ["d2y/da/da = 6", "d2y/da/db = 4", "d2y/db/da = 4", "d2y/db/db = 0"]


def test_grad_jacobian_takes_the_place_of_grad() -> None:
    out = json.loads(cg("grad", "f.cg", *VALUES, "--jacobian", "--format", "json").out)
    assert out == {"of": "y", "value": 10.0, "jacobian": {"a": 2.0, "b": 7.0, "c": -5.0}}


def test_grad_symbolic_needs_no_values_and_says_so_when_it_gets_some() -> None:
    assert cg("grad", "f.cg", "--symbolic") == (0, "dy/da = e\ndy/db = d + e\ndy/dc = -d\n", "")
    result = cg("grad", "f.cg", "--symbolic", "--a", "2")
    assert result.status == 0
    assert "`--symbolic`" in result.err
    assert cg("grad", "f.cg", "--symbolic", "--q", "2").status == 2
    out = json.loads(cg("grad", "f.cg", "--symbolic", "--format", "json").out)
    assert out["symbolic"][0] == "dy/da = e"


def test_grad_check_agrees_with_differences() -> None:
    result = cg("grad", "f.cg", *VALUES, "--check")
    assert (result.status, result.err) == (0, "")
    assert len(result.out.splitlines()) == 3
    check = json.loads(cg("grad", "f.cg", *VALUES, "--check", "--format", "json").out)["check"]
    assert check["b"]["derivative"] == 7.0
    assert check["b"]["difference"] == pytest.approx(7.0)
    assert {each["verdict"] for each in check.values()} == {"ok"}


def test_grad_check_reports_a_kink_as_such() -> None:
    result = cg("grad", "-e", "abs(x)", "--x", "0", "--check")
    assert (result.status, result.err) == (0, "")
    assert "kink" in result.out


def test_grad_check_exits_with_1_where_they_disagree() -> None:
    # what a stop_gradient hides from the derivative, differences see
    result = cg("grad", "-e", "stop_gradient(x) * x", "--x", "3", "--check")
    assert result.status == 1
    assert "wrong" in result.out
    assert result.err.startswith("error: ")


# ---- show


def test_show_without_values_shows_the_graph() -> None:
    result = cg("show", "f.cg")
    assert (result.status, result.err) == (0, "")
    assert all(name in result.out for name in "abcdey")


def test_show_with_values_shows_values_and_gradients() -> None:
    out = cg("show", "f.cg", *VALUES).out
    assert "10" in out
    assert "-5" in out


def test_show_with_some_values_names_the_missing() -> None:
    assert "no value is given for b and c" in cg("show", "f.cg", "--a", "2").err


def test_show_of_several_outputs_leaves_gradients_out_and_says_so() -> None:
    result = cg("show", "-e", TWO, "--a", "3")
    assert result.status == 0
    assert "--of" in result.err
    assert cg("show", "-e", TWO, "--a", "3", "--of", "z").err == ""


def test_show_tree() -> None:
    assert cg("show", "f.cg", "--tree", *VALUES).out.splitlines()[0].startswith("y")


# ---- render


@pytest.mark.parametrize(
    ("suffix", "start"), [("svg", b"<?xml"), ("png", b"\x89PNG"), ("pdf", b"%PDF"), ("dot", b"digraph")]
)
def test_render_writes_a_picture(suffix: str, start: bytes) -> None:
    result = cg("render", "f.cg", *VALUES, "-o", f"out.{suffix}")
    assert (result.status, result.out) == (0, "")
    assert Path(f"out.{suffix}").read_bytes().startswith(start)


def test_render_without_a_target_writes_into_the_working_folder_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    Path("sub/g.cg").write_text(ARTICLE)
    result = cg("render", "sub/g.cg")
    assert (result.status, result.out) == (0, "")
    assert "g.svg" in result.err
    assert Path("g.svg").exists()
    assert "out.svg" in cg("render", "-e", "a + b").err
    assert Path("out.svg").exists()


def test_render_of_several_outputs_shows_values_only_and_says_so() -> None:
    result = cg("render", "-e", TWO, "--a", "3", "-o", "out.dot")
    assert result.status == 0
    assert "--of" in result.err


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("out.gif", ".svg"),
        ("out", ".svg"),
    ],
)
def test_render_into_another_kind_of_file_is_an_error(target: str, said: str) -> None:
    result = cg("render", "f.cg", "-o", target)
    assert result.status == 2
    assert said in result.err
    assert not Path(target).exists()


@pytest.mark.parametrize("target", ["none/out.svg", "folder.svg", "f.cg/out.svg"])
def test_a_picture_that_cannot_be_written_is_status_1(target: str) -> None:
    Path("folder.svg").mkdir()
    result = cg("render", "f.cg", "-o", target)
    assert (result.status, result.out) == (1, "")
    assert result.err.startswith("error: ")
    assert sorted(os.listdir()) == ["f.cg", "folder.svg"]


def test_a_disk_that_is_full_leaves_the_old_file_as_it_was() -> None:
    Path("out.dot").write_text("old")
    done = process(
        "render",
        "f.cg",
        "-o",
        "out.dot",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100)),
    )
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert Path("out.dot").read_text() == "old"
    assert sorted(os.listdir()) == ["f.cg", "out.dot"]


# ---- check


def test_check_sums_up_a_program_without_mistakes() -> None:
    assert cg("check", "f.cg") == (0, "ok: 3 implicit inputs (a, b and c), 1 output (y)\n", "")
    assert cg("check", "-e", TWO).out == "ok: 2 inputs (a and n), 2 outputs (y and z)\n"


def test_check_prints_its_diagnostics_on_standard_output() -> None:
    result = cg("check", "-e", "y = (a +")
    assert (result.status, result.err) == (2, "")
    assert result.out.startswith("error: ")


def test_check_reports_all_wrong_names_together() -> None:
    result = cg("check", "-e", "input a; y = a + b1; z = b2")
    assert result.out.count("error: ") == 2


def test_check_with_warnings_alone_is_done() -> None:
    result = cg("check", "-e", "width = a\ny = width * widht")
    assert result.status == 0
    assert result.out.startswith("warning: ")


def test_check_writes_json_for_editors() -> None:
    result = cg("check", "-e", "x = 1\ny = (x +", "--format", "json")
    assert (result.status, result.err) == (2, "")
    (found,) = json.loads(result.out)["diagnostics"]
    assert (found["severity"], found["file"], found["line"]) == ("error", "-e", 2)
    out = json.loads(cg("check", "f.cg", "--format", "json").out)
    assert out["diagnostics"] == []
    assert [each["name"] for each in out["inputs"]] == ["a", "b", "c"]
    assert out["outputs"] == ["y"]


# ---- fmt


def test_fmt_rewrites_the_file_in_place() -> None:
    Path("g.cg").write_text("y=a+b   # sum\n")
    result = cg("fmt", "g.cg")
    assert (result.status, result.out) == (0, "")
    assert "g.cg" in result.err
    laid_out = Path("g.cg").read_text()
    assert laid_out.startswith("y = a + b")
    assert "# sum" in laid_out
    assert cg("fmt", "g.cg") == (0, "", "")
    assert Path("g.cg").read_text() == laid_out


def test_fmt_prints_what_is_no_file() -> None:
    assert cg("fmt", "-", stdin="y=a+b").out == "y = a + b\n"
    assert cg("fmt", "-e", "y=a+b").out == "y = a + b\n"


def test_fmt_check_changes_nothing_and_tells_what_would() -> None:
    Path("g.cg").write_text("x = 1\ny=x+b\n")
    result = cg("fmt", "--check", "g.cg")
    assert (result.status, result.err) == (1, "")
    assert "-y=x+b" in result.out.splitlines()
    assert "+y = x + b" in result.out.splitlines()
    assert Path("g.cg").read_text() == "x = 1\ny=x+b\n"
    cg("fmt", "g.cg")
    assert cg("fmt", "--check", "g.cg") == (0, "", "")


def test_fmt_check_tells_that_the_last_line_break_is_missing() -> None:
    Path("g.cg").write_text("y = a")
    result = cg("fmt", "--check", "g.cg")
    assert (result.status, result.out.splitlines()[-2:]) == (1, [" y = a", "+"])


def test_fmt_leaves_a_wrong_program_as_it_is() -> None:
    Path("g.cg").write_text("y=(a+")
    assert cg("fmt", "g.cg").status == 2
    assert Path("g.cg").read_text() == "y=(a+"


def test_fmt_follows_a_link_to_the_file(tmp_path: Path) -> None:
    Path("g.cg").write_text("y=a+b")
    os.symlink("g.cg", "link.cg")
    cg("fmt", "link.cg")
    assert os.path.islink("link.cg")
    assert Path("g.cg").read_text() == "y = a + b\n"


# ---- samples


def test_samples_are_listed_with_what_they_show() -> None:
    result = cg("samples")
    assert (result.status, result.err) == (0, "")
    lines = result.out.splitlines()
    assert any(line.startswith("article ") for line in lines)
    assert all(len(line.split(maxsplit=1)) == 2 for line in lines)


@pytest.mark.parametrize("name", ["article", "article.cg"])
def test_a_sample_is_copied_here_and_runs(name: str) -> None:
    assert cg("samples", name).status == 0
    assert cg("grad", "article.cg", *VALUES).out.startswith("y = 10\n")


def test_every_sample_can_be_copied_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for line in cg("samples").out.splitlines():
        name = line.split()[0]
        (tmp_path / name).mkdir()
        monkeypatch.chdir(tmp_path / name)
        assert cg("samples", name).status == 0
        assert cg("check", f"{name}.cg").status == 0, name


def test_a_sample_never_overwrites_a_file() -> None:
    Path("article.cg").write_text("mine")
    result = cg("samples", "article")
    assert result.status == 2
    assert "`article.cg` is already here" in result.err
    assert Path("article.cg").read_text() == "mine"


def test_all_samples_are_copied_here_and_are_complete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "all").mkdir()
    monkeypatch.chdir(tmp_path / "all")
    result = cg("samples", "--all")
    assert (result.status, result.out) == (0, "")
    names = [line.split()[0] for line in cg("samples").out.splitlines()]
    assert cg("check", *(f"{name}.cg" for name in names)).status == 0
    source = Path(__file__).parents[1] / "samples"
    copies = [path for path in Path().rglob("*") if path.is_file()]
    assert result.err.splitlines() == [f"wrote {path}" for path in sorted(copies, key=lambda p: (len(p.parts), p))]
    assert all(path.read_bytes() == (source / path).read_bytes() for path in copies)
    assert {path.name for path in copies} >= {path.name for path in source.iterdir() if path.is_file()}


@pytest.mark.parametrize("there", ["tree.cg", "parts/losses.cg", "line.csv"])
def test_all_samples_are_copied_or_none(there: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "all" / "parts").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "all")
    Path(there).write_text("mine")
    result = cg("samples", "--all")
    assert (result.status, result.out) == (2, "")
    assert f"`{there}` is already here" in result.err
    assert [str(path) for path in Path().rglob("*") if path.is_file()] == [there]
    assert Path(there).read_text() == "mine"


def test_one_sample_and_all_of_them_is_an_error() -> None:
    assert cg("samples", "article", "--all").status == 2
    assert not Path("article.cg").exists()


def test_an_unknown_sample_is_an_error_with_an_offer() -> None:
    result = cg("samples", "artcle")
    assert (result.status, result.out) == (2, "")
    assert "did you mean `article`?" in result.err


@pytest.mark.parametrize("name", ["../article", "/etc/passwd", "errors/x", ".", ""])
def test_a_sample_is_named_not_reached_by_a_path(name: str) -> None:
    assert cg("samples", name).status == 2
