"""Golden programs: each file under tests/golden says in its second line what is asked of it, and in `#>` lines what
comes of it. `pytest --rewrite` writes the answers anew; the diff is read before it is committed.

    # what the case shows
    # ask: grad x=2
    y = x^2
    #> y = 4.0
    #> dy/dx = 4.0
"""

from pathlib import Path

import pytest

from cgcli import Program, parse
from cgcli.diagnostics.diagnostic import CgError
from cgcli.diagnostics.report import text
from cgcli.diagnostics.wording.messages import message_of
from cgcli.graph.printed import parse_graph
from cgcli.ops.validity import check

pytestmark = pytest.mark.portable

FOLDER = Path(__file__).parent / "golden"
CASES = sorted(FOLDER.rglob("*.cg"))


def answer(program: Program, ask: str) -> list[str]:
    """What the program gives for `graph`, `eval`, `all`, `grad`, `hessian` or `symbolic`, with `name=value` words."""
    what, *words = ask.split()
    given = dict(w.split("=", 1) for w in words)
    of = given.pop("of", None)
    values = {name: program.parse_value(name, value) for name, value in given.items()}
    if what == "graph":
        return str(program.graph).split("\n")
    if what in ("eval", "all"):
        return [f"{name} = {value}" for name, value in program.eval(values, every=what == "all").items()]
    if what == "grad":
        found = program.grad(values, of=of)
        return [f"{found.of} = {found.value}", *(f"d{found.of}/d{n} = {g}" for n, g in found.partials.items())]
    if what == "hessian":
        table = program.hessian(values, of=of)
        return [f"d2/d{p}d{q} = {x}" for p, row in table.items() for q, x in row.items()]
    assert what == "symbolic", ask
    return program.symbolic(of=of).split("\n")


@pytest.mark.parametrize("path", CASES, ids=[str(p.relative_to(FOLDER)) for p in CASES])
def test_golden(path: Path, request: pytest.FixtureRequest) -> None:
    lines = path.read_text(encoding="utf-8").split("\n")
    shown, ask = lines[0], lines[1]
    assert shown.startswith("# ")
    assert ask.startswith("# ask: ")
    body = [line for line in lines if not line.startswith("#>")]
    try:
        program = parse("\n".join(body), name=path.name, folder=path.parent)
        check(program.graph)
        assert parse_graph(str(program.graph)) == program.graph
        found = answer(program, ask.removeprefix("# ask: "))
    except CgError as e:
        found = text(e.diagnostics).rstrip("\n").split("\n")
        assert all(message_of(d).title for d in e.diagnostics)
    wanted = [line.removeprefix("#>").removeprefix(" ") for line in lines if line.startswith("#>")]
    if request.config.getoption("--rewrite"):
        kept = "\n".join(body).rstrip("\n")
        path.write_text(kept + "\n" + "".join(f"#> {line}".rstrip() + "\n" for line in found), encoding="utf-8")
    else:
        assert found == wanted
