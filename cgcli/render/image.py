"""DOT as SVG, PNG or PDF: Graphviz in a child process, with fonts of our own and a time limit."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple

from cgcli.graph.diagnostic import error

from .escape import dot_html

Kind = Literal["svg", "png", "pdf"]
LIMIT = 20.0  # seconds for a layout
LARGEST = 2_000  # nodes of a picture
DENSITY = 192  # dots an inch of a PNG; 96 would be one a pixel

_FONTCONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""
_IDS = re.compile(r"<title>(?:n\d+(?:&#45;&gt;n\d+)?|cluster_\d+)</title>\n")
_FALLBACKS = {"DejaVu Sans Mono": "monospace", "DejaVu Serif": "serif", "DejaVu Sans": "sans-serif"}


class Image(NamedTuple):
    """The bytes of a file, and a note for the user when the layout is not the usual one."""

    data: bytes
    note: str | None = None


def draw(dot: str, kind: Kind, title: str = "", limit: float = LIMIT) -> Image:
    """The image of a DOT text; past the time limit in a simpler layout. Raises CgError (status 1) if that fails too."""
    found = _run(dot, kind, "dot", limit)
    note = None
    if found is None:
        simple = dot.replace("digraph cg {", "digraph cg {\n\tgraph [splines=line overlap=prism]", 1)
        found = _run(simple, kind, "sfdp", limit)
        note = f"the layout took more than {limit:g} seconds; this is a simpler one"
    if found is None:
        raise error("layout-too-slow", status=1, limit=f"{limit:g}")
    return Image(_finished(found, title) if kind == "svg" else found, note)


def _run(dot: str, kind: Kind, program: str, limit: float) -> bytes | None:
    """What the child draws, or None past the limit."""
    with (
        tempfile.TemporaryDirectory(prefix="cg-") as folder,
        resources.as_file(resources.files(__package__).joinpath("fonts")) as fonts,
    ):
        settings = Path(folder) / "fonts.conf"
        settings.write_text(_FONTCONFIG.format(fonts=dot_html(str(fonts)), cache=dot_html(folder)), encoding="utf-8")
        environment = {**os.environ, "FONTCONFIG_FILE": str(settings), "FONTCONFIG_PATH": folder}
        text = dot.replace("digraph cg {", f"digraph cg {{\n\tgraph [dpi={DENSITY}]", 1) if kind == "png" else dot
        command = [sys.executable, "-m", f"{__package__}.layout_child", kind, program]
        try:
            done = subprocess.run(
                command, input=text.encode("utf-8"), capture_output=True, timeout=limit, env=environment, check=False
            )
        except subprocess.TimeoutExpired:
            return None
    if done.returncode != 0 or not done.stdout:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise error("layout-failed", status=1, reason=lines[-1] if lines else f"status {done.returncode}")
    return done.stdout


def _finished(svg: bytes, title: str) -> bytes:
    """The SVG with faces to fall back on, and a title for those who cannot see it."""
    text = svg.decode("utf-8")
    for face, generic in _FALLBACKS.items():
        text = text.replace(f'font-family="{face}"', f'font-family="{face}, {generic}"')
    text = _IDS.sub("", text)  # a name of ours would pop up where the pointer rests
    start = text.index("<svg")
    head = text[start : text.index(">", start)]
    named = text.replace("<title>cg</title>", f"<title>{dot_html(title)}</title>", 1)
    return named.replace(head, f'{head} role="img"', 1).encode("utf-8")
