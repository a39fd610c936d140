"""Texts of users in LaTeX."""

from __future__ import annotations

from cgcli.diagnostics.escape import show

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "−": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "·": r"\ensuremath{\cdot}",
    "∂": r"\ensuremath{\partial}",
    "∞": r"\ensuremath{\infty}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
    "≠": r"\ensuremath{\neq}",
    "¬": r"\ensuremath{\neg}",
    "∧": r"\ensuremath{\wedge}",
    "∨": r"\ensuremath{\vee}",
    "‖": r"\ensuremath{\|}",
    "…": r"\ldots{}",
    "√": r"\ensuremath{\surd}",
    **{sign: rf"\ensuremath{{^{{{digit}}}}}" for sign, digit in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-", strict=True)},
}


def latex_text(text: str) -> str:
    """User text as LaTeX; a character that pdfLaTeX cannot print stands as its number."""
    return "".join(_ESCAPED.get(c) or (c if c.isascii() else _other(c)) for c in show(text))


def _other(c: str) -> str:
    """Letters of the Latin alphabet with their accents pass; Greek ones are those of mathematics."""
    if "\u00c0" <= c <= "\u017e":
        return c
    from unicodedata import name

    words = name(c, "").split()
    if words[:2] == ["GREEK", "SMALL"] and words[-1].isalpha():
        sign = {"LAMDA": "lambda", "OMICRON": "o"}.get(words[-1], words[-1].lower())
        return rf"\ensuremath{{{sign if sign == 'o' else chr(92) + sign}}}"
    return rf"[U+{ord(c):04X}]"
