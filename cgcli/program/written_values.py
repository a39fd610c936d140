"""Arrays by name as a file that `--inputs` and other programs read: an archive of NumPy's, or JSON."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

from cgcli.data.sinks import write_npz
from cgcli.diagnostics.diagnostic import error
from cgcli.files.writing import atomic_file
from cgcli.render.json import dump

KINDS = (".npz", ".json")


def write_values(path: str, values: Mapping[str, Any]) -> None:
    """Writes the arrays under their names, whole or not at all, in place of a file that is there.

    In JSON they are nested lists of numbers that read back to the same, a number where there are no axes; NaN and
    infinities are strings.

    Raises CgError: status 2 for another ending than `KINDS`, status 1 when the file cannot be written.
    """
    if PurePath(path).suffix.lower() not in KINDS:
        raise error("bad-target-kind", option="-o", path=path, kinds=list(KINDS))
    with atomic_file(path) as file:
        if PurePath(path).suffix.lower() == ".npz":
            write_npz(file, values.items())
        else:
            file.write(f"{dump(values)}\n".encode())
