"""Names and texts of users in LaTeX."""

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
    "→": r"\ensuremath{\rightarrow}",
    **{sign: rf"\ensuremath{{^{{{letter}}}}}" for sign, letter in zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻ᵀ", "0123456789-T", strict=True)},
    **{
        sign: rf"\ensuremath{{_{{{letter}}}}}"
        for sign, letter in zip("₀₁₂₃₄₅₆₇₈₉₊ₖₗₘₙ", "0123456789+klmn", strict=True)
    },
}
GREEK = frozenset(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi "
    "omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)


def latex_name(name: str) -> str:
    r"""A name in mathematics: `x`, `\theta`, `x_{1}` of `x_1`, `\mathit{rate}`; a long name keeps its underscores."""
    first, *subscripts = name.split("_")
    if subscripts and all(subscripts) and _sign(first):
        return f"{_sign(first)}_{{{','.join(_sign(x) or _word(x) for x in subscripts)}}}"
    return _sign(name) or _word(name)


def _sign(text: str) -> str:
    """A letter, a number or the sign of a Greek letter; "" for another text."""
    if text in GREEK:
        return f"\\{text}"
    return text if text.isascii() and (text.isdigit() or (len(text) == 1 and text.isalpha())) else ""


def _word(text: str) -> str:
    return rf"\mathit{{{latex_text(text)}}}"


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
