"""What the libraries of stores and web servers raise, as errors of ours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from cgcli.diagnostics.diagnostic import CgError, error

WEB = ("https", "http")  # the schemes that are read only
ENDPOINTS = {
    "s3": "AWS_ENDPOINT_URL, which names another store than Amazon's",
    "gs": "STORAGE_EMULATOR_HOST, which names another store than Google's",
}
UNREACHABLE = {
    "ConnectTimeoutError": "it does not answer",
    "ServerTimeoutError": "it does not answer",
    "ConnectionTimeoutError": "it does not answer",
    "ReadTimeoutError": "it does not answer",
    "SocketTimeoutError": "it does not answer",
    "TimeoutError": "it does not answer",
    "FSTimeoutError": "it does not answer",
    "EndpointConnectionError": "nothing answers there",
    "ClientConnectorDNSError": "there is no such host",
    "ClientConnectorCertificateError": "its certificate is not trusted",
    "SSLError": "its certificate is not trusted",
    "ClientConnectorSSLError": "it does not speak TLS",
    "ClientConnectorError": "nothing answers there",
    "ProxyConnectionError": "the proxy does not answer",
    "ServerDisconnectedError": "the connection broke",
    "ConnectionClosedError": "the connection broke",
    "ClientPayloadError": "the connection broke",
    "IncompleteRead": "the connection broke",
    "ResponseStreamingError": "the connection broke",
    "ConnectionError": "the connection broke",
    "HTTPClientError": "the connection broke",
    "ClientOSError": "the connection broke",
    "TransportError": "the servers of Google do not answer",
}
"""By the class of an error of a library what it says of the other side; the first of the classes that it is counts."""
NO_CREDENTIALS = ("NoCredentialsError", "PartialCredentialsError", "DefaultCredentialsError")
DENIED = ("PermissionError", "CredentialRetrievalError", "TokenRetrievalError", "SSOError", "RefreshError")
REMEDIES = {
    "s3": "credentials are those of AWS's tools (`aws configure`, AWS_PROFILE); public objects: `FSSPEC_S3_ANON=true`",
    "gs": "credentials are those of Google's tools: `gcloud auth application-default login`",
    "https": "look at the address: one that was signed holds for a while only",
    "http": "look at the address: one that was signed holds for a while only",
}
DENIALS = (401, 403)  # the statuses of HTTP


@contextmanager
def explained(url: str, *, writing: bool = False) -> Iterator[None]:
    """Within, whatever the libraries raise becomes a CgError, but for FileNotFoundError."""
    try:
        yield
    except (CgError, FileNotFoundError):
        raise
    except Exception as problem:
        raise _error_of(url, problem, writing) from None


def _error_of(url: str, problem: Exception, writing: bool) -> CgError:
    """The error for what a library raised. Its text is shown only where it tells more than the class does."""
    names = [each.__name__ for each in type(problem).__mro__]
    scheme = url.partition("://")[0].lower()
    if "FileExpired" in names:
        return error("table-changed", status=1, file=url)
    if any(name in NO_CREDENTIALS for name in names):
        return error("url-credentials", status=1, url=url, remedy=REMEDIES[scheme])
    text = _text(problem)
    if is_denial(problem):
        reason = _first_line(text, scheme) or "forbidden"
        return error("url-denied", status=1, url=url, reason=reason, remedy=REMEDIES[scheme])
    away = next((UNREACHABLE[name] for name in names if name in UNREACHABLE), None)
    if away is not None:
        return error("url-unreachable", status=1, url=url, reason=away, where=ENDPOINTS.get(scheme, "the address"))
    if "ClientResponseError" in names and _status(problem) is None:
        reason = "it redirects without an end"
    elif "ClientResponseError" in names and "\n" in str(getattr(problem, "message", "")):  # quotes what came
        reason = "what answers there is no web server"
    elif "ClientResponseError" in names:
        reason = f"the server answers {_status(problem)} {getattr(problem, 'message', '')}".strip()
    elif "ParamValidationError" in names or "InvalidBucketName" in text:
        reason = "no bucket has such a name"
    elif "NonHttpUrlClientError" in names:
        reason = "it redirects to an address that is none of a web server"
    elif "InvalidURL" in names or "InvalidUrlClientError" in names:
        reason = "its host is no name of a host"
    elif "ValueError" in names and scheme in WEB:
        reason = "it is no address: look at its host and port"
    else:
        reason = _first_line(text, scheme) or type(problem).__name__
    return error("cannot-write" if writing else "file-unreadable", status=1, path=url, file=url, reason=reason)


def is_denial(problem: Exception) -> bool:
    """Whether a store or a web server knows who asks, and says no."""
    names = [each.__name__ for each in type(problem).__mro__]
    text = _text(problem)
    denied = any(name in DENIED for name in names) or _status(problem) in DENIALS
    return denied or text.startswith("Forbidden") or "nonymous caller" in text


def _status(problem: Exception) -> object:
    """The status of HTTP that an error has, if any."""
    return getattr(problem, "status", None) or getattr(problem, "code", None)


def _text(problem: Exception) -> str:
    return str(getattr(problem, "strerror", None) or problem)


def _first_line(text: str, scheme: str) -> str:
    """The first line of a library's message; of a web server's the status alone, for the URL is in it."""
    if scheme in WEB:
        match = re.match(r"\d{3}\b", text)
        return f"the server answers {match[0]}" if match else ""
    return " ".join((text.strip().splitlines() or [""])[0].split())[:200]
