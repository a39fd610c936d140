"""The package works from a wheel, from a wheel of the sdist, and in place; nothing but `cgcli` is installed."""

import os
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
from datetime import date
from pathlib import Path
from zipfile import ZipFile

import pytest
from browser import Browser, Page, executable

from cgcli.version import VERSION

ROOT = Path(__file__).parents[1]
ARTICLE = ["article.cg", "--a", "2", "--b", "3", "--c", "1"]


def call(*command: str | Path, cwd: Path = ROOT, **environment: str) -> str:
    """What a command prints on standard output; it must succeed."""
    done = subprocess.run(
        [str(c) for c in command],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def build(kind: str, source: Path, out: Path) -> Path:
    """The package of this kind, "sdist" or "wheel", that is made from the source; nothing is downloaded for it."""
    call(sys.executable, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", out, source)
    return next(out.iterdir())


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("sdist", ROOT, tmp_path_factory.mktemp("sdist"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def wheel_of_sdist(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with tarfile.open(sdist) as archive:
        archive.extractall(folder, filter="data")
    return build("wheel", next(folder.iterdir()), tmp_path_factory.mktemp("wheel_of_sdist"))


def test_both_ways_to_a_wheel_make_the_same_one(wheel: Path, wheel_of_sdist: Path) -> None:
    assert contents(wheel) == contents(wheel_of_sdist)


def test_a_wheel_holds_all_that_a_run_needs_and_nothing_else(wheel: Path) -> None:
    names = set(contents(wheel))
    (script,) = [name for name in names if ".data/" in name]
    assert script.endswith(".data/scripts/cg")
    top = {name.split("/")[0] for name in names - {script}}
    assert {name for name in top if not name.endswith(".dist-info")} == {"cgcli"}
    assert {"cgcli/py.typed", "cgcli/grammar/cg.lark", "cgcli/samples/article.cg"} <= names
    # the licence of cg, and that of the fonts
    assert len([name for name in names if "/licenses/" in name and name.endswith("LICENSE")]) == 2
    assert {Path(name).suffix for name in names if name.startswith("cgcli/render/picture/fonts/")} == {".ttf", ""}
    assert not [name for name in names if "/." in name or "__pycache__" in name]


def test_an_sdist_holds_what_its_tests_need(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = {
        "LICENSE",
        "README.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "CONTRIBUTING.md",
        "CITATION.cff",
        "tests/conftest.py",
        "grammar/cg.lark",
        "docs/article.svg",
    }
    assert wanted <= names
    assert {name.split("/")[0] for name in names if name.startswith(".")} <= {".ci", ".gitignore"}


def contents(wheel: Path) -> dict[str, int]:
    """The files of a wheel and a checksum of each."""
    with ZipFile(wheel) as archive:
        return {info.filename: info.CRC for info in archive.infolist()}


@pytest.mark.parametrize("kind", ["wheel", "editable"])
def test_installed(kind: str, request: pytest.FixtureRequest, tmp_path: Path) -> None:
    package = ["--editable", ROOT] if kind == "editable" else [request.getfixturevalue(kind)]
    home = tmp_path / "venv"
    venv.create(home, symlinks=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
    # what the package needs comes from the environment of the tests, so that nothing is downloaded
    (site / "zz_borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = [sys.executable, "-m", "pip", "--python", home / "bin" / "python"]
    call(*pip, "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation", *package)
    assert {path.name for path in site.iterdir() if path.suffix not in {".dist-info", ".pth"}} == {"cgcli"}
    code = [p for p in site.rglob("*.py") if "samples" not in p.parts]
    assert bool(code) == (kind != "editable")  # in place, there are copies of data only

    cg = home / "bin" / "cg"
    where = call(home / "bin" / "python", "-c", "import cgcli; print(cgcli.__file__)", cwd=tmp_path)
    assert Path(where.strip()).is_relative_to(ROOT if kind == "editable" else site)
    cold = {"XDG_CACHE_HOME": str(tmp_path / "cache")}  # the grammar is read, not tables of another run
    assert call(cg, "eval", "-e", "1 + 2", cwd=tmp_path, **cold) == "out = 3\n"
    assert "article" in call(cg, "samples", cwd=tmp_path)
    call(cg, "samples", "article", cwd=tmp_path)
    assert call(cg, "grad", *ARTICLE, cwd=tmp_path) == "y = 10\ndy/da = 2\ndy/db = 7\ndy/dc = -5\n"
    call(cg, "render", *ARTICLE, "-o", "article.svg", cwd=tmp_path)
    assert (tmp_path / "article.svg").read_text(encoding="utf-8").startswith("<?xml")
    call(cg, "render", *ARTICLE, "-o", "article.html", cwd=tmp_path)
    if executable() is None:
        return  # the page is opened where there is a browser; the tests of the page say that there is none
    browser = Browser(tmp_path / "profile")
    page = Page(browser)
    page.open(tmp_path / "article.html", "#a=5")
    assert (page.text("#problem"), page.complaints()) == ("", [])
    assert "16" in page.text("#inspector")  # (5 + 3) (3 - 1)
    browser.close()


def test_a_citation_names_the_version() -> None:
    """The format knows these keys and asks for some of them; each takes one line, so that no YAML reader is needed."""
    lines = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()
    fields = dict(line.split(": ", 1) for line in lines if line[0].isalpha() and ": " in line)
    lists = {line.rstrip(":") for line in lines if line[0].isalpha() and line.endswith(":")}
    assert {"cff-version", "message", "title"} <= fields.keys()
    assert fields.keys() <= {
        "cff-version",
        "message",
        "type",
        "title",
        "abstract",
        "version",
        "date-released",
        "license",
    }
    assert lists == {"authors", "keywords"}
    assert "  - name: The cg maintainers" in lines  # an entity
    assert (fields["cff-version"], fields["type"], fields["license"]) == ("1.2.0", "software", "Apache-2.0")
    assert fields["version"] == VERSION
    date.fromisoformat(fields["date-released"].strip('"'))


def test_the_metadata_names_the_pythons_that_are_tried() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = {each.rpartition(" ")[2] for each in project["classifiers"] if "Python :: 3." in each}
    run = (ROOT / ".ci/run").read_text(encoding="utf-8")
    tried = run.partition("for other in ")[2].partition(";")[0].split()
    assert named <= set(tried)
    assert project["authors"] == [{"name": "The cg maintainers"}]
    assert "urls" not in project
