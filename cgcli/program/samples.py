"""The programs that come with the tool: their folder, their headlines, and a copy of one with its imports and data."""

from __future__ import annotations

import re
from contextlib import ExitStack
from pathlib import Path

from cgcli.diagnostics.diagnostic import EMPTY, error
from cgcli.diagnostics.suggest import nearest
from cgcli.files.writing import atomic_file, cannot_write


def folder() -> Path:
    """Where the samples are: inside the installed package, else in the checkout around it."""
    package = Path(__file__).resolve().parent.parent
    inside = package / "samples"
    return inside if inside.is_dir() else package.parent / "samples"


def sample_files() -> list[Path]:
    """The samples in the order of their names."""
    return sorted(folder().glob("*.cg"))


def headline(path: Path) -> str:
    """The first sentence of the sample's opening comment, as far as it is on the first line."""
    first = path.read_text(encoding="utf-8").partition("\n")[0]
    return first.lstrip("# ").partition(". ")[0].rstrip(" .,:;") if first.startswith("#") else ""


def copy_here(name: str | None) -> list[str]:
    """Copies a sample (None: all of them), its data and what it imports into the working folder; a line for each file.

    Raises `CgError` for an unknown name, for a file that is there already and for one that cannot be written; nothing
    is copied then.
    """
    samples = {path.stem: path for path in sample_files()}
    if name is not None and name not in samples:
        raise error("unknown-sample", name=name or EMPTY, nearest=nearest(name, list(samples)))
    files = sorted(filter(Path.is_file, folder().iterdir())) if name is None else [samples[name]]
    for path in files:  # a worklist: grows by the imports and data of its programs
        if path.suffix == ".cg":
            files += [other for other in (*_imports(path), *_data(path)) if other not in files]
    copies = {path: path.relative_to(folder()) for path in files}
    for copy in copies.values():
        if copy.exists() or copy.is_symlink():
            raise error("file-exists", file=str(copy))
    with ExitStack() as stack:  # no file gets its name before all are written
        for path, copy in copies.items():
            _make_folder(copy.parent)
            file = stack.enter_context(atomic_file(copy, new=True))
            file.write(path.read_bytes())
            file.flush()  # a full disk fails now
    return [f"wrote {copy}" for copy in copies.values()]


def _imports(path: Path) -> list[Path]:
    """The sample files that a sample imports by lines such as `import "parts/name.cg"`."""
    lines = path.read_text(encoding="utf-8").splitlines()
    targets = [line.split('"')[1] for line in lines if line.startswith('import "') and line.count('"') >= 2]
    return [path.parent / target for target in targets]


def _data(path: Path) -> list[Path]:
    """The data that a sample's opening comment names, as `samples/line.csv`."""
    comment = []
    for line in path.read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        comment.append(line)
    names = re.findall(r"samples/([\w.]*\w)", "\n".join(comment))
    files = [path.parent / name for name in dict.fromkeys(names) if not name.endswith(".cg")]
    return [file for file in files if file.is_file()]


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(exist_ok=True)
    except OSError as problem:
        raise cannot_write(folder, problem) from None
