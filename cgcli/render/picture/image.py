"""DOT as SVG, PNG or PDF: Graphviz in a child process, with fonts of our own and a time limit."""

from __future__ import annotations

import json
import math
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Literal, NamedTuple

from cgcli.diagnostics.diagnostic import error
from cgcli.diagnostics.escape import dot_html
from cgcli.system import alive, inheritable, owned

from .tikz import Box, Positions

Kind = Literal["svg", "png", "pdf", "json0"]
POINTS = 72.0  # an inch
LIMIT = 20.0  # seconds for a picture

_FONTCONFIG = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""
_FALLBACKS = {"DejaVu Sans Mono": "monospace", "DejaVu Serif": "serif", "DejaVu Sans": "sans-serif"}
# Graphviz's tooltips: its ids, and a link without a target that carries the tooltip of ours
_IDS = re.compile(r"<title>(?:n\d+(?:&#45;&gt;n\d+)?|cluster_\d+)</title>\n")
_TOOLTIPS = re.compile(r'<a xlink:title="([^"<>]*)">\n')


class Image(NamedTuple):
    """The bytes of a file, and a note for the user when the layout is not the usual one."""

    data: bytes
    note: str | None = None


class Attempt(NamedTuple):
    """A way to lay a graph out: Graphviz's program, the style, its share of the time limit, a note for the user."""

    program: str
    style: Literal["full", "straight", "bare"]
    share: float
    note: str | None = None


# straightening long arrows and routing them around the nodes takes long; the last resort has time enough
ATTEMPTS = (
    Attempt("dot", "full", 0.4),
    Attempt("dot", "straight", 0.2, "this large picture has a simpler layout, with straight arrows"),
    Attempt("sfdp", "bare", 1.0, "this large picture has a simpler layout, in no direction and without local partials"),
)


class _Failed(Exception):
    """The child gave no image."""


def draw(dot: str, kind: Kind, title: str = "", limit: float = LIMIT) -> Image:
    """The image of a DOT text; of one whose layout would take too long a simpler one, with a note that says so.

    title: what the picture shows, for those who cannot see it. limit: seconds, of which each attempt has its share.
    Raises CgError (status 1) when none of them succeeds.
    """
    image = _first_success(dot, kind, limit)
    return Image(_accessible(image.data, title), image.note) if kind == "svg" else image


def layout(dot: str, limit: float = LIMIT) -> tuple[Positions, str | None]:
    """Where the nodes and groups of a DOT text stand, and a note as that of an image. Raises as `draw` does."""
    image = _first_success(dot, "json0", limit)
    nodes: dict[int, Box] = {}
    groups: dict[int, Box] = {}
    for item in json.loads(image.data).get("objects", ()):
        name = item["name"]
        if name.startswith("cluster_") and "bb" in item:
            left, low, right, high = (float(x) / POINTS for x in item["bb"].split(","))
            groups[int(name[8:])] = Box((left + right) / 2, (low + high) / 2, right - left, high - low)
        elif "pos" in item:
            x, y = (float(part) / POINTS for part in item["pos"].split(","))
            nodes[int(name[1:])] = Box(x, y, float(item["width"]), float(item["height"]))
    return Positions(nodes, groups), image.note


def _first_success(dot: str, kind: Kind, limit: float) -> Image:
    """The output of Graphviz, by the first attempt that succeeds."""
    _remove_stale()
    reason = None
    for attempt in ATTEMPTS:
        try:
            return Image(_run(dot, kind, attempt, limit * attempt.share), attempt.note)
        except subprocess.TimeoutExpired:
            continue
        except _Failed as problem:
            reason = str(problem)
    if reason is not None:
        raise error("layout-failed", status=1, reason=reason)
    raise error("layout-too-slow", status=1, limit=f"{limit:g}")


def _run(dot: str, kind: Kind, attempt: Attempt, seconds: float) -> bytes:
    """The output of the child. Raises TimeoutExpired, or _Failed when it draws nothing."""
    with (
        tempfile.TemporaryDirectory(prefix=f"{_folder_prefix()}{os.getpid()}-") as folder,
        resources.as_file(resources.files(__package__).joinpath("fonts")) as fonts,
    ):
        copies = Path(folder) / "fonts"  # fontconfig writes into the folder where it finds fonts
        copies.mkdir()
        for font in fonts.glob("*.ttf"):
            shutil.copyfile(font, copies / font.name)
        settings = Path(folder) / "fonts.conf"
        settings.write_text(_FONTCONFIG.format(fonts=dot_html(str(copies)), cache=dot_html(folder)), encoding="utf-8")
        environment = {**os.environ, "FONTCONFIG_FILE": str(settings), "FONTCONFIG_PATH": folder}
        child = _child(dot, [kind, attempt.program, attempt.style], seconds, environment)
    if child.returncode != 0 or not child.stdout:
        lines = child.stderr.decode("utf-8", "replace").strip().splitlines()
        raise _Failed(lines[-1] if child.returncode > 0 and lines else f"it ended with status {child.returncode}")
    return child.stdout


def _folder_prefix() -> str:
    """The prefix of the temporary folders of this machine; another machine may share the disk."""
    return f"cg-{re.sub(r'[^A-Za-z0-9]', '', platform.node())[:40]}-"


def _remove_stale() -> None:
    """Removes the temporary folders that killed processes of ours left behind."""
    with suppress(OSError), os.scandir(tempfile.gettempdir()) as entries:
        for entry in entries:
            match = re.fullmatch(rf"{_folder_prefix()}(\d+)-\w+", entry.name)
            if match is None or not entry.is_dir(follow_symlinks=False):
                continue
            if owned(Path(entry.path)) and not alive(int(match[1])):
                shutil.rmtree(entry.path, ignore_errors=True)  # which follows no links


def _child(
    dot: str, arguments: list[str], seconds: float, environment: dict[str, str]
) -> subprocess.CompletedProcess[bytes]:
    """Runs the child by its path and with `-P`: a module of the same name in the working folder is not looked at."""
    lifeline, write_end = os.pipe()
    alarm = math.ceil(seconds) + 1
    try:
        return subprocess.run(
            [sys.executable, "-P", _layout_child(), *arguments, str(alarm), str(lifeline)],
            input=dot.encode("utf-8"),
            capture_output=True,
            timeout=seconds,
            env=environment,
            pass_fds=inheritable(lifeline),
            check=False,
        )
    finally:
        os.close(lifeline)
        os.close(write_end)


def _layout_child() -> str:
    return str(Path(__file__).with_name("layout_child.py"))


def _accessible(svg: bytes, title: str) -> bytes:
    """The SVG with faces to fall back on, and a title for those who cannot see it."""
    text = svg.decode("utf-8")
    for face, generic in _FALLBACKS.items():
        text = text.replace(f'font-family="{face}"', f'font-family="{face}, {generic}"')
    text = _TOOLTIPS.sub(_tooltip, _IDS.sub("", text)).replace("</a>\n", "")
    start = text.index("<svg")
    head = text[start : text.index(">", start)]
    named = text.replace("<title>cg</title>", f"<title>{dot_html(title)}</title>", 1)
    return named.replace(head, f'{head} role="img"', 1).encode("utf-8")


def _tooltip(link: re.Match[str]) -> str:
    """A title, which every viewer shows and reads out; nothing for an empty one."""
    return f"<title>{link[1]}</title>\n" if link[1].strip() else ""
