"""URLs as they are shown: without what may be secret, a user's name and password and the query of a web address."""

from __future__ import annotations

import re

_SLASHES = "(?:://?|//)"  # what is mistyped may be secret all the same
_WEB = re.compile(rf"(?:https?|ftp){_SLASHES}", re.IGNORECASE)
_USER = re.compile(rf"([a-z][a-z0-9+.-]*://|\b(?:https?|ftp|s3|gs){_SLASHES})[^/\s'\"`]*@", re.IGNORECASE)
_QUERY = re.compile(rf"(\b(?:https?|ftp){_SLASHES}[^\s?#'\"`]*)[?#][^\s'\"`]*", re.IGNORECASE)
_HOST = re.compile(
    r"(https?://)(?!(?:\[[0-9a-f:.]*\]|[^:/\s?#'\"`]*)(?::\d*)?(?:[/\s?#'\"`]|$))[^\s'\"`]*", re.IGNORECASE
)
_WHOLE = re.compile(rf"((?:https?|ftp){_SLASHES})[^/?#]*@", re.IGNORECASE)  # of a text that is an address: with blanks


def without_secrets(text: str) -> str:
    """The text with its URLs as they may be shown: `https://host/x.csv?…`.

    A text that is a URL may have any character in its query. An address with a password that is not encoded is shown as
    `https://…`, for nobody can tell where it ends.
    """
    if _WEB.match(text) and "?" in text:
        text = text.partition("?")[0] + "?"
    text = _WHOLE.sub(r"\1", text, count=1) if _WHOLE.match(text) else text
    text = _HOST.sub(r"\1…", _USER.sub(r"\1", text))
    return _QUERY.sub(r"\1?…", text)
