"""The live page as one HTML file: the assets, the data and what computes, under a policy that lets nothing else run."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from functools import cache
from graphlib import TopologicalSorter
from importlib.resources import files

from .shorten import shorten_css, shorten_javascript

_ASSETS = files("cgcli.render.page") / "assets"
_MODULES = (
    "camera",
    "compute",
    "data",
    "dom",
    "frame",
    "inputs",
    "inspector",
    "keys",
    "main",
    "numbers",
    "paths",
    "picture",
    "player",
    "plot",
    "search",
    "source",
    "state",
    "table",
    "tensors",
)
_IMPORT = re.compile(r'^import \{ [^}]+ \} from "\./(\w+)\.js";$', re.MULTILINE)
_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def html(data: Mapping[str, object], passes: str) -> str:
    """The page as the text of an HTML file, the same for the same data.

    passes: a JavaScript program that defines the array `passes`, in which no text of a user occurs.
    """
    if re.search(r"</|<!--", passes):
        raise ValueError("what computes holds a mark that HTML would end the script at")
    shell, style = _shell()
    script = f'"use strict";\n{passes}\n{shell}'
    policy = (
        f"default-src 'none'; script-src '{source_hash(script)}'; style-src '{source_hash(style)}'; base-uri 'none'; "
        "form-action 'none'"
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>cg</title>\n<style>{style}</style>\n</head>\n{_asset('page.html')}"
        f'<script type="application/json" id="data">{escaped_json(data)}</script>\n'
        f"<script>{script}</script>\n</body>\n</html>\n"
    )


@cache
def _shell() -> tuple[str, str]:
    """The script and the style of every page."""
    return script_of(modules()), shorten_css(_asset("page.css"))


def escaped_json(data: Mapping[str, object]) -> str:
    """The data as JSON in which no character means anything to HTML or ends a line of JavaScript."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "backslashreplace").decode().translate(_ESCAPES)


def modules() -> dict[str, str]:
    """The page's modules of JavaScript as they were written, by name."""
    return {name: _asset(f"{name}.js") for name in _MODULES}


def script_of(modules: Mapping[str, str]) -> str:
    """The modules joined, each behind those that it imports, without imports, exports, comments and indentation."""
    imported = {name: _IMPORT.findall(text) for name, text in modules.items()}
    order = TopologicalSorter(imported).static_order()
    return shorten_javascript("{\n" + "".join(_unwrapped(modules[name]) for name in order) + "}")


def _unwrapped(module: str) -> str:
    return re.sub(r"^export ", "", _IMPORT.sub("", module), flags=re.MULTILINE)


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def source_hash(text: str) -> str:
    """A source that a policy allows: the script or the style with this text."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
