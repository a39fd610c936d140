"""Which files a program may import: those in its folder, and the modules of the standard library."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from cgcli.diagnostics.diagnostic import CgError, Diagnostic, Label, error, unknown_name
from cgcli.diagnostics.source import Span
from cgcli.files.source_files import require_local, working_folder

from .foreign import MODULES

STDLIB = Path(__file__).parent / "stdlib"


def library_path(name: str) -> Path | None:
    """The file of a module of the standard library, None for an unknown name."""
    return STDLIB / f"{name}.cg" if name in library_names() else None


def library_file(name: str, span: Span) -> Path:
    """As `library_path`. Raises CgError for an unknown name; span: of the import."""
    path = library_path(name)
    if path is None:
        if name in MODULES:
            raise error("foreign-library", span)
        raise error("unknown-library", **unknown_name(name, library_names()))
    return path


def library_names() -> list[str]:
    return sorted(path.stem for path in STDLIB.glob("*.cg"))


def library_of(function: str) -> str | None:
    """The first module of the standard library that defines a function of this name."""
    declaration = re.compile(rf"^fn {re.escape(function)}\(", re.MULTILINE)
    texts = ((name, (STDLIB / f"{name}.cg").read_text(encoding="utf-8")) for name in library_names())
    return next((name for name, text in texts if declaration.search(text)), None)


def resolve_import(
    importing_file: Path | None,
    target: str,
    root: Path,
    allowed: Sequence[Path] = (),
    links: dict[str, str] | None = None,
) -> Path:
    """The real path of an imported file: relative to the file that imports it (None: to `root`), inside `root` or one
    of `allowed` after symbolic links. links: is given the path before these, and the real one."""
    require_local(target)
    folder = root if importing_file is None else importing_file.parent
    try:
        path = Path(os.path.realpath(folder / target))
        roots = [Path(os.path.realpath(base)) for base in (root, *allowed)]
    except (OSError, ValueError) as problem:  # a NUL in the name
        raise error("file-unreadable", file=target, reason=str(problem).lower()) from None
    if not any(path.is_relative_to(base) for base in roots):
        linked = target != ".." and ".." not in Path(target).parts and not Path(target).is_absolute()
        raise error(
            "import-outside-link" if linked else "import-outside", file=target, root=roots[0], folder=path.parent
        )
    if links is not None:
        links[os.path.join(working_folder(), folder, target)] = str(path)
    return path


def at_import(problem: CgError, span: Span) -> CgError:
    """The same error with the span of the `import` as its label, where it has none."""
    pointed = (Diagnostic(d.code, d.labels or (Label(span),), d.values, d.severity) for d in problem.diagnostics)
    return CgError(*pointed, status=problem.status)
