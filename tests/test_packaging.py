"""The package works from a wheel, from a wheel of the sdist, and in place; nothing but `cgcli` is installed."""

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def call(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run([str(c) for c in command], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A wheel, and a wheel made from the sdist."""
    out = tmp_path_factory.mktemp("dist")
    call(sys.executable, "-m", "build", "--no-isolation", "--sdist", "--outdir", out, ROOT)
    call(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out / "wheel", ROOT)
    unpacked = out / "unpacked"
    unpacked.mkdir()
    call("tar", "-xzf", next(out.glob("*.tar.gz")), "-C", unpacked)
    source = next(unpacked.iterdir())
    call(sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", out / "again", source)
    return {
        "wheel": next((out / "wheel").glob("*.whl")),
        "sdist": next((out / "again").glob("*.whl")),
        "editable": ROOT,
    }


@pytest.mark.parametrize("kind", ["wheel", "sdist", "editable"])
def test_installed(kind: str, packages: dict[str, Path], tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"
    site = Path(call(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=tmp_path).strip())
    before = {p.name for p in site.iterdir()}
    edit = ["--editable"] if kind == "editable" else []
    # what the package needs comes from the environment of the tests, so that nothing is downloaded
    borrowed = site / "zz_borrowed.pth"
    borrowed.write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    call(
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
        "--no-build-isolation",
        *edit,
        packages[kind],
    )
    new = {p.name for p in site.iterdir()} - before - {borrowed.name}
    modules = {name for name in new if not name.endswith((".dist-info", ".pth")) and name != "__pycache__"}
    assert modules <= {"cgcli", "_editable_impl_cgcli.py"}

    cg = home / "bin" / "cg"
    assert call(cg, "eval", "-e", "1 + 2", cwd=tmp_path) == "out = 3\n"
    assert "article" in call(cg, "samples", cwd=tmp_path)
    call(cg, "samples", "article", cwd=tmp_path)
    call(cg, "render", "article.cg", "--a", "2", "--b", "3", "--c", "1", "-o", "article.svg", cwd=tmp_path)
    assert (tmp_path / "article.svg").read_text(encoding="utf-8").startswith("<?xml")
    where = call(python, "-c", "import cgcli; print(cgcli.__file__)", cwd=tmp_path)
    assert str(ROOT if kind == "editable" else home) in where
