"""The finished parts of a result in a folder, so that the next run of the same command need not compute them again.

The folder has a manifest in JSON Lines: what the parts belong to, a line for each finished part, and when all are there
how many rows they have together.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any
from zlib import crc32

from cgcli.diagnostics.diagnostic import error
from cgcli.files.locks import exclusive
from cgcli.files.writing import cannot_write, check_writable, write_atomic
from cgcli.version import VERSION

from .tasks import PartResult

MANIFEST = "manifest.ndjson"  # no `*.jsonl`, which are parts


class KeptParts:
    """Parts in a folder, by their number. folder: see `kept_parts`; None keeps nothing.

    entries: the lines of the manifest about finished parts.
    """

    def __init__(self, folder: str | None, ending: str) -> None:
        self.folder, self.ending = folder, ending
        self.entries: dict[int, Mapping[str, Any]] = {}

    def read(self, k: int) -> PartResult | None:
        """A finished part; None where it is not there or is damaged."""
        entry = self.entries.get(k)
        if entry is None or self.folder is None:
            return None
        data = b""
        if entry["file"] is not None:
            try:
                with open(os.path.join(self.folder, entry["file"]), "rb") as file:
                    data = file.read()
            except OSError:
                return None
        if crc32(data) != entry["crc32"]:
            return None
        return PartResult(data, entry["header"], entry["rows"], entry["skipped"], entry["warnings"])

    def keep(self, k: int, part: PartResult) -> None:
        """Keeps a finished part. Raises CgError (status 1) where it cannot be written."""
        if self.folder is None:
            return
        name = f"part-{k:05}.{self.ending}" if part.data else None
        if name is not None:
            write_atomic(os.path.join(self.folder, name), part.data)
        entry = {"part": k, "file": name, **part._asdict(), "crc32": crc32(part.data)}
        del entry["data"], entry["error"]
        self.entries[k] = entry
        self._append(entry)

    def finish(self, rows: int) -> None:
        """Notes in the manifest that all parts are there."""
        self._append({"parts": len(self.entries), "rows": rows})

    def remove(self) -> None:
        """Removes the parts and their folder."""
        if self.folder is not None:
            _remove(self.folder, self.entries)
            self.entries = {}

    def _append(self, line: Mapping[str, Any]) -> None:
        if self.folder is None:
            return
        path = os.path.join(self.folder, MANIFEST)
        try:
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        except OSError as problem:
            raise cannot_write(path, problem) from None


@contextmanager
def kept_parts(folder: str | None, key: str, ending: str) -> Iterator[KeptParts]:
    """The parts in a folder that is made where it is not there, with those that belong to the key; others are removed.

    ending: of the names of parts. Raises CgError: status 2 for a folder with other files, status 1 where it cannot be
    written or another process is at it.
    """
    parts = KeptParts(folder, ending)
    if folder is None:
        yield parts
        return
    check_writable(folder)
    manifest = os.path.join(folder, MANIFEST)
    try:
        names = os.listdir(folder) if os.path.lexists(folder) else []
        foreign = [name for name in names if not name.startswith(("part-", ".") if MANIFEST in names else ".")]
        if set(foreign) - {MANIFEST}:
            raise error("parts-folder", path=folder, name=min(foreign))
        os.makedirs(folder, exist_ok=True)
    except OSError as problem:
        raise cannot_write(folder, problem) from None
    try:
        with exclusive(manifest):
            first, entries = _read(manifest)
            about = {"cg": VERSION, "key": key, "ending": ending}
            if first == about:
                parts.entries = entries
            else:
                _remove(folder, entries)
            lines = [about, *parts.entries.values()]
            write_atomic(manifest, "".join(json.dumps(line) + "\n" for line in lines).encode())
            try:
                yield parts
            finally:
                if not parts.entries:
                    parts.remove()
    finally:
        with suppress(OSError):
            os.rmdir(folder)  # of parts that were removed


def _read(manifest: str) -> tuple[Any, dict[int, Mapping[str, Any]]]:
    """What the parts belong to, and the lines about them, up to the first that is damaged."""
    lines: list[Any] = []
    with suppress(OSError, ValueError), open(manifest, encoding="utf-8") as file:
        lines.extend(json.loads(line) for line in file)
    fields = {"part", "file", "header", "rows", "skipped", "warnings", "crc32"}
    entries: dict[int, Mapping[str, Any]] = {}
    for line in lines[1:]:
        if isinstance(line, dict) and fields <= line.keys():
            entries[line["part"]] = line
    return lines[0] if lines else None, entries


def _remove(folder: str, entries: Mapping[int, Mapping[str, Any]]) -> None:
    """Removes what a manifest names, and the manifest."""
    for name in [MANIFEST, *(str(entry["file"]) for entry in entries.values() if entry["file"] is not None)]:
        if os.path.basename(name) == name:
            with suppress(OSError):
                os.unlink(os.path.join(folder, name))
