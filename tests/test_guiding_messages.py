"""Messages that say what to do next: each has the one line that mends the program or the call."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from cli_harness import ARTICLE, cg

from cgcli import parse
from cgcli.cli.app import COMMANDS, OTHER_NAMES


def helps(err: str) -> list[str]:
    """The lines of help of an error."""
    return [line.partition("= help: ")[2] for line in err.splitlines() if "= help: " in line]


def only_help(err: str) -> str:
    (line,) = helps(err)
    return line


# ---- tensors without declarations

USED_AS_TENSORS = [
    ("h = sigmoid(W1 @ x)", "input W1: float[n, m]; input x: float[m]"),
    ("y = W2 @ sigmoid(W1 @ x) + b", "input W2: float[k, n]; input W1: float[n, m]; input x: float[m]; input b"),
    ("h = tanh(W1 @ x)\ny = W2 @ h", "input W1: float[n, m]; input x: float[m]; input W2: float[k, n]"),
    ("y = x @ W", "input x: float[n]; input W: float[n, m]"),
    ("y = A @ B @ x", "input A: float[n, m]; input B: float[m, k]; input x: float[k]"),
    ("y = A @ A", "input A: float[n, n]"),
    ("y = x @ x", "input x: float[n]"),
    ("param w: float[2] = 0\ny = w @ x", "input x: float[2]"),
    ("y = x[0]", "input x: float[n]"),
    ("y = x[1:]", "input x: float[n]"),
    ("y = x[0, 1] * c", "input x: float[n, m]; input c"),
    ("y = x[0][1]", "input x: float[n, m]"),
    ("y = x[i]", "input x: float[n]; input i: int"),
    ("y = (x + 1)[0]", "input x: float[n]"),
    ("y = sin(x)[0]", "input x: float[n]"),
    ("n = 3\ny = x[0] * n", "input x: float[m]"),
    ("y = len(x)", "input x: float[n]"),
    ("y = shape(x)[1]", "input x: float[n, m]"),
    ("y = sum(x, axis=0) + a", "input x: float[n]; input a"),
    ("y = mean((x - t)^2, axis=1)", "input x: float[n, m]; input t: float[n, m]"),
    ("y = max(x, axis=-2)", "input x: float[n, m]"),
    ("y = x.T", "input x: float[n, m]"),
    ("y = 0\nfor v in x { y = y + v }", "input x: float[n]"),
    ("y = 0\nfor i in 0..len(x) { y = y + x[i] }", "input x: float[n]"),
    ("y = dot(a, b)", "input a: float[n]; input b: float[n]"),
    ("y = outer(a, b)", "input a: float[n]; input b: float[m]"),
    ("y = det(A)", "input A: float[n, n]"),
    ("y = solve(A, b)", "input A: float[n, n]; input b: float[n]"),
    ("y = transpose(x, [1, 0])", "input x: float[n, m]"),
    ("y = concat([a, b])", "input a: float[n]; input b: float[n]"),
    ("y = argsort(x)[0]", "input x: float[n]"),
    ('y = einsum("ij,jk->ik", a, b)', "input a: float[n, m]; input b: float[m, k]"),
    ("import nn\ny = nn.softmax(x)", "input x: float[n]"),
    ("fn f(v) = v[0]\ny = f(x)", "input x: float[n]"),
    ("t = [1, 2, 3]\ny = t[i]", "input i: int"),
    ("t = [1, 2, 3]\ny = sum(t[0:n])", "input n: int"),
    ("y = sum(zeros([2, n]))", "input n: int"),
    ("y = 0\nfor i in 0..n { y = y + i }", "input n: int"),
]


@pytest.mark.parametrize(("program", "declarations"), USED_AS_TENSORS)
@pytest.mark.parametrize("mode", ["static", "dynamic"])
def test_an_input_that_is_used_as_a_tensor_is_to_be_declared(program: str, declarations: str, mode: str) -> None:
    values = [f"--{each.split(':')[0].split()[1]}=1" for each in declarations.split("; ")] if mode == "dynamic" else []
    result = cg("eval", "-e", program, "--mode", mode, *values)
    assert result.status > 0
    assert f"`{declarations}`" in only_help(result.err)


@pytest.mark.parametrize(("program", "declarations"), USED_AS_TENSORS)
def test_the_declarations_mend_the_program(program: str, declarations: str) -> None:
    parse(f"{declarations}\n{program}")


@pytest.mark.parametrize("command", ["show", "grad", "plan", "render"])
def test_every_command_says_so(command: str) -> None:
    assert "`input x: float[n]`" in only_help(cg(command, "-e", "x[0]").err)


def test_the_sizes_are_those_of_the_values(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones(2))
    (tmp_path / "v.json").write_text('{"x": [1, 2]}')
    for x in (["--x", "[1, 2]"], ["--x", f"@{tmp_path}/x.npy"], ["--inputs", str(tmp_path / "v.json")]):
        result = cg("eval", "-e", "y = W @ x + b", "--W", "[[1, 2], [3, 4]]", *x)
        assert "`input W: float[2, 2]; input x: float[2]; input b`" in only_help(result.err)


def test_a_tensor_for_an_input_without_a_declaration_is_to_be_declared(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.ones((3, 2)))
    given = cg("eval", "-e", "a * x", "--x", "[1, 2]", "--a", "3")
    assert "`input a; input x: float[2]`" in only_help(given.err)
    from_file = cg("eval", "-e", "a * x", "--x", f"@{tmp_path}/x.npy", "--a", "3")
    assert "`input a; input x: float[3, 2]`" in only_help(from_file.err)


@pytest.mark.parametrize(
    ("name", "text"), [("t.csv", 'x,a\n"[1, 2]",3\n'), ("t.jsonl", '{"x": [1, 2], "a": 3}\n'), ("t.npz", "")]
)
def test_a_column_of_tensors_for_such_an_input_is_to_be_declared(tmp_path: Path, name: str, text: str) -> None:
    table = tmp_path / name
    if text:
        table.write_text(text)
    else:
        np.savez(table, x=np.ones((4, 2)), a=np.ones(4))
    result = cg("eval", "-e", "a * x", "--data", str(table))
    assert "`input a; input x: float[2]`" in only_help(result.err)


def test_an_input_with_a_declaration_keeps_its_help() -> None:
    result = cg("eval", "-e", "input x\ny = x @ [1, 2]")
    assert "write `*`" in only_help(result.err)


def test_a_number_that_is_no_input_keeps_its_help() -> None:
    result = cg("eval", "-e", "s = 2\ny = s[0] + x")
    assert "leave the index out" in only_help(result.err)


# ---- derivatives

TENSOR = "input x: float[2]\nh = x^2"


@pytest.mark.parametrize("call", [["grad"], ["grad", "--of", "h"], ["explain"], ["grad", "--hessian"]])
def test_only_a_number_has_a_gradient(call: list[str]) -> None:
    command, *options = call
    result = cg(command, "-e", TENSOR, "--x", "[1, 2]", *options)
    assert result.status == 2
    assert "`h` is a tensor" in result.err
    assert "`cg grad --jacobian`" in only_help(result.err)
    assert "`total = sum(h)`" in only_help(result.err)


def test_both_ways_to_differentiate_a_tensor_work() -> None:
    assert cg("grad", "-e", TENSOR, "--x", "[1, 2]", "--jacobian").status == 0
    assert cg("grad", "-e", f"{TENSOR}\ntotal = sum(h)", "--x", "[1, 2]").status == 0


@pytest.mark.parametrize(
    ("program", "operation", "line"),
    [
        ("input x: float[4]\ny = sum(sort(x))", "sort(x)", 2),
        ("input x: float[4]\nz = 2 * x\ny = prod(z)", "prod(z)", 3),
        ("y = 0\nfor k in 0..3 {\n  y = y + x^k\n}", "for k in 0..3", 2),
        ("input x: float[5]\ny = sum(x[::2])", "x[::2]", 2),
    ],
)
def test_what_has_no_formula_is_named_with_its_line(program: str, operation: str, line: int) -> None:
    result = cg("grad", "-e", program, "--symbolic")
    assert result.status == 1
    assert f"error: the derivative of `{operation}` has no formula" in result.err
    assert f"--> -e:{line}:" in result.err


# ---- options and inputs

PROGRAM_COMMANDS = ["eval", "grad", "explain", "show", "render", "plot", "plan", "trace", "step", "train", "check"]


@pytest.fixture
def article(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The file of the article in the working folder."""
    monkeypatch.chdir(tmp_path)
    Path("f.cg").write_text(ARTICLE)
    return "f.cg"


@pytest.mark.parametrize("command", PROGRAM_COMMANDS)
@pytest.mark.parametrize("word", [["--silent"], ["--open"], ["--fantastic", "3"], ["--fantastic=3"]])
def test_a_word_that_is_neither_option_nor_input_is_told_so(article: str, command: str, word: list[str]) -> None:
    result = cg(command, article, *word)
    assert result.status == 2
    assert f"there is no option and no input `{word[0].partition('=')[0]}`" in result.err
    assert only_help(result.err) == f"the inputs are a, b and c; `cg {command} --help` lists the options"


@pytest.mark.parametrize("command", ["fmt", "weights", "samples", "help"])
def test_commands_without_inputs_say_where_their_options_are(article: str, command: str) -> None:
    result = cg(command, article, "--fantastic")
    assert (result.status, only_help(result.err)) == (2, f"`cg {command} --help` lists the options")


@pytest.mark.parametrize(
    ("program", "word", "nearest"),
    [("y = rate", "--raet", "--rate"), ("y = rate", "--formt", "--format"), ("quality", "--qualty=3", "--quality")],
)
def test_the_nearest_of_options_and_inputs_is_offered(program: str, word: str, nearest: str) -> None:
    assert only_help(cg("eval", "-e", program, word).err) == f"did you mean `{nearest}`?"


def test_an_input_without_a_value_is_still_told_to_have_none(article: str) -> None:
    assert "`--a` has no value" in cg("eval", article, "--a").err


@pytest.mark.parametrize(
    ("call", "choices"),
    [
        (["render", "-o", "m.onnx"], ".svg, .png, .pdf"),
        (["render", "--theme", "neon"], "light, dark and print"),
        (["render", "--format", "yaml"], "svg, png, pdf"),
        (["eval", "--format", "yaml"], "table, plain, json and csv"),
        (["eval", "--mode", "lazy"], "static and dynamic"),
        (["eval", "--backend", "gpu"], "numpy and reference"),
        (["eval", "--color", "blue"], "auto, always and never"),
        (["check", "--format", "yaml"], "plain and json"),
    ],
)
def test_a_choice_that_there_is_not_lists_those_there_are(article: str, call: list[str], choices: str) -> None:
    command, *options = call
    result = cg(command, article, *options)
    assert result.status == 2
    assert choices in only_help(result.err)


# ---- tables that do not fit


def table(name: str, text: str | bytes) -> str:
    Path(name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return name


@pytest.mark.parametrize(
    ("header", "usage"),
    [
        ("price,size,year", "--map a=price --map b=size --map c=year"),
        ("price,size", "--map a=price --map b=size --c VALUE"),
        ("living area,size,it's", """--map a='living area' --map b=size --map c='it'"'"'s'"""),
    ],
)
def test_columns_of_other_names_are_shown_with_the_map_to_paste(article: str, header: str, usage: str) -> None:
    rows = "1,2,3" if header.count(",") == 2 else "1,2"
    result = cg("eval", article, "--data", table("t.csv", f"{header}\n{rows}\n"))
    assert result.status == 2
    assert "and the inputs are a, b and c" in only_help(result.err)
    assert only_help(result.err).endswith(f"say `{usage}`")


def test_the_map_to_paste_works(article: str) -> None:
    data = table("t.csv", "price,size,year\n2,3,1\n")
    result = cg("eval", article, "--data", data, "--map", "a=price", "--map", "b=size", "--map", "c=year")
    assert result.out == "y\n10.0\n"


def test_a_column_of_nearly_the_name_is_the_one_that_is_mapped(tmp_path: Path) -> None:
    Path(tmp_path, "t.csv").write_text("id,Rate,tme\n1,2,3\n")
    result = cg("eval", "-e", "rate * time", "--data", f"{tmp_path}/t.csv")
    assert only_help(result.err).endswith("say `--map rate=Rate --map time=tme`")


def test_an_input_that_a_fitting_table_lacks_is_asked_for_as_ever(article: str) -> None:
    result = cg("eval", article, "--data", table("t.csv", "a,b,year\n1,2,3\n"))
    assert only_help(result.err) == "say `--c VALUE`"


def test_training_says_the_same(article: str) -> None:
    data = table("t.csv", "price,cost\n1,2\n")
    result = cg("train", "-e", "input x\ninput t\nparam w = 1\nloss = (w*x - t)^2", "--loss", "loss", "--data", data)
    assert only_help(result.err).endswith("say `--map x=price --map t=cost`")


@pytest.mark.parametrize(
    ("name", "text", "title", "fix"),
    [
        ("t.csv", "a;b;c\n1,5;2;3\n", "column `a`: 1,5 is no float", "write it as `1.5`"),
        ("t.csv", "# from the lab\na,b,c\n1,2,3\n", "is a comment, `# from the lab`", "remove it"),
        ("t.csv", gzip.compress(b"a,b,c\n1,2,3\n", mtime=0), "is compressed", "`gunzip < t.csv > unpacked.csv`"),
        ("t.jsonl", gzip.compress(b'{"a": 1}\n', mtime=0), "is compressed", "`gunzip < t.jsonl > unpacked.jsonl`"),
        ("t.npz.gz", gzip.compress(b"PK", mtime=0), "is no table of a known kind", "tables are .csv, .tsv, .jsonl"),
        ("t.csv", b"PK\x03\x04\x14\x00\xff\xfe", "is compressed", "`unzip -p t.csv > unpacked.csv`"),
    ],
)
def test_what_makes_a_table_unreadable_is_recognised(
    article: str, name: str, text: str | bytes, title: str, fix: str
) -> None:
    result = cg("eval", article, "--data", table(name, text))
    assert result.status in (1, 2)
    assert title in result.err
    assert only_help(result.err).startswith(fix) or fix in only_help(result.err)


@pytest.mark.parametrize(
    ("text", "title"),
    [("x\n1\n".encode("utf-16"), "is text in UTF-16"), (gzip.compress(b"x\n1\n", mtime=0), "is compressed")],
)
def test_files_of_values_say_the_same(article: str, text: bytes, title: str) -> None:
    assert title in cg("eval", "-e", "x", "--x", f"@{table('x.csv', text)}").err


@pytest.mark.parametrize(
    ("program", "cell", "write"),
    [
        ("x", '"1,5"', "1.5"),
        ("x", '"-1,5e3"', "-1.5e3"),
        ("x", "True", "1"),
        ("x", "FALSE", "0"),
        ("input x: bool\ny = if x then 1 else 2", "tRUE", "true"),
    ],
)
def test_cells_in_the_spelling_of_other_programs_are_told_how_to_be_written(
    article: str, program: str, cell: str, write: str
) -> None:
    result = cg("eval", "-e", program, "--data", table("t.csv", f"x\n{cell}\n"))
    assert (result.status, only_help(result.err)) == (1, f"write it as `{write}`")


def test_another_cell_keeps_its_help(article: str) -> None:
    result = cg("eval", "-e", "x", "--data", table("t.csv", "x\nnone\n"))
    assert "--on-error skip" in only_help(result.err)


# ---- options that have the name of an input


@pytest.mark.parametrize(
    ("command", "program", "option", "setting"),
    [
        ("render", "input depth = 1\ny = depth", ["--depth", "3", "-o", "-"], "depth=3"),
        ("eval", "input seed = 1\ny = seed", ["--seed", "3"], "seed=3"),
        ("eval", "input format = 1\ny = format", ["--format", "json"], "format=VALUE"),
        ("eval", "input full = 1\ny = full", ["--full"], "full=VALUE"),
    ],
)
def test_an_option_of_an_inputs_name_is_the_option_and_a_note_says_so(
    command: str, program: str, option: list[str], setting: str
) -> None:
    result = cg(command, "-e", program, *option)
    assert result.status == 0
    note = f"note: `{option[0]}` is an option of `cg {command}`; the input is given by `--set {setting}`\n"
    assert result.err.count(note) == 1


def test_no_note_without_the_option_or_where_the_input_has_its_value() -> None:
    assert cg("eval", "-e", "input seed = 1\ny = seed").err == ""
    assert cg("eval", "-e", "input seed = 1\ny = seed", "--seed", "3", "--set", "seed=2").err == ""


# ---- slips on the line


@pytest.mark.parametrize(("text", "write"), [("1,5", "1.5"), ("-1,5", "1.5"), ("1,5e3", "1.5e3")])
def test_a_decimal_comma_on_the_line_is_a_point(text: str, write: str) -> None:
    result = cg("eval", "-e", "a", "--a", text)
    assert (result.status, only_help(result.err)) == (2, f"write `{write}`")


@pytest.mark.parametrize(
    "line", [["f.cg", "--wrt", "a", "b"], ["--wrt", "a", "b", "f.cg"], ["f.cg", "--wrt", "a,", "b", "--a", "1"]]
)
def test_names_of_a_list_have_commas_between_them(article: str, line: list[str]) -> None:
    result = cg("grad", *line)
    assert (result.status, only_help(result.err)) == (2, "names have commas between them: `--wrt a,b`")


def test_an_argument_too_many_elsewhere_is_no_part_of_a_list(article: str) -> None:
    assert "`g.cg` is one argument too many" in cg("grad", article, "g.cg", "--wrt", "a,b").err


@pytest.mark.parametrize("command", PROGRAM_COMMANDS)
def test_a_python_file_names_its_functions(article: str, command: str) -> None:
    Path("prog.py").write_text("def f(x):\n    return x\n\ndef g(x):\n    return 2 * x\n")
    result = cg(command, "prog.py")
    told = result.out + result.err  # what `cg check` says is its result
    assert only_help(told) == "name one of its functions: `prog.py:f` and `prog.py:g`"


def test_a_python_file_without_functions_needs_one(article: str) -> None:
    Path("prog.py").write_text("x = 1\n")
    assert only_help(cg("eval", "prog.py").err) == "write a function in it, as `def f(x): …`"


@pytest.mark.parametrize("command", [*PROGRAM_COMMANDS, "fmt"])
@pytest.mark.parametrize("file", ["softmax", "mlp.cg", "samples/mlp.cg"])
def test_the_name_of_a_sample_is_told_how_to_get_it(article: str, command: str, file: str) -> None:
    result = cg(command, file)
    stem = Path(file).stem
    expected = [f"`cg samples {stem}` writes the sample of this name"] if stem == "mlp" else []
    assert result.status == 2
    assert helps(result.out + result.err) == expected


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("gradient", "grad"),
        ("evaluate", "eval"),
        ("run", "eval"),
        ("draw", "render"),
        ("fit", "train"),
        ("chart", "plot"),
        ("format", "fmt"),
        ("version", "--version"),
        ("evall", "eval"),
    ],
)
def test_a_command_of_another_name_is_offered(name: str, command: str) -> None:
    result = cg(name, "f.cg")
    assert (result.status, only_help(result.err)) == (2, f"did you mean `cg {command}`?")


def test_every_other_name_is_that_of_a_command_there_is() -> None:
    assert set(OTHER_NAMES.values()) - {"--version"} <= set(COMMANDS)
    assert not set(OTHER_NAMES) & set(COMMANDS)


def test_another_word_leads_to_the_list_of_commands() -> None:
    assert only_help(cg("xyzzy").err) == "`cg --help` lists the commands"


@pytest.mark.parametrize("file", ["f.cg", "f.py", "f.py:g"])
def test_a_program_in_the_place_of_a_command_is_evaluated_by_one(file: str) -> None:
    assert only_help(cg(file).err) == f"to evaluate a program say `cg eval {file}`"


@pytest.mark.parametrize(
    ("topic", "nearest"),
    [("trian", "train"), ("sigmod", "sigmoid"), ("valeus", "values"), ("whlie", "while"), ("draw", "render")],
)
def test_a_misspelt_topic_is_told_the_nearest(topic: str, nearest: str) -> None:
    assert only_help(cg("help", topic).err) == f"did you mean `{nearest}`?"


def test_another_topic_leads_to_the_list_of_topics() -> None:
    assert only_help(cg("help", "xyzzy").err) == "`cg help` lists the topics"


def test_an_option_that_is_none_and_took_the_file() -> None:
    assert helps(cg("eval", "--silent", "f.cg").err)[0].startswith("`--silent` is no option: `f.cg` was read as")
    assert helps(cg("grad", "--a", "2", "--b", "f.cg").err)[0].startswith("`--b` is no option")
    assert len(helps(cg("eval", "--a", "2").err)) == 1
